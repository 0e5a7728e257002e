"""Rows to the text of a search: `format`, `return`, and what a subsearch does without either.

    a=1 b=2            ( ( a="1" AND b="2" ) OR ( a="3" ) )
    a=3           ──>

Values are put into quotes with their quotes and backslashes escaped, so that the search finds them as they are; `*` in
a value is a wildcard there, as it is in Splunk. Fields named `search` and `query` are put in as they are.

Source: Search Reference, format and return; Search Manual, "Change the format of subsearch results".
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from converter.readers.source import NOWHERE
from converter.targets.splunk.engine.commands.base import Command
from converter.targets.splunk.engine.language.syntax import CommandNode
from converter.targets.splunk.engine.language.values import text_of, values_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from converter.errors import QueryError
    from converter.readers.source import Span
    from converter.targets.splunk.engine.commands.base import SearchContext, Stage
    from converter.targets.splunk.engine.language.lex import Scanner
    from converter.targets.splunk.engine.language.values import Row

_Fail: TypeAlias = "Callable[[str, str], QueryError]"
_MARKS = 6
_RETURNED = re.compile(r"""(?:([^\s,|\[\]()"'`=<>!$]+)=)?(\$?)""")
_RAW = ("search", "query")
_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_.{}:-]*")


@dataclass(frozen=True, slots=True)
class Format(CommandNode):
    """`format`: all rows as the text of a search, in the field `search`.

    Attributes:
        marks: row prefix, column prefix, column separator, column end, row separator, row end.
        values: what stands between values of one field.
        limit: rows; 0 is all.
        empty: the text for no rows.
        quote: the text is put into quotes.
    """

    marks: tuple[str, str, str, str, str, str] = ("(", "(", "AND", ")", "OR", ")")
    values: str = "OR"
    limit: int = 0
    empty: str = "NOT ( )"
    quote: bool = False
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Returned:
    """An item of `return`: `field`, `alias=field`, or `$field`, whose value alone is returned; then `alias` is None."""

    field: str
    alias: str | None


@dataclass(frozen=True, slots=True)
class Return(CommandNode):
    """`return N items`: the first rows as the text of a search, in the field `search`."""

    count: int
    items: tuple[Returned, ...]
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


def _read_format(scanner: Scanner, span: Span) -> Format:
    """Read `format mvsep=... maxresults=N emptystr=... "(" "(" "AND" ")" "OR" ")"`."""
    marks: list[str] = []
    default = Format()
    values, limit, empty, quote = default.values, default.limit, default.empty, default.quote
    while not scanner.at_command_end():
        match FORMAT.option(scanner):
            case "":
                if scanner.peek() != '"':
                    raise scanner.error(f"expected a text in quotes, found {scanner.describe()}")
                marks.append(scanner.value("a text"))
            case "mvsep":
                values = scanner.value("a separator")
            case "maxresults":
                limit = scanner.integer("a number of rows")
            case "emptystr":
                empty = scanner.value("a text")
            case "quote":
                quote = scanner.boolean("quote")
    if len(marks) not in (0, _MARKS):
        raise scanner.error(f"format takes six texts for rows and columns, or none; here are {len(marks)}", span)
    chosen = cast("tuple[str, str, str, str, str, str]", tuple(marks)) if marks else default.marks
    return Format(chosen, values, limit, empty, quote, span)


def _read_return(scanner: Scanner, span: Span) -> Return:
    """Read `return N field alias=field $field`."""
    count = scanner.leading_number()
    items: list[Returned] = []
    while not scanner.at_command_end():
        match = _RETURNED.match(scanner.text, scanner.offset)
        alias, dollar = match.groups() if match else (None, "")
        scanner.offset = match.end() if match else scanner.offset
        if alias and dollar:
            raise scanner.error("a name for a value that is returned alone", hint="write alias=field or $field")
        field = scanner.name("a field to return")
        items.append(Returned(field, None if dollar else alias or field))
        scanner.accept(",")
    if not items:
        raise scanner.error("return without a field", span, "for example: return 10 user")
    return Return(1 if count is None else count, tuple(items), span)


def format_rows(command: Format, rows: Sequence[Row], fail: _Fail) -> str:
    """Return rows as the text of a search.

    Raises:
        QueryError: a row has no field that could be searched for.
    """
    row_start, column_start, between, column_end, or_, row_end = command.marks
    columns: list[str] = []
    for row in rows[: command.limit] if command.limit else rows:
        terms = [_term(name, value, command.values) for name, value in sorted(row.items()) if not name.startswith("_")]
        terms = [term for term in terms if term]
        if not terms:
            raise fail(
                "a result without fields cannot be searched for", "internal fields do not count; name the fields"
            )
        columns.append(f"{column_start} {f' {between} '.join(terms)} {column_end}")
    text = f"{row_start} {f' {or_} '.join(columns)} {row_end}" if columns else command.empty
    return quoted(text) if command.quote else text


def _term(name: str, value: object, separator: str) -> str:
    values = [text_of(item) for item in values_of(value)]
    if name in _RAW:
        return " ".join(values)
    field = name if _BARE.fullmatch(name) else quoted(name)
    terms = [f"{field}={quoted(item)}" for item in values]
    return terms[0] if len(terms) == 1 else f"( {f' {separator} '.join(terms)} )" if terms else ""


def quoted(text: str) -> str:
    """Return a text in double quotes."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _compile_format(command: Format, context: SearchContext) -> Stage:
    """Return the stage of `format`: all rows to one, with the text in `search`."""

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        yield {
            "search": format_rows(command, list(rows), lambda message, hint: context.error(message, command.span, hint))
        }

    return run


def _compile_return(command: Return, context: SearchContext) -> Stage:
    """Return the stage of `return`: the first rows to one, with the text in `search`.

    Raises:
        QueryError: when run: a field with several values.
    """

    def terms(row: Row) -> Iterator[str]:
        for item in command.items:
            values = values_of(row.get(item.field))
            if len(values) > 1:
                raise context.error(
                    f"return of the multivalue field {item.field!r} is not supported",
                    command.span,
                    "use mvexpand, or fields and format",
                )
            if values:
                value = text_of(values[0])
                yield value if item.alias is None else f"{item.alias}={quoted(value)}"

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        parts = [" ".join(terms(row)) for row in islice(rows, command.count)]
        parts = [part for part in parts if part]
        if parts:
            yield {"search": parts[0] if len(parts) == 1 else " OR ".join(f"({part})" for part in parts)}

    return run


FORMAT = Command(
    "format",
    _read_format,
    _compile_format,
    (Format,),
    arguments="none or six quoted texts",
    options=("mvsep", "maxresults", "emptystr", "quote"),
)
RETURN = Command(
    "return",
    _read_return,
    _compile_return,
    (Return,),
    arguments="a number of rows, and fields such as `field`, `alias=field`, `$field`",
)

COMMANDS: tuple[Command[Any], ...] = (FORMAT, RETURN)
