"""Mathematical functions.

Source: Elasticsearch docs "ES|QL mathematical functions"; class `Maths.round`; vendor cases `math.csv-spec`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from converter.targets.esql.engine.functions.base import Function
from converter.targets.esql.engine.language.bound import NUMBERS, WHOLE, Bound, Context, expect, lift
from converter.targets.esql.engine.language.types import NullifiedError, Type, in_range

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from converter.readers.source import Span


_NO_FRACTION = 2.0**52  # doubles beyond have none


def _to_whole(name: str, for_double: Callable[[float], float]) -> Function:
    """Return a function that changes doubles only: whole numbers are their own floor."""

    def build(context: Context, span: Span, arguments: Sequence[Bound]) -> Bound:
        number = arguments[0]
        expect(context, name, number, NUMBERS, "a number")
        return lift(context, span, (number,), number.type, for_double) if number.type is Type.DOUBLE else number

    return Function(build, 1, 1)


def _floor(number: float) -> float:
    return number if abs(number) >= _NO_FRACTION else float(math.floor(number))


def _ceil(number: float) -> float:
    return number if abs(number) >= _NO_FRACTION else math.copysign(math.ceil(number), number)


def _abs(context: Context, span: Span, arguments: Sequence[Bound]) -> Bound:
    number = arguments[0]
    expect(context, "ABS", number, NUMBERS, "a number")
    type_ = number.type
    if type_ is Type.DOUBLE:
        return lift(context, span, (number,), type_, math.fabs)
    return lift(context, span, (number,), type_, lambda a: in_range(abs(a), type_))


def _round(context: Context, span: Span, arguments: Sequence[Bound]) -> Bound:
    """Round to a number of decimals, halves away from zero."""
    number = arguments[0]
    expect(context, "ROUND", number, NUMBERS, "a number")
    for places in arguments[1:]:
        expect(context, "ROUND", places, WHOLE, "a whole number of decimals")
    if number.type is Type.DOUBLE or number.type is Type.NULL:
        return lift(context, span, arguments, number.type, _round_double)
    type_ = number.type
    return lift(context, span, arguments, type_, lambda a, places=0: in_range(_round_whole(a, places), type_))


def _round_double(number: float, places: int = 0) -> float:
    if not math.isfinite(number):
        return number
    scale = 10.0**places if abs(places) < 300 else (math.inf if places > 0 else 0.0)  # noqa: PLR2004
    if scale == 0:
        return 0.0
    middle = abs(number) * scale
    if not math.isfinite(middle):
        return number
    rounded = math.floor(middle + 0.5) if middle < 2**52 else int(middle)
    return -(rounded / scale) if number < 0 else rounded / scale


def _round_whole(number: int, places: int) -> int:
    if places >= 0:
        return number
    scale: int = 10 ** min(-places, 20)
    rounded = (abs(number) + scale // 2) // scale * scale
    return rounded if number >= 0 else -rounded


def _pow(context: Context, span: Span, arguments: Sequence[Bound]) -> Bound:
    for argument in arguments:
        expect(context, "POW", argument, NUMBERS, "numbers")

    def power(base: float, exponent: float) -> float:
        try:
            number: Any = float(base) ** float(exponent)
        except (OverflowError, ZeroDivisionError):
            raise NullifiedError("not a finite double number: [Infinity]") from None
        if isinstance(number, complex) or not math.isfinite(number):
            raise NullifiedError("not a finite double number")
        return float(number)

    return lift(context, span, arguments, Type.DOUBLE, power)


def _sqrt(context: Context, span: Span, arguments: Sequence[Bound]) -> Bound:
    expect(context, "SQRT", arguments[0], NUMBERS, "a number")

    def root(number: float) -> float:
        if number < 0:
            raise NullifiedError("Square root of negative")
        return math.sqrt(number)

    return lift(context, span, arguments, Type.DOUBLE, root)


FUNCTIONS = {
    "abs": Function(_abs, 1, 1),
    "ceil": _to_whole("CEIL", _ceil),
    "floor": _to_whole("FLOOR", _floor),
    "pow": Function(_pow, 2, 2),
    "round": Function(_round, 1, 2),
    "sqrt": Function(_sqrt, 1, 1),
}
