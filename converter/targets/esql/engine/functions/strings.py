"""String functions. Positions count characters (code points) from 1.

Source: Elasticsearch docs "ES|QL string functions"; vendor cases `string.csv-spec`; classes `ChangeCase` (which
takes the values of a multivalue one by one), `Replace`, `Substring`, `Left`, `Right`, `Locate`, `Split`, `Trim`.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from converter.targets.esql.engine.bound import (
    STRINGS,
    WHOLE,
    Bound,
    Context,
    each,
    expect,
    expect_constant,
    lift,
    null,
)
from converter.targets.esql.engine.functions.base import function
from converter.targets.esql.engine.java_regex import compile_java, replace
from converter.targets.esql.engine.like import PatternError
from converter.targets.esql.engine.operators import as_ip
from converter.targets.esql.engine.types import NullifiedError, Type

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from converter.readers.source import Span
    from converter.targets.esql.engine.java_regex import Matcher


def _strings(context: Context, name: str, arguments: Sequence[Bound]) -> None:
    for argument in arguments:
        expect(context, name, argument, STRINGS, "a string")


def _register_case(name: str, change: Callable[[str], str]) -> None:
    @function(name, least=1)
    def build(context: Context, span: Span, arguments: Sequence[Bound]) -> Bound:
        _strings(context, name.upper(), arguments)
        return each(context, span, arguments[0], Type.KEYWORD, change)


_register_case("to_lower", str.lower)
_register_case("to_upper", str.upper)


def _register_simple(name: str, count: int, result: Type, compute: Callable[..., Any]) -> None:
    @function(name, least=count)
    def build(context: Context, span: Span, arguments: Sequence[Bound]) -> Bound:
        _strings(context, name.upper(), arguments)
        return lift(context, span, arguments, result, compute)


def _is_java_space(character: str) -> bool:
    return character.isspace() and character not in "\x85\xa0\u2007\u202f"


def _trim_left(text: str) -> str:
    index = 0
    while index < len(text) and _is_java_space(text[index]):
        index += 1
    return text[index:]


def _trim_right(text: str) -> str:
    index = len(text)
    while index and _is_java_space(text[index - 1]):
        index -= 1
    return text[:index]


_register_simple("length", 1, Type.INTEGER, len)
_register_simple("starts_with", 2, Type.BOOLEAN, str.startswith)
_register_simple("ends_with", 2, Type.BOOLEAN, str.endswith)
_register_simple("contains", 2, Type.BOOLEAN, str.__contains__)
_register_simple("trim", 1, Type.KEYWORD, lambda text: _trim_right(_trim_left(text)))
_register_simple("ltrim", 1, Type.KEYWORD, _trim_left)
_register_simple("rtrim", 1, Type.KEYWORD, _trim_right)


@function("concat", least=2, most=None)
def _concat(context: Context, span: Span, arguments: Sequence[Bound]) -> Bound:
    _strings(context, "CONCAT", arguments)
    return lift(context, span, arguments, Type.KEYWORD, lambda *texts: "".join(texts))


@function("substring", least=2, most=3)
def _substring(context: Context, span: Span, arguments: Sequence[Bound]) -> Bound:
    _strings(context, "SUBSTRING", arguments[:1])
    for argument in arguments[1:]:
        expect(context, "SUBSTRING", argument, WHOLE, "a whole number")

    def cut(text: str, start: int, length: int | None = None) -> str:
        if length is not None and length < 0:  # no warning: it ends the query
            raise context.error(f"SUBSTRING takes no negative length, but it is {length}", arguments[2].span)
        return _cut(text, start, length)

    return lift(context, span, arguments, Type.KEYWORD, cut)


def _cut(text: str, start: int, length: int | None) -> str:
    """Return a part of a text; a negative start counts from the end, 0 is 1."""
    first = max(0, len(text) + start) if start < 0 else max(0, start - 1)
    return text[first:] if length is None else text[first : first + length]


@function("left", least=2)
def _left(context: Context, span: Span, arguments: Sequence[Bound]) -> Bound:
    _strings(context, "LEFT", arguments[:1])
    expect(context, "LEFT", arguments[1], WHOLE, "a whole number")
    return lift(context, span, arguments, Type.KEYWORD, lambda text, count: text[: max(0, count)])


@function("right", least=2)
def _right(context: Context, span: Span, arguments: Sequence[Bound]) -> Bound:
    _strings(context, "RIGHT", arguments[:1])
    expect(context, "RIGHT", arguments[1], WHOLE, "a whole number")
    return lift(context, span, arguments, Type.KEYWORD, lambda text, count: text[-count:] if count > 0 else "")


@function("locate", least=2, most=3)
def _locate(context: Context, span: Span, arguments: Sequence[Bound]) -> Bound:
    _strings(context, "LOCATE", arguments[:2])
    for argument in arguments[2:]:
        expect(context, "LOCATE", argument, WHOLE, "a whole number")
    return lift(context, span, arguments, Type.INTEGER, _place)


def _place(text: str, part: str, start: int = 1) -> int:
    """Return where a part begins, 0 if nowhere; a negative start counts from the end, and none is beyond it."""
    first = max(0, len(text) + start) if start < 0 else max(0, start - 1)
    return text.find(part, min(first, len(text))) + 1


@function("split", least=2)
def _split(context: Context, span: Span, arguments: Sequence[Bound]) -> Bound:
    """Split at a delimiter, taken literally."""
    _strings(context, "SPLIT", arguments)

    def split(text: str, delimiter: str) -> Any:
        parts = text.split(delimiter)
        return parts if len(parts) > 1 else parts[0]

    delimiter = arguments[1]
    if arguments[0].constant and arguments[0].value is None:
        return null(Type.KEYWORD, span)
    if not delimiter.constant:
        raise context.error("SPLIT with a delimiter that is not a constant is not supported", delimiter.span)
    if isinstance(delimiter.value, str) and len(delimiter.value.encode("utf-8", "surrogatepass")) != 1:
        raise context.error("SPLIT takes a delimiter of one byte", delimiter.span)
    return lift(context, span, arguments, Type.KEYWORD, split)


@function("replace", least=3)
def _replace(context: Context, span: Span, arguments: Sequence[Bound]) -> Bound:
    """Replace what a Java regular expression finds; `$1` and `${name}` in the replacement are groups."""
    _strings(context, "REPLACE", arguments)
    pattern = arguments[1]
    if not pattern.constant:
        raise context.error("REPLACE with a pattern that is not a constant is not supported", pattern.span)
    if pattern.value is None or isinstance(pattern.value, list):
        return lift(context, span, arguments, Type.KEYWORD, lambda text, _pattern, _new: text)
    try:
        matcher = compile_java(pattern.value)
    except PatternError as error:
        raise context.error(error.message, pattern.span) from None

    def compute(text: str, new: str) -> str:
        return _replaced(context, pattern, matcher, text, new)

    return lift(context, span, (arguments[0], arguments[2]), Type.KEYWORD, compute)


def _replaced(context: Context, pattern: Bound, matcher: Matcher, text: str, new: str) -> str:
    try:
        result = replace(matcher, text, new)
    except PatternError as error:
        raise context.error(error.message, pattern.span) from None
    if result is None:
        raise NullifiedError(f"bad group reference in the replacement [{new}]")
    return result


@function("cidr_match", least=2, most=None)
def _cidr_match(context: Context, span: Span, arguments: Sequence[Bound]) -> Bound:
    """Whether an address is in one of the blocks."""
    address = arguments[0]
    if address.observed and address.type is Type.KEYWORD:
        address = as_ip(address)
    expect(context, "CIDR_MATCH", address, (Type.IP,), "an address")
    _strings(context, "CIDR_MATCH", arguments[1:])
    for block in arguments[1:]:
        value = expect_constant(context, "CIDR_MATCH", block, "block")
        if isinstance(value, str):
            try:
                _block(value)
            except ValueError:
                raise context.error(
                    f"{value!r} is not a block of addresses", block.span, 'such as "10.0.0.0/8"'
                ) from None
    blocks = tuple(_block(block.value) for block in arguments[1:] if isinstance(block.value, str))
    if len(blocks) < len(arguments) - 1:
        raise context.error("CIDR_MATCH with a block that is null or a list is not supported", span)
    return lift(
        context, span, (address,), Type.BOOLEAN, lambda packed: any(low <= packed <= high for low, high in blocks)
    )


@lru_cache(maxsize=256)
def _block(text: str) -> tuple[bytes, bytes]:
    """Return the first and last address of a block; an address alone is a block of one.

    Raises:
        ValueError: it is none.
    """
    network = ipaddress.ip_network(text, strict=False)
    written = ipaddress.ip_address(text.partition("/")[0])
    if "/" in text and isinstance(written, ipaddress.IPv6Address) and written.ipv4_mapped is not None:
        raise ValueError("whose length could be meant in either family")
    first, last = network[0].packed, network[-1].packed
    prefix = b"\0" * 10 + b"\xff\xff" if len(first) == 4 else b""  # noqa: PLR2004
    return prefix + first, prefix + last
