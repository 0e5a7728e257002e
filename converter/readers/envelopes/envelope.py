"""What an envelope is, and helpers to open one.

event that may be an envelope ──Envelope.open──> what is inside: a list of values; None: it is not one
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from converter.readers.json.values import JsonError, read_value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Event: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Announced:
    """A line that has no event, but says what the next line is.

    Attributes:
        metadata: what the event of the next line gets, unless it has it itself.
        below: the key of the next line below which its event is; empty: the line is the event.
    """

    metadata: Event
    below: str = ""

    def completed(self, value: Event) -> Event:
        """Return the event of the line after."""
        inner = value.get(self.below)
        return {**self.metadata, **(inner if self.below and isinstance(inner, dict) else value)}


Content: TypeAlias = "Sequence[object] | Announced | None"


@dataclass(frozen=True, slots=True)
class Envelope:
    """One kind of envelope.

    Attributes:
        order: envelopes with a lower number are tried first.
        key: a key that every one of them has.
        name: what it is called, with an article, as messages say it.
        open: returns what is inside, or None for an event that is not such an envelope.
        raw_only: whether only a reader of raw events opens it.
    """

    order: int
    key: str
    name: str
    open: Callable[[Event], Content]
    raw_only: bool = False


def objects(value: object) -> list[object] | None:
    """Return a list whose items are all objects, else None."""
    return value if isinstance(value, list) and all(isinstance(item, dict) for item in value) else None


@dataclass(slots=True)
class Strings:
    """How events are read that envelopes hold as strings: `nesting` is as in `read_value`."""

    nesting: int = 200
    _changes: list[str] = field(default_factory=list)

    def read(self, string: str) -> object:
        """Return the value that a string spells in JSON; None if it spells none."""
        try:
            spelled, changes = read_value(string.encode("utf-8", "replace"), self.nesting)
        except JsonError:
            return None
        self._changes.extend(changes)
        return spelled

    def take_changes(self) -> tuple[str, ...]:
        """Return what was changed in events since the last call, so that they could be read."""
        changes = tuple(dict.fromkeys(self._changes))
        self._changes.clear()
        return changes


strings = Strings()
"""One for the process: envelopes are opened one after the other."""


def json_object(value: object) -> Event | None:
    """Return the object that a string spells in JSON, or an object as it is, else None."""
    if isinstance(value, dict):
        return value
    if not isinstance(value, str) or not value.lstrip().startswith("{"):
        return None
    spelled = strings.read(value)
    return spelled if isinstance(spelled, dict) else None


def with_id(event: Event, holder: Event) -> Event:
    """Return an event with the `_id` of what held it, unless it has one itself."""
    return event if "_id" in event or "_id" not in holder else {**event, "_id": holder["_id"]}


def table_rows(columns: object, rows: object) -> list[object] | None:
    """Return rows that are lists as objects, or None if it is not a table; `columns`: names, or objects with `name`."""
    if not isinstance(columns, list) or not isinstance(rows, list):
        return None
    names = [column.get("name") if isinstance(column, dict) else column for column in columns]
    if not all(isinstance(name, str) for name in names):
        return None
    if not all(isinstance(row, list) and len(row) == len(names) for row in rows):
        return None
    return [{name: value for name, value in zip(names, row, strict=True) if value is not None} for row in rows]
