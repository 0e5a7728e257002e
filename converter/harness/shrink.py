"""Shrink a log to a smallest one that still shows a disagreement.

    positions of events ──likely starts──> ──remove halves, quarters, ... single events──> positions that all matter

Greedy and bounded in tries and in time: a log that is not quite the smallest is worth more than a wait.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

TRIES = 400
SECONDS = 10.0


def shrink(
    items: Sequence[int],
    shows: Callable[[Sequence[int]], bool],
    starts: Iterable[Sequence[int]] = (),
    *,
    tries: int = TRIES,
    seconds: float = SECONDS,
) -> tuple[int, ...]:
    """Return a part of `items`, in order, that still shows what `shows` looks for.

    Without a limit hit, no single event can be left out of the result.

    Args:
        items: positions in the log; `shows(items)` is true.
        shows: whether these positions alone show it.
        starts: parts that are likely to show it; the first one that does is where shrinking starts.
        tries: how often to ask `shows` at most.
        seconds: how long to go on at most.
    """
    deadline = monotonic() + seconds
    left = tries

    def still(part: Sequence[int]) -> bool:
        nonlocal left
        if left <= 0 or monotonic() > deadline:
            return False
        left -= 1
        return shows(part)

    best = list(items)
    for start in starts:
        if 0 < len(start) < len(best) and still(start):
            best = list(start)
            break
    size = max(1, len(best) // 2)
    while left > 0 and monotonic() <= deadline:
        before = len(best)
        position = 0
        while position < len(best):
            rest = best[:position] + best[position + size :]
            if rest and still(rest):
                best = rest
            else:
                position += size
        if size == 1 and len(best) == before:
            break
        size = max(1, size // 2)
    return tuple(best)
