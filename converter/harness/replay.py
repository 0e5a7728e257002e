"""Replay a log on the reference and on one target, and compare the two.

    Log (raw events) ──> reference ──alerts──────────────────────────────┐
        └──product's ingestion──> events ──Target.replay──runs──> judge ──> assumptions broken? ──> Outcome

If they differ, the events that break an assumption are taken out, or repaired, and the rest is judged again. The events
of a product are computed once for each log; a part of a log shares those of the whole.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from converter.errors import QueryError
from converter.harness.compare import CompareError, Judgement, count_alerts, groups_of, judge
from converter.harness.event_sources import logsource_of, logsources_of
from converter.logsources import sigma_view
from converter.plan import nodes as ir
from converter.products.core import get_product
from converter.readers.log_source import LogSource
from converter.reference.evaluate import evaluate_plans
from converter.reference.time import event_time
from converter.verdicts.event_assumptions import HAS_TIME, standing
from converter.verdicts.predicates import unique

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from converter.harness.cases.load import Expect
    from converter.harness.compare import Difference
    from converter.reference.evaluate import Alert
    from converter.targets.core.target import Event, Query, Run, Target
    from converter.verdicts.verdict import Assumption

OutcomeKind: TypeAlias = Literal["agree", "bounded", "assumption", "changed", "disagree"]
Doubt: TypeAlias = Literal["", "nothing left", "not repaired", "nothing found"]


@dataclass(frozen=True, slots=True)
class Broken:
    """An assumption of a verdict that the log breaks.

    Attributes:
        message: the assumption.
        events: the ids of the events that break it, in log order.
        advice: what a person can do about it; may be empty.
    """

    message: str
    events: tuple[str, ...]
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one query on one log.

    Attributes:
        kind: `assumption` if broken assumptions explain the differences: with the events repaired that break them, or
            without these events, the two agree, and something is left that shows it.
        differences: those that nothing excuses; with `assumption`, those that broken assumptions explain.
        bounded: those that the stated bound allows.
        broken: the assumptions that the log breaks; empty if nothing differs.
        doubt: for `disagree`, why there is no evidence although the verdict covers the differences:
            `nothing left`: they agree without the events that break assumptions, but only because no alert is left;
            `not repaired`: likewise, and with these events repaired they still differ;
            `nothing found`: the bound allows the differences, but the query finds none of the rule's alerts.
            Empty if the verdict does not cover them.
        failure: the reason why the query does not run on the whole log; empty if it does.
        note: with which version of the rule the query agrees, if a pipeline has changed the rule.
    """

    kind: OutcomeKind
    differences: tuple[Difference, ...] = ()
    bounded: tuple[Difference, ...] = ()
    broken: tuple[Broken, ...] = ()
    doubt: Doubt = ""
    failure: str = ""
    note: str = ""

    @property
    def contradicts(self) -> bool:
        """Whether query and rule differ in a way that the verdict does not state."""
        return self.kind == "disagree" and not self.doubt


