"""The commands that aggregate: STATS and INLINE STATS; how groups are made and counted is in `grouping.py`.

Source: Elasticsearch docs "STATS", "INLINE STATS"; vendor cases `stats.csv-spec`, `inlinestats.csv-spec`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.targets.esql.engine.commands.base import Command, Pipeline, Step
from converter.targets.esql.engine.commands.fields import read_field, read_fields
from converter.targets.esql.engine.commands.grouping import (
    INLINE_BY_MULTIVALUE,
    RENAMED_AND_SHADOWED,
    bind_inline_stats,
    bind_stats,
)
from converter.targets.esql.engine.language import syntax
from converter.targets.esql.engine.language.lex import Kind, Mode, Token

if TYPE_CHECKING:
    from collections.abc import Iterator

    from converter.targets.esql.engine.language.parse_expression import Cursor

_OPTIONS = ("BY", "WHERE")


def _parse_stats(cursor: Cursor, word: Token) -> syntax.Stats:
    aggregates, groups = _body(cursor, word)
    return syntax.Stats(aggregates, groups, cursor.span(word.start))


def _parse_inline(cursor: Cursor, word: Token) -> syntax.InlineStats:
    if not cursor.take_word("stats"):
        raise cursor.unexpected("STATS after INLINE")
    aggregates, groups = _body(cursor, word)
    if not aggregates:
        raise cursor.error("INLINE STATS needs an aggregation", word)
    return syntax.InlineStats(aggregates, groups, cursor.span(word.start))


def _body(cursor: Cursor, word: Token) -> tuple[tuple[syntax.Aggregate, ...], tuple[syntax.Named, ...]]:
    """Read the aggregations and the groups."""
    aggregates: tuple[syntax.Aggregate, ...] = ()
    groups: tuple[syntax.Named, ...] = ()
    if cursor.token.kind is Kind.END or cursor.at_symbol("|"):
        raise cursor.error("STATS needs an aggregation, or BY", word)
    if not cursor.at_word("by"):
        aggregates = _aggregates(cursor)
    if cursor.take_word("by"):
        groups = read_fields(cursor, groups=True)
    return aggregates, groups


def _aggregates(cursor: Cursor) -> tuple[syntax.Aggregate, ...]:
    aggregates: list[syntax.Aggregate] = []
    while True:
        start = cursor.token.start
        field = read_field(cursor)
        where = None
        if cursor.take_word("where"):
            where = cursor.expression()
        name = field.name
        if where is not None and name == cursor.text[start : field.span.end]:
            name = cursor.text[start : cursor.previous_end]  # without an alias the filter is part of the name
        aggregates.append(syntax.Aggregate(name, field.value, where, cursor.span(start)))
        if not cursor.take_symbol(","):
            return tuple(aggregates)


def _expressions(command: syntax.Stats | syntax.InlineStats) -> Iterator[syntax.Expression]:
    for aggregate in command.aggregates:
        yield aggregate.value
        if aggregate.where is not None:
            yield aggregate.where
    yield from (group.value for group in command.groups)


def _bind_stats(pipeline: Pipeline, command: syntax.Stats) -> Step:
    step, pipeline.scope = bind_stats(pipeline.context, pipeline.scope, command)
    return step


def _bind_inline(pipeline: Pipeline, command: syntax.InlineStats) -> Step:
    return bind_inline_stats(pipeline.context, pipeline.scope, command)


STATS = Command(
    name="STATS",
    arguments="aggregations such as `name = COUNT(*)`",
    node=syntax.Stats,
    parse=_parse_stats,
    bind=_bind_stats,
    expressions=_expressions,
    closes=lambda _command: True,
    options=_OPTIONS,
    refuses=(RENAMED_AND_SHADOWED,),
)
INLINE_STATS = Command(
    name="INLINE STATS",
    arguments="aggregations such as `name = COUNT(*)`",
    node=syntax.InlineStats,
    parse=_parse_inline,
    bind=_bind_inline,
    mode=Mode.INLINE,
    expressions=_expressions,
    options=_OPTIONS,
    refuses=(INLINE_BY_MULTIVALUE, RENAMED_AND_SHADOWED),
)
