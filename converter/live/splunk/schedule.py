"""Run a saved search on a live Splunk: one job for the window of each run, at every phase of its schedule.

    file ──saved_of──> SavedSearch, its search as a `LiveSearch`
        a job for the events that can matter ──> phases, windows (`SavedReplay`) ──a job each──> rows ──> Run

Splunk's scheduler is not used, because it runs in real time, and the events are from another time. The local engine's
schedule computes when runs are and which alerts are suppressed; Splunk runs the search over the window of each run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from converter.errors import QueryError
from converter.live.splunk.events import ID_FIELD, KEEP_ID, seconds, time_of, time_range
from converter.live.splunk.query import LiveSearch, live_search
from converter.targets.core.alerts import query_alerts
from converter.targets.splunk.engine.macros import expand, known_macros
from converter.targets.splunk.replay import edges_of, runs_of
from converter.targets.splunk.saved_search.alert_settings import check_settings, suppression_of
from converter.targets.splunk.saved_search.conf import parse as parse_file
from converter.targets.splunk.saved_search.contentctl import saved_search_of
from converter.targets.splunk.saved_search.schedule import SavedReplay, schedule_of
from converter.targets.splunk.saved_search.scheduled_search import ScheduledSearch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from converter.targets.core.target import Event, Query, Run, TargetAlert
    from converter.targets.splunk.saved_search.conf import SavedSearch

    Ask: TypeAlias = Callable[[str, str, str], list[dict[str, Any]]]

LANGUAGES = frozenset({"savedsearches", "contentctl"})

MAX_JOBS = 1000
"""The most jobs of a replay. A job takes a good part of a second, and each run that sees other events needs one."""

_MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class LiveSaved:
    """A saved search whose search can be run live."""

    saved: SavedSearch
    search: LiveSearch


def saved_of(query: Query) -> LiveSaved:
    """Read a file with one saved search, or a detection of contentctl.

    Raises:
        QueryError: the file cannot be read, or its search is not run live.
    """
    if query.language == "contentctl":
        saved, macros = saved_search_of(query.text)
    else:
        searches, macros = parse_file(query.text), ""
        if len(searches) != 1:
            raise searches[1].error("a file with several saved searches is not run live")
        saved = searches[0]
    try:
        expanded = expand(saved.search, known_macros(macros))
        search = live_search(saved.search if expanded is None else expanded.text)
    except QueryError as error:
        raise saved.query_error(error) from None
    if ScheduledSearch(saved, macros).reads_clock:
        raise saved.error("a search that reads the clock is not run live on a schedule", "search")
    check_settings(saved)
    schedule_of(saved)
    return LiveSaved(saved, search)


def replay_saved(
    live: LiveSaved,
    query: Query,
    events: Sequence[Event],
    narrowed: Callable[[LiveSearch], str],
    ask: Ask,
) -> tuple[Run, ...]:
    """Return the run of each phase of the schedule.

    Args:
        live: the saved search.
        query: the query of the saved search.
        events: all events that were stored.
        narrowed: returns the SPL of a search restricted to these events.
        ask: runs SPL between two times.

    Raises:
        QueryError: too many runs see events that the run before does not; or as `ask` raises.
    """
    if late := next((event for event in events if event.get("_indextime") is not None), None):
        raise live.saved.error(f"the event {late['_id']} has an index time, which Splunk sets itself")
    relevant = ask(narrowed(live.search.first) + KEEP_ID, *time_range(events))
    matter = {str(row.get(ID_FIELD)) for row in relevant}
    edges = edges_of(query, events)
    counted = _Counted(live.search.timed, matter)
    dry = SavedReplay(live.saved, events, None, edges, counted)
    phases = dry.phases() or [0.0]
    for phase in phases:
        dry.run_once(phase)
    if len(counted.windows) > MAX_JOBS:
        raise live.saved.error(
            f"at its {len(phases)} phases the schedule has {len(counted.windows)} runs that see other events than "
            f"the run before, and a live replay makes at most {MAX_JOBS} jobs", hint="give it a shorter log",
        )  # fmt: skip
    spl = narrowed(live.search)
    if query.group_by is None:
        suppression = suppression_of(live.saved)
        spl += KEEP_ID + "".join(f' "{name}"' for name in (suppression.fields if suppression is not None else ()))
    ready = SavedReplay(live.saved, events, None, edges, _Asked(spl, live.search.timed, matter, ask))
    times = {str(event["_id"]): event.get("_time") for event in events}

    def alerts(rows: list[dict[str, Any]]) -> tuple[TargetAlert, ...]:
        return query_alerts([with_id(row, times) for row in rows] if query.group_by is None else rows, query)

    return runs_of(ready, phases, query, alerts)


def with_id(row: Mapping[str, Any], times: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row as the local engine returns it: `_id`, and the event's exact time, which Splunk's results round."""
    number = row.get(ID_FIELD)
    if not isinstance(number, str):
        return {}
    return {"_id": number, "_time": times.get(number)}


class _Counted:
    """Stands in for a search: records the windows that it would run over, and finds nothing."""

    reads_clock = False
    first_half = None

    def __init__(self, timed: bool, matter: set[str]) -> None:  # noqa: FBT001  the interface of a schedule's search
        self.timed = timed
        self.windows: set[object] = set()
        self._matter = matter

    def relevant(self, event: Mapping[str, Any]) -> bool:
        return str(event["_id"]) in self._matter

    def found(self, events: Sequence[Mapping[str, Any]], now: float) -> list[dict[str, Any]]:
        del now
        if self.timed:
            return [{}]
        self.windows.add(tuple(str(event["_id"]) for event in events))
        return []

    def finished(self, rows: list[dict[str, Any]], now: float, window: tuple[float, float]) -> list[dict[str, Any]]:
        del rows, now
        self.windows.add(window)
        return []


class _Asked:
    """A search that Splunk runs."""

    reads_clock = False
    first_half = None

    def __init__(self, spl: str, timed: bool, matter: set[str], ask: Ask) -> None:  # noqa: FBT001  see _Counted
        self.timed = timed
        self._spl = spl
        self._matter = matter
        self._ask = ask

    def relevant(self, event: Mapping[str, Any]) -> bool:
        return str(event["_id"]) in self._matter

    def found(self, events: Sequence[Mapping[str, Any]], now: float) -> list[dict[str, Any]]:
        """Return the rows for these events, which are all events between the first and the last; see `finished`."""
        del now
        if self.timed:
            return [{}]  # the window decides
        times = [time_of(event) for event in events]
        return self._ask(self._spl, seconds(min(times)), seconds(max(times) + 1))

    def finished(self, rows: list[dict[str, Any]], now: float, window: tuple[float, float]) -> list[dict[str, Any]]:
        """Return the rows of a run; a search that reads its time range is run over exactly the run's window."""
        del now
        if not self.timed:
            return rows
        start, end = (round(edge * _MICRO) for edge in window)
        return self._ask(self._spl, seconds(start), seconds(end))
