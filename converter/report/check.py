"""The report of `check`, and its JSON for a program, which docs/cli.md documents.

Report: findings in the order of the files, verdicts rule by rule ──> JSON; text by `check_text`
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from converter.errors import InternalError, LeftOutError, RefusedError, RuleWarning
from converter.plan.attack import editions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from converter.errors import Place, SourceError
    from converter.targets.core.target import Query

VERSION = 1
Outcome: TypeAlias = Literal["warning", "bounded", "unjudged", "refused"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
"""What `--fail-on` takes; the names are those of `test`, as far as there are outcomes without logs."""


def left_out() -> tuple[str, ...]:
    """Return what is not checked, and what it is replaced by."""
    return (
        "the validators of pySigma that download data (for tags of ATT&CK and D3FEND) do not run",
        f"tags are compared with ATT&CK {editions()} (Enterprise), which come with sigma-convert",
    )


@dataclass(frozen=True, slots=True)
class TargetResult:
    """The conversion of a rule to a target: a query, or the error that says why there is none."""

    target: str
    query: Query | None = None
    error: SourceError | None = None

    @property
    def verdict(self) -> str:
        """One of exact, assuming, bounded, changed, unjudged; refused or error if there is no query."""
        if self.query is not None:
            return self.query.verdict.kind
        return "refused" if isinstance(self.error, RefusedError) else "error"


@dataclass(frozen=True, slots=True)
class RuleResult:
    """The verdicts of a rule, with its key and its place."""

    rule: str
    place: Place | None
    targets: Sequence[TargetResult]

    def unmapped(self) -> list[tuple[RuleWarning, list[str]]]:
        """Return the warnings about fields that no mapping has, each with the targets to which it applies."""
        warnings: dict[str, tuple[RuleWarning, list[str]]] = {}
        for result in self.targets:
            unmapped = result.query.unmapped if result.query is not None else None
            for warning in unmapped.warnings() if unmapped is not None else ():
                warnings.setdefault(warning.message, (warning, []))[1].append(result.target)
        return list(warnings.values())

    def warnings(self) -> dict[str, list[str]]:
        """Return the other warnings of its conversions, each with the targets to which it applies."""
        warned: dict[str, list[str]] = {}
        for result in self.targets:
            for warning in others(result.query) if result.query is not None else ():
                warned.setdefault(warning, []).append(result.target)
        return warned


def others(query: Query) -> Iterator[str]:
    """Yield the warnings of a query that are not about unmapped fields."""
    unmapped = query.unmapped.message if query.unmapped is not None else None
    return (warning for warning in query.warnings if warning != unmapped)


@dataclass(slots=True)
class Report:
    """All findings, and the verdicts of all rules."""

    findings: list[SourceError] = field(default_factory=list)
    rules: list[RuleResult] = field(default_factory=list)

    @property
    def errors(self) -> int:
        """How many findings are errors; a rule that is left out because of another one's error is not one of them."""
        return sum(not isinstance(finding, RuleWarning | LeftOutError) for finding in self.findings)

    @property
    def bugs(self) -> list[SourceError]:
        """The bugs of ours in the conversions."""
        results = (result.error for rule in self.rules for result in rule.targets)
        return [error for error in results if isinstance(error, InternalError)]

    @property
    def warnings(self) -> int:
        """How many warnings there are, those of conversions included."""
        findings = sum(isinstance(finding, RuleWarning) for finding in self.findings)
        return findings + sum(len(rule.unmapped()) + len(rule.warnings()) for rule in self.rules)

    def has(self, outcome: Outcome) -> bool:
        """Return whether there is a warning, or a conversion with an outcome."""
        if outcome == "warning":
            return self.warnings > 0
        return any(result.verdict == outcome for rule in self.rules for result in rule.targets)


def check_json(report: Report, *, ok: bool) -> dict[str, Any]:
    """Return a report as plain data."""
    return {
        "version": VERSION,
        "ok": ok,
        "errors": report.errors + len(report.bugs),
        "warnings": report.warnings,
        "findings": [finding(error) for error in report.findings],
        "rules": [
            {
                "rule": rule.rule,
                "file": rule.place.name if rule.place is not None else None,
                "line": rule.place.line if rule.place is not None else None,
                "targets": [_target(result) for result in rule.targets],
            }
            for rule in report.rules
        ],
        "left_out": list(left_out()),
    }


def _target(result: TargetResult) -> dict[str, Any]:
    query = result.query
    bound = query.verdict.bound if query is not None else None
    return {
        "target": result.target,
        "verdict": result.verdict,
        "bound": bound.message if bound is not None else None,
        "assumptions": [assumption.message for assumption in query.verdict.assumptions] if query is not None else [],
        "warnings": list(query.warnings) if query is not None else [],
        "unmapped": [finding(warning) for warning in query.unmapped.warnings()]
        if query is not None and query.unmapped is not None
        else [],
        "pipeline": pipeline_json(query) if query is not None else None,
        "error": finding(result.error) if result.error is not None else None,
    }


def pipeline_json(query: Query) -> dict[str, Any]:
    """Return what a pipeline did to the rule of a query."""
    return {
        "renames": {old: list(new) for old, new in query.renames.items()},
        "changes": list(query.verdict.changes),
        "other": list(query.pipeline),
    }


def finding(error: SourceError) -> dict[str, Any]:
    """Return an error or a warning as plain data."""
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
    """Return warning, refused, left-out, bug or error."""
    match error:
        case RuleWarning():
            return "warning"
        case RefusedError():
            return "refused"
        case LeftOutError():
            return "left-out"
        case InternalError():
            return "bug"
        case _:
            return "error"


def code_of(error: SourceError) -> str:
    """Return the code of a warning, and the kind of an error, which has no code."""
    return error.code if isinstance(error, RuleWarning) else kind_of(error)
