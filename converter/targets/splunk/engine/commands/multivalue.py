r"""Commands about fields with several values: `makemv`, `mvexpand`, `mvcombine`, `nomv`.

a="1,2" ──makemv delim=","──> a=[1, 2] ──mvexpand──> two rows ──mvcombine──> one row ──nomv──> a="1\n2"
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from converter.readers.source import NOWHERE
from converter.targets.splunk.engine.commands.base import Command
from converter.targets.splunk.engine.commands.field_lists import read_name
from converter.targets.splunk.engine.commands.row_values import values_besides
from converter.targets.splunk.engine.language.regexes import finder
from converter.targets.splunk.engine.language.syntax import CommandNode
from converter.targets.splunk.engine.language.values import put, text_of, values_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from converter.readers.source import Span
    from converter.targets.splunk.engine.commands.base import SearchContext, Stage
    from converter.targets.splunk.engine.language.lex import Scanner
    from converter.targets.splunk.engine.language.values import Row


@dataclass(frozen=True, slots=True)
class MakeMv(CommandNode):
    """`makemv delim="..." field`, or `tokenizer="..."` with an expression whose first group is a value."""

    field: str
    delimiter: str
    allow_empty: bool
    tokenizer: str | None = None
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class MvExpand(CommandNode):
    """`mvexpand field limit=N`; 0 means no limit."""

    field: str
    limit: int


@dataclass(frozen=True, slots=True)
class MvCombine(CommandNode):
    """`mvcombine field`: rows that differ in one field only become one."""

    field: str
    delimiter: str
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class NoMv(CommandNode):
    """`nomv field`: several values become one text."""

    field: str


def _read_makemv(scanner: Scanner, span: Span) -> MakeMv:
    """Read `makemv delim="..." allowempty=... field`."""
    field = ""
    delimiter = " "
    allow_empty = False
    tokenizer: str | None = None
    place = span
    while not scanner.at_command_end():
        start = scanner.offset
        match MAKEMV.option(scanner):
            case "" if not field:
                field = scanner.name("a field")
            case "":
                raise scanner.error(f"unexpected {scanner.describe()} in makemv", hint="it takes one field")
            case "delim":
                delimiter = scanner.value("a delimiter")
                if not delimiter:
                    raise scanner.error("an empty delimiter", scanner.span(start))
            case "allowempty":
                allow_empty = scanner.boolean("allowempty")
            case "tokenizer":
                scanner.skip()
                at = scanner.offset
                tokenizer = scanner.value("an expression")
                place = scanner.span(at)
            case "setsv":
                if scanner.boolean("setsv"):
                    raise scanner.error("setsv=t of makemv is not supported", scanner.span(start))
    if not field:
        raise scanner.error("makemv without a field", span)
    return MakeMv(field, delimiter, allow_empty, tokenizer, place)


def _compile_makemv(command: MakeMv, context: SearchContext) -> Stage:
    """Split the values of a field at a delimiter, or take the first group of each match of an expression.

    Raises:
        QueryError: the expression is none; when run: it has no group.
    """
    name = command.field
    split = _splitter(command, context)

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            parts = [part for value in values_of(row.get(name)) for part in split(text_of(value))]
            if not command.allow_empty:
                parts = [part for part in parts if part]
            if parts:
                put(row, name, parts)
            yield row

    return run


def _splitter(command: MakeMv, context: SearchContext) -> Callable[[str], list[str]]:
    if command.tokenizer is None:
        delimiter = command.delimiter
        return lambda value: value.split(delimiter)
    find = finder(command.tokenizer, lambda message: context.error(message, command.span))

    def run(value: str) -> list[str]:
        try:
            return [match.group(1) or "" for match in find(value)]
        except (IndexError, KeyError):
            raise context.error(
                "a tokenizer without a group", command.span, 'for example: tokenizer="([^,]+),?"'
            ) from None

    return run


def _read_mvexpand(scanner: Scanner, span: Span) -> MvExpand:
    """Read `mvexpand field limit=N`."""
    field = ""
    limit = 0
    while not scanner.at_command_end():
        match MVEXPAND.option(scanner):
            case "" if not field:
                field = scanner.name("a field")
            case "":
                raise scanner.error(f"unexpected {scanner.describe()} in mvexpand", hint="it takes one field")
            case "limit":
                limit = scanner.integer("a number of values")
    if not field:
        raise scanner.error("mvexpand without a field", span)
    return MvExpand(field, limit)


def _compile_mvexpand(command: MvExpand, _context: SearchContext) -> Stage:
    """Make a row of each value of a field; a row without the field stays as it is."""
    name, limit = command.field, command.limit

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            value = row.get(name)
            if type(value) is not list:
                yield row
                continue
            for item in value[:limit] if limit else value:
                yield {**row, name: item}

    return run


def _read_mvcombine(scanner: Scanner, span: Span) -> MvCombine:
    """Read `mvcombine delim=... field`."""
    delimiter = " "
    name = ""
    while not scanner.at_command_end():
        match MVCOMBINE.option(scanner):
            case "delim":
                delimiter = scanner.value("a delimiter")
            case "" if not name:
                name = scanner.name("a field")
            case "":
                raise scanner.error(f"unexpected {scanner.describe()} in mvcombine", hint="it takes one field")
    if not name:
        raise scanner.error("mvcombine without a field", span)
    return MvCombine(name, delimiter, span)


def _compile_mvcombine(command: MvCombine, context: SearchContext) -> Stage:
    """Make one row of rows that differ in one field only; it stands where the first of them stood.

    Raises:
        QueryError: when run: the field has several values already.
    """
    name = command.field

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        groups: dict[Any, tuple[Row, list[Any]]] = {}
        for position, row in enumerate(rows):
            value = row.get(name)
            if type(value) is list:
                raise context.error(f"mvcombine of the multivalue field {name!r}", command.span, "use mvexpand first")
            if value is None:
                groups[position] = (row, [])
            else:
                groups.setdefault(values_besides(row, name), (row, []))[1].append(value)
        for row, values in groups.values():
            put(row, name, values)
            yield row

    return run


def _read_nomv(scanner: Scanner, span: Span) -> NoMv:
    return NoMv(read_name(scanner, span, "nomv"))


def _compile_nomv(command: NoMv, _context: SearchContext) -> Stage:
    """Join the values of a field with line breaks."""

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            if type(value := row.get(command.field)) is list:
                row[command.field] = "\n".join(map(text_of, value))
            yield row

    return run


MAKEMV = Command(
    "makemv",
    _read_makemv,
    _compile_makemv,
    (MakeMv,),
    arguments="a field",
    options=("delim", "tokenizer", "allowempty"),
    refused_options=("setsv",),
    refuses=("setsv=t of makemv",),
    streaming=True,
    row_by_row=True,
)
MVEXPAND = Command(
    "mvexpand", _read_mvexpand, _compile_mvexpand, (MvExpand,), arguments="a field", options=("limit",), streaming=True
)
MVCOMBINE = Command(
    "mvcombine", _read_mvcombine, _compile_mvcombine, (MvCombine,), arguments="a field", options=("delim",)
)
NOMV = Command("nomv", _read_nomv, _compile_nomv, (NoMv,), arguments="a field", streaming=True, row_by_row=True)

COMMANDS: tuple[Command[Any], ...] = (MAKEMV, MVEXPAND, MVCOMBINE, NOMV)
