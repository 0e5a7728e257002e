"""What a schedule takes to be true of clocks and of ingestion, as assumptions of its verdict.

    interval, lag, end of the window ──timely──> assumptions ──> the verdict of the scheduled search

A log breaks those about ingestion where an event has `_indextime`; no log can break the one about the clock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.targets.core.emission import duration
from converter.verdicts.verdict import Assumption, Repair

if TYPE_CHECKING:
    from converter.targets.core.target import Event

_HOUR = 3_600
_INDEXED_AT_ONCE = Repair(view=lambda view: {key: value for key, value in view.items() if key != "_indextime"})


def timely(interval: int, tolerated: int, moved: int | None, lag: int) -> tuple[Assumption, ...]:
    """Return what must be true for a schedule to report everything once.

    Args:
        interval: the longest time between two runs.
        tolerated: events that are indexed no later than this after their time are not lost.
        moved: events that are indexed later than this can move the begin of an episode that was reported; None: no
            event can.
        lag: the `latest` that keeps them from it.
    """
    assumptions = [_indexed_within(tolerated)]
    if moved is not None:
        assumptions.append(
            Assumption(
                "no event that is indexed after a run has seen its episode moves the begin of that episode"
                f" (it would be reported twice; -O latest={duration(lag)} prevents it)",
                lambda _raw, view: _is_later(view, moved),
                repair=_INDEXED_AT_ONCE,
                advice=f"-O latest={duration(lag)}",
            )
        )
    if interval > _HOUR:
        assumptions.append(_NO_DAYLIGHT_SAVING)
    return tuple(assumptions)


def _indexed_within(length: int) -> Assumption:
    message = f"every event is indexed within {duration(length)} of its time" if length else "no event is indexed late"
    return Assumption(
        message,
        lambda _raw, view: _is_later(view, length),
        repair=_INDEXED_AT_ONCE,
        advice="-O lag=LENGTH for a schedule that waits longer",
    )


# A shift by an hour moves runs that follow each other within an hour by whole runs, and touches no window.
_NO_DAYLIGHT_SAVING = Assumption(
    "the clock of the scheduler has no daylight saving time: cron lines are read in the time zone of the search head"
    " (UTC in Splunk Cloud), where a change of the clock puts an hour in no window or in two",
    lambda _raw, _view: False,
)


def _is_later(view: Event, length: int) -> bool:
    """Whether an event says that it was indexed more than `length` seconds after its time, or nothing readable."""
    from converter.reference.time import SECOND, parse_time  # noqa: PLC0415  only replay needs it

    if view.get("_indextime") is None:
        return False
    indexed, time = parse_time(view["_indextime"]), parse_time(view.get("_time"))
    return indexed is None or time is None or indexed - time > length * SECOND
