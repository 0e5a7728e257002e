r"""LIKE patterns: `*` any text, `?` one character, `\*`, `\?` and `\\` literal; the whole string, case-sensitively.

    pattern ──compile_like──> str -> bool

The empty pattern matches nothing, not even the empty string.

Source: Elasticsearch docs "ES|QL LIKE"; class `StringUtils.wildcardToJavaPattern` for what a backslash may precede.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import re2

if TYPE_CHECKING:
    from collections.abc import Callable


class PatternError(Exception):
    """A pattern is not valid; `offset` counts characters of the pattern."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


@lru_cache(maxsize=512)
def compile_like(pattern: str) -> Callable[[str], bool]:
    """Return a function that tells whether a string matches.

    Raises:
        PatternError: a backslash before anything but `*`, `?` or a backslash.
    """
    pieces = _pieces(pattern)
    if not pieces:
        return lambda _text: False  # Lucene makes no automaton of no characters: not even "" matches
    stars = [index for index, piece in enumerate(pieces) if piece == "*"]
    if "?" not in pieces and len(stars) <= 1:
        return _simple(pieces, stars)
    expression = "".join({"*": ".*", "?": "."}.get(piece) or re2.escape(piece[1:]) for piece in pieces)
    matches = re2.compile(f"(?s){expression}", _quiet()).fullmatch
    return lambda text: matches(text) is not None


def like_matches_all(pattern: str) -> bool:
    """Whether a pattern matches every string."""
    return bool(pattern) and not pattern.strip("*")


def _quiet() -> re2.Options:
    options = re2.Options()
    options.log_errors = False
    return options


def _pieces(pattern: str) -> list[str]:
    """Return `*`, `?`, and runs of literal text, each of those with a leading `=`; adjacent stars as one."""
    pieces: list[str] = []
    index = 0
    while index < len(pattern):
        character = pattern[index]
        if character == "\\":
            index += 1
            if pattern[index : index + 1] not in {"*", "?", "\\"} or index >= len(pattern):
                message = "in a LIKE pattern a backslash stands before '*', '?' or a backslash only"
                raise PatternError(message, index - 1)
            character = f"={pattern[index]}"
        elif character not in {"*", "?"}:
            character = f"={character}"
        if character[0] == "=" and pieces and pieces[-1][0] == "=":
            pieces[-1] += character[1:]
        elif character != "*" or not pieces or pieces[-1] != "*":
            pieces.append(character)
        index += 1
    return pieces


def _simple(pieces: list[str], stars: list[int]) -> Callable[[str], bool]:
    """Return a matcher of a pattern with at most one star and no question mark."""
    if not stars:
        whole = pieces[0][1:]
        return lambda text: text == whole
    head = pieces[0][1:] if stars[0] > 0 else ""
    tail = pieces[-1][1:] if stars[0] < len(pieces) - 1 else ""
    if not tail:
        return lambda text: text.startswith(head)
    shortest = len(head) + len(tail)
    return lambda text: len(text) >= shortest and text.startswith(head) and text.endswith(tail)
