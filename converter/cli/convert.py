"""`sigma-convert [convert]`: rules in, queries out."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from converter.cli.common import (
    BAD_INPUT,
    OK,
    App,
    backend_option,
    counted,
    debug_option,
    explain,
    note,
    parse_options,
    pipeline_options,
    rule_argument,
    warn,
)
from converter.errors import ConfigurationError, RefusedError, SourceError, UnreadableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from converter.harness.target_spec import TargetName
    from converter.rules.collection import Rules
    from converter.targets.core.target import Query, Target


@dataclass(slots=True)
class _Work:
    """What has been done so far: queries by target, and what could not be converted."""

    queries: list[tuple[TargetName, Target, Query]] = field(default_factory=list)
    refused: int = 0
    bad: int = 0


@click.command()
@click.option(
    "-t",
    "--target",
    "target_texts",
    multiple=True,
    metavar="TARGET[,TARGET...]",
    help="What to convert to: NAME[:FORMAT][:KEY=VALUE], or `all`. `sigma-convert targets` lists them.",
)
@pipeline_options
@click.option("--strict-fields", is_flag=True, default=None, help="A field that no mapping knows is an error.")
@click.option("-f", "--format", "form", metavar="FORMAT", help="A format of the target, for targets that have it.")
@backend_option
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write the queries to a file.")
@click.option(
    "-d",
    "--output-dir",
    "folder",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write each query to a file of its own in a folder.",
)
@click.option(
    "-s", "--skip", "--skip-unsupported", "skip", is_flag=True, help="What cannot be converted is listed, and no error."
)
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
    form: str | None,
    options: tuple[str, ...],
    output: Path | None,
    folder: Path | None,
    skip: bool,
    rules: tuple[str, ...],
) -> int:
    """Convert rules to the query languages of targets.

    RULE is a file, a folder, or - for standard input. Queries go to standard output, with an empty line between two;
    warnings, verdicts that are not exact, and errors go to standard error.
    """
    from converter.conversion import convert_rules  # noqa: PLC0415  slow to import
    from converter.harness.target_spec import Defaults, own_names, parse_names  # noqa: PLC0415
    from converter.rules.load import load_rules  # noqa: PLC0415
    from converter.targets.core.registry import list_targets  # noqa: PLC0415

    settings = app.settings
    texts = target_texts or settings.target
    if not texts:
        raise click.UsageError("no target: say -t TARGET (`sigma-convert targets` lists them), or -t all")
    if output is not None and folder is not None:
        raise click.UsageError("-o and -d at once")
    if output == Path("-"):
        output = None
    known = list_targets()
    chosen = parse_names(
        texts,
        known,
        every=own_names(known),
        form=form,
        options=parse_options(options),
        configured=Defaults(settings.format, settings.options),
    )
    named_texts = [part for text in texts for part in text.split(",") if part.strip() != "all"]
    named = {name.name for name in parse_names(named_texts, known)}
    work = _Work()
    loaded = load_rules(rules, on_error=lambda error: _failed(error, work, skip=skip))
    for warning in loaded.warnings:
        explain(warning)
    for name in chosen:
        target = known[name.name]
        errors: list[SourceError] = []
        queries = convert_rules(
            loaded,
            target,
            pipelines=pipelines or settings.pipeline,
            without_pipeline=without_pipeline or settings.without_pipeline,
            format=name.format,
            options=dict(name.options),
            strict_fields=settings.strict_fields if strict_fields is None else strict_fields,
            on_error=errors.append,
        )
        for error in errors:
            _failed(error, work, skip=skip, target=str(name), wanted=name.name in named)
        work.queries.extend((name, target, query) for query in queries)
    _write(work.queries, output, folder, several=len(chosen) > 1)
    return _conclude(work, loaded, chosen, skip=skip, to=output or folder)


def _failed(error: SourceError, work: _Work, *, skip: bool, target: str = "", wanted: bool = True) -> None:
    """Show an error and count it. A refusal of a target that only `all` names, or with -s, is no failure."""
    if isinstance(error, ConfigurationError):
        raise error
    if target:
        error = _named(error, target)
    explain(error)
    if isinstance(error, UnreadableError):  # a wrong path is no rule that could be skipped
        work.bad += 1
    elif skip or (isinstance(error, RefusedError) and not wanted):
        work.refused += 1
    else:
        work.bad += 1


def _named(error: SourceError, target: str) -> SourceError:
    """Say which target it is that an error comes from, unless it says so itself."""
    if target not in error.message:
        error.message = f"{target}: {error.message}"
    return error


def _write(
    queries: Sequence[tuple[TargetName, Target, Query]], output: Path | None, folder: Path | None, *, several: bool
) -> None:
    _say_once(queries)
    if folder is not None:
        from converter.report.files import file_names, write_files  # noqa: PLC0415

        names = file_names(
            [(query.stem or query.rule, str(name), _suffix(target, query)) for name, target, query in queries]
        )
        write_files(folder, {name: _ended(query.text) for name, (_, _, query) in zip(names, queries, strict=True)})
        return
    if output is not None:
        from converter.report.files import write_file  # noqa: PLC0415

        if several:
            raise click.UsageError("-o with several targets would mix languages: use -d DIR")
        kind = _ALONE.get(_suffix(queries[0][1], queries[0][2])) if len(queries) > 1 else None
        if kind is not None:
            raise click.UsageError(f"each rule is a {kind} file of its own: use -d DIR")
        if queries:
            write_file(output, "\n".join(_ended(query.text) for _, _, query in queries))
        return
    for number, (name, _, query) in enumerate(queries):
        if number:
            click.echo()
        if several:  # for a person at a terminal; the data stays clean
            sys.stdout.flush()
            note(f"# {name}: {query.rule}")
        click.echo(query.text.rstrip("\n"))


def _say_once(queries: Sequence[tuple[TargetName, Target, Query]]) -> None:
    """Show every warning, and what makes verdicts not exact, once, with the targets and the rules that it is about."""
    rules = {query.rule for _, _, query in queries}
    said: dict[tuple[str, str], tuple[dict[str, None], dict[str, None]]] = {}
    for name, _, query in queries:
        bound, limit = query.verdict.bound, query.verdict.limit
        notes = [("warning", warning) for warning in query.warnings]
        notes += [("differs", bound.says)] if bound is not None else []
        notes += [("limit", limit.says)] if limit is not None else []
        notes += [("assumes", assumption.says) for assumption in query.verdict.assumptions]
        for note_of_query in notes:
            targets, of_rules = said.setdefault(note_of_query, ({}, {}))
            targets[str(name)] = of_rules[query.rule] = None
    for kind in ("warning", "differs", "limit", "assumes"):
        for (of_kind, text), (targets, of_rules) in said.items():
            if of_kind == kind:
                whose = "" if set(of_rules) == rules else f" ({', '.join(of_rules)})"
                warn(f"{kind}: {', '.join(targets)}: {text}{whose}")


# Files of languages that a target has besides its own; files that hold one rule.
_SUFFIXES = {"savedsearches": ".conf", "contentctl": ".yml"}
_ALONE = {".toml": "TOML", ".yml": "YAML"}


def _suffix(target: Target, query: Query) -> str:
    return _SUFFIXES.get(query.language, target.suffix)


def _ended(text: str) -> str:
    return text if text.endswith("\n") else f"{text}\n"


def _conclude(work: _Work, rules: Rules, chosen: Sequence[TargetName], *, skip: bool, to: Path | None) -> int:
    count = len(work.queries)
    if to is not None or work.bad or work.refused:
        into = f" in {to}" if to is not None and count else ""
        parts = [
            f"{counted(len(rules.plans), 'rule')}, {counted(len(chosen), 'target')}: {counted(count, 'query')}{into}"
        ]
        if work.refused:
            parts.append(f"{work.refused} {'skipped' if skip else 'refused'}")
        if work.bad:
            parts.append(counted(work.bad, "error"))
        note("; ".join(parts))
    return BAD_INPUT if work.bad or not count else OK
