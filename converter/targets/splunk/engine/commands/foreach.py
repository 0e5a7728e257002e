"""`foreach`: a template of commands, run once for each field that matches.

    template, name ──replace <<FIELD>>...──> text ──parse, compile──> stage        (kept for each name)
    rows ──stage of the first name──> rows ──stage of the second──> ...

The fields of a wildcard are those that any row has, so rows are held back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from converter.errors import QueryError
from converter.targets.splunk.engine.language.expression_code import error_at
from converter.targets.splunk.engine.language.regexes import wildcard_groups
from converter.targets.splunk.engine.language.syntax import (
    Convert,
    Eval,
    FillNull,
    MakeMv,
    NoMv,
    Pipeline,
    Rename,
    Rex,
    Sed,
    StrCat,
    Transliterate,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from converter.targets.splunk.engine.language.syntax import ForEach
    from converter.targets.splunk.engine.language.values import Row

Stage: TypeAlias = "Callable[[Iterable[Row]], Iterable[Row]]"
CompilePipeline: TypeAlias = "Callable[[Pipeline, str], Stage]"

_ROW_BY_ROW = (Eval, Rex, Sed, Transliterate, Rename, MakeMv, NoMv, Convert, StrCat, FillNull)
_FIRST = "* | "


def foreach(command: ForEach, text: str, compile_pipeline: CompilePipeline) -> Stage:
    """Return the stage of `foreach`.

    Args:
        command: the command.
        text: the search, for errors.
        compile_pipeline: makes a stage of a pipeline.

    Raises:
        QueryError: the template is no search, or holds commands that do not go row by row; when run: it is none with
            the name of a field in it.
    """
    shapes = [(pattern, wildcard_groups(pattern)) for pattern in command.patterns]
    for pattern, _ in shapes:
        _stage(command, pattern.replace("*", "x"), ["x"] * pattern.count("*"), text, compile_pipeline)
    stages: dict[str, Stage] = {}

    def run(rows: Iterable[Row]) -> Iterable[Row]:
        everything = list(rows)
        for pattern, parts_of in shapes:
            for name, parts in _matches(everything, pattern, parts_of):
                if name not in stages:
                    stages[name] = _stage(command, name, parts, text, compile_pipeline)
                everything = list(stages[name](everything))
        return everything

    return run


def _matches(
    rows: Sequence[Row], pattern: str, parts_of: Callable[[str], tuple[str, ...] | None]
) -> list[tuple[str, Sequence[str]]]:
    """Return the fields that match and what the wildcards stand for; a name without one counts, field or not."""
    if "*" not in pattern:
        return [(pattern, ())]
    names = {name: None for row in rows for name in row if name[0:1] != "_"}
    return [(name, parts) for name in names if (parts := parts_of(name)) is not None]


def _stage(command: ForEach, name: str, parts: Sequence[str], text: str, compile_pipeline: CompilePipeline) -> Stage:
    from converter.targets.splunk.engine.parse import parse  # noqa: PLC0415  the parser reads this command, too

    whole, matched, *segments = command.tokens
    template = command.template
    if matched in template and len(parts) > 1:
        raise error_at(
            text,
            command.span,
            f"{matched} with more than one wildcard",
            f"what it is then is not documented; use {segments[0]}",
        )
    values = {whole: name, matched: "".join(parts), **dict(zip(segments, parts, strict=False))}
    for token, value in values.items():
        template = template.replace(token, value)
    try:
        commands = parse(_FIRST + template).commands[1:]
        for inner in commands:
            if not isinstance(inner, _ROW_BY_ROW):
                kind = type(inner).__name__.lower()
                raise error_at(text, command.span, f"{kind} in foreach, which takes commands that change one row")
        return compile_pipeline(Pipeline(commands), _FIRST + template)
    except QueryError as problem:
        raise error_at(text, command.span, f"in foreach, for {name!r}: {problem.message}", problem.hint) from None
