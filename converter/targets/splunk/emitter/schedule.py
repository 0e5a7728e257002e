"""Plan and options to a scheduled search: when it runs, over what, and what of its rows may alert.

    Plan + options ──schedule_plan──> Scheduled ──> a stanza of savedsearches.conf, or a detection of contentctl

A burst of span T, seen by a search that runs every I and is told of events up to `lag` late, is whole in one run if a
run looks back T + I + lag. Three things more are needed for one alert an episode, no more and no less:

- A run that begins in the middle of an episode takes the rest for another one. So a run gives only rows whose first
  event is T after the begin of its window; `addinfo` tells where that is. Proof that such a row is a whole episode: it
  begins with the first event of its first satisfied window (all of them, not the last N). A satisfied window
  [t - T, t] that this one continues has its last event t in it, so the row begins at t or before, so t - T is seen by
  the run, and the row would have begun with that window. To make up for the T that gives nothing, a run looks back 2T
  + I + lag.
- What a run gives is then the same in every run that gives it, and is suppressed by group and `first_seen`.
- A condition that more events can make false (averages, percentiles, sums, `not`) is judged only when they have all
  arrived: the window ends `lag` ago. So do fixed windows, and each is judged by runs that see the whole of it.

The fullest window of a range is known when its episode is over, so a run gives only rows whose last event is more than
T before the end of its window: a window that would continue the episode ends at T after it at the latest. An episode
of length E is whole in one run if a run looks back 2T + E + I + lag. As episodes can be of any length, longer ones are
missed, and the bound says from which length on.

A detection needs none of that: runs look at windows that touch, [-(I + lag), -lag), so each event is in exactly one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, assert_never

from converter.errors import ConfigurationError
from converter.plan import nodes as ir
from converter.targets.core.emission import duration, placed_groups, refused, seconds, verdict
from converter.targets.core.target import free_column
from converter.targets.splunk.emitter.cron import gaps
from converter.targets.splunk.emitter.emit import emit_query
from converter.targets.splunk.emitter.schedule_assumptions import timely
from converter.targets.splunk.emitter.windows import monotone
from converter.verdicts.verdict import Bound, Limit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from converter.targets.core.target import Context, Query
    from converter.verdicts.verdict import Assumption

MAX_ALERTS = 500
MAX_RESULTS = 500_000
MAX_LOOK_BACK = 7_300 * 86_400
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
# How long the episodes of a range are that runs see the whole of, in timespans, unless `earliest` says otherwise.
_EPISODE_SPANS = 10
# alert.suppress.fields is a list with commas, and has no quotes.
_LISTED = re.compile(r"[^\s,\"']+")
_NOTHING = re.compile("0[smhd]?", re.ASCII)
_INFO = ("info_max_time", "info_min_time", "info_search_time", "info_sid")


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A search with a schedule.

    Attributes:
        query: the search, with the verdict of the scheduled one.
        tail: lines that follow the search.
        cron: the cron line.
        earliest: `dispatch.earliest_time`.
        latest: `dispatch.latest_time`.
        suppress: fields that a result is suppressed by; empty for a detection, whose runs see different events.
        period: for how many seconds.
    """

    query: Query
    tail: tuple[str, ...]
    cron: str
    earliest: str
    latest: str
    suppress: tuple[str, ...] = ()
    period: int = 0

    def search(self, text: str) -> str:
        """Return the whole search for the text of the query, which a pipeline may have changed."""
        return "\n".join([text.strip(), *self.tail])


@dataclass(frozen=True, slots=True)
class _Timing:
    """Interval, lag, how long ago windows begin (None: as needed) and end (None: as needed), in seconds."""

    cron: str
    interval: int
    lag: int
    begin: int | None
    end: int | None


def schedule_plan(plan: ir.Plan, context: Context, formats: Mapping[str, str], options: Mapping[str, str]) -> Scheduled:
    """Return the scheduled search of a plan.

    Raises:
        RefusedError: as the search; a correlation of correlations; fields that suppression cannot name.
        ConfigurationError: an interval that cron cannot say, times that leave nothing to look at.
    """
    query = emit_query(plan, replace(context, format="default"), formats, options)
    timing = _timing(context.options)
    if not isinstance(plan, ir.Correlation):
        return _detection(query, timing)
    _check_schedulable(plan, query)
    if plan.is_range:
        return _range(plan, query, timing)
    return _sliding(plan, query, timing) if plan.sliding else _fixed(plan, query, timing)


def _timing(options: Mapping[str, str]) -> _Timing:
    if "cron" in options and "interval" in options:
        raise ConfigurationError("both interval and cron say when the search runs", hint="leave one of them out")
    if "cron" in options:
        cron = " ".join(options["cron"].split())
        interval = max(gaps(cron))
    else:
        interval = seconds(options.get("interval", "5m"), "interval")
        cron = _cron(interval)
    begin = seconds(options["earliest"], "earliest") if "earliest" in options else None
    end = None
    if "latest" in options:
        end = 0 if options["latest"] == "now" else _seconds_or_zero(options["latest"], "latest")
    return _Timing(cron, interval, _seconds_or_zero(options.get("lag", "15m"), "lag"), begin, end)


