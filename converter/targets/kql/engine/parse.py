"""Parse the text of a KQL query.

    text ──Scanner──> literals ──recursive descent──> syntax.Query

The grammar is the vendor's (elastic/kibana, kbn-es-query, src/kuery/grammar/grammar.peggy), read by recursive descent
with one literal of look-ahead, which is enough: every alternative that begins with a literal is told apart by the sign
after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from converter.targets.kql.engine.lex import Scanner
from converter.targets.kql.engine.syntax import And, Is, MatchAll, Nested, Not, Or, Query, Range, RangeOperator, Value

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_DEPTH = 100
"""How deep brackets may nest."""

_RANGE_OPERATORS: tuple[RangeOperator, ...] = ("<=", ">=", "<", ">")


def parse(text: str) -> Query:
    """Return the tree of the KQL query `text`.

    Raises:
        QueryError: the text is not KQL, or nests deeper than `MAX_DEPTH`.

    Source: elastic/kibana, kbn-es-query, src/kuery/grammar/grammar.peggy.
    """
    scanner = Scanner(text)
    scanner.blanks()
    if scanner.at_end():
        return MatchAll()
    query = _or_query(scanner, 0)
    scanner.blanks()
    if not scanner.at_end():
        _unexpected(scanner)
    return query


def _or_query(scanner: Scanner, depth: int) -> Query:
    return _operators(scanner, depth, _sub_query)


def _operators(scanner: Scanner, depth: int, operand: Callable[[Scanner, int], Query]) -> Query:
    """Read `a or b and not c`: `or` binds least, `not` most, and `not not` is no KQL."""
    alternatives: list[Query] = []
    factors: list[Query] = []
    while True:
        negated = scanner.operator("not")
        query = operand(scanner, depth)
        factors.append(Not(query) if negated else query)
        if scanner.operator("and"):
            continue
        alternatives.append(factors[0] if len(factors) == 1 else And(tuple(factors)))
        if not scanner.operator("or"):
            return alternatives[0] if len(alternatives) == 1 else Or(tuple(alternatives))
        factors = []


def _sub_query(scanner: Scanner, depth: int) -> Query:
    opened = scanner.offset
    if scanner.sign("("):
        _check_depth(scanner, depth, opened)
        scanner.blanks()
        query = _or_query(scanner, depth + 1)
        _close(scanner, ")", opened)
        return query
    name = scanner.literal()
    if name is None:
        _expected(scanner, "a field or a value")
    after = scanner.offset
    scanner.blanks()
    for operator in _RANGE_OPERATORS:
        if scanner.sign(operator):
            scanner.blanks()
            value = scanner.literal()
            if value is None:
                _expected(scanner, f"a value after {operator!r}")
            return Range(name, operator, value)
    if not scanner.sign(":"):
        scanner.offset = after
        return Is(None, name)
    scanner.blanks()
    opened = scanner.offset
    if scanner.sign("{"):
        _check_depth(scanner, depth, opened)
        scanner.blanks()
        query = _or_query(scanner, depth + 1)
        _close(scanner, "}", opened)
        return Nested(name, query)
    return _values(scanner, depth, name)


def _values(scanner: Scanner, depth: int, name: Value) -> Query:
    """Read a value, or a bracketed list such as `(a or b and not c)`, of the field `name`."""

    def operand(scanner: Scanner, depth: int) -> Query:
        return _values(scanner, depth, name)

    opened = scanner.offset
    if scanner.sign("("):
        _check_depth(scanner, depth, opened)
        scanner.blanks()
        query = _operators(scanner, depth + 1, operand)
        _close(scanner, ")", opened)
        return query
    value = scanner.literal()
    if value is None:
        _expected(scanner, "a value")
    return Is(name, value)


def _check_depth(scanner: Scanner, depth: int, offset: int) -> None:
    if depth >= MAX_DEPTH:
        scanner.fail(f"brackets nest deeper than {MAX_DEPTH} levels", offset=offset)


def _close(scanner: Scanner, sign: str, opened: int) -> None:
    scanner.blanks()
    if scanner.sign(sign):
        return
    if scanner.at_end():
        scanner.fail(f"this bracket is not closed; {sign!r} is missing", offset=opened)
    _unexpected(scanner)


def _expected(scanner: Scanner, what: str) -> NoReturn:
    if scanner.at_end():
        scanner.fail(f"the query ends where {what} should be")
    start = scanner.offset
    if scanner.operator("not"):
        scanner.fail(
            f"'not' stands where {what} should be", "bracket what is negated: not (...)", offset=start, length=3
        )
    scanner.fail(f"{scanner.peek()!r} stands where {what} should be")


def _unexpected(scanner: Scanner) -> NoReturn:
    text = scanner.text
    char = scanner.peek()
    if char == "(" and text[: scanner.offset].rstrip().lower().endswith("not"):
        scanner.fail("'(' directly after 'not'", "write a blank between them: not (...)")
    if char == ")":
        scanner.fail("this bracket closes nothing")
    if char == ":":
        scanner.fail("':' after a value", "put a value that has a colon in quotes")
    start = scanner.offset
    if scanner.operator("not"):
        scanner.fail("'not' inside a value", "put the value in quotes, or write 'and not'", offset=start, length=3)
    scanner.fail(f"unexpected {char!r}; expected 'and', 'or' or the end", "put a value that has such signs in quotes")
