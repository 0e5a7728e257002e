"""The columns at a point of a query: name to slot and type.

A scope after FROM is open: the mapping of the indices is not known, so a name that no document carries is a field
without values. STATS, and KEEP without patterns, close it; then a name that is not there is an error, as it is for a
name that DROP or RENAME took away.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from converter.errors import suggest
from converter.targets.esql.engine.language.source import METADATA

if TYPE_CHECKING:
    from converter.readers.source import Span
    from converter.targets.esql.engine.language.bound import Context
    from converter.targets.esql.engine.language.syntax import NamePattern
    from converter.targets.esql.engine.language.types import Type

LATE = -1
_NEVER_FIELDS = frozenset({*METADATA, "_source", "_score", "_ignored", "_index_mode", "_tsid", "_size"})


@dataclass(frozen=True, slots=True)
class Entry:
    """A column: its slot in a row and its type. Slot LATE: read the field `late` of the document when rows go out.

    `narrow`: what the mapping calls the type of a field that holds only some of the doubles.
    """

    slot: int
    type: Type
    observed: bool = False
    late: str = ""
    narrow: str = ""


@dataclass(slots=True)
class Scope:
    """The columns in order, and what is known of names that are not among them."""

    columns: dict[str, Entry] = field(default_factory=dict)
    open: bool = False
    within: list[tuple[tuple[str, ...], ...]] = field(default_factory=list)
    removed: set[str] = field(default_factory=set)
    width: int = 0

    def find(self, context: Context, name: str, span: Span) -> Entry | None:
        """Return a column, or None for a field of the source that no document carries.

        Raises:
            QueryError: there is no such column.
        """
        entry = self.columns.get(name)
        if entry is not None:
            return entry
        if self.open and self._possible(name):
            return None
        hint = suggest(name, self.columns)
        if name in METADATA and name not in self.removed and self.open:
            hint = f"write FROM ... METADATA {name}"
        raise context.error(f"unknown column [{name}]", span, hint)

    def _possible(self, name: str) -> bool:
        """Whether an open scope may have a column of this name: each KEEP so far had a pattern that fits it."""
        if name in self.removed or name in _NEVER_FIELDS:
            return False
        return all(any(fits(name, parts) for parts in patterns) for patterns in self.within)

    def add(self, name: str, type_: Type) -> int:
        """Add a column at the end, in place of one of that name; return its new slot."""
        slot = self.width
        self.width += 1
        self.put(name, Entry(slot, type_))
        return slot

    def put(self, name: str, entry: Entry) -> None:
        """Put a column at the end, in place of one of that name."""
        self.columns.pop(name, None)
        self.columns[name] = entry
        self.removed.discard(name)

    def matching(self, pattern: NamePattern) -> list[str]:
        """Return the names that a pattern of KEEP or DROP stands for, in the order of the columns."""
        if len(pattern.parts) == 1:
            return [pattern.parts[0]] if pattern.parts[0] in self.columns else []
        return [name for name in self.columns if fits(name, pattern.parts)]


def fits(name: str, parts: tuple[str, ...]) -> bool:
    """Whether a name is the parts with any text between them. Linear: each part is taken where it first occurs."""
    first, *middle, last = parts
    if len(name) < len(first) + len(last) or not name.startswith(first) or not name.endswith(last):
        return False
    position, end = len(first), len(name) - len(last)
    for part in middle:
        at = name.find(part, position, end)
        if at < 0:
            return False
        position = at + len(part)
    return True
