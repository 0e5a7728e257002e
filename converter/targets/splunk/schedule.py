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

import re
from bisect import bisect_left
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import lcm
from typing import TYPE_CHECKING, Any

from converter.errors import QueryError, suggest
from converter.targets.splunk.conf import SavedSearch, parse
from converter.targets.splunk.cron import MICRO, Relative, read_cron, read_relative, read_unit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PERIOD = re.compile(r"([1-9]\d{0,8})([a-zA-Z]*)")

_TRUE = frozenset({"1", "true", "t", "yes", "y"})
_FALSE = frozenset({"0", "false", "f", "no", "n", ""})
_KNOWN = frozenset(
    {
        "alert_condition", "allow_data_time_skew", "allow_skew", "counttype", "cron_schedule", "description",
        "disabled", "dispatch.earliest_time", "dispatch.index_earliest", "dispatch.index_latest",
        "dispatch.latest_time",
        "dispatch.max_count", "dispatch.max_time", "dispatch.ttl", "dispatch.sample_ratio", "dispatchAs", "displayview",
        "enableSched", "is_visible", "max_concurrent", "quantity", "realtime_schedule", "relation", "schedule_as",
        "schedule_priority", "schedule_window", "search", "vsid", "workload_pool", "alert.digest_mode",
        "alert.display_view", "alert.expires", "alert.managedBy", "alert.severity", "alert.suppress",
        "alert.suppress.fields", "alert.suppress.group_name", "alert.suppress.period", "alert.track",
        "federated_providers", "run_on_startup", "run_n_times", "action_email", "action_rss", "role", "userid",
    }
)  # fmt: skip
_KNOWN_BEGINNINGS = ("action.", "auto_summarize", "dispatch.", "display.", "durable.", "embed.", "request.")


