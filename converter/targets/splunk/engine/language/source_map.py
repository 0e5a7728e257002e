"""Where the characters of an expanded search stand in the text that the user gave.

    text ──macros──> expanded text      offset there ──Origin.span──> Span in the text

What a macro stands for is nowhere in the text, so all of it is at the macro's call. A tree that was read from the
expanded text is told its places in the text by `relocate`; from then on nothing knows of the expansion.
"""

from __future__ import annotations

import dataclasses
from bisect import bisect_right
from typing import TypeVar

from converter.errors import Place, QueryError
from converter.targets.splunk.engine.language.syntax import Span

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


class Origin:
    """The map from an expanded text to the user's.

    Args:
        text: the user's text.
        expanded: the text with its macros expanded.
        segments: its parts, in order; the first begins at 0.
    """

    def __init__(self, text: str, expanded: str, segments: list[Segment]) -> None:
        self.text = text
        self.expanded = expanded
        self._segments = segments
        self._starts = [segment.start for segment in segments]

    def span(self, span: Span) -> Span:
        """Return the part of the user's text that a part of the expanded text came from."""
        start = self._at(span.start)[1].start
        last = self._at(span.start + max(1, span.length) - 1)[1]
        return Span(start, max(1, last.start + last.length - start))

    def error(self, error_message: str, span: Span, hint: str) -> QueryError:
        """Return an error at a place of the expanded text, as one at its place in the user's text."""
        segment, _ = self._at(span.start)
        there = self.span(span)
        place = Place.at_offset(self.text, there.start, length=there.length)
        if segment.macro is None:
            return QueryError(error_message, place, hint)
        meaning = self._meaning(segment)
        return QueryError(f"{error_message}, in the expansion of the macro {segment.macro}", place, hint or meaning)

    def _at(self, offset: int) -> tuple[Segment, Span]:
        segment = self._segments[bisect_right(self._starts, offset) - 1]
        if segment.macro is not None:
            return segment, segment.place
        return segment, Span(segment.place.start + offset - segment.start)

    def _meaning(self, segment: Segment) -> str:
        following = bisect_right(self._starts, segment.start)
        end = self._starts[following] if following < len(self._starts) else len(self.expanded)
        meaning = " ".join(self.expanded[segment.start : end][: 2 * _SHOWN].split())
        return f"it stands for: {meaning[:_SHOWN]}" + ("..." if len(meaning) > _SHOWN else "")


def relocate(tree: _Tree, origin: Origin) -> _Tree:
    """Return a tree of an expanded text with the places of the user's text."""
    return _relocated(tree, origin)  # type: ignore[return-value]


def _relocated(node: object, origin: Origin) -> object:
    if isinstance(node, Span):
        return origin.span(node) if node.length else node
    if isinstance(node, tuple):
        return tuple(_relocated(item, origin) for item in node)
    if dataclasses.is_dataclass(node) and not isinstance(node, type):
        return dataclasses.replace(
            node, **{field.name: _relocated(getattr(node, field.name), origin) for field in dataclasses.fields(node)}
        )
    return node
