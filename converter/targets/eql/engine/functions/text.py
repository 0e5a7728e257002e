"""Functions of texts: between, concat, endsWith, indexOf, length, startsWith, string, stringContains, substring.

Source: docs "EQL function reference"; NOTES.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from converter.products.elastic.casefold import fold_ascii
from converter.products.elastic.values import java_text
from converter.products.elastic.wildcards import lucene_pieces, matcher
from converter.targets.eql.engine.functions.base import (
    Function,
    FunctionError,
    Implementation,
    folding,
    null_safe,
    plain,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from converter.products.elastic.patterns import Test

_EMPTY_SIDE = "between needs text on both sides; an empty one"
_EMPTY_PART = "stringContains with an empty text"


def same_in_any_case(text: str) -> str:
    """Return a text that equals that of another one if Java's `compareToIgnoreCase` takes the two for equal."""
    return text.lower() if text.isascii() else "".join(map(_upper_and_lower, text))


def _upper_and_lower(char: str) -> str:
    upper = char.upper()
    lower = (upper if len(upper) == 1 else char).lower()
    return lower if len(lower) == 1 else char


def _between(insensitive: bool) -> Implementation:  # noqa: FBT001
    def between(source: Any, left: Any, right: Any, greedy: Any = False) -> str:  # noqa: FBT002
        whole, before, after = java_text(source), java_text(left), java_text(right)
        if not whole:
            return ""
        if not before or not after:
            raise FunctionError("between needs text on both sides")
        compared = whole
        if insensitive:
            compared, before, after = whole.lower(), before.lower(), after.lower()
        start = compared.find(before)
        if start < 0:
            return ""
        start += len(before)
        end = compared.rfind(after) if greedy is True else compared.find(after, start)
        return whole[start:end] if end >= start else ""

    return null_safe(between)


def _index_of(insensitive: bool) -> Implementation:  # noqa: FBT001
    def index_of(source: Any, sought: Any, start: Any = None) -> int | None:
        if source is None or sought is None:
            return None
        whole, part = java_text(source), java_text(sought)
        if insensitive:
            whole, part = whole.lower(), part.lower()
        # Java finds an empty text at the end, however far beyond it the search begins.
        position = whole.find(part, min(max(0, int(start or 0)), len(whole)))
        return position if position >= 0 else None

    return index_of


def _length(text: Any) -> int:
    # Java counts UTF-16 units.
    return sum(2 if char > "\uffff" else 1 for char in java_text(text))


def _substring(source: Any, start: Any, end: Any = None) -> str:
    text = java_text(source)
    first = _position(int(start), len(text))
    last = len(text) if end is None else _position(int(end), len(text))
    return text[first:last]


def _position(index: int, length: int) -> int:
    return max(0, index + length) if index < 0 else min(index, length)


def _substring_maker(_insensitive: bool) -> Implementation:  # noqa: FBT001
    def substring(source: Any, start: Any, end: Any = None) -> str | None:
        if source is None or start is None:  # without a start the product gives the whole text, whatever the end
            return None if source is None else java_text(source)
        return _substring(source, start, end)

    return substring


def _check_side(position: int, value: Any) -> tuple[str, str] | None:
    """Refuse an empty text around what `between` looks for."""
    return (f"{_EMPTY_SIDE} is not supported", "") if position < _GREEDY and value == "" else None


def _starts_on_field(constants: Sequence[str], insensitive: bool) -> Test:  # noqa: FBT001 - as all tests of fields
    """Return the test that the product makes of startsWith: a prefix query."""
    (sought,) = constants
    if insensitive:
        folded = fold_ascii(sought)
        return lambda text: fold_ascii(text).startswith(folded)
    return lambda text: text.startswith(sought)


def _ends_on_field(constants: Sequence[str], insensitive: bool) -> Test:  # noqa: FBT001
    r"""Return the test that the product makes of endsWith: a wildcard query.

    It does not escape the text, so that `*`, `?` and `\` in it keep their meaning there; so with stringContains.
    """
    (sought,) = constants
    return matcher(lucene_pieces(f"*{sought}"), ignore_case=insensitive)


def _contains_on_field(constants: Sequence[str], insensitive: bool) -> Test:  # noqa: FBT001
    (sought,) = constants
    if not sought:
        raise FunctionError(f"{_EMPTY_PART} is not supported")
    return matcher(lucene_pieces(f"*{sought}*"), ignore_case=insensitive)


_GREEDY = 3  # the position of the argument of `between` that is not a text

FUNCTIONS = (
    Function(
        name="between",
        parameters=("text", "text", "text", "boolean"),
        returns="text",
        make=_between,
        optional=1,
        tilde=True,
        constants=_GREEDY,
        check=_check_side,
        refuses=(_EMPTY_SIDE,),
    ),
    Function(
        name="concat",
        parameters=("any",),
        returns="text",
        make=plain(lambda *parts: "".join(map(java_text, parts))),
        variadic=True,
    ),
    Function(
        name="endsWith",
        parameters=("text", "text"),
        returns="boolean",
        make=folding(str.endswith),
        tilde=True,
        on_field=_ends_on_field,
    ),
    Function(
        name="indexOf",
        parameters=("text", "text", "integer"),
        returns="integer",
        make=_index_of,
        optional=1,
        tilde=True,
    ),
    Function(name="length", parameters=("text",), returns="integer", make=plain(_length)),
    Function(
        name="startsWith",
        parameters=("text", "text"),
        returns="boolean",
        make=folding(str.startswith),
        tilde=True,
        on_field=_starts_on_field,
    ),
    Function(name="string", parameters=("any",), returns="text", make=plain(java_text)),
    Function(
        name="stringContains",
        parameters=("text", "text"),
        returns="boolean",
        make=folding(lambda whole, part: bool(part) and part in whole),
        tilde=True,
        on_field=_contains_on_field,
        refuses=(_EMPTY_PART,),
    ),
    Function(
        name="substring",
        parameters=("text", "integer", "integer"),
        returns="text",
        make=_substring_maker,
        optional=1,
    ),
)
