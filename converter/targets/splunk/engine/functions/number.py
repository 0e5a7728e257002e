"""Functions of numbers: `abs`, `floor`, `round`, `min`, `max` ..."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from converter.targets.splunk.engine.functions.base import Function, arguments, number_function
from converter.targets.splunk.engine.functions.math import guarded
from converter.targets.splunk.engine.language.expression_code import Compiled
from converter.targets.splunk.engine.language.values import number_of, text_of, tidy, values_of

if TYPE_CHECKING:
    from converter.targets.splunk.engine.language.expression_code import Compiler
    from converter.targets.splunk.engine.language.syntax import Call
    from converter.targets.splunk.engine.language.values import Row

_PLACES = 15
# "To 11 digits of precision", and acos(0)*180/pi() is documented to be 90.0000000003: the digits are cut, not rounded.
_PI = 3.14159265358
# From here on a double has no decimal places to round.
_UNROUNDED = 10**15


def _round(number: float, places: float = 0) -> int | float | str | None:
    """Round half away from zero; with decimal places the result is a text that keeps them."""
    if not 0 <= places <= _PLACES:
        return None
    digits = int(places)
    if abs(number) >= _UNROUNDED:
        return tidy(number)
    rounded = Decimal(repr(number)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    return str(rounded) if digits else int(rounded)


def _log(number: float, base: float = 10) -> float:
    """Return a logarithm, exact where it is whole: 3 for 1000, where a quotient of logarithms is not quite 3."""
    if base == 10:  # noqa: PLR2004
        return math.log10(number)
    return math.log2(number) if base == 2 else math.log(number) / math.log(base)  # noqa: PLR2004


def _checked_round(compiler: Compiler, call: Call) -> Compiled:
    if len(call.arguments) > 1:
        places = compiler.compile(call.arguments[1])
        if places.constant and places.kind == "number" and (places.run({}) or 0) < 0:
            raise compiler.error("round() to a negative number of decimal places", call.arguments[1].span)
    return number_function(1, 2, _round, "any").build(compiler, call)


def _extreme(*, largest: bool) -> Function:
    """Return `min` or `max`: a text is greater than every number; null takes no part."""

    def build(compiler: Compiler, call: Call) -> Compiled:
        compiled = arguments(compiler, call)
        if any(argument.kind == "bool" for argument in compiled):
            raise compiler.error(f"{call.function}() does not take a condition", call.span)
        parts = [(argument.run, argument.kind == "string" and argument.constant) for argument in compiled]
        choose = max if largest else min

        def run(row: Row) -> Any:
            ranked = []
            for get, written_text in parts:
                for value in values_of(get(row)):
                    number = None if written_text else number_of(value)
                    ranked.append(((0, number, "") if number is not None else (1, 0, text_of(value)), value))
            return choose(ranked, key=lambda pair: pair[0])[1] if ranked else None

        return Compiled(run, "any")

    return Function(1, None, build)


FUNCTIONS: dict[str, Function] = {
    "abs": number_function(1, 1, abs),
    "ceil": number_function(1, 1, math.ceil),
    "ceiling": number_function(1, 1, math.ceil),
    "floor": number_function(1, 1, math.floor),
    "round": Function(1, 2, _checked_round),
    "exact": number_function(1, 1, lambda number: number),
    "sqrt": number_function(1, 1, guarded(math.sqrt)),
    "pow": number_function(2, 2, guarded(math.pow)),
    "exp": number_function(1, 1, guarded(math.exp)),
    "ln": number_function(1, 1, guarded(math.log)),
    "log": number_function(1, 2, guarded(_log)),
    "pi": number_function(0, 0, lambda: _PI),
    "min": _extreme(largest=False),
    "max": _extreme(largest=True),
}
