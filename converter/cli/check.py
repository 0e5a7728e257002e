"""`sigma-convert check`: errors and warnings in rules, and the verdict of each target; no logs needed.

RULE... ──load──> findings; plans ──convert for each target──> verdicts ──> Report ──> text | json | sarif
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from converter.cli.common import (
    BAD_INPUT,
    FINDINGS,
    OK,
    App,
    backend_option,
    chosen_pipelines,
    counted,
    debug_option,
    emit,
    exclude_option,
    not_rules,
    note,
    parse_options,
    pipeline_options,
    rule_argument,
)
from converter.report.layout import write

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from converter.errors import RuleWarning, SourceError
    from converter.harness.target_spec import TargetName
    from converter.pipelines.given import PipelineSpec
    from converter.report.check import Report, RuleResult, TargetResult
    from converter.rules.collection import Rules
    from converter.targets.core.target import Target


@click.command()
@click.option(
    "-t",
    "--target",
    "target_texts",
    multiple=True,
    metavar="TARGET[,TARGET...]",
    help="Targets to convert to; default: all of our own.",
)
@click.option("--lint-only", is_flag=True, help="Do not convert; report errors and warnings only.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "sarif"]),
    default="text",
    help="text (default), json, or sarif (findings only).",
)
@click.option("--ignore", "ignored", multiple=True, metavar="CODE[,CODE...]", help="Ignore warnings with these codes.")
@pipeline_options
@click.option(
    "--strict-fields", is_flag=True, default=None, help="A field without a mapping is an error, not a warning."
)
@backend_option
@exclude_option
@debug_option
@rule_argument
@click.pass_obj
def check(
    app: App,
    *,
    target_texts: tuple[str, ...],
    lint_only: bool,
    form: str,
    ignored: tuple[str, ...],
    pipelines: tuple[str, ...],
    without_pipeline: bool,
    strict_fields: bool | None,
    options: tuple[str, ...],
    exclude: tuple[str, ...],
    rules: tuple[str, ...],
) -> int:
    """Report errors and warnings in rules, and the verdict of each target.

    RULE is a file, a folder, or - for standard input. The exit status is 2 if there are errors in rules, 1 if there are
    warnings or a target named with -t refuses a rule, and else 0.
    """
    from converter.harness.target_spec import Defaults, own_names, parse_names  # noqa: PLC0415  slow to import
    from converter.report.check import Report  # noqa: PLC0415
    from converter.rules.load import load_rules  # noqa: PLC0415
    from converter.targets.core.registry import list_targets  # noqa: PLC0415

    settings = app.settings
    known = list_targets()
    chosen = parse_names(
        target_texts or ("all",),
        known,
        every=own_names(known),
        options=parse_options(options),
        configured=Defaults(None, settings.options),
    )
    report = Report()
    codes = {code.strip() for text in ignored for code in text.split(",")}

    def add_warning(warning: RuleWarning) -> None:
        if warning.code not in codes:
            report.findings.append(warning)

    loaded = load_rules(rules, report.findings.append, add_warning, exclude=exclude or settings.exclude)
    if not lint_only and form != "sarif":
        without = without_pipeline or settings.without_pipeline
        conversion = _Conversion(
            chosen,
            known,
            chosen_pipelines(pipelines, settings, [known[name.name] for name in chosen], without=without),
            without,
            settings.strict_fields if strict_fields is None else strict_fields,
        )
        report.rules.extend(conversion.judge_all(loaded))
    named = {part.strip() for text in target_texts for part in text.split(",")} - {"all"}
    refusals = _refusals(report, strict=bool(named))
    status = BAD_INPUT if report.errors else FINDINGS if report.warnings or refusals else OK
    _write(report, form, ok=status == OK)
    parts = [(len(loaded.documents), "rule"), (report.errors, "error"), (report.warnings, "warning")]
    parts += [(refusals, "refusal")] if refusals else []
    left_out = not_rules(loaded.warnings)
    note(", ".join(counted(count, noun) for count, noun in parts) + (f"; {left_out}" if left_out else ""))
    return status


@dataclass(frozen=True, slots=True)
class _Conversion:
    """The targets, and how rules are converted to them."""

    chosen: Sequence[TargetName]
    known: Mapping[str, Target]
    pipelines: Sequence[PipelineSpec]
    without_pipeline: bool
    strict_fields: bool

    def judge_all(self, rules: Rules) -> list[RuleResult]:
        """Convert each rule to every target; a terminal shows how far it is."""
        from converter.report.console import progress  # noqa: PLC0415

        results = []
        with progress() as show:
            for number, plan in enumerate(rules.plans, 1):
                show(f"{number}/{len(rules.plans)} rules: {plan.meta.key}")
                results.append(self._judge(rules.only(plan)))
        return results

    def _judge(self, rules: Rules) -> RuleResult:
        """Convert one rule to every target."""
        from converter.report.check import RuleResult  # noqa: PLC0415

        results = [self._convert(rules, name) for name in self.chosen]
        return RuleResult(rules.plans[0].meta.key, rules.documents[-1].place(), results)

    def _convert(self, rules: Rules, name: TargetName) -> TargetResult:
        from converter.conversion import convert_rules  # noqa: PLC0415  slow to import
        from converter.report.check import TargetResult  # noqa: PLC0415

        errors: list[SourceError] = []
        queries = convert_rules(
            rules,
            self.known[name.name],
            pipelines=self.pipelines,
            without_pipeline=self.without_pipeline,
            format=name.format,
            options=dict(name.options),
            strict_fields=self.strict_fields,
            on_error=errors.append,
        )
        return TargetResult(str(name), queries[0] if queries else None, errors[0] if errors else None)


def _refusals(report: Report, *, strict: bool) -> int:
    """Count the pairs of rule and target that have no query and are findings.

    A refusal is a finding only if the user named the target: of all targets, some always refuse a rule.
    """
    return sum(
        result.verdict == "error" or (strict and result.verdict == "refused")
        for rule in report.rules
        for result in rule.targets
    )


def _write(report: Report, form: str, *, ok: bool) -> None:
    if form == "text":
        from converter.report.check import left_out  # noqa: PLC0415
        from converter.report.check_text import check_text  # noqa: PLC0415

        write(check_text(report), sys.stdout)
        for sentence in left_out():
            note(f"note: {sentence}")
        return
    from converter.report.alerts import to_json  # noqa: PLC0415

    if form == "json":
        from converter.report.check import check_json  # noqa: PLC0415

        emit([to_json(check_json(report, ok=ok), indent=True)])
    else:
        from importlib.metadata import version  # noqa: PLC0415

        from converter.report.sarif import sarif  # noqa: PLC0415

        emit([to_json(sarif(report.findings, version("sigma-convert")), indent=True)])
