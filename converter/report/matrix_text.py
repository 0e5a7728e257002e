"""The matrix of `test` as text: a table for each case file, then details, then counts.

Matrix ──> table: cases down, targets across; where that is too wide, what differs in each case
       ──> notes on the queries ──> differences (difference_text) ──> summary
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.report.difference_text import RESULTS, SIDES, case_details
from converter.report.layout import Choice, Grid, Line, as_text, message

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from converter.harness.matrix import CaseResult, Matrix, SuiteResult
    from converter.harness.outcome import CellKind, Column
    from converter.report.layout import Item

_NAME_WIDTH = 56
_VERDICTS = ("exact", "assuming", "bounded", "unjudged", "refused")
_COUNTED: Mapping[CellKind, str] = {
    "agree": "agree",
    "bounded": "differ within a stated bound",
    "assumption": "differ where a stated assumption is broken",
    "divergence": "diverge as declared",
    "refused": "refused",
    "stale": "no longer diverge as declared",
    "disagree": "disagree",
    "error": "in error",
}


def matrix_text(matrix: Matrix, width: int | None = None, *, coloured: bool = False) -> str:
    """Return the report as a terminal of a width shows it; without a width, as a pipe gets it."""
    return as_text(matrix_report(matrix), width, coloured=coloured)


def matrix_report(matrix: Matrix) -> Iterator[Item]:
    """Yield the items of the report."""
    for suite in matrix.suites:
        yield from _suite(suite)
        yield Line("")
    yield from _summary(matrix)


def _suite(suite: SuiteResult) -> Iterator[Item]:
    yield Line(str(suite.suite.path), "bold")
    yield Line(f"rules: {', '.join(plan.meta.key for plan in suite.plans) or 'none'}")
    yield Line("")
    yield Choice(_table(suite), tuple(_list(suite)))
    yield from _notes(suite.columns)
    plans = {plan.meta.key: plan for plan in suite.plans}
    for case in suite.cases:
        yield from case_details(case, plans)


# ------------------------------------------------------------------------------------------------------------ table


def _table(suite: SuiteResult) -> Grid:
    """Return the table of cases and targets, each target with its verdict below its name."""
    heads = [("reference", ""), *(_head(column) for column in suite.columns)]
    height = max(map(len, heads))
    rows: list[list[Line | tuple[Line, ...]]] = [
        [Line(""), *(tuple(Line(part) for part in (*[""] * (height - len(head)), *head)) for head in heads)]
    ]
    for case in suite.cases:
        cells = [Line(*RESULTS[cell.kind]) for cell in case.cells]
        rows.append([Line(_cut(case.case.name)), _reference(case), *cells])
    return Grid(rows)


def _head(column: Column) -> tuple[str, ...]:
    """Return the name of a target over several lines, and its verdict below."""
    name, *parts = str(column.name).split(":")
    return (name, *(f":{part}" for part in parts), f"({column.verdict})")


def _list(suite: SuiteResult) -> Iterator[Line | Grid]:
    """Yield the same for a narrow terminal: the targets by verdict; then each case, and the targets that differ."""
    yield Grid([(Line(verdict), Line(", ".join(names))) for verdict, names in _by_verdict(suite.columns)])
    yield Line("")
    rows: list[Sequence[Line | tuple[Line, ...]]] = [(Line(""), Line("reference"), Line("agree"), Line("differ"))]
    for case in suite.cases:
        names: dict[CellKind, list[str]] = {}
        for cell, column in zip(case.cells, suite.columns, strict=True):
            if column.verdict != "refused" or cell.kind != "refused":  # the list of verdicts says so already
                names.setdefault(cell.kind, []).append(cell.target)
        count, agree = sum(map(len, names.values())), len(names.pop("agree", ()))
        others = tuple(Line(f"{RESULTS[kind][0]}: {', '.join(of)}", RESULTS[kind][1]) for kind, of in names.items())
        style = "green" if agree == count else ""
        rows.append((Line(case.case.name), _reference(case), Line(f"{agree} of {count}", style), others or Line("")))
    yield Grid(rows)


def _by_verdict(columns: Sequence[Column]) -> list[tuple[str, list[str]]]:
    names: dict[str, list[str]] = {verdict: [] for verdict in _VERDICTS}
    for column in columns:
        names.setdefault(column.verdict, []).append(str(column.name))
    return [(verdict, of) for verdict, of in names.items() if of]


def _reference(case: CaseResult) -> Line:
    if case.unmet is not None:
        return Line("UNEXPECTED", "bold red")
    return Line("1 alert" if case.alerts == 1 else f"{case.alerts or 'no'} alerts")


def _cut(name: str) -> str:
    return name if len(name) <= _NAME_WIDTH else f"{name[: _NAME_WIDTH - 3]}..."


# ------------------------------------------------------------------------------------------------------------ notes


def _notes(columns: Sequence[Column]) -> Iterator[Item]:
    """Yield, after an empty line, notes on the queries; each sentence once, with its targets."""
    items = [Line(f"{column.name}: run by {column.live}") for column in columns if column.live]
    for sentence, names in _sentences(columns).items():
        items.append(Line(f"{', '.join(names)}: {sentence}"))
    counts = [(str(column.name), len(_assumptions(column))) for column in columns]
    assuming = ", ".join(f"{name} {count}" for name, count in counts if count)
    if assuming:
        items.append(Line(f"assumptions: {assuming}"))
    refusals = [
        item
        for column in columns
        for refusal in column.refusals
        for item in message(f"{column.name}: {refusal.rule}: {refusal.construct}: {refusal.message}")
    ]
    if items or refusals:
        yield Line("")
    yield from items
    yield from refusals


def _sentences(columns: Sequence[Column]) -> dict[str, dict[str, None]]:
    """Return bounds, limits and warnings, each with its targets."""
    sentences: dict[str, dict[str, None]] = {}
    for column in columns:
        for query in column.queries.values():
            bound, limit = query.verdict.bound, query.verdict.limit
            of_query = [f"differs: {bound.message}"] if bound is not None else []
            of_query += [f"limit: {limit.message}"] if limit is not None else []
            of_query += [f"warning: {warning}" for warning in query.warnings]
            for sentence in of_query:
                sentences.setdefault(sentence, {})[str(column.name)] = None
    return sentences


def _assumptions(column: Column) -> set[str]:
    return {assumption.message for query in column.queries.values() for assumption in query.verdict.assumptions}


# ---------------------------------------------------------------------------------------------------------- summary


def _summary(matrix: Matrix) -> Iterator[Line]:
    replays = sum(matrix.counts.values())
    yield Line(f"{_counted(matrix.cases, 'case')}, {_counted(replays, 'replay')} in {matrix.seconds:.1f} s")
    for kind, count in matrix.counts.items():
        if count:
            yield Line(f"  {count:>5} {_COUNTED[kind]}", RESULTS[kind][1])
    sides = ", ".join(f"{count} {SIDES[side]}" for side, count in matrix.differences.items() if count)
    if sides:
        yield Line(f"  differences: {sides}")
    if matrix.scheduled:
        yield Line(f"  schedules: {_scheduled(matrix)}")
    if any(_assumptions(column) for suite in matrix.suites for column in suite.columns):
        yield Line("  assumptions: `sigma-convert convert` and `--format json` list them")
    if matrix.unexpected:
        yield Line(f"  {matrix.unexpected:>5} where the reference does not find what the case expects", "bold red")
    yield Line("FAILED", "bold red") if matrix.failed else Line("ok", "bold green")


def _scheduled(matrix: Matrix) -> str:
    replays = _counted(matrix.scheduled, "replay")
    missed, doubled = (matrix.schedule_findings[side] for side in ("missed", "doubled"))
    return f"{replays} at {matrix.phases} phases: {missed or 'none'} missed, {doubled or 'none'} doubled"


def _counted(count: int, noun: str) -> str:
    return f"1 {noun}" if count == 1 else f"{count} {noun}s"
