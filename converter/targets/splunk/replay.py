"""Run a search on a log, once or on its schedule at every phase, and read its rows as alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from converter.replaying import event_alerts, seen_alerts
from converter.target import Run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from converter.target import Event, Query, TargetAlert


def replay(query: Query, events: Sequence[Event]) -> Sequence[Run]:
    """Return the alerts of a query: one run, or one for each phase of a saved search."""
    if query.language == "savedsearches":
        from converter.targets.splunk.conf import parse  # noqa: PLC0415  only this format needs it
        from converter.targets.splunk.schedule import SavedReplay  # noqa: PLC0415

        (saved,) = parse(query.text)
        ready = SavedReplay(saved, events)
        limit = query.verdict.limit
        runs = []
        for phase in ready.phases() or [0.0]:
            alerts = _alerts(ready.run_once(phase), query)
            runs.append(Run(f"{phase:g} s", alerts, full=limit is not None and ready.most >= limit.alerts))
        return tuple(runs)
    from converter.targets.splunk.execute import run  # noqa: PLC0415

    return (Run("", _alerts(run(query.text, events), query)),)


def _alerts(rows: Sequence[Mapping[str, Any]], query: Query) -> tuple[TargetAlert, ...]:
    if query.group_by is None:
        return event_alerts(rows)
    return seen_alerts(rows, query)
