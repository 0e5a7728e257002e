"""Run an EQL query on a log and read its results as alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.replaying import event_alerts, grouped_event_alerts, sequence_alerts
from converter.targets.eql.execute import run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from converter.target import Event, Query, TargetAlert


def alerts(query: Query, events: Sequence[Event]) -> tuple[TargetAlert, ...]:
    """Return the alerts of a query: sequences, or single events for a detection or a rule that counts to one."""
    rows = run(query.text, events)
    if query.group_by is None:
        return event_alerts(rows)
    if rows and "join_keys" not in rows[0]:
        return grouped_event_alerts(rows, query)
    return sequence_alerts(rows, query)
