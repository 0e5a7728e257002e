"""Tokens to expressions: the part of the grammar that every condition and join key shares.

    tokens ──Cursor.expression()──> Expression

Precedence, loosest first: or, and, not, then one comparison, then + -, then * / %, then a sign, then a text operator or
`in`. A hand-written recursive descent over the vendor's grammar (EqlBase.g4, Elasticsearch 8 and 9).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast, get_args

from converter.errors import QueryError
from converter.readers.source import Token, Tokens
from converter.targets.eql.engine.language import syntax as tree
from converter.targets.eql.engine.language.lex import KEYWORDS

if TYPE_CHECKING:
    from converter.readers.source import Located

MAX_DEPTH = 100
_PRECEDENCE: dict[tree.ArithmeticOperator, int] = {"+": 0, "-": 0, "*": 1, "/": 1, "%": 1}
_COMPARISONS: frozenset[str] = frozenset(get_args(tree.ComparisonOperator))
_TEXT_OPERATORS: frozenset[str] = frozenset(get_args(tree.TextOperator))

# What only Endgame's EQL has. Source: docs "EQL syntax reference", section "Differences from Endgame EQL syntax".
RELATIONSHIPS = "process relationships"
ARRAY_INDEXES = "array indexes"


class Cursor(Tokens[Token[str], QueryError]):
    """A reader of tokens with one token of look-ahead, and the expressions of the grammar as methods."""

    def take(self, *kinds: str) -> Token[str] | None:
        """Read the next token if it is of one of these kinds."""
        return self.advance() if self.token.kind in kinds else None

    def expect(self, kind: str, what: str) -> Token[str]:
        """Read a token of this kind, or raise: `what` was expected."""
        token = self.take(kind)
        if token is None:
            raise self.unexpected(what)
        return token

    def refused(self, what: str, at: Located, hint: str = "") -> QueryError:
        """Return the error for what only Endgame's EQL has; `what` is "x is" or "x are"."""
        return self.error(f"{what} not supported by Elasticsearch", at, hint)

    def unexpected(self, expected: str) -> QueryError:
        """Return the error that the next token is not what was expected."""
        token = self.token
        if token.kind == "end":
            return self.error("the query ends too early", token, f"expected {expected}")
        shown = self.text[token.start : token.end]
        hint = f"expected {expected}"
        if token.kind == "=":
            hint = "= does not compare; write == or :"
        elif token.kind in KEYWORDS and "field" in expected:
            hint = f"{shown} is a keyword; write a field of that name in backticks: `{shown}`"
        elif token.kind == "word" and token.value.lower() in KEYWORDS:
            hint = f"keywords are lower-case: {token.value.lower()}"
        return self.error(f"{shown} is not expected here", token, hint)

    def expression(self) -> tree.Expression:
        """Read a condition, or any other expression."""
        start = self.token.start
        alternatives: list[tree.Expression] = []
        with self.nested(MAX_DEPTH):
            while True:
                conjunction = self.token.start
                operands = [self._comparison()]
                while self.take("and"):
                    operands.append(self._comparison())
                joined = operands[0] if len(operands) == 1 else tree.And(tuple(operands), self.span(conjunction))
                alternatives.append(joined)
                if not self.take("or"):
                    break
        return alternatives[0] if len(alternatives) == 1 else tree.Or(tuple(alternatives), self.span(start))

    def _comparison(self) -> tree.Expression:
        start = self.token.start
        if self.take("not"):
            with self.nested(MAX_DEPTH):
                operand = self._comparison()
            return tree.Not(operand, self.span(start))
        left = self.operand()
        if self.token.kind not in _COMPARISONS:
            if self.token.kind == "=":
                raise self.unexpected("an operator")
            return left
        operator = cast("tree.ComparisonOperator", self.advance().kind)
        right = self.operand()
        if self.token.kind in _COMPARISONS:
            raise self.error("comparisons cannot be chained", self.token, "join two comparisons with and")
        return tree.Comparison(operator, left, right, self.span(start))

    def operand(self) -> tree.Expression:
        """Read arithmetic: products, summed from left to right."""
        start = factor = self.token.start
        total: tree.Expression | None = None
        sign: tree.ArithmeticOperator = "+"
        term = self._signed()
        length = 0
        while operator := self.take(*_PRECEDENCE):
            length += 1
            if length > MAX_DEPTH:
                raise self.error(f"more than {MAX_DEPTH} arithmetic operators in a row", operator)
            kind = cast("tree.ArithmeticOperator", operator.kind)
            if _PRECEDENCE[kind] > 0:
                term = tree.Arithmetic(kind, term, self._signed(), self.span(factor))
                continue
            total = term if total is None else tree.Arithmetic(sign, total, term, self.span(start))
            sign, factor = kind, self.token.start
            term = self._signed()
        return term if total is None else tree.Arithmetic(sign, total, term, self.span(start))

    def _signed(self) -> tree.Expression:
        start = self.token.start
        sign = self.take("-", "+")
        if sign is None:
            return self._predicate(start, self._primary())
        with self.nested(MAX_DEPTH):
            operand = self._signed()
        return operand if sign.kind == "+" else tree.Negate(operand, self.span(start))

    def _predicate(self, start: int, operand: tree.Expression) -> tree.Expression:
        kind = self.token.kind
        if kind in _TEXT_OPERATORS:
            operator = cast("tree.TextOperator", self.advance().kind)
            return tree.TextMatch(operator, operand, self._patterns(operator), self.span(start))
        negated = kind == "not" and self.following.kind in {"in", "in~"}
        if negated:
            self.advance()
        elif kind == "not" and self.following.kind in _TEXT_OPERATORS:
            raise self.error(
                "not cannot stand before a text operator", self.token, "write not before the field: not f like ..."
            )
        membership = self.take("in", "in~")
        if membership is None:
            return operand
        self.expect("(", "( after in")
        items = self._list()
        return tree.InList(operand, items, membership.kind == "in~", negated, self.span(start))

    def _patterns(self, operator: str) -> tuple[tree.Literal, ...]:
        if not self.take("("):
            return (self._constant(operator),)
        patterns = [self._constant(operator)]
        while self.take(","):
            patterns.append(self._constant(operator))
        self.expect(")", ") or ,")
        return tuple(patterns)

    def _constant(self, operator: str) -> tree.Literal:
        token = self.token
        literal = self._literal()
        if literal is None:
            what = "another field" if token.kind in {"word", "quoted word", "?"} else "this"
            hint = 'expected "text" or ("text", ...)'
            raise self.error(f"{operator} compares with constants only, not with {what}", token, hint)
        return literal

    def _list(self) -> tuple[tree.Expression, ...]:
        items = [self.expression()]
        while self.take(","):
            items.append(self.expression())
        self.expect(")", ") or ,")
        return tuple(items)

    def _literal(self) -> tree.Literal | None:
        token = self.token
        span = token.span
        match token.kind:
            case "null":
                literal = tree.Literal(None, span)
            case "true" | "false":
                literal = tree.Literal(token.kind == "true", span)
            case "string":
                literal = tree.Literal(token.value, span)
            case "integer":
                literal = tree.Literal(_integer(token.value), span)
            case "decimal":
                literal = tree.Literal(float(token.value), span)
            case _:
                return None
        self.advance()
        return literal

    def _primary(self) -> tree.Expression:
        literal = self._literal()
        if literal is not None:
            return literal
        token = self.token
        if self.take("("):
            expression = self.expression()
            self.expect(")", ") or an operator")
            return expression
        following = self.following.kind
        if token.kind in {"word", "tilde word"} and following == "(":
            return self._call()
        if token.kind == "tilde word":
            raise self.error(f"{token.value}~ is neither a function call nor an operator", token)
        if token.kind == "word" and following == "of":
            raise self.refused(f"{RELATIONSHIPS} are", token)
        return self._field()

    def _call(self) -> tree.Call:
        name = self.advance()
        self.expect("(", "(")
        arguments = () if self.take(")") else self._list()
        return tree.Call(name.value.lower(), arguments, name.kind == "tilde word", self.span(name.start))

    def _field(self) -> tree.Field:
        start = self.token.start
        optional = self.take("?") is not None
        parts = [self._name()]
        while self.token.kind in {".", "["}:
            if self.token.kind == "[":
                if self.following.kind == "integer":
                    raise self.refused(f"{ARRAY_INDEXES} are", self.token)
                break
            self.advance()
            parts.append(self._name())
        return tree.Field(".".join(parts), optional, self.span(start))

    def _name(self) -> str:
        token = self.take("word", "quoted word")
        if token is None:
            raise self.unexpected("a value, a function or the name of a field")
        return token.value


def _integer(digits: str) -> int | float:
    """Return a long, or a double where a long is too small, as the vendor reads it."""
    value = int(digits) if len(digits) < 20 else None  # noqa: PLR2004 - longer never fits 64 bits
    return value if value is not None and value < 2**63 else float(digits)
