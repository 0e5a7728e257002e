"""Parse an EQL query into its tree.

    text ──lex──> tokens ──Parser──> Query

A hand-written recursive descent over the vendor's grammar (EqlBase.g4, Elasticsearch 8 and 9). What the grammar has but
Elasticsearch refuses (join, process relationships, array indexes, most pipes) is refused here by name.
"""

from __future__ import annotations

from typing import NoReturn, cast

from converter.errors import suggest
from converter.targets.eql.engine.lex import KEYWORDS, Token, fail, tokens
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
    Span,
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
    return _Parser(text).query()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokens(text)
        self._at = 0
        self._depth = 0

    # tokens

    @property
    def _token(self) -> Token:
        return self._tokens[self._at]

    def _next(self) -> Token:
        token = self._tokens[self._at]
        if token.kind != "end":
            self._at += 1
        return token

    def _take(self, *kinds: str) -> Token | None:
        return self._next() if self._token.kind in kinds else None

    def _expect(self, kind: str, what: str) -> Token:
        return self._take(kind) or self._unexpected(what)

    def _unexpected(self, expected: str) -> NoReturn:
        token = self._token
        if token.kind == "end":
            fail(self._text, "the query ends too early", token.start, token.end, f"expected {expected}")
        shown = self._text[token.start : token.end]
        hint = f"expected {expected}"
        if token.kind == "=":
            hint = "= does not compare; write == or :"
        elif token.kind in KEYWORDS and "field" in expected:
            hint = f"{shown} is a keyword; write a field of that name in backticks: `{shown}`"
        elif token.kind == "word" and token.value.lower() in KEYWORDS:
            hint = f"keywords are lower-case: {token.value.lower()}"
        fail(self._text, f"{shown} is not expected here", token.start, token.end, hint)

    def _span(self, start: int) -> Span:
        return Span(start, self._tokens[self._at - 1].end if self._at else start)

    def _fail(self, message: str, span: Span | Token, hint: str = "") -> NoReturn:
        fail(self._text, message, span.start, span.end, hint)

    def _deeper(self) -> None:
        """Count one more level of nesting; a stranger's query must not exhaust the stack."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self._fail(f"the query is nested more than {MAX_DEPTH} levels deep", self._token)

    # statements

    def query(self) -> Query:
        token = self._token
        match token.kind:
            case "sequence":
                body: EventFilter | Sequence = self._sequence()
            case "sample":
                self._fail("sample queries are not supported", token, "a sequence is, where order in time matters")
            case "join":
                self._fail("join is not supported by Elasticsearch", token, "use sequence")
            case _:
                body = self._event_filter()
        pipes: list[Pipe] = []
        while self._take("|"):
            pipes.append(self._pipe())
        if self._token.kind != "end":
            self._unexpected("the end of the query, a pipe, or an operator")
        return Query(body, tuple(pipes))

    def _event_filter(self) -> EventFilter:
        start = self._token.start
        category = self._take("any", "word", "string")
        if category is None:
            self._unexpected('an event category, "a category in quotes", or any')
        self._expect("where", "where")
        condition = self._expression()
        return EventFilter(None if category.kind == "any" else category.value, condition, self._span(start))

    def _pipe(self) -> Pipe:
        name = self._expect("word", "the name of a pipe: head or tail")
        if name.value in _REFUSED_PIPES:
            self._fail(f"the pipe {name.value} is not supported by Elasticsearch", name, "the pipes are head and tail")
        if name.value not in {"head", "tail"}:
            hint = suggest(name.value, ["head", "tail"]) or "the pipes are head and tail"
            self._fail(f"there is no pipe {name.value}", name, hint)
        count = self._take("integer")
        if count is None:
            self._unexpected(f"a positive whole number after {name.value}")
        if self._token.kind == ",":
            self._fail(f"the pipe {name.value} takes one argument", self._token)
        kind = "head" if name.value == "head" else "tail"
        return Pipe(kind, int(count.value), self._span(name.start))  # type: ignore[arg-type]

    # sequences

    def _sequence(self) -> Sequence:
        opening = self._next()
        keys = self._keys()
        maxspan = None
        if self._token.kind == "with":
            maxspan = self._maxspan()
            if self._token.kind == "by":
                self._fail(
                    "by comes before with in a sequence", self._token, "write: sequence by field with maxspan=5m"
                )
        stages: list[Stage] = []
        while self._token.kind in {"[", "!["}:
            stages.append(self._stage(keys))
        if not stages:
            self._unexpected("[ event_category where condition ]")
        until = None
        if self._take("until"):
            if self._token.kind != "[":
                self._unexpected("[ event_category where condition ] after until")
            until = self._stage(keys)
        sequence = Sequence(tuple(stages), maxspan, until, self._span(opening.start))
        self._check_sequence(sequence, len(keys))
        return sequence

    def _check_sequence(self, sequence: Sequence, shared: int) -> None:
        stages = sequence.stages
        for stage in stages if sequence.until is None else (*stages, sequence.until):
            if len(stage.keys) != len(stages[0].keys):
                expected, found = len(stages[0].keys) - shared, len(stage.keys) - shared
                self._fail(
                    f"each stage needs the same number of join keys: {expected} expected, {found} found", stage.span
                )
        missing = [stage for stage in stages if stage.missing]
        if missing and sequence.maxspan is None:
            self._fail("a missing event needs a sequence with maxspan", missing[0].span, "sequence with maxspan=5m ...")
        if len(missing) == len(stages):
            self._fail("a sequence needs at least one stage that is not a missing event", sequence.span)
        if sum(stage.runs for stage in stages) < 2:  # noqa: PLR2004 - said in the message
            self._fail("a sequence needs at least two stages", sequence.span, "add a stage, or: with runs=2")
        if sequence.until is not None and sequence.until.runs != 1:
            self._fail("until takes no runs", sequence.until.span)

    def _keys(self) -> tuple[Field, ...]:
        if not self._take("by"):
            return ()
        keys = [self._key()]
        while self._take(","):
            keys.append(self._key())
        return tuple(keys)

    def _key(self) -> Field:
        start = self._token
        expression = self._operand()
        if not isinstance(expression, Field):
            self._fail(
                "a join key must be a field", self._span(start.start), "functions and arithmetic are not supported here"
            )
        return expression

    def _stage(self, shared: tuple[Field, ...]) -> Stage:
        opening = self._next()
        event_filter = self._event_filter()
        self._expect("]", "] or an operator")
        keys = self._keys()
        runs = self._runs() if self._take("with") else 1
        return Stage(event_filter, shared + keys, runs, opening.kind == "![", self._span(opening.start))

    def _runs(self) -> int:
        option = self._expect("word", "runs=N")
        if option.value != "runs":
            self._fail(f"a stage has no option {option.value}", option, "the option is runs")
        self._expect("=", "=")
        if self._token.kind == "-":
            self._fail("runs must be at least 1", self._token)
        count = self._take("integer")
        if count is None:
            self._unexpected(f"a whole number from 1 to {MAX_RUNS}")
        runs = int(count.value) if len(count.value) < len(str(MAX_RUNS)) + 1 else MAX_RUNS + 1
        if not 1 <= runs <= MAX_RUNS:
            self._fail(f"runs={count.value} is outside 1 to {MAX_RUNS}", count)
        return runs

    def _maxspan(self) -> int:
        self._expect("with", "with")
        self._expect("maxspan", "maxspan")
        self._expect("=", "=")
        count = self._take("integer", "decimal")
        if count is None:
            self._unexpected("a duration such as 6m")
        if count.kind == "decimal":
            self._fail("maxspan must be a whole number of its unit", count, "1.5h is 90m")
        amount = int(count.value)
        if amount == 0:
            self._fail("maxspan must be greater than zero", count)
        unit = self._take("word")
        if unit is None:
            self._fail("maxspan has no unit", count, f"did you mean {count.value}s? The units are ms, s, m, h, d")
        if unit.value not in _UNITS:
            self._fail(f"{unit.value} is not a unit of time", unit, "the units are ms, s, m, h, d")
        return amount * _UNITS[unit.value]

    # expressions: or < and < not < comparison < + - < * / % < sign < primary with predicate

    def _expression(self) -> Expression:
        self._deeper()
        start = self._token.start
        alternatives: list[Expression] = []
        while True:
            conjunction = self._token.start
            operands = [self._comparison()]
            while self._take("and"):
                operands.append(self._comparison())
            alternatives.append(operands[0] if len(operands) == 1 else And(tuple(operands), self._span(conjunction)))
            if not self._take("or"):
                break
        self._depth -= 1
        return alternatives[0] if len(alternatives) == 1 else Or(tuple(alternatives), self._span(start))

    def _comparison(self) -> Expression:
        start = self._token.start
        if self._take("not"):
            self._deeper()
            operand = self._comparison()
            self._depth -= 1
            return Not(operand, self._span(start))
        left = self._operand()
        if self._token.kind not in _COMPARISONS:
            if self._token.kind == "=":
                self._unexpected("an operator")
            return left
        operator = cast("ComparisonOperator", self._next().kind)
        right = self._operand()
        if self._token.kind in _COMPARISONS:
            self._fail("comparisons cannot be chained", self._token, "join two comparisons with and")
        return Comparison(operator, left, right, self._span(start))

    def _operand(self) -> Expression:
        """Read arithmetic: products, summed from left to right."""
        start = factor = self._token.start
        total: Expression | None = None
        sign: ArithmeticOperator = "+"
        term = self._signed()
        length = 0
        while operator := self._take(*_PRECEDENCE):
            length += 1
            if length > MAX_DEPTH:
                self._fail(f"more than {MAX_DEPTH} arithmetic operators in a row", operator)
            kind = cast("ArithmeticOperator", operator.kind)
            if _PRECEDENCE[kind] > 0:
                term = Arithmetic(kind, term, self._signed(), self._span(factor))
                continue
            total = term if total is None else Arithmetic(sign, total, term, self._span(start))
            sign, factor = kind, self._token.start
            term = self._signed()
        return term if total is None else Arithmetic(sign, total, term, self._span(start))

    def _signed(self) -> Expression:
        start = self._token.start
        sign = self._take("-", "+")
        if sign is None:
            return self._predicate(start, self._primary())
        self._deeper()
        operand = self._signed()
        self._depth -= 1
        return operand if sign.kind == "+" else Negate(operand, self._span(start))

    def _predicate(self, start: int, operand: Expression) -> Expression:
        kind = self._token.kind
        if kind in _TEXT_OPERATORS:
            operator = cast("TextOperator", self._next().kind)
            return TextMatch(operator, operand, self._patterns(operator), self._span(start))
        negated = kind == "not" and self._tokens[self._at + 1].kind in {"in", "in~"}
        if negated:
            self._next()
        elif kind == "not" and self._tokens[self._at + 1].kind in _TEXT_OPERATORS:
            self._fail(
                "not cannot stand before a text operator", self._token, "write not before the field: not f like ..."
            )
        membership = self._take("in", "in~")
        if membership is None:
            return operand
        self._expect("(", "( after in")
        items = self._list()
        return InList(operand, items, membership.kind == "in~", negated, self._span(start))

    def _patterns(self, operator: str) -> tuple[Literal, ...]:
        if not self._take("("):
            return (self._constant(operator),)
        patterns = [self._constant(operator)]
        while self._take(","):
            patterns.append(self._constant(operator))
        self._expect(")", ") or ,")
        return tuple(patterns)

    def _constant(self, operator: str) -> Literal:
        token = self._token
        literal = self._literal()
        if literal is None:
            what = "another field" if token.kind in {"word", "quoted word", "?"} else "this"
            hint = 'expected "text" or ("text", ...)'
            self._fail(f"{operator} compares with constants only, not with {what}", token, hint)
        return literal

    def _list(self) -> tuple[Expression, ...]:
        items = [self._expression()]
        while self._take(","):
            items.append(self._expression())
        self._expect(")", ") or ,")
        return tuple(items)

    def _literal(self) -> Literal | None:
        token = self._token
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
        self._next()
        return literal

    def _primary(self) -> Expression:
        literal = self._literal()
        if literal is not None:
            return literal
        token = self._token
        if self._take("("):
            expression = self._expression()
            self._expect(")", ") or an operator")
            return expression
        following = self._tokens[min(self._at + 1, len(self._tokens) - 1)].kind
        if token.kind in {"word", "tilde word"} and following == "(":
            return self._call()
        if token.kind == "tilde word":
            self._fail(f"{token.value}~ is neither a function call nor an operator", token)
        if token.kind == "word" and following == "of":
            self._fail("process relationships are not supported by Elasticsearch", token)
        return self._field()

    def _call(self) -> Call:
        name = self._next()
        self._expect("(", "(")
        arguments = () if self._take(")") else self._list()
        return Call(name.value.lower(), arguments, name.kind == "tilde word", self._span(name.start))

    def _field(self) -> Field:
        start = self._token.start
        optional = self._take("?") is not None
        parts = [self._name()]
        while self._token.kind in {".", "["}:
            if self._token.kind == "[":
                if self._tokens[self._at + 1].kind == "integer":
                    self._fail("array indexes are not supported by Elasticsearch", self._token)
                break
            self._next()
            parts.append(self._name())
        return Field(".".join(parts), optional, self._span(start))

    def _name(self) -> str:
        token = self._take("word", "quoted word")
        if token is None:
            self._unexpected("a value, a function or the name of a field")
        return token.value


def _integer(digits: str) -> int | float:
    """Return a long, or a double where a long is too small, as the vendor reads it."""
    value = int(digits) if len(digits) < 20 else None  # noqa: PLR2004 - longer never fits 64 bits
    return value if value is not None and value < 2**63 else float(digits)
