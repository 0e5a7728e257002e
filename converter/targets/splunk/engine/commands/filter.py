"""Commands that keep rows by what is in them: `search`, `where`, `regex`, `uniq`.

rows ──condition; null counts as false──> rows
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from converter.readers.source import NOWHERE
from converter.targets.splunk.engine.commands.base import Command
from converter.targets.splunk.engine.commands.row_values import values_besides
from converter.targets.splunk.engine.functions.evaluate import compile_condition
from converter.targets.splunk.engine.language.eval_parser import parse_expression
from converter.targets.splunk.engine.language.lex import unescape
from converter.targets.splunk.engine.language.regexes import searcher
from converter.targets.splunk.engine.language.search_parser import parse_search
from converter.targets.splunk.engine.language.search_predicate import compile_search
from converter.targets.splunk.engine.language.syntax import CommandNode
from converter.targets.splunk.engine.language.values import text_of, values_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from converter.readers.source import Span
    from converter.targets.splunk.engine.commands.base import SearchContext, Stage
    from converter.targets.splunk.engine.language.lex import Scanner
    from converter.targets.splunk.engine.language.syntax import Expression, SearchExpression
    from converter.targets.splunk.engine.language.values import Row


@dataclass(frozen=True, slots=True)
class Search(CommandNode):
    """`search <expression>`, or the implied first command."""

    expression: SearchExpression


@dataclass(frozen=True, slots=True)
class Where(CommandNode):
    """`where <boolean expression>`."""

    expression: Expression
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Regex(CommandNode):
    """`regex field="..."`; negated by `!=`."""

    field: str
    pattern: str
    negated: bool
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Uniq(CommandNode):
    """`uniq`: a row that equals the one before it is dropped."""


def _read_search(scanner: Scanner, _span: Span) -> Search:
    return Search(parse_search(scanner))


def _compile_search(command: Search, context: SearchContext) -> Stage:
    """Keep the rows that match."""
    test = compile_search(command.expression, context.source)
    return lambda rows: filter(test, rows)


def _read_where(scanner: Scanner, span: Span) -> Where:
    """Read `where <expression>`."""
    if scanner.at_command_end():
        raise scanner.error("where without a condition", span)
    return Where(parse_expression(scanner), span)


def _compile_where(command: Where, context: SearchContext) -> Stage:
    """Keep the rows for which the condition is true; null is not."""
    test = compile_condition(command.expression, context.source, command.span, "where")
    return lambda rows: (row for row in rows if test(row))


def _read_regex(scanner: Scanner, span: Span) -> Regex:
    """Read `regex field="..."`, `regex field!="..."` or `regex "..."`."""
    if scanner.at_command_end():
        raise scanner.error("regex without an expression", span)
    start = scanner.offset
    if scanner.peek() == '"':
        pattern = unescape(scanner.quoted())
        if scanner.peek() not in ("=", "!"):
            return Regex("_raw", pattern, negated=False, span=scanner.span(start))
        field = pattern
    else:
        field = scanner.name("a field or an expression in quotes")
    if scanner.accept("!="):
        negated = True
    elif scanner.accept("="):
        negated = False
    else:
        raise scanner.error(
            f"expected = or != after the field, found {scanner.describe()}", hint="quote the expression"
        )
    if scanner.peek() != '"':
        raise scanner.error(f"expected an expression in quotes, found {scanner.describe()}")
    at = scanner.offset
    pattern = unescape(scanner.quoted())
    return Regex(field, pattern, negated, scanner.span(at))


def _compile_regex(command: Regex, context: SearchContext) -> Stage:
    """Keep the rows with a value that matches, or, negated, without one."""
    search = searcher(command.pattern, lambda message: context.error(message, command.span))
    name, negated = command.field, command.negated

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            value = row.get(name)
            if type(value) is str:
                matches = search(value) is not None
            else:
                matches = any(search(text_of(item)) is not None for item in values_of(value))
            if matches is not negated:
                yield row

    return run


def _read_uniq(_scanner: Scanner, _span: Span) -> Uniq:
    return Uniq()


def _compile_uniq(_command: Uniq, _context: SearchContext) -> Stage:
    """Drop a row that equals the one before it."""

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        before: frozenset[tuple[str, tuple[str, ...]]] | None = None
        for row in rows:
            held = values_besides(row, "_id")
            if held != before:
                yield row
            before = held

    return run


SEARCH = Command(
    "search", _read_search, _compile_search, (Search,), arguments="a search expression", streaming=True, generating=True
)
WHERE = Command("where", _read_where, _compile_where, (Where,), arguments="a condition", streaming=True)
REGEX = Command(
    "regex", _read_regex, _compile_regex, (Regex,), arguments='`field="expression"`, or `!=`', streaming=True
)
UNIQ = Command("uniq", _read_uniq, _compile_uniq, (Uniq,))

COMMANDS: tuple[Command[Any], ...] = (SEARCH, WHERE, REGEX, UNIQ)