def _seconds_or_zero(text: str, what: str) -> int:
    return 0 if _NOTHING.fullmatch(text) else seconds(text, what)


def _cron(interval: int) -> str:
    if interval % _MINUTE == 0 and _HOUR % interval == 0:
        return f"*/{interval // _MINUTE} * * * *" if interval < _HOUR else "0 * * * *"
    if interval % _HOUR == 0 and _DAY % interval == 0:
        return f"0 */{interval // _HOUR} * * *" if interval < _DAY else "0 0 * * *"
    raise ConfigurationError(
        f"cron cannot run a search every {duration(interval)}",
        hint="minutes that divide an hour, hours that divide a day, or a cron line in the option cron",
    )


# ------------------------------------------------------------------------------------------------------ detections


def _detection(query: Query, timing: _Timing) -> Scheduled:
    end = timing.lag if timing.end is None else timing.end
    begin = end + timing.interval if timing.begin is None else timing.begin
    _check_window(begin, end, timing)
    length = begin - end
    # Where windows overlap, the last of those that an event is in counts.
    tolerated = max(end, begin - timing.interval)
    sentences = []
    if length < timing.interval:
        sentences.append(f"misses events: windows of {duration(length)} every {duration(timing.interval)} leave gaps")
    if tolerated < timing.lag:
        sentences.append(f"misses events that are indexed more than {duration(tolerated)} late")
    doubled = length > min(gaps(timing.cron))
    if doubled:
        sentences.append("reports an event in every run that sees it: windows overlap, and nothing is suppressed")
    bound = Bound("; ".join(sentences), narrowest=0 if length < timing.interval else None, doubled=doubled)
    clock = timely(timing.interval, tolerated, None, timing.lag)
    scheduled = verdict((*query.verdict.assumptions, *clock), bound if sentences else None)
    limit = Limit(f"a run gives at most {MAX_RESULTS:,} events (dispatch.max_count)", MAX_RESULTS)
    # Runs are at whole minutes. Should one be some seconds off, `@m` keeps windows that touch touching.
    return Scheduled(
        replace(query, verdict=replace(scheduled, limit=limit)),
        (),
        timing.cron,
        f"-{period(begin)}@m",
        f"-{period(end)}@m" if end else "@m",
    )


# ---------------------------------------------------------------------------------------------------- correlations


def _check_schedulable(plan: ir.Correlation, query: Query) -> None:
    if any(isinstance(rule.plan, ir.Correlation) for rule in plan.rules):
        raise refused(
            "an episode of the correlation below can be of any length, so no run can be sure to see all of it",
            "scheduled chained correlation",
            plan.places.get("rules"),
            "use the format default over all of the time",
        )
    for name, place in placed_groups(plan):
        if _LISTED.fullmatch(name) is None or name in _INFO:
            why = "it is a column of addinfo" if name in _INFO else "it is a list with commas, without quotes"
            raise refused(
                f"alert.suppress.fields cannot name the field {name!r}: {why}",
                "group-by field in alert.suppress.fields",
                place,
                "map the field with a pipeline, or use the format default",
            )
    if query.group_by is None:
        raise AssertionError(query)  # a correlation has groups, if only the one of all events


def _sliding(plan: ir.Correlation, query: Query, timing: _Timing) -> Scheduled:
    span, grows = plan.timespan, _grows(plan)
    end = (0 if grows else timing.lag) if timing.end is None else timing.end
    late = max(end, timing.lag)
    needed = span + timing.interval + late
    begin = span + needed if timing.begin is None else timing.begin
    _check_window(begin, end, timing)
    margin = span
    if grows and begin < margin + needed:  # rather twice than never
        margin = max(0, begin - needed)
    certain = begin - margin - timing.interval - late
    if not grows and certain < 0:
        raise ConfigurationError(
            f"with a look-back of {duration(begin)} nothing would be found for certain",
            hint=f"earliest={duration(margin + needed)}",
        )
    sentences = []
    # What waits for late events judges without those that come later still.
    tolerated = max(0, late + min(0, certain)) if grows else end
    if certain < span:
        within = f"within {duration(certain)}" if certain > 0 else "at one time"
        sentences.append(f"misses bursts that straddle two runs: only those {within} are found for certain")
    if certain < 0:
        sentences.append(f"misses bursts in which an event is indexed more than {duration(tolerated)} late")
    if margin < span:
        sentences.append(
            f"may report an episode again when its begin leaves the window of {duration(begin)}"
            f" ({duration(span + needed)} is enough)"
        )
    if end < timing.lag and not grows:
        sentences.append(_early(timing.lag))
    missed = max(0, certain) if certain < span else None
    bound = Bound("; ".join(sentences), narrowest=missed, doubled=margin < span) if sentences else None
    groups = query.group_by or ()
    first = free_column("first_seen", groups)
    tail = (
        "| addinfo",
        f"| where round({first}-info_min_time,6)>={margin}",
        f"| fields - {' '.join(_INFO)}",
    )
    # An event that comes no later than windows end is in every run that sees its time; with a short look-back, the
    # bound says already that an episode may come twice.
    moved = end if grows and end < tolerated and margin == span else None
    clock = timely(timing.interval, tolerated, moved, late)
    return _suppressed(query, timing, begin, end, tail if margin else (), bound, clock)


