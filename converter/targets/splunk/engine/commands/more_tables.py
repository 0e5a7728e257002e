"""Commands that turn a table round or sum it up.

command ──> rows -> rows
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from converter.targets.splunk.engine.commands.basic import matcher
from converter.targets.splunk.engine.commands.more_rows import exact_sum
from converter.targets.splunk.engine.language.expression_code import error_at
from converter.targets.splunk.engine.language.values import number_of, put, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from converter.targets.splunk.engine.language.syntax import AddTotals, Span, Transpose, Untable, XySeries
    from converter.targets.splunk.engine.language.values import Row

Stage: TypeAlias = "Callable[[Iterable[Row]], Iterable[Row]]"


def addtotals(command: AddTotals, text: str) -> Stage:
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
                raise error_at(
                    text, command.span, f"a total over the multivalue field {name!r}", "use fields to leave it out"
                )
            if (number := number_of(value)) is not None:
                yield name, number

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        columns: dict[str, list[float]] = {}
        for row in rows:
            found = list(numbers(row))
            for name, number in found:
                columns.setdefault(name, []).append(number)
            if command.rows:
                total = exact_sum(number for _, number in found)
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


def _single(row: Row, name: str, command: str, span: Span, text: str) -> Any:
    value = row.get(name)
    if type(value) is list:
        raise error_at(text, span, f"{command} by the multivalue field {name!r}", "use mvexpand first")
    return value


def xyseries(command: XySeries, text: str) -> Stage:
    """Make one row of the rows of one x, with a column for each name; a row without x or a name is left out.

    Raises:
        QueryError: when run: two rows of one x have one name.
    """

    def title(data: str, name: str) -> str:
        if command.form is not None:
            return command.form.replace("$AGG$", data).replace("$VAL$", name)
        return name if len(command.values) == 1 else f"{data}{command.separator}{name}"

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        found: dict[str, Row] = {}
        for row in rows:
            x, name = (_single(row, field, "xyseries", command.span, text) for field in (command.x, command.name))
            if x is None or name is None:
                continue
            made = found.setdefault(text_of(x), {command.x: x})
            for data in command.values:
                column = title(data, text_of(name))
                if column in made:
                    raise error_at(
                        text,
                        command.span,
                        f"xyseries with two rows for {text_of(x)[:40]!r} and {column[:40]!r}",
                        "use stats first",
                    )
                if data in row:
                    made[column] = row[data]
        yield from found.values()

    return run


def untable(command: Untable) -> Stage:
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


def transpose(command: Transpose, text: str) -> Stage:
    """Make a row of each field, with a column for each row; internal fields take no part.

    Raises:
        QueryError: when run: the names of the columns are not single and distinct.
    """

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        everything = [row for position, row in enumerate(rows) if not command.limit or position < command.limit]
        titles = [_title(row, position, command, text) for position, row in enumerate(everything, 1)]
        if len(set(titles)) < len(titles) or command.column in titles:
            raise error_at(
                text, command.span, "transpose with two columns of one name", "the values of header_field must differ"
            )
        names = {name: None for row in everything for name in row if name[0:1] != "_" and name != command.header}
        for name in names:
            made: Row = {command.column: name}
            for title, row in zip(titles, everything, strict=True):
                if name in row:
                    made[title] = row[name]
            yield made

    return run


def _title(row: Row, position: int, command: Transpose, text: str) -> str:
    if command.header is None:
        return f"row {position}"
    value = _single(row, command.header, "transpose", command.span, text)
    if value is None:
        raise error_at(text, command.span, f"transpose with a row without {command.header!r}", "use fillnull first")
    return text_of(value)
