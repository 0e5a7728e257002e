"""Functions of numbers: arithmetic by name, and number, which reads one from a text.

Source: docs "EQL function reference"; NOTES.md.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from converter.products.elastic.values import java_text
from converter.targets.eql.engine.functions.base import Function, FunctionError, Implementation

if TYPE_CHECKING:
    from converter.targets.eql.engine.functions.base import Maker
    from converter.targets.eql.engine.language.syntax import ArithmeticOperator

_HEXADECIMAL = 16
_MOST_DIGITS = 400
"""A whole number with more is beyond doubles, and Python does not read every one."""
_FLOAT = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_INTEGER = re.compile(r"[+-]?[0-9]+")


def _number_maker(_insensitive: bool) -> Implementation:  # noqa: FBT001
    def number(source: Any, base: Any = None) -> int | float | None:
        return None if source is None else _parse_number(java_text(source).strip(), base)

    return number


def _parse_number(text: str, base: Any) -> int | float:
    prefixed = text[:2] == "0x"
    try:
        if prefixed and base in {None, _HEXADECIMAL}:
            return int(text[2:], _HEXADECIMAL)
        if base is not None and base != 10:  # noqa: PLR2004 - ten is the default base
            return int(text, int(base))
    except (ValueError, OverflowError):
        raise FunctionError(f"number cannot convert {text!r}") from None
    if _INTEGER.fullmatch(text) and len(text) <= _MOST_DIGITS:
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    raise FunctionError(f"number cannot convert {text!r}")


def arithmetic(operator: ArithmeticOperator, left: Any, right: Any) -> int | float | None:
    """Return the result of an arithmetic operator as Java computes it: whole numbers stay whole, division truncates.

    Raises:
        FunctionError: a value that is not a number, or a whole number divided by zero.
    """
    if left is None or right is None:
        return None
    first, second = _numeric(left), _numeric(right)
    match operator:
        case "+":
            return first + second
        case "-":
            return first - second
        case "*":
            return first * second
        case _:
            return _divide(operator, first, second)


def _divide(operator: ArithmeticOperator, divisor: float, two: float) -> float:
    if isinstance(divisor, int) and isinstance(two, int):
        if two == 0:
            raise FunctionError("division by zero")
        quotient = abs(divisor) // abs(two) * (1 if (divisor < 0) == (two < 0) else -1)
        return quotient if operator == "/" else divisor - two * quotient
    if two == 0:
        undefined = operator == "%" or divisor == 0 or math.isnan(divisor)
        return math.nan if undefined else math.copysign(math.inf, divisor) * math.copysign(1, two)
    return divisor / two if operator == "/" else math.fmod(divisor, two)


def _numeric(value: Any) -> int | float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _FLOAT.fullmatch(value):
        return int(value) if _INTEGER.fullmatch(value) and len(value) <= _MOST_DIGITS else float(value)
    raise FunctionError(f"arithmetic needs a number, not {java_text(value)!r}")


def _operator(operator: ArithmeticOperator) -> Maker:
    return lambda _insensitive: lambda left, right: arithmetic(operator, left, right)


_NAMES: dict[ArithmeticOperator, str] = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide", "%": "modulo"}

FUNCTIONS = (
    *(
        Function(name=name, parameters=("number", "number"), returns="number", make=_operator(operator))
        for operator, name in _NAMES.items()
    ),
    Function(
        name="number",
        parameters=("text", "integer"),
        returns="number",
        make=_number_maker,
        optional=1,
        constants=1,
    ),
)
