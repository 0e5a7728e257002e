"""Functions of numbers beside the everyday ones: trigonometry, bits, sums and averages of arguments.

Bits are those of whole numbers from 0 to 2^53-1; anything else is null.
"""

from __future__ import annotations

import math
import operator
from functools import reduce
from typing import TYPE_CHECKING, Any

from converter.targets.splunk.engine.functions.base import Function, arguments, number_argument, number_function, refuse
from converter.targets.splunk.engine.language.expression_code import Compiled
from converter.targets.splunk.engine.language.values import number_of, tidy, values_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from converter.targets.splunk.engine.language.expression_code import Compiler
    from converter.targets.splunk.engine.language.syntax import Call
    from converter.targets.splunk.engine.language.values import Row

_WIDTH = 53
_MASK = 2**_WIDTH - 1


def guarded(compute: Callable[..., float]) -> Callable[..., int | float | None]:
    """Return a computation that is null where it is undefined."""

    def run(*numbers: float) -> int | float | None:
        try:
            result = compute(*numbers)
        except (ValueError, OverflowError, ZeroDivisionError):
            return None
        return None if isinstance(result, complex) else tidy(result)

    return run


def _whole(number: float | None) -> int | None:
    """Return a number that the functions of bits take, or None."""
    if number is None or not 0 <= number <= _MASK or number != int(number):
        return None
    return int(number)


def _bits(least: int, most: int | None, compute: Callable[[Sequence[int]], int]) -> Function:
    def build(compiler: Compiler, call: Call) -> Compiled:
        compiled = arguments(compiler, call)
        gets = [number_argument(compiler, call, argument) for argument in compiled]

        def run(row: Row) -> int | None:
            numbers: list[int] = []
            for get in gets:
                number = _whole(get(row))
                if number is None:
                    return None
                numbers.append(number)
            return compute(numbers)

        return Compiled(run, "number", all(argument.constant for argument in compiled))

    return Function(least, most, build)


def _not(numbers: Sequence[int]) -> int:
    mask = numbers[1] if len(numbers) > 1 else _MASK
    return ~numbers[0] & mask


def _shift_left(numbers: Sequence[int]) -> int:
    value, offset = numbers
    return (value << offset) & _MASK if offset < _WIDTH else 0


def _shift_right(numbers: Sequence[int]) -> int:
    value, offset = numbers
    return value >> offset if offset < _WIDTH else 0


def _over_numbers(total: Callable[[list[int | float]], float]) -> Function:
    """Return `sum` or `avg`: every number of every argument; texts in fields and missing fields take no part."""
    compute = guarded(total)

    def build(compiler: Compiler, call: Call) -> Compiled:
        compiled = arguments(compiler, call)
        for argument in compiled:
            refuse(compiler, call, argument, ("bool", "null", "string") if argument.constant else ("bool", "null"))
        gets = [argument.run for argument in compiled]

        def run(row: Row) -> Any:
            numbers = [
                number
                for get in gets
                for value in values_of(get(row))
                if type(value) is not bool and (number := number_of(value)) is not None
            ]
            return compute(numbers) if numbers else None

        return Compiled(run, "number", all(argument.constant for argument in compiled))

    return Function(1, None, build)


def _one(compute: Callable[[float], float]) -> Function:
    return number_function(1, 1, guarded(compute))


FUNCTIONS: dict[str, Function] = {
    "acos": _one(math.acos),
    "acosh": _one(math.acosh),
    "asin": _one(math.asin),
    "asinh": _one(math.asinh),
    "atan": _one(math.atan),
    "atan2": number_function(2, 2, guarded(math.atan2)),
    "atanh": _one(math.atanh),
    "cos": _one(math.cos),
    "cosh": _one(math.cosh),
    "hypot": number_function(2, 2, guarded(math.hypot)),
    "sin": _one(math.sin),
    "sinh": _one(math.sinh),
    "tan": _one(math.tan),
    "tanh": _one(math.tanh),
    "bit_and": _bits(2, None, lambda numbers: reduce(operator.and_, numbers)),
    "bit_or": _bits(2, None, lambda numbers: reduce(operator.or_, numbers)),
    "bit_xor": _bits(2, None, lambda numbers: reduce(operator.xor, numbers)),
    "bit_not": _bits(1, 2, _not),
    "bit_shift_left": _bits(2, 2, _shift_left),
    "bit_shift_right": _bits(2, 2, _shift_right),
    "sum": _over_numbers(math.fsum),
    "avg": _over_numbers(lambda numbers: math.fsum(numbers) / len(numbers)),
}
