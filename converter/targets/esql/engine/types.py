"""Types of columns, and how values turn into text, numbers and back.

A value is None, a bool, an int (integer, long, datetime as epoch milliseconds), a float, a str, or bytes (an IP
16 bytes, version 4 mapped into version 6, so that bytes compare as addresses do). A multivalue is a list of at least
two of these. Source: Elasticsearch docs "ES|QL type conversion functions"; class `EsqlDataTypeConverter`.
"""

from __future__ import annotations

import ipaddress
import math
import re
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Any

from converter.targets.esql.engine.times import format_moment

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
    "float": Type.DOUBLE,
    "half_float": Type.DOUBLE,
    "int": Type.INTEGER,
    "integer": Type.INTEGER,
    "ip": Type.IP,
    "keyword": Type.KEYWORD,
    "long": Type.LONG,
    "null": Type.NULL,
    "scaled_float": Type.DOUBLE,
    "short": Type.INTEGER,
    "string": Type.KEYWORD,
    "text": Type.KEYWORD,
    "wildcard": Type.KEYWORD,
}


class NullifiedError(Exception):
    """A value cannot be computed: the product gives null and this warning."""


@lru_cache(maxsize=65536)
def parse_ip(text: str) -> bytes | None:
    """Return the 16 bytes of an address, or None if the text is no address."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return b"\0" * 10 + b"\xff\xff" + address.packed
    if address.scope_id is not None:
        return None
    return address.packed


@lru_cache(maxsize=65536)
def format_ip(packed: bytes) -> str:
    """Return an address in its shortest usual form."""
    address = ipaddress.IPv6Address(packed)
    mapped = address.ipv4_mapped
    return str(mapped) if mapped else address.compressed


def java_double(number: float) -> str:
    """Return a double as `Double.toString` of Java writes it: `1.0`, `1.0E10`, `1.0E-4`, `Infinity`."""
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    if number == 0:
        return "-0.0" if math.copysign(1, number) < 0 else "0.0"
    shortest = Decimal(repr(number)).normalize()
    if len(shortest.as_tuple().digits) == 1:  # Java writes two digits at least, the nearest that there are
        shortest = Decimal(f"{number:.1e}").normalize()
    sign, digits, exponent = shortest.as_tuple()
    assert isinstance(exponent, int)  # noqa: S101  # a finite number
    text = "".join(map(str, digits))
    point = len(text) + exponent  # the decimal point stands after so many digits
    prefix = "-" if sign else ""
    if 1e-3 <= abs(number) < 1e7:  # noqa: PLR2004
        if point <= 0:
            return f"{prefix}0.{'0' * -point}{text}"
        return f"{prefix}{text[:point].ljust(point, '0')}.{text[point:] or '0'}"
    return f"{prefix}{text[0]}.{text[1:] or '0'}E{point - 1}"


def to_text(type_: Type, value: Any) -> str:
    """Return a single value as TO_STRING gives it."""
    match type_:
        case Type.DATETIME:
            return format_moment(value)
        case Type.IP:
            return format_ip(value)
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
            return [format_moment(one) for one in value] if isinstance(value, list) else format_moment(value)
        case Type.IP:
            return [format_ip(one) for one in value] if isinstance(value, list) else format_ip(value)
        case Type.PERIOD | Type.DURATION:
            return str(value)
        case _:
            return list(value) if isinstance(value, list) else value


_JAVA_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)


def round_half_up(number: float) -> int:
    """Return the nearest whole number, halves upwards, as `Math.round` of Java."""
    return math.floor(number + 0.5) if abs(number) < 2**52 else int(number)


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
