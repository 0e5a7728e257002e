"""The rules of a plan: a detection, or a correlation that counts other rules.

Detection | Correlation (Plan)
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field as attribute
from typing import TYPE_CHECKING, TypeAlias

from converter.plan.expressions import Or, fields_of
from converter.plan.measures import EventCount, ValueCount, ValueSum, rising

if TYPE_CHECKING:
    from collections.abc import Mapping

    from converter.errors import Place
    from converter.plan.expressions import Expr
    from converter.plan.measures import CountOperator, Limit, Measure
    from converter.readers.log_source import LogSource


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a rule says about itself. `key` is its `name`, else its `id`, else its title; `path` is its file.

    `fields` are those that its author thinks worth looking at, by the product's names after a pipeline.
    """

    key: str
    title: str
    id: str | None = None
    name: str | None = None
    description: str = ""
    level: str | None = None
    status: str | None = None
    author: str | None = None
    date: str | None = None
    modified: str | None = None
    references: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    falsepositives: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    related: tuple[tuple[str, str], ...] = ()
    path: str = "<rule>"


@dataclass(frozen=True, slots=True)
class Detection:
    """A detection rule: an event is an alert if `expr` is true of it."""

    meta: Metadata
    logsource: LogSource
    expr: Expr
    place: Place | None = attribute(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Referenced:
    """A rule that a correlation counts, and how its events call what the correlation groups by and measures.

    Attributes:
        plan: a detection, or a correlation whose episodes count.
        group_by: its names of `Correlation.group_by`, aliases resolved, in that order.
        fields: its names of the fields of the measure, in that order.
    """

    plan: Plan
    group_by: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()

    @property
    def meta(self) -> Metadata:
        """What the rule says about itself."""
        return self.plan.meta

    @property
    def expr(self) -> Expr:
        """What an event must meet to be counted; of a correlation, to be counted by it."""
        found = detections_of(self.plan)
        return found[0].expr if len(found) == 1 else Or(tuple(one.expr for one in found))


@dataclass(frozen=True, slots=True)
class Correlation:
    """Events of one group within `timespan` seconds, of which a measure meets every limit.

    Attributes:
        rules: whose events count. Only the stages of a TemporalOrdered may name one twice.
        group_by: names of fields and aliases.
        timespan: in seconds.
        measure: what is measured of the events in a window.
        limits: operators and numbers; all must hold.
        generate: alerts of the referenced rules are wanted as well.
        places: of `type`, `rules`, `aliases`, `condition`, `field`, as far as they are there.
    """

    meta: Metadata
    rules: tuple[Referenced, ...]
    group_by: tuple[str, ...]
    timespan: int
    measure: Measure
    limits: tuple[Limit, ...] = ()
    generate: bool = False
    place: Place | None = attribute(default=None, compare=False, repr=False)
    group_places: tuple[Place | None, ...] = attribute(default=(), compare=False, repr=False)
    places: Mapping[str, Place] = attribute(default_factory=dict, compare=False, repr=False)

    @property
    def sliding(self) -> bool:
        """Whether the measure is judged on a trailing window at each event (else on fixed windows)."""
        counted = isinstance(self.measure, EventCount | ValueCount | ValueSum)
        return not counted or rising(self.limits)

    @property
    def op(self) -> CountOperator:
        """The operator of an event_count that has one."""
        return self._limit[0]

    @property
    def count(self) -> int:
        """The number of an event_count that has one operator."""
        return int(self._limit[1])

    @property
    def at_least(self) -> int:
        """The smallest satisfying count of a sliding event_count; a window that is looked at holds an event."""
        return max(1, self.count + 1 if self.op == "gt" else self.count)

    @property
    def _limit(self) -> Limit:
        if not isinstance(self.measure, EventCount) or len(self.limits) != 1:
            raise TypeError(f"{type(self.measure).__name__} with {len(self.limits)} limits is not one count of events")
        return self.limits[0]


Plan: TypeAlias = Detection | Correlation


def detections_of(plan: Plan) -> tuple[Detection, ...]:
    """Return the detections below a plan, at any depth, in order, each once; of a detection itself."""
    found: dict[int, Detection] = {}
    seen: set[int] = set()
    stack: list[Plan] = [plan]
    while stack:
        one = stack.pop()
        if isinstance(one, Detection):
            found.setdefault(id(one), one)
        elif id(one) not in seen:
            seen.add(id(one))
            stack.extend(rule.plan for rule in reversed(one.rules))
    return tuple(found.values())


def correlations_of(plan: Plan) -> tuple[Correlation, ...]:
    """Return the correlations of a plan, itself first, at any depth, each once."""
    found: dict[int, Correlation] = {}
    stack: list[Plan] = [plan]
    while stack:
        one = stack.pop()
        if isinstance(one, Correlation) and id(one) not in found:
            found[id(one)] = one
            stack.extend(rule.plan for rule in reversed(one.rules))
    return tuple(found.values())


def notes_of(plan: Plan) -> tuple[str, ...]:
    """Return what a person should know of how the correlations of a plan are judged, one sentence each."""
    return tuple(
        f"{one.meta.key} is judged on fixed windows of {one.timespan} s, aligned to the epoch, that hold an event: "
        f"{' and '.join(op for op, _ in one.limits)} might hold at every first event of a trailing window"
        for one in correlations_of(plan)
        if not one.sliding
    )


def fields_of_plan(plan: Plan) -> tuple[str, ...]:
    """Return every field that a plan reads, each once: those of detections, measured ones, those of groups."""
    if isinstance(plan, Detection):
        return fields_of(plan.expr)
    read = [name for one in detections_of(plan) for name in fields_of(one.expr)]
    rules = [rule for one in correlations_of(plan) for rule in one.rules]
    measured = [name for rule in rules for name in rule.fields]
    return tuple(dict.fromkeys([*read, *measured, *(name for rule in rules for name in rule.group_by)]))
