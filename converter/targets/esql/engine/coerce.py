"""Read a JSON value as a field of an index holds it.

    JSON scalar, type of the field ──index_value──> value, or None where the product rejects it

A mapping coerces: text that spells a number is that number, and a number in a keyword field is its JSON text. Indexing
does not round as conversions of the language do. A value that does not fit is none, as with `ignore_malformed`.
Source: Elasticsearch docs "coerce", "date field type", "Boolean field type"; what the node of tests/referee keeps.
"""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal, InvalidOperation
from typing import Any

from converter.targets.esql.engine.times import parse_moment
from converter.targets.esql.engine.types import INTEGER_MAX, INTEGER_MIN, LONG_MAX, LONG_MIN, Type, parse_ip

_DOUBLE = re.compile(r"[+-]?(?:NaN|Infinity|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[fFdD]?)")
_WHOLE = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")
_EPOCH_MILLIS = re.compile(r"(-?[0-9]{1,18})(?:\.([0-9]*))?")
_ZONE = re.compile(r"%.*")
_CONTROLS = "".join(map(chr, range(0x21)))  # what Java's trim takes away


def index_value(value: Any, type_: Type) -> Any:
    """Return a JSON scalar as a field of a type holds it, or None."""
    match type_:
        case Type.KEYWORD:
            return value if isinstance(value, str) else json.dumps(value)
        case Type.IP:
            return parse_ip(_ZONE.sub("", value)) if isinstance(value, str) else None
        case Type.DATETIME:
            return _moment(value)
        case Type.BOOLEAN:
            return value if isinstance(value, bool) else {"true": True, "false": False, "": False}.get(value)
        case Type.INTEGER | Type.LONG:
            return _whole(value, type_)
        case Type.DOUBLE:
            return _double(value)
        case _:
            return None


def _whole(value: Any, type_: Type) -> int | None:
    """Return a number with what is behind its point cut off."""
    low, high = (INTEGER_MIN, INTEGER_MAX) if type_ is Type.INTEGER else (LONG_MIN, LONG_MAX)
    number: float | Decimal | None
    if isinstance(value, str):
        # An integer is read by way of a double, a long exactly.
        number = _java_double(value) if type_ is Type.INTEGER else _decimal(value)
        if isinstance(number, float) and math.isnan(number):
            return 0
    elif isinstance(value, int | float) and not isinstance(value, bool):
        number = value
    else:
        return None
    return int(number) if number is not None and low <= number <= high else None


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
        return Decimal(text) if _WHOLE.fullmatch(text) else None
    except InvalidOperation:
        return None


def _moment(value: Any) -> int | None:
    """Return epoch milliseconds of `strict_date_optional_time||epoch_millis`, which reads a number as its JSON text."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = value if isinstance(value, str) else json.dumps(value)
    millis = parse_moment(text)
    if millis is not None:
        return millis
    found = _EPOCH_MILLIS.fullmatch(text)
    if found is None:
        return None
    whole, fraction = int(found[1]), found[2]
    return whole - 1 if text[0] == "-" and fraction and fraction.strip("0") else whole
