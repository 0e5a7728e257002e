"""`sigma-convert test`: replay cases, and fail if the reference and the targets do not agree."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from converter.cli.common import (
    FINDINGS,
    OK,
    App,
    backend_option,
    debug_option,
    parse_options,
    pipeline_options,
)


@click.command()
@click.option(
    "-t",
    "--target",
    "target_texts",
    multiple=True,
    metavar="TARGET[,TARGET...]",
    help="Which targets; default: all of our own in every format, and those of others with a declared divergence.",
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="text (default) or json.")
@click.option("-k", "keyword", default="", metavar="TEXT", help="Only cases that have this in their name.")
@click.option("-j", "--jobs", type=click.IntRange(min=1), metavar="N", help="Processes; default: one a processor.")
@backend_option
@pipeline_options
@debug_option
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH...]")
@click.pass_obj
def test(
    app: App,
    *,
    target_texts: tuple[str, ...],
    form: str,
    keyword: str,
    jobs: int | None,
    options: tuple[str, ...],
    pipelines: tuple[str, ...],
    without_pipeline: bool,
    paths: tuple[Path, ...],
) -> int:
    """Replay the cases of case files: does every target find what the rule finds?

    PATH is a case file or a folder with case files (cases.yml, *.cases.yml); default: samples.
    """
    from converter.harness.cases import load_cases  # noqa: PLC0415  slow to import
    from converter.harness.cells import Settings  # noqa: PLC0415
    from converter.harness.matrix import run_matrix  # noqa: PLC0415
    from converter.harness.names import Defaults, own_variants, parse_names  # noqa: PLC0415
    from converter.harness.parallel import available_jobs  # noqa: PLC0415
    from converter.registry import list_targets  # noqa: PLC0415
    from converter.report.alerts import to_json  # noqa: PLC0415
    from converter.report.console import progress, style_for  # noqa: PLC0415
    from converter.report.matrix_json import matrix_json  # noqa: PLC0415
    from converter.report.matrix_text import matrix_text  # noqa: PLC0415

    settings = app.settings
    known = list_targets()
    names = parse_names(
        target_texts or ("all",),
        known,
        every=own_variants(known),
        options=parse_options(options),
        configured=Defaults(None, settings.options),
    )
    suites = load_cases(list(paths) or [Path(path) for path in settings.samples] or [Path("samples")])
    if not any(keyword.lower() in case.name.lower() for suite in suites for case in suite.cases):
        raise click.UsageError(f"no case has {keyword!r} in its name")
    with progress() as show:
        matrix = run_matrix(
            suites,
            names,
            known,
            Settings(
                pipelines or settings.pipeline,
                without_pipeline or settings.without_pipeline,
                jobs or available_jobs(),
                app.debug,
            ),
            keyword=keyword,
            add_declared=not target_texts,
            progress=show,
        )
    if form == "json":
        sys.stdout.write(to_json(matrix_json(matrix), indent=True) + "\n")
    else:
        sys.stdout.write(matrix_text(matrix, style_for(sys.stdout)))
    return FINDINGS if matrix.failed else OK
