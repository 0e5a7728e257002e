"""Text of a query to its tree: the commands, each read by its entry in their table.

    text ──tokenize──> tokens ──parse──> Query(source, commands)

Source: Elasticsearch `x-pack/plugin/esql/src/main/antlr/EsqlBaseParser.g4`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.errors import QueryError, suggest
from converter.readers.source import Source
from converter.targets.esql.engine.commands import COMMANDS, MODES, SOURCES, UNSUPPORTED
from converter.targets.esql.engine.language import syntax
from converter.targets.esql.engine.language.lex import Kind, Token, tokenize
from converter.targets.esql.engine.language.parse_expression import Cursor

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_COMMANDS = 200


def parse(text: str) -> syntax.Query:
    """Return the tree of an ES|QL query.

    Raises:
        QueryError: the text is not ES|QL, or uses a command that this engine does not know.
    """
    text_source = Source(text, QueryError)
    cursor = Cursor(text_source, tokenize(text_source, MODES))
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
    if word.word not in SOURCES:
        raise _unknown(cursor, word, SOURCES, "a query starts with FROM or ROW")
    source: syntax.Source = SOURCES[word.word].parse(cursor, word)
    return source


def _command(cursor: Cursor) -> syntax.Command:
    word = cursor.advance()
    if word.word not in COMMANDS:
        raise _unknown(cursor, word, COMMANDS, "expected a command such as WHERE, EVAL or STATS")
    command: syntax.Command = COMMANDS[word.word].parse(cursor, word)
    return command


def _unknown(cursor: Cursor, word: Token, known: Iterable[str], hint: str) -> QueryError:
    if word.word in UNSUPPORTED:
        return cursor.refused(f"the command {UNSUPPORTED[word.word]}", word)
    if word.kind is Kind.END:
        return cursor.error("the query ends where a command is expected", word, hint)
    shown = cursor.text[word.start : word.end][:40]
    return cursor.error(f"unknown command {shown!r}", word, suggest(word.word, known) or hint)
