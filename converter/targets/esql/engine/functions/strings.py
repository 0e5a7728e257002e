"""String functions. Positions count characters (code points) from 1.

Source: Elasticsearch docs "ES|QL string functions"; vendor cases `string.csv-spec`; classes `ChangeCase` (which
takes the values of a multivalue one by one), `Replace`, `Substring`, `Left`, `Right`, `Locate`, `Split`, `Trim`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from converter.errors import QueryLimitError
from converter.products.elastic.java_regex import compile_java, replace
from converter.products.elastic.patterns import PatternError, located
from converter.readers.query_budget import made
from converter.targets.esql.engine.functions.base import Function
from converter.targets.esql.engine.language.bound import (
    STRINGS,
    WHOLE,
    Bound,
    Context,
    each,
    expect,
    lift,
    null,
)
from converter.targets.esql.engine.language.types import NullifiedError, Type

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from converter.products.elastic.java_regex import Matcher
    from converter.readers.source import Span

_DELIMITER = "SPLIT with a delimiter that is not a constant"
_PATTERN = "REPLACE with a pattern that is not a constant"


def _strings(context: Context, name: str, arguments: Sequence[Bound]) -> None:
    for argument in arguments:
        expect(context, name, argument, STRINGS, "a string")


def _change_case(name: str, change: Callable[[str], str]) -> Function:
    def build(context: Context, span: Span, arguments: Sequence[Bound]) -> Bound:
        _strings(context, name, arguments)
        return each(context, span, arguments[0], Type.KEYWORD, change)

    return Function(build, 1, 1, case=change)


def _of_strings(name: str, count: int, result: Type, compute: Callable[..., Any]) -> Function:
    """Return a function of single strings, as many as `count`."""

    def build(context: Context, span: Span, arguments: Sequence[Bound]) -> Bound:
        _strings(context, name, arguments)
        return lift(context, span, arguments, result, compute)

    return Function(build, count, count, single="always" if result is Type.BOOLEAN else "not known")


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


def _concat(context: Context, span: Span, arguments: Sequence[Bound]) -> Bound:
    _strings(context, "CONCAT", arguments)
    fail = partial(context.error, span=span)
    return lift(context, span, arguments, Type.KEYWORD, lambda *texts: made("".join(texts), fail))


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


def _left(context: Context, span: Span, arguments: Sequence[Bound]) -> Bound:
    _strings(context, "LEFT", arguments[:1])
    expect(context, "LEFT", arguments[1], WHOLE, "a whole number")
    return lift(context, span, arguments, Type.KEYWORD, lambda text, count: text[: max(0, count)])


def _right(context: Context, span: Span, arguments: Sequence[Bound]) -> Bound:
    _strings(context, "RIGHT", arguments[:1])
    expect(context, "RIGHT", arguments[1], WHOLE, "a whole number")
    return lift(context, span, arguments, Type.KEYWORD, lambda text, count: text[-count:] if count > 0 else "")


def _locate(context: Context, span: Span, arguments: Sequence[Bound]) -> Bound:
    _strings(context, "LOCATE", arguments[:2])
    for argument in arguments[2:]:
        expect(context, "LOCATE", argument, WHOLE, "a whole number")
    return lift(context, span, arguments, Type.INTEGER, _place)


def _place(text: str, part: str, start: int = 1) -> int:
    """Return where a part begins, 0 if nowhere; a negative start counts from the end, and none is beyond it."""
    first = max(0, len(text) + start) if start < 0 else max(0, start - 1)
    return text.find(part, min(first, len(text))) + 1


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
        raise context.refused(_DELIMITER, delimiter.span)
    if isinstance(delimiter.value, str) and len(delimiter.value.encode("utf-8", "surrogatepass")) != 1:
        raise context.error("SPLIT takes a delimiter of one byte", delimiter.span)
    return lift(context, span, arguments, Type.KEYWORD, split)


def _replace(context: Context, span: Span, arguments: Sequence[Bound]) -> Bound:
    """Replace what a Java regular expression finds; `$1` and `${name}` in the replacement are groups."""
    _strings(context, "REPLACE", arguments)
    pattern = arguments[1]
    if not pattern.constant:
        raise context.refused(_PATTERN, pattern.span)
    if pattern.value is None or isinstance(pattern.value, list):
        return lift(context, span, arguments, Type.KEYWORD, lambda text, _pattern, _new: text)
    try:
        matcher = compile_java(pattern.value)
    except PatternError as error:
        raise located(error, context.error(error.message, pattern.span)) from None

    def compute(text: str, new: str) -> str:
        return _replaced(context, pattern, matcher, text, new)

    return lift(context, span, (arguments[0], arguments[2]), Type.KEYWORD, compute)


def _replaced(context: Context, pattern: Bound, matcher: Matcher, text: str, new: str) -> str:
    try:
        result = replace(matcher, text, new)
    except QueryLimitError as error:
        raise QueryLimitError.of(context.error(error.message, pattern.span), error.hint) from None
    except PatternError as error:
        raise located(error, context.error(error.message, pattern.span)) from None
    if result is None:
        raise NullifiedError(f"bad group reference in the replacement [{new}]")
    return result


FUNCTIONS = {
    "concat": Function(_concat, 2, None),
    "contains": _of_strings("CONTAINS", 2, Type.BOOLEAN, str.__contains__),
    "ends_with": _of_strings("ENDS_WITH", 2, Type.BOOLEAN, str.endswith),
    "left": Function(_left, 2, 2),
    "length": _of_strings("LENGTH", 1, Type.INTEGER, len),
    "locate": Function(_locate, 2, 3),
    "ltrim": _of_strings("LTRIM", 1, Type.KEYWORD, _trim_left),
    "replace": Function(_replace, 3, 3, refuses=(_PATTERN,)),
    "right": Function(_right, 2, 2),
    "rtrim": _of_strings("RTRIM", 1, Type.KEYWORD, _trim_right),
    "split": Function(_split, 2, 2, refuses=(_DELIMITER,)),
    "starts_with": _of_strings("STARTS_WITH", 2, Type.BOOLEAN, str.startswith),
    "substring": Function(_substring, 2, 3),
    "to_lower": _change_case("TO_LOWER", str.lower),
    "to_upper": _change_case("TO_UPPER", str.upper),
    "trim": _of_strings("TRIM", 1, Type.KEYWORD, lambda text: _trim_right(_trim_left(text))),
}
