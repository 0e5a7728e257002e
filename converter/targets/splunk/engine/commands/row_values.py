"""What several commands make of the values of a row."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from converter.targets.splunk.engine.language.values import text_of, tidy, values_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from converter.targets.splunk.engine.language.values import Row


def values_besides(row: Row, name: str) -> frozenset[tuple[str, tuple[str, ...]]]:
    """Return what a row holds besides a field. `_id` is not a field of Splunk."""
    return frozenset(
        (other, tuple(map(text_of, values_of(value)))) for other, value in row.items() if other not in (name, "_id")
    )


def total_of(total: Fraction) -> Any:
    """Return an exact total as a row holds it."""
    return tidy(total.numerator if total.denominator == 1 else float(total))


def exact_sum(numbers: Iterable[float]) -> Any:
    """Return the sum of numbers, as if it were added up without rounding."""
    return total_of(sum((Fraction(number) for number in numbers), Fraction(0)))
