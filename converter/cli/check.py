"""`sigma-convert check`: what is wrong with rules, and what each target makes of them; no logs needed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from converter.cli.common import (
    BAD_INPUT,
    FINDINGS,
    OK,
    App,
    backend_option,
    counted,
    debug_option,
    emit,
    note,
    parse_options,
    pipeline_options,
    rule_argument,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from converter.errors import RuleWarning, SourceError
    from converter.harness.target_spec import TargetName
    from converter.report.check import Report, RuleResult
    from converter.rules.collection import Rules
    from converter.targets.core.target import Target


@click.command()
@click.option(
    "-t",
    "--target",
    "target_texts",
    multiple=True,
    metavar="TARGET[,TARGET...]",
    help="Which targets; default: all of our own.",
)
@click.option("--lint-only", is_flag=True, help="Say nothing about targets.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "sarif"]),
    default="text",
    help="text (default), json, or sarif (findings only).",
)
@click.option(
    "--ignore", "ignored", multiple=True, metavar="CODE[,CODE...]", help="Leave out warnings with these codes."
)
@pipeline_options
@click.option("--strict-fields", is_flag=True, default=None, help="A field that no mapping knows is an error.")
@backend_option
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
    rules: tuple[str, ...],
) -> int:
    """Check rules: every error and warning with its place, and the verdict of every target.

    RULE is a file, a folder, or - for standard input. Exit status: 0 nothing to say, 1 warnings, or a target named
    with -t refuses a rule, 2 a rule is in error.
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

    def warned(warning: RuleWarning) -> None:
        if warning.code not in codes:
            report.findings.append(warning)

    loaded = load_rules(rules, report.findings.append, warned)
    if not lint_only and form != "sarif":
        for plan in loaded.plans:
            report.rules.append(
                _judge(
                    loaded.only(plan),
                    chosen,
                    known,
                    pipelines=pipelines or settings.pipeline,
                    without_pipeline=without_pipeline or settings.without_pipeline,
                    strict_fields=settings.strict_fields if strict_fields is None else strict_fields,
                )
            )
    named = {part.strip() for text in target_texts for part in text.split(",")} - {"all"}
    refused = _refused(report, strict=bool(named))
    status = BAD_INPUT if report.errors else FINDINGS if report.warnings or refused else OK
    _write(report, form, ok=status == OK)
    parts = [
        counted(len(loaded.documents), "rule"),
        counted(report.errors, "error"),
        counted(report.warnings, "warning"),
    ]
    if refused:
        parts.append(counted(refused, "refusal"))
    note(", ".join(parts))
    return status


def _judge(
    rules: Rules,
    chosen: Sequence[TargetName],
    known: Mapping[str, Target],
    *,
    pipelines: Sequence[str],
    without_pipeline: bool,
    strict_fields: bool,
) -> RuleResult:
    """Convert one rule to every target."""
    from converter.conversion import convert_rules  # noqa: PLC0415  slow to import
    from converter.report.check import RuleResult, TargetResult  # noqa: PLC0415

    results = []
    for name in chosen:
        errors: list[SourceError] = []
        queries = convert_rules(
            rules,
            known[name.name],
            pipelines=pipelines,
            without_pipeline=without_pipeline,
            format=name.format,
            options=dict(name.options),
            strict_fields=strict_fields,
            on_error=errors.append,
        )
        results.append(TargetResult(str(name), queries[0] if queries else None, errors[0] if errors else None))
    document = rules.documents[-1]
    return RuleResult(rules.plans[0].meta.key, document.place(), results)


def _refused(report: Report, *, strict: bool) -> int:
    """Count the pairs of rule and target without a query that are findings.

    A refusal is one only of a target that was named: that not every target can say every rule is no news.
    """
    return sum(
        result.verdict == "error" or (strict and result.verdict == "refused")
        for rule in report.rules
        for result in rule.targets
    )


def _write(report: Report, form: str, *, ok: bool) -> None:
    if form == "text":
        from converter.report.check import LEFT_OUT, check_text  # noqa: PLC0415
        from converter.report.console import style_for  # noqa: PLC0415

        emit(check_text(report, style_for(sys.stdout)))
        note(f"note: {LEFT_OUT[0]}")
        return
    from converter.report.alerts import to_json  # noqa: PLC0415

    if form == "json":
        from converter.report.check import check_json  # noqa: PLC0415

        emit([to_json(check_json(report, ok=ok), indent=True)])
    else:
        from importlib.metadata import version  # noqa: PLC0415

        from converter.report.sarif import sarif  # noqa: PLC0415

        emit([to_json(sarif(report.findings, version("sigma-convert")), indent=True)])
