"""Text of a query to its tree: the commands.

    text ──tokenize──> tokens ──parse──> Query(source, commands)

Source: Elasticsearch `x-pack/plugin/esql/src/main/antlr/EsqlBaseParser.g4`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from converter.errors import QueryError, suggest
from converter.readers.source import Source
from converter.targets.esql.engine import syntax
from converter.targets.esql.engine.lex import REFUSED, Kind, Token, tokenize
from converter.targets.esql.engine.parse_expression import Cursor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MAX_COMMANDS = 200
_PIECE = re.compile(r"`(?:[^`]|``)+`|[^`]+")


def parse(text: str) -> syntax.Query:
    """Return the tree of an ES|QL query.

    Raises:
        QueryError: the text is not ES|QL, or uses a command that this engine does not know.
    """
    text_source = Source(text, QueryError)
    cursor = Cursor(text_source, tokenize(text_source))
    source = _source(cursor)
    commands: list[syntax.Command] = []
    while cursor.take_symbol("|"):
        if len(commands) >= MAX_COMMANDS:
            raise cursor.error(f"the query has more than {MAX_COMMANDS} commands", cursor.token)
        commands.append(_command(cursor))
    if cursor.token.kind is not Kind.END:
        near = ""
        if cursor.token.kind is Kind.WORD:
            near = suggest(cursor.token.word, ("and", "or", "not", "in", "like", "rlike", "is", "by", "where"))
        raise cursor.unexpected("'|' or the end of the query", near)
    return syntax.Query(source, tuple(commands))


def _source(cursor: Cursor) -> syntax.Source:
    word = cursor.advance()
    match word.word:
        case "from":
            return _from(cursor, word)
        case "row":
            fields = _fields(cursor)
            return syntax.Row(fields, cursor.span(word.start))
        case _:
            raise _unknown(cursor, word, ("from", "row"), "a query starts with FROM or ROW")


def _command(cursor: Cursor) -> syntax.Command:
    word = cursor.advance()
    reader = _COMMANDS.get(word.word)
    if reader is None:
        raise _unknown(cursor, word, _COMMANDS, "expected a command such as WHERE, EVAL or STATS")
    return reader(cursor, word)


def _unknown(cursor: Cursor, word: Token, known: Iterable[str], hint: str) -> QueryError:
    if word.word in REFUSED:
        return cursor.error(f"the command {REFUSED[word.word]} is not supported", word)
    if word.kind is Kind.END:
        return cursor.error("the query ends where a command is expected", word, hint)
    shown = cursor.text[word.start : word.end][:40]
    return cursor.error(f"unknown command {shown!r}", word, suggest(word.word, known) or hint)


# --- source ---------------------------------------------------------------------------------------------------------


def _from(cursor: Cursor, word: Token) -> syntax.From:
    indices = [_index(cursor)]
    while cursor.take_symbol(","):
        indices.append(_index(cursor))
    metadata: list[syntax.Column] = []
    if cursor.take_word("metadata"):
        metadata.append(_metadata_field(cursor))
        while cursor.take_symbol(","):
            metadata.append(_metadata_field(cursor))
    return syntax.From(tuple(indices), tuple(metadata), cursor.span(word.start))


def _index(cursor: Cursor) -> str:
    if cursor.at_symbol("("):
        raise cursor.error("a subquery in FROM is not supported", cursor.token)
    name = _index_part(cursor, "an index pattern after FROM", (Kind.SOURCE, Kind.STRING))
    if name.kind is Kind.SOURCE and cursor.take_symbol(":"):  # cluster:index
        part = _index_part(cursor, "an index pattern after the cluster's name", (Kind.SOURCE,))
        value = f"{name.value}:{part.value}"
    else:
        value = name.value
    if cursor.at_symbol("::"):
        raise cursor.error("an index selector ('::data', '::failures') is not supported", cursor.token)
    return value


def _index_part(cursor: Cursor, expected: str, kinds: tuple[Kind, ...]) -> Token:
    if cursor.token.kind not in kinds or cursor.at_word("metadata"):
        raise cursor.unexpected(expected)
    return cursor.advance()


def _metadata_field(cursor: Cursor) -> syntax.Column:
    token = _index_part(cursor, "a metadata field such as _id", (Kind.SOURCE,))
    return syntax.Column(token.value, token.span)


# --- fields ---------------------------------------------------------------------------------------------------------


def _fields(cursor: Cursor, *, groups: bool = False) -> tuple[syntax.Named, ...]:
    fields = [_field(cursor, groups=groups)]
    while cursor.take_symbol(","):
        fields.append(_field(cursor, groups=groups))
    return tuple(fields)


def _field(cursor: Cursor, *, groups: bool = False) -> syntax.Named:
    """Read a field. Without an alias it is called as it is written, brackets and backticks included, but for groups."""
    start = cursor.token.start
    value = cursor.expression()
    name = cursor.text[start : cursor.previous_end]
    if groups and isinstance(value, syntax.Column):
        name = value.name
    if cursor.at_symbol("="):
        if not isinstance(value, syntax.Column):
            raise cursor.error("the left side of '=' is not a name", cursor.token, "two values are compared with ==")
        name = value.name
        cursor.advance()
        value = cursor.expression()
        if cursor.at_symbol("="):
            raise cursor.error("a second '=' in one field", cursor.token, "two values are compared with ==")
    return syntax.Named(name, value, cursor.span(start))


def _aggregates(cursor: Cursor) -> tuple[syntax.Aggregate, ...]:
    aggregates: list[syntax.Aggregate] = []
    while True:
        start = cursor.token.start
        field = _field(cursor)
        where = None
        if cursor.take_word("where"):
            where = cursor.expression()
        name = field.name
        if where is not None and name == cursor.text[start : field.span.end]:
            name = cursor.text[start : cursor.previous_end]  # without an alias the filter is part of the name
        aggregates.append(syntax.Aggregate(name, field.value, where, cursor.span(start)))
        if not cursor.take_symbol(","):
            return tuple(aggregates)


# --- commands -------------------------------------------------------------------------------------------------------


def _where(cursor: Cursor, word: Token) -> syntax.Where:
    return syntax.Where(cursor.expression(), cursor.span(word.start))


def _eval(cursor: Cursor, word: Token) -> syntax.Eval:
    fields = _fields(cursor)
    return syntax.Eval(fields, cursor.span(word.start))


def _stats(cursor: Cursor, word: Token) -> syntax.Stats:
    return _stats_body(cursor, word, inline=False)


def _inline(cursor: Cursor, word: Token) -> syntax.Stats:
    if not cursor.take_word("stats"):
        raise cursor.unexpected("STATS after INLINE")
    return _stats_body(cursor, word, inline=True)


def _stats_body(cursor: Cursor, word: Token, *, inline: bool) -> syntax.Stats:
    aggregates: tuple[syntax.Aggregate, ...] = ()
    groups: tuple[syntax.Named, ...] = ()
    if cursor.token.kind is Kind.END or cursor.at_symbol("|"):
        raise cursor.error("STATS needs an aggregation, or BY", word)
    if not cursor.at_word("by"):
        aggregates = _aggregates(cursor)
    if cursor.take_word("by"):
        groups = _fields(cursor, groups=True)
    if inline and not aggregates:
        raise cursor.error("INLINE STATS needs an aggregation", word)
    return syntax.Stats(aggregates, groups, inline, cursor.span(word.start))


def _name_pattern(cursor: Cursor) -> syntax.NamePattern:
    start = cursor.token.start
    parts = [""]
    while True:
        if cursor.token.kind is not Kind.PATTERN:
            raise cursor.unexpected("a column name")
        for piece in _PIECE.findall(cursor.advance().value):
            if piece[0] == "`":
                parts[-1] += piece[1:-1].replace("``", "`")  # a star between backticks is a letter
            else:
                first, *rest = piece.split("*")
                parts[-1] += first
                parts.extend(rest)
        if not cursor.take_symbol("."):
            return syntax.NamePattern(tuple(parts), cursor.span(start))
        parts[-1] += "."


def _name_patterns(cursor: Cursor) -> tuple[syntax.NamePattern, ...]:
    patterns = [_name_pattern(cursor)]
    while cursor.take_symbol(","):
        patterns.append(_name_pattern(cursor))
    return tuple(patterns)


def _keep(cursor: Cursor, word: Token) -> syntax.Keep:
    patterns = _name_patterns(cursor)
    return syntax.Keep(patterns, cursor.span(word.start))


def _drop(cursor: Cursor, word: Token) -> syntax.Drop:
    patterns = _name_patterns(cursor)
    return syntax.Drop(patterns, cursor.span(word.start))


def _plain_name(cursor: Cursor) -> syntax.Column:
    token = cursor.token
    pattern = _name_pattern(cursor)
    if len(pattern.parts) != 1:
        raise cursor.error("a pattern in RENAME is not supported", token, "it takes whole names")
    return syntax.Column(pattern.parts[0], pattern.span)


def _rename(cursor: Cursor, word: Token) -> syntax.Rename:
    pairs: list[tuple[syntax.Column, syntax.Column]] = []
    while True:
        first = _plain_name(cursor)
        if cursor.take_symbol("="):
            pairs.append((_plain_name(cursor), first))
        elif cursor.take_word("as"):
            pairs.append((first, _plain_name(cursor)))
        else:
            raise cursor.unexpected("AS or '=' in RENAME")
        if not cursor.take_symbol(","):
            return syntax.Rename(tuple(pairs), cursor.span(word.start))


def _sort(cursor: Cursor, word: Token) -> syntax.Sort:
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


def _limit(cursor: Cursor, word: Token) -> syntax.Limit:
    if cursor.token.kind is not Kind.INTEGER or cursor.at_time_span():
        cursor.refuse_parameter()
        raise cursor.error("LIMIT takes a whole number", cursor.token)
    count = int(cursor.advance().value)
    if cursor.at_word("by"):
        raise cursor.error("LIMIT ... BY is not supported", cursor.token)
    return syntax.Limit(count, cursor.span(word.start))


def _mv_expand(cursor: Cursor, word: Token) -> syntax.MvExpand:
    column = cursor.qualified_name()
    return syntax.MvExpand(column, cursor.span(word.start))


_COMMANDS: dict[str, Callable[[Cursor, Token], syntax.Command]] = {
    "drop": _drop,
    "eval": _eval,
    "inline": _inline,
    "keep": _keep,
    "limit": _limit,
    "mv_expand": _mv_expand,
    "rename": _rename,
    "sort": _sort,
    "stats": _stats,
    "where": _where,
}
