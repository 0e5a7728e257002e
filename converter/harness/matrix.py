"""Replay every case through every target: cases down, targets across, one cell each.

    Suite ──load rules──> plans ──convert for each target──> Column ─┐
      └─> cases ──Log──> reference ──expectation──> CaseResult <──cells┘──> Matrix ──> report

Nothing ends the run but a case file or a rule that cannot be read: whatever else fails is a cell that says so.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from converter.errors import CaseError, ConfigurationError, RefusedError, SourceError
from converter.harness.compare import CompareError
from converter.harness.names import FOREIGN, TargetName, parse_name
from converter.harness.parallel import run_all
from converter.harness.replay import Log, replay, smallest, unmet, unmet_by_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from converter.harness.cases import Case, Divergence, Suite
    from converter.harness.compare import Difference
    from converter.harness.replay import Outcome, Smallest
    from converter.plan.nodes import Plan
    from converter.rules import Rules
    from converter.target import Query, Run, Target

CellKind: TypeAlias = Literal["agree", "bounded", "assumption", "divergence", "refused", "stale", "disagree", "error"]
KINDS: tuple[CellKind, ...] = get_args(CellKind)
FAILURES: frozenset[CellKind] = frozenset({"stale", "disagree", "error"})
_WORST_FIRST: tuple[CellKind, ...] = ("error", "disagree", "refused", "assumption", "bounded", "agree")


@dataclass(frozen=True, slots=True)
class Settings:
    """How rules are converted, as on the command line; in how many processes cases are replayed."""

    pipelines: Sequence[str] = ()
    without_pipeline: bool = False
    jobs: int = 1
    debug: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """A rule that a target cannot say: the construct in the words of Sigma, and the whole message."""

    rule: str
    construct: str
    message: str


@dataclass(frozen=True, slots=True)
class Column:
    """A target of a suite: its queries by the key of the rule, and what it refused."""

    name: TargetName
    target: Target
    queries: Mapping[str, Query]
    refusals: tuple[Refusal, ...] = ()
    error: str | None = None

    @property
    def verdict(self) -> str:
        """The verdicts of its queries, usually one."""
        kinds = dict.fromkeys(query.verdict.kind for query in self.queries.values())
        refused: tuple[str, ...] = ("refused",) if self.refusals else ()
        return "/".join((*kinds, *refused)) or "error"


@dataclass(frozen=True, slots=True)
class Cell:
    """One case on one target.

    Attributes:
        target: the name of the target.
        kind: how it ended.
        notes: one sentence each: the refusal, the error, the reason of a declared divergence, a broken assumption.
        differences: what differs; with `bounded` what the bound allows.
        smallest: the smallest part of the log that shows the first difference.
        query: that of the first difference.
        seconds: how long it took.
    """

    target: str
    kind: CellKind
    notes: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    smallest: Smallest | None = None
    query: Query | None = None
    seconds: float = 0.0

    @property
    def failed(self) -> bool:
        """Whether it makes `test` fail."""
        return self.kind in FAILURES


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case: what the reference found, in what it falls short of the expectation, and a cell for each target."""

    case: Case
    alerts: int
    unmet: str | None
    cells: tuple[Cell, ...]

    @property
    def failed(self) -> bool:
        """Whether it makes `test` fail."""
        return self.unmet is not None or any(cell.failed for cell in self.cells)


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """One case file: its columns and rows."""

    suite: Suite
    plans: tuple[Plan, ...]
    columns: tuple[Column, ...]
    cases: tuple[CaseResult, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """All of it."""

    suites: tuple[SuiteResult, ...]
    seconds: float = 0.0
    counts: Mapping[CellKind, int] = field(default_factory=dict)

    @property
    def cases(self) -> int:
        """How many cases were replayed."""
        return sum(len(suite.cases) for suite in self.suites)

    @property
    def unexpected(self) -> int:
        """In how many cases the reference itself did not find what the case expects."""
        return sum(case.unmet is not None for suite in self.suites for case in suite.cases)

    @property
    def failed(self) -> bool:
        """Whether anything is not as it must be."""
        return any(case.failed for suite in self.suites for case in suite.cases)


def run_matrix(
    suites: Sequence[Suite],
    names: Sequence[TargetName],
    known: Mapping[str, Target],
    settings: Settings,
    *,
    keyword: str = "",
    add_declared: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> Matrix:
    """Replay the cases.

    Args:
        suites: case files.
        names: the targets.
        known: the targets there are.
        settings: how to convert.
        keyword: only cases that have it in their name, case ignored.
        add_declared: also the targets of others (`pysigma:...`) of which a suite declares a divergence.
        progress: called with what is being done.

    Raises:
        CaseError: a divergence is declared of a target that there is not.
        RuleError, RefusedError: a rule of a suite is bad.
        ConfigurationError: a pipeline, a target or an option is wrong.
    """
    started = perf_counter()
    for gap in (gap for suite in suites for case in suite.cases for gap in case.divergences):
        _check_declaration(gap, known)
    prepared = []
    for suite in suites:
        cases = [case for case in suite.cases if keyword.lower() in case.name.lower()]
        if cases:
            chosen = dict.fromkeys([*names, *(_declared(cases, known) if add_declared else ())])
            prepared.append(_prepare(suite, cases, list(chosen), known, settings, progress))
    pieces = [(one, case) for one in prepared for case in one.cases]

    def work(number: int) -> _Row:
        one, case = pieces[number]
        return _row(one, case, settings)

    def show(done: int) -> None:
        progress(f"{done}/{len(pieces)} cases replayed")

    rows = iter(run_all(work, len(pieces), 1 if settings.debug else settings.jobs, show))
    results = [
        SuiteResult(one.suite, one.plans, one.columns, tuple(_result(one, case, next(rows)) for case in one.cases))
        for one in prepared
    ]
    counts: Counter[CellKind] = Counter(cell.kind for result in results for case in result.cases for cell in case.cells)
    return Matrix(tuple(results), perf_counter() - started, {kind: counts[kind] for kind in KINDS})


def _check_declaration(gap: Divergence, known: Mapping[str, Target]) -> None:
    """A declaration of a target that there is not would never be looked at."""
    try:
        name = parse_name(gap.target, known)
    except ConfigurationError as error:
        raise CaseError(error.message, gap.place, error.hint) from None
    if str(name) != gap.target:
        raise CaseError(f"the target {gap.target!r} is written otherwise", gap.place, f"write {str(name)!r}")


def _declared(cases: Iterable[Case], known: Mapping[str, Target]) -> list[TargetName]:
    declared = dict.fromkeys(gap.target for case in cases for gap in case.divergences)
    return [parse_name(target, known) for target in declared if target.startswith(FOREIGN)]


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A suite with all that its cases share."""

    suite: Suite
    cases: tuple[Case, ...]
    plans: tuple[Plan, ...]
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    """What comes of a case, without queries: they hold functions, which cannot be sent between processes."""

    alerts: int
    unmet: str | None
    cells: tuple[Cell, ...]
    rules: tuple[str | None, ...]


def _prepare(
    suite: Suite,
    cases: Sequence[Case],
    names: Sequence[TargetName],
    known: Mapping[str, Target],
    settings: Settings,
    progress: Callable[[str], None],
) -> _Prepared:
    from converter.rules import load_rules  # noqa: PLC0415  pySigma is slow to import

    rules = load_rules(suite.rules)
    columns = []
    for name in names:
        progress(f"{suite.path.parent.name}: converting for {name}")
        columns.append(make_column(rules, name, known[name.name], settings))
    return _Prepared(suite, tuple(cases), rules.plans, tuple(columns))


def _row(prepared: _Prepared, case: Case, settings: Settings) -> _Row:
    log = Log(case.events, prepared.suite.logsource)
    alerts = [alert for plan in prepared.plans for alert in log.alerts(plan)]
    cells = [run_cell(case, prepared.plans, column, log, settings) for column in prepared.columns]
    return _Row(
        len(alerts),
        unmet(case.expect, alerts),
        tuple(replace(cell, query=None) for cell in cells),
        tuple(cell.query.rule if cell.query is not None else None for cell in cells),
    )


def _result(prepared: _Prepared, case: Case, row: _Row) -> CaseResult:
    cells = [
        cell if rule is None else replace(cell, query=column.queries[rule])
        for cell, rule, column in zip(row.cells, row.rules, prepared.columns, strict=True)
    ]
    return CaseResult(case, row.alerts, row.unmet, tuple(cells))


def make_column(rules: Rules, name: TargetName, target: Target, settings: Settings) -> Column:
    """Convert every rule for one target. Raises ConfigurationError."""
    from converter.convert import convert_rules  # noqa: PLC0415  pySigma is slow to import

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
    # The errors come in the order of the rules, one for each rule without a query.
    refusals = tuple(
        Refusal(rule, error.construct, error.render())
        for rule, error in zip(missing, errors, strict=False)
        if isinstance(error, RefusedError)
    )
    problem = other[0].render() if other else None
    if problem is None and len(refusals) < len(missing):
        problem = f"no query for {', '.join(missing[len(refusals) :])}, and no reason given"
    return Column(name, target, by_rule, refusals, problem)


def run_cell(case: Case, plans: Sequence[Plan], column: Column, log: Log, settings: Settings) -> Cell:
    """Replay one case on one target."""
    started = perf_counter()
    name = str(column.name)
    try:
        cell = _cell(case, plans, column, log, name)
    except SourceError as error:
        cell = Cell(name, "error", (error.render(),))
    except CompareError as error:
        cell = Cell(name, "error", (str(error),))
    except Exception as bug:
        if settings.debug:
            raise
        # A bug of an engine on one case must not hide what the others have to say.
        cell = Cell(name, "error", (f"internal error: {type(bug).__name__}: {bug} (--debug shows where)",))
    return replace(cell, seconds=perf_counter() - started)


def _cell(case: Case, plans: Sequence[Plan], column: Column, log: Log, name: str) -> Cell:
    if column.error is not None:
        return Cell(name, "error", (column.error,))
    gap = next((gap for gap in case.divergences if gap.target == name), None)
    if column.refusals:
        reasons = tuple(refusal.message for refusal in column.refusals)
        if gap is not None:
            return Cell(name, "stale", (f"a divergence is declared, but the target refuses: {gap.reason}", *reasons))
        if not column.queries:
            return Cell(name, "refused", reasons)
    replayed: list[tuple[Plan, Outcome, Sequence[Run]]] = []
    for plan in plans:
        query = column.queries.get(plan.meta.key)
        if query is not None:
            replayed.append((plan, *replay(plan, query, column.target, log)))
    if gap is not None:
        return _declared_cell(gap, column, log, replayed, name)
    kinds: set[CellKind] = {outcome.kind for _, outcome, _ in replayed}
    if column.refusals:
        kinds.add("refused")
    kind = next(kind for kind in _WORST_FIRST if kind in kinds)
    notes = [refusal.message for refusal in column.refusals]
    differences: list[Difference] = []
    first: tuple[Plan, Difference] | None = None
    for plan, outcome, _ in replayed:
        verdict = column.queries[plan.meta.key].verdict
        if outcome.bounded and verdict.bound is not None:
            notes.append(verdict.bound.says)
        notes.extend(f"{broken.says}: not so of {_events(broken.events)}" for broken in outcome.broken)
        differences.extend((*outcome.differences, *outcome.bounded) if outcome.kind != "agree" else ())
        if outcome.kind == "disagree" and first is None:
            first = plan, outcome.differences[0]
    if first is None:
        return Cell(name, kind, tuple(notes), tuple(differences))
    query = column.queries[first[0].meta.key]
    shown = smallest(first[0], query, column.target, log, first[1], query.verdict.bound)
    return Cell(name, kind, tuple(notes), tuple(differences), shown, query)


def _declared_cell(
    gap: Divergence,
    column: Column,
    log: Log,
    replayed: Sequence[tuple[Plan, Outcome, Sequence[Run]]],
    name: str,
) -> Cell:
    """A declared divergence is strict: the target must differ from the reference, and in the declared way."""
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
        # A phase in which the query agrees with the rule is no part of the gap.
        if problem is not None and any(_differs_in(run, plan, different) for plan, run in pairs):
            problems.append(problem)
    plan, difference = different[0]
    query = column.queries[plan.meta.key]
    shown = smallest(plan, query, column.target, log, difference)
    found = tuple(difference for _, difference in different)
    if problems:
        notes = (f"differs, but not as declared: {problems[0]}", f"declared because: {gap.reason}")
        return Cell(name, "disagree", notes, found, shown, query)
    return Cell(name, "divergence", (gap.reason,), found, shown, query)


def _differs_in(run: Run, plan: Plan, different: Sequence[tuple[Plan, Difference]]) -> bool:
    return any(of is plan and run.phase in difference.phases for of, difference in different)


def _events(count: int) -> str:
    return "1 event" if count == 1 else f"{count} events"
