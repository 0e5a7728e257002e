"""Evaluate plans on a log: events in, alerts out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from converter.errors import LeftOutError, RuleLimitError
from converter.isolation import BUGS, error_of
from converter.plan import nodes as ir
from converter.readers.limits import current
from converter.readers.query_budget import making
from converter.readers.regex_budget import RegexBudget, spending
from converter.reference.correlate import episodes
from converter.reference.match import matches
from converter.reference.members import Timed
from converter.reference.time import SECOND, event_time, format_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import TypeAlias

    from converter.errors import SourceError
    from converter.reference.correlate import Episode

    Select: TypeAlias = Callable[[Mapping[str, Any]], tuple[Mapping[str, Any], Sequence[ir.Detection]]]
    OnUnjudged: TypeAlias = Callable[[ir.Detection, int, RuleLimitError], None]


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert of a rule.

    Attributes:
        rule: the rule's key (name, else id, else title).
        group: for a correlation the group-by fields and their values; None for a detection.
        first: nanoseconds since the epoch of the first event; None if it has no usable time.
        last: the same for the last event.
        events: ids (`_id`, else the 1-based position in the log), one for a detection.
    """

    rule: str
    group: tuple[tuple[str, str], ...] | None
    first: int | None
    last: int | None
    events: tuple[str | int, ...]

    @property
    def first_time(self) -> datetime | None:
        """`first` as a datetime in UTC (microseconds at best)."""
        return _datetime(self.first)

    @property
    def last_time(self) -> datetime | None:
        """`last` as a datetime in UTC (microseconds at best)."""
        return _datetime(self.last)

    def as_row(self) -> dict[str, Any]:
        """Return the alert as documented for `eval --format ndjson`."""
        if self.group is None:
            return {"rule": self.rule, "event": self.events[0]}
        return {
            "rule": self.rule,
            "group": dict(self.group),
            "first": format_time(self.first) if self.first is not None else None,
            "last": format_time(self.last) if self.last is not None else None,
            "events": list(self.events),
        }


def _datetime(instant: int | None) -> datetime | None:
    if instant is None:
        return None
    seconds, rest = divmod(instant, SECOND)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)


def evaluate_plans(
    plans: Sequence[ir.Plan],
    events: Iterable[Mapping[str, Any]],
    *,
    on_timeless: Callable[[int, Mapping[str, Any]], None] | None = None,
    select: Callable[[Sequence[ir.Detection]], Select] | None = None,
    on_error: Callable[[ir.Plan, SourceError], None] | None = None,
    on_unjudged: OnUnjudged | None = None,
) -> list[Alert]:
    """Evaluate each plan on the events.

    Args:
        plans: the rules.
        events: in log order.
        on_timeless: called with the position and the event when a correlation would count an event that has no
            usable time; the event is left out.
        select: takes all detections, and returns a function from an event to the event as rules see it and the
            detections to try on it (`converter.logsources.by_logsource`). None: all are tried on the event as it is.
        on_error: called once with each plan that cannot be judged on this log, and the reason; the others are judged
            all the same. Without it, the first reason is raised.
        on_unjudged: called with a rule, the position of an event, and the limit that was reached, when it is not known
            whether the rule matches the event; alerts are then those of the other events. None: the limit is raised.

    Raises:
        RuleError: a placeholder of a rule is not expanded.
        RuleLimitError: without `on_unjudged`: the evaluation of a rule on an event has reached a limit.

    Returns:
        The alerts of each plan, in the order of the plans: of a detection in log order, of a correlation in time order.
    """
    detections = {id(rule): rule for plan in plans for rule in ir.detections_of(plan)}
    failed: dict[int, SourceError] = {}

    def fail(rule: ir.Plan, error: BaseException) -> None:
        if on_error is None:
            raise error
        failed[id(rule)] = error_of(error, rule.place, f"evaluating {rule.meta.key}")

    for rule in detections.values():
        for leaf in ir.unexpanded(rule.expr):
            fail(rule, leaf.error)
    matching: dict[int, list[tuple[int, Mapping[str, Any]]]] = {key: [] for key in detections}
    everything: Sequence[ir.Detection] = tuple(detections.values())
    look = select(everything) if select is not None else None
    budgets = _regex_budgets(everything)  # of the other rules none can reach a limit
    for position, raw in enumerate(events, 1):
        event, tried = look(raw) if look is not None else (raw, everything)
        for rule in tried:
            if failed and id(rule) in failed:
                continue
            try:
                if id(rule) not in budgets:
                    is_match = matches(rule.expr, event)
                else:
                    with spending(budgets[id(rule)]):
                        is_match = matches(rule.expr, event)
            except RuleLimitError as error:
                if on_unjudged is None:
                    raise
                on_unjudged(rule, position, error)
                continue
            except BUGS as error:
                fail(rule, error)
                continue
            if is_match:
                matching[id(rule)].append((position, event))
    correlating = _Correlating(matching, on_timeless)
    alerts: list[Alert] = []
    for plan in plans:
        if not any(id(rule) in failed for rule in _below(plan)):
            try:
                with making():
                    alerts.extend(_alerts(plan, matching, correlating))
            except BUGS as error:
                fail(plan, error)
    if on_error is not None and failed:
        _report(plans, failed, on_error)
    return alerts


