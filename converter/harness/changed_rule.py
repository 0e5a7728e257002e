"""Judge a query whose rule a pipeline has changed: against the rule as it is written, and as the pipeline leaves it.

rule as written ──reference on raw events────────────────────────────────────┐
rule as the pipeline leaves it ──reference on events as the product has them ─┴─> which of the two the query means
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from converter.errors import SourceError
from converter.harness.compare import CompareError
from converter.harness.replay import replay

if TYPE_CHECKING:
    from collections.abc import Sequence

    from converter.harness.replay import Log, Outcome
    from converter.plan.nodes import Plan
    from converter.targets.core.target import Query, Run, Target


def replay_both(plan: Plan, query: Query, target: Target, log: Log) -> tuple[Outcome, Sequence[Run]]:
    """Run a query on the log, and compare it with its rule; with both versions of the rule if a pipeline changed it.

    The outcome is that of the rule as it is written. If the query disagrees with it, but agrees with the rule as the
    pipeline leaves it, the outcome is `changed`. Its `note` says with which of the two the query agrees.

    Raises:
        QueryError, CompareError, ConfigurationError: as `replay`.
    """
    outcome, runs = replay(plan, query, target, log)
    if query.left is None:
        return outcome, runs
    try:
        left, _ = replay(query.left, query, target, log.stored(target.product, plan, query.left))
    except (SourceError, CompareError) as error:
        message = error.message if isinstance(error, SourceError) else str(error)
        note = f"the rule as the pipeline leaves it cannot be evaluated: {message}"
        return replace(outcome, note=note), runs
    written, as_left = _relation(outcome), _relation(left)
    if written == as_left:
        note = f"the query {written} the rule as it is written, and as the pipeline leaves it"
    else:
        note = f"the query {as_left} the rule as the pipeline leaves it, and {written} the rule as it is written"
    kind = "changed" if outcome.kind == "disagree" and left.kind in {"agree", "bounded"} else outcome.kind
    return replace(outcome, kind=kind, note=f"{note}; the pipeline {'; '.join(query.verdict.changes)}"), runs


def _relation(outcome: Outcome) -> str:
    match outcome.kind:
        case "disagree":
            return "cannot be shown to agree with" if outcome.doubt else "disagrees with"
        case "assumption":
            return "differs, because the log breaks an assumption, from"
        case _:
            return "agrees with"
