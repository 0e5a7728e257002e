"""Measure the events in a window of a correlation: their number, values, sum, mean, percentile, rules or order.

    members ──add, drop as the window moves──> Meter ──value──> number ──holds──> whether the limits are met

Arithmetic is exact: a fraction is the exact value of its double, and no sum or mean is rounded.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left, insort
from collections import Counter
from fractions import Fraction
from typing import TYPE_CHECKING, assert_never

from converter.plan import nodes as ir

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from converter.reference.members import Member

_MEDIAN = 50
_NEVER = -(1 << 200)


class Meter(ABC):
    """The measure of a window; members enter and leave it in order of time."""

    def __init__(self, limits: Sequence[ir.Limit]) -> None:
        self.limits = limits

    @abstractmethod
    def add(self, members: Sequence[Member]) -> None:
        """Add the members of one time, which is later than that of members before."""

    @abstractmethod
    def drop(self, member: Member) -> None:
        """Remove the earliest member."""

    @abstractmethod
    def value(self, since: int) -> Fraction | float:
        """Return the measure of the window, which begins at this time."""

    def holds(self, since: int) -> bool:
        """Return whether the window, which begins at this time, meets the limits."""
        return meets(self.value(since), self.limits)


def meter_of(rule: ir.Correlation) -> Meter:
    """Return the measure of a correlation, for an empty window."""
    limits = rule.window_limits
    match rule.measure:
        case ir.EventCount():
            return _Events(limits)
        case ir.ValueCount():
            return _Values(limits)
        case ir.ValueSum():
            return _Sum(limits)
        case ir.ValueAvg():
            return _Mean(limits)
        case ir.ValuePercentile(_, percent):
            return _Percentile(limits, percent)
        case ir.ValueMedian():
            return _Percentile(limits, _MEDIAN)
        case ir.Temporal(expr):
            return _Rules(limits, expr)
        case ir.TemporalOrdered(stages):
            return _Stages(limits, stages)
        case _:
            assert_never(rule.measure)


def meets(value: Fraction | float, limits: Sequence[ir.Limit]) -> bool:
    """Return whether a number meets every limit."""
    return all(_holds(value, op, number) for op, number in limits)


def _holds(value: Fraction | float, op: ir.CountOperator, number: float) -> bool:
    match op:
        case "lt":
            return value < number
        case "lte":
            return value <= number
        case "gt":
            return value > number
        case "gte":
            return value >= number
        case "eq":
            return value == number
        case "neq":
            return value != number
        case _:
            assert_never(op)


class _Events(Meter):
    def __init__(self, limits: Sequence[ir.Limit]) -> None:
        super().__init__(limits)
        self.count = 0

    def add(self, members: Sequence[Member]) -> None:
        self.count += len(members)

    def drop(self, _member: Member) -> None:
        self.count -= 1

    def value(self, _since: int) -> int:
        return self.count


class _Values(Meter):
    def __init__(self, limits: Sequence[ir.Limit]) -> None:
        super().__init__(limits)
        self.counts: Counter[tuple[str, ...]] = Counter()

    def add(self, members: Sequence[Member]) -> None:
        for member in members:
            self.counts.update(member.values)

    def drop(self, member: Member) -> None:
        for value in member.values:
            self.counts[value] -= 1
            if not self.counts[value]:
                del self.counts[value]

    def value(self, _since: int) -> int:
        return len(self.counts)


class _Sum(Meter):
    def __init__(self, limits: Sequence[ir.Limit]) -> None:
        super().__init__(limits)
        self.total = Fraction(0)
        self.count = 0

    def add(self, members: Sequence[Member]) -> None:
        for member in members:
            self.total += sum(map(Fraction, member.values))
            self.count += len(member.values)

    def drop(self, member: Member) -> None:
        self.total -= sum(map(Fraction, member.values))
        self.count -= len(member.values)

    def value(self, _since: int) -> Fraction:
        return self.total


class _Mean(_Sum):
    def value(self, _since: int) -> Fraction:
        return self.total / self.count


class _Percentile(Meter):
    """The sorted numbers have ranks 0 to n - 1; the percentile is at rank `percent / 100 * (n - 1)`, interpolated."""

    def __init__(self, limits: Sequence[ir.Limit], percent: float) -> None:
        super().__init__(limits)
        self.share = Fraction(percent) / 100
        self.sorted: list[int | float] = []

    def add(self, members: Sequence[Member]) -> None:
        for member in members:
            for value in member.values:
                insort(self.sorted, value)

    def drop(self, member: Member) -> None:
        for value in member.values:
            del self.sorted[bisect_left(self.sorted, value)]

    def value(self, _since: int) -> Fraction:
        at = self.share * (len(self.sorted) - 1)
        below = Fraction(self.sorted[int(at)])
        between = at - int(at)
        return below + between * (Fraction(self.sorted[int(at) + 1]) - below) if between else below


class _Rules(Meter):
    def __init__(self, limits: Sequence[ir.Limit], expr: ir.Occurrence | None) -> None:
        super().__init__(limits)
        self.expr = expr
        self.counts: Counter[int] = Counter()

    def add(self, members: Sequence[Member]) -> None:
        for member in members:
            self.counts.update(member.rules)

    def drop(self, member: Member) -> None:
        self.counts.subtract(member.rules)

    def value(self, _since: int) -> int:
        return len(self._occurring())

    def holds(self, since: int) -> bool:
        return super().holds(since) and (self.expr is None or _true(self.expr, self._occurring()))

    def _occurring(self) -> set[int]:
        return {rule for rule, count in self.counts.items() if count}


def _true(expr: ir.Occurrence, occurring: Container[int]) -> bool:
    match expr:
        case ir.Occurs(rule):
            return rule in occurring
        case ir.AllOf(items):
            return all(_true(item, occurring) for item in items)
        case ir.AnyOf(items):
            return any(_true(item, occurring) for item in items)
        case ir.Absent(item):
            return not _true(item, occurring)
        case _:
            assert_never(expr)


class _Stages(Meter):
    """The number of stages that occur in order; events of one time have no order.

    `latest[count][stage]` is the latest start of so many stages, in order, of those before this one. Stages that start
    in the window lie in it, because no event after its end has been added.
    """

    def __init__(self, limits: Sequence[ir.Limit], stages: Sequence[Sequence[int]]) -> None:
        super().__init__(limits)
        self.stages = stages
        self.latest = [[_NEVER] * (len(stages) + 1) for _ in range(len(stages) + 1)]

    def add(self, members: Sequence[Member]) -> None:
        before = [list(row) for row in self.latest]
        for begin in range(len(self.stages)):
            for end in range(begin + 1, len(self.stages) + 1):
                # The last of the stages in order are these events; earlier events are the others, before `begin`.
                here = _most(self.stages[begin:end], members)
                for count in range(1, len(self.stages) + 1):
                    start = members[0].time if count <= here else before[count - here][begin]
                    self.latest[count][end] = max(self.latest[count][end], start)

    def drop(self, _member: Member) -> None:
        """Do nothing: `value` ignores stages that start before the window."""

    def value(self, since: int) -> int:
        return sum(row[-1] >= since for row in self.latest[1:])


def _most(stages: Sequence[Sequence[int]], members: Sequence[Member]) -> int:
    """Return how many of the stages different members can be, in any order (the size of a maximum matching)."""
    stage_of: dict[int, int] = {}

    def has_member(stage: int, tried: set[int]) -> bool:
        for number, member in enumerate(members):
            if number in tried or member.rules.isdisjoint(stages[stage]):
                continue
            tried.add(number)
            if number not in stage_of or has_member(stage_of[number], tried):
                stage_of[number] = stage
                return True
        return False

    return sum(has_member(stage, set()) for stage in range(len(stages)))
