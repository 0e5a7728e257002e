"""Audit another converter's query for a rule on a log: it agrees, differs (and why), does not run, or is refused.

rule ──pysigma:*──> query ──events that break no assumption of ours──> differences ──each: cause_of──> Audit
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from converter.conversion import convert_rules
from converter.errors import QueryError, RefusedError
from converter.harness.attribution import TOGETHER, cause_of
from converter.harness.replay import replay
from converter.plan import nodes as ir
from converter.products.core import get_product
from converter.products.field_facts import Facts, load_facts
from converter.targets.core.registry import get_target
from converter.verdicts.event_assumptions import standing
from converter.verdicts.ingest_assumptions import ingest_assumptions

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from converter.harness.compare import Side
    from converter.harness.replay import Log
    from converter.rules.collection import Rules
    from converter.targets.core.target import Event, Query
    from converter.verdicts.verdict import Assumption

Result: TypeAlias = Literal["agrees", "differs", "not run", "refused"]


@dataclass(frozen=True, slots=True)
class Audit:
    """The result for one rule.

    Attributes:
        result: `not run` if our engine of the language rejects the query, `refused` if the converter raises an error.
        query: the converter's query.
        error: the reason for `not run` and `refused`.
        causes: for a detection, the number of differing events by cause and side.
        example: a differing event, with its side.
    """

    result: Result
    query: Query | None = None
    error: QueryError | RefusedError | None = None
    causes: Counter[tuple[str, Side]] = field(default_factory=Counter)
    example: tuple[Side, Event] | None = None


def audit(
    rules: Rules, plan: ir.Plan, log: Log, target: str, *, without_pipeline: bool = False, most: int | None = None
) -> Audit:
    """Convert a rule with a backend of pySigma, run the query, and compare it with the reference.

    Events that break an assumption of our own conversion are left out: a converter is not to blame for what the product
    loses. If `most` is given, causes are looked for in at most that many events of each side.

    Raises:
        CompareError: the query's rows do not tell enough to be compared.
    """
    judged = get_target(target)
    try:
        (query,) = convert_rules(rules, judged, without_pipeline=without_pipeline)
    except RefusedError as error:
        return Audit("refused", error=error)
    fair = fair_part(rules, plan, log, judged.product, without_pipeline=without_pipeline)
    try:
        outcome, _ = replay(plan, query, judged, fair)
    except QueryError as error:
        return Audit("not run", query, error)
    if outcome.kind != "disagree":
        return Audit("agrees", query)
    causes: Counter[tuple[str, Side]] = Counter()
    if not isinstance(plan, ir.Detection):
        return Audit("differs", query)
    sides = {event: difference.side for difference in outcome.differences for event in difference.events}
    example: tuple[Side, Event] | None = None
    looked: Counter[Side] = Counter()
    for raw, seen, event in zip(fair.sigma, fair.seen(judged.product, plan), fair.events, strict=True):
        side = sides.get(str(event["_id"]))
        if side is None or (most is not None and looked[side] >= most):
            continue
        looked[side] += 1
        cause = cause_of(plan.expr, raw, seen, target)
        if cause == TOGETHER and "| table " in query.text:
            cause = "the command table"
        causes[cause, side] += 1
        example = example or (side, event)
    return Audit("differs", query, None, causes, example)


def fair_part(rules: Rules, plan: ir.Plan, log: Log, product: str, *, without_pipeline: bool = False) -> Log:
    """Return the events that break no assumption of our own conversion: those that another converter must get right."""
    return unbroken(plan, _assumptions(rules, plan, product, without_pipeline=without_pipeline), log, product)


def unbroken(plan: ir.Plan, assumptions: Iterable[Assumption], log: Log, product: str) -> Log:
    """Return the events that break none of these assumptions, and none of those of every verdict."""
    every = (*assumptions, *standing(plan))
    broken = {at for assumption in every for at in log.breaking(assumption, product, plan)}
    return log.part([at for at in range(len(log)) if at not in broken])


def _assumptions(rules: Rules, plan: ir.Plan, product: str, *, without_pipeline: bool) -> Sequence[Assumption]:
    """Return the assumptions of our own conversion; if it refuses the rule, those about ingestion."""
    try:
        (ours,) = convert_rules(rules, get_target(get_product(product).target), without_pipeline=without_pipeline)
    except RefusedError:
        facts = load_facts(product, plan.logsource) if isinstance(plan, ir.Detection) else Facts()
        return ingest_assumptions(plan, facts, {}, get_product(product))
    return ours.verdict.assumptions
