"""Functions that turn values into others: `tostring`, `tonumber`, `toint`, `tobool`, `printf`, `ipmask` ..."""

from __future__ import annotations

import ipaddress
import math
import re
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import TYPE_CHECKING

from converter.targets.splunk.engine.functions.base import (
    Function,
    arguments,
    literal,
    prepared,
    refuse,
    single,
    text_argument,
)
from converter.targets.splunk.engine.functions.printf import directives, render
from converter.targets.splunk.engine.language.expression_code import Compiled
from converter.targets.splunk.engine.language.values import number_of, text_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from converter.targets.splunk.engine.language.expression_code import Compiler, Run
    from converter.targets.splunk.engine.language.syntax import Call
    from converter.targets.splunk.engine.language.values import Row

_LARGEST = 2**53 - 1
_DAY = 86400
_EVERY_DOUBLE = Context(prec=400)
_DIGITS = re.compile(r"[+-]?[0-9A-Za-z]+", re.ASCII)
_BASES = (2, 36)


def _tostring(compiler: Compiler, call: Call) -> Compiled:
    argument = compiler.compile(call.arguments[0])
    get = argument.run
    style = literal(call, 1, compiler, "a format") if len(call.arguments) > 1 else ""
    if not style:
        show: Callable[[float], str | None] = text_of
    elif style in _STYLES:
        show = _STYLES[style]
        if argument.kind == "string" and argument.constant:
            raise compiler.error(f"tostring() formats numbers as {style}, and this is a text", call.arguments[0].span)
    else:
        raise compiler.error(
            f"the format {style!r} of tostring() is not supported", call.arguments[1].span, ", ".join(_STYLES)
        )

    def run(row: Row) -> str | None:
        value = single(compiler, get(row), "tostring", call.span)
        if value is None:
            return "Null" if not style else None
        if type(value) is bool:
            return "True" if value else "False"
        number = number_of(value)
        return show(number) if style and number is not None else text_of(value)

    return Compiled(run, "string", argument.constant)


def _whole(number: float) -> int | None:
    return int(number) if 0 <= number <= _LARGEST and number == int(number) else None


def _hex(number: float) -> str | None:
    return f"0x{int(number):X}" if 0 <= number <= _LARGEST else None


def _binary(number: float) -> str | None:
    whole = _whole(number)
    return None if whole is None else f"{whole:b}"


def _commas(number: float) -> str:
    if isinstance(number, int) or not math.isfinite(number):
        return f"{number:,}"
    return f"{Decimal(repr(number)).quantize(Decimal('0.01'), ROUND_HALF_UP, _EVERY_DOUBLE):,}"


def _duration(number: float) -> str | None:
    """Return `[D+]HH:MM:SS`; what a part of a second or a negative time would give is not documented."""
    whole = _whole(number)
    if whole is None:
        return None
    days, rest = divmod(whole, _DAY)
    clock = f"{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"
    return f"{days}+{clock}" if days else clock


_STYLES: dict[str, Callable[[float], str | None]] = {
    "hex": _hex,
    "commas": _commas,
    "duration": _duration,
    "binary": _binary,
}


def _base(compiler: Compiler, call: Call) -> int:
    argument = compiler.compile(call.arguments[1])
    base = argument.run({}) if argument.constant and argument.kind == "number" else None
    if not isinstance(base, int) or not _BASES[0] <= base <= _BASES[1]:
        raise compiler.error(f"the base of {call.function}() must be a number from 2 to 36", call.span)
    return base


def _in_base(text: str, base: int) -> int | None:
    """Return the number of a text in a base, which may begin with `0x` where the base is 16."""
    if not _DIGITS.fullmatch(text):
        return None
    try:
        return int(text, base)
    except ValueError:
        return None


def _numeric(compiler: Compiler, call: Call, compute: Callable[[float], float]) -> Compiled:
    """Compile `tonumber` and what builds on it: text to a number, null if it reads as none."""
    argument = compiler.compile(call.arguments[0])
    get = text_argument(compiler, call, argument)
    base = _base(compiler, call) if len(call.arguments) > 1 else None

    def read(text: str) -> int | float | None:
        number = number_of(text) if base is None else _in_base(text, base)
        return None if number is None else compute(number)

    if call.function.lower() == "tonumber" and argument.kind == "string" and argument.constant:
        text = get({})
        if text is not None and read(text) is None:
            raise compiler.error(f"tonumber() of {text!r}, which is not a number", call.arguments[0].span)

    def run(row: Row) -> int | float | None:
        text = get(row)
        return None if text is None else read(text)

    return Compiled(run, "number", argument.constant)


def _tobool(compiler: Compiler, call: Call) -> Compiled:
    argument = compiler.compile(call.arguments[0])
    get = argument.run
    written = argument.kind == "string" and argument.constant

    def run(row: Row) -> bool | None:
        value = get(row)
        if type(value) is bool:
            return value
        if not written and (number := number_of(value)) is not None:
            return number != 0
        return {"true": True, "True": True, "false": False, "False": False}.get(value) if type(value) is str else None

    return Compiled(run, "bool")


def _printf(compiler: Compiler, call: Call) -> Compiled:
    form = literal(call, 0, compiler, "a format")
    parts = directives(form, lambda message: compiler.error(message, call.arguments[0].span))
    compiled = arguments(compiler, call)[1:]
    expected = sum(part.arguments() for part in parts if not isinstance(part, str))
    if expected != len(compiled):
        raise compiler.error(f"the format takes {expected} values, not {len(compiled)}", call.span)
    gets: list[Run] = [argument.run for argument in compiled]

    def run(row: Row) -> str | None:
        values = [single(compiler, get(row), "printf", call.span) for get in gets]
        return render(parts, values)

    return Compiled(run, "string", all(argument.constant for argument in compiled))


def _ipmask(compiler: Compiler, call: Call) -> Compiled:
    def mask(text: str) -> int:
        try:
            return int(ipaddress.IPv4Address(text))
        except ValueError:
            raise compiler.error(f"{text!r} is not an IPv4 mask", call.arguments[0].span, "255.255.255.0") from None

    get_mask = prepared(compiler, call, 0, mask)
    address = compiler.compile(call.arguments[1])
    refuse(compiler, call, address, ("bool", "null", "number"))
    get = text_argument(compiler, call, address)

    def run(row: Row) -> str | None:
        text, bits = get(row), get_mask(row)
        if text is None or bits is None:
            return None
        try:
            return str(ipaddress.IPv4Address(int(ipaddress.IPv4Address(text)) & bits))
        except ValueError:
            return None

    return Compiled(run, "string")


FUNCTIONS: dict[str, Function] = {
    "tostring": Function(1, 2, _tostring),
    "tonumber": Function(1, 2, lambda compiler, call: _numeric(compiler, call, lambda number: number)),
    "toint": Function(1, 2, lambda compiler, call: _numeric(compiler, call, math.floor)),
    "todouble": Function(1, 2, lambda compiler, call: _numeric(compiler, call, lambda number: number)),
    "tobool": Function(1, 1, _tobool),
    "printf": Function(1, None, _printf),
    "ipmask": Function(2, 2, _ipmask),
}
