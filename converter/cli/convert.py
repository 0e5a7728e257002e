"""`sigma-convert [convert]`: rules in, queries out.

RULE... ──load──> plans ──convert for each target──> queries ──> standard output, a file, or a folder
                                                  └─> warnings, caveats of verdicts, errors: standard error
"""

from __future__ import annotations

import sys
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from converter.cli.common import BAD_INPUT, OK, App, counted, explain, not_rules, note, status_of, tally
from converter.cli.inputs import STDIN, Inputs, check_stdout
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
from converter.errors import ConfigurationError, InternalError, RefusedError, SourceError, UnreadableError
from converter.report.console import is_terminal
from converter.report.layout import Line, write

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from converter.cli.settings import Settings
    from converter.harness.target_spec import TargetName
    from converter.pipelines.given import PipelineSpec
    from converter.report.destination import FileId
    from converter.rules.collection import Rules
    from converter.targets.core.target import Query, Target

# Suffixes of languages that are not the target's own; kinds of files that hold one rule each.
_SUFFIXES = {"savedsearches": ".conf", "contentctl": ".yml"}
_ONE_RULE_A_FILE = {".toml": "TOML", ".yml": "YAML"}


@dataclass(frozen=True, slots=True)
class _Converted:
    """A query, with the target as the user wrote it."""

    name: TargetName
    target: Target
    query: Query

    @property
    def suffix(self) -> str:
        return _SUFFIXES.get(self.query.language, self.target.suffix)

    @property
    def text(self) -> str:
        """The query, with a line feed at its end."""
        text = self.query.text
        return text if text.endswith("\n") else f"{text}\n"


@dataclass(slots=True)
class _Work:
    """The queries so far, how many conversions were refused, and the errors of those that failed."""

    skip: bool
    queries: list[_Converted] = field(default_factory=list)
    refused: int = 0
    failed: list[SourceError] = field(default_factory=list)

    def add_error(self, error: SourceError, target: str = "", *, named: bool = True) -> None:
        """Show an error and count it.

        A refusal is not a failure if it is skipped, or if the user did not name the target (`all` did). A path that
        does not exist is not a rule that could be skipped, and a bug is never skipped.
        """
        if isinstance(error, ConfigurationError):
            raise error
        if isinstance(error, InternalError) or target not in error.message:  # a bug's message has paths of ours
            error = copy(error)  # a rule's error may be that of several targets
            error.message = f"{target}: {error.message}" if target else error.message
        explain(error)
        if not isinstance(error, UnreadableError | InternalError) and (
            self.skip or (isinstance(error, RefusedError) and not named)
        ):
            self.refused += 1
        else:
            self.failed.append(error)


