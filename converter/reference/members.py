"""The events of a correlation: each with its time and position, and what it is in its group."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Timed:
    """A matching event, or an episode of a correlation below at its end.

    Attributes:
        time: nanoseconds since the epoch.
        position: in the log (of the last event of an episode); ties in time are ordered by it.
        event: of an episode, its group: field to value.
        parts: the events of an episode; empty for an event.
    """

    time: int
    position: int
    event: Mapping[str, Any]
    parts: tuple[Timed, ...] = ()


@dataclass(slots=True)
class Member:
    """An event in a group: the rules of the correlation that it matches, and the values that are measured."""

    timed: Timed
    rules: set[int] = field(default_factory=set)
    names: dict[tuple[str, ...], None] = field(default_factory=dict)
    values: Sequence[Any] = ()

    @property
    def time(self) -> int:
        """When it was."""
        return self.timed.time
