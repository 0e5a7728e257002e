"""What an index of Elasticsearch holds of a JSON value, and what Java writes of one.

    JSON scalar, type of the field ──index_value──> value, or None where the index holds nothing
    scalar ──java_text──> what Java's `toString` gives

A mapping coerces: a string that spells a number is that number, and a number in a keyword field is its JSON text. A
value that does not fit its type is none, as with `ignore_malformed`. Sources: NOTES.md, "Values".
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias

from converter.products.elastic import addresses, dates, versions
from converter.products.elastic.floats import is_narrow, stored

Holder: TypeAlias = Callable[[Any], Any]

_INTEGER_LIMIT, _LONG_LIMIT = 2**31, 2**63
_DOUBLE = re.compile(r"[+-]?(?:NaN|Infinity|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[fFdD]?)")
_DECIMAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")
_CONTROLS = "".join(map(chr, range(0x21)))  # what Java's trim takes away
_BOOLEANS = {"true": True, "false": False, "": False}
_LEAST_PLAIN, _FIRST_SCIENTIFIC = 1e-3, 1e7


def holder(kind: str) -> Holder:
    """Return the function from a JSON scalar to what a field of the type `kind` holds of it, or to None.

    Dates are milliseconds since the epoch, addresses 16 bytes, versions bytes that sort as versions do. A type that is
    not known here holds nothing.
    """
    if is_narrow(kind):
        return lambda value: None if (number := _double(value)) is None else stored(number, kind)
    return _HOLDERS.get(kind, _nothing)


def index_value(value: Any, kind: str) -> Any:
    """Return what a field of the type `kind` holds of a JSON scalar, or None."""
    return holder(kind)(value)


def java_text(value: Any) -> str:
    """Return a scalar as Java writes it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return java_double(value) if isinstance(value, float) else str(value)


def java_double(number: float) -> str:
    """Return a double as `Double.toString` of Java writes it: `1.0`, `1.0E10`, `1.0E-4`, `Infinity`."""
    if not math.isfinite(number):
        return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"
    if number == 0 or (_LEAST_PLAIN <= abs(number) < _FIRST_SCIENTIFIC):
        return repr(number)
    shortest = Decimal(repr(number)).normalize()
    if len(shortest.as_tuple().digits) == 1:  # Java writes two digits at least, the nearest that there are
        shortest = Decimal(f"{number:.1e}").normalize()
    sign, digits, exponent = shortest.as_tuple()
    first, *rest = map(str, digits)
    return f"{'-' * sign}{first}.{''.join(rest) or '0'}E{int(exponent) + len(rest)}"


def _nothing(_value: Any) -> None:
    return None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _address(value: Any) -> bytes | None:
    return addresses.packed(value) if isinstance(value, str) else None


def _boolean(value: Any) -> bool | None:
    return value if isinstance(value, bool) else _BOOLEANS.get(value)


def _long(value: Any) -> int | None:
    """Return a number with what is behind its point cut off; a string is read exactly."""
    whole: int | None
    if isinstance(value, str):
        exact = _decimal(value)
        whole = None if exact is None else int(exact)
    elif isinstance(value, float):
        # The first double beyond the longs is still the last of them.
        whole = min(int(value), _LONG_LIMIT - 1) if abs(value) <= _LONG_LIMIT else None
    else:
        whole = value if isinstance(value, int) and not isinstance(value, bool) else None
    return whole if whole is not None and -_LONG_LIMIT <= whole < _LONG_LIMIT else None


def _integer(value: Any) -> int | None:
    """Return a number with what is behind its point cut off; a string is read by way of a double."""
    if isinstance(value, str):
        number = _java_double(value)
        if number is not None and math.isnan(number):
            return 0
    else:
        number = value if isinstance(value, int | float) and not isinstance(value, bool) else None
    return int(number) if number is not None and -_INTEGER_LIMIT <= number <= _INTEGER_LIMIT - 1 else None


def _double(value: Any) -> float | None:
    if isinstance(value, str):
        number = _java_double(value)
        return number if number is not None and math.isfinite(number) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def _java_double(text: str) -> float | None:
    trimmed = text.strip(_CONTROLS)
    if not _DOUBLE.fullmatch(trimmed):
        return None
    return float(trimmed if trimmed.endswith(("NaN", "Infinity")) else trimmed.rstrip("fFdD"))


def _decimal(text: str) -> Decimal | None:
    try:
        return Decimal(text) if _DECIMAL.fullmatch(text) else None
    except InvalidOperation:
        return None


_HOLDERS: dict[str, Holder] = {
    "boolean": _boolean,
    "date": dates.indexed,
    "integer": _integer,
    "ip": _address,
    "long": _long,
    "double": _double,
    "version": lambda value: versions.encoded(_text(value)),
    **dict.fromkeys(("constant_keyword", "keyword", "match_only_text", "text", "wildcard"), _text),
}
