"""Statistics as accumulators: values go in, may leave again in the same order, and the result can be asked at any time.

    push(values, time) / drop(values, time) ──> result()

A window that slides drops what it pushed, oldest first; so every accumulator works in constant or logarithmic time a
row, whatever the size of the window. `stats` and `eventstats` only push.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import Counter, deque
from fractions import Fraction
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

from converter.targets.splunk.values import number_of, text_of, tidy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_LIST_LIMIT = 100


class Accumulator(Protocol):
    """A running statistic of the values of one field in one group."""

    def push(self, values: Sequence[Any], time: float) -> None:
        """Take in the values of one row; `time` is its `_time`."""
        ...

    def drop(self, values: Sequence[Any], time: float) -> None:
        """Forget the values of the oldest row that was pushed and not dropped."""
        ...

    def result(self) -> Any:
        """Return the statistic, or None if there is nothing to compute it from."""
        ...


class _Count:
    def __init__(self) -> None:
        self.count = 0

    def push(self, values: Sequence[Any], _time: float) -> None:
        self.count += len(values)

    def drop(self, values: Sequence[Any], _time: float) -> None:
        self.count -= len(values)

    def result(self) -> Any:
        return self.count


class _Distinct:
    """Distinct values by their text, each with how often it is there."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def push(self, values: Sequence[Any], _time: float) -> None:
        self.counts.update(map(text_of, values))

    def drop(self, values: Sequence[Any], _time: float) -> None:
        for value in values:
            text = text_of(value)
            self.counts[text] -= 1
            if not self.counts[text]:
                del self.counts[text]


class _DistinctCount(_Distinct):
    def result(self) -> Any:
        return len(self.counts)


class _Values(_Distinct):
    """Distinct texts in order."""

    def result(self) -> Any:
        return sorted(self.counts) or None


class _Mode(_Distinct):
    """The most frequent value; of several, the one that was seen first."""

    def result(self) -> Any:
        if not self.counts:
            return None
        most = max(self.counts.values())
        return next(text for text, count in self.counts.items() if count == most)


class _Sequence:
    """Values in the order of the rows."""

    def __init__(self) -> None:
        self.values: deque[Any] = deque()

    def push(self, values: Sequence[Any], _time: float) -> None:
        self.values.extend(values)

    def drop(self, values: Sequence[Any], _time: float) -> None:
        for _ in values:
            self.values.popleft()


class _List(_Sequence):
    """The texts of the values, the first hundred of them."""

    def result(self) -> Any:
        return [text_of(value) for value in islice(self.values, _LIST_LIMIT)] or None


class _First(_Sequence):
    def result(self) -> Any:
        return self.values[0] if self.values else None


class _Last(_Sequence):
    def result(self) -> Any:
        return self.values[-1] if self.values else None


class _Edge:
    """The extreme of a sliding sequence of keys, with what belongs to it.

    Only candidates are kept: a key that a later key beats can never be the answer again. Of equal keys the answer is
    the first that came, or the last with `latest`.
    """

    def __init__(self, *, largest: bool, latest: bool = False) -> None:
        self._sign = 1 if largest else -1
        self._latest = latest
        self._pushed = 0
        self._dropped = 0
        self._candidates: deque[tuple[int, Any, Any]] = deque()

    def push(self, key: Any, value: Any) -> None:
        candidates = self._candidates
        while candidates and self._beats(key, candidates[-1][1]):
            candidates.pop()
        candidates.append((self._pushed, key, value))
        self._pushed += 1

    def _beats(self, new: Any, old: Any) -> bool:
        if new == old:
            return self._latest
        return bool(new > old) if self._sign > 0 else bool(new < old)

    def drop(self) -> None:
        if self._candidates and self._candidates[0][0] == self._dropped:
            self._candidates.popleft()
        self._dropped += 1

    def best(self) -> Any:
        return self._candidates[0][2] if self._candidates else None


class _Extreme:
    """`min` or `max`: numbers win over texts; only if there is no number are texts compared."""

    def __init__(self, *, largest: bool) -> None:
        self._numbers = _Edge(largest=largest)
        self._texts = _Edge(largest=largest)

    def push(self, values: Sequence[Any], _time: float) -> None:
        for value in values:
            if (number := number_of(value)) is not None:
                self._numbers.push(number, number)
            else:
                self._texts.push(value, value)

    def drop(self, values: Sequence[Any], _time: float) -> None:
        for value in values:
            (self._numbers if number_of(value) is not None else self._texts).drop()

    def result(self) -> Any:
        best = self._numbers.best()
        return self._texts.best() if best is None else best


class _Range:
    """The difference between the largest and the smallest number."""

    def __init__(self) -> None:
        self._largest = _Edge(largest=True)
        self._smallest = _Edge(largest=False)

    def push(self, values: Sequence[Any], _time: float) -> None:
        for number in map(number_of, values):
            if number is not None:
                self._largest.push(number, number)
                self._smallest.push(number, number)

    def drop(self, values: Sequence[Any], _time: float) -> None:
        for value in values:
            if number_of(value) is not None:
                self._largest.drop()
                self._smallest.drop()

    def result(self) -> Any:
        largest, smallest = self._largest.best(), self._smallest.best()
        return None if largest is None else tidy(largest - smallest)


