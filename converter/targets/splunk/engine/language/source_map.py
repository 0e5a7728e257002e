"""Where the characters of an expanded search stand in the text that the user gave.

    text ──macros──> expanded text      offset there ──ExpandedSource.span──> Span in the text

What a macro stands for is nowhere in the text, so all of it is at the macro's call. A tree that was read from the
expanded text is told its places in the text by `relocate`; from then on nothing knows of the expansion.
"""

from __future__ import annotations

import dataclasses
from bisect import bisect_right
from typing import TYPE_CHECKING, TypeVar

from converter.errors import QueryError
from converter.readers.source import Source, Span

if TYPE_CHECKING:
    from converter.errors import Place
    from converter.readers.source import Located

_SHOWN = 100
_Tree = TypeVar("_Tree")


@dataclasses.dataclass(frozen=True, slots=True)
class Segment:
    """A part of the expanded text.

    Attributes:
        start: its offset in the expanded text.
        place: what it came from in the user's text.
        macro: the name of the macro that was called there; None if the text was copied.
    """

    start: int
    place: Span
    macro: str | None = None


class ExpandedSource(Source[QueryError]):
    """A search with its macros expanded; what is wrong in it is shown where it came from.

    Args:
        original: the user's text.
        expanded: the text with its macros expanded.
        segments: its parts, in order; the first begins at 0.
    """

    def __init__(self, original: str, expanded: str, segments: list[Segment]) -> None:
        self._original = Source(original, QueryError)
        self._segments = segments
        self._starts = [segment.start for segment in segments]
        super().__init__(expanded, QueryError)  # may refuse the text, and then says where it came from

    def span(self, at: Located) -> Span:
        """Return the part of the user's text that a part of the expanded text came from."""
        start = self._at(at.start)[1].start
        last = self._at(max(at.start, at.end - 1))[1]
        return Span(start, max(start + 1, last.end))

    def place(self, at: Located) -> Place | None:
        """Return the place in the user's text."""
        return self._original.place(self.span(at))

    def error(self, message: str, at: Located, hint: str = "") -> QueryError:
        """Return an error at a place of the expanded text, as one at its place in the user's text."""
        segment, _ = self._at(at.start)
        if segment.macro is None:
            return super().error(message, at, hint)
        message = f"{message}, in the expansion of the macro {segment.macro}"
        return super().error(message, at, hint or self._meaning(segment))

    def _at(self, offset: int) -> tuple[Segment, Span]:
        segment = self._segments[bisect_right(self._starts, offset) - 1]
        if segment.macro is not None:
            return segment, segment.place
        start = segment.place.start + offset - segment.start
        return segment, Span(start, start + 1)

    def _meaning(self, segment: Segment) -> str:
        following = bisect_right(self._starts, segment.start)
        end = self._starts[following] if following < len(self._starts) else len(self.text)
        meaning = " ".join(self.text[segment.start : end][: 2 * _SHOWN].split())
        return f"it stands for: {meaning[:_SHOWN]}" + ("..." if len(meaning) > _SHOWN else "")


def relocate(tree: _Tree, source: ExpandedSource) -> _Tree:
    """Return a tree of an expanded text with the places of the user's text."""
    return _relocated(tree, source)  # type: ignore[return-value]


def _relocated(node: object, source: ExpandedSource) -> object:
    if isinstance(node, Span):
        return source.span(node) if node.end > node.start else node
    if isinstance(node, tuple):
        return tuple(_relocated(item, source) for item in node)
    if dataclasses.is_dataclass(node) and not isinstance(node, type):
        return dataclasses.replace(
            node, **{field.name: _relocated(getattr(node, field.name), source) for field in dataclasses.fields(node)}
        )
    return node
