"""Alerts and rows as text for a person, or as JSON for a program (docs/cli.md documents the latter)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from converter.reference.time import format_time
from converter.report.console import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from converter.reference.evaluate import Alert

_SHOWN_IDS = 5


def to_json(value: Any, *, indent: bool = False) -> str:
    """Return a value as JSON; what JSON does not know (times, addresses) as text."""
    return orjson.dumps(value, default=str, option=orjson.OPT_INDENT_2 if indent else 0).decode()


def ndjson(rows: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    """Yield a line for each row."""
    return (to_json(row) for row in rows)


def alerts_text(alerts: Sequence[Alert]) -> Iterable[str]:
    """Yield a line or two for each alert."""
    for alert in alerts:
        when = format_time(alert.first) if alert.first is not None else "no time"
        if alert.group is None:
            yield f"{printable(alert.rule)}: {when}: event {printable(str(alert.events[0]))}"
            continue
        until = f" to {format_time(alert.last)}" if alert.last is not None else ""
        group = ", ".join(f"{name}={value}" for name, value in alert.group) or "all events"
        yield f"{printable(alert.rule)}: {when}{until}: {len(alert.events)} events: {printable(group)}"
        yield f"  events: {shortened([printable(str(event)) for event in alert.events])}"


def rows_text(rows: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    """Yield `field=value` of each row on a line; values that are not plain as JSON."""
    for row in rows:
        yield "  ".join(f"{printable(str(name))}={_plain(value)}" for name, value in row.items() if value is not None)


def shortened(names: Sequence[str]) -> str:
    """Return the names, the middle of a long list left out and counted."""
    if len(names) <= 2 * _SHOWN_IDS + 1:
        return ", ".join(names)
    left_out = len(names) - 2 * _SHOWN_IDS
    return ", ".join([*names[:_SHOWN_IDS], f"... {left_out} more ...", *names[-_SHOWN_IDS:]])


def _plain(value: Any) -> str:
    return printable(value if isinstance(value, str) else to_json(value))
