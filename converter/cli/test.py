"""`sigma-convert test`: replay cases, and fail if the reference and the targets do not agree.

PATH... ──load──> cases ──replay on the reference and on each target──> Matrix ──> text | json | junit | github
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from converter.cli.common import FINDINGS, OK, App, emit, explain, note, show_trace, status_of, tally
from converter.cli.inputs import check_stdout
from converter.cli.options import (
    backend_option,
    chosen_pipelines,
    config_option,
    debug_option,
    limit_option,
    parse_options,
    pipeline_options,
)
from converter.errors import ConfigurationError, suggest
from converter.harness.policy import KINDS
from converter.report.layout import write

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from converter.errors import SourceError
    from converter.harness.matrix import Matrix
    from converter.harness.policy import CellKind
    from converter.live.core import LiveError, LiveProduct


@click.command()
@click.option(
    "-t",
    "--target",
    "target_texts",
    multiple=True,
    metavar="TARGET[,TARGET...]",
    help="Targets to test; default: all of our own in every format, and others with a declared divergence.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "junit", "github"]),
    default="text",
    help="text (default), json, junit (XML), or github (annotations of what fails).",
)
@click.option("-k", "keyword", default="", metavar="TEXT", help="Only cases whose name contains TEXT.")
@click.option(
    "--fail-on",
    "fail_on_texts",
    multiple=True,
    metavar="OUTCOME[,OUTCOME...]",
    help="Fail on these outcomes too, for example bounded or refused.",
)
@click.option(
    "--accept",
    "accept_texts",
    multiple=True,
    metavar="OUTCOME[,OUTCOME...]",
    help="Do not fail on these outcomes, for example assumption: the log breaks what a verdict assumes.",
)
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Number of processes; default: one for each processor.",
)
@click.option(
    "--live",
    "live_texts",
    multiple=True,
    metavar="PRODUCT=URL",
    help="Run the queries on a product too: elasticsearch=URL or splunk=URL. Repeatable; see docs/live.md.",
)
@backend_option
@pipeline_options
@limit_option
@config_option
@debug_option
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH...]")
@click.pass_obj
def test(
    app: App,
    *,
    target_texts: tuple[str, ...],
    form: str,
    keyword: str,
    fail_on_texts: tuple[str, ...],
    accept_texts: tuple[str, ...],
    jobs: int | None,
    live_texts: tuple[str, ...],
    options: tuple[str, ...],
    pipelines: tuple[str, ...],
    without_pipeline: bool,
    paths: tuple[Path, ...],
) -> int:
    """Replay test cases: every target must find what the rule finds.

    PATH is a case file, or a folder with case files (cases.yml, *.cases.yml); default: samples.
    """
    from converter.harness.cases.load import load_cases  # noqa: PLC0415  slow to import
    from converter.harness.matrix import run_matrix  # noqa: PLC0415
    from converter.harness.outcome import Settings  # noqa: PLC0415
    from converter.harness.parallel import available_jobs  # noqa: PLC0415
    from converter.harness.target_spec import Defaults, own_variants, parse_names  # noqa: PLC0415
    from converter.report.console import progress  # noqa: PLC0415
    from converter.targets.core.registry import list_targets  # noqa: PLC0415

    settings = app.settings
    known = list_targets()
    names = parse_names(
        target_texts or ("all",),
        known,
        every=own_variants(known),
        options=parse_options(options),
        configured=Defaults(None, settings.options),
    )
    named = parse_names(
        target_texts or settings.target,
        known,
        configured=Defaults(None if target_texts else settings.format, {**settings.options, **parse_options(options)}),
    )
    fail_on, accept = _outcomes(fail_on_texts, "--fail-on"), _outcomes(accept_texts, "--accept")
    if both := [kind for kind in fail_on if kind in accept]:
        raise click.UsageError(f"--fail-on and --accept both name {both[0]}")
    errors: list[SourceError] = []
    suites = load_cases(list(paths) or [Path(path) for path in settings.samples] or [Path("samples")], errors.append)
    for error in errors:
        explain(error)
    if not suites and errors:
        return status_of(errors)
    check_stdout(
        {"the case file": [suite.path for suite in suites]}, [path for suite in suites for path in suite.rules]
    )
    if not any(keyword.lower() in case.name.lower() for suite in suites for case in suite.cases):
        raise click.UsageError(f"no case has {keyword!r} in its name")
    chosen = list(dict.fromkeys((*names, *named)))
    without = without_pipeline or settings.without_pipeline
    used = chosen_pipelines(pipelines, settings, [known[name.name] for name in chosen], without=without)
    left_behind: list[LiveError] = []
    with _opened(live_texts, left_behind) as live, progress() as show:
        matrix = run_matrix(
            suites,
            chosen,
            known,
            Settings(
                used,
                without,
                jobs or available_jobs(),
                app.debug,
                settings.policy(fail_on, accept),
            ),
            keyword=keyword,
            named=named,
            add_declared=not target_texts,
            live=live,
            progress=show,
            on_error=explain,
            errors=errors,
        )
    _write(matrix, form)
    for error in matrix.unjudged:
        if error not in matrix.errors:
            show_trace(error)
    if matrix.unjudged:
        note(f"not judged: {tally(matrix.unjudged)}")
    return max(status_of(matrix.unjudged), FINDINGS if matrix.failed or left_behind else OK)


def _outcomes(texts: Sequence[str], option: str) -> list[CellKind]:
    """Return the outcomes that an option names. Raises UsageError."""
    kinds: list[CellKind] = []
    for word in (part.strip() for text in texts for part in text.split(",")):
        kind = next((kind for kind in KINDS if kind == word), None)
        if kind is None:
            raise click.UsageError(f"{option}: unknown outcome {word!r} ({suggest(word, KINDS) or ', '.join(KINDS)})")
        kinds.append(kind)
    return kinds


def _write(matrix: Matrix, form: str) -> None:
    match form:
        case "json":
            from converter.report.alerts import to_json  # noqa: PLC0415
            from converter.report.matrix_json import matrix_json  # noqa: PLC0415

            emit([to_json(matrix_json(matrix), indent=True)])
        case "junit" | "github":
            from converter.report.matrix_ci import github, junit  # noqa: PLC0415

            emit([junit(matrix)] if form == "junit" else github(matrix))
        case _:
            from converter.report.matrix_text import matrix_report  # noqa: PLC0415

            write(matrix_report(matrix), sys.stdout)


@contextmanager
def _opened(texts: Sequence[str], left_behind: list[LiveError]) -> Iterator[list[LiveProduct]]:
    """Connect to live products; afterwards each removes what it created, even after an error.

    Args:
        texts: products and URLs, as on the command line.
        left_behind: gets an error for each product that could not remove everything.

    Raises:
        ConfigurationError: a text is not PRODUCT=URL, or a product is named twice.
        LiveError: a product does not answer.
    """
    if not texts:
        yield []
        return
    from converter.live.core import LiveError, open_live  # noqa: PLC0415  only with --live

    opened: list[LiveProduct] = []
    try:
        for text in texts:
            product = open_live(text)
            opened.append(product)
            if product.name in {other.name for other in opened[:-1]}:
                raise ConfigurationError(f"--live {product.name} is given twice")
        yield opened
    finally:
        for product in opened:
            try:
                product.close()
            except LiveError as error:
                explain(error)
                left_behind.append(error)
