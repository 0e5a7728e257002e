"""Conversions of type: TO_*, and the casts that stand for them.

A conversion takes the values of a multivalue one by one; what cannot be converted is null with a warning.
Source: Elasticsearch docs "ES|QL type conversion functions"; vendor cases `convert.csv-spec`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from converter.products.elastic.dates import strict_date
from converter.products.elastic.versions import encoded
from converter.targets.esql.engine.functions.base import Function
from converter.targets.esql.engine.language.bound import Bound, Context, each, expect, null
from converter.targets.esql.engine.language.types import (
    NullifiedError,
    Type,
    double_to_whole,
    in_range,
    parse_ip,
    text_to_double,
    text_to_whole,
    to_text,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from converter.readers.source import Span


def _text_to_moment(text: str) -> int:
    millis = strict_date(text)
    if millis is None:
        raise NullifiedError(f"failed to parse date field [{text}] with format [strict_date_optional_time]")
    return millis


def _text_to_ip(text: str) -> bytes:
    packed = parse_ip(text)
    if packed is None:
        raise NullifiedError(f"'{text}' is not an IP string literal.")
    return packed


def _text_to_boolean(text: str) -> bool:
    return text.lower() == "true"


def _to_long(number: float) -> int:
    return double_to_whole(number, Type.LONG)


def _to_integer(number: float) -> int:
    return double_to_whole(number, Type.INTEGER)


def _text_to_version(text: str) -> bytes:
    version = encoded(text)
    if version is None:
        raise NullifiedError(f"the numbers of the version [{text}] are too large")
    return version


_TO_TEXT = (Type.BOOLEAN, Type.INTEGER, Type.LONG, Type.DOUBLE, Type.DATETIME, Type.IP, Type.VERSION)
# target -> source -> how; None: the value stays as it is
_CONVERSIONS: dict[Type, dict[Type, Callable[[Any], Any] | None]] = {
    Type.LONG: {
        Type.LONG: None,
        Type.INTEGER: None,
        Type.DATETIME: None,
        Type.DOUBLE: _to_long,
        Type.BOOLEAN: int,
        Type.KEYWORD: lambda text: text_to_whole(text, Type.LONG),
    },
    Type.INTEGER: {
        Type.INTEGER: None,
        Type.LONG: lambda number: in_range(number, Type.INTEGER),
        Type.DATETIME: lambda number: in_range(number, Type.INTEGER),
        Type.DOUBLE: _to_integer,
        Type.BOOLEAN: int,
        Type.KEYWORD: lambda text: text_to_whole(text, Type.INTEGER),
    },
    Type.DOUBLE: {
        Type.DOUBLE: None,
        Type.INTEGER: float,
        Type.LONG: float,
        Type.DATETIME: float,
        Type.BOOLEAN: float,
        Type.KEYWORD: text_to_double,
    },
    Type.BOOLEAN: {
        Type.BOOLEAN: None,
        Type.INTEGER: bool,
        Type.LONG: bool,
        Type.DOUBLE: bool,
        Type.KEYWORD: _text_to_boolean,
    },
    Type.DATETIME: {
        Type.DATETIME: None,
        Type.INTEGER: int,
        Type.LONG: None,
        Type.DOUBLE: _to_long,
        Type.KEYWORD: _text_to_moment,
    },
    Type.IP: {Type.IP: None, Type.KEYWORD: _text_to_ip},
    Type.VERSION: {Type.VERSION: None, Type.KEYWORD: _text_to_version},
    Type.KEYWORD: {
        Type.KEYWORD: None,
        **{source: partial(to_text, source) for source in _TO_TEXT},
    },
}
_NAMES = {
    Type.LONG: ("to_long",),
    Type.INTEGER: ("to_integer", "to_int"),
    Type.DOUBLE: ("to_double", "to_dbl"),
    Type.BOOLEAN: ("to_boolean", "to_bool"),
    Type.DATETIME: ("to_datetime", "to_dt"),
    Type.IP: ("to_ip",),
    Type.KEYWORD: ("to_string", "to_str"),
    Type.VERSION: ("to_version", "to_ver"),
}
# The names of types that `::` takes, and the function that it stands for.
CASTS = {
    "bool": "to_boolean",
    "boolean": "to_boolean",
    "date": "to_datetime",
    "datetime": "to_datetime",
    "double": "to_double",
    "int": "to_integer",
    "integer": "to_integer",
    "ip": "to_ip",
    "keyword": "to_string",
    "long": "to_long",
    "string": "to_string",
    "version": "to_version",
}


def _conversion(target: Type, name: str) -> Function:
    ways = _CONVERSIONS[target]

    def build(context: Context, span: Span, arguments: Sequence[Bound]) -> Bound:
        argument = arguments[0]
        if argument.type is Type.NULL:
            return null(target, span)
        what = f"one of {', '.join(sorted(source.value for source in ways))}"
        expect(context, name.upper(), argument, tuple(ways), what)
        how = ways[argument.type]
        if how is None:
            return Bound(target, argument.get, span, argument.constant, argument.value, argument.observed)
        return each(context, span, argument, target, how)

    return Function(build, 1, 1)


FUNCTIONS = {
    name: conversion
    for target, names in _NAMES.items()
    for conversion in [_conversion(target, names[0])]
    for name in names
}


def cast(context: Context, span: Span, value: Bound, type_name: str) -> Bound:
    """Return `value::type`.

    Raises:
        QueryError: the type is not known, or the value has no way to it.
    """
    name = CASTS.get(type_name)
    if name is None:
        raise context.refused(f"the cast to {type_name!r}", span, f"known: {', '.join(sorted(CASTS))}")
    return FUNCTIONS[name].build(context, span, (value,))
