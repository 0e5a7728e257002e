"""When a saved search runs, what each run sees, and what the whole schedule finds in a log.

    cron_schedule, dispatch.*_time ──schedule_of──> Schedule ──runs──> (run, start, end) ──run_saved──> rows

A search that runs at R over earliest..latest sees the events with earliest <= _time < latest, both worked out from R.
The clock of the schedule may be moved against the log by a phase: snapping (`@h`) and cron follow the moved clock.
All times here are whole microseconds, so that no rounding moves an event over the edge of a window; the functions for
others take and give seconds.

Sources: the edges of a window: https://help.splunk.com/?resourceId=SCS_Search_Timemodifiers. Units, and the offset
before the snap: Splunk Search Manual, "Specify time modifiers in your search" (`@w` is `@w0`, Sunday). Cron,
dispatch.*, counttype, relation, quantity, alert.*, allow_skew, schedule_window: savedsearches.conf.spec 10.4; neither a
skew nor a schedule window moves the time range of a run unless allow_data_time_skew is set. Suppression: the same, and
Splunk Alerting Manual, "Throttle alerts". Snaps to days and weeks are in UTC here, in the owner's time zone there.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import lcm
from operator import is_
from typing import TYPE_CHECKING, Any

from converter.targets.splunk.saved_search.alert_settings import check_settings, flag, suppression_of
from converter.targets.splunk.saved_search.conf import SavedSearch, parse
from converter.targets.splunk.saved_search.cron import MICRO, Relative, Runs, read_cron, read_relative
from converter.targets.splunk.saved_search.scheduled_search import RunSearch, ScheduledSearch

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence

    from converter.errors import LogError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Schedule:
    """A search that runs when a cron line says, over earliest..latest of each run."""

    runs: Runs
    earliest: Relative
    latest: Relative

    @property
    def period_s(self) -> int:
        """After how many seconds a shift of the clock is the same shift again: the cycle, or a longer snap."""
        snaps = [edge.snap // MICRO for edge in (self.earliest, self.latest) if edge.snap]
        return lcm(self.runs.cycle, *snaps)

    def next_run(self, clock: int) -> int:
        """Return the first run at `clock` or after it, in microseconds."""
        begin, into = divmod(clock, self.runs.cycle * MICRO)
        at = bisect_left(self.runs.offsets, -(-into // MICRO))
        later, offset = divmod(at, len(self.runs.offsets))
        return (begin + later) * self.runs.cycle * MICRO + self.runs.offsets[offset] * MICRO


def schedule_of(saved: SavedSearch) -> Schedule:
    """Return when a saved search runs and over what.

    Raises:
        QueryError: it is not scheduled; its cron line or its times are of a form that is not simulated.
    """
    settings = saved.settings
    if not flag(saved, "enableSched", default="0"):
        raise saved.error("the search is not scheduled", "enableSched", "set enableSched = 1 and cron_schedule")
    if flag(saved, "disabled", default="0"):
        raise saved.error("the search is disabled", "disabled")
    cron = settings.get("cron_schedule")
    if cron is None:
        raise saved.error("a scheduled search needs cron_schedule", "enableSched", "such as */5 * * * *")
    runs = read_cron(saved, cron)
    if not settings.get("dispatch.earliest_time"):
        raise saved.error(
            "the search has no dispatch.earliest_time, so each run reads all time", "dispatch.earliest_time",
            "such as -10m",
        )  # fmt: skip
    earliest = read_relative(saved, "dispatch.earliest_time", settings["dispatch.earliest_time"])
    latest = read_relative(saved, "dispatch.latest_time", settings.get("dispatch.latest_time") or "now")
    schedule = Schedule(runs, earliest, latest)
    for _, start, end in _residues(schedule):
        if end > 0:
            raise saved.error("a window that ends in the future is not simulated", "dispatch.latest_time")
        if start >= end:
            raise saved.error(
                "the window of this search is empty: earliest is not before latest", "dispatch.earliest_time"
            )
    return schedule


def phases(schedule: Schedule, event_times: Iterable[float], index_times: Iterable[float] = ()) -> list[float]:
    """Return one phase, in seconds, of every class of phases in which all runs see the same events.

    An event at t is seen by the runs R with t - latest < R <= t - earliest that come after it was indexed, so what is
    seen changes just after those edges, and a class of phases holds its upper edge.
    """
    period = schedule.period_s * MICRO
    residues = list(_residues(schedule))
    phases_found: set[int] = set()
    for time in {round(time * MICRO) for time in event_times}:
        for clock, start, end in residues:
            phases_found.add((time - start - clock) % period)
            phases_found.add((time - end - clock) % period)
    for time in {round(time * MICRO) for time in index_times}:
        phases_found.update((time - clock) % period for clock, _, _ in residues)
    return [phase / MICRO for phase in sorted(phases_found) or [0]]


def windows(schedule: Schedule, event_times: Iterable[float], phase: float) -> list[tuple[float, float]]:
    """Return the (start, end) of every run at `phase` that sees an event; the end is not in the window."""
    times = sorted(round(time * MICRO) for time in event_times)
    return [(start / MICRO, end / MICRO) for _, start, end in _runs(schedule, times, round(phase * MICRO))]


def run_saved(
    text: str,
    events: Iterable[Mapping[str, Any]],
    *,
    phase: float = 0.0,
    name: str | None = None,
    on_error: Callable[[LogError], None] | None = None,
) -> list[dict[str, Any]]:
    """Return the rows of every run of the saved searches in the file `text` that triggers, each with `run`.

    Args:
        text: a savedsearches.conf.
        events: events as Splunk has them; one without `_time` is in no window.
        phase: by how many seconds the clock of the schedule is moved against the log.
        name: the title of the one search to run; None for all.
        on_error: called with the error of each event whose `_time` is not a time; it is left out.

    Raises:
        QueryError: the file or a search is wrong, or asks for what is not simulated.
        LogError: without `on_error`: an event has a `_time` that is not a time.
    """
    saved = [search for search in parse(text) if name is None or search.name == name]
    from converter.targets.splunk.engine.execute import usable  # noqa: PLC0415  reading alone needs no engine

    everything = list(events if on_error is None else usable(events, on_error))
    return [row for search in saved for row in SavedReplay(search, everything).run(phase)]


@dataclass(frozen=True, slots=True)
class _Log:
    """The events that can matter to a search, and what the first half of the search gives for windows of them.

    Attributes:
        timed: time, position in the log, event; in order of time.
        times: the times alone.
        indexed: when each was indexed; None if none is late.
        rows: by the events that a run sees, and the moment if the first half reads the clock.
    """

    timed: list[tuple[int, int, Mapping[str, Any]]]
    times: list[int]
    indexed: list[int | None] | None
    rows: dict[object, list[dict[str, Any]]]


_recent: deque[tuple[Hashable, Sequence[Mapping[str, Any]], _Log]] = deque(maxlen=2)
"""First half, events, log: the formats of one rule are replayed one after another, and differ in the second half only.

