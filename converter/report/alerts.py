"""Alerts and rows as text for a person, or as JSON for a program, which docs/cli.md documents."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import orjson

from converter.reference.time import format_time
from converter.report.layout import Line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from converter.reference.evaluate import Alert

_SHOWN_IDS = 5


def to_json(value: Any, *, indent: bool = False) -> str:
    """Return a value as JSON; values of other types (times, addresses) are strings."""
    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_INDENT_2 if indent else 0).decode()
    except TypeError:  # a whole number beyond 64 bits, more than 254 levels, half a surrogate pair
        return _slowly(value, indent=indent)


def _slowly(value: Any, *, indent: bool) -> str:
    """Do what `to_json` does, for what orjson does not write."""
    separators = (",", ": " if indent else ":")
    text = json.dumps(value, default=str, ensure_ascii=False, indent=2 if indent else None, separators=separators)
    return text.encode("utf-8", "backslashreplace").decode()


def ndjson(rows: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    """Yield a line for each row."""
    return (to_json(row) for row in rows)


def alerts_text(alerts: Sequence[Alert]) -> Iterator[Line]:
    """Yield one line for each event that a detection matches, two for each episode of a correlation."""
    for alert in alerts:
        first = format_time(alert.first) if alert.first is not None else "no time"
        if alert.group is None:
            yield Line(f"{alert.rule}: {first}: event {alert.events[0]}")
            continue
        until = f" to {format_time(alert.last)}" if alert.last is not None else ""
        group = ", ".join(f"{name}={value}" for name, value in alert.group) or "all events"
        yield Line(f"{alert.rule}: {first}{until}: {len(alert.events)} events: {group}")
        yield Line(f"events: {shortened([str(event) for event in alert.events])}", indent=2)


def rows_text(rows: Sequence[Mapping[str, Any]]) -> Iterator[Line]:
    """Yield a line of `field=value` for each row; a value that is not a string is JSON."""
    for row in rows:
        yield Line("  ".join(f"{name}={plain_value(value)}" for name, value in row.items() if value is not None))


def plain_value(value: Any) -> str:
    """Return a string as it is, and any other value as JSON."""
    return value if isinstance(value, str) else to_json(value)


def shortened(names: Sequence[str]) -> str:
    """Return the names with commas between them; of a long list the first and the last, and how many are between."""
    if len(names) <= 2 * _SHOWN_IDS + 1:
        return ", ".join(names)
    left_out = len(names) - 2 * _SHOWN_IDS
    return ", ".join([*names[:_SHOWN_IDS], f"... {left_out} more ...", *names[-_SHOWN_IDS:]])
