"""Run a rule file on a log, at every phase of its schedule, and read its alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.reference.time import parse_time
from converter.targets.core.alerts import event_alerts, group_of, grouped_event_alerts, seen_alerts
from converter.targets.core.target import Run, TargetAlert
from converter.targets.elastic_toml.engine.execute import Replay
from converter.targets.elastic_toml.engine.rule import parse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from converter.targets.core.target import Event, Query


def replay(query: Query, events: Sequence[Event]) -> Sequence[Run]:
    """Return the alerts of a rule file, one run for each phase; a log without matching events has a single phase."""
    rule = parse(query.text)
    ready = Replay(rule, events)
    return tuple(
        Run(f"{phase} ms", _alerts(ready.run_once(phase), query, rule.type), full=ready.full)
        for phase in ready.phases() or [0]
    )


def _alerts(rows: Sequence[Mapping[str, Any]], query: Query, kind: str) -> tuple[TargetAlert, ...]:
    if query.group_by is None:
        return event_alerts(rows)
    if not rows:
        return ()
    if kind == "esql":
        return seen_alerts(rows, query)
    if "group" in rows[0] and "_ids" in rows[0]:
        return tuple(
            TargetAlert(
                group_of(row["group"], query.group_by),
                parse_time(row["first"]),
                parse_time(row["last"]),
                tuple(str(event) for event in row["_ids"]),
            )
            for row in rows
        )
    return grouped_event_alerts(rows, query)
