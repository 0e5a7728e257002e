"""Replay every case on every target: a row for each case, a column for each target.

    Suite ──load rules──> plans ──convert for each target──> Column ─┐
      └─> cases ──Log──> reference ──expectation──> CaseResult <──cells┘──> Matrix ──> report

Nothing but a wrong configuration ends the run: a case file whose rule cannot be read is reported, and any other failure
is a cell with the error.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import TYPE_CHECKING

from converter.errors import CaseError, ConfigurationError
from converter.harness.compare import SIDES
from converter.harness.outcome import Cell, error_cell, live_column, make_column, run_cell
from converter.harness.parallel import run_all
from converter.harness.policy import KINDS
from converter.harness.replay import Log, looks_up, unmet
from converter.harness.target_spec import TargetName, parse_name
from converter.isolation import isolated
from converter.plan.nodes import Correlation
from converter.reference.time import event_time
from converter.targets.core.target import FOREIGN

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from converter.errors import SourceError
    from converter.harness.cases.load import Case, Divergence, Suite
    from converter.harness.compare import Side
    from converter.harness.outcome import Column, Settings
    from converter.harness.policy import CellKind
    from converter.live.core import LiveProduct
    from converter.plan.nodes import Plan
    from converter.rules.collection import Rules
    from converter.targets.core.target import Target


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case: the number of the reference's alerts, how they miss the expectation, and a cell for each target.

    `error` is the reason why the reference could not judge the case; then no target could be compared with it either.
    """

    case: Case
    alerts: int
    unmet: str | None
    cells: tuple[Cell, ...]
    error: SourceError | None = None

    @property
    def failed(self) -> bool:
        """Whether it makes `sigma-convert test` fail."""
        return self.unmet is not None or self.error is not None or any(cell.failed for cell in self.cells)


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """One case file: its columns and rows."""

    suite: Suite
    plans: tuple[Plan, ...]
    columns: tuple[Column, ...]
    cases: tuple[CaseResult, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """The results of all suites.

    Attributes:
        suites: those that were replayed.
        seconds: the time that it took.
        counts: the number of cells by kind.
        errors: of the case files, cases and rules that were not replayed.
    """

    suites: tuple[SuiteResult, ...]
    seconds: float = 0.0
    counts: Mapping[CellKind, int] = field(default_factory=dict)
    errors: tuple[SourceError, ...] = ()

    @property
    def cases(self) -> int:
        """The number of cases that were replayed."""
        return sum(len(suite.cases) for suite in self.suites)

    @property
    def unexpected(self) -> int:
        """The number of cases in which the reference itself does not meet the expectation."""
        return sum(case.unmet is not None for suite in self.suites for case in suite.cases)

    @property
    def differences(self) -> Mapping[Side, int]:
        """The number of differences by side, excused ones included."""
        return _sides(cell for cell in self._cells)

    @property
    def scheduled(self) -> int:
        """The number of replays of queries with a schedule."""
        return sum(cell.phases > 0 for cell in self._cells)

    @property
    def phases(self) -> int:
        """The number of phases in all these replays."""
        return sum(cell.phases for cell in self._cells)

    @property
    def schedule_findings(self) -> Mapping[Side, int]:
        """The number of differences by side in replays of queries with a schedule."""
        return _sides(cell for cell in self._cells if cell.phases)

    @property
    def _cells(self) -> Iterator[Cell]:
        return (cell for suite in self.suites for case in suite.cases for cell in case.cells)

    @property
    def failed(self) -> bool:
        """Whether any case fails, or was not replayed."""
        return bool(self.errors) or any(case.failed for suite in self.suites for case in suite.cases)

    @property
    def unjudged(self) -> list[SourceError]:
        """Every error because of which something was not judged: of files, of the reference, of cells."""
        cases = [case for suite in self.suites for case in suite.cases]
        references = [case.error for case in cases if case.error is not None]
        return [*self.errors, *references, *(cell.unjudged for cell in self._cells if cell.unjudged is not None)]


def _sides(cells: Iterable[Cell]) -> Mapping[Side, int]:
    counts: Counter[Side] = Counter(difference.side for cell in cells for difference in cell.differences)
    return {side: counts[side] for side in SIDES}


def run_matrix(
    suites: Sequence[Suite],
    names: Sequence[TargetName],
    known: Mapping[str, Target],
    settings: Settings,
    *,
    keyword: str = "",
    named: Collection[TargetName] = (),
    add_declared: bool = False,
    live: Sequence[LiveProduct] = (),
    progress: Callable[[str], None] = lambda _: None,
    on_error: Callable[[SourceError], None] | None = None,
    errors: Sequence[SourceError] = (),
) -> Matrix:
    """Replay the cases.

    Args:
        suites: case files.
        names: the targets to replay.
        known: all targets by name.
        settings: how to convert rules.
        keyword: replay only cases with this in their names, ignoring case.
        named: the targets that the user named: it is a failure if they refuse every rule.
        add_declared: whether to add the backends of pySigma for which a suite declares a divergence.
        live: live products that run the same queries again, each in a column beside that of the local engine. All work
            is then done in this process, because it owns what it creates in the products.
        progress: called with a message about the current work.
        on_error: called with each error of a suite that cannot be replayed; without it, the first one is raised.
        errors: what was wrong with case files before, for the report.

    Raises:
        CaseError: a divergence is declared for an unknown target.
        RuleError, RefusedError: a rule of a suite is not valid.
        ConfigurationError: a pipeline, a target or an option is wrong; or a live product runs none of the queries.
    """
    started = perf_counter()
    failures = list(errors)

    def fail(error: SourceError) -> None:
        if on_error is None:
            raise error
        failures.append(error)
        on_error(error)

    prepared: list[_Prepared] = []
    for suite in suites:
        cases = []
        for case in suite.cases:
            with isolated(fail, case.place):
                for gap in case.divergences:
                    _check_declaration(gap, known)
                cases += [case] if keyword.lower() in case.name.lower() else []
        if not cases:
            continue
        with isolated(fail, about=f"preparing {suite.path}"):
            chosen = dict.fromkeys([*names, *(_declared(cases, known) if add_declared else ())])
            targets = {name: name in named for name in chosen}
            rules = _rules(suite, settings, fail)
            if rules is not None:
                prepared.append(_prepare(suite, cases, rules, targets, known, settings, live, progress))
    if prepared:
        _check_live(live, prepared)
    pieces = [(suite, case) for suite in prepared for case in suite.cases]

    def work(number: int) -> _Row:
        suite, case = pieces[number]
        return _row(suite, case, settings, suite.columns)

    def died(number: int, _error: SourceError) -> _Row:
        suite, case = pieces[number]
        return _row_apart(suite, case, settings)

    def show(done: int) -> None:
        progress(f"{done}/{len(pieces)} cases replayed")

    rows = iter(run_all(work, len(pieces), settings.jobs, died, show, here=settings.debug or bool(live)))
    results = [
        SuiteResult(done.suite, done.plans, done.columns, tuple(_result(done, case, next(rows)) for case in done.cases))
        for done in prepared
    ]
    counts: Counter[CellKind] = Counter(cell.kind for result in results for case in result.cases for cell in case.cells)
    by_kind = {kind: counts[kind] for kind in KINDS}
    return Matrix(tuple(results), perf_counter() - started, by_kind, tuple(failures))


def _check_declaration(gap: Divergence, known: Mapping[str, Target]) -> None:
    """Refuse a declaration for an unknown target: it would never be checked."""
    try:
        name = parse_name(gap.target, known)
    except ConfigurationError as error:
        raise CaseError(error.message, gap.place, error.hint) from None
    if str(name) != gap.target:
        raise CaseError(f"the target {gap.target!r} is not in its canonical form", gap.place, f"write {str(name)!r}")


def _declared(cases: Iterable[Case], known: Mapping[str, Target]) -> list[TargetName]:
    declared = dict.fromkeys(gap.target for case in cases for gap in case.divergences)
    names = [parse_name(target, known) for target in declared if target.startswith(FOREIGN)]
    return list(dict.fromkeys(replace(name, live="") for name in names))


def _check_live(live: Sequence[LiveProduct], prepared: Sequence[_Prepared]) -> None:
    """Refuse a live product that runs none of the queries: its absence would look like success."""
    used = {column.name.live for suite in prepared for column in suite.columns}
    for product in live:
        if product.name not in used:
            raise ConfigurationError(
                f"--live {product.name}: it runs the queries of none of the chosen targets",
                hint=f"it runs {', '.join(sorted(product.languages))}",
            )


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A suite, with the plans and columns that its cases share."""

    suite: Suite
    cases: tuple[Case, ...]
    plans: tuple[Plan, ...]
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    """The result of a case without its queries, whose functions cannot be sent between processes."""

    alerts: int
    unmet: str | None
    cells: tuple[Cell, ...]
    rules: tuple[str | None, ...]
    error: SourceError | None = None


def _rules(suite: Suite, settings: Settings, fail: Callable[[SourceError], None]) -> Rules | None:
    """Return the rules of a suite; None if one of them has an error: what a case expects is of all of them together."""
    from converter.rules.load import load_rules  # noqa: PLC0415  pySigma is slow to import

    errors: list[SourceError] = []
    pipelines = () if settings.without_pipeline else settings.pipelines
    rules = load_rules(suite.rules, errors.append).expanded(pipelines, errors.append)
    for error in errors:
        fail(error)
    return None if errors else rules


def _prepare(
    suite: Suite,
    cases: Sequence[Case],
    rules: Rules,
    names: Mapping[TargetName, bool],
    known: Mapping[str, Target],
    settings: Settings,
    live: Sequence[LiveProduct],
    progress: Callable[[str], None],
) -> _Prepared:
    columns: list[Column] = []
    for name, named in names.items():
        progress(f"{suite.path.parent.name}: converting for {name}")
        column = replace(make_column(rules, name, known[name.name], settings), named=named)
        columns.append(column)
        columns.extend(added for product in live if (added := live_column(column, product, rules.plans)) is not None)
    return _Prepared(suite, tuple(cases), rules.plans, tuple(columns))


def _row(prepared: _Prepared, case: Case, settings: Settings, columns: Sequence[Column]) -> _Row:
    """Judge a case, and replay it on some of the columns."""
    errors: list[SourceError] = []
    with isolated(errors.append, case.place, f"judging {case.name!r}"):
        return _judged_row(prepared, case, settings, columns)
    return _failed_row(columns, errors[0])


def _failed_row(columns: Sequence[Column], error: SourceError) -> _Row:
    """Return the result of a case that the reference could not judge: no target could be compared with it."""
    cells = [Cell(str(column.name), "error", ("the reference could not judge the case",)) for column in columns]
    return _Row(0, None, tuple(replace(cell, failed=True) for cell in cells), (None,) * len(cells), error)


def _row_apart(prepared: _Prepared, case: Case, settings: Settings) -> _Row:
    """Return the result of a case whose process has died: each target once more, in a process of its own."""
    pieces: list[tuple[Column, ...]] = [(), *((column,) for column in prepared.columns)]

    def work(number: int) -> _Row:
        return _row(prepared, case, settings, pieces[number])

    def died(number: int, error: SourceError) -> _Row:
        names = [str(column.name) for column in pieces[number]]
        error.message = f"{case.name!r}{''.join(f' on {name}' for name in names)}: {error.message}"
        error.place = case.place
        cells = [replace(error_cell(name, error), failed=True, unjudged=error) for name in names]
        return _Row(0, None, tuple(cells), (None,) * len(cells), error)

    reference, *rows = run_all(work, len(pieces), 1, died)
    if reference.error is not None:
        return _failed_row(prepared.columns, reference.error)
    cells = tuple(cell for row in rows for cell in row.cells)
    return replace(reference, cells=cells, rules=tuple(rule for row in rows for rule in row.rules))


def _judged_row(prepared: _Prepared, case: Case, settings: Settings, columns: Sequence[Column]) -> _Row:
    log = Log(case.events, prepared.suite.logsource)
    converted = {key for column in prepared.columns for key in column.queries}
    # Queries that look values up are unjudged; without such a query, a placeholder is an error of the rule.
    plans = [plan for plan in prepared.plans if not looks_up(plan) or plan.meta.key not in converted]
    alerts = [alert for plan in plans for alert in log.alerts(plan)]
    problem = unmet(case.expect, alerts) if len(plans) == len(prepared.plans) else None
    timeless = sum(event_time(event) is None for event in log.events)
    if problem is not None and timeless and any(isinstance(plan, Correlation) for plan in prepared.plans):
        events = "1 event has" if timeless == 1 else f"{timeless} events have"
        problem += f"; {events} no time, and a correlation counts no event without one"
    cells = [run_cell(case, prepared.plans, column, log, settings) for column in columns]
    return _Row(
        len(alerts),
        problem,
        tuple(replace(cell, query=None) for cell in cells),
        tuple(cell.query.rule if cell.query is not None else None for cell in cells),
    )


def _result(prepared: _Prepared, case: Case, row: _Row) -> CaseResult:
    cells = [
        cell if rule is None else replace(cell, query=column.queries[rule])
        for cell, rule, column in zip(row.cells, row.rules, prepared.columns, strict=True)
    ]
    return CaseResult(case, row.alerts, row.unmet, tuple(cells), row.error)
