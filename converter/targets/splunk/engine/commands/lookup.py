"""`lookup` and `inputlookup`: rows of the tables that a run was given.

    table ──first use of a run──> {values of the matched columns: rows} ──row──> columns added

How a table is matched is set in transforms.conf, which a search does not show: text is compared exactly, as by
default. Where the table itself shows that other rules are meant (wildcards, networks), the search is refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeAlias

from converter.targets.splunk.engine.language.expression_code import error_at
from converter.targets.splunk.engine.language.run_context import current
from converter.targets.splunk.engine.language.search_predicate import compile_search
from converter.targets.splunk.engine.language.values import put, text_of, values_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from converter.targets.splunk.engine.language.syntax import InputLookup, Lookup, Span
    from converter.targets.splunk.engine.language.values import Row

Stage: TypeAlias = "Callable[[Iterable[Row]], Iterable[Row]]"

_NETWORK = re.compile(r"[0-9A-Fa-f:.]+/[0-9]{1,3}")
_ENDINGS = ("", ".csv", ".csv.gz")


def _table(name: str, span: Span, text: str) -> list[Row]:
    """Return the rows of a table, without their empty cells: a lookup and its file may differ by `.csv`.

    Raises:
        QueryError: the run has no such table.
    """
    tables = current().tables
    stem = name.removesuffix(".gz").removesuffix(".csv")
    for candidate in (name, *(stem + ending for ending in _ENDINGS)):
        if candidate in tables:
            return [_row(row) for row in tables[candidate]]
    raise error_at(
        text,
        span,
        f"the table {name!r} was not given",
        "give its rows to the run; what a lookup holds is not in the search",
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


def inputlookup(command: InputLookup, text: str) -> Stage:
    """Return the stage of `inputlookup`: the rows of a table, after those that came if they are appended.

    Raises:
        QueryError: `where` together with `start` or `max`; when run: the table is not there.
    """
    test = None if command.where is None else compile_search(command.where, text)
    if test is not None and (command.start or command.maximum is not None):
        raise error_at(
            text,
            command.span,
            "where together with start or max in inputlookup is not supported",
            "which of them comes first is not documented; use search and head",
        )
    end = None if command.maximum is None else command.start + command.maximum

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        if command.append:
            yield from rows
        for row in _table(command.table, command.span, text)[command.start : end]:
            if test is None or test(row):
                yield row

    return run


def lookup(command: Lookup, text: str) -> Stage:
    """Return the stage of `lookup`.

    Raises:
        QueryError: when run: the table is not there or has no such column, or is to be matched in a way that the search
            does not show.
    """
    ours = [field for _, field in command.matches]

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        table = _table(command.table, command.span, text)
        columns = {name: None for row in table for name in row}
        outputs = _outputs(command, columns, text)
        index = _index(table, command, text)
        for row in rows:
            key = _key(row, ours, command, text)
            if key is not None and (command.overwrite or not any(field in row for _, field in outputs)):
                _give(row, index.get(key, ()), outputs, command, text)
            yield row

    return run


def _outputs(command: Lookup, columns: Mapping[str, None], text: str) -> Sequence[tuple[str, str]]:
    matched = [column for column, _ in command.matches]
    wanted = [(name, name) for name in columns if name not in matched] if command.outputs is None else command.outputs
    for name in (*matched, *(column for column, _ in wanted)):
        if columns and name not in columns:
            raise error_at(
                text,
                command.span,
                f"the table {command.table!r} has no column {name!r}",
                f"columns: {', '.join(sorted(columns))}"[:200],
            )
    return wanted


def _index(table: Sequence[Row], command: Lookup, text: str) -> dict[tuple[str, ...], list[Row]]:
    """Return the rows of a table by the texts of the columns that are matched; a row without one of them never is."""
    index: dict[tuple[str, ...], list[Row]] = {}
    for row in table:
        key = []
        for column, _ in command.matches:
            value = row.get(column)
            if type(value) is list:
                raise error_at(text, command.span, f"several values in a cell of the column {column!r}")
            if value is None:
                break
            if "*" in value or _NETWORK.fullmatch(value):
                raise error_at(
                    text,
                    command.span,
                    f"the column {column!r} of {command.table!r} holds {value[:80]!r}",
                    "whether it is a pattern is said by match_type in transforms.conf, not by the search",
                )
            key.append(value)
        else:
            index.setdefault(tuple(key), []).append(row)
    return index


def _key(row: Row, fields: Sequence[str], command: Lookup, text: str) -> tuple[str, ...] | None:
    key = []
    for name in fields:
        value = row.get(name)
        if value is None:
            return None
        if type(value) is list:
            raise error_at(text, command.span, f"lookup by the multivalue field {name!r}", "use mvexpand first")
        key.append(text_of(value))
    return tuple(key)


def _give(row: Row, found: Sequence[Row], outputs: Sequence[tuple[str, str]], command: Lookup, text: str) -> None:
    """Set the fields of a row from the rows of the table that match it, in their order."""
    if not found:
        if field := next((field for _, field in outputs if field in row), ""):
            raise error_at(
                text,
                command.span,
                f"no row of {command.table!r} matches, and the event has a field {field!r} already",
                "whether OUTPUT then removes it is not documented; use OUTPUTNEW, or another name",
            )
        return
    limit = current().limits.lookup_matches
    if limit is not None and len(found) > limit:
        current().note(f"lookup took the first {limit} rows of the table {command.table} for an event that more match")
        found = found[:limit]
    for column, field in outputs:
        put(row, field, [value for match in found for value in values_of(match.get(column))])
