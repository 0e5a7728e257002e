"""How long regular expressions may run: one budget for a rule or a query and a whole log, and not one for each value.

    value ──backtracking──> call(..., timeout=share of what is left) ──time beyond linear──> budget
          ──linear────────> call(...), measured where a value is long enough to matter

Time that grows with the length of the log is not charged: what is charged is what a writer of logs, or of rules, can
make a search take beyond that. A budget is of processor time, because that is what the package `regex` measures.

Nothing here knows what an expression matches.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from contextvars import ContextVar
from time import thread_time
from typing import TYPE_CHECKING, Any

from converter.readers.limits import current, raises

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_FREE = 20e-6
_FREE_PER_CHARACTER = 50e-9
# RE2 takes at most about 10 ns for a character and an instruction; a search of fewer steps is not worth a clock.
_NANOSECONDS_PER_STEP = 10
_UNMEASURED_STEPS = 1_000_000
_MOST_WEIGHT = 65_536


class OutOfBudgetError(Exception):
    """A limit stopped a search.

    Args:
        limit: the name of the limit, `regex-seconds` or `regex-bytes`.
        amount: how much there was, such as `5 s`.
    """

    def __init__(self, limit: str, amount: str) -> None:
        super().__init__(limit, amount)
        self.hint = raises(limit)
        self._limit = limit
        self._amount = amount

    def message(self, took: str) -> str:
        """Return what happened; `took` are the words before the time, such as `runs longer than`."""
        if self._limit == "regex-seconds":
            return f"the regular expression {took} {self._amount}"
        return f"the regular expression is not tried on a value of more than {self._amount}"


class TooLargeError(Exception):
    """An expression is too large for the package `regex`."""


class RegexBudget:
    """The time of the expressions of one rule or query on one log.

    Args:
        seconds: the time.
        shared: whether what one value may take is a part of it. Then values that take too long cannot stop the
            others from being judged: each may take a quarter of what is left; when half is spent, none may take more
            than linear time; and only when all is spent, nothing is tried any more.
    """

    __slots__ = ("_left", "_seconds", "_shared")

    def __init__(self, seconds: float, *, shared: bool = False) -> None:
        self._seconds = self._left = seconds
        self._shared = shared

    def slow(self, call: Callable[..., Any], *args: Any, length: int) -> Any:
        """Return `call(*args, timeout=...)`, a search by backtracking.

        Raises:
            OutOfBudgetError: it takes too long, or the value is too long to try.
        """
        longest = current().regex_bytes
        if length > longest:
            raise OutOfBudgetError("regex-bytes", f"{longest:,} characters")
        if self._left <= 0:
            raise self._spent()
        free = _FREE + length * _FREE_PER_CHARACTER
        started = thread_time()
        try:
            return call(*args, timeout=free + self._share())
        except TimeoutError:
            raise self._spent() from None
        finally:
            self._left -= max(0.0, thread_time() - started - free)

    def linear(self, call: Callable[..., Any], *args: Any, length: int, size: int) -> Any:
        """Return `call(*args)`, a search whose time is at most the length of a value by the size of a program.

        Raises:
            OutOfBudgetError: it has taken too long, or would.
        """
        if self._left <= 0 or length * size * _NANOSECONDS_PER_STEP > max(self._seconds, 2.0) * 10e9:
            raise self._spent()
        free = _FREE + length * _FREE_PER_CHARACTER
        started = thread_time()
        try:
            return call(*args)
        finally:
            self._left -= max(0.0, thread_time() - started - free)

    def _share(self) -> float:
        if not self._shared:
            return self._left
        return self._left / 4 if self._left > self._seconds / 2 else 0.0

    def _spent(self) -> OutOfBudgetError:
        return OutOfBudgetError("regex-seconds", f"{'its share of ' if self._shared else ''}{self._seconds:g} s")


_CURRENT: ContextVar[RegexBudget | None] = ContextVar("regex_budget", default=None)


def budget() -> RegexBudget:
    """Return the budget of what is being evaluated; outside of one, a new one."""
    return _CURRENT.get() or RegexBudget(current().regex_seconds)


@contextmanager
def spending(of: RegexBudget | None = None) -> Iterator[None]:
    """Charge searches to a budget, for as long as the block lasts.

    Args:
        of: the budget; None: a new one, unless there is one already.
    """
    if of is None and _CURRENT.get() is not None:
        yield
        return
    token = _CURRENT.set(of or RegexBudget(current().regex_seconds))
    try:
        yield
    finally:
        _CURRENT.reset(token)


def unmeasured_length(size: int) -> int:
    """Return how long a value may be that a program of RE2 of this size is tried on without a clock."""
    return _UNMEASURED_STEPS // max(1, size)


_COUNTED = r"\{(?P<least>[0-9]+)(?:,[0-9]*)?\}"
_PART = re.compile(rf"\\.|(?P<set>\[)|(?P<open>\()|(?P<close>\))|(?P<repeat>(?:{_COUNTED}|[*+?])[?+]?)|.", re.DOTALL)
_IN_SET = re.compile(r"\\.|\[:\^?\w+:\]|[^\[\]\\]+|.", re.DOTALL)
_VERBOSE = re.compile(r"\(\?[a-wyz]*x")


def compile_backtracking(pattern: str, flags: int) -> Any:
    """Return `regex.compile(pattern, flags)`, if that takes neither long nor much memory.

    The package writes out what is repeated at least once: `((a{9}){9}){9}` as 1,000 letters.

    Raises:
        TooLargeError: it would.
        OutOfBudgetError: the time for regular expressions is spent.
        regex.error, RecursionError, OverflowError: the package does not take the pattern.
    """
    import regex  # noqa: PLC0415  seldom needed, and slow to load

    check_weight(pattern)
    return budget().linear(regex.compile, pattern, flags, length=len(pattern), size=1)


def check_weight(pattern: str) -> None:
    """Raise TooLargeError if a pattern is too large for the package `regex`."""
    if _weight(pattern) > _MOST_WEIGHT:
        raise TooLargeError(f"it is too large: repeats written out, more than {_MOST_WEIGHT:,} characters")


def _weight(pattern: str) -> int:
    """Return about how many nodes a pattern becomes, not counted beyond what is too many."""
    if _VERBOSE.search(pattern):  # comments hide brackets
        factor = len(pattern)
        for count in re.finditer(_COUNTED, pattern):
            factor = min(factor * (int(count["least"]) + 1), _MOST_WEIGHT + 1)
        return factor
    weights, last, position = [0], 0, 0
    while position < len(pattern):
        part = _PART.match(pattern, position)
        assert part is not None  # noqa: S101  its last branch is any character
        position = part.end()
        match part.lastgroup:
            case "open":
                weights.append(1)
                last = 0
            case "close":
                last = weights.pop() if len(weights) > 1 else 0
                weights[-1] += last
            case "repeat":
                least = int(part["least"] or part[0].startswith("+"))
                last = min(last * least, _MOST_WEIGHT + 1)
                weights[-1] += last
            case _:
                if part["set"]:
                    start, position = position, _after_set(pattern, position)
                    last = 1 + (position - start) // 8
                else:
                    last = 1
                weights[-1] += last
    return sum(weights)


def _after_set(pattern: str, position: int) -> int:
    """Return where a set ends whose contents begin here."""
    if pattern.startswith("^", position):
        position += 1
    if pattern.startswith("]", position):
        position += 1
    depth = 1
    while depth and position < len(pattern):
        part = _IN_SET.match(pattern, position)
        assert part is not None  # noqa: S101  its last branch is any character
        position = part.end()
        depth += {"[": 1, "]": -1}.get(part[0], 0)
    return position
