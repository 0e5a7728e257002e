"""When a rule runs, what each run sees, and which phases of the schedule can differ.

    times of events + interval + look-back ──windows──> (time of the run, first event, after the last event)
                                           ──phases───> the phases worth replaying

A run at time R sees the events in [R - look-back, R], both ends included. Runs are at phase + k * interval.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_UNITS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "H": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_INTERVAL = re.compile(r"(\d+)([smhd])")
_FROM = re.compile(r"now-(\d+)([smhHdw])")


def interval_ms(text: str) -> int | None:
    """Return an interval such as `5m` in milliseconds, or None if `text` is none."""
    match = _INTERVAL.fullmatch(text)
    return None if match is None else int(match[1]) * _UNITS[match[2]]


def look_back_ms(text: str) -> int | None:
    """Return how far back a `from` such as `now-6m` reaches, in milliseconds, or None if it does not say so."""
    match = _FROM.fullmatch(text)
    return None if match is None else int(match[1]) * _UNITS[match[2]]


def window(times: Sequence[int], run: int, look_back: int) -> tuple[int, int]:
    """Return the half-open range of positions in the sorted `times` that a run at `run` sees."""
    return bisect_left(times, run - look_back), bisect_right(times, run)


def windows(
    times: Sequence[int], phase: int, interval: int, look_back: int, settled: Callable[[], bool] = lambda: False
) -> Iterator[tuple[int, int, int]]:
    """Yield (time of the run, first position, position after the last) of each run that sees an event.

    Args:
        times: times of the events in milliseconds, sorted.
        phase: offset of the runs against the epoch, in [0, interval).
        interval: time between two runs.
        look_back: how far back a run sees.
        settled: asked after each run: whether another run over the same events would give nothing new. Then the next
            is the first one that sees other events, or its oldest event at the very begin of its window.
    """
    if not times:
        return
    run = _first_at_or_after(times[0], phase, interval)
    while True:
        low, high = window(times, run, look_back)
        if low < high:
            yield run, low, high
            run += interval
            if settled():
                change = times[low] + look_back
                if high < len(times):
                    change = min(change, times[high])
                run = max(run, _first_at_or_after(change, phase, interval))
        elif low < len(times):
            run = _first_at_or_after(times[low], phase, interval)
        else:
            return


def phases(times: Iterable[int], interval: int, look_back: int) -> list[int]:
    """Return one phase of every class of phases in which all runs see the same events.

    An event at t is seen by the runs in [t, t + look-back]; what the runs see changes at the phases t and
    t + look-back + 1, and nowhere between. At t + look-back itself a threshold rule forgets the alert on t.
    """
    classes: set[int] = set()
    for time in set(times):
        end = time + look_back
        classes.update((time % interval, end % interval, (end + 1) % interval))
    return sorted(classes) or [0]


def _first_at_or_after(time: int, phase: int, interval: int) -> int:
    return time + (phase - time) % interval
