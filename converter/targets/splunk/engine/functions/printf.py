"""The formats of `printf`: what C's sprintf has, with `'` for commas, `%z` for `%s` and `%p` for `%X`.

"%05.1f of %s"  ──directives──> (Directive, " of ", Directive)  ──render, values──> text
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from converter.targets.splunk.engine.language.values import number_of, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from converter.errors import QueryError

_DIRECTIVE = re.compile(r"%(['\-0+ #]*)([0-9]{1,4}|\*)?(?:\.([0-9]{1,4}|\*)?)?([A-Za-z%])")
_INTEGERS = frozenset("diouxXp")
_FLOATS = frozenset("aAeEfFgG")
_TEXTS = frozenset("scz")
_LARGEST = 10_000


@dataclass(frozen=True, slots=True)
class Directive:
    """One conversion; a width or precision of None is not given, of `*` is an argument."""

    flags: str
    width: int | str | None
    precision: int | str | None
    conversion: str

    def arguments(self) -> int:
        """Return how many arguments it takes."""
        return 1 + (self.width == "*") + (self.precision == "*")


def directives(form: str, fail: Callable[[str], QueryError]) -> list[str | Directive]:
    """Split a format into texts and conversions.

    Raises:
        QueryError: a conversion is not known.
    """
    parts: list[str | Directive] = []
    position = 0
    while position < len(form):
        percent = form.find("%", position)
        if percent < 0:
            parts.append(form[position:])
            break
        if percent > position:
            parts.append(form[position:percent])
        match = _DIRECTIVE.match(form, percent)
        if match is None or match.group(4) not in _INTEGERS | _FLOATS | _TEXTS | {"%"}:
            raise fail(f"the conversion {form[percent : percent + 4]!r} of printf is not supported")
        flags, width, precision, conversion = match.groups()
        if conversion == "%":
            parts.append("%")
        else:
            dotted = "." in match.group(0)
            parts.append(Directive(flags, _size(width), _size(precision or "0") if dotted else None, conversion))
        position = match.end()
    return parts


def _size(text: str | None) -> int | str | None:
    return int(text) if text and text != "*" else text or None


def render(parts: Sequence[str | Directive], values: Sequence[Any]) -> str | None:
    """Return the text; None if a value is none that its conversion can show."""
    rest = iter(values)
    out: list[str] = []
    for part in parts:
        shown = part if isinstance(part, str) else _show(part, rest)
        if shown is None:
            return None
        out.append(shown)
    return "".join(out)


def _show(part: Directive, rest: Iterator[Any]) -> str | None:
    flags = set(part.flags)
    width, precision = _given(part.width, rest), _given(part.precision, rest)
    value = next(rest)
    if width is not None and width < 0:
        flags.add("-")
        width = -width
    if max(width or 0, precision or 0) > _LARGEST:
        return None
    if precision is not None and precision < 0:
        precision = None
    if part.conversion in _TEXTS:
        text = _text(part.conversion, value, precision)
        return None if text is None else _pad("", text, width, flags - {"0"})
    number = number_of(value) if type(value) is not bool else None
    if number is None:
        return None
    if part.conversion in _INTEGERS:
        body = _integer(part.conversion, abs(int(number)), precision, flags)
        if number < 0 and part.conversion not in "di":
            return None
        flags -= {"0"} if precision is not None else set()
    else:
        body = _float(part.conversion, abs(float(number)), precision, flags)
    if "'" in flags:
        body = _grouped(body)
    sign = "-" if number < 0 else "+" if "+" in flags else " " if " " in flags else ""
    prefix = body[:2] if body[:2] in ("0x", "0X") else ""
    return _pad((sign if part.conversion not in "ouxXp" else "") + prefix, body[len(prefix) :], width, flags)


def _given(size: int | str | None, rest: Iterator[Any]) -> int | None:
    if size == "*":
        number = number_of(next(rest))
        return None if number is None else int(number)
    return size if isinstance(size, int) else None


def _text(conversion: str, value: Any, precision: int | None) -> str | None:
    if conversion == "c":
        if type(value) is str and value:
            return value[0]
        number = number_of(value)
        valid = number is not None and number == int(number) and 0 < number < 0x110000  # noqa: PLR2004
        return chr(int(number)) if valid and number is not None else None
    if value is None:
        text = "Null"
    elif type(value) is bool:
        text = "True" if value else "False"
    else:
        text = text_of(value)
    return text if precision is None else text[:precision]


def _integer(conversion: str, number: int, precision: int | None, flags: set[str]) -> str:
    base = {"o": "o", "x": "x", "X": "X", "p": "X"}.get(conversion, "d")
    digits = format(number, base)
    if precision is not None:
        digits = "" if number == 0 and precision == 0 else digits.rjust(precision, "0")
    if "#" in flags:
        if base == "o" and not digits.startswith("0"):
            digits = "0" + digits
        if base in "xX" and number:
            digits = f"0{base}{digits}"
    return digits


def _float(conversion: str, number: float, precision: int | None, flags: set[str]) -> str:
    alternate = "#" if "#" in flags else ""
    if conversion in "aA":
        text = _hexadecimal(number, precision, alternate)
        return text.upper() if conversion == "A" else text
    return format(number, f"{alternate}.{6 if precision is None else precision}{conversion}")


def _hexadecimal(number: float, precision: int | None, alternate: str) -> str:
    """Return `0x1.8p+1`, as C shows it: as many digits as needed, or as many as asked for."""
    mantissa, exponent = math.frexp(number)
    mantissa, exponent = (mantissa * 2, exponent - 1) if number else (0.0, 0)
    places = 13 if precision is None else precision
    scaled = round(mantissa * 16**places)
    whole, part = divmod(scaled, 16**places)
    digits = format(part, "x").rjust(places, "0") if places else ""
    if precision is None:
        digits = digits.rstrip("0")
    point = "." if digits or alternate else ""
    return f"0x{whole}{point}{digits}p{exponent:+d}"


def _grouped(body: str) -> str:
    """Put commas between the thousands of the whole part."""
    match = re.match(r"[0-9]+", body)
    if match is None or body.startswith(("0x", "0X")):
        return body
    return f"{int(match.group(0)):,}".rjust(len(match.group(0)), "0") + body[match.end() :]


def _pad(prefix: str, body: str, width: int | None, flags: set[str]) -> str:
    missing = max(0, (width or 0) - len(prefix) - len(body))
    if "-" in flags:
        return prefix + body + " " * missing
    if "0" in flags:
        return prefix + "0" * missing + body
    return " " * missing + prefix + body
