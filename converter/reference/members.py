"""The events that a correlation counts, and the members of its groups."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Timed:
    """A matching event, or an episode of a counted correlation at its end.

    Attributes:
        time: nanoseconds since the epoch.
        position: in the log (for an episode, of its last event); alerts list events of one time in this order.
        event: the event; for an episode, the fields and values of its group.
        parts: the events of an episode; empty for an event.
    """

    time: int
    position: int
    event: Mapping[str, Any]
    parts: tuple[Timed, ...] = ()


@dataclass(slots=True)
class Member:
    """An event in a group: the rules that it matches, their names of the measured fields, and the measured values."""

    timed: Timed
    rules: set[int] = field(default_factory=set)
    names: dict[tuple[str, ...], None] = field(default_factory=dict)
    values: Sequence[Any] = ()

    @property
    def time(self) -> int:
        """The time of the event."""
        return self.timed.time
