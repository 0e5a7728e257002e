"""Tokens to expressions: the part of the grammar that WHERE, EVAL, STATS, SORT and ROW share.

    Cursor(tokens) ──boolean()──> Expression

Precedence, loosest first: OR, AND, NOT, then one comparison, IN, LIKE or IS NULL, then + -, then * / %, then a sign,
then `::`. Comparisons do not chain. Source: Elasticsearch `antlr/parser/Expression.g4`.
"""

from __future__ import annotations

from typing import cast, get_args

from converter.errors import QueryError, suggest
from converter.readers.source import Tokens
from converter.targets.esql.engine.language import syntax
from converter.targets.esql.engine.language.lex import Kind, Token

MAX_TERMS = 298
MAX_DEPTH = 60  # brackets, calls and signs: each level costs the parser eight frames of Python's stack
MAX_HEIGHT = 200  # of a tree: each level costs the engine a few
_FUNCTIONS_TOO = frozenset({"first", "last"})  # keywords that may also name a function
KEYWORDS = _FUNCTIONS_TOO.union(
    ("and", "asc", "by", "desc", "false", "in", "is", "like", "not", "null", "nulls", "on", "or", "rlike", "true"),
    ("where", "with"),
)
_DIGIT_HINT = "a part of a name that starts with a digit stands in backticks"
_COMPARISONS: frozenset[str] = frozenset(get_args(syntax.ComparisonOperator))
_PATTERNS: frozenset[str] = frozenset(get_args(syntax.PatternOperator))
_BINDING = {"+": 1, "-": 1, "*": 2, "/": 2, "%": 2}
_BY_FULL_TEXT = "use ==, LIKE or RLIKE; a full-text match depends on how the field is analysed"
REFUSED_OPERATORS = {
    ":": ("the match operator ':' is not supported", _BY_FULL_TEXT),
    "=~": ("the operator '=~' is not part of ES|QL any more", "compare TO_LOWER(a) == b"),
    "?name": ("a query parameter ('?name') is not supported", "write the value itself"),
}
"""What the engine knows by name only: its message and a hint."""

IN_SUBQUERY = "IN with a subquery"