@click.command()
@click.option(
    "-t",
    "--target",
    "target_texts",
    multiple=True,
    metavar="TARGET[,TARGET...]",
    help="Target to convert to: NAME[:FORMAT][:KEY=VALUE], or `all`. `sigma-convert targets` lists them.",
)
@pipeline_options
@field_options
@click.option("-f", "--format", "form", metavar="FORMAT", help="Output format, for targets that have it.")
@backend_option
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write the queries to a file.")
@click.option(
    "-d",
    "--output-dir",
    "folder",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write each query to its own file in a folder.",
)
@click.option(
    "-s", "--skip", "--skip-unsupported", "skip", is_flag=True, help="List what cannot be converted, and do not fail."
)
@exclude_option
@limit_option
@config_option
@debug_option
@rule_argument
@click.pass_obj
def convert(
    app: App,
    *,
    target_texts: tuple[str, ...],
    pipelines: tuple[str, ...],
    without_pipeline: bool,
    strict_fields: bool | None,
    allow_unmapped: bool | None,
    form: str | None,
    options: tuple[str, ...],
    output: Path | None,
    folder: Path | None,
    skip: bool,
    exclude: tuple[str, ...],
    rules: tuple[str, ...],
) -> int:
    """Convert rules to the query languages of targets.

    RULE is a file, a folder, or - for standard input. Queries go to standard output, with an empty line between them;
    warnings, caveats of verdicts, and errors go to standard error.
    """
    from converter.rules.guides import guides_of  # noqa: PLC0415  slow to import
    from converter.rules.load import load_rules  # noqa: PLC0415
    from converter.targets.core.registry import list_targets  # noqa: PLC0415

    settings = app.settings
    texts = target_texts or settings.target
    if not texts:
        raise click.UsageError("no target: name one with -t TARGET (`sigma-convert targets` lists them), or -t all")
    if output is not None and folder is not None:
        raise click.UsageError("-o and -d cannot be used together")
    if output is not None and _is_stdout(output):
        output = None
    strict, allow = field_settings(settings, strict_fields, allow_unmapped)
    known = list_targets()
    chosen, named = _targets(texts, known, form, options, settings)
    without = without_pipeline or settings.without_pipeline
    inputs = _check_outputs(output, folder, rules, () if without else pipelines or settings.pipeline, settings)
    used = chosen_pipelines(pipelines, settings, [known[name.name] for name in chosen], without=without)
    work = _Work(skip)
    loaded = load_rules(rules, on_error=work.add_error, exclude=exclude or settings.exclude)
    for warning in loaded.warnings:
        explain(warning)
    for name in chosen:
        _convert(
            loaded,
            name,
            known[name.name],
            work,
            named=name.name in named,
            pipelines=used,
            without_pipeline=without,
            strict_fields=strict,
            allow_unmapped=allow,
        )
    if output is not None or folder is not None:
        of_rules = (guides_of(Path(plan.meta.path), plan.meta.key) for plan in loaded.plans)
        inputs.add("the guide", (guide for guides in of_rules for guide, _ in guides))
    _write(work.queries, output, folder, inputs.names, several=len(chosen) > 1)
    return _conclude(work, loaded, chosen, output or folder)


def _targets(
    texts: Sequence[str], known: Mapping[str, Target], form: str | None, options: Sequence[str], settings: Settings
) -> tuple[Sequence[TargetName], set[str]]:
    """Return the targets, and the names of those that the user wrote; `all` stands for the others."""
    from converter.harness.target_spec import Defaults, own_names, parse_names  # noqa: PLC0415

    chosen = parse_names(
        texts,
        known,
        every=own_names(known),
        form=form,
        options=parse_options(options),
        configured=Defaults(settings.format, settings.options),
    )
    named = [part for text in texts for part in text.split(",") if part.strip() != "all"]
    return chosen, {name.name for name in parse_names(named, known)}


def _convert(
    rules: Rules,
    name: TargetName,
    target: Target,
    work: _Work,
    *,
    named: bool,
    pipelines: Sequence[PipelineSpec],
    without_pipeline: bool,
    strict_fields: bool,
    allow_unmapped: bool,
) -> None:
    """Convert the rules to one target, and add the queries and the errors to the work."""
    from converter.conversion import convert_rules  # noqa: PLC0415  slow to import

    errors: list[SourceError] = []
    queries = convert_rules(
        rules,
        target,
        pipelines=pipelines,
        without_pipeline=without_pipeline,
        format=name.format,
        options=dict(name.options),
        strict_fields=strict_fields,
        allow_unmapped=allow_unmapped,
        on_error=errors.append,
    )
    for error in errors:
        work.add_error(error, str(name), named=named)
    work.queries.extend(_Converted(name, target, query) for query in queries)


# --------------------------------------------------------------------------------------------------------- output


def _is_stdout(output: Path) -> bool:
    """Return whether a path is standard output: `-`, /dev/stdout, or another name of it."""
    from converter.readers.links import descriptor_of  # noqa: PLC0415  only with -o

    with suppress(OSError):
        return output == Path(STDIN) or descriptor_of(output) == 1
    return False