def _range(plan: ir.Correlation, query: Query, timing: _Timing) -> Scheduled:
    """Episodes that are over, each with the T before and after it: what a run gives of them is final."""
    span = plan.timespan
    end = timing.lag if timing.end is None else timing.end
    needed = 2 * span + timing.interval + end
    usual = needed + _EPISODE_SPANS * span
    begin = usual if timing.begin is None else timing.begin
    _check_window(begin, end, timing)
    longest = begin - needed
    if longest < 0:
        raise ConfigurationError(
            f"with a look-back of {duration(begin)} no run would be sure to see a whole episode",
            hint=f"earliest={duration(usual)}",
        )
    sentences = [f"misses episodes longer than {duration(longest)} (a longer `earliest` finds longer ones)"]
    if end < timing.lag:
        sentences.append(_early(timing.lag))
    first, last = (free_column(name, query.group_by or ()) for name in ("first_seen", "last_seen"))
    tail = (
        "| addinfo",
        f"| where round({first}-info_min_time,6)>={span} AND round(info_max_time-{last},6)>{span}",
        f"| fields - {' '.join(_INFO)}",
    )
    clock = timely(timing.interval, end, None, timing.lag)
    return _suppressed(query, timing, begin, end, tail, Bound("; ".join(sentences), longest=longest), clock)


def _fixed(plan: ir.Correlation, query: Query, timing: _Timing) -> Scheduled:
    """Windows [k T, (k + 1) T): a run gives those that it sees the whole of, when all of their events have arrived."""
    span = plan.timespan
    end = timing.lag if timing.end is None else timing.end
    needed = span + timing.interval + end
    begin = needed if timing.begin is None else timing.begin
    _check_window(begin, end, timing)
    if begin < span + end:
        raise ConfigurationError(
            f"no run would see a whole window of {duration(span)}", hint=f"earliest={duration(needed)}"
        )
    sentences = []
    if begin < needed:
        sentences.append("misses windows that no run sees the whole of")
    if end < timing.lag:
        sentences.append(_early(timing.lag))
    bound = Bound("; ".join(sentences), narrowest=0 if begin < needed else None) if sentences else None
    first = free_column("first_seen", query.group_by or ())
    window = f"floor({first}/{span})*{span}"
    tail = (
        "| addinfo",
        f"| where {window}>=info_min_time AND {window}+{span}<=info_max_time",
        f"| fields - {' '.join(_INFO)}",
    )
    clock = timely(timing.interval, end, None, timing.lag)
    return _suppressed(query, timing, begin, end, tail, bound, clock)


def _suppressed(
    query: Query,
    timing: _Timing,
    begin: int,
    end: int,
    tail: tuple[str, ...],
    bound: Bound | None,
    clock: tuple[Assumption, ...],
) -> Scheduled:
    groups = query.group_by or ()
    scheduled = verdict((*query.verdict.assumptions, *clock), bound)
    limit = Limit(f"a run raises at most {MAX_ALERTS} alerts (max_per_result_alerts)", MAX_ALERTS)
    return Scheduled(
        replace(query, verdict=replace(scheduled, limit=limit)),
        tail,
        timing.cron,
        f"-{period(begin)}",
        f"-{period(end)}" if end else "now",
        (*groups, free_column("first_seen", groups)),
        begin,
    )


def _grows(plan: ir.Correlation) -> bool:
    """Whether a window that meets the condition still does with more events in it."""
    match plan.measure:
        case ir.EventCount() | ir.ValueCount() | ir.TemporalOrdered():
            return ir.rising(plan.limits)
        case ir.Temporal(expr):
            return ir.rising(plan.limits) and (expr is None or monotone(expr))
        case ir.ValueSum() | ir.ValueAvg() | ir.ValueMedian() | ir.ValuePercentile():
            return False
        case _:
            assert_never(plan.measure)


def _check_window(begin: int, end: int, timing: _Timing) -> None:
    if begin <= end:
        raise ConfigurationError(
            f"the window of a run would be empty: it begins {duration(begin)} ago and ends {duration(end)} ago",
            hint=f"earliest={duration(end + timing.interval)}",
        )
    if begin > MAX_LOOK_BACK:
        raise ConfigurationError(
            f"each run would look back {duration(begin)}", hint=f"at most {duration(MAX_LOOK_BACK)}"
        )


def _early(lag: int) -> str:
    return f"judges windows before all their events arrive: events are indexed up to {duration(lag)} late"


def period(length: int) -> str:
    """Return a length of time in seconds, minutes or hours.

    A day of a relative time is one of the calendar, which may have 23 or 25 hours; and a period of suppression is
    shown with no days in savedsearches.conf.spec.
    """
    return f"{length // _HOUR}h" if length % _HOUR == 0 else duration(length)