def _alerts(
    plan: ir.Plan, matching: Mapping[int, Sequence[tuple[int, Mapping[str, Any]]]], correlating: _Correlating
) -> list[Alert]:
    """Return the alerts of a plan whose detections were tried on all events."""
    alerts = []
    if isinstance(plan, ir.Detection):
        for position, event in matching[id(plan)]:
            time = event_time(event)
            alerts.append(Alert(plan.meta.key, None, time, time, (_id(event, position),)))
        return alerts
    return [
        Alert(
            plan.meta.key,
            tuple(zip(plan.group_by, episode.group, strict=True)),
            episode.first,
            episode.last,
            tuple(_id(timed.event, timed.position) for timed in episode.events),
        )
        for episode in correlating.episodes(plan)
    ]


def _report(
    plans: Sequence[ir.Plan], failed: Mapping[int, SourceError], on_error: Callable[[ir.Plan, SourceError], None]
) -> None:
    """Report each plan that was not judged: the reason once, and then the plans that count the same rule."""
    reported = {id(plan) for plan in plans if id(plan) in failed}
    for plan in plans:
        if id(plan) in failed:
            on_error(plan, failed[id(plan)])
            continue
        rule = next((rule for rule in _below(plan) if id(rule) in failed), None)
        if rule is None:
            continue
        error = failed[id(rule)]
        if id(rule) in reported:
            message = f"{plan.meta.key} is not judged either: it counts {rule.meta.key} ({error.message})"
            error = LeftOutError(message, plan.place)
        reported.add(id(rule))
        on_error(plan, error)


def _below(plan: ir.Plan) -> Iterator[ir.Plan]:
    """Yield a plan and the plans that it counts, at any depth."""
    yield plan
    if isinstance(plan, ir.Correlation):
        for rule in plan.rules:
            yield from _below(rule.plan)


def _regex_budgets(rules: Iterable[ir.Detection]) -> dict[int, RegexBudget]:
    """Return the time for regular expressions, on all events, of each rule that may reach a limit on one of them."""
    seconds = current().regex_seconds
    return {
        id(rule): RegexBudget(seconds, shared=True)
        for rule in rules
        if any(isinstance(leaf, ir.Regex | ir.KeywordRegex | ir.FieldRef) for leaf in ir.leaves_of(rule.expr))
    }


class _Correlating:
    """Evaluates correlations, each once; the time of an event is read once for all of them."""

    def __init__(
        self,
        matching: Mapping[int, Sequence[tuple[int, Mapping[str, Any]]]],
        on_timeless: Callable[[int, Mapping[str, Any]], None] | None,
    ) -> None:
        self._matches = matching
        self._on_timeless = on_timeless
        self._timed: dict[int, Timed | None] = {}
        self._matching: dict[int, list[Timed]] = {}
        self._episodes: dict[int, list[Episode]] = {}

    def episodes(self, plan: ir.Correlation) -> list[Episode]:
        """Return the episodes of a correlation."""
        if id(plan) not in self._episodes:
            self._episodes[id(plan)] = episodes(plan, [self._counted(rule.plan) for rule in plan.rules])
        return self._episodes[id(plan)]

    def _counted(self, plan: ir.Plan) -> list[Timed]:
        """Return what a correlation counts of a rule: matching events that have a time, or episodes at their ends."""
        if id(plan) not in self._matching:
            if isinstance(plan, ir.Detection):
                timed = (self._at(position, raw) for position, raw in self._matches[id(plan)])
                self._matching[id(plan)] = [event for event in timed if event is not None]
            else:
                self._matching[id(plan)] = [
                    Timed(
                        episode.last,
                        episode.events[-1].position,
                        dict(zip(plan.group_by, episode.group, strict=True)),
                        episode.events,
                    )
                    for episode in self.episodes(plan)
                ]
        return self._matching[id(plan)]

    def _at(self, position: int, event: Mapping[str, Any]) -> Timed | None:
        if position not in self._timed:
            time = event_time(event)
            self._timed[position] = Timed(time, position, event) if time is not None else None
            if time is None and self._on_timeless is not None:
                self._on_timeless(position, event)
        return self._timed[position]


def _id(event: Mapping[str, Any], position: int) -> str | int:
    identifier = event.get("_id")
    return identifier if isinstance(identifier, str | int) else position
