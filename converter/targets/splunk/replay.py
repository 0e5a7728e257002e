"""Run a search on a log, once or on its schedule at every phase, and read its rows as alerts."""

from __future__ import annotations

import re
from collections import Counter
from math import floor
from typing import TYPE_CHECKING, Any

from converter.errors import QueryError
from converter.reference.time import SECOND, event_time
from converter.targets.core.alerts import event_alerts, query_alerts
from converter.targets.core.target import Run
from converter.targets.splunk.engine.commands.tstats_fields import Tstats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import TypeAlias

    from converter.targets.core.target import Event, Query, TargetAlert
    from converter.targets.splunk.saved_search.schedule import SavedReplay

    Row: TypeAlias = dict[str, Any]


_MARGIN = re.compile(r"-info_min_time,6\)>=([0-9]+)")
_OVER = re.compile(r"round\(info_max_time-\w+,6\)>([0-9]+)")


def replay(query: Query, events: Sequence[Event]) -> Sequence[Run]:
    """Return the alerts of a query: one run, or one for each phase of a saved search."""
    if query.language in {"savedsearches", "contentctl"}:
        return _scheduled(query, events)
    if query.format == "data_model":
        return (Run("", _counted(query, events)),)
    from converter.targets.splunk.engine.execute import run  # noqa: PLC0415

    return (Run("", query_alerts(run(query.text, events), query)),)


def _scheduled(query: Query, events: Sequence[Event]) -> Sequence[Run]:
    """Return the alerts of a saved search at every phase; each is one that a person gets."""
    from converter.targets.splunk.saved_search.conf import parse  # noqa: PLC0415  only files need it
    from converter.targets.splunk.saved_search.schedule import SavedReplay  # noqa: PLC0415

    if query.language == "contentctl":
        from converter.targets.splunk.saved_search.contentctl import saved_search_of  # noqa: PLC0415  only this format needs it

        saved, macros = saved_search_of(query.text)
    else:
        (saved,), macros = parse(query.text), None
    ready = SavedReplay(saved, events, macros, edges_of(query, events))
    return runs_of(ready, ready.phases() or [0.0], query, lambda rows: query_alerts(rows, query))


def runs_of(
    ready: SavedReplay, phases: Iterable[float], query: Query, alerts: Callable[[list[Row]], tuple[TargetAlert, ...]]
) -> tuple[Run, ...]:
    """Return what each phase of a schedule finds; `alerts` reads the rows of a phase."""
    limit = query.verdict.limit
    runs = []
    for phase in phases:
        own = alerts(ready.run_once(phase))
        full = limit is not None and ready.most >= limit.alerts
        runs.append(Run(f"{phase:g} s", own, full=full, once=True))
    return tuple(runs)


def edges_of(query: Query, events: Sequence[Event]) -> list[float]:
    """Return the times at which a row begins or ceases to be given, because of where it lies in the window of a run.

    That is when an event is as far from the begin or the end of the window as the search asks for, or when the fixed
    window that holds it is whole; a microsecond before that, as what begins at a moment is there at it.
    """
    span = query.timespan
    if span is None:
        return []
    times = [time / SECOND for event in events if (time := event_time(event)) is not None]
    starts = {floor(time / span) * span for time in times}
    margins = [int(margin) for margin in _MARGIN.findall(query.text)]
    over = [int(margin) for margin in _OVER.findall(query.text)]
    return [
        *(time - margin for time in times for margin in margins),
        *(time + margin for time in times for margin in over),
        *starts,
        *(start + span - 1e-6 for start in starts),
    ]


def _counted(query: Query, events: Sequence[Event]) -> tuple[TargetAlert, ...]:
    """Return the events that the rows of a tstats stand for.

    The search runs over all events, and over each alone. What it finds alone it must count in the rows over all, no
    more and no less; then the events that are found alone are those that the rows stand for.
    """
    from converter.targets.splunk.engine.execute import compile_query  # noqa: PLC0415
    from converter.targets.splunk.engine.parse import parse  # noqa: PLC0415

    tree = parse(query.text)
    run = compile_query(tree, query.text)
    match tree.commands[0]:
        case Tstats(aggregates=aggregates):
            columns = {aggregate.function: aggregate.name for aggregate in aggregates if aggregate.argument is None}
            measured = {aggregate.name for aggregate in aggregates}
        case _:
            raise QueryError("a search over a data model must begin with tstats")
    if "count" not in columns:
        raise QueryError("the rows of the search have no count, so nothing says how many events they stand for")

    def counts(rows: Sequence[Mapping[str, Any]]) -> Counter[tuple[tuple[str, str], ...]]:
        counted: Counter[tuple[tuple[str, str], ...]] = Counter()
        for row in rows:
            key = tuple(sorted((name, str(value)) for name, value in row.items() if name not in measured))
            counted[key] += int(row[columns["count"]])
        return counted

    single: Counter[tuple[tuple[str, str], ...]] = Counter()
    alerts: list[TargetAlert] = []
    for event in events:
        if rows := run([event], {}):
            single += counts(rows)
            alerts += event_alerts([event])
    if counts(run(events, {})) != single:
        raise QueryError("the rows of the search do not add up to events, so they cannot be compared")
    return tuple(alerts)
