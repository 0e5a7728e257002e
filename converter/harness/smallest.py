"""Find a smallest part of a log that still shows a disagreement, and reduce its events to what a person needs.

Difference, Log ──likely starts──> shrink ──still shows it?──> positions ──> Smallest
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from converter.harness.compare import CompareError, judge
from converter.harness.shrink import shrink
from converter.plan import nodes as ir
from converter.reference.correlate import group_keys
from converter.reference.match import matches
from converter.reference.time import SECOND, event_time
from converter.reference.values import find

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from converter.harness.compare import Difference
    from converter.harness.replay import Log
    from converter.targets.core.target import Event, Query, Target
    from converter.verdicts.verdict import Bound


@dataclass(frozen=True, slots=True)
class ShownEvent:
    """An event reduced to what a person needs to understand a disagreement; `fields` are those that the rule reads."""

    id: str
    time: int | None
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Smallest:
    """A smallest part of a log that still shows a disagreement; `of_events` is the number of events in the log."""

    events: tuple[ShownEvent, ...]
    of_events: int


def smallest(
    plan: ir.Plan, query: Query, target: Target, log: Log, difference: Difference, bound: Bound | None = None
) -> Smallest:
    """Return a smallest part of the log that still shows a difference of that side (beyond the bound, if given)."""

    def shows(positions: Sequence[int]) -> bool:
        part = log.part(positions)
        try:
            runs = target.replay(query, part.seen(target.product, plan))
            judged = judge(plan, part.alerts(plan), runs, bound, part.alerts)
        except CompareError:
            return False
        return any(other.side == difference.side for other in judged.differences)

    positions = shrink(range(len(log)), shows, _starts(plan, log, difference))
    fields = ir.fields_of_plan(plan)
    return Smallest(tuple(_shown(log.sigma[position], fields) for position in positions), len(log))


def _starts(plan: ir.Plan, log: Log, difference: Difference) -> list[list[int]]:
    """Return parts of the log that are likely to show the difference, the smallest first."""
    if isinstance(plan, ir.Detection):
        ids = set(difference.events)
        return [[position for position, event in enumerate(log.events) if str(event["_id"]) in ids]]
    if difference.first is None or difference.last is None:
        return []
    margin = sum(rule.timespan for rule in ir.correlations_of(plan)) * SECOND
    near = _within(log, difference.first - margin, difference.last + margin)
    group = [
        at for at in near if any(difference.group in group_keys(log.sigma[at], rule.group_by) for rule in plan.rules)
    ]
    matching = [at for at in group if any(matches(rule.expr, log.sigma[at]) for rule in plan.rules)]
    # A rule with an upper limit may differ only on few events, one with a lower limit only on many.
    exact = [at for at in matching if difference.first <= (event_time(log.sigma[at]) or 0) <= difference.last]
    return [exact, matching, group, near]


def _within(log: Log, first: int, last: int) -> list[int]:
    return [
        position
        for position, event in enumerate(log.sigma)
        if (time := event_time(event)) is not None and first <= time <= last
    ]


def _shown(event: Event, fields: Sequence[str]) -> ShownEvent:
    every = {field: values for field in fields if (values := find(event, field))}
    shown = {field: values[0] if len(values) == 1 else values for field, values in every.items()}
    return ShownEvent(str(event["_id"]), event_time(event), shown)
