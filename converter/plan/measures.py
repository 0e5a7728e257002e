"""What a correlation measures in a window, and the limits that the measure must meet.

EventCount | ValueCount | ... (Measure)      op and number (Limit)
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
    """How many events."""


@dataclass(frozen=True, slots=True)
class ValueCount:
    """How many different values of the field, or combinations of values of the fields."""

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
    """The percentile, from 0 to 100, of the numbers in the field; between two of them, linearly."""

    field: str
    percent: int | float


@dataclass(frozen=True, slots=True)
class ValueMedian:
    """The percentile 50 of the numbers in the field."""

    field: str


@dataclass(frozen=True, slots=True)
class Occurs:
    """An event matches the rule of this index in `Correlation.rules`."""

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
    """How many of the rules occur in the window; with an expression, whether it is true of them (no limits then)."""

    expr: Occurrence | None = None


@dataclass(frozen=True, slots=True)
class TemporalOrdered:
    """How many of the stages occur in this order, each at an event of its own; a stage is any of its rules."""

    stages: tuple[tuple[int, ...], ...]


Measure: TypeAlias = (
    EventCount | ValueCount | ValueSum | ValueAvg | ValuePercentile | ValueMedian | Temporal | TemporalOrdered
)


def rising(limits: Iterable[Limit]) -> bool:
    """Return whether more of what is measured never undoes the limits."""
    return all(op in {"gt", "gte"} for op, _ in limits)