def _check_outputs(
    output: Path | None,
    folder: Path | None,
    rules: Sequence[str],
    pipelines: Sequence[PipelineSpec],
    settings: Settings,
) -> Inputs:
    """Refuse outputs that cannot or must not be written, before anything is read; return what is read.

    Raises:
        ConfigurationError: an output is an input, or cannot be written.
    """
    from converter.report.files import check_file, check_folder  # noqa: PLC0415

    inputs = Inputs()
    if output is None and folder is None:
        check_stdout({}, rules)
        return inputs
    inputs.add("the configuration", filter(None, (settings.path, settings.pipeline_path)))
    inputs.add_pipelines(pipelines)
    inputs.add_rules(rules)
    if output is not None:
        check_file(output, inputs.names)
    elif folder is not None:
        check_folder(folder)
    return inputs


def _write(
    queries: Sequence[_Converted],
    output: Path | None,
    folder: Path | None,
    inputs: Mapping[FileId, str],
    *,
    several: bool,
) -> None:
    from converter.report.caveats import caveats  # noqa: PLC0415

    write(caveats([(str(item.name), item.query) for item in queries], grouped=is_terminal(sys.stderr)), sys.stderr)
    if folder is not None:
        from converter.report.file_names import file_names  # noqa: PLC0415
        from converter.report.files import write_files  # noqa: PLC0415

        names = file_names([(item.query.stem or item.query.rule, str(item.name), item.suffix) for item in queries])
        write_files(folder, {name: item.text for name, item in zip(names, queries, strict=True)}, inputs)
    elif output is not None:
        _write_file(queries, output, inputs, several=several)
    else:
        _write_stdout(queries, several=several)


def _write_file(queries: Sequence[_Converted], output: Path, inputs: Mapping[FileId, str], *, several: bool) -> None:
    from converter.report.files import write_file  # noqa: PLC0415

    if several:
        raise click.UsageError("-o cannot hold the queries of several targets: use -d DIR")
    kind = _ONE_RULE_A_FILE.get(queries[0].suffix) if len(queries) > 1 else None
    if kind is not None:
        raise click.UsageError(f"each rule is a {kind} file of its own: use -d DIR")
    if queries:
        write_file(output, "\n".join(item.text for item in queries), inputs)


def _write_stdout(queries: Sequence[_Converted], *, several: bool) -> None:
    """Write the queries with an empty line between them; a terminal gets escapes for what is not printable."""
    terminal = is_terminal(sys.stdout)
    escaped = False
    for number, item in enumerate(queries):
        if number:
            click.echo()
        if several:  # for a person at a terminal; a pipe gets queries only
            sys.stdout.flush()
            note(f"# {item.name}: {item.query.rule}")
        text = item.query.text.rstrip("\n")
        if terminal:
            escaped |= not text.replace("\n", "").replace("\t", "").isprintable()
            write((Line(line, wraps=False) for line in text.split("\n")), sys.stdout)
        else:
            click.echo(text)
    if escaped:
        note(
            "note: characters that are not printable are shown as \\x1b, \\u202e; -o FILE or a pipe gets them unchanged"
        )


def _conclude(work: _Work, rules: Rules, chosen: Sequence[TargetName], place: Path | None) -> int:
    """Say how much was done, if the output does not show it, and return the exit status."""
    count = len(work.queries)
    left_out = not_rules(rules.warnings)
    if place is not None or work.failed or work.refused or left_out:
        where = f" in {place}" if place is not None and count else ""
        parts = [
            f"{counted(len(rules.plans), 'rule')}, {counted(len(chosen), 'target')}: {counted(count, 'query')}{where}"
        ]
        if work.refused:
            parts.append(f"{work.refused} {'skipped' if work.skip else 'refused'}")
        if work.failed:
            parts.append(tally(work.failed))
        if left_out:
            parts.append(left_out)
        note("; ".join(parts))
    return status_of(work.failed) or (OK if count else BAD_INPUT)