class Log:
    """A log: raw events in order, with the products' and the reference's events and alerts, each computed once.

    Args:
        events: raw; the id of an event without a usable `_id` is its 1-based position.
        logsource: of the events; None: that of the rule. If a correlation counts rules of several log sources, each
            event is of that of its rule. The rule is tried on all events, whatever they look like.

    Attributes:
        events: raw, each with an `_id`.
    """

    def __init__(self, events: Sequence[Mapping[str, Any]], logsource: str | None = None) -> None:
        self.events: list[Mapping[str, Any]] = [
            event if isinstance(event.get("_id"), str | int) else {**event, "_id": str(position)}
            for position, event in enumerate(events, 1)
        ]
        self._sigma: list[Mapping[str, Any]] | None = None
        self._is_stored = False
        self._logsource = LogSource.parse(logsource) if logsource else None
        self._views: dict[tuple[object, ...], list[Event]] = {}
        self._alerts: dict[tuple[object, ...], list[Alert]] = {}
        self._breaking: dict[tuple[object, ...], set[int]] = {}

    @property
    def sigma(self) -> Sequence[Mapping[str, Any]]:
        """The events as the reference sees them, with Sigma's field names."""
        if self._sigma is None:
            self._sigma = [sigma_view(event) for event in self.events]
        return self._sigma

    def seen(self, product: str, plan: ir.Plan) -> list[Event]:
        """Return the events as the product has them.

        Raises:
            ConfigurationError: an event matches rules of two log sources, which the product ingests differently.
        """
        key = self._view_key(product, plan)
        if key not in self._views:
            self._views[key] = list(map(self._look(product, plan), self.events, self.sigma))
        return self._views[key]

    def _view_key(self, product: str, plan: ir.Plan) -> tuple[object, ...]:
        sources = logsources_of(plan)
        return (product, self._logsource or (sources[0] if len(sources) == 1 else _identity(plan)))

    def _look(self, product: str, plan: ir.Plan) -> Callable[[Event, Event], Event]:
        """Return a function from an event, raw and with Sigma's field names, to the event as the product has it."""
        sources = (self._logsource,) if self._logsource else logsources_of(plan)
        views = {source: get_product(product).view(source) for source in sources}
        if len(set(views.values())) > 1:
            return lambda raw, sigma: views[logsource_of(raw, sigma, plan)](raw)
        view = views[sources[0]]
        return lambda raw, _sigma: view(raw)

    def alerts(self, plan: ir.Plan) -> list[Alert]:
        """Return the alerts of the reference."""
        key = (*_identity(plan), plan.timespan if isinstance(plan, ir.Correlation) else None)
        if key not in self._alerts:
            self._alerts[key] = evaluate_plans([plan], self.sigma)
        return self._alerts[key]

    def breaking(self, assumption: Assumption, product: str, plan: ir.Plan) -> set[int]:
        """Return the positions of the events that break an assumption about a rule in a product."""
        key = (*_identity(plan), assumption.message, product)
        if key not in self._breaking:
            self._breaking[key] = assumption.breaking(self.sigma, self.seen(product, plan))
        return self._breaking[key]

    def part(self, positions: Sequence[int]) -> Log:
        """Return the log with only the events at these 0-based positions."""
        part = Log([self.events[position] for position in positions])
        part._logsource, part._is_stored = self._logsource, self._is_stored
        part._sigma = [self.sigma[position] for position in positions]
        part._views = {key: [events[at] for at in positions] for key, events in self._views.items()}
        return part

    def repaired(self, assumptions: Iterable[Assumption], product: str, plan: ir.Plan) -> Log:
        """Return the log with the events repaired that break these assumptions, as far as they can be."""
        repairs = [
            (assumption.repair, self.breaking(assumption, product, plan))
            for assumption in assumptions
            if assumption.repair is not None
        ]
        events, changed = list(self.events), set[int]()
        for repair, positions in repairs:
            if repair.raw is not None:
                changed |= positions
                for at in positions:
                    events[at] = repair.raw(events[at])
        log = Log(events)
        log._logsource = self._logsource
        look = self._look(product, plan)
        views = list(self.seen(product, plan))
        for at in changed:
            views[at] = look(events[at], log.sigma[at])
        for repair, positions in repairs:
            if repair.view is not None:
                for at in positions:
                    views[at] = repair.view(views[at])
        log._views = {self._view_key(product, plan): views}
        if self._is_stored:
            log._is_stored, log._sigma = True, list(views)
        return log

    def stored(self, product: str, plan: ir.Plan, left: ir.Plan) -> Log:
        """Return the log for a rule with the product's names: the reference sees the events as the product has them.

        Args:
            product: the product.
            plan: the rule as it is written, whose log sources the events are of.
            left: the rule with the product's names.
        """
        views = list(self.seen(product, plan))
        sources = logsources_of(plan)
        log = Log(self.events)
        log._logsource = self._logsource or (sources[0] if len(sources) == 1 else None)
        log._is_stored, log._sigma = True, list(views)
        log._views = {log._view_key(product, left): views}
        return log

    def __len__(self) -> int:
        return len(self.events)


def looks_up(plan: ir.Plan) -> tuple[str, ...]:
    """Return the placeholders of a rule that nothing expands: only a product that looks them up can judge it."""
    leaves = (leaf for detection in ir.detections_of(plan) for leaf in ir.unexpanded(detection.expr))
    return tuple(dict.fromkeys(leaf.placeholder for leaf in leaves))


def replay(plan: ir.Plan, query: Query, target: Target, log: Log) -> tuple[Outcome, Sequence[Run]]:
    """Run a query on the log, compare it with the reference, and check the assumptions of its verdict.

    Raises:
        QueryError: the engine does not know a construct of the query.
        CompareError: the alerts do not tell enough to be compared.
        ConfigurationError: an event matches rules of two log sources.
    """
    try:
        judged, runs = _judge(plan, query, target, log)
    except QueryError as error:  # perhaps no index with the assumed types could hold an event
        assumptions = _broken(plan, query, target, log)
        if not assumptions:
            raise
        judged, runs = _judge(plan, query, target, _without(assumptions, plan, target, log))
        if not judged.agrees:
            raise
        broken = _shown(assumptions, plan, target, log)
        outcome = Outcome("disagree", judged.differences, judged.bounded, broken, failure=error.render())
        return _explained(outcome, assumptions, plan, query, target, log), runs
    if judged.agrees:
        if _finds_nothing(judged, log.alerts(plan)):
            return Outcome("disagree", judged.bounded, doubt="nothing found"), runs
        return Outcome("bounded" if judged.bounded else "agree", bounded=judged.bounded), runs
    outcome = Outcome("disagree", judged.differences, judged.bounded)
    assumptions = _broken(plan, query, target, log, scheduled=any(run.phase for run in runs))
    if not assumptions:
        return outcome, runs
    outcome = replace(outcome, broken=_shown(assumptions, plan, target, log))
    if not _judge(plan, query, target, _without(assumptions, plan, target, log))[0].agrees:
        return outcome, runs
    return _explained(outcome, assumptions, plan, query, target, log), runs


