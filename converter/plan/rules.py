"""The rules of a plan: detections, and correlations that count other rules.

    Detection      metadata, log source, expression
    Correlation    metadata, Referenced rules, group-by, timespan, measure, limits

The functions walk a plan from a correlation down to its detections.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field as attribute
from typing import TYPE_CHECKING, TypeAlias

from converter.plan.expressions import Or, fields_of
from converter.plan.measures import EventCount, ValueCount, ValueSum, is_lower, is_upper, rising

if TYPE_CHECKING:
    from collections.abc import Mapping

    from converter.errors import Place
    from converter.plan.expressions import Expr
    from converter.plan.measures import CountOperator, Limit, Measure
    from converter.readers.log_source import LogSource


@dataclass(frozen=True, slots=True)
class Metadata:
    """The metadata of a rule. `key` is its `name`, else its `id`, else its title; `path` is its file.

    `fields` are those that the author suggests to show; after a pipeline they have the product's names.
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
    """A detection rule: an event is an alert if `expr` is true for it."""

    meta: Metadata
    logsource: LogSource
    expr: Expr
    place: Place | None = attribute(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Referenced:
    """A rule that a correlation counts, with that rule's names of the group-by fields and of the measured fields.

    Attributes:
        plan: a detection, or a correlation whose episodes count.
        group_by: its field for each name in `Correlation.group_by`, aliases resolved, in that order.
        fields: its field for each field of the measure, in that order.
    """

    plan: Plan
    group_by: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()

    @property
    def meta(self) -> Metadata:
        """The metadata of the rule."""
        return self.plan.meta

    @property
    def expr(self) -> Expr:
        """The condition that counted events meet; of a correlation, the events of its detections."""
        detections = detections_of(self.plan)
        return detections[0].expr if len(detections) == 1 else Or(tuple(rule.expr for rule in detections))


@dataclass(frozen=True, slots=True)
class Correlation:
    """A correlation rule: an alert is events of one group, within `timespan` seconds, whose measure meets every limit.

    Attributes:
        rules: those whose events count. Only in a TemporalOrdered may a rule appear twice, as two stages.
        group_by: names of fields and aliases.
        timespan: in seconds.
        measure: what is computed from the events in a window.
        limits: operators and numbers; all must hold.
        generate: whether the referenced rules also raise alerts of their own.
        places: of the keys `type`, `rules`, `aliases`, `condition` and `field`, where the rule has them.
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
        """Whether the measure is evaluated on a trailing window at each event (else on fixed windows)."""
        return not self._counts or rising(self.limits) or self.is_range

    @property
    def is_range(self) -> bool:
        """Whether a count or a sum has a lower limit and an upper limit."""
        return self._counts and any(map(is_lower, self.limits)) and any(map(is_upper, self.limits))

    @property
    def window_limits(self) -> tuple[Limit, ...]:
        """The limits that each window of an episode meets: the lower limits of a range; else all limits."""
        return tuple(filter(is_lower, self.limits)) if self.is_range else self.limits

    @property
    def peak_limits(self) -> tuple[Limit, ...]:
        """The limits that the largest measure in an episode meets: all but the lower ones of a range; else none."""
        return tuple(limit for limit in self.limits if not is_lower(limit)) if self.is_range else ()

    @property
    def op(self) -> CountOperator:
        """The operator of an event_count with a single limit."""
        return self._limit[0]

    @property
    def count(self) -> int:
        """The number of an event_count with a single limit."""
        return int(self._limit[1])

    @property
    def at_least(self) -> int:
        """The smallest count that meets the limit of a sliding event_count; at least 1: each window holds an event."""
        return max(1, self.count + 1 if self.op == "gt" else self.count)

    @property
    def _counts(self) -> bool:
        return isinstance(self.measure, EventCount | ValueCount | ValueSum)

    @property
    def _limit(self) -> Limit:
        if not isinstance(self.measure, EventCount) or len(self.limits) != 1:
            raise TypeError(f"{type(self.measure).__name__} with {len(self.limits)} limits is not one count of events")
        return self.limits[0]


Plan: TypeAlias = Detection | Correlation


def detections_of(plan: Plan) -> tuple[Detection, ...]:
    """Return the detections that a plan counts at any depth, in order, each once; a detection returns itself."""
    detections: dict[int, Detection] = {}
    seen: set[int] = set()
    stack: list[Plan] = [plan]
    while stack:
        rule = stack.pop()
        if isinstance(rule, Detection):
            detections.setdefault(id(rule), rule)
        elif id(rule) not in seen:
            seen.add(id(rule))
            stack.extend(below.plan for below in reversed(rule.rules))
    return tuple(detections.values())


def correlations_of(plan: Plan) -> tuple[Correlation, ...]:
    """Return the correlations of a plan at any depth, the plan itself first, each once."""
    correlations: dict[int, Correlation] = {}
    stack: list[Plan] = [plan]
    while stack:
        rule = stack.pop()
        if isinstance(rule, Correlation) and id(rule) not in correlations:
            correlations[id(rule)] = rule
            stack.extend(below.plan for below in reversed(rule.rules))
    return tuple(correlations.values())


def notes_of(plan: Plan) -> tuple[str, ...]:
    """Return a note, one sentence, for each correlation of a plan that is evaluated on fixed windows."""
    return tuple(
        f"{rule.meta.key} is evaluated on fixed windows of {rule.timespan} s, aligned to the epoch, that hold an "
        f"event: on a trailing window, {' and '.join(op for op, _ in rule.limits)} could hold at every first event"
        for rule in correlations_of(plan)
        if not rule.sliding
    )


def fields_of_plan(plan: Plan) -> tuple[str, ...]:
    """Return every field that a plan reads, each once: of its detections, then measured ones, then group-by fields."""
    if isinstance(plan, Detection):
        return fields_of(plan.expr)
    read = [name for detection in detections_of(plan) for name in fields_of(detection.expr)]
    rules = [rule for correlation in correlations_of(plan) for rule in correlation.rules]
    measured = [name for rule in rules for name in rule.fields]
    return tuple(dict.fromkeys([*read, *measured, *(name for rule in rules for name in rule.group_by)]))
