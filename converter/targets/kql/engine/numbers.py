"""Read the numbers of a query, and compare them as Elasticsearch compares the values of long and double fields.

    text ──number_in──> Number ──equal / ordered──> test of a number in a document

A whole number in a document is taken for a long, any other for a double. A long is compared exactly with what the query
says; a double with the double next to it. -0.0 is below 0.0, and no long lies outside 64 bits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from math import copysign
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

Held: TypeAlias = int | float

_INTEGER = re.compile(r"[+-]?\d{1,300}", re.ASCII)  # Python refuses to read integers of thousands of digits
_NUMBER = re.compile(r"[+-]?(?:\d{1,300}\.?\d{0,300}|\.\d{1,300})(?:[eE][+-]?\d{1,6})?", re.ASCII)
_LONGS = range(-(2**63), 2**63)


@dataclass(frozen=True, slots=True)
class Number:
    """A number that a query spells.

    Attributes:
        exact: as it is written.
        double: the nearest double; infinite beyond them.
    """

    exact: int | Decimal
    double: float

    @property
    def beyond_longs(self) -> bool:
        """Whether no long can be compared with it in a range."""
        return not _LONGS[0] <= self.exact <= _LONGS[-1] + Decimal("0.5")


def number_in(text: str) -> Number | None:
    """Return the number that `text` spells, or None."""
    if _INTEGER.fullmatch(text) is not None:
        return Number(int(text), float(text))
    if _NUMBER.fullmatch(text) is None:
        return None
    return Number(Decimal(text), float(text))


def equal(number: Number) -> Callable[[Held], bool]:
    """Return the test whether a number of a document is `number`."""
    exact, double = number.exact, number.double
    sign = copysign(1.0, double)

    def test(own: Held) -> bool:
        if isinstance(own, float):
            return own == double and (own != 0 or copysign(1.0, own) == sign)
        return own == exact

    return test


def ordered(operator: str, number: Number) -> Callable[[Held], bool]:
    """Return the test whether a number of a document is `<`, `<=`, `>` or `>=` than `number`."""
    exact, double = number.exact, number.double
    bound = (double, copysign(1.0, double))
    match operator:
        case "<":
            return lambda own: (own, copysign(1.0, own)) < bound if isinstance(own, float) else own < exact
        case "<=":
            return lambda own: (own, copysign(1.0, own)) <= bound if isinstance(own, float) else own <= exact
        case ">":
            return lambda own: (own, copysign(1.0, own)) > bound if isinstance(own, float) else own > exact
        case _:
            return lambda own: (own, copysign(1.0, own)) >= bound if isinstance(own, float) else own >= exact