The events are held, so that no other event gets the identity of one of them.
"""


def _log_of(search: RunSearch, events: Sequence[Mapping[str, Any]]) -> _Log:
    half = search.first_half
    if half is not None:
        for known, others, log in _recent:
            if len(others) == len(events) and all(map(is_, others, events)) and known == half:
                return log
    timed = [
        (time, position, event)
        for position, event in enumerate(events)
        if (time := _time_us(event.get("_time"))) is not None and search.relevant(event)
    ]
    timed.sort(key=lambda entry: entry[:2])
    times = [time for time, _, _ in timed]
    indexed = [_time_us(event.get("_indextime")) for _, _, event in timed]
    late = any(at is not None and at > time for at, time in zip(indexed, times, strict=True))
    log = _Log(timed, times, indexed if late else None, {})
    if half is not None:
        _recent.append((half, events, log))
    return log


def check(text: str) -> None:
    """Refuse a savedsearches.conf with a search or a schedule that is wrong or not simulated. Raises QueryError."""
    for saved in parse(text):
        SavedReplay(saved, ())


class SavedReplay:
    """One saved search and one log, ready to be run at any phase.

    An event with `_indextime` is seen by the runs after that time only; any other is there when it happens.

    Args:
        saved: the search.
        events: the log.
        macros: the text of a macros.conf.
        edges: for a search that reads its time range: times in seconds such that it can only find something else in
            the next run if an event, or one of these, enters or leaves its window. Without them each run counts.
        search: what runs the search in place of this engine.
    """

    def __init__(
        self,
        saved: SavedSearch,
        events: Iterable[Mapping[str, Any]],
        macros: str | None = None,
        edges: Iterable[float] | None = None,
        search: RunSearch | None = None,
    ) -> None:
        check_settings(saved)
        self._schedule = schedule_of(saved)
        self._suppression = suppression_of(saved)
        self._search: RunSearch = ScheduledSearch(saved, macros) if search is None else search
        self._log = _log_of(self._search, list(events))
        self._times = self._log.times
        self._indexed = self._log.indexed
        self._marks = None if edges is None else sorted([*self._times, *(round(edge * MICRO) for edge in edges)])
        self.most = 0
        """How many rows a single run of the phase that was run last gave at most."""

    def phases(self) -> list[float]:
        """Return one phase, in seconds, of every class of phases with the same outcome."""
        marks = self._times if self._marks is None else self._marks
        return phases(self._schedule, [mark / MICRO for mark in marks] if self._times else [], self._index_times())

    def run(self, phase: float) -> list[dict[str, Any]]:
        """Return the rows of all runs that trigger, each with `run`, the time of the run in epoch seconds."""
        return self._alerts(phase, once=False)

    def run_once(self, phase: float) -> list[dict[str, Any]]:
        """Return the rows of `run`; of those that runs give again because they see the same events, one repetition.

        How long this takes depends on the events, and not on how long each of them is seen.
        """
        return self._alerts(phase, once=True)

    def _index_times(self) -> list[float]:
        return [at / MICRO for at in self._indexed or () if at is not None]

    def _alerts(self, phase: float, *, once: bool) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        last: dict[tuple[str, ...], int] = {}
        self.most = 0
        seen: list[dict[str, Any]] = []
        edges: tuple[int, int] = (0, 0)
        repeated = False
        moment = 0

        def next_change() -> int | None:
            if self._suppression is not None:
                return self._suppression.over(seen, last)
            return moment if seen and not repeated else None

        skip = once and self._indexed is None and (not self._search.timed or self._marks is not None)
        for moment, start, end in _runs(
            self._schedule, self._times, round(phase * MICRO), next_change if skip else None, self._marks
        ):
            before, edges = edges, (bisect_left(self._times, start), bisect_left(self._times, end))
            repeated = before == edges
            seen = alerting = self._rows(*edges, moment, (start, end))
            if self._suppression is not None:
                alerting = self._suppression.kept(alerting, moment, last)
            self.most = max(self.most, len(alerting))
            run = moment / MICRO
            rows.extend({"run": int(run) if run.is_integer() else run, **row} for row in alerting)
        return rows

    def _rows(self, low: int, high: int, moment: int, window: tuple[int, int]) -> list[dict[str, Any]]:
        hidden: tuple[int, ...] = ()
        if self._indexed is not None:
            indexed = self._indexed
            hidden = tuple(at for at in range(low, high) if (known := indexed[at]) is not None and known >= moment)
        key = (low, high, hidden, moment if self._search.reads_clock else None)
        rows = self._log.rows.get(key)
        if rows is None:
            left_out = set(hidden)
            seen = sorted(
                (self._log.timed[at] for at in range(low, high) if at not in left_out), key=lambda timed: timed[1]
            )
            rows = self._search.found([event for _, _, event in seen], moment / MICRO)
            self._log.rows[key] = rows
        return self._search.finished(rows, moment / MICRO, (window[0] / MICRO, window[1] / MICRO)) if rows else rows


def _residues(schedule: Schedule) -> Iterator[tuple[int, int, int]]:
    """Yield, for each run within one period, its clock and how far from it its window starts and ends."""
    for cycle in range(0, schedule.period_s, schedule.runs.cycle):
        for offset in schedule.runs.offsets:
            clock = (cycle + offset) * MICRO
            yield clock, schedule.earliest.at(clock) - clock, schedule.latest.at(clock) - clock


def _runs(
    schedule: Schedule,
    times: Sequence[int],
    phase: int,
    change: Callable[[], int | None] | None = None,
    marks: Sequence[int] | None = None,
) -> Iterator[tuple[int, int, int]]:
    """Yield (run, start, end) of each run that sees an event of the sorted `times`.

    Args:
        schedule: when it runs, over what.
        times: in microseconds.
        phase: by how much the clock is moved.
        change: if given, runs that see the same events as the one before are left out; it is asked after each run for
            a moment from which on even the same events may give something else.
        marks: then what else may not enter or leave a window in between, with the times; sorted.
    """
    marks = times if marks is None else marks
    if not times:
        return
    residues = list(_residues(schedule))
    shortest = max(end for _, _, end in residues)
    longest = min(start for _, start, _ in residues)
    latest_start = max(start for _, start, _ in residues)

    def first_clock(time: int) -> int:
        """Return the clock of the first run that may see an event at `time`."""
        return schedule.next_run(time - phase - shortest + 1)

    clock = first_clock(times[0])
    while clock + phase <= times[-1] - longest:
        start, end = schedule.earliest.at(clock) + phase, schedule.latest.at(clock) + phase
        low = bisect_left(times, start)
        if low < len(times) and times[low] < end:
            yield clock + phase, start, end
            clock = schedule.next_run(clock + 1)
            if change is None:
                continue
            low, high = bisect_left(marks, start), bisect_left(marks, end)
            candidates = [first_clock(marks[low] - latest_start + shortest)]  # the oldest one leaves
            if high < len(marks):
                candidates.append(first_clock(marks[high]))
            if (moment := change()) is not None:
                candidates.append(schedule.next_run(max(clock, moment - phase)))
            clock = max(clock, min(candidates))
        elif low < len(times):
            clock = max(schedule.next_run(clock + 1), first_clock(times[low]))
        else:
            return


def _time_us(value: Any) -> int | None:
    """Return an event's `_time` in whole microseconds; None if it has none that can be read."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int):
        return value * MICRO
    try:
        return round(float(value) * MICRO)
    except (TypeError, ValueError, OverflowError):
        pass
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // timedelta(microseconds=1)