class Cursor(Tokens[Token, QueryError]):
    """A reader of tokens with one token of look-ahead, and the expressions of the grammar as methods."""

    # --- tokens -----------------------------------------------------------------------------------------------------

    def at_symbol(self, *symbols: str) -> bool:
        """Whether the next token is one of these symbols."""
        return self.token.kind is Kind.SYMBOL and self.token.value in symbols

    def at_word(self, *words: str) -> bool:
        """Whether the next token is one of these words, in any case."""
        return self.token.word in words

    def take_symbol(self, *symbols: str) -> bool:
        """Read the next token if it is one of these symbols."""
        if self.at_symbol(*symbols):
            self.advance()
            return True
        return False

    def take_word(self, *words: str) -> bool:
        """Read the next token if it is one of these words."""
        if self.at_word(*words):
            self.advance()
            return True
        return False

    def expect_symbol(self, symbol: str, where: str) -> Token:
        """Read this symbol, or raise."""
        if not self.at_symbol(symbol):
            raise self.unexpected(f"{symbol!r} {where}")
        return self.advance()

    def refused(self, what: str, token: Token, hint: str = "") -> QueryError:
        """Return the error for what the language has and this engine has not."""
        return self.error(f"{what} is not supported", token, hint)

    def _refused_operator(self, name: str) -> QueryError:
        message, hint = REFUSED_OPERATORS[name]
        return self.error(message, self.token, hint)

    def unexpected(self, expected: str, hint: str = "") -> QueryError:
        """Return an error: the next token is not what the grammar wants here."""
        self.refuse_parameter()
        token = self.token
        shown = "the end of the query" if token.kind is Kind.END else repr(self.text[token.start : token.end][:40])
        return self.error(f"expected {expected}, found {shown}", token, hint)

    def refuse_parameter(self) -> None:
        """Raise if the next token starts a parameter, which may stand for a constant, a pattern or a name."""
        if self.at_symbol("?", "??"):
            raise self._refused_operator("?name")

    # --- names ------------------------------------------------------------------------------------------------------

    def qualified_name(self) -> syntax.Column:
        """Read `a.b.c`, parts quoted or not."""
        start = self.token.start
        parts = [self._identifier()]
        while self.take_symbol("."):
            parts.append(self._identifier())
        if self.token.kind is Kind.DECIMAL and self.token.start == self.previous_end:  # `.2` of `user.2fa`
            raise self.unexpected("a name", _DIGIT_HINT)
        return syntax.Column(".".join(parts), self.span(start))

    def _identifier(self) -> str:
        token = self.token
        if token.kind in {Kind.QUOTED, Kind.PATTERN}:  # a pattern is a name where no word is a keyword
            return self.advance().value
        if token.kind is Kind.WORD:
            if token.word in KEYWORDS:
                raise self.unexpected("a name", f"a name that is a keyword stands in backticks: `{token.value}`")
            return self.advance().value
        if token.kind in {Kind.INTEGER, Kind.DECIMAL}:
            raise self.unexpected("a name", _DIGIT_HINT)
        raise self.unexpected("a name")

    # --- boolean level ----------------------------------------------------------------------------------------------

    def expression(self) -> syntax.Expression:
        """Read a whole expression, and refuse one whose tree is too high to be run."""
        value = self.boolean()
        if syntax.height(value) > MAX_HEIGHT:
            raise self.error(f"the expression is more than {MAX_HEIGHT} deep", value.span)
        return value

    def boolean(self) -> syntax.Expression:
        """Read an expression that may stand within another."""
        start = self.token.start
        terms = [self._and()]
        while self.take_word("or"):
            terms.append(self._and())
        self._check_chain(terms, start)
        return terms[0] if len(terms) == 1 else syntax.Logical("or", tuple(terms), self.span(start))

    def _and(self) -> syntax.Expression:
        start = self.token.start
        terms = [self._not()]
        while self.take_word("and"):
            terms.append(self._not())
        self._check_chain(terms, start)
        return terms[0] if len(terms) == 1 else syntax.Logical("and", tuple(terms), self.span(start))

    def _check_chain(self, terms: list[syntax.Expression], start: int) -> None:
        """Raise for a chain that the product does not take: each operator is a level to it, and 300 is the limit."""
        if len(terms) > MAX_TERMS:
            message = f"more than {MAX_TERMS} conditions in a row: the product's limit on the depth of an expression"
            raise self.error(message, self.span(start), "put brackets around groups of them")

    def _not(self) -> syntax.Expression:
        start = self.token.start
        if not self.take_word("not"):
            return self._predicate()
        with self.nested(MAX_DEPTH):
            value = self._not()
        return syntax.Not(value, self.span(start))

    def _predicate(self) -> syntax.Expression:
        start = self.token.start
        value = self._comparison()
        if self.take_word("is"):
            negated = self.take_word("not")
            if not self.take_word("null"):
                raise self.unexpected("NULL or NOT NULL after IS")
            return syntax.IsNull(value, negated, self.span(start))
        negated = self.at_word("not") and self.following.word in {"in", *_PATTERNS}
        if negated:
            self.advance()
        if self.at_word("in"):
            result: syntax.Expression = self._in(value, start)
        elif self.at_word(*_PATTERNS):
            result = self._pattern(value, start)
        else:
            if self.at_symbol(":"):
                raise self._refused_operator(":")
            return value
        return syntax.Not(result, self.span(start)) if negated else result

    def _in(self, value: syntax.Expression, start: int) -> syntax.In:
        self.advance()
        self.expect_symbol("(", "after IN")
        if self.at_word("from", "row"):
            raise self.refused(IN_SUBQUERY, self.token)
        options = [self._comparison()]
        while self.take_symbol(","):
            options.append(self._comparison())
        self.expect_symbol(")", "at the end of the list of IN")
        return syntax.In(value, tuple(options), self.span(start))

    def _pattern(self, value: syntax.Expression, start: int) -> syntax.Pattern:
        kind = cast("syntax.PatternOperator", self.advance().word)
        if self.take_symbol("("):
            patterns = [self._pattern_string(kind)]
            while self.take_symbol(","):
                patterns.append(self._pattern_string(kind))
            self.expect_symbol(")", f"at the end of the list of {kind.upper()}")
        else:
            patterns = [self._pattern_string(kind)]
        return syntax.Pattern(kind, value, tuple(patterns), self.span(start))

    def _pattern_string(self, kind: str) -> syntax.Literal:
        if self.token.kind is not Kind.STRING:
            raise self.unexpected(f"a string after {kind.upper()}")
        token = self.advance()
        return syntax.Literal(token.value, token.span)

    def _comparison(self) -> syntax.Expression:
        start = self.token.start
        left = self._arithmetic()
        if self.at_symbol("=~"):
            raise self._refused_operator("=~")
        if not self.at_symbol(*_COMPARISONS):
            return left
        operator = cast("syntax.ComparisonOperator", self.advance().value)
        comparison = syntax.Comparison(operator, left, self._arithmetic(), self.span(start))
        if self.at_symbol(*_COMPARISONS):
            raise self.error("comparisons do not chain", self.token, "use brackets, or AND")
        return syntax.Comparison(operator, comparison.left, comparison.right, self.span(start))

    # --- arithmetic -------------------------------------------------------------------------------------------------

    def _arithmetic(self, loosest: int = 1) -> syntax.Expression:
        """Read operators that bind at least as tightly as `loosest`, from left to right."""
        start = self.token.start
        left = self._sign()
        while self.token.kind is Kind.SYMBOL and _BINDING.get(self.token.value, 0) >= loosest:
            operator = cast("syntax.ArithmeticOperator", self.advance().value)
            right = self._arithmetic(_BINDING[operator] + 1)
            left = syntax.Arithmetic(operator, left, right, self.span(start))
        return left

    def _sign(self) -> syntax.Expression:
        """Read a sign if there is one, a primary, and the casts after it: `-1::int` casts minus one."""
        start = self.token.start
        negative = False
        if self.at_symbol("-", "+"):
            negative = self.advance().value == "-"
            if self.token.kind not in {Kind.INTEGER, Kind.DECIMAL}:
                with self.nested(MAX_DEPTH):
                    value = self._sign()
                return syntax.Negative(value, self.span(start)) if negative else value
        value = self._primary(negative=negative, start=start)
        while self.take_symbol("::"):
            name = self._identifier().lower()
            value = syntax.Cast(value, name, self.span(start))
        return value

    def at_time_span(self) -> bool:
        """Whether a name follows the next token, which is a number."""
        unit = self.following
        if unit.kind is Kind.QUOTED:
            return False
        return unit.kind is Kind.WORD and unit.word not in KEYWORDS

    def _primary(self, *, negative: bool, start: int) -> syntax.Expression:
        token = self.token
        match token.kind:
            case Kind.INTEGER | Kind.DECIMAL:
                return self._number(negative=negative, start=start)
            case Kind.STRING:
                self.advance()
                return syntax.Literal(token.value, token.span)
            case Kind.SYMBOL if token.value == "(":
                with self.nested(MAX_DEPTH):
                    self.advance()
                    if self.at_word("from", "row") and self.following.kind in {Kind.WORD, Kind.QUOTED}:
                        raise self.refused("a subquery", self.token)
                    inner = self.boolean()
                    self.expect_symbol(")", "to close the bracket")
                return inner
            case Kind.SYMBOL if token.value == "[":
                return self._array()
            case Kind.WORD if token.word in {"null", "true", "false"}:
                self.advance()
                value = {"null": None, "true": True, "false": False}[token.word]
                return syntax.Literal(value, token.span)
            case Kind.WORD | Kind.QUOTED:
                called = self.following.kind is Kind.SYMBOL and self.following.value == "("
                if called and (token.word not in KEYWORDS or token.word in _FUNCTIONS_TOO):
                    return self._call()
                return self.qualified_name()
            case _:
                raise self.unexpected("an expression")

    def _number(self, *, negative: bool, start: int) -> syntax.Expression:
        token = self.token
        if token.kind is Kind.DECIMAL:
            self.advance()
            value = float(token.value)
            return syntax.Literal(-value if negative else value, self.span(start))
        if self.at_time_span():
            self.advance()
            unit = self.advance().value
            amount = int(token.value)
            return syntax.TimeSpan(-amount if negative else amount, unit, self.span(start))
        self.advance()
        return syntax.Literal(-int(token.value) if negative else int(token.value), self.span(start))

    def _array(self) -> syntax.Literal:
        opening = self.advance()
        values = [self._array_item()]
        while self.take_symbol(","):
            values.append(self._array_item())
        self.expect_symbol("]", "at the end of the list")
        if len({"number" if type(value) in {int, float} else type(value).__name__ for value in values}) > 1:
            raise self.error("a list mixes types", opening, "its items are all numbers, all strings or all booleans")
        if float in {type(value) for value in values}:
            values = [float(value) for value in values]
        return syntax.Literal(tuple(values), self.span(opening.start))

    def _array_item(self) -> bool | int | float | str:
        token = self.token
        negative = self.at_symbol("-")
        if self.take_symbol("-", "+"):
            token = self.token
            if token.kind not in {Kind.INTEGER, Kind.DECIMAL}:
                raise self.unexpected("a number")
        if token.kind is Kind.STRING:
            return self.advance().value
        if token.kind in {Kind.INTEGER, Kind.DECIMAL}:
            self.advance()
            number: int | float = int(token.value) if token.kind is Kind.INTEGER else float(token.value)
            return -number if negative else number
        if token.word in {"true", "false"}:
            return self.advance().word == "true"
        raise self.unexpected("a number, a string or a boolean in a list")

    def _call(self) -> syntax.Call:
        name = self.advance()
        with self.nested(MAX_DEPTH):
            self.advance()
            arguments, star = self._arguments(name.value)
        return syntax.Call(name.value.lower(), arguments, star, self.span(name.start))

    def _arguments(self, name: str) -> tuple[tuple[syntax.Expression, ...], bool]:
        """Read the arguments of a function up to the closing bracket; the second value tells `*` from none."""
        arguments: list[syntax.Expression] = []
        star = False
        if self.at_symbol("*"):
            self.advance()
            star = True
        elif not self.at_symbol(")"):
            arguments.append(self.boolean())
            while self.take_symbol(","):
                if self.at_symbol("{"):
                    raise self.error(f"named options of {name}(...) are not supported", self.token)
                arguments.append(self.boolean())
            if self.at_word("by"):
                raise self.error("FIRST(... BY ...) and LAST(... BY ...) are not supported", self.token)
        if not self.at_symbol(")"):
            near = suggest(self.token.value, KEYWORDS) if self.token.kind is Kind.WORD else ""
            raise self.unexpected(f"',' or ')' in the arguments of {name}", near)
        self.advance()
        return tuple(arguments), star
