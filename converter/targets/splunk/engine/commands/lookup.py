"""`lookup` and `inputlookup`: rows of the tables that a run was given.

    lookup users uid as user OUTPUT name as full  ──>  Lookup("users", (("uid", "user"),), (("name", "full"),))
    table ──first use of a run──> {values of the matched columns: rows} ──row──> columns added

How a table is matched is set in transforms.conf, which a search does not show: text is compared exactly, as by
default. Where the table itself shows that other rules are meant (wildcards, networks), the search is refused.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from converter.readers.source import NOWHERE
from converter.targets.splunk.engine.commands.base import Command
from converter.targets.splunk.engine.language.run_context import current
from converter.targets.splunk.engine.language.search_parser import parse_search
from converter.targets.splunk.engine.language.search_predicate import compile_search
from converter.targets.splunk.engine.language.syntax import CommandNode
from converter.targets.splunk.engine.language.values import put, text_of, values_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from converter.readers.source import Span
    from converter.targets.splunk.engine.commands.base import SearchContext, Stage
    from converter.targets.splunk.engine.language.lex import Scanner
    from converter.targets.splunk.engine.language.syntax import SearchExpression
    from converter.targets.splunk.engine.language.values import Row

_NETWORK = re.compile(r"[0-9A-Fa-f:.]+/[0-9]{1,3}")
_ENDINGS = ("", ".csv", ".csv.gz")
_CLAUSES = ("output", "outputnew")

_WHERE_WITH_ROWS = "where together with start or max in inputlookup"


@dataclass(frozen=True, slots=True)
class Lookup(CommandNode):
    """`lookup table field as ours OUTPUT column as theirs`.

    Attributes:
        table: the name of the table.
        matches: column of the table, field of the row: all of them must be equal.
        outputs: column of the table, field of the row; None is every column that is not matched by.
        overwrite: false for OUTPUTNEW.
    """

    table: str
    matches: tuple[tuple[str, str], ...]
    outputs: tuple[tuple[str, str], ...] | None
    overwrite: bool
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class InputLookup(CommandNode):
    """`inputlookup append=... start=... max=... table where ...`; no maximum is every row."""

    table: str
    append: bool
    start: int
    maximum: int | None
    where: SearchExpression | None
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


def _read_lookup(scanner: Scanner, span: Span) -> Lookup:
    """Read the arguments of `lookup`.

    Raises:
        QueryError: they are missing, or hold what Splunk does not know.
    """
    table = ""
    matches: list[tuple[str, str]] = []
    outputs: list[tuple[str, str]] | None = None
    overwrite = True
    while not scanner.at_command_end():
        match LOOKUP.option(scanner):
            case "local" | "update" as option:
                scanner.boolean(option)
            case "":
                if not table:
                    table = scanner.value("the name of a table")
                elif matches and outputs is None and (word := scanner.word().lower()) in _CLAUSES:
                    scanner.offset += len(word)
                    outputs, overwrite = [], word == "output"
                else:
                    (matches if outputs is None else outputs).append(_pair(scanner))
                    scanner.accept(",")
    if not matches:
        raise scanner.error("lookup without a table and a field", span, "for example: lookup users uid OUTPUT name")
    if outputs == []:
        raise scanner.error("OUTPUT without a field", span)
    return Lookup(table, tuple(matches), None if outputs is None else tuple(outputs), overwrite, span)


def _pair(scanner: Scanner) -> tuple[str, str]:
    column = scanner.name("a field")
    return (column, scanner.name("a field") if scanner.accept_word("as") else column)


def _read_inputlookup(scanner: Scanner, span: Span) -> InputLookup:
    """Read the arguments of `inputlookup`; options may stand on either side of the table.

    Raises:
        QueryError: they are missing, or hold what Splunk does not know.
    """
    table = ""
    append = False
    start_row = 0
    maximum: int | None = None
    condition: SearchExpression | None = None
    while not scanner.at_command_end():
        match INPUTLOOKUP.option(scanner):
            case "append":
                append = scanner.boolean("append")
            case "strict":
                # Strict or not, a table that is not there is an error here.
                scanner.boolean("strict")
            case "start":
                start_row = scanner.integer("a number of rows")
            case "max":
                maximum = scanner.integer("a number of rows")
            case "" if not table:
                table = scanner.value("the name of a table")
            case "" if scanner.accept_word("where"):
                condition = parse_search(scanner)
                break
            case "":
                raise scanner.error(f"unexpected {scanner.describe()} in inputlookup", hint="it takes one table")
    if not table:
        raise scanner.error("inputlookup without a table", span)
    return InputLookup(table, append, start_row, maximum, condition, span)


def _table(name: str, span: Span, context: SearchContext) -> list[Row]:
    """Return the rows of a table, without their empty cells: a lookup and its file may differ by `.csv`.

    Raises:
        QueryError: the run has no such table.
    """
    tables = current().tables
    stem = name.removesuffix(".gz").removesuffix(".csv")
    for candidate in (name, *(stem + ending for ending in _ENDINGS)):
        if candidate in tables:
            return [_row(row) for row in tables[candidate]]
    raise context.error(
        f"the table {name!r} was not given", span, "give its rows to the run; what a lookup holds is not in the search"
    )


def _row(cells: Mapping[str, Any]) -> Row:
    row: Row = {}
    for name, value in cells.items():
        put(row, name, [_cell(item) for item in values_of(value) if item is not None and item != ""])
    return row


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return text_of(value)


def _refuse_later(command: InputLookup, context: SearchContext) -> None:
    if not command.append:
        raise context.error("inputlookup must be the first command of a search", command.span, "or have append=t")


def _compile_inputlookup(command: InputLookup, context: SearchContext) -> Stage:
    """Return the stage of `inputlookup`: the rows of a table, after those that came if they are appended.

    Raises:
        QueryError: `where` together with `start` or `max`; when run: the table is not there.
    """
    test = None if command.where is None else compile_search(command.where, context.source)
    if test is not None and (command.start or command.maximum is not None):
        raise context.error(
            f"{_WHERE_WITH_ROWS} is not supported",
            command.span,
            "which of them comes first is not documented; use search and head",
        )
    end = None if command.maximum is None else command.start + command.maximum

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        if command.append and not context.first:
            yield from rows
        for row in _table(command.table, command.span, context)[command.start : end]:
            if test is None or test(row):
                yield row

    return run


def _compile_lookup(command: Lookup, context: SearchContext) -> Stage:
    """Return the stage of `lookup`.

    Raises:
        QueryError: when run: the table is not there or has no such column, or is to be matched in a way that the search
            does not show.
    """
    ours = [field for _, field in command.matches]

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        table = _table(command.table, command.span, context)
        columns = {name: None for row in table for name in row}
        outputs = _outputs(command, columns, context)
        index = _index(table, command, context)
        for row in rows:
            key = _key(row, ours, command, context)
            if key is not None and (command.overwrite or not any(field in row for _, field in outputs)):
                _give(row, index.get(key, ()), outputs, command, context)
            yield row

    return run


def _outputs(command: Lookup, columns: Mapping[str, None], context: SearchContext) -> Sequence[tuple[str, str]]:
    matched = [column for column, _ in command.matches]
    outputs = [(name, name) for name in columns if name not in matched] if command.outputs is None else command.outputs
    for name in (*matched, *(column for column, _ in outputs)):
        if columns and name not in columns:
            raise context.error(
                f"the table {command.table!r} has no column {name!r}",
                command.span,
                f"columns: {', '.join(sorted(columns))}"[:200],
            )
    return outputs


def _index(table: Sequence[Row], command: Lookup, context: SearchContext) -> dict[tuple[str, ...], list[Row]]:
    """Return the rows of a table by the texts of the columns that are matched; a row without one of them never is."""
    index: dict[tuple[str, ...], list[Row]] = {}
    for row in table:
        key = []
        for column, _ in command.matches:
            value = row.get(column)
            if type(value) is list:
                raise context.error(f"several values in a cell of the column {column!r}", command.span)
            if value is None:
                break
            if "*" in value or _NETWORK.fullmatch(value):
                raise context.error(
                    f"the column {column!r} of {command.table!r} holds {value[:80]!r}",
                    command.span,
                    "whether it is a pattern is said by match_type in transforms.conf, not by the search",
                )
            key.append(value)
        else:
            index.setdefault(tuple(key), []).append(row)
    return index


def _key(row: Row, fields: Sequence[str], command: Lookup, context: SearchContext) -> tuple[str, ...] | None:
    key = []
    for name in fields:
        value = row.get(name)
        if value is None:
            return None
        if type(value) is list:
            raise context.error(f"lookup by the multivalue field {name!r}", command.span, "use mvexpand first")
        key.append(text_of(value))
    return tuple(key)


def _give(
    row: Row, matching: Sequence[Row], outputs: Sequence[tuple[str, str]], command: Lookup, context: SearchContext
) -> None:
    """Set the fields of a row from the rows of the table that match it, in their order."""
    if not matching:
        if field := next((field for _, field in outputs if field in row), ""):
            raise context.error(
                f"no row of {command.table!r} matches, and the event has a field {field!r} already",
                command.span,
                "whether OUTPUT then removes it is not documented; use OUTPUTNEW, or another name",
            )
        return
    limit = current().limits.lookup_matches
    if limit is not None and len(matching) > limit:
        current().note(f"lookup took the first {limit} rows of the table {command.table} for an event that more match")
        matching = matching[:limit]
    for column, field in outputs:
        put(row, field, [value for match in matching for value in values_of(match.get(column))])


LOOKUP = Command(
    "lookup",
    _read_lookup,
    _compile_lookup,
    (Lookup,),
    arguments="a table, fields such as `column as field`, and `OUTPUT` or `OUTPUTNEW` with fields",
    options=("local", "update"),
    streaming=True,
)
INPUTLOOKUP = Command(
    "inputlookup",
    _read_inputlookup,
    _compile_inputlookup,
    (InputLookup,),
    arguments="a table, and `where` with a search",
    options=("append", "start", "max", "strict"),
    refuses=(_WHERE_WITH_ROWS,),
    generating=True,
    check_later=_refuse_later,
)

COMMANDS: tuple[Command[Any], ...] = (LOOKUP, INPUTLOOKUP)
