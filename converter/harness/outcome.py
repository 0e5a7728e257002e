"""Replay a case on a target, and classify the outcome.

    Rules ──convert──> Column (queries of a target) ──case──> Outcome of each query + declared divergence ──> Cell
                                                                            Policy: does the cell fail? ──┘

Only a wrong configuration ends the run; any other failure is a cell with the error, and a bug is a cell with the bug.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import TYPE_CHECKING, TypeAlias

from converter.errors import ConfigurationError, InternalError, LimitError, QueryError, RefusedError, SourceError
from converter.harness.changed_rule import replay_both
from converter.harness.compare import CompareError
from converter.harness.policy import Policy
from converter.harness.replay import looks_up, unmet_by_run
from converter.harness.smallest import smallest
from converter.isolation import isolated
from converter.readers.query_budget import making
from converter.readers.regex_budget import spending

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from converter.harness.cases.load import Case, Divergence
    from converter.harness.compare import Difference
    from converter.harness.policy import CellKind
    from converter.harness.replay import Broken, Doubt, Log, Outcome
    from converter.harness.smallest import Smallest
    from converter.harness.target_spec import TargetName
    from converter.live.core import LiveProduct
    from converter.pipelines.given import PipelineSpec
    from converter.plan.nodes import Plan
    from converter.rules.collection import Rules
    from converter.targets.core.target import Query, Run, Target

    _Replayed: TypeAlias = "tuple[Plan, Outcome, Sequence[Run]]"

_WORST_FIRST: tuple[CellKind, ...] = (
    "error",
    "disagree",
    "changed",
    "unjudged",
    "assumption",
    "refused",
    "bounded",
    "agree",
)
_DOUBTS: Mapping[Doubt, str] = {
    "": "not explained: the query also differs on events that break no assumption",
    "nothing left": "not explained: without the events that break an assumption, the rule has no alert to compare",
    "not repaired": "not explained: if no event broke an assumption, the query would still differ",
    "nothing found": "not explained: the query may differ so, but it finds none of the rule's alerts here",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of a run: how rules are converted, and `jobs`, the number of processes that replay cases."""

    pipelines: Sequence[PipelineSpec] = ()
    without_pipeline: bool = False
    jobs: int = 1
    debug: bool = False
    policy: Policy = field(default_factory=Policy)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A rule that a target refuses: the construct in Sigma's terms, and the whole message."""

    rule: str
    construct: str
    message: str


@dataclass(frozen=True, slots=True)
class Column:
    """A target of a suite: its queries by the key of the rule, the rules that it refuses, or why there are no queries.

    `live` is the product that runs the queries, with its version; empty for the local engine. `named` tells whether
    the user named the target, who then wants its queries.
    """

    name: TargetName
    target: Target
    queries: Mapping[str, Query]
    refusals: tuple[Refusal, ...] = ()
    error: SourceError | None = None
    live: str = ""
    named: bool = False

    @property
    def verdict(self) -> str:
        """The verdicts of its queries; usually they have the same."""
        kinds = dict.fromkeys(query.verdict.kind for query in self.queries.values())
        refused: tuple[str, ...] = ("refused",) if self.refusals else ()
        return "/".join((*kinds, *refused)) or "error"


@dataclass(frozen=True, slots=True)
class Cell:
    """One case on one target.

    Attributes:
        target: the name of the target.
        kind: the outcome.
        failed: whether it makes `sigma-convert test` fail.
        notes: one sentence each: refusals, the error, the reason of a declared divergence, why nothing is explained.
        broken: the assumptions that the log breaks, if anything differs.
        differences: from the reference; with `bounded`, those that the bound allows.
        smallest: the smallest part of the log that shows the first difference.
        query: the query of the first difference.
        seconds: the time that it took.
        phases: the number of phases at which schedules were replayed; 0 without a schedule.
        unjudged: the error, if it is not the query's: a limit, a bug of ours, or a process that was killed.
    """

    target: str
    kind: CellKind
    notes: tuple[str, ...] = ()
    broken: tuple[Broken, ...] = ()
    differences: tuple[Difference, ...] = ()
    smallest: Smallest | None = None
    query: Query | None = None
    seconds: float = 0.0
    phases: int = 0
    failed: bool = False
    unjudged: SourceError | None = None