@dataclass(frozen=True, slots=True)
class Schedule:
    """A search that runs every `interval_s` seconds, `offset_s` after midnight UTC first, over earliest..latest."""

    interval_s: int
    earliest: Relative
    latest: Relative
    offset_s: int = 0

    @property
    def period_s(self) -> int:
        """After how many seconds a shift of the clock is the same shift again: the interval, or a longer snap."""
        snaps = [edge.snap // MICRO for edge in (self.earliest, self.latest) if edge.snap]
        return lcm(self.interval_s, *snaps)


def schedule_of(saved: SavedSearch) -> Schedule:
    """Return when a saved search runs and over what.

    Raises:
        QueryError: it is not scheduled; its cron line or its times are of a form that is not simulated.
    """
    settings = saved.settings
    if not _flag(saved, "enableSched", default="0"):
        raise saved.error("the search is not scheduled", "enableSched", "set enableSched = 1 and cron_schedule")
    if _flag(saved, "disabled", default="0"):
        raise saved.error("the search is disabled", "disabled")
    cron = settings.get("cron_schedule")
    if cron is None:
        raise saved.error("a scheduled search needs cron_schedule", "enableSched", "such as */5 * * * *")
    interval, offset = read_cron(saved, cron)
    if not settings.get("dispatch.earliest_time"):
        raise saved.error(
            "the search has no dispatch.earliest_time, so each run reads all time", "dispatch.earliest_time",
            "such as -10m",
        )  # fmt: skip
    earliest = read_relative(saved, "dispatch.earliest_time", settings["dispatch.earliest_time"])
    latest = read_relative(saved, "dispatch.latest_time", settings.get("dispatch.latest_time") or "now")
    schedule = Schedule(interval, earliest, latest, offset)
    for _, start, end in _residues(schedule):
        if end > 0:
            raise saved.error("a window that ends in the future is not simulated", "dispatch.latest_time")
        if start >= end:
            raise saved.error(
                "the window of this search is empty: earliest is not before latest", "dispatch.earliest_time"
            )
    return schedule


def phases(schedule: Schedule, event_times: Iterable[float]) -> list[float]:
    """Return one phase, in seconds, of every class of phases in which all runs see the same events.

    An event at t is seen by the runs R with t - latest < R <= t - earliest, so what is seen changes just after those
    edges, and a class of phases holds its upper edge.
    """
    period = schedule.period_s * MICRO
    residues = list(_residues(schedule))
    found: set[int] = set()
    for time in {round(time * MICRO) for time in event_times}:
        for clock, start, end in residues:
            found.add((time - start - clock) % period)
            found.add((time - end - clock) % period)
    return [phase / MICRO for phase in sorted(found) or [0]]


def windows(schedule: Schedule, event_times: Iterable[float], phase: float) -> list[tuple[float, float]]:
    """Return the (start, end) of every run at `phase` that sees an event; the end is not in the window."""
    times = sorted(round(time * MICRO) for time in event_times)
    return [(start / MICRO, end / MICRO) for _, start, end in _runs(schedule, times, round(phase * MICRO))]


def run_saved(
    text: str, events: Iterable[Mapping[str, Any]], *, phase: float = 0.0, name: str | None = None
) -> list[dict[str, Any]]:
    """Return the rows of every run of the saved searches in the file `text` that triggers, each with `run`.

    Args:
        text: a savedsearches.conf.
        events: events as Splunk has them; one without `_time` is in no window.
        phase: by how many seconds the clock of the schedule is moved against the log.
        name: the title of the one search to run; None for all.

    Raises:
        QueryError: the file or a search is wrong, or asks for what is not simulated.
    """
    saved = [one for one in parse(text) if name is None or one.name == name]
    kept = list(events)
    return [row for one in saved for row in SavedReplay(one, kept).run(phase)]


@dataclass(frozen=True, slots=True)
class Suppression:
    """For how long after an alert no other follows: none at all, or none with the same values of `fields`."""

    period_us: int
    fields: tuple[str, ...]

    def kept(self, rows: list[dict[str, Any]], run: int, last: dict[tuple[str, ...], int]) -> list[dict[str, Any]]:
        """Return the rows of a run that alert, and note them in `last`, the time of the last alert by values.

        The period begins with the alert and ends before the moment that it has passed.
        """
        kept: list[dict[str, Any]] = []
        keys = [tuple(str(row.get(name)) for name in self.fields) for row in rows]
        earlier = dict(last)
        for row, key in zip(rows, keys, strict=True):
            if key in earlier and run - earlier[key] < self.period_us:
                continue
            if self.fields and last.get(key) == run:  # the results of one run alert one after another
                continue
            last[key] = run
            kept.append(row)
        return kept

    def over(self, rows: list[dict[str, Any]], last: Mapping[tuple[str, ...], int]) -> int | None:
        """Return when the first of these rows may alert again; None: nothing suppresses one."""
        keys = (tuple(str(row.get(name)) for name in self.fields) for row in rows)
        return min((last[key] + self.period_us for key in keys if key in last), default=None)


class SavedReplay:
    """One saved search and one log, ready to be run at any phase."""

    def __init__(self, saved: SavedSearch, events: Iterable[Mapping[str, Any]]) -> None:
        _check_known(saved)
        _check_trigger(saved)
        self._schedule = schedule_of(saved)
        self._suppression = _suppression(saved)
        self._saved = saved
        self._query, relevant = _compiled(saved)
        timed = [
            (time, position, event)
            for position, event in enumerate(events)
            if (time := _time_us(event.get("_time"))) is not None and relevant(event)
        ]
        timed.sort(key=lambda entry: entry[:2])
        self._timed = timed
        self._times = [time for time, _, _ in timed]
        self._memory: dict[tuple[int, int], list[dict[str, Any]]] = {}
        self.most = 0
        """How many rows a single run of the phase that was run last gave at most."""

    def phases(self) -> list[float]:
        """Return one phase, in seconds, of every class of phases with the same outcome."""
        return phases(self._schedule, (time / MICRO for time in self._times))

    def run(self, phase: float) -> list[dict[str, Any]]:
        """Return the rows of all runs that trigger, each with `run`, the time of the run in epoch seconds."""
        return self._alerts(phase, once=False)

    def run_once(self, phase: float) -> list[dict[str, Any]]:
        """Return the rows of `run`, without those that a run gives again because it sees the same events.

        How long this takes depends on the events, and not on how long each of them is seen.
        """
        return self._alerts(phase, once=True)

    def _alerts(self, phase: float, *, once: bool) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        last: dict[tuple[str, ...], int] = {}
        self.most = 0
        seen: list[dict[str, Any]] = []

        def next_change() -> int | None:
            return None if self._suppression is None else self._suppression.over(seen, last)

        runs = _runs(self._schedule, self._times, round(phase * MICRO), next_change if once else None)
        for moment, start, end in runs:
            seen = found = self._rows(bisect_left(self._times, start), bisect_left(self._times, end))
            if self._suppression is not None:
                found = self._suppression.kept(found, moment, last)
            self.most = max(self.most, len(found))
            run = moment / MICRO
            rows.extend({"run": int(run) if run.is_integer() else run, **row} for row in found)
        return rows

    def _rows(self, low: int, high: int) -> list[dict[str, Any]]:
        rows = self._memory.get((low, high))
        if rows is None:
            seen = sorted(self._timed[low:high], key=lambda entry: entry[1])
            try:
                rows = self._query([event for _, _, event in seen], {})
            except QueryError as error:
                raise self._saved.query_error(error) from None
            self._memory[low, high] = rows
        return rows


def _compiled(
    saved: SavedSearch,
) -> tuple[Callable[..., list[dict[str, Any]]], Callable[[Mapping[str, Any]], bool]]:
    """Return the search, and a test whether an event passes its first command: others cannot matter to any run."""
    from converter.targets.splunk import execute, syntax  # noqa: PLC0415 - the conf parser alone needs no engine
    from converter.targets.splunk.parse import parse as parse_search  # noqa: PLC0415

    try:
        tree = parse_search(saved.search)
        query = execute.compile_query(tree, saved.search)
    except QueryError as error:
        raise saved.query_error(error) from None
    first = tree.commands[0]
    if not isinstance(first, syntax.Search):
        return query, lambda event: True  # noqa: ARG005 - whatever the event
    filtered = execute.compile_query(replace(tree, commands=(first,)), saved.search)

    def relevant(event: Mapping[str, Any]) -> bool:
        try:
            return bool(filtered([event], {}))
        except QueryError as error:
            raise saved.query_error(error) from None

    return query, relevant


def _residues(schedule: Schedule) -> Iterator[tuple[int, int, int]]:
    """Yield, for each run within one period, its clock and how far from it its window starts and ends."""
    for clock_s in range(schedule.offset_s, schedule.offset_s + schedule.period_s, schedule.interval_s):
        clock = clock_s * MICRO
        yield clock, schedule.earliest.at(clock) - clock, schedule.latest.at(clock) - clock


def _runs(
    schedule: Schedule, times: Sequence[int], phase: int, change: Callable[[], int | None] | None = None
) -> Iterator[tuple[int, int, int]]:
    """Yield (run, start, end) of each run that sees an event of the sorted `times`.

    Args:
        schedule: when it runs, over what.
        times: in microseconds.
        phase: by how much the clock is moved.
        change: if given, runs that see the same events as the one before are left out; it is asked after each run for
            a moment from which on even the same events may give something else.
    """
    if not times:
        return
    interval, offset = schedule.interval_s * MICRO, schedule.offset_s * MICRO
    residues = list(_residues(schedule))
    shortest = max(end for _, _, end in residues)
    longest = min(start for _, start, _ in residues)
    latest_start = max(start for _, start, _ in residues)

    def first_clock(time: int) -> int:
        """Return the clock of the first run that may see an event at `time`."""
        after = time - phase - shortest
        return after - (after - offset) % interval + interval

    clock = first_clock(times[0])
    while clock + phase <= times[-1] - longest:
        start, end = schedule.earliest.at(clock) + phase, schedule.latest.at(clock) + phase
        low = bisect_left(times, start)
        if low < len(times) and times[low] < end:
            yield clock + phase, start, end
            clock += interval
            if change is None:
                continue
            high = bisect_left(times, end, low)
            candidates = [first_clock(times[low] - latest_start + shortest)]  # the oldest event leaves
            if high < len(times):
                candidates.append(first_clock(times[high]))
            if (moment := change()) is not None:
                candidates.append(clock + (max(0, moment - phase - clock) + interval - 1) // interval * interval)
            clock = max(clock, min(candidates))
        elif low < len(times):
            clock = max(clock + interval, first_clock(times[low]))
        else:
            return


def _check_known(saved: SavedSearch) -> None:
    """Refuse keys that are misspelt, and keys that would change what the runs see and are not simulated."""
    for key in saved.settings:
        if key not in _KNOWN and not key.startswith(_KNOWN_BEGINNINGS):
            raise saved.error(f"unknown key {key!r}", key, suggest(key, _KNOWN))
    for key in ("dispatch.index_earliest", "dispatch.index_latest"):
        if saved.settings.get(key):
            raise saved.error(f"{key} selects by index time, which is not simulated", key)
    if _flag(saved, "allow_data_time_skew", default="0"):
        raise saved.error("allow_data_time_skew moves windows at random", "allow_data_time_skew")
    if saved.settings.get("dispatch.sample_ratio", "1") != "1":
        raise saved.error("dispatch.sample_ratio leaves events out at random", "dispatch.sample_ratio")


def _suppression(saved: SavedSearch) -> Suppression | None:
    """Return what suppresses alerts, or None; refuse what the product's documents do not settle."""
    if not _flag(saved, "alert.suppress", default="0"):
        return None
    if saved.settings.get("alert.suppress.group_name"):
        raise saved.error("suppression in a group of searches is not simulated", "alert.suppress.group_name")
    period = _PERIOD.fullmatch(saved.settings.get("alert.suppress.period", ""))
    if period is None:
        key = "alert.suppress.period" if "alert.suppress.period" in saved.settings else "alert.suppress"
        raise saved.error("alert.suppress needs an alert.suppress.period such as 60, 10m or 1h", key)
    fields = tuple(name.strip() for name in saved.settings.get("alert.suppress.fields", "").split(",") if name.strip())
    if _flag(saved, "alert.digest_mode", default="1"):
        if fields:
            raise saved.error(
                "alert.suppress.fields is documented only for alerts on each result", "alert.suppress.fields",
                "set alert.digest_mode = 0",
            )  # fmt: skip
    elif not fields:
        raise saved.error("suppression of alerts on each result needs alert.suppress.fields", "alert.suppress")
    unit = period[2] or "s"
    return Suppression(int(period[1]) * read_unit(saved, "alert.suppress.period", unit) * MICRO, fields)


def _check_trigger(saved: SavedSearch) -> None:
    """Refuse a condition other than "there is a result"."""
    settings = saved.settings
    if settings.get("alert_condition"):
        raise saved.error("alert_condition is not simulated", "alert_condition", "put the condition into the search")
    counted = settings.get("counttype", "always")
    if counted == "always":
        for key in ("relation", "quantity"):
            if settings.get(key):
                raise saved.error(f"{key} without counttype has no meaning", key, "set counttype = number of events")
        return
    if counted != "number of events":
        raise saved.error(f"counttype {counted!r} is not simulated", "counttype", "number of events, or always")
    if settings.get("relation") != "greater than":
        raise saved.error(f"relation {settings.get('relation', '')!r} is not simulated", "relation", "greater than")
    if settings.get("quantity") != "0":
        raise saved.error(
            f"quantity {settings.get('quantity', '')!r} is not simulated", "quantity",
            "put the count into the search and write 0 here",
        )  # fmt: skip


def _flag(saved: SavedSearch, key: str, *, default: str) -> bool:
    value = saved.settings.get(key, default).lower()
    if value not in _TRUE | _FALSE:
        raise saved.error(f"{key} must be 0 or 1, not {value!r}", key)
    return value in _TRUE


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
