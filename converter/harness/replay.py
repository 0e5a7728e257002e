"""Replay a log on the reference and on one target, and compare the two.

    Log (raw events) ──> reference ──alerts──────────────────────────────┐
        └──product's ingestion──> events ──Target.replay──runs──> judge ──> assumptions broken? ──> Outcome

The events of a product are computed once for each log; a part of a log shares those of the whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from converter.errors import ConfigurationError, QueryError
from converter.harness.compare import CompareError, Judgement, count_alerts, groups_of, judge
from converter.logsources import sigma_view
from converter.plan import nodes as ir
from converter.products.core import get_product
from converter.readers.log_source import LogSource
from converter.reference.evaluate import evaluate_plans
from converter.reference.time import event_time
from converter.verdicts.event_assumptions import standing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from converter.harness.cases.load import Expect
    from converter.harness.compare import Difference
    from converter.reference.evaluate import Alert
    from converter.targets.core.target import Query, Run, Target
    from converter.verdicts.verdict import Assumption

OutcomeKind: TypeAlias = Literal["agree", "bounded", "assumption", "disagree"]


@dataclass(frozen=True, slots=True)
class Broken:
    """An assumption of a verdict that the log breaks, and the number of events that break it."""

    message: str
    events: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one query on one log.

    `differences` are those that nothing excuses (with `assumption`: those that disappear without the events that break
    it); `bounded` are those that the stated bound allows.
    """

    kind: OutcomeKind
    differences: tuple[Difference, ...] = ()
    bounded: tuple[Difference, ...] = ()
    broken: tuple[Broken, ...] = ()


class Log:
    """A log: raw events in order, with the products' and the reference's events and alerts, each computed once.

    Args:
        events: raw; the id of an event without `_id` is its 1-based position.
        logsource: of the events; None: that of the rule. The rule is tried on all events, whatever they look like.

    Attributes:
        events: raw, each with an `_id`.
    """

    def __init__(self, events: Sequence[Mapping[str, Any]], logsource: str | None = None) -> None:
        self.events: list[Mapping[str, Any]] = [
            event if "_id" in event else {**event, "_id": str(position)} for position, event in enumerate(events, 1)
        ]
        self._sigma: list[Mapping[str, Any]] | None = None
        self._logsource = LogSource.parse(logsource) if logsource else None
        self._views: dict[tuple[str, LogSource], list[dict[str, Any]]] = {}
        self._alerts: dict[tuple[str, int | None], list[Alert]] = {}
        self._breaking: dict[tuple[str, str, str], set[int]] = {}

    @property
    def sigma(self) -> Sequence[Mapping[str, Any]]:
        """The events as the reference sees them, with Sigma's field names."""
        if self._sigma is None:
            self._sigma = [sigma_view(event) for event in self.events]
        return self._sigma

    def seen(self, product: str, plan: ir.Plan) -> list[dict[str, Any]]:
        """Return the events as the product has them. Raises ConfigurationError if the plan has two log sources."""
        key = (product, self._logsource or _logsource(plan))
        if key not in self._views:
            look = get_product(key[0]).view(key[1])
            self._views[key] = [look(event) for event in self.events]
        return self._views[key]

    def alerts(self, plan: ir.Plan) -> list[Alert]:
        """Return the alerts of the reference."""
        key = (plan.meta.key, plan.timespan if isinstance(plan, ir.Correlation) else None)
        if key not in self._alerts:
            self._alerts[key] = evaluate_plans([plan], self.sigma)
        return self._alerts[key]

    def breaking(self, assumption: Assumption, product: str, plan: ir.Plan) -> set[int]:
        """Return the positions of the events that break an assumption about a rule in a product."""
        key = (plan.meta.key, assumption.message, product)
        if key not in self._breaking:
            self._breaking[key] = assumption.breaking(self.sigma, self.seen(product, plan))
        return self._breaking[key]

    def part(self, positions: Sequence[int]) -> Log:
        """Return the log with only the events at these 0-based positions."""
        part = Log([self.events[position] for position in positions])
        part._logsource = self._logsource
        part._sigma = [self.sigma[position] for position in positions]
        part._views = {key: [events[at] for at in positions] for key, events in self._views.items()}
        return part

    def __len__(self) -> int:
        return len(self.events)


def replay(plan: ir.Plan, query: Query, target: Target, log: Log) -> tuple[Outcome, Sequence[Run]]:
    """Run a query on the log, compare it with the reference, and check the assumptions of its verdict.

    Raises:
        QueryError: the engine does not know a construct of the query.
        CompareError: the alerts do not tell enough to be compared.
        ConfigurationError: the plan has rules of two log sources, and the log's own is not given.
    """
    try:
        judged, runs = _judge(plan, query, target, log)
    except QueryError:  # perhaps no index with the assumed types could hold an event
        broken, others = _assumptions(plan, query, target, log)
        if not broken:
            raise
        judged, runs = _judge(plan, query, target, log.part(others))
        return Outcome("assumption" if judged.agrees else "disagree", judged.differences, judged.bounded, broken), runs
    if judged.agrees:
        return Outcome("bounded" if judged.bounded else "agree", bounded=judged.bounded), runs
    disagreement = Outcome("disagree", judged.differences, judged.bounded)
    broken, others = _assumptions(plan, query, target, log)
    if not broken or not _judge(plan, query, target, log.part(others))[0].agrees:
        return disagreement, runs
    return Outcome("assumption", judged.differences, judged.bounded, broken), runs


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
        seen = [event for sigma, event in zip(log.sigma, seen, strict=True) if event_time(sigma) is not None]
    runs = target.replay(query, seen)
    return judge(plan, log.alerts(plan), runs, query.verdict.bound, log.alerts), runs


def _comparable(plan: ir.Correlation) -> bool:
    """Return whether the rows of a pySigma backend's query have the groups and times of the correlation."""
    return isinstance(plan.measure, ir.EventCount | ir.ValueCount) and all(
        isinstance(rule.plan, ir.Detection) and rule.group_by == plan.group_by for rule in plan.rules
    )


def _assumptions(plan: ir.Plan, query: Query, target: Target, log: Log) -> tuple[tuple[Broken, ...], list[int]]:
    """Return the assumptions that events break, and the positions of all events that break none."""
    broken: list[Broken] = []
    breaking: set[int] = set()
    for assumption in (*query.verdict.assumptions, *standing(plan)):
        if by := log.breaking(assumption, target.product, plan):
            broken.append(Broken(assumption.message, len(by)))
            breaking |= by
    return tuple(broken), [position for position in range(len(log)) if position not in breaking]


def _logsource(plan: ir.Plan) -> LogSource:
    sources: dict[LogSource, None] = {}
    for rule in ir.detections_of(plan):
        sources[rule.logsource] = None
    if len(sources) > 1:
        raise ConfigurationError(
            f"the rules of {plan.meta.key} have different log sources",
            hint="give the log source of the log: `logsource:`",
        )
    (source,) = sources
    return LogSource(source.product, source.category, source.service)
