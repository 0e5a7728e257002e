"""Arithmetic on numbers, and on moments and spans of time.

    tree node + bound arguments ──> Bound

What is too large for its type, or divided by zero, is null and a warning. Source: Elasticsearch docs "ES|QL operators".
"""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING

from converter.targets.esql.engine.language.bound import Bound, Context, constant, expect, lift, null
from converter.targets.esql.engine.language.operators import cast_text
from converter.targets.esql.engine.language.times import Period, add_period
from converter.targets.esql.engine.language.types import NullifiedError, Type, in_range

if TYPE_CHECKING:
    from collections.abc import Callable

    from converter.readers.source import Span

MOVING_SPAN = "a span of time that is not a constant"


def _divide_whole(a: int, b: int) -> int:
    if b == 0:
        raise NullifiedError("/ by zero")
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def _remainder_whole(a: int, b: int) -> int:
    if b == 0:
        raise NullifiedError("/ by zero")
    if a >= 0 and b > 0:
        return a % b
    rest = abs(a) % abs(b)  # the sign is that of the dividend
    return -rest if a < 0 else rest


def _remainder(a: float, b: float) -> float:
    return math.fmod(a, b) if b else math.nan


def _divide(a: float, b: float) -> float:
    return a / b if b else math.nan


_WHOLE: dict[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide_whole,
    "%": _remainder_whole,
}
_DOUBLE: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide,
    "%": _remainder,
}


def _finite(number: float) -> float:
    if math.isfinite(number):
        return number
    raise NullifiedError("not a finite double number" if not math.isnan(number) else "/ by zero")


def arithmetic(context: Context, symbol: str, left: Bound, right: Bound, span: Span) -> Bound:
    """Return arithmetic on numbers, and on a moment and a span of time.

    Raises:
        QueryError: the types do not fit.
    """
    if Type.DATETIME in {left.type, right.type} or left.type.temporal or right.type.temporal:
        return _moved(context, symbol, left, right, span)
    for side in (left, right):
        expect(context, f"{symbol!r}", side, (Type.INTEGER, Type.LONG, Type.DOUBLE), "numbers")
    types = {left.type, right.type} - {Type.NULL}
    result = Type.DOUBLE if Type.DOUBLE in types else Type.LONG if Type.LONG in types else Type.INTEGER
    if not types:
        result = Type.NULL
    if result is Type.DOUBLE:
        double = _DOUBLE[symbol]
        return lift(context, span, (left, right), result, lambda a, b: _finite(double(float(a), float(b))))
    function = _WHOLE[symbol]
    if symbol == "%":
        return lift(context, span, (left, right), result, function)
    low, high = (-(2**31), 2**31 - 1) if result is Type.INTEGER else (-(2**63), 2**63 - 1)

    def checked(a: int, b: int) -> int:
        number = function(a, b)
        return number if low <= number <= high else in_range(number, result)

    return lift(context, span, (left, right), result, checked)


def _moved(context: Context, symbol: str, left: Bound, right: Bound, span: Span) -> Bound:
    """Return a moment plus or minus a span of time, or two constant spans put together."""
    if left.type is Type.NULL or right.type is Type.NULL:
        unknown, other = (left, right) if left.type is Type.NULL else (right, left)
        # A written null leaves a span of time a span; a field without values may well be a moment.
        return null(other.type if unknown.literal else Type.DATETIME, span)
    if symbol == "+" and left.type.temporal and right.type is Type.DATETIME:
        left, right = right, left
    if left.literal and left.type is Type.KEYWORD and right.type.temporal:
        left = cast_text(context, left, Type.DATETIME)
    if symbol not in {"+", "-"} or not right.type.temporal or left.type not in {Type.DATETIME, right.type}:
        message = f"{symbol!r} does not take {left.type.value} and {right.type.value}"
        hint = "TO_LONG makes milliseconds of a datetime; DATE_DIFF gives the time between two"
        raise context.error(message, span, hint if Type.DATETIME in {left.type, right.type} else "")
    for side in (left, right):
        if side.type.temporal and not side.constant:
            raise context.refused(MOVING_SPAN, side.span)
    if right.value is None or (left.type.temporal and left.value is None):
        return null(left.type, span)
    sign = -1 if symbol == "-" else 1
    amount = right.value
    if left.type.temporal:
        if isinstance(amount, Period):
            months, days = left.value.months + sign * amount.months, left.value.days + sign * amount.days
            return constant(Type.PERIOD, Period(months, days), span)
        return constant(Type.DURATION, left.value + sign * amount, span)
    if isinstance(amount, int):
        shift = sign * amount
        return lift(context, span, (left,), Type.DATETIME, lambda millis: in_range(millis + shift, Type.LONG))
    period = amount if sign > 0 else -amount

    def move(millis: int) -> int:
        try:
            return add_period(millis, period)
        except (OverflowError, ValueError):
            raise NullifiedError("long overflow") from None

    return lift(context, span, (left,), Type.DATETIME, move)


def negative(context: Context, value: Bound, span: Span) -> Bound:
    """Return minus a number or a span of time."""
    if value.type.temporal and value.constant and value.value is not None:
        return constant(value.type, -value.value, span)
    expect(context, "'-'", value, (Type.INTEGER, Type.LONG, Type.DOUBLE), "a number")
    if value.type is Type.DOUBLE or value.type is Type.NULL:
        return lift(context, span, (value,), value.type, operator.neg)
    type_ = value.type
    return lift(context, span, (value,), type_, lambda number: in_range(-number, type_))