def make_column(rules: Rules, name: TargetName, target: Target, settings: Settings) -> Column:
    """Convert every rule for one target. Raises ConfigurationError."""
    from converter.conversion import convert_rules  # noqa: PLC0415  pySigma is slow to import

    errors: list[SourceError] = []
    queries = convert_rules(
        rules,
        target,
        pipelines=settings.pipelines,
        without_pipeline=settings.without_pipeline,
        format=name.format,
        options=dict(name.options),
        on_error=errors.append,
    )
    by_rule = {query.rule: query for query in queries}
    missing = [plan.meta.key for plan in rules.plans if plan.meta.key not in by_rule]
    other = [error for error in errors if not isinstance(error, RefusedError)]
    # There is one error for each rule without a query, in the order of the rules.
    refusals = tuple(
        Refusal(rule, error.construct, error.render())
        for rule, error in zip(missing, errors, strict=False)
        if isinstance(error, RefusedError)
    )
    problem = next((error for error in other if isinstance(error, InternalError)), other[0] if other else None)
    if problem is None and len(refusals) < len(missing):
        problem = SourceError(f"no query for {', '.join(missing[len(refusals) :])}, and no reason given")
    return Column(name, target, by_rule, refusals, problem)


def live_column(column: Column, live: LiveProduct, plans: Sequence[Plan]) -> Column | None:
    """Return a column with the same queries, run by a live product; None if it does not run their language."""
    languages = {query.language for query in column.queries.values()} or {column.target.language}
    if column.target.product != live.product or not languages <= live.languages:
        return None
    from converter.live.target import LiveTarget, facts_of  # noqa: PLC0415  only with --live

    target = LiveTarget(column.target, live, {plan.meta.key: facts_of(plan, live.product) for plan in plans})
    shown = f"{live.name} {live.version}"
    return replace(column, name=replace(column.name, live=live.name), target=target, live=shown)


def run_cell(case: Case, plans: Sequence[Plan], column: Column, log: Log, settings: Settings) -> Cell:
    """Replay one case on one target."""
    started = perf_counter()
    name = str(column.name)
    errors: list[SourceError] = []
    cell = Cell(name, "error")
    with isolated(errors.append, about=f"replaying {case.name!r} on {name}"), spending(), making():
        try:
            cell = _cell(case, plans, column, log, name)
        except (CompareError, ConfigurationError) as problem:  # events that the product ingests in two ways
            cell = Cell(name, "error", (str(problem),))
    for error in errors:
        cell = error_cell(name, error)
    failed = settings.policy.fails(cell.kind, named=column.named and not column.queries)
    return replace(cell, failed=failed, seconds=perf_counter() - started)


def error_cell(name: str, error: SourceError) -> Cell:
    """Return the cell of a target that could not be judged, and why."""
    unjudged = error if isinstance(error, InternalError | LimitError) else None
    return Cell(name, "error", (error.render(),), unjudged=unjudged)


