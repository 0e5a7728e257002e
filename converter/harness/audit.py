"""What another converter's query for a rule does on a log: agrees, differs and why, cannot be run, or is not there.

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
    """What became of one rule.

    Attributes:
        result: `not run` if our engine of the language rejects the query, `refused` if the converter raises.
        query: what the converter wrote.
        error: why there is no result.
        causes: of a detection, how many events differ for each cause and side.
        example: a side and an event of it.
    """

    result: Result
    query: Query | None = None
    error: QueryError | RefusedError | None = None
    causes: Counter[tuple[str, Side]] = field(default_factory=Counter)
    example: tuple[Side, Event] | None = None


def audit(
    rules: Rules, plan: ir.Plan, log: Log, target: str, *, without_pipeline: bool = False, most: int | None = None
) -> Audit:
    """Convert a rule with a target of pySigma, run the query and say how it differs from the reference.

    Events that break an assumption of our own conversion are left out: what the product does not see of an event is no
    mistake of a converter. Causes are looked for in at most so many events of each side, if `most` is given.

    Raises:
        CompareError: the query's rows do not say enough.
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
    found = Audit("differs", query)
    if not isinstance(plan, ir.Detection):
        return found
    sides = {event: one.side for one in outcome.differences for event in one.events}
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
        found.causes[cause, side] += 1
        example = example or (side, event)
    return Audit("differs", query, None, found.causes, example)


def fair_part(rules: Rules, plan: ir.Plan, log: Log, product: str, *, without_pipeline: bool = False) -> Log:
    """Return the events that break no assumption of our own conversion: what another one can be blamed for."""
    return unbroken(plan, _assumptions(rules, plan, product, without_pipeline=without_pipeline), log, product)


def unbroken(plan: ir.Plan, assumptions: Iterable[Assumption], log: Log, product: str) -> Log:
    """Return the events that break none of the assumptions, nor what stands behind every verdict."""
    broken = {at for one in (*assumptions, *standing(plan)) for at in log.breaking(one, product, plan)}
    return log.part([at for at in range(len(log)) if at not in broken])


def _assumptions(rules: Rules, plan: ir.Plan, product: str, *, without_pipeline: bool) -> Sequence[Assumption]:
    """Return those of our own conversion, or if there is none those about what the product takes in."""
    try:
        (ours,) = convert_rules(rules, get_target(get_product(product).target), without_pipeline=without_pipeline)
    except RefusedError:
        facts = load_facts(product, plan.logsource) if isinstance(plan, ir.Detection) else Facts()
        return ingest_assumptions(plan, facts, {}, get_product(product))
    return ours.verdict.assumptions
