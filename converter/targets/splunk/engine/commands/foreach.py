"""`foreach`: a template of commands, run once for each field that matches.

    template, name ──replace <<FIELD>>...──> text ──parse, compile──> stage        (kept for each name)
    rows ──stage of the first name──> rows ──stage of the second──> ...

The fields of a wildcard are those that any row has, so rows are held back.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from converter.errors import QueryError
from converter.readers.source import NOWHERE, Source
from converter.targets.splunk.engine.commands.base import Command
from converter.targets.splunk.engine.language.regexes import wildcard_groups
from converter.targets.splunk.engine.language.syntax import CommandNode, Pipeline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from converter.readers.source import Span
    from converter.targets.splunk.engine.commands.base import SearchContext, Stage
    from converter.targets.splunk.engine.language.lex import Scanner
    from converter.targets.splunk.engine.language.values import Row

_TEMPLATE = re.compile(r"""(?:[^"\[\]\\]|\\.)+""", re.DOTALL)
_TOKENS = {
    "fieldstr": "<<FIELD>>",
    "matchstr": "<<MATCHSTR>>",
    "matchseg1": "<<MATCHSEG1>>",
    "matchseg2": "<<MATCHSEG2>>",
    "matchseg3": "<<MATCHSEG3>>",
}
_FIRST = "* | "


@dataclass(frozen=True, slots=True)
class ForEach(CommandNode):
    """`foreach patterns [template]`: the template runs once for each field that matches.

    Attributes:
        patterns: names with wildcards.
        template: the text between the square brackets.
        tokens: what is replaced in the template: the whole name, what the wildcards matched, the first, second, third.
    """

    patterns: tuple[str, ...]
    template: str
    tokens: tuple[str, str, str, str, str]
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


def _read_foreach(scanner: Scanner, span: Span) -> ForEach:
    """Read `foreach patterns [template]`.

    Raises:
        QueryError: the template is missing or not closed, or another mode than that of fields is asked for.
    """
    tokens = dict(_TOKENS)
    patterns: list[str] = []
    while not scanner.at_command_end() and scanner.peek() != "[":
        start = scanner.offset
        match FOREACH.option(scanner):
            case "":
                patterns.append(scanner.name("a field"))
                scanner.accept(",")
            case "mode":
                if (mode := scanner.value("a mode").lower()) != "multifield":
                    raise scanner.error(f"mode={mode} of foreach is not supported", scanner.span(start))
            case option if option in tokens:
                tokens[option] = scanner.value("a text")
                if not tokens[option]:
                    raise scanner.error(f"an empty {option}", scanner.span(start))
    if not patterns or scanner.peek() != "[":
        raise scanner.error("foreach without a field and a template in square brackets", span)
    template = _template(scanner)
    whole, matched, first, second, third = tokens.values()
    return ForEach(tuple(patterns), template, (whole, matched, first, second, third), span)


def _template(scanner: Scanner) -> str:
    """Read the text between square brackets; brackets in it and in its texts are its own."""
    open_at = scanner.offset
    scanner.offset += 1
    start = scanner.offset
    depth = 1
    while True:
        here = scanner.text[scanner.offset : scanner.offset + 1]
        if here == "":
            raise scanner.error("the square bracket is not closed", open_at, "close it with ]")
        if here == '"':
            scanner.quoted()
        elif here in "[]":
            depth += 1 if here == "[" else -1
            scanner.offset += 1
            if not depth:
                return scanner.text[start : scanner.offset - 1].strip()
        elif match := _TEMPLATE.match(scanner.text, scanner.offset):
            scanner.offset = match.end()
        else:
            scanner.offset += 1


def _compile_foreach(command: ForEach, context: SearchContext) -> Stage:
    """Return the stage of `foreach`.

    Raises:
        QueryError: the template is not a search, or holds commands that do not go row by row; when run: it is none with
            the name of a field in it.
    """
    shapes = [(pattern, wildcard_groups(pattern)) for pattern in command.patterns]
    for pattern, _ in shapes:
        _stage(command, pattern.replace("*", "x"), ["x"] * pattern.count("*"), context)
    stages: dict[str, Stage] = {}

    def run(rows: Iterable[Row]) -> Iterable[Row]:
        everything = list(rows)
        for pattern, parts_of in shapes:
            for name, parts in _matches(everything, pattern, parts_of):
                if name not in stages:
                    stages[name] = _stage(command, name, parts, context)
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


def _stage(command: ForEach, name: str, parts: Sequence[str], context: SearchContext) -> Stage:
    engine = context.engine
    whole, matched, *segments = command.tokens
    template = command.template
    if matched in template and len(parts) > 1:
        raise context.error(
            f"{matched} with more than one wildcard",
            command.span,
            f"what it is then is not documented; use {segments[0]}",
        )
    values = {whole: name, matched: "".join(parts), **dict(zip(segments, parts, strict=False))}
    for token, value in values.items():
        template = template.replace(token, value)
    try:
        source = Source(_FIRST + template, QueryError)
        nodes = engine.parse(source.text).commands[1:]
        for node in nodes:
            inner = engine.commands.of(node)
            if not inner.row_by_row:
                message = f"{inner.name} in foreach, which takes commands that change one row"
                raise context.error(message, command.span)
        return engine.compile(Pipeline(nodes), source)
    except QueryError as problem:
        raise context.error(f"in foreach, for {name!r}: {problem.message}", command.span, problem.hint) from None


FOREACH = Command(
    "foreach",
    _read_foreach,
    _compile_foreach,
    (ForEach,),
    arguments="fields, and commands in square brackets",
    options=("mode", *_TOKENS),
    streaming=True,
)

COMMANDS: tuple[Command[Any], ...] = (FOREACH,)
