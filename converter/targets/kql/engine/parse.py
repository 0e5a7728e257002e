"""Parse the text of a KQL query.

    text ──Scanner──> literals ──recursive descent──> syntax.Query

The grammar is the vendor's (elastic/kibana, kbn-es-query, src/kuery/grammar/grammar.peggy), read by recursive descent
with one literal of look-ahead, which is enough: every alternative that begins with a literal is told apart by the sign
after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from converter.errors import QueryError
from converter.readers.source import Source, Span
from converter.targets.kql.engine import syntax
from converter.targets.kql.engine.lex import Scanner

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_DEPTH = 100
"""How deep brackets may nest."""

# The longer first: `<=` begins like `<`.
_RANGE_OPERATORS: tuple[syntax.RangeOperator, ...] = tuple(
    sorted(get_args(syntax.RangeOperator), key=len, reverse=True)
)


def parse(text: str) -> syntax.Query:
    """Return the tree of the KQL query `text`.

    Raises:
        QueryError: the text is not KQL, or nests deeper than `MAX_DEPTH`.

    Source: elastic/kibana, kbn-es-query, src/kuery/grammar/grammar.peggy.
    """
    scanner = Scanner(Source(text, QueryError))
    scanner.blanks()
    if scanner.at_end():
        return syntax.MatchAll()
    query = _operators(scanner, _sub_query)
    scanner.blanks()
    if not scanner.at_end():
        raise _unexpected(scanner)
    return query


def _operators(scanner: Scanner, operand: Callable[[Scanner], syntax.Query]) -> syntax.Query:
    """Read `a or b and not c`: `or` binds least, `not` most, and `not not` is not KQL."""
    alternatives: list[syntax.Query] = []
    factors: list[syntax.Query] = []
    while True:
        negated = scanner.operator("not")
        query = operand(scanner)
        factors.append(syntax.Not(query) if negated else query)
        if scanner.operator("and"):
            continue
        alternatives.append(factors[0] if len(factors) == 1 else syntax.And(tuple(factors)))
        if not scanner.operator("or"):
            return alternatives[0] if len(alternatives) == 1 else syntax.Or(tuple(alternatives))
        factors = []


def _sub_query(scanner: Scanner) -> syntax.Query:
    opened = scanner.offset
    if scanner.take("("):
        return _bracketed(scanner, opened, ")", _sub_query)
    name = scanner.literal()
    if name is None:
        raise _expected(scanner, "a field or a value")
    after = scanner.offset
    scanner.blanks()
    for operator in _RANGE_OPERATORS:
        if scanner.take(operator):
            scanner.blanks()
            value = scanner.literal()
            if value is None:
                raise _expected(scanner, f"a value after {operator!r}")
            return syntax.Range(name, operator, value)
    if not scanner.take(":"):
        scanner.offset = after
        return syntax.Is(None, name)
    scanner.blanks()
    opened = scanner.offset
    if scanner.take("{"):
        return syntax.Nested(name, _bracketed(scanner, opened, "}", _sub_query))
    return _values(scanner, name)


def _values(scanner: Scanner, name: syntax.Value) -> syntax.Query:
    """Read a value, or a bracketed list such as `(a or b and not c)`, of the field `name`."""
    opened = scanner.offset
    if scanner.take("("):
        return _bracketed(scanner, opened, ")", lambda scanner: _values(scanner, name))
    value = scanner.literal()
    if value is None:
        raise _expected(scanner, "a value")
    return syntax.Is(name, value)


def _bracketed(scanner: Scanner, opened: int, closing: str, operand: Callable[[Scanner], syntax.Query]) -> syntax.Query:
    """Read what stands in the bracket that was opened at the offset `opened`, and the closing one."""
    bracket = Span(opened, opened + 1)
    with scanner.nested(MAX_DEPTH, bracket):
        scanner.blanks()
        query = _operators(scanner, operand)
    scanner.blanks()
    if scanner.take(closing):
        return query
    if scanner.at_end():
        raise scanner.error(f"this bracket is not closed; {closing!r} is missing", bracket)
    raise _unexpected(scanner)


def _expected(scanner: Scanner, what: str) -> QueryError:
    if scanner.at_end():
        return scanner.error(f"the query ends where {what} should be")
    start = scanner.offset
    if scanner.operator("not"):
        negation = Span(start, start + len("not"))
        return scanner.error(f"'not' stands where {what} should be", negation, "bracket what is negated: not (...)")
    return scanner.error(f"{scanner.peek()!r} stands where {what} should be")


def _unexpected(scanner: Scanner) -> QueryError:
    char = scanner.peek()
    start = scanner.offset
    if char == "(" and scanner.text[:start].rstrip().lower().endswith("not"):
        return scanner.error("'(' directly after 'not'", hint="write a blank between them: not (...)")
    if char == ")":
        return scanner.error("this bracket closes nothing")
    if char == ":":
        return scanner.error("':' after a value", hint="put a value that has a colon in quotes")
    if scanner.operator("not"):
        negation = Span(start, start + len("not"))
        return scanner.error("'not' inside a value", negation, "put the value in quotes, or write 'and not'")
    hint = "put a value that has such signs in quotes"
    return scanner.error(f"unexpected {char!r}; expected 'and', 'or' or the end", hint=hint)
