"""The matrix of `test` as text: a table for each case file, then details, then counts.

Matrix ──> table: cases down, targets across; where that is too wide, what differs in each case
       ──> notes on the queries ──> differences (difference_text) ──> summary
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from converter.harness.compare import SIDES
from converter.harness.policy import Policy
from converter.report.caveats import told
from converter.report.difference_text import case_details, word_of
from converter.report.layout import Choice, Grid, Line, as_text, message

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from converter.harness.matrix import CaseResult, Matrix, SuiteResult
    from converter.harness.outcome import Cell, Column
    from converter.harness.policy import CellKind
    from converter.report.layout import Item

_NAME_WIDTH = 56
_VERDICTS = ("exact", "assuming", "bounded", "changed", "unjudged", "refused")
_COUNTED: Mapping[CellKind, str] = {
    "agree": "agree",
    "bounded": "differ within the bound that the verdict states",
    "divergence": "differ as the case declares",
    "refused": "refused",
    "assumption": "differ because the log breaks an assumption of the verdict",
    "unjudged": "unjudged",
    "stale": "no longer differ as declared",
    "changed": "agree with the rule only as a pipeline has changed it",
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
        cells = [Line(*word_of(cell.kind, failed=cell.failed)) for cell in case.cells]
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
        names: dict[tuple[str, str], list[str]] = {}
        for cell, column in zip(case.cells, suite.columns, strict=True):
            if cell.failed or column.verdict != "refused" or cell.kind != "refused":  # the list of verdicts says so
                names.setdefault(word_of(cell.kind, failed=cell.failed), []).append(cell.target)
        count, agree = sum(map(len, names.values())), len(names.pop(word_of("agree", failed=False), ()))
        others = tuple(Line(f"{word}: {', '.join(of)}", style) for (word, style), of in names.items())
        style = "green" if agree == count else ""
        rows.append((Line(case.case.name), _reference(case), Line(f"{agree} of {count}", style), others or Line("")))
    yield Grid(rows)


def _by_verdict(columns: Sequence[Column]) -> list[tuple[str, list[str]]]:
    names: dict[str, list[str]] = {verdict: [] for verdict in _VERDICTS}
    for column in columns:
        names.setdefault(column.verdict, []).append(str(column.name))
    return [(verdict, of) for verdict, of in names.items() if of]


def _reference(case: CaseResult) -> Line:
    if case.error is not None:
        return Line("ERROR", "bold red")
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
    refusals = [item for text, names in _refusals(columns).items() for item in message(f"{', '.join(names)}: {text}")]
    if items or refusals:
        yield Line("")
    yield from items
    yield from refusals


def _refusals(columns: Sequence[Column]) -> dict[str, list[str]]:
    """Return what is refused, each with its targets."""
    refusals: dict[str, list[str]] = {}
    for column in columns:
        for refusal in column.refusals:
            text = f"{refusal.rule}: {refusal.construct}: {refusal.message}"
            refusals.setdefault(text, []).append(str(column.name))
    return refusals


def _sentences(columns: Sequence[Column]) -> dict[str, dict[str, None]]:
    """Return what pipelines did, bounds, limits and warnings, each with its targets."""
    sentences: dict[str, dict[str, None]] = {}
    for column in columns:
        for query in column.queries.values():
            bound, limit = query.verdict.bound, query.verdict.limit
            of_query = [f"changed: the pipeline {change}" for change in query.verdict.changes]
            of_query += [f"pipeline: {line}" for line in told(query)]
            of_query += [f"differs: {bound.message}"] if bound is not None else []
            of_query += [f"limit: {limit.message}"] if limit is not None else []
            of_query += [f"warning: {warning}" for warning in query.warnings]
            for sentence in of_query:
                sentences.setdefault(sentence, {})[str(column.name)] = None
    return sentences


def _assumptions(column: Column) -> set[str]:
    return {assumption.message for query in column.queries.values() for assumption in query.verdict.assumptions}


# ---------------------------------------------------------------------------------------------------------- summary


def _summary(matrix: Matrix) -> Iterator[Line]:
    cells = [cell for suite in matrix.suites for case in suite.cases for cell in case.cells]
    yield Line(f"{_counted(matrix.cases, 'case')}, {_counted(len(cells), 'replay')} in {matrix.seconds:.1f} s")
    for kind, words in _COUNTED.items():
        for failed in (False, True):
            alike = [cell for cell in cells if (cell.kind, cell.failed) == (kind, failed)]
            if alike:
                text = f"  {len(alike):>5} {words}{_why(kind, failed=failed)}{_sides(alike)}"
                yield Line(text, word_of(kind, failed=failed)[1])
    if matrix.scheduled:
        yield Line(f"  schedules: {_scheduled(matrix)}")
    if any(_assumptions(column) for suite in matrix.suites for column in suite.columns):
        yield Line("  assumptions: `sigma-convert convert` and `--format json` list them")
    if any(cell.failed and cell.kind == "assumption" for cell in cells):
        yield Line(
            "  a query does not work on a log that breaks its assumptions: change the rule, its mapping or the log; or "
            "declare the difference (known_divergence), or accept all of these (--accept assumption)"
        )
    if matrix.unexpected:
        yield Line(f"  {matrix.unexpected:>5} where the reference does not find what the case expects", "bold red")
    references = sum(case.error is not None for suite in matrix.suites for case in suite.cases)
    if references:
        yield Line(f"  {references:>5} that the reference could not judge", "bold red")
    if matrix.errors:
        count = len(matrix.errors)
        noun = "error" if count == 1 else "errors"
        yield Line(f"  {count:>5} {noun} in case files and rules: not replayed", "bold red")
    if matrix.failed:
        yield Line("FAILED", "bold red")
    elif all(cell.kind == "refused" for cell in cells):
        yield Line("ok for the reference; every target refuses", "bold yellow")
    else:
        yield Line("ok", "bold green")


def _why(kind: CellKind, *, failed: bool) -> str:
    """Return why an outcome fails or does not, where that is not usual."""
    if kind == "refused":
        return " by a target that was named, or with --fail-on" if failed else ""
    if Policy().fails(kind, named=False):
        return "" if failed else ", which this run accepts"
    return ", which fails here (--fail-on)" if failed else ""


def _sides(cells: Sequence[Cell]) -> str:
    """Return the number of differences by side."""
    counts = Counter(difference.side for cell in cells for difference in cell.differences)
    return f": {', '.join(f'{counts[side]} {side}' for side in SIDES if counts[side])}" if counts else ""


def _scheduled(matrix: Matrix) -> str:
    replays = _counted(matrix.scheduled, "replay")
    counts = [f"{count or 'none'} {side}" for side, count in matrix.schedule_findings.items() if side != "extra"]
    counted = ", counted above" if any(matrix.schedule_findings[side] for side in ("missed", "doubled")) else ""
    return f"{replays} at {matrix.phases} phases: {', '.join(counts)}{counted}"


def _counted(count: int, noun: str) -> str:
    return f"1 {noun}" if count == 1 else f"{count} {noun}s"
