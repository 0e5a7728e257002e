"""The report of `check` as text for a person: findings with their places, then the verdicts of each rule.

Report ──> Line, Pointer, Grid
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.errors import RefusedError, RuleWarning
from converter.report.caveats import told
from converter.report.layout import Grid, Line, message

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from converter.report.check import Report, RuleResult, TargetResult
    from converter.report.layout import Item
    from converter.targets.core.target import Query

_STYLES = {
    "exact": "green",
    "assuming": "green",
    "bounded": "yellow",
    "changed": "yellow",
    "refused": "red",
    "error": "red",
}


def check_text(report: Report) -> Iterator[Item]:
    """Yield the items of a report."""
    for finding in report.findings:
        yield from _finding(finding.render(), finding.code if isinstance(finding, RuleWarning) else None)
    for number, rule in enumerate(report.rules):
        if number or report.findings:
            yield Line("")
        yield from _rule(rule)


def _finding(text: str, code: str | None) -> Iterator[Item]:
    """Yield a finding; the code of a warning follows its message."""
    if code is None:
        yield from message(text, "red")
        return
    first, newline, rest = text.partition("\n")
    yield from message(f"{first} [{code}]{newline}{rest}", "yellow")


def _rule(rule: RuleResult) -> Iterator[Item]:
    where = f" ({rule.place.name}:{rule.place.line})" if rule.place is not None else ""
    yield Line(f"{rule.rule}{where}", "bold")
    yield Grid(_rows(rule), indent=2)
    for unmapped, targets in rule.unmapped():
        yield from _finding(_of_targets(unmapped, targets).render(), unmapped.code)
    for warning, targets in rule.warnings().items():
        yield Line(f"warning: {', '.join(targets)}: {warning}", "yellow", indent=2)
    sentences: dict[str, list[str]] = {}
    for result in rule.targets:
        for line in told(result.query) if result.query is not None else ():
            sentences.setdefault(line, []).append(result.target)
    for line, targets in sentences.items():
        yield Line(f"pipeline: {', '.join(targets)}: {line}", indent=2)


def _of_targets(warning: RuleWarning, targets: Sequence[str]) -> RuleWarning:
    return RuleWarning(f"{', '.join(targets)}: {warning.message}", warning.code, warning.place, warning.hint)


def _rows(rule: RuleResult) -> list[tuple[Line, Line, tuple[Line, ...]]]:
    """Return a row for each target; targets with the same error share one."""
    targets: dict[tuple[str, tuple[str, ...], str], list[str]] = {}
    for result in rule.targets:
        if result.query is not None:
            targets[result.verdict, tuple(_of_query(result.query)), result.target] = [result.target]
        else:
            targets.setdefault((result.verdict, tuple(_of_error(result, rule)), ""), []).append(result.target)
    return [
        (
            Line(", ".join(names)),
            Line(verdict, _STYLES.get(verdict, "cyan")),
            tuple(Line(sentence) for sentence in sentences) or (Line(""),),
        )
        for (verdict, sentences, _), names in targets.items()
    ]


def _of_query(query: Query) -> Iterator[str]:
    """Yield what a pipeline changed in the rule of a query, the bound, and the number of assumptions."""
    verdict = query.verdict
    yield from (f"the pipeline {change}" for change in verdict.changes)
    if verdict.bound is not None:
        yield verdict.bound.message
    count = len(verdict.assumptions)
    if count:
        yield "1 assumption" if count == 1 else f"{count} assumptions"


def _of_error(result: TargetResult, rule: RuleResult) -> Iterator[str]:
    """Yield the error with its construct and its line, and the hint."""
    error = result.error
    if error is None:
        return
    place = error.place
    details = [error.construct] if isinstance(error, RefusedError) else []
    if place is not None:
        same_file = rule.place is not None and place.name == rule.place.name
        details.append(f"line {place.line}" if same_file else f"{place.name}:{place.line}")
    yield f"{error.message} ({', '.join(details)})" if details else error.message
    if error.hint:
        yield f"hint: {error.hint}"
