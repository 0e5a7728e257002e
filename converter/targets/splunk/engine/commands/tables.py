"""Commands that turn a table round or sum it up: `addtotals`, `addcoltotals`, `xyseries`, `untable`, `transpose`.

untable _time host count  ──>  Untable("_time", "host", "count")
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from converter.readers.source import NOWHERE
from converter.targets.splunk.engine.commands.base import Command
from converter.targets.splunk.engine.commands.field_lists import matcher, read_names
from converter.targets.splunk.engine.commands.row_values import exact_sum
from converter.targets.splunk.engine.language.syntax import CommandNode
from converter.targets.splunk.engine.language.values import number_of, put, text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from converter.readers.source import Span
    from converter.targets.splunk.engine.commands.base import SearchContext, Stage
    from converter.targets.splunk.engine.language.lex import Scanner
    from converter.targets.splunk.engine.language.values import Row

_TRANSPOSED_ROWS = 5
_LEAST_SERIES = 3


@dataclass(frozen=True, slots=True)
class AddTotals(CommandNode):
    """`addtotals`, `addcoltotals`: sums along the rows, along the columns, or both; no names means every field."""

    rows: bool
    columns: bool
    names: tuple[str, ...]
    target: str
    label_field: str | None
    label: str
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class XySeries(CommandNode):
    """`xyseries x name values`: rows of one x become one row, with a column for each name."""

    x: str
    name: str
    values: tuple[str, ...]
    separator: str
    form: str | None
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Untable(CommandNode):
    """`untable x name value`: every other field of a row becomes a row."""

    x: str
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Transpose(CommandNode):
    """`transpose N column_name=... header_field=... include_empty=...`; 0 is every row."""

    limit: int
    column: str
    header: str | None
    include_empty: bool
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


def _read_addtotals(scanner: Scanner, span: Span) -> AddTotals:
    """Read the arguments of `addtotals`: sums of each row, and of each column if asked for."""
    return _read_totals(scanner, span, ADDTOTALS, rows=True, columns=False)


def _read_addcoltotals(scanner: Scanner, span: Span) -> AddTotals:
    """Read the arguments of `addcoltotals`: sums of each column."""
    return _read_totals(scanner, span, ADDCOLTOTALS, rows=False, columns=True)


def _read_totals(scanner: Scanner, span: Span, command: Command[Any], *, rows: bool, columns: bool) -> AddTotals:
    names: list[str] = []
    target, label = "Total", "Total"
    label_field: str | None = None
    while not scanner.at_command_end():
        match command.option(scanner):
            case "":
                names.append(scanner.name("a field"))
                scanner.accept(",")
            case "row":
                rows = scanner.boolean("row")
            case "col":
                columns = scanner.boolean("col")
            case "fieldname":
                target = scanner.value("a name")
            case "labelfield":
                label_field = scanner.value("a name")
            case "label":
                label = scanner.value("a text")
    return AddTotals(rows, columns, tuple(names), target, label_field, label, span)


def _compile_totals(command: AddTotals, context: SearchContext) -> Stage:
    """Sum the numbers of each row, of each column, or both; texts take no part.

    Raises:
        QueryError: when run: a field has several values.
    """
    named = matcher(command.names) if command.names else lambda _: True

    def numbers(row: Row) -> Iterator[tuple[str, float]]:
        for name, value in row.items():
            if name[0:1] == "_" or not named(name):
                continue
            if type(value) is list:
                raise context.error(
                    f"a total over the multivalue field {name!r}", command.span, "use fields to leave it out"
                )
            if (number := number_of(value)) is not None:
                yield name, number

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        columns: dict[str, list[float]] = {}
        for row in rows:
            own = list(numbers(row))
            for name, number in own:
                columns.setdefault(name, []).append(number)
            if command.rows:
                total = exact_sum(number for _, number in own)
                put(row, command.target, total)
                columns.setdefault(command.target, []).append(total or 0)
            yield row
        if command.columns:
            last: Row = {}
            for name, values in columns.items():
                put(last, name, exact_sum(values))
            if command.label_field is not None:
                last[command.label_field] = command.label
            yield last

    return run


def _single(row: Row, name: str, command: str, span: Span, context: SearchContext) -> Any:
    value = row.get(name)
    if type(value) is list:
        raise context.error(f"{command} by the multivalue field {name!r}", span, "use mvexpand first")
    return value


def _read_xyseries(scanner: Scanner, span: Span) -> XySeries:
    """Read `xyseries x name value ...`."""
    names: list[str] = []
    separator = ": "
    form: str | None = None
    while not scanner.at_command_end():
        match XYSERIES.option(scanner):
            case "":
                names.append(scanner.name("a field"))
                scanner.accept(",")
            case "sep":
                separator = scanner.value("a separator")
            case "format":
                form = scanner.value("a form")
            case "grouped":
                # It is a promise that the rows are sorted, which the engine does not need.
                scanner.boolean("grouped")
    if len(names) < _LEAST_SERIES:
        raise scanner.error("xyseries without three fields", span, "xyseries x name value")
    return XySeries(names[0], names[1], tuple(names[2:]), separator, form, span)


def _compile_xyseries(command: XySeries, context: SearchContext) -> Stage:
    """Make one row of the rows of one x, with a column for each name; a row without x or a name is left out.

    Raises:
        QueryError: when run: two rows of one x have one name.
    """

    def title(data: str, name: str) -> str:
        if command.form is not None:
            return command.form.replace("$AGG$", data).replace("$VAL$", name)
        return name if len(command.values) == 1 else f"{data}{command.separator}{name}"

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        results: dict[str, Row] = {}
        for row in rows:
            x, name = (_single(row, field, "xyseries", command.span, context) for field in (command.x, command.name))
            if x is None or name is None:
                continue
            made = results.setdefault(text_of(x), {command.x: x})
            for data in command.values:
                column = title(data, text_of(name))
                if column in made:
                    raise context.error(
                        f"xyseries with two rows for {text_of(x)[:40]!r} and {column[:40]!r}",
                        command.span,
                        "use stats first",
                    )
                if data in row:
                    made[column] = row[data]
        yield from results.values()

    return run


def _read_untable(scanner: Scanner, span: Span) -> Untable:
    """Read `untable x name value`."""
    names = read_names(scanner)
    if len(names) != _LEAST_SERIES:
        raise scanner.error("untable without three fields", span, "untable x name value")
    x, name, value = names
    return Untable(x, name, value)


def _compile_untable(command: Untable, _context: SearchContext) -> Stage:
    """Make a row of each field of a row, other than x and the internal ones."""

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            for name, value in row.items():
                if name == command.x or name[0:1] == "_":
                    continue
                made: Row = {command.name: name, command.value: value}
                if command.x in row:
                    made = {command.x: row[command.x], **made}
                yield made

    return run


def _read_transpose(scanner: Scanner, span: Span) -> Transpose:
    """Read `transpose N column_name=... header_field=... include_empty=...`."""
    number = scanner.leading_number()
    limit = _TRANSPOSED_ROWS if number is None else number
    column = "column"
    header: str | None = None
    include_empty = True
    while not scanner.at_command_end():
        match TRANSPOSE.option(scanner):
            case "":
                raise scanner.error(f"unexpected {scanner.describe()} in transpose")
            case "column_name":
                column = scanner.value("a name")
            case "header_field":
                header = scanner.value("a field")
            case "include_empty":
                include_empty = scanner.boolean("include_empty")
    return Transpose(limit, column, header, include_empty, span)


def _compile_transpose(command: Transpose, context: SearchContext) -> Stage:
    """Make a row of each field, with a column for each row; internal fields take no part.

    Raises:
        QueryError: when run: the names of the columns are not single and distinct.
    """

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        everything = [row for position, row in enumerate(rows) if not command.limit or position < command.limit]
        titles = [_title(row, position, command, context) for position, row in enumerate(everything, 1)]
        if len(set(titles)) < len(titles) or command.column in titles:
            raise context.error(
                "transpose with two columns of one name", command.span, "the values of header_field must differ"
            )
        names = {name: None for row in everything for name in row if name[0:1] != "_" and name != command.header}
        for name in names:
            made: Row = {command.column: name}
            for title, row in zip(titles, everything, strict=True):
                if name in row:
                    made[title] = row[name]
            yield made

    return run


def _title(row: Row, position: int, command: Transpose, context: SearchContext) -> str:
    if command.header is None:
        return f"row {position}"
    value = _single(row, command.header, "transpose", command.span, context)
    if value is None:
        raise context.error(f"transpose with a row without {command.header!r}", command.span, "use fillnull first")
    return text_of(value)


ADDTOTALS = Command(
    "addtotals",
    _read_addtotals,
    _compile_totals,
    (AddTotals,),
    arguments="fields",
    options=("row", "col", "fieldname", "labelfield", "label"),
)
ADDCOLTOTALS = Command(
    "addcoltotals",
    _read_addcoltotals,
    _compile_totals,
    (AddTotals,),
    arguments="fields",
    options=("labelfield", "label"),
)
XYSERIES = Command(
    "xyseries",
    _read_xyseries,
    _compile_xyseries,
    (XySeries,),
    aliases=("maketable",),
    arguments="three fields or more",
    options=("sep", "format", "grouped"),
)
UNTABLE = Command("untable", _read_untable, _compile_untable, (Untable,), arguments="three fields")
TRANSPOSE = Command(
    "transpose",
    _read_transpose,
    _compile_transpose,
    (Transpose,),
    arguments="a number of rows",
    options=("column_name", "header_field", "include_empty"),
)

COMMANDS: tuple[Command[Any], ...] = (ADDTOTALS, ADDCOLTOTALS, XYSERIES, UNTABLE, TRANSPOSE)
