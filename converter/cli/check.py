"""`sigma-convert check`: errors and warnings in rules, and the verdict of each target; no logs needed.

RULE... ──load──> findings; plans ──convert for each target──> verdicts ──> Report ──> text | json | sarif
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from converter.cli.common import FINDINGS, OK, App, counted, emit, not_rules, note, show_trace, status_of, tally
from converter.cli.inputs import check_stdout
from converter.cli.options import (
    backend_option,
    chosen_pipelines,
    config_option,
    debug_option,
    exclude_option,
    field_options,
    field_settings,
    limit_option,
    parse_options,
    pipeline_options,
    rule_argument,
)
from converter.errors import InternalError, suggest
from converter.report.layout import write

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from converter.errors import RuleWarning, SourceError
    from converter.harness.target_spec import TargetName
    from converter.pipelines.given import PipelineSpec
    from converter.report.check import Outcome, Report, RuleResult, TargetResult
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
@field_options
@click.option(
    "--fail-on",
    "fail_on_texts",
    multiple=True,
    metavar="OUTCOME[,OUTCOME...]",
    help="Fail on these too: warning (of conversions, for example an unmapped field), bounded, unjudged, refused.",
)
@backend_option
@exclude_option
@limit_option
@config_option
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
    allow_unmapped: bool | None,
    fail_on_texts: tuple[str, ...],
    options: tuple[str, ...],
    exclude: tuple[str, ...],
    rules: tuple[str, ...],
) -> int:
    """Report errors and warnings in rules, and the verdict of each target.

    RULE is a file, a folder, or - for standard input. The exit status is 2 if there are errors in rules, 1 if there are
    warnings about the text of rules, a target named with -t refuses a rule, or there is something that --fail-on names,
    and else 0.
    """
    from converter.harness.target_spec import Defaults, own_names, parse_names  # noqa: PLC0415  slow to import
    from converter.report.check import Report  # noqa: PLC0415
    from converter.rules.load import load_rules  # noqa: PLC0415
    from converter.targets.core.registry import list_targets  # noqa: PLC0415

    check_stdout({"the pipeline": pipelines}, rules)
    settings = app.settings
    strict, allow = field_settings(settings, strict_fields, allow_unmapped)
    fail_on = _fail_on(fail_on_texts)
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
            strict,
            allow,
            frozenset(codes),
        )
        report.rules.extend(conversion.judge_all(loaded))
    for finding in report.findings:
        show_trace(finding)
    named = [part for text in target_texts for part in text.split(",") if part.strip() != "all"]
    strict_targets = {name.name for name in (chosen if "refused" in fail_on else parse_names(named, known))}
    refusals = _refusals(report, {str(name) for name in chosen if name.name in strict_targets})
    failed = report.findings or refusals or any(report.has(outcome) for outcome in fail_on)
    status = max(status_of(report.findings), status_of(report.bugs), FINDINGS if failed else OK)
    _write(report, form, ok=status == OK)
    parts = [
        counted(len(loaded.documents), "rule"),
        tally([*report.findings, *report.bugs]),
        counted(report.warnings, "warning"),
    ]
    parts += [counted(refusals, "refusal")] if refusals else []
    left_out = not_rules(loaded.warnings)
    note(", ".join(parts) + (f"; {left_out}" if left_out else ""))
    return status


@dataclass(frozen=True, slots=True)
class _Conversion:
    """The targets, and how rules are converted to them."""

    chosen: Sequence[TargetName]
    known: Mapping[str, Target]
    pipelines: Sequence[PipelineSpec]
    without_pipeline: bool
    strict_fields: bool
    allow_unmapped: bool
    ignored: Collection[str]

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
        from converter.products.unmapped import CODE  # noqa: PLC0415
        from converter.report.check import TargetResult, others  # noqa: PLC0415

        errors: list[SourceError] = []
        queries = convert_rules(
            rules,
            self.known[name.name],
            pipelines=self.pipelines,
            without_pipeline=self.without_pipeline,
            format=name.format,
            options=dict(name.options),
            strict_fields=self.strict_fields,
            allow_unmapped=self.allow_unmapped,
            on_error=errors.append,
        )
        for error in errors:
            show_trace(error)
        query = queries[0] if queries else None
        if query is not None and query.unmapped is not None and CODE in self.ignored:
            query = replace(query, warnings=tuple(others(query)), unmapped=None)
        return TargetResult(str(name), query, errors[0] if errors else None)


def _fail_on(texts: Sequence[str]) -> list[Outcome]:
    """Return the outcomes of --fail-on. Raises UsageError, with a suggestion."""
    from converter.report.check import OUTCOMES  # noqa: PLC0415  slow to import

    known = {str(outcome): outcome for outcome in OUTCOMES}
    names = [name.strip() for text in texts for name in text.split(",")]
    for name in names:
        if name not in known:
            hint = suggest(name, known) or f"known: {', '.join(known)}"
            raise click.UsageError(f"--fail-on: `check` has no outcome {name!r}; {hint}")
    return [known[name] for name in names]


def _refusals(report: Report, strict: Collection[str]) -> int:
    """Count the pairs of rule and target that have no query and are findings.

    A refusal is a finding only for the targets in `strict`, which the user named: of all targets, some always refuse a
    rule.
    """
    return sum(
        (result.verdict == "error" and not isinstance(result.error, InternalError))
        or (result.target in strict and result.verdict == "refused")
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
