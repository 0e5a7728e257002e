"""The limits of a correlation as conditions of eval on whole numbers, so that nothing is rounded.

    mean gte 2.5, of sum and count  ──>  sum*2>=5*count

A limit such as 0.1 is the double next to it, which is a little more or less. No quotient of whole numbers lies between
the two, so comparing with one tenth is exact once an equality is decided by the side on which the double lies.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from typing import TYPE_CHECKING, assert_never

from converter.targets.core.emission import check_whole, refused
from converter.targets.splunk.emitter.quoting import SIGNS, number_text
from converter.verdicts.log_assumptions import EXACT_DOUBLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from converter.errors import Place
    from converter.plan.nodes import Limit

_LARGEST_SCALE = 10**6


def met(value: str, limits: Sequence[Limit], place: Place | None) -> str:
    """Return the condition that a whole number meets every limit.

    Raises:
        RefusedError: a limit beyond what a double holds.
    """
    for _, number in limits:
        check_whole(number, EXACT_DOUBLE, "SPL", place)
    return " AND ".join(f"{value}{SIGNS[op]}{number_text(number)}" for op, number in limits)


def scaled(number: float, place: Place | None) -> tuple[int, int, int]:
    """Return a limit as a quotient of whole numbers, and whether the double lies below it (-1), on it (0) or above (1).

    Raises:
        RefusedError: the limit has too many digits to be multiplied with.
    """
    check_whole(number, EXACT_DOUBLE, "SPL", place)
    exact = Fraction(number)
    shown = Fraction(Decimal(repr(number))) if isinstance(number, float) else exact
    if shown.denominator > _LARGEST_SCALE or abs(shown.numerator) >= EXACT_DOUBLE:
        raise refused(
            f"SPL does not compare exactly with {number}", "limit with many digits", place, "give fewer decimals"
        )
    return shown.numerator, shown.denominator, (exact > shown) - (exact < shown)


def at_least(limits: Sequence[Limit]) -> int:
    """Return the smallest count that meets lower limits; a window that is looked at holds an event."""
    needed = [int(number // 1) + 1 if op == "gt" else -int(-number // 1) for op, number in limits]
    return max(1, *needed) if needed else 1


def steps_of(limits: Sequence[Limit]) -> list[int]:
    """Return the counts at which a limit is first met, or no longer met, in order."""
    steps: set[int] = set()
    for op, number in limits:
        match op:
            case "lt" | "gte":
                steps.add(ceil(number))
            case "lte" | "gt":
                steps.add(floor(number) + 1)
            case "eq" | "neq":
                steps |= {ceil(number), floor(number) + 1}
            case _:
                assert_never(op)
    return sorted(steps)


def compared(left: str, right: str, op: str, side: int) -> str:
    """Return the comparison of a quotient with a limit; `side` tells where its double lies (see `scaled`)."""
    if side and op in {"eq", "neq"}:
        return "1=0" if op == "eq" else "1=1"
    if side > 0:
        op = {"gte": "gt", "lt": "lte"}.get(op, op)
    elif side < 0:
        op = {"gt": "gte", "lte": "lt"}.get(op, op)
    return f"{left}{SIGNS[op]}{right}"
