"""Verdicts: how a query relates to its rule, and under which assumptions about the log.

emitter ──assumptions, bound, limit──> Verdict ──replay checks it on a log──> outcome
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Event: TypeAlias = Mapping[str, Any]

VerdictKind: TypeAlias = Literal["exact", "assuming", "bounded", "changed", "unjudged"]


@dataclass(frozen=True, slots=True)
class Repair:
    """How an event that breaks an assumption would look if it did not, with the same meaning for the rule.

    Replay runs the query on the repaired log: if it then agrees, the broken assumption explains the difference. Events
    that have no repair are removed instead.

    Attributes:
        raw: takes a raw event, and returns it repaired; the product's event is then made of it anew.
        view: takes an event as the product has it, and returns it repaired.
    """

    raw: Callable[[Event], Event] | None = None
    view: Callable[[Event], Event] | None = None


@dataclass(frozen=True, slots=True)
class Assumption:
    """A statement that must be true of the log for a query to mean what its rule means.

    Attributes:
        message: the assumption, for example "event.action holds at most one value".
        broken: takes (raw event, event as the product has it), and returns whether this event breaks the assumption.
        broken_in: for an assumption about a whole log: takes (raw events, events as the product has them), and returns
            the positions of events without which the assumption holds.
        repair: how to repair an event that breaks it; None: it cannot be repaired.
        advice: what a person can do about a log that breaks it; empty: nothing in particular.
    """

    message: str
    broken: Callable[[Event, Event], bool] = field(compare=False, repr=False)
    broken_in: Callable[[Sequence[Event], Sequence[Event]], set[int]] | None = field(
        default=None, compare=False, repr=False
    )
    repair: Repair | None = field(default=None, compare=False, repr=False)
    advice: str = field(default="", compare=False, repr=False)

    def breaking(self, raws: Sequence[Event], views: Sequence[Event]) -> set[int]:
        """Return the positions of the events in a log that break the assumption."""
        alone = {at for at, pair in enumerate(zip(raws, views, strict=True)) if self.broken(*pair)}
        return alone | (self.broken_in(raws, views) if self.broken_in is not None else set())


@dataclass(frozen=True, slots=True)
class Bound:
    """A bound on how far a query differs from a sliding correlation, as the same rule with other timespans.

    Attributes:
        message: the difference, in words.
        widest: every alert has enough events of its group within this many seconds; None: there are no extra alerts.
        narrowest: every group with enough events within this many seconds raises an alert; None: none is missed. With
            0, only simultaneous events raise one for certain.
        longest: an episode that is longer than this many seconds may be missed; None: the length does not matter.
        doubled: whether a schedule may report an episode or an event more than once.
    """

    message: str
    widest: int | None = None
    narrowest: int | None = None
    longest: int | None = None
    doubled: bool = False


@dataclass(frozen=True, slots=True)
class Limit:
    """The largest number of alerts that one run of a query can raise: the product's limit, or the query's own.

    The verdict is about logs on which no run reaches the limit. If a run does, replay lists the missing alerts, but not
    as a difference.

    Attributes:
        message: the limit, in words.
        alerts: the number.
    """

    message: str
    alerts: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """The relation of a query to its rule. A refusal is not a verdict, but a `RefusedError`.

    `changed` is for queries of a rule whose meaning a pipeline has changed: bound, limit and assumptions are then about
    the rule as the pipeline leaves it. `unjudged` is for queries that other tools wrote or changed; only replay judges
    them.

    Attributes:
        changes: what a pipeline has changed in the meaning of the rule, a sentence each.
    """

    kind: VerdictKind
    assumptions: tuple[Assumption, ...] = ()
    bound: Bound | None = None
    limit: Limit | None = None
    changes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.kind

    @property
    def notes(self) -> tuple[str, ...]:
        """What a pipeline has changed, and the messages of its bound, limit and assumptions."""
        bound = (self.bound.message,) if self.bound is not None else ()
        limit = (self.limit.message,) if self.limit is not None else ()
        return self.changes + bound + limit + tuple(assumption.message for assumption in self.assumptions)
