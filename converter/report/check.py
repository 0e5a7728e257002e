"""What `check` found, as text for a person or as JSON for a program (docs/cli.md documents the latter).

Report: findings in the order of the files, verdicts rule by rule ──> text, JSON
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from converter.errors import RefusedError, RuleWarning
from converter.report.console import Style, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from converter.errors import Place, SourceError
    from converter.report.console import Colour
    from converter.targets.core.target import Query

VERSION = 1
LEFT_OUT = (
    "the validators of pySigma that download something (tags of ATT&CK and D3FEND) are left out",
    "tags of ATT&CK are compared with the table that comes with sigma-convert",
)
_WIDTH = 110
_COLOURS: dict[str, Colour] = {
    "exact": "green",
    "assuming": "green",
    "bounded": "yellow",
    "refused": "red",
    "error": "red",
}


@dataclass(frozen=True, slots=True)
class TargetResult:
    """What becomes of a rule on a target: a query, or the error that tells why not."""

    target: str
    query: Query | None = None
    error: SourceError | None = None

    @property
    def verdict(self) -> str:
        """One of exact, assuming, bounded, unjudged; refused or error if there is no query."""
        if self.query is not None:
            return self.query.verdict.kind
        return "refused" if isinstance(self.error, RefusedError) else "error"


@dataclass(frozen=True, slots=True)
class RuleResult:
    """The verdicts of a rule: its key, and where it stands."""

    rule: str
    place: Place | None
    targets: Sequence[TargetResult]


@dataclass(slots=True)
class Report:
    """Everything that `check` has to say."""

    findings: list[SourceError] = field(default_factory=list)
    rules: list[RuleResult] = field(default_factory=list)

    @property
    def errors(self) -> int:
        """How many findings are errors."""
        return sum(not isinstance(one, RuleWarning) for one in self.findings)

    @property
    def warnings(self) -> int:
        """How many findings are warnings."""
        return len(self.findings) - self.errors


def check_text(report: Report, style: Style) -> Iterator[str]:
    """Yield the lines of a report for a person."""
    for finding in report.findings:
        first, *rest = (printable(line) for line in finding.render().split("\n"))
        if isinstance(finding, RuleWarning):
            yield style.paint(f"{first} [{finding.code}]", "yellow")
        else:
            yield style.paint(first, "red")
        yield from rest
    for number, rule in enumerate(report.rules):
        if number or report.findings:
            yield ""
        where = f" ({rule.place.name}:{rule.place.line})" if rule.place is not None else ""
        yield style.paint(printable(f"{rule.rule}{where}"), "bold")
        yield from _verdicts(rule, style)


def _verdicts(rule: RuleResult, style: Style) -> Iterator[str]:
    width = max((len(result.target) for result in rule.targets), default=0)
    warned: dict[str, list[str]] = {}
    for result in rule.targets:
        verdict = result.verdict
        painted = style.paint(verdict, _COLOURS.get(verdict, "cyan"))
        yield f"  {result.target.ljust(width)}  {painted}{' ' * (8 - len(verdict))}  {_summary(result, rule)}".rstrip()
        for note in _notes(result):
            indent = " " * (width + 14)
            yield from textwrap.wrap(
                printable(note), _WIDTH, initial_indent=indent, subsequent_indent=f"{indent}  ", break_on_hyphens=False
            )
        for warning in result.query.warnings if result.query is not None else ():
            warned.setdefault(warning, []).append(result.target)
    for warning, targets in warned.items():
        yield style.paint(printable(f"  warning: {', '.join(targets)}: {warning}"), "yellow")


def _summary(result: TargetResult, rule: RuleResult) -> str:
    """Return what stands behind a verdict: how many assumptions and whether there is a bound; or where it fails."""
    if result.query is not None:
        verdict = result.query.verdict
        count = len(verdict.assumptions)
        assumes = f"{count} assumption{'s' * (count != 1)}" if count else ""
        return f"{assumes}{', and:' if assumes and verdict.bound is not None else ''}"
    place = result.error.place if result.error is not None else None
    if place is None:
        where = ""
    elif rule.place is not None and place.name == rule.place.name:
        where = f"line {place.line}"
    else:
        where = f"{place.name}:{place.line}"
    construct = f"({result.error.construct})" if isinstance(result.error, RefusedError) else ""
    return printable(f"{where} {construct}".strip())


def _notes(result: TargetResult) -> Iterator[str]:
    if result.query is not None:
        if result.query.verdict.bound is not None:
            yield result.query.verdict.bound.says
    elif result.error is not None:
        yield result.error.message
        if result.error.hint:
            yield f"hint: {result.error.hint}"


def check_json(report: Report, *, ok: bool) -> dict[str, Any]:
    """Return a report as plain data."""
    return {
        "version": VERSION,
        "ok": ok,
        "errors": report.errors,
        "warnings": report.warnings,
        "findings": [_finding(finding) for finding in report.findings],
        "rules": [
            {
                "rule": rule.rule,
                "file": rule.place.name if rule.place is not None else None,
                "line": rule.place.line if rule.place is not None else None,
                "targets": [_target(result) for result in rule.targets],
            }
            for rule in report.rules
        ],
        "left_out": list(LEFT_OUT),
    }


def _target(result: TargetResult) -> dict[str, Any]:
    query = result.query
    bound = query.verdict.bound if query is not None else None
    return {
        "target": result.target,
        "verdict": result.verdict,
        "bound": bound.says if bound is not None else None,
        "assumptions": [one.says for one in query.verdict.assumptions] if query is not None else [],
        "warnings": list(query.warnings) if query is not None else [],
        "error": _finding(result.error) if result.error is not None else None,
    }


def _finding(error: SourceError) -> dict[str, Any]:
    place = error.place
    return {
        "kind": kind_of(error),
        "code": code_of(error),
        "construct": error.construct if isinstance(error, RefusedError) else None,
        "message": error.message,
        "hint": error.hint or None,
        "file": place.name if place is not None else None,
        "line": place.line if place is not None else None,
        "column": place.column if place is not None else None,
        "length": place.length if place is not None else None,
    }


def kind_of(error: SourceError) -> str:
    """Return warning, refused or error."""
    if isinstance(error, RuleWarning):
        return "warning"
    return "refused" if isinstance(error, RefusedError) else "error"


def code_of(error: SourceError) -> str:
    """Return the name of the check that failed; errors of rules are not told apart."""
    return error.code if isinstance(error, RuleWarning) else kind_of(error)
