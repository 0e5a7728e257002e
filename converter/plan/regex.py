r"""The syntax tree of rules' regular expressions, which emitters write in other dialects.

    pattern, flags ──converter/plan/regex_parse.py──> Alternatives of Sequences of nodes

Flags are resolved: each node states itself whether it ignores case, matches line feeds, or is anchored at lines.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from converter.plan.casefold import close_ranges, merge_ranges

if TYPE_CHECKING:
    from collections.abc import Iterator

Ranges: TypeAlias = tuple[tuple[int, int], ...]

LAST = 0x10FFFF


@dataclass(frozen=True, slots=True)
class Char:
    """One character; case is ignored if `fold`."""

    char: str
    fold: bool = False


@dataclass(frozen=True, slots=True)
class Dot:
    """Any character, a line feed only if `breaks`."""

    breaks: bool = False


@dataclass(frozen=True, slots=True)
class Class:
    """A character inside these ranges of code points, or outside if `negated`; case is ignored if `fold`."""

    ranges: Ranges
    negated: bool = False
    fold: bool = False

    @property
    def closed(self) -> Ranges:
        """The ranges, sorted; if the class ignores case, with both cases of each letter."""
        return close_ranges(self.ranges) if self.fold else merge_ranges(self.ranges)


AnchorKind: TypeAlias = Literal["start", "line start", "end", "line end", "very end", "boundary", "no boundary"]


@dataclass(frozen=True, slots=True)
class Anchor:
    r"""A position in the text: `end` is also before a final line feed, `very end` is not.

    `line start` is the start of the text and after each line feed except a final one; `line end` is the end of the
    text and before each line feed.
    """

    kind: AnchorKind


@dataclass(frozen=True, slots=True)
class Group:
    """Alternatives in brackets; `number` if the group captures, `atomic` if it is not backtracked into."""

    inner: Alternatives
    number: int | None = None
    atomic: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """Look-around: the alternatives must (if `negated`: must not) follow, or precede if `behind`."""

    inner: Alternatives
    behind: bool
    negated: bool


@dataclass(frozen=True, slots=True)
class Reference:
    """A back-reference: the text that a group has captured."""

    number: int


@dataclass(frozen=True, slots=True)
class Repeat:
    """An item repeated `least` to `most` times (None: without limit)."""

    item: Node
    least: int
    most: int | None
    kind: Literal["greedy", "lazy", "possessive"] = "greedy"


Node: TypeAlias = Char | Dot | Class | Anchor | Group | Look | Reference | Repeat
Sequence: TypeAlias = tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Alternatives:
    """Alternative sequences, tried in order."""

    sequences: tuple[Sequence, ...]


# The characters of each class escape; letters and digits are those of ASCII.
_HORIZONTAL: Ranges = ((9, 9), (32, 32), (0xA0, 0xA0), (0x1680, 0x1680), (0x180E, 0x180E), (0x2000, 0x200A))
ESCAPED: dict[str, Ranges] = {
    "d": ((48, 57),),
    "w": ((48, 57), (65, 90), (95, 95), (97, 122)),
    "s": ((9, 13), (32, 32)),
    "h": (*_HORIZONTAL, (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000)),
    "v": ((10, 13), (0x85, 0x85), (0x2028, 0x2029)),
}


def walk(tree: Alternatives) -> Iterator[Node]:
    """Yield every node of a tree."""
    for sequence in tree.sequences:
        for node in sequence:
            yield from _walk(node)


def _walk(node: Node) -> Iterator[Node]:
    yield node
    match node:
        case Repeat(item):
            yield from _walk(item)
        case Group(inner) | Look(inner):
            yield from walk(inner)
        case _:
            pass


def can_be_empty(tree: Alternatives) -> bool:
    """Return whether the expression may match the empty string; true when in doubt."""
    return any(all(_empty(node) for node in sequence) for sequence in tree.sequences)


def _empty(node: Node) -> bool:
    match node:
        case Char() | Dot() | Class():
            return False
        case Repeat(item, least):
            return least == 0 or _empty(item)
        case Group(inner):
            return can_be_empty(inner)
        case _:
            return True


def complement(ranges: Ranges) -> Ranges:
    """Return every code point outside the ranges."""
    out: list[tuple[int, int]] = []
    at = 0
    for low, high in merge_ranges(ranges):
        if at < low:
            out.append((at, low - 1))
        at = high + 1
    if at <= LAST:
        out.append((at, LAST))
    return tuple(out)


def width_of(sequence: Sequence) -> int | None:
    """Return how many characters a sequence matches, or None if that varies."""
    total = 0
    for node in sequence:
        width = _width(node)
        if width is None:
            return None
        total += width
    return total


def _width(node: Node) -> int | None:
    match node:
        case Char() | Dot() | Class():
            return 1
        case Anchor() | Look():
            return 0
        case Repeat(item, least, most):
            width = _width(item)
            return width * least if width is not None and least == most else None
        case Group(inner):
            widths = {width_of(sequence) for sequence in inner.sequences}
            return widths.pop() if len(widths) == 1 else None
        case Reference():
            return None
