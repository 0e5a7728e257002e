"""Statistics of numbers, as accumulators: sums and spreads, percentiles and the median, the rate of a counter.

    push(values, time) / drop(values, time) ──> result()

What is not a number takes no part. Sums are exact, so that numbers can leave without a trace.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from converter.targets.splunk.engine.language.run_context import current
from converter.targets.splunk.engine.language.values import number_of, tidy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# Above it, Splunk approximates percentiles and the median.
_EXACT = 1000


class Moments:
    """Sums of the numbers and of their squares, exact, so that numbers can leave without a trace."""

    def __init__(self, compute: Callable[[int, Fraction, Fraction], float | None]) -> None:
        self._compute = compute
        self._count = 0
        self._whole = 0
        self._whole_squares = 0
        self._parts = Fraction(0)
        self._parts_squares = Fraction(0)

    def push(self, values: Sequence[Any], _time: float) -> None:
        """Take in the values of one row."""
        self._add(values, 1)

    def drop(self, values: Sequence[Any], _time: float) -> None:
        """Forget the values of the oldest row."""
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
        """Return what is computed of the sums, or None without numbers."""
        if not self._count:
            return None
        result = self._compute(self._count, self._parts + self._whole, self._parts_squares + self._whole_squares)
        return None if result is None else tidy(result)


def as_number(value: Fraction) -> float:
    """Return an exact number as an int or a double."""
    try:
        return value.numerator if value.denominator == 1 else float(value)
    except OverflowError:
        return math.inf


def _variance(count: int, total: Fraction, squares: Fraction, *, sample: bool) -> Fraction | None:
    if sample and count == 1:
        # No source says what the spread of a single value is; 0 is what follows from the others.
        return Fraction(0)
    return (squares - total * total / count) / (count - 1 if sample else count)


def spread(*, sample: bool, root: bool) -> Callable[[int, Fraction, Fraction], float | None]:
    """Return what computes a variance or its root, of a sample or of everything."""

    def compute(count: int, total: Fraction, squares: Fraction) -> float | None:
        variance = _variance(count, total, squares, sample=sample)
        if variance is None:
            return None
        return math.sqrt(as_number(variance)) if root else as_number(variance)

    return compute


class Rate:
    """How fast a counter grows: its change from the earliest to the latest row, by the seconds between them."""

    def __init__(self) -> None:
        self._readings: list[tuple[float, Any]] = []

    def push(self, values: Sequence[Any], time: float) -> None:
        """Take in the values of one row."""
        if values:
            self._readings.append((time, number_of(values[-1])))

    def drop(self, values: Sequence[Any], _time: float) -> None:
        """Forget the values of the oldest row."""
        if values:
            self._readings.pop(0)

    def result(self) -> Any:
        """Return the change by the second, or None without two times.

        Raises:
            CounterResetError: the counter fell in between.
        """
        readings = sorted(self._readings, key=lambda reading: reading[0])
        if len(readings) < 2 or readings[0][0] == readings[-1][0]:  # noqa: PLR2004
            return None
        numbers = [number for _, number in readings]
        if numbers[0] is None or numbers[-1] is None:
            return None
        known = [number for number in numbers if number is not None]
        if any(later < earlier for earlier, later in pairwise(known)):
            raise CounterResetError
        return tidy((numbers[-1] - numbers[0]) / (readings[-1][0] - readings[0][0]))


class CounterResetError(Exception):
    """The counter of `rate` fell: how Splunk makes up for that is not documented."""


class Ordered:
    """Numbers in order, for a percentile or the median."""

    def __init__(self, compute: Callable[[list[Any]], float], *, exact: bool = False) -> None:
        self._compute = compute
        self._exact = exact
        self._numbers: list[Any] = []

    def push(self, values: Sequence[Any], _time: float) -> None:
        """Take in the values of one row."""
        for number in map(number_of, values):
            if number is not None:
                insort(self._numbers, number)

    def drop(self, values: Sequence[Any], _time: float) -> None:
        """Forget the values of the oldest row."""
        for number in map(number_of, values):
            if number is not None:
                del self._numbers[bisect_left(self._numbers, number)]

    def result(self) -> Any:
        """Return what is computed of the numbers, or None without any."""
        if len(self._numbers) > _EXACT and not self._exact:
            current().note(f"Splunk approximates percentiles and medians of more than {_EXACT} values; these are exact")
        return tidy(self._compute(self._numbers)) if self._numbers else None


def percentile(percent: float) -> Callable[[list[Any]], float]:
    """Return what computes a percentile of numbers in order: exactly, and then the nearest double."""
    portion = Fraction(repr(percent)) / 100

    def compute(numbers: list[Any]) -> float:
        """Interpolate between the two numbers that stand around the rank."""
        rank = (len(numbers) - 1) * portion
        below = math.floor(rank)
        share = rank - below
        if not share:
            return float(numbers[below])
        low, high = Fraction(numbers[below]), Fraction(numbers[below + 1])
        return as_number(low + (high - low) * share)

    return compute


def median(numbers: list[Any]) -> float:
    """Return the middle number; of two middle ones their mean, with an exact half rounded up."""
    middle = len(numbers) // 2
    if len(numbers) % 2:
        return float(numbers[middle])
    mean = (numbers[middle - 1] + numbers[middle]) / 2
    if not math.isfinite(mean):
        return float(mean)
    return math.floor(mean) + 1 if mean - math.floor(mean) == 0.5 else float(mean)  # noqa: PLR2004