def _explained(
    outcome: Outcome, assumptions: Sequence[Assumption], plan: ir.Plan, query: Query, target: Target, log: Log
) -> Outcome:
    """Return the outcome of a query that agrees without the events that break assumptions.

    That alone is no evidence: without any event, every query agrees. Something is left to compare if the rule still has
    an alert; if it had none before, then only if every event is still there, repaired. Repaired events show more than
    missing ones, so they decide where there are any.
    """
    repairable = any(assumption.repair is not None for assumption in assumptions)
    other = log.repaired(assumptions, target.product, plan) if repairable else log
    left = _without(assumptions, plan, target, other)
    if not left.alerts(plan) and (log.alerts(plan) or len(left) < len(log)):
        return replace(outcome, doubt="nothing left")
    if repairable and not _judge(plan, query, target, left)[0].agrees:
        return replace(outcome, doubt="not repaired")
    return replace(outcome, kind="assumption")


def _finds_nothing(judged: Judgement, alerts: Sequence[Alert]) -> bool:
    """Return whether the bound allows that every alert of the rule is missed, and so it is, at every phase."""
    missed = [item for item in judged.bounded if item.side == "missed" and len(item.phases) == item.of_phases]
    return bool(alerts) and len(missed) == len({(alert.group, alert.first, alert.events) for alert in alerts})


def unmet(expect: Expect, alerts: Sequence[Alert]) -> str | None:
    """Return how the alerts of the reference differ from what a case expects; None if they meet it."""
    return _unmet(expect, len(alerts), [dict(alert.group) for alert in alerts if alert.group is not None])


def unmet_by_run(expect: Expect, pairs: Sequence[tuple[ir.Plan, Run]]) -> str | None:
    """Return how the runs of a target, one for each plan, differ from what is declared; None if they meet it."""
    groups = [group for plan, run in pairs for group in groups_of(plan, run)]
    return _unmet(expect, sum(count_alerts(plan, run) for plan, run in pairs), groups)


def _unmet(expect: Expect, count: int, groups: Sequence[Mapping[str, str]]) -> str | None:
    if expect.alerts is not None and count != expect.alerts:
        return f"{_alerts(expect.alerts)} expected, {_alerts(count)} found"
    if expect.at_least_one and count == 0:
        return "an alert expected, none found"
    for group in expect.groups:
        if not any(group.items() <= actual.items() for actual in groups):
            return f"no alert for {', '.join(f'{name}={value}' for name, value in group.items())}"
    return None


def _alerts(count: int) -> str:
    return {0: "no alert", 1: "1 alert"}.get(count, f"{count} alerts")


def _judge(plan: ir.Plan, query: Query, target: Target, log: Log) -> tuple[Judgement, Sequence[Run]]:
    if isinstance(plan, ir.Correlation) and hasattr(target, "convert") and not _comparable(plan):
        raise CompareError(
            f"{target.name} does not identify its alerts for this correlation, so they are not compared: "
            "only those of event_count and value_count over detections, without aliases, are"
        )
    seen = log.seen(target.product, plan)
    if isinstance(plan, ir.Correlation):  # an event without a time is in no window, and in no index of a product
        time = get_product(target.product).time_field
        seen = [
            event
            for sigma, event in zip(log.sigma, seen, strict=True)
            if event_time(sigma) is not None and time in event
        ]
    runs = target.replay(query, seen)
    return judge(plan, log.alerts(plan), runs, query.verdict.bound, log.alerts), runs


def _comparable(plan: ir.Correlation) -> bool:
    """Return whether the rows of a pySigma backend's query have the groups and times of the correlation."""
    return isinstance(plan.measure, ir.EventCount | ir.ValueCount) and all(
        isinstance(rule.plan, ir.Detection) and rule.group_by == plan.group_by for rule in plan.rules
    )


def _broken(
    plan: ir.Plan, query: Query, target: Target, log: Log, *, scheduled: bool = False
) -> tuple[Assumption, ...]:
    """Return the assumptions that events of the log break."""
    timed = (HAS_TIME,) if scheduled and isinstance(plan, ir.Detection) else ()
    every = unique((*query.verdict.assumptions, *standing(plan), *timed))
    return tuple(assumption for assumption in every if log.breaking(assumption, target.product, plan))


def _without(assumptions: Iterable[Assumption], plan: ir.Plan, target: Target, log: Log) -> Log:
    """Return the events of the log that break none of the assumptions."""
    breaking = {at for assumption in assumptions for at in log.breaking(assumption, target.product, plan)}
    return log.part([at for at in range(len(log)) if at not in breaking])


def _shown(assumptions: Iterable[Assumption], plan: ir.Plan, target: Target, log: Log) -> tuple[Broken, ...]:
    """Return the broken assumptions with the events that break them."""
    shown = []
    for assumption in assumptions:
        positions = sorted(log.breaking(assumption, target.product, plan))
        ids = tuple(str(log.events[at]["_id"]) for at in positions)
        shown.append(Broken(assumption.message, ids, assumption.advice))
    return tuple(shown)


def _identity(plan: ir.Plan) -> tuple[str, int]:
    """Return what tells a plan from others of the same name; one with another timespan is the same."""
    return plan.meta.key, id(plan.rules if isinstance(plan, ir.Correlation) else plan.expr)