def _cell(case: Case, plans: Sequence[Plan], column: Column, log: Log, name: str) -> Cell:
    if column.error is not None:
        return error_cell(name, column.error)
    # A divergence declared for a target also holds for its live columns, unless they declare their own.
    declared = {gap.target: gap for gap in case.divergences}
    gap = declared.get(name) or declared.get(str(replace(column.name, live="")))
    if column.refusals:
        reasons = tuple(refusal.message for refusal in column.refusals)
        if gap is not None:
            return Cell(name, "stale", (f"a divergence is declared, but the target refuses: {gap.reason}", *reasons))
        if not column.queries:
            return Cell(name, "refused", reasons)
    replayed: list[_Replayed] = []
    kinds: set[CellKind] = {"refused"} if column.refusals else set()
    notes = [refusal.message for refusal in column.refusals]
    for plan in plans:
        query = column.queries.get(plan.meta.key)
        if query is None:
            continue
        if placeholders := looks_up(plan):
            kinds.add("unjudged")
            notes.append(f"what the product looks up is not known here: {', '.join(placeholders)}")
            continue
        try:
            replayed.append((plan, *replay_both(plan, query, column.target, log)))
        except (QueryError, CompareError) as error:
            if gap is not None or query.verdict.kind != "unjudged" or isinstance(error, LimitError):
                raise
            kinds.add("unjudged")
            reason = error.render() if isinstance(error, QueryError) else str(error)
            notes.append(f"nobody has said what the query means, and replay cannot tell: {reason}")
    phases = sum(len(runs) for _, _, runs in replayed if any(run.phase for run in runs))
    if gap is not None:
        return replace(_declared_cell(gap, column, log, replayed, name), phases=phases)
    kinds.update(outcome.kind for _, outcome, _ in replayed)
    kind = next(kind for kind in _WORST_FIRST if kind in kinds)
    notes.extend(note for item in replayed for note in _notes(*item, column))
    broken = dict.fromkeys(item for _, outcome, _ in replayed for item in outcome.broken)
    cell = Cell(
        name,
        kind,
        tuple(dict.fromkeys(notes)),
        tuple(broken),
        tuple(item for _, outcome, _ in replayed for item in (*outcome.differences, *outcome.bounded)),
        phases=phases,
    )
    first = next(((plan, outcome) for plan, outcome, _ in replayed if outcome.kind in {"disagree", "changed"}), None)
    if first is None:
        return cell
    plan, outcome = first
    query = column.queries[plan.meta.key]
    if outcome.doubt == "nothing left":  # every part of the log that shows it breaks the same assumptions
        return replace(cell, query=query)
    bound = query.verdict.bound if outcome.doubt != "nothing found" else None
    part = smallest(plan, query, column.target, log, outcome.differences[0], bound) if outcome.differences else None
    return replace(cell, smallest=part, query=query)


def _notes(plan: Plan, outcome: Outcome, runs: Sequence[Run], column: Column) -> Iterator[str]:
    """Yield why a query differs from its rule, other than the assumptions that the log breaks."""
    verdict = column.queries[plan.meta.key].verdict
    if outcome.bounded and verdict.bound is not None:
        yield verdict.bound.message
    if outcome.bounded and verdict.limit is not None and any(run.full for run in runs):
        yield verdict.limit.message
    if outcome.failure:
        yield outcome.failure
    if outcome.note:
        yield outcome.note
    if outcome.doubt or (outcome.kind == "disagree" and outcome.broken):
        yield _DOUBTS[outcome.doubt]


def _declared_cell(
    gap: Divergence,
    column: Column,
    log: Log,
    replayed: Sequence[_Replayed],
    name: str,
) -> Cell:
    """Return the cell of a declared divergence. It is strict: the target must differ, and in the declared way."""
    different = [
        (plan, difference) for plan, outcome, _ in replayed for difference in (*outcome.differences, *outcome.bounded)
    ]
    if not different:
        return Cell(name, "stale", ("no longer differs: remove the declaration", f"declared because: {gap.reason}"))
    phases = max(len(runs) for _, _, runs in replayed)
    problems: list[str] = []
    for phase in range(phases):
        pairs = [(plan, runs[min(phase, len(runs) - 1)]) for plan, _, runs in replayed]
        problem = unmet_by_run(gap.expect, pairs)
        # A phase in which the query agrees with the rule is not part of the divergence.
        if problem is not None and any(_differs_in(run, plan, different) for plan, run in pairs):
            problems.append(problem)
    plan, difference = different[0]
    query = column.queries[plan.meta.key]
    broken = tuple(item for _, outcome, _ in replayed if not outcome.contradicts for item in outcome.broken)
    # Broken assumptions say more than a smallest log, and at once.
    shown = None if broken else smallest(plan, query, column.target, log, difference)
    differences = tuple(difference for _, difference in different)
    if problems:
        notes = (f"differs, but not as declared: {problems[0]}", f"declared because: {gap.reason}")
        return Cell(name, "disagree", notes, broken, differences, shown, query)
    return Cell(name, "divergence", (gap.reason,), broken, differences, shown, query)


def _differs_in(run: Run, plan: Plan, different: Sequence[tuple[Plan, Difference]]) -> bool:
    return any(of is plan and run.phase in difference.phases for of, difference in different)
