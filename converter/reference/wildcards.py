r"""Match strings with Sigma's wildcards, in time that grows with the string and not with its square.

    pattern ──pieces──> what stands before, between and after the `*` ──> the first and the last at the ends,
                                                                          the others at the first place that is left

A piece that is found at the first place leaves the most for those behind it, so no place is tried again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from converter.plan.nodes import Wildcard
from converter.reference.casefold import fold

if TYPE_CHECKING:
    from converter.plan.nodes import Pattern


@dataclass(frozen=True, slots=True)
class _Piece:
    """Characters one after the other; None stands for any one, as `?` does. `literal`: the same, if it has no None."""

    characters: tuple[str | None, ...]
    literal: str | None

    @classmethod
    def of(cls, characters: list[str | None]) -> _Piece:
        """Return the piece of these characters."""
        return cls(tuple(characters), None if None in characters else "".join(filter(None, characters)))

    def is_at(self, string: str, position: int) -> bool:
        """Return whether the piece stands at a position."""
        if self.literal is not None:
            return string.startswith(self.literal, position)
        there = string[position : position + len(self.characters)]
        return len(there) == len(self.characters) and all(
            own is None or own == other for own, other in zip(self.characters, there, strict=True)
        )

    def first(self, string: str, start: int, end: int) -> int:
        """Return the first position between two others at which the piece stands; -1 if there is none."""
        if self.literal is not None:
            return string.find(self.literal, start, end)
        # Bit n of `begun` is set while the last n + 1 characters are those that the piece begins with.
        anything = sum(1 << at for at, own in enumerate(self.characters) if own is None)
        bits: dict[str, int] = {}
        for at, own in enumerate(self.characters):
            if own is not None:
                bits[own] = bits.get(own, anything) | 1 << at
        complete = 1 << len(self.characters) - 1
        begun = 0
        for position in range(start, end):
            begun = (begun << 1 | 1) & bits.get(string[position], anything)
            if begun & complete:
                return position - len(self.characters) + 1
        return -1


def like(pattern: Pattern, string: str, *, cased: bool) -> bool:
    """Return whether the whole string matches the pattern."""
    return _matches(_pieces(pattern, cased), string if cased else fold(string))


def contains(pattern: Pattern, string: str, *, cased: bool) -> bool:
    """Return whether the pattern matches anywhere in the string."""
    anything = (_Piece.of([]),)
    return _matches(anything + _pieces(pattern, cased) + anything, string if cased else fold(string))


@lru_cache(maxsize=4096)
def _pieces(pattern: Pattern, cased: bool) -> tuple[_Piece, ...]:  # noqa: FBT001
    """Return the pieces of a pattern: one more than it has `*`."""
    pieces: list[list[str | None]] = [[]]
    for part in pattern.parts:
        if part is Wildcard.ANY:
            pieces.append([])
        elif isinstance(part, str):
            pieces[-1].extend(part if cased else fold(part))
        else:
            pieces[-1].append(None)
    return tuple(map(_Piece.of, pieces))


def _matches(pieces: tuple[_Piece, ...], string: str) -> bool:
    first, last = pieces[0], pieces[-1]
    if len(pieces) == 1:
        return len(string) == len(first.characters) and first.is_at(string, 0)
    start, end = len(first.characters), len(string) - len(last.characters)
    if start > end or not first.is_at(string, 0) or not last.is_at(string, end):
        return False
    for piece in pieces[1:-1]:
        position = piece.first(string, start, end)
        if position < 0:
            return False
        start = position + len(piece.characters)
    return True