class _Chronological:
    """`earliest`, `latest`: the value of the row with the smallest or largest time; or that time itself."""

    def __init__(self, *, latest: bool, time_itself: bool = False) -> None:
        self._edge = _Edge(largest=latest, latest=latest)
        self._last = latest
        self._time_itself = time_itself

    def push(self, values: Sequence[Any], time: float) -> None:
        if values:
            self._edge.push(time, time if self._time_itself else values[-1 if self._last else 0])

    def drop(self, values: Sequence[Any], _time: float) -> None:
        if values:
            self._edge.drop()

    def result(self) -> Any:
        return self._edge.best()


class _Moments:
    """Sums of the numbers and of their squares, exact, so that numbers can leave without a trace."""

    def __init__(self, compute: Callable[[int, Fraction, Fraction], float | None]) -> None:
        self._compute = compute
        self._count = 0
        self._whole = 0
        self._whole_squares = 0
        self._parts = Fraction(0)
        self._parts_squares = Fraction(0)

    def push(self, values: Sequence[Any], _time: float) -> None:
        self._add(values, 1)

    def drop(self, values: Sequence[Any], _time: float) -> None:
        self._add(values, -1)

    def _add(self, values: Sequence[Any], sign: int) -> None:
        for number in map(number_of, values):
            if number is None:
                continue
            self._count += sign
            if type(number) is int:
                self._whole += sign * number
                self._whole_squares += sign * number * number
            else:
                part = Fraction(number)
                self._parts += sign * part
                self._parts_squares += sign * part * part

    def result(self) -> Any:
        if not self._count:
            return None
        result = self._compute(self._count, self._parts + self._whole, self._parts_squares + self._whole_squares)
        return None if result is None else tidy(result)


def _number(value: Fraction) -> float:
    try:
        return value.numerator if value.denominator == 1 else float(value)
    except OverflowError:
        return math.inf


def _variance(count: int, total: Fraction, squares: Fraction, *, sample: bool) -> Fraction | None:
    if sample and count == 1:
        # No source says what the spread of a single value is; 0 is what follows from the others.
        return Fraction(0)
    return (squares - total * total / count) / (count - 1 if sample else count)


def _spread(*, sample: bool, root: bool) -> Callable[[int, Fraction, Fraction], float | None]:
    def compute(count: int, total: Fraction, squares: Fraction) -> float | None:
        variance = _variance(count, total, squares, sample=sample)
        if variance is None:
            return None
        return math.sqrt(_number(variance)) if root else _number(variance)

    return compute


class _Ordered:
    """Numbers in order, for a percentile or the median."""

    def __init__(self, compute: Callable[[list[Any]], float]) -> None:
        self._compute = compute
        self._numbers: list[Any] = []

    def push(self, values: Sequence[Any], _time: float) -> None:
        for number in map(number_of, values):
            if number is not None:
                insort(self._numbers, number)

    def drop(self, values: Sequence[Any], _time: float) -> None:
        for number in map(number_of, values):
            if number is not None:
                del self._numbers[bisect_left(self._numbers, number)]

    def result(self) -> Any:
        return tidy(self._compute(self._numbers)) if self._numbers else None


def _percentile(percent: float) -> Callable[[list[Any]], float]:
    def compute(numbers: list[Any]) -> float:
        """Interpolate between the two numbers that stand around the rank."""
        rank = (len(numbers) - 1) * percent / 100
        below = math.floor(rank)
        above = min(below + 1, len(numbers) - 1)
        share = rank - below
        low, high = numbers[below], numbers[above]
        return float(low + (high - low) * share) if share else float(low)

    return compute


def _median(numbers: list[Any]) -> float:
    """Return the middle number; of two middle ones their mean, of which an exact half is rounded up."""
    middle = len(numbers) // 2
    if len(numbers) % 2:
        return float(numbers[middle])
    mean = (numbers[middle - 1] + numbers[middle]) / 2
    if not math.isfinite(mean):
        return float(mean)
    return math.floor(mean) + 1 if mean - math.floor(mean) == 0.5 else float(mean)  # noqa: PLR2004


_MAKERS: dict[str, Callable[[], Accumulator]] = {
    "count": _Count,
    "dc": _DistinctCount,
    "values": _Values,
    "list": _List,
    "first": _First,
    "last": _Last,
    "mode": _Mode,
    "min": lambda: _Extreme(largest=False),
    "max": lambda: _Extreme(largest=True),
    "range": _Range,
    "earliest": lambda: _Chronological(latest=False),
    "latest": lambda: _Chronological(latest=True),
    "earliest_time": lambda: _Chronological(latest=False, time_itself=True),
    "latest_time": lambda: _Chronological(latest=True, time_itself=True),
    "sum": lambda: _Moments(lambda _count, total, _squares: _number(total)),
    "avg": lambda: _Moments(lambda count, total, _squares: _number(total / count)),
    "sumsq": lambda: _Moments(lambda _count, _total, squares: _number(squares)),
    "stdev": lambda: _Moments(_spread(sample=True, root=True)),
    "stdevp": lambda: _Moments(_spread(sample=False, root=True)),
    "var": lambda: _Moments(_spread(sample=True, root=False)),
    "varp": lambda: _Moments(_spread(sample=False, root=False)),
    "median": lambda: _Ordered(_median),
}

TIMED = frozenset({"earliest", "latest", "earliest_time", "latest_time"})


def maker(function: str, percent: float | None) -> Callable[[], Accumulator]:
    """Return what makes an empty accumulator of a statistic; `percent` is the number of a percentile."""
    if percent is not None:
        return lambda: _Ordered(_percentile(percent))
    return _MAKERS[function]
