"""Parse an EQL query into its tree.

    text ──lex──> tokens ──Parser──> Query

A hand-written recursive descent over the vendor's grammar (EqlBase.g4, Elasticsearch 8 and 9). What the grammar has but
Elasticsearch refuses (join, process relationships, array indexes, most pipes) is refused here by name.
"""

from __future__ import annotations

from typing import cast

from converter.errors import QueryError, suggest
from converter.readers.source import Source, Span, Token, Tokens
from converter.targets.eql.engine.lex import KEYWORDS, tokens
from converter.targets.eql.engine.syntax import (
    And,
    Arithmetic,
    ArithmeticOperator,
    Call,
    Comparison,
    ComparisonOperator,
    EventFilter,
    Expression,
    Field,
    InList,
    Literal,
    Negate,
    Not,
    Or,
    Pipe,
    Query,
    Sequence,
    Stage,
    TextMatch,
    TextOperator,
)

MAX_DEPTH = 100
MAX_RUNS = 100
_UNITS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_REFUSED_PIPES = ("count", "filter", "sort", "unique", "unique_count")
_PRECEDENCE: dict[ArithmeticOperator, int] = {"+": 0, "-": 0, "*": 1, "/": 1, "%": 1}
_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})
_TEXT_OPERATORS = frozenset({":", "like", "like~", "regex", "regex~"})


def parse(text: str) -> Query:
    """Return the tree of an EQL query.

    Raises:
        QueryError: the text is not EQL, or holds what Elasticsearch's EQL does not support.
    """
    source = Source(text, QueryError)
    return _Parser(source, tokens(source)).query()


