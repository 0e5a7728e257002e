"""Measure the events in a window of a correlation: their number, values, sum, mean, percentile, rules or order.

    members ──add, drop as the window moves──> Meter ──holds──> whether every limit is met

Arithmetic is exact: a fraction is the exact value of its double, and no sum or mean is rounded.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from fractions import Fraction
from typing import TYPE_CHECKING, Protocol, assert_never

from converter.plan import nodes as ir

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from converter.reference.members import Member

_MEDIAN = 50
_NEVER = -(1 << 200)


class Meter(Protocol):
    """The measure of a window; members are added and dropped in order of time."""

    def add(self, member: Member) -> None:
        """Add a member that is not earlier than those before it."""

    def drop(self, member: Member) -> None:
        """Remove the earliest member."""

    def holds(self, since: int) -> bool:
        """Return whether the window, which begins at this time, meets the limits."""
        ...


def meter_of(rule: ir.Correlation) -> Meter:
    """Return the measure of a correlation, for an empty window."""
    match rule.measure:
        case ir.EventCount():
            return _Events(rule.limits)
        case ir.ValueCount():
            return _Values(rule.limits)
        case ir.ValueSum():
            return _Sum(rule.limits)
        case ir.ValueAvg():
            return _Mean(rule.limits)
        case ir.ValuePercentile(_, percent):
            return _Percentile(rule.limits, percent)
        case ir.ValueMedian():
            return _Percentile(rule.limits, _MEDIAN)
        case ir.Temporal(expr):
            return _Rules(rule.limits, expr)
        case ir.TemporalOrdered(stages):
            return _Stages(rule.limits, stages)
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


class _Events:
    def __init__(self, limits: Sequence[ir.Limit]) -> None:
        self.limits = limits
        self.count = 0

    def add(self, _member: Member) -> None:
        self.count += 1

    def drop(self, _member: Member) -> None:
        self.count -= 1

    def holds(self, _since: int) -> bool:
        return meets(self.count, self.limits)


class _Values:
    def __init__(self, limits: Sequence[ir.Limit]) -> None:
        self.limits = limits
        self.counts: Counter[tuple[str, ...]] = Counter()

    def add(self, member: Member) -> None:
        self.counts.update(member.values)

    def drop(self, member: Member) -> None:
        for value in member.values:
            self.counts[value] -= 1
            if not self.counts[value]:
                del self.counts[value]

    def holds(self, _since: int) -> bool:
        return meets(len(self.counts), self.limits)


class _Sum:
    def __init__(self, limits: Sequence[ir.Limit]) -> None:
        self.limits = limits
        self.total = Fraction(0)
        self.count = 0

    def add(self, member: Member) -> None:
        self.total += sum(map(Fraction, member.values))
        self.count += len(member.values)

    def drop(self, member: Member) -> None:
        self.total -= sum(map(Fraction, member.values))
        self.count -= len(member.values)

    def holds(self, _since: int) -> bool:
        return meets(self.total, self.limits)


class _Mean(_Sum):
    def holds(self, _since: int) -> bool:
        return meets(self.total / self.count, self.limits)


class _Percentile:
    """The sorted numbers have ranks 0 to n - 1; the percentile is at rank `percent / 100 * (n - 1)`, interpolated."""

    def __init__(self, limits: Sequence[ir.Limit], percent: float) -> None:
        self.limits = limits
        self.share = Fraction(percent) / 100
        self.sorted: list[int | float] = []

    def add(self, member: Member) -> None:
        for value in member.values:
            insort(self.sorted, value)

    def drop(self, member: Member) -> None:
        for value in member.values:
            del self.sorted[bisect_left(self.sorted, value)]

    def holds(self, _since: int) -> bool:
        at = self.share * (len(self.sorted) - 1)
        below = Fraction(self.sorted[int(at)])
        between = at - int(at)
        value = below + between * (Fraction(self.sorted[int(at) + 1]) - below) if between else below
        return meets(value, self.limits)


class _Rules:
    def __init__(self, limits: Sequence[ir.Limit], expr: ir.Occurrence | None) -> None:
        self.limits = limits
        self.expr = expr
        self.counts: Counter[int] = Counter()

    def add(self, member: Member) -> None:
        self.counts.update(member.rules)

    def drop(self, member: Member) -> None:
        self.counts.subtract(member.rules)

    def holds(self, _since: int) -> bool:
        occurring = {rule for rule, count in self.counts.items() if count}
        return meets(len(occurring), self.limits) and (self.expr is None or _true(self.expr, occurring))


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


class _Stages:
    """The number of stages that occur in order.

    `latest[k][s]` is the latest start of k + 1 stages that occur in order, none of them after stage s. Stages that
    start in the window lie in it, because no event after its end has been added.
    """

    def __init__(self, limits: Sequence[ir.Limit], stages: Sequence[Sequence[int]]) -> None:
        self.limits = limits
        self.stages = stages
        self.latest = [[_NEVER] * len(stages) for _ in stages]

    def add(self, member: Member) -> None:
        before = [list(row) for row in self.latest]
        for stage, rules in enumerate(self.stages):
            if member.rules.isdisjoint(rules):
                continue
            for length, row in enumerate(self.latest[: stage + 1]):
                # From `before`, so that one event never serves two stages.
                begun = before[length - 1][stage - 1] if length else member.time
                for later in range(stage, len(row)):
                    row[later] = max(row[later], begun)

    def drop(self, _member: Member) -> None:
        """Do nothing: `holds` ignores stages that start before the window."""

    def holds(self, since: int) -> bool:
        stages = sum(row[-1] >= since for row in self.latest)
        return meets(stages, self.limits)
