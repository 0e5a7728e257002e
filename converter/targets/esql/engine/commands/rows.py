"""Commands that choose, order or multiply rows: WHERE, SORT, LIMIT, MV_EXPAND.

Source: Elasticsearch docs "ES|QL commands"; vendor case `mv_expand.csv-spec`.
"""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from converter.readers.query_budget import made_rows
from converter.targets.esql.engine.commands.base import Command, Pipeline, Step
from converter.targets.esql.engine.language import syntax
from converter.targets.esql.engine.language.bound import Getter, Row, expect
from converter.targets.esql.engine.language.lex import Kind, Mode, Token
from converter.targets.esql.engine.language.scope import LATE, Entry
from converter.targets.esql.engine.language.types import Type

if TYPE_CHECKING:
    from collections.abc import Iterator

    from converter.targets.esql.engine.language.parse_expression import Cursor

_MOST_ROWS = 10_000
_LIMIT_BY = "LIMIT ... BY"


# --- WHERE ----------------------------------------------------------------------------------------------------------


def _parse_where(cursor: Cursor, word: Token) -> syntax.Where:
    return syntax.Where(cursor.expression(), cursor.span(word.start))


def _bind_where(pipeline: Pipeline, command: syntax.Where) -> Step:
    condition = pipeline.bind(command.condition)
    expect(pipeline.context, "WHERE", condition, (Type.BOOLEAN,), "a boolean")
    test = condition.get
    if condition.constant:
        return (lambda rows: rows) if condition.value is True else lambda _rows: iter(())

    def step(rows: Iterator[Row]) -> Iterator[Row]:
        return (row for row in rows if test(row) is True)

    return step


WHERE = Command(
    name="WHERE",
    arguments="a condition",
    node=syntax.Where,
    parse=_parse_where,
    bind=_bind_where,
    expressions=lambda command: (command.condition,),
)


# --- SORT -----------------------------------------------------------------------------------------------------------


def _parse_sort(cursor: Cursor, word: Token) -> syntax.Sort:
    keys: list[syntax.SortKey] = []
    while True:
        start = cursor.token.start
        value = cursor.expression()
        descending = cursor.at_word("desc")
        cursor.take_word("asc", "desc")
        nulls_first = descending
        if cursor.take_word("nulls"):
            if not cursor.at_word("first", "last"):
                raise cursor.unexpected("FIRST or LAST after NULLS")
            nulls_first = cursor.advance().word == "first"
        keys.append(syntax.SortKey(value, descending, nulls_first, cursor.span(start)))
        if not cursor.take_symbol(","):
            return syntax.Sort(tuple(keys), cursor.span(word.start))


def _bind_sort(pipeline: Pipeline, command: syntax.Sort) -> Step:
    keys = []
    for key in command.keys:
        bound = pipeline.bind(key.value)
        if bound.type is not Type.NULL:
            keys.append((_sort_value(bound.get, descending=key.descending), key.descending, key.nulls_first))

    def step(rows: Iterator[Row]) -> Iterator[Row]:
        ordered = list(rows)
        for get, descending, nulls_first in reversed(keys):  # stable: the last key first
            nulls = [row for row in ordered if get(row) is None]
            others = [row for row in ordered if get(row) is not None] if nulls else ordered
            others.sort(key=get, reverse=descending)
            ordered = [*nulls, *others] if nulls_first else [*others, *nulls]
        return iter(ordered)

    return step


def _sort_value(get: Getter, *, descending: bool) -> Getter:
    """A multivalue sorts by its least value, or by its greatest when descending."""
    choose = max if descending else min

    def value_of(row: Row) -> Any:
        value = get(row)
        return choose(value) if value.__class__ is list else value

    return value_of


SORT = Command(
    name="SORT",
    arguments="expressions",
    node=syntax.Sort,
    parse=_parse_sort,
    bind=_bind_sort,
    expressions=lambda command: (key.value for key in command.keys),
    options=("ASC", "DESC", "NULLS FIRST", "NULLS LAST"),
)


# --- LIMIT ----------------------------------------------------------------------------------------------------------


def _parse_limit(cursor: Cursor, word: Token) -> syntax.Limit:
    if cursor.token.kind is not Kind.INTEGER or cursor.at_time_span():
        cursor.refuse_parameter()
        raise cursor.error("LIMIT takes a whole number", cursor.token)
    count = int(cursor.advance().value)
    if cursor.at_word("by"):
        raise cursor.refused(_LIMIT_BY, cursor.token)
    return syntax.Limit(count, cursor.span(word.start))


def _bind_limit(_pipeline: Pipeline, command: syntax.Limit) -> Step:
    count = min(command.count, _MOST_ROWS)
    return lambda rows: islice(rows, count)


LIMIT = Command(
    name="LIMIT",
    arguments="a whole number",
    node=syntax.Limit,
    parse=_parse_limit,
    bind=_bind_limit,
    refuses=(_LIMIT_BY,),
)


# --- MV_EXPAND ------------------------------------------------------------------------------------------------------


def _parse_mv_expand(cursor: Cursor, word: Token) -> syntax.MvExpand:
    column = cursor.qualified_name()
    return syntax.MvExpand(column, cursor.span(word.start))


def _bind_mv_expand(pipeline: Pipeline, command: syntax.MvExpand) -> Step | None:
    column, scope = command.column, pipeline.scope
    entry = scope.find(pipeline.context, column.name, column.span)
    if entry is None or entry.type is Type.NULL:
        return None
    slot = entry.slot
    assert slot != LATE  # noqa: S101  # a field that a command names is read early
    position = list(scope.columns).index(column.name)
    names = list(scope.columns)
    new = Entry(scope.width, entry.type)
    scope.width += 1
    scope.columns = {name: new if index == position else scope.columns[name] for index, name in enumerate(names)}

    fail = partial(pipeline.context.error, span=command.span)

    def step(rows: Iterator[Row]) -> Iterator[Row]:
        for row in rows:
            value = row[slot]
            if value.__class__ is list:
                made_rows(len(value) - 1, fail)
                for item in value:
                    yield [*row, item]
            else:
                row.append(value)
                yield row

    return step


MV_EXPAND = Command(
    name="MV_EXPAND",
    arguments="a column",
    node=syntax.MvExpand,
    parse=_parse_mv_expand,
    bind=_bind_mv_expand,
    mode=Mode.COLUMN,
    fields=lambda command: (command.column.name,),
)
