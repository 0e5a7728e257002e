"""Types of columns, and how values turn into text, numbers and back.

A value is None, a bool, an int (integer, long, datetime as epoch milliseconds), a float, a str, or bytes: an IP has
16, version 4 mapped into version 6, so that bytes compare as addresses do; those of a version compare as versions do.
A multivalue is a list of at least two of these. Source: Elasticsearch docs "ES|QL type conversion functions"; class
`EsqlDataTypeConverter`.
"""

from __future__ import annotations

import math
import re
from enum import Enum
from typing import Any

from converter.products.elastic import addresses
from converter.products.elastic.addresses import shown
from converter.products.elastic.dates import iso
from converter.products.elastic.floats import is_narrow, round_half_up
from converter.products.elastic.values import java_double
from converter.products.elastic.versions import text_of

INTEGER_MIN, INTEGER_MAX = -(2**31), 2**31 - 1
LONG_MIN, LONG_MAX = -(2**63), 2**63 - 1


class Type(Enum):
    """A type of ES|QL, by the name that the vendor gives it in messages."""

    NULL = "null"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    LONG = "long"
    DOUBLE = "double"
    KEYWORD = "keyword"
    IP = "ip"
    DATETIME = "datetime"
    VERSION = "version"
    PERIOD = "date_period"
    DURATION = "time_duration"

    @property
    def numeric(self) -> bool:
        """Whether arithmetic takes it."""
        return self in _NUMERIC

    @property
    def whole(self) -> bool:
        """Whether it is integer or long."""
        return self is Type.INTEGER or self is Type.LONG

    @property
    def temporal(self) -> bool:
        """Whether it is a span of time."""
        return self is Type.PERIOD or self is Type.DURATION


_NUMERIC = frozenset({Type.INTEGER, Type.LONG, Type.DOUBLE})

TYPE_NAMES: dict[str, Type] = {
    "bool": Type.BOOLEAN,
    "boolean": Type.BOOLEAN,
    "byte": Type.INTEGER,
    "constant_keyword": Type.KEYWORD,
    "date": Type.DATETIME,
    "datetime": Type.DATETIME,
    "double": Type.DOUBLE,
    "int": Type.INTEGER,
    "integer": Type.INTEGER,
    "ip": Type.IP,
    "keyword": Type.KEYWORD,
    "long": Type.LONG,
    "match_only_text": Type.KEYWORD,
    "null": Type.NULL,
    "short": Type.INTEGER,
    "string": Type.KEYWORD,
    "text": Type.KEYWORD,
    "version": Type.VERSION,
    "wildcard": Type.KEYWORD,
}


def type_named(kind: str) -> Type | None:
    """Return the type of the columns of a field, by the name of its type in a mapping; None: there is no column."""
    return Type.DOUBLE if is_narrow(kind) else TYPE_NAMES.get(kind)


class NullifiedError(Exception):
    """A value cannot be computed: the product gives null and this warning."""


def parse_ip(text: str) -> bytes | None:
    """Return the 16 bytes of an address, or None if the text is not one.

    An index leaves out the zone of any address, TO_IP that of IPv6 alone.
    """
    return addresses.packed(text) if ":" in text or "%" not in text else None


def to_text(type_: Type, value: Any) -> str:
    """Return a single value as TO_STRING gives it."""
    match type_:
        case Type.DATETIME:
            return iso(value)
        case Type.IP:
            return shown(value)
        case Type.VERSION:
            return text_of(value)
        case Type.BOOLEAN:
            return "true" if value else "false"
        case Type.DOUBLE:
            return java_double(value)
        case _:
            return str(value)


def to_output(type_: Type, value: Any) -> Any:
    """Return a value as a row shows it: datetimes as ISO-8601, addresses as text, multivalues as lists."""
    if value is None:
        return None
    match type_:
        case Type.DATETIME:
            return [iso(item) for item in value] if isinstance(value, list) else iso(value)
        case Type.IP:
            return [shown(item) for item in value] if isinstance(value, list) else shown(value)
        case Type.VERSION:
            return [text_of(item) for item in value] if isinstance(value, list) else text_of(value)
        case Type.PERIOD | Type.DURATION:
            return str(value)
        case _:
            return list(value) if isinstance(value, list) else value


_JAVA_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)


def text_to_double(text: str) -> float:
    """Return the number a text says.

    Raises:
        NullifiedError: it says none.
    """
    if not _JAVA_NUMBER.fullmatch(text.strip()):
        raise NullifiedError(f"Cannot parse number [{text}]")
    return float(text.strip())


def in_range(number: int, type_: Type) -> int:
    """Return a whole number unchanged if the type can hold it.

    Raises:
        NullifiedError: it cannot.
    """
    low, high = (INTEGER_MIN, INTEGER_MAX) if type_ is Type.INTEGER else (LONG_MIN, LONG_MAX)
    if low <= number <= high:
        return number
    raise NullifiedError(f"[{number}] out of [{type_.value}] range" if type_ is Type.INTEGER else "long overflow")


def double_to_whole(number: float, type_: Type) -> int:
    """Return a double rounded to integer or long.

    Raises:
        NullifiedError: out of range, or not a number.
    """
    if not math.isfinite(number):
        raise NullifiedError(f"[{java_double(number)}] out of [{type_.value}] range")
    low, high = (INTEGER_MIN, INTEGER_MAX) if type_ is Type.INTEGER else (LONG_MIN, LONG_MAX)
    rounded = round_half_up(number)
    if not low <= rounded <= high:
        raise NullifiedError(f"[{java_double(number)}] out of [{type_.value}] range")
    return rounded


def text_to_whole(text: str, type_: Type) -> int:
    """Return the whole number a text says; a decimal is rounded.

    Raises:
        NullifiedError: it says none, or one out of range.
    """
    stripped = text.strip()
    if re.fullmatch(r"[+-]?[0-9]+", stripped, re.ASCII):
        return in_range(int(stripped), type_) if len(stripped) <= 40 else in_range(2**63, type_)  # noqa: PLR2004
    return double_to_whole(text_to_double(text), type_)


def sorted_unique(values: list[Any]) -> list[Any]:
    """Return the values ascending, each once."""
    return sorted(set(values))


def collapse(values: list[Any]) -> Any:
    """Return a list as a value: none is null, one stands alone."""
    if len(values) > 1:
        return values
    return values[0] if values else None
