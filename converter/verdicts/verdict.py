"""Verdicts: how a query relates to its rule, and what must be true of the log for that.

emitter ──assumptions, bound, limit──> Verdict ──replay checks it on a log──> outcome
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Event: TypeAlias = Mapping[str, Any]

VerdictKind: TypeAlias = Literal["exact", "assuming", "bounded", "unjudged"]


@dataclass(frozen=True, slots=True)
class Assumption:
    """Something that must be true of the log for a query to mean what the rule means.

    Attributes:
        message: the assumption, for example "the values of event.action have canonical case".
        broken: (raw event, event as the product has it) to whether this event breaks it.
        broken_in: of what only a whole log can break: (raw events, events as the product has them) to the positions of
            events without which it holds.
    """

    message: str
    broken: Callable[[Event, Event], bool] = field(compare=False, repr=False)
    broken_in: Callable[[Sequence[Event], Sequence[Event]], set[int]] | None = field(
        default=None, compare=False, repr=False
    )

    def breaking(self, raws: Sequence[Event], views: Sequence[Event]) -> set[int]:
        """Return the positions of the events of a log that break it."""
        alone = {at for at, pair in enumerate(zip(raws, views, strict=True)) if self.broken(*pair)}
        return alone | (self.broken_in(raws, views) if self.broken_in is not None else set())


@dataclass(frozen=True, slots=True)
class Bound:
    """How far a query differs from a sliding correlation, in terms of the same rule with another timespan.

    Attributes:
        message: the difference, for a person.
        widest: every alert holds enough events of its group within this many seconds; None: never more than the rule.
        narrowest: every group with enough events within this many seconds is found; None: nothing is missed.
        narrowest of 0 means that only simultaneous events are found for certain.
        doubled: whether a schedule may report an episode, or an event, more than once.
    """

    message: str
    widest: int | None = None
    narrowest: int | None = None
    doubled: bool = False


@dataclass(frozen=True, slots=True)
class Limit:
    """How many alerts one run of a query gives at most, whatever the log: the product's limit, or the query's own.

    The verdict is about logs on which no run reaches it. Where one does, what is missing is told, and is no difference.

    Attributes:
        message: the limit, for a person.
        alerts: the number.
    """

    message: str
    alerts: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a query relates to its rule. `refused` is not here: it is a `RefusedError`.

    `unjudged` is only for conversions of other tools; replay judges those.
    """

    kind: VerdictKind
    assumptions: tuple[Assumption, ...] = ()
    bound: Bound | None = None
    limit: Limit | None = None

    def __str__(self) -> str:
        return self.kind

    @property
    def notes(self) -> tuple[str, ...]:
        """Everything to be said about it, one sentence each."""
        bound = (self.bound.message,) if self.bound is not None else ()
        limit = (self.limit.message,) if self.limit is not None else ()
        return bound + limit + tuple(assumption.message for assumption in self.assumptions)
