"""Compare texts as the product does: case folding, wildcards, the text of numbers.

    pattern ──> pieces (literal, exact literal, any characters, one character) ──> test(text) -> bool

Wildcards are matched by RE2, in time linear in the text; the usual shapes (no wildcard, a prefix, a suffix, contains)
take plain string operations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias, cast

import re2

Test: TypeAlias = Callable[[str], bool]

_SMALLEST_PLAIN = 1e-3
_LARGEST_PLAIN = 1e7
# What Java's `.` does not match; a wildcard on the result of a function is a Java regular expression.
JAVA_LINE_BREAKS = "\\n\\r\\x{85}\\x{2028}\\x{2029}"


class RegexError(Exception):
    """A text is not a regular expression, or uses what is not supported."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run of literal characters; `exact` ones match their own case even where case is ignored."""

    text: str
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Wildcard:
    """`*` (many) or `?` (one character)."""

    many: bool


Piece: TypeAlias = Run | Wildcard


def fold_ascii(text: str) -> str:
    """Return `text` with the letters of ASCII in lower case, which is all that Lucene's term queries fold."""
    return text.encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")


def text_of(value: Any) -> str:
    """Return a document's value as the text that a keyword field holds, numbers as Java writes them."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _text_of_double(value)
    return str(value)


def _text_of_double(value: float) -> str:
    if value != value:  # noqa: PLR0124 - the test for NaN
        return "NaN"
    if value in {float("inf"), float("-inf")}:
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0 or _SMALLEST_PLAIN <= abs(value) < _LARGEST_PLAIN:
        return format(Decimal(repr(value)), "f") if "e" in repr(value) else repr(value)
    sign, digits, exponent = Decimal(repr(value)).as_tuple()
    kept = "".join(map(str, digits)).rstrip("0") or "0"
    power = cast("int", exponent) + len(digits) - 1
    return f"{'-' if sign else ''}{kept[0]}.{kept[1:] or '0'}E{power}"


def like_pieces(pattern: str) -> list[Piece]:
    """Return the pieces of a pattern of `:` or `like`: `*` and `?` are wildcards, and nothing escapes them."""
    return _joined([Wildcard(char == "*") if char in "*?" else Run(char) for char in pattern])


def lucene_pieces(pattern: str) -> list[Piece]:
    """Return the pieces of a Lucene wildcard pattern, where a backslash makes the next character literal."""
    pieces: list[Piece] = []
    position = 0
    while position < len(pattern):
        char = pattern[position]
        position += 1
        if char == "\\" and position < len(pattern):
            pieces.append(Run(pattern[position], exact=True))
            position += 1
        elif char in "*?":
            pieces.append(Wildcard(char == "*"))
        else:
            pieces.append(Run(char))
    return _joined(pieces)


def _joined(pieces: list[Piece]) -> list[Piece]:
    """Return the pieces with neighbours of one kind made one."""
    joined: list[Piece] = []
    for piece in pieces:
        last = joined[-1] if joined else None
        if isinstance(piece, Run) and isinstance(last, Run) and piece.exact == last.exact:
            joined[-1] = Run(last.text + piece.text, piece.exact)
        elif piece == Wildcard(many=True) == last:
            continue
        else:
            joined.append(piece)
    return joined


def tester(pieces: list[Piece], *, insensitive: bool, line_breaks: bool) -> Test:
    """Return the test whether a text as a whole matches `pieces`.

    Args:
        pieces: what `like_pieces` or `lucene_pieces` returned.
        insensitive: ignore case, except in exact runs; that of ASCII's letters only, where it is Lucene that matches.
        line_breaks: wildcards match line breaks too; false for patterns that the product runs as Java expressions.
    """
    if line_breaks:
        if not pieces:
            return lambda _text: False  # Lucene's wildcard query of no characters finds nothing, not even ""
        simple = _simple_tester(pieces, insensitive=insensitive)
        if simple is not None:
            return simple
        return matcher("".join(_lucene_regex(piece, insensitive=insensitive) for piece in pieces))
    return matcher("".join(_java_regex(piece, insensitive=insensitive) for piece in pieces))


def _lucene_regex(piece: Piece, *, insensitive: bool) -> str:
    match piece:
        case Wildcard(many):
            return "(?s:.)*" if many else "(?s:.)"
        case Run(text, exact):
            if exact or not insensitive:
                return quote(text)
            # Not (?i:), which takes the Kelvin sign for a k, and folds beyond ASCII.
            return "".join(f"[{char.lower()}{char.upper()}]" if _is_letter(char) else quote(char) for char in text)


def _java_regex(piece: Piece, *, insensitive: bool) -> str:
    any_char = f"[^{JAVA_LINE_BREAKS}]"
    match piece:
        case Wildcard(many):
            return f"{any_char}*" if many else any_char
        case Run(text, exact):
            quoted = quote(text)
            return f"(?i:{quoted})" if insensitive and not exact else quoted


def _is_letter(char: str) -> bool:
    return char.isascii() and char.isalpha()


def quote(text: str) -> str:
    """Return an RE2 expression for exactly these characters."""
    return "".join(char if char.isalnum() and char.isascii() else f"\\x{{{ord(char):x}}}" for char in text)


def matcher(expression: str) -> Test:
    """Return the test whether a whole text matches an RE2 expression.

    Raises:
        re2.error: RE2 does not take the expression.
    """
    options = re2.Options()
    options.log_errors = False
    compiled = re2.compile(expression, options)

    def test(text: str) -> bool:
        try:
            return compiled.fullmatch(text) is not None
        except UnicodeEncodeError:  # half a surrogate pair; the product stores it as the replacement character
            return compiled.fullmatch(text.encode("utf-8", "replace").decode("utf-8")) is not None

    return test


def _simple_tester(pieces: list[Piece], *, insensitive: bool) -> Test | None:
    """Return a test without a regular expression, or None if `pieces` are not of a simple shape."""
    exact = any(isinstance(piece, Run) and piece.exact and any(map(_is_letter, piece.text)) for piece in pieces)
    if insensitive and exact:
        return None
    shape = "".join(
        "*" if piece == Wildcard(many=True) else "?" if isinstance(piece, Wildcard) else "x" for piece in pieces
    ).replace("xx", "x")
    if shape not in {"", "x", "x*", "*x", "*x*", "*"}:
        return None
    literal = "".join(piece.text for piece in pieces if isinstance(piece, Run))
    sought = fold_ascii(literal) if insensitive else literal
    return _shaped(shape, sought, insensitive=insensitive)


def _shaped(shape: str, sought: str, *, insensitive: bool) -> Test:
    if shape == "*":
        return lambda _text: True
    if insensitive:
        folded: dict[str, Test] = {
            "x*": lambda text: fold_ascii(text).startswith(sought),
            "*x": lambda text: fold_ascii(text).endswith(sought),
            "*x*": lambda text: sought in fold_ascii(text),
        }
        return folded.get(shape, lambda text: fold_ascii(text) == sought)
    plain: dict[str, Test] = {
        "x*": lambda text: text.startswith(sought),
        "*x": lambda text: text.endswith(sought),
        "*x*": lambda text: sought in text,
    }
    return plain.get(shape, lambda text: text == sought)
