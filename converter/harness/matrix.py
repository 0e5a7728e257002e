"""Replay every case on every target: a row for each case, a column for each target.

    Suite ──load rules──> plans ──convert for each target──> Column ─┐
      └─> cases ──Log──> reference ──expectation──> CaseResult <──cells┘──> Matrix ──> report

Only a case file or a rule that cannot be read ends the run; any other failure is a cell with the error.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import TYPE_CHECKING

from converter.errors import CaseError, ConfigurationError
from converter.harness.compare import SIDES
from converter.harness.outcome import live_column, make_column, run_cell
from converter.harness.parallel import run_all
from converter.harness.policy import KINDS
from converter.harness.replay import Log, looks_up, unmet
from converter.harness.target_spec import TargetName, parse_name
from converter.plan.nodes import Correlation
from converter.reference.time import event_time
from converter.targets.core.target import FOREIGN

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from converter.harness.cases.load import Case, Divergence, Suite
    from converter.harness.compare import Side
    from converter.harness.outcome import Cell, Column, Settings
    from converter.harness.policy import CellKind
    from converter.live.core import LiveProduct
    from converter.plan.nodes import Plan
    from converter.targets.core.target import Target


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case: the number of the reference's alerts, how they miss the expectation, and a cell for each target."""

    case: Case
    alerts: int
    unmet: str | None
    cells: tuple[Cell, ...]

    @property
    def failed(self) -> bool:
        """Whether it makes `sigma-convert test` fail."""
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
    """The results of all suites; `counts` is the number of cells by kind."""

    suites: tuple[SuiteResult, ...]
    seconds: float = 0.0
    counts: Mapping[CellKind, int] = field(default_factory=dict)

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
        """Whether any case fails."""
        return any(case.failed for suite in self.suites for case in suite.cases)


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

    Raises:
        CaseError: a divergence is declared for an unknown target.
        RuleError, RefusedError: a rule of a suite is not valid.
        ConfigurationError: a pipeline, a target or an option is wrong; or a live product runs none of the queries.
    """
    started = perf_counter()
    for gap in (gap for suite in suites for case in suite.cases for gap in case.divergences):
        _check_declaration(gap, known)
    prepared = []
    for suite in suites:
        cases = [case for case in suite.cases if keyword.lower() in case.name.lower()]
        if cases:
            chosen = dict.fromkeys([*names, *(_declared(cases, known) if add_declared else ())])
            targets = {name: name in named for name in chosen}
            prepared.append(_prepare(suite, cases, targets, known, settings, live, progress))
    _check_live(live, prepared)
    pieces = [(suite, case) for suite in prepared for case in suite.cases]

    def work(number: int) -> _Row:
        suite, case = pieces[number]
        return _row(suite, case, settings)

    def show(done: int) -> None:
        progress(f"{done}/{len(pieces)} cases replayed")

    rows = iter(run_all(work, len(pieces), 1 if settings.debug or live else settings.jobs, show))
    results = [
        SuiteResult(done.suite, done.plans, done.columns, tuple(_result(done, case, next(rows)) for case in done.cases))
        for done in prepared
    ]
    counts: Counter[CellKind] = Counter(cell.kind for result in results for case in result.cases for cell in case.cells)
    return Matrix(tuple(results), perf_counter() - started, {kind: counts[kind] for kind in KINDS})


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


def _prepare(
    suite: Suite,
    cases: Sequence[Case],
    names: Mapping[TargetName, bool],
    known: Mapping[str, Target],
    settings: Settings,
    live: Sequence[LiveProduct],
    progress: Callable[[str], None],
) -> _Prepared:
    from converter.rules.load import load_rules  # noqa: PLC0415  pySigma is slow to import

    rules = load_rules(suite.rules).expanded(() if settings.without_pipeline else settings.pipelines)
    columns: list[Column] = []
    for name, named in names.items():
        progress(f"{suite.path.parent.name}: converting for {name}")
        column = replace(make_column(rules, name, known[name.name], settings), named=named)
        columns.append(column)
        columns.extend(added for product in live if (added := live_column(column, product, rules.plans)) is not None)
    return _Prepared(suite, tuple(cases), rules.plans, tuple(columns))


def _row(prepared: _Prepared, case: Case, settings: Settings) -> _Row:
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
    cells = [run_cell(case, prepared.plans, column, log, settings) for column in prepared.columns]
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
    return CaseResult(case, row.alerts, row.unmet, tuple(cells))
