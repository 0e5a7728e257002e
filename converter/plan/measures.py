"""The measures of correlations, and the limits that a measure must meet.

    EventCount | ValueCount | ... (Measure) ──computed from the events in a window──> number ──compared──> Limit

Temporal and TemporalOrdered count rules and stages; an Occurrence is a condition on the rules that occur in a window.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable


CountOperator: TypeAlias = Literal["lt", "lte", "gt", "gte", "eq", "neq"]
Limit: TypeAlias = tuple[CountOperator, int | float]


@dataclass(frozen=True, slots=True)
class EventCount:
    """The number of events."""


@dataclass(frozen=True, slots=True)
class ValueCount:
    """The number of distinct values of the field, or of distinct combinations of values of several fields."""

    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ValueSum:
    """The sum of the numbers in the field."""

    field: str


@dataclass(frozen=True, slots=True)
class ValueAvg:
    """The mean of the numbers in the field."""

    field: str


@dataclass(frozen=True, slots=True)
class ValuePercentile:
    """A percentile (0 to 100) of the numbers in the field, interpolated linearly between two of them."""

    field: str
    percent: int | float


@dataclass(frozen=True, slots=True)
class ValueMedian:
    """The median of the numbers in the field, which is their 50th percentile."""

    field: str


@dataclass(frozen=True, slots=True)
class Occurs:
    """An event of the window matches the rule with this index in `Correlation.rules`."""

    rule: int


@dataclass(frozen=True, slots=True)
class AllOf:
    """Each item is true of the window."""

    items: tuple[Occurrence, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one item is true of the window."""

    items: tuple[Occurrence, ...]


@dataclass(frozen=True, slots=True)
class Absent:
    """The item is not true of the window."""

    item: Occurrence


Occurrence: TypeAlias = Occurs | AllOf | AnyOf | Absent


@dataclass(frozen=True, slots=True)
class Temporal:
    """The number of rules that occur in the window; with `expr`, whether that is true (there are no limits then)."""

    expr: Occurrence | None = None


@dataclass(frozen=True, slots=True)
class TemporalOrdered:
    """The number of stages that occur in this order, each at its own event; an event of any rule of a stage will do."""

    stages: tuple[tuple[int, ...], ...]


Measure: TypeAlias = (
    EventCount | ValueCount | ValueSum | ValueAvg | ValuePercentile | ValueMedian | Temporal | TemporalOrdered
)


def is_lower(limit: Limit) -> bool:
    """Return whether a measure that meets the limit still meets it when it grows."""
    return limit[0] in {"gt", "gte"}


def is_upper(limit: Limit) -> bool:
    """Return whether a measure that meets the limit still meets it when it falls."""
    return limit[0] in {"lt", "lte"}


def rising(limits: Iterable[Limit]) -> bool:
    """Return whether a measure that meets the limits still meets them when it grows."""
    return all(map(is_lower, limits))
