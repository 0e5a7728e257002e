r"""Wildcard patterns: `*` for any string, `?` for one character, over a whole string.

    pattern ──plain_pieces, lucene_pieces, like_pieces──> Run, Wildcard ──matcher──> test(text) -> bool

The languages differ in what escapes a wildcard; what matches is the same. A pattern with stars alone takes plain
operations on strings, another one RE2. Sources: NOTES.md, "Wildcards".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

from converter.products.elastic.casefold import fold_ascii
from converter.products.elastic.patterns import JAVA_LINE_BREAKS, PatternError, Test, full_match, literal


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

STAR = Wildcard(many=True)


# What no escape concerns is taken in one go: patterns are read whenever a query is checked.
_PLAIN = re.compile(r"[^*?]+|[*?]")
_ESCAPED = re.compile(r"[^*?\\]+|[*?]|\\.?", re.DOTALL)


def plain_pieces(pattern: str) -> list[Piece]:
    """Return the pieces of a pattern in which nothing escapes `*` and `?`."""
    return _joined([_piece(match[0]) for match in _PLAIN.finditer(pattern)])


def lucene_pieces(pattern: str) -> list[Piece]:
    """Return the pieces of a pattern of Lucene, where a backslash makes the next character literal."""
    return _joined(
        [
            Run(match[0][1], exact=True) if match[0].startswith("\\") and len(match[0]) > 1 else _piece(match[0])
            for match in _ESCAPED.finditer(pattern)
        ]
    )


def like_pieces(pattern: str) -> list[Piece]:
    r"""Return the pieces of a pattern of ES|QL's LIKE: `\*`, `\?` and `\\` are literal.

    Raises:
        PatternError: a backslash before anything else.
    """
    pieces: list[Piece] = []
    for match in _ESCAPED.finditer(pattern):
        text = match[0]
        if not text.startswith("\\"):
            pieces.append(_piece(text))
        elif text[1:] in {"*", "?", "\\"}:
            pieces.append(Run(text[1]))
        else:
            message = "in a LIKE pattern a backslash stands before '*', '?' or a backslash only"
            raise PatternError(message, match.start() + 1)
    return _joined(pieces)


def _piece(text: str) -> Piece:
    """Return a wildcard, or a run of other characters."""
    return Wildcard(text == "*") if text in {"*", "?"} else Run(text)


def star_pieces(parts: tuple[str, ...]) -> list[Piece]:
    """Return the pieces of literal strings with anything between them."""
    pieces: list[Piece] = []
    for part in parts:
        pieces += [STAR, Run(part)] if part else [STAR]
    return _joined(pieces[1:])


def _joined(pieces: list[Piece]) -> list[Piece]:
    """Return the pieces with neighbours of one kind made one."""
    joined: list[Piece] = []
    for piece in pieces:
        last = joined[-1] if joined else None
        if isinstance(piece, Run) and isinstance(last, Run) and piece.exact == last.exact:
            joined[-1] = Run(last.text + piece.text, piece.exact)
        elif piece != STAR or last != STAR:
            joined.append(piece)
    return joined


def matcher(pieces: list[Piece], *, ignore_case: bool = False) -> Test:
    """Return the test whether a whole string matches, as Lucene's wildcard query: of no pieces, no string does.

    Args:
        pieces: the pattern.
        ignore_case: take upper and lower case of ASCII's letters for one, except in exact runs.
    """
    if not pieces:
        return lambda _text: False
    keeps_case = ignore_case and any(isinstance(piece, Run) and piece.exact and _has_case(piece) for piece in pieces)
    if not keeps_case and all(isinstance(piece, Run) or piece.many for piece in pieces):
        parts = _between_stars(pieces)
        return _folded(list(map(fold_ascii, parts))) if ignore_case else _searched(parts)
    return full_match("".join(_lucene_expression(piece, ignore_case=ignore_case) for piece in pieces))


def java_matcher(pieces: list[Piece], *, ignore_case: bool = False) -> Test:
    """Return the test of a pattern that the product runs as an expression of Java: wildcards stop at line breaks."""
    return full_match("".join(_java_expression(piece, ignore_case=ignore_case) for piece in pieces))


def matches_all(pieces: list[Piece]) -> bool:
    """Return whether every string matches."""
    return pieces == [STAR]


def _has_case(run: Run) -> bool:
    return run.text.lower() != run.text.upper()


def _between_stars(pieces: list[Piece]) -> list[str]:
    """Return the literal strings before, between and after stars: one more than there are stars."""
    parts = [""]
    for piece in pieces:
        if isinstance(piece, Run):
            parts[-1] += piece.text
        else:
            parts.append("")
    return parts


def _searched(parts: list[str]) -> Test:
    """Return the test whether a string is these parts with anything between them."""
    first, *middle, last = parts if len(parts) > 1 else [parts[0], ""]
    if len(parts) == 1:
        return lambda text: text == first
    if not middle and not last:
        return lambda text: text.startswith(first)
    if not middle and not first:
        return lambda text: text.endswith(last)
    if len(middle) == 1 and not first and not last:
        (sought,) = middle
        return lambda text: sought in text
    least = len(first) + len(last)

    def test(text: str) -> bool:
        if len(text) < least or not text.startswith(first) or not text.endswith(last):
            return False
        at, end = len(first), len(text) - len(last)
        for part in middle:
            place = text.find(part, at, end)
            if place < 0:
                return False
            at = place + len(part)
        return True

    return test


def _folded(parts: list[str]) -> Test:
    test = _searched(parts)
    return lambda text: test(fold_ascii(text))


def _lucene_expression(piece: Piece, *, ignore_case: bool) -> str:
    match piece:
        case Wildcard(many):
            return "(?s:.)*" if many else "(?s:.)"
        case Run(text, exact):
            if exact or not ignore_case:
                return literal(text)
            # Not (?i:), which takes the Kelvin sign for a k, and folds beyond ASCII.
            return "".join(map(_either_case, text))


def _java_expression(piece: Piece, *, ignore_case: bool) -> str:
    any_char = f"[^{JAVA_LINE_BREAKS}]"
    match piece:
        case Wildcard(many):
            return f"{any_char}*" if many else any_char
        case Run(text):
            return "".join(map(_either_case, text)) if ignore_case else literal(text)


def _either_case(char: str) -> str:
    return f"[{char.lower()}{char.upper()}]" if char.isascii() and char.isalpha() else literal(char)
