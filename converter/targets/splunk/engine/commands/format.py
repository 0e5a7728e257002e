"""Rows to the text of a search: `format`, `return`, and what a subsearch does without either.

    a=1 b=2            ( ( a="1" AND b="2" ) OR ( a="3" ) )
    a=3           ──>

Values are put into quotes with their quotes and backslashes escaped, so that the search finds them as they are; `*` in
a value is a wildcard there, as it is in Splunk. Fields named `search` and `query` are put in as they are.

Source: Search Reference, format and return; Search Manual, "Change the format of subsearch results".
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

from converter.targets.splunk.engine.language.expression_code import error_at
from converter.targets.splunk.engine.language.values import text_of, values_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from converter.errors import QueryError
    from converter.targets.splunk.engine.language.syntax import Format, Return
    from converter.targets.splunk.engine.language.values import Row

Stage: TypeAlias = "Callable[[Iterable[Row]], Iterable[Row]]"
Fail: TypeAlias = "Callable[[str, str], QueryError]"

_RAW = ("search", "query")
_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_.{}:-]*")


def format_rows(command: Format, rows: Sequence[Row], fail: Fail) -> str:
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
    values = [text_of(one) for one in values_of(value)]
    if name in _RAW:
        return " ".join(values)
    field = name if _BARE.fullmatch(name) else quoted(name)
    terms = [f"{field}={quoted(one)}" for one in values]
    return terms[0] if len(terms) == 1 else f"( {f' {separator} '.join(terms)} )" if terms else ""


def quoted(text: str) -> str:
    """Return a text in double quotes."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def format_stage(command: Format, text: str) -> Stage:
    """Return the stage of `format`: all rows to one, with the text in `search`."""

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        yield {
            "search": format_rows(
                command, list(rows), lambda message, hint: error_at(text, command.span, message, hint)
            )
        }

    return run


def return_stage(command: Return, text: str) -> Stage:
    """Return the stage of `return`: the first rows to one, with the text in `search`.

    Raises:
        QueryError: when run: a field with several values.
    """

    def terms(row: Row) -> Iterator[str]:
        for item in command.items:
            values = values_of(row.get(item.field))
            if len(values) > 1:
                raise error_at(
                    text, command.span, f"return of the multivalue field {item.field!r} is not supported",
                    "use mvexpand, or fields and format",
                )  # fmt: skip
            if values:
                value = text_of(values[0])
                yield value if item.alias is None else f"{item.alias}={quoted(value)}"

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        parts = [" ".join(terms(row)) for row in islice(rows, command.count)]
        parts = [part for part in parts if part]
        if parts:
            yield {"search": parts[0] if len(parts) == 1 else " OR ".join(f"({part})" for part in parts)}

    return run
