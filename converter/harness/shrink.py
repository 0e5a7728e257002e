"""Shrink a log to a smallest part that still shows a disagreement.

    positions of events ──likely starts──> ──remove halves, quarters, ... single events──> positions that all matter

The search is greedy, and bounded in tries and time: a log that is not quite minimal is better than a long wait.
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
    """Return a part of `items`, in order, for which `shows` is still true.

    Unless a limit is reached, no single item can be removed from the result.

    Args:
        items: positions in the log; `shows(items)` is true.
        shows: tells whether the events at these positions alone show the disagreement.
        starts: parts that are likely to show it; shrinking starts at the first one that does.
        tries: the most calls of `shows`.
        seconds: the longest time to go on.
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