class _Parser(Tokens[Token[str], QueryError]):
    def _take(self, *kinds: str) -> Token[str] | None:
        return self.advance() if self.token.kind in kinds else None

    def _expect(self, kind: str, what: str) -> Token[str]:
        token = self._take(kind)
        if token is None:
            raise self.unexpected(what)
        return token

    def unexpected(self, expected: str) -> QueryError:
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

    # statements

    def query(self) -> Query:
        token = self.token
        match token.kind:
            case "sequence":
                body: EventFilter | Sequence = self._sequence()
            case "sample":
                raise self.error(
                    "sample queries are not supported", token, "a sequence is, where order in time matters"
                )
            case "join":
                raise self.error("join is not supported by Elasticsearch", token, "use sequence")
            case _:
                body = self._event_filter()
        pipes: list[Pipe] = []
        while self._take("|"):
            pipes.append(self._pipe())
        if self.token.kind != "end":
            raise self.unexpected("the end of the query, a pipe, or an operator")
        return Query(body, tuple(pipes))

    def _event_filter(self) -> EventFilter:
        start = self.token.start
        category = self._take("any", "word", "string")
        if category is None:
            raise self.unexpected('an event category, "a category in quotes", or any')
        self._expect("where", "where")
        condition = self._expression()
        return EventFilter(None if category.kind == "any" else category.value, condition, self.span(start))

    def _pipe(self) -> Pipe:
        name = self._expect("word", "the name of a pipe: head or tail")
        if name.value in _REFUSED_PIPES:
            raise self.error(
                f"the pipe {name.value} is not supported by Elasticsearch", name, "the pipes are head and tail"
            )
        if name.value not in {"head", "tail"}:
            hint = suggest(name.value, ["head", "tail"]) or "the pipes are head and tail"
            raise self.error(f"there is no pipe {name.value}", name, hint)
        count = self._take("integer")
        if count is None:
            raise self.unexpected(f"a positive whole number after {name.value}")
        if self.token.kind == ",":
            raise self.error(f"the pipe {name.value} takes one argument", self.token)
        kind = "head" if name.value == "head" else "tail"
        return Pipe(kind, int(count.value), self.span(name.start))  # type: ignore[arg-type]

    # sequences

    def _sequence(self) -> Sequence:
        opening = self.advance()
        keys = self._keys()
        maxspan = None
        if self.token.kind == "with":
            maxspan = self._maxspan()
            if self.token.kind == "by":
                raise self.error(
                    "by comes before with in a sequence", self.token, "write: sequence by field with maxspan=5m"
                )
        stages: list[Stage] = []
        while self.token.kind in {"[", "!["}:
            stages.append(self._stage(keys))
        if not stages:
            raise self.unexpected("[ event_category where condition ]")
        until = None
        if self._take("until"):
            if self.token.kind != "[":
                raise self.unexpected("[ event_category where condition ] after until")
            until = self._stage(keys)
        sequence = Sequence(tuple(stages), maxspan, until, self.span(opening.start))
        self._check_sequence(sequence, len(keys))
        return sequence

    def _check_sequence(self, sequence: Sequence, shared: int) -> None:
        stages = sequence.stages
        for stage in stages if sequence.until is None else (*stages, sequence.until):
            if len(stage.keys) != len(stages[0].keys):
                expected, found = len(stages[0].keys) - shared, len(stage.keys) - shared
                raise self.error(
                    f"each stage needs the same number of join keys: {expected} expected, {found} found", stage.span
                )
        missing = [stage for stage in stages if stage.missing]
        if missing and sequence.maxspan is None:
            raise self.error(
                "a missing event needs a sequence with maxspan", missing[0].span, "sequence with maxspan=5m ..."
            )
        if len(missing) == len(stages):
            raise self.error("a sequence needs at least one stage that is not a missing event", sequence.span)
        if sum(stage.runs for stage in stages) < 2:  # noqa: PLR2004 - said in the message
            raise self.error("a sequence needs at least two stages", sequence.span, "add a stage, or: with runs=2")
        if sequence.until is not None and sequence.until.runs != 1:
            raise self.error("until takes no runs", sequence.until.span)

    def _keys(self) -> tuple[Field, ...]:
        if not self._take("by"):
            return ()
        keys = [self._key()]
        while self._take(","):
            keys.append(self._key())
        return tuple(keys)

    def _key(self) -> Field:
        start = self.token
        expression = self._operand()
        if not isinstance(expression, Field):
            raise self.error(
                "a join key must be a field", self.span(start.start), "functions and arithmetic are not supported here"
            )
        return expression

    def _stage(self, shared: tuple[Field, ...]) -> Stage:
        opening = self.advance()
        event_filter = self._event_filter()
        self._expect("]", "] or an operator")
        keys = self._keys()
        runs = self._runs() if self._take("with") else 1
        return Stage(event_filter, shared + keys, runs, opening.kind == "![", self.span(opening.start))

    def _runs(self) -> int:
        option = self._expect("word", "runs=N")
        if option.value != "runs":
            raise self.error(f"a stage has no option {option.value}", option, "the option is runs")
        self._expect("=", "=")
        if self.token.kind == "-":
            raise self.error("runs must be at least 1", self.token)
        count = self._take("integer")
        if count is None:
            raise self.unexpected(f"a whole number from 1 to {MAX_RUNS}")
        runs = int(count.value) if len(count.value) < len(str(MAX_RUNS)) + 1 else MAX_RUNS + 1
        if not 1 <= runs <= MAX_RUNS:
            raise self.error(f"runs={count.value} is outside 1 to {MAX_RUNS}", count)
        return runs

    def _maxspan(self) -> int:
        self._expect("with", "with")
        self._expect("maxspan", "maxspan")
        self._expect("=", "=")
        count = self._take("integer", "decimal")
        if count is None:
            raise self.unexpected("a duration such as 6m")
        if count.kind == "decimal":
            raise self.error("maxspan must be a whole number of its unit", count, "1.5h is 90m")
        amount = int(count.value)
        if amount == 0:
            raise self.error("maxspan must be greater than zero", count)
        unit = self._take("word")
        if unit is None:
            raise self.error("maxspan has no unit", count, f"did you mean {count.value}s? The units are ms, s, m, h, d")
        if unit.value not in _UNITS:
            raise self.error(f"{unit.value} is not a unit of time", unit, "the units are ms, s, m, h, d")
        return amount * _UNITS[unit.value]

    # expressions: or < and < not < comparison < + - < * / % < sign < primary with predicate

    def _expression(self) -> Expression:
        start = self.token.start
        alternatives: list[Expression] = []
        with self.nested(MAX_DEPTH):
            while True:
                conjunction = self.token.start
                operands = [self._comparison()]
                while self._take("and"):
                    operands.append(self._comparison())
                joined = operands[0] if len(operands) == 1 else And(tuple(operands), self.span(conjunction))
                alternatives.append(joined)
                if not self._take("or"):
                    break
        return alternatives[0] if len(alternatives) == 1 else Or(tuple(alternatives), self.span(start))

    def _comparison(self) -> Expression:
        start = self.token.start
        if self._take("not"):
            with self.nested(MAX_DEPTH):
                operand = self._comparison()
            return Not(operand, self.span(start))
        left = self._operand()
        if self.token.kind not in _COMPARISONS:
            if self.token.kind == "=":
                raise self.unexpected("an operator")
            return left
        operator = cast("ComparisonOperator", self.advance().kind)
        right = self._operand()
        if self.token.kind in _COMPARISONS:
            raise self.error("comparisons cannot be chained", self.token, "join two comparisons with and")
        return Comparison(operator, left, right, self.span(start))

    def _operand(self) -> Expression:
        """Read arithmetic: products, summed from left to right."""
        start = factor = self.token.start
        total: Expression | None = None
        sign: ArithmeticOperator = "+"
        term = self._signed()
        length = 0
        while operator := self._take(*_PRECEDENCE):
            length += 1
            if length > MAX_DEPTH:
                raise self.error(f"more than {MAX_DEPTH} arithmetic operators in a row", operator)
            kind = cast("ArithmeticOperator", operator.kind)
            if _PRECEDENCE[kind] > 0:
                term = Arithmetic(kind, term, self._signed(), self.span(factor))
                continue
            total = term if total is None else Arithmetic(sign, total, term, self.span(start))
            sign, factor = kind, self.token.start
            term = self._signed()
        return term if total is None else Arithmetic(sign, total, term, self.span(start))

    def _signed(self) -> Expression:
        start = self.token.start
        sign = self._take("-", "+")
        if sign is None:
            return self._predicate(start, self._primary())
        with self.nested(MAX_DEPTH):
            operand = self._signed()
        return operand if sign.kind == "+" else Negate(operand, self.span(start))

    def _predicate(self, start: int, operand: Expression) -> Expression:
        kind = self.token.kind
        if kind in _TEXT_OPERATORS:
            operator = cast("TextOperator", self.advance().kind)
            return TextMatch(operator, operand, self._patterns(operator), self.span(start))
        negated = kind == "not" and self.following.kind in {"in", "in~"}
        if negated:
            self.advance()
        elif kind == "not" and self.following.kind in _TEXT_OPERATORS:
            raise self.error(
                "not cannot stand before a text operator", self.token, "write not before the field: not f like ..."
            )
        membership = self._take("in", "in~")
        if membership is None:
            return operand
        self._expect("(", "( after in")
        items = self._list()
        return InList(operand, items, membership.kind == "in~", negated, self.span(start))

    def _patterns(self, operator: str) -> tuple[Literal, ...]:
        if not self._take("("):
            return (self._constant(operator),)
        patterns = [self._constant(operator)]
        while self._take(","):
            patterns.append(self._constant(operator))
        self._expect(")", ") or ,")
        return tuple(patterns)

    def _constant(self, operator: str) -> Literal:
        token = self.token
        literal = self._literal()
        if literal is None:
            what = "another field" if token.kind in {"word", "quoted word", "?"} else "this"
            hint = 'expected "text" or ("text", ...)'
            raise self.error(f"{operator} compares with constants only, not with {what}", token, hint)
        return literal

    def _list(self) -> tuple[Expression, ...]:
        items = [self._expression()]
        while self._take(","):
            items.append(self._expression())
        self._expect(")", ") or ,")
        return tuple(items)

    def _literal(self) -> Literal | None:
        token = self.token
        span = Span(token.start, token.end)
        match token.kind:
            case "null":
                literal = Literal(None, span)
            case "true" | "false":
                literal = Literal(token.kind == "true", span)
            case "string":
                literal = Literal(token.value, span)
            case "integer":
                literal = Literal(_integer(token.value), span)
            case "decimal":
                literal = Literal(float(token.value), span)
            case _:
                return None
        self.advance()
        return literal

    def _primary(self) -> Expression:
        literal = self._literal()
        if literal is not None:
            return literal
        token = self.token
        if self._take("("):
            expression = self._expression()
            self._expect(")", ") or an operator")
            return expression
        following = self.following.kind
        if token.kind in {"word", "tilde word"} and following == "(":
            return self._call()
        if token.kind == "tilde word":
            raise self.error(f"{token.value}~ is neither a function call nor an operator", token)
        if token.kind == "word" and following == "of":
            raise self.error("process relationships are not supported by Elasticsearch", token)
        return self._field()

    def _call(self) -> Call:
        name = self.advance()
        self._expect("(", "(")
        arguments = () if self._take(")") else self._list()
        return Call(name.value.lower(), arguments, name.kind == "tilde word", self.span(name.start))

    def _field(self) -> Field:
        start = self.token.start
        optional = self._take("?") is not None
        parts = [self._name()]
        while self.token.kind in {".", "["}:
            if self.token.kind == "[":
                if self.following.kind == "integer":
                    raise self.error("array indexes are not supported by Elasticsearch", self.token)
                break
            self.advance()
            parts.append(self._name())
        return Field(".".join(parts), optional, self.span(start))

    def _name(self) -> str:
        token = self._take("word", "quoted word")
        if token is None:
            raise self.unexpected("a value, a function or the name of a field")
        return token.value


def _integer(digits: str) -> int | float:
    """Return a long, or a double where a long is too small, as the vendor reads it."""
    value = int(digits) if len(digits) < 20 else None  # noqa: PLR2004 - longer never fits 64 bits
    return value if value is not None and value < 2**63 else float(digits)
