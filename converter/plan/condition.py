"""Parse the condition of a detection rule into a tree over its search identifiers.

    "sel and not 1 of filter_*" ──tokens──> recursive descent ──> And/Or/Not over the identifiers' expressions

Our own parser rather than pySigma's: 1.5 reads the identifier `notsel` as `not sel` and drops a selector that matches
nothing (fixed upstream in 2.0.1). Both change the meaning of a rule.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from converter.errors import RefusedError, RuleError, suggest
from converter.plan import nodes as ir
from converter.readers.source import Source, Span, Token, Tokens

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAX_DEPTH = 200
_TOKEN = re.compile(r"\s*(?:(?P<bracket>[()])|(?P<word>[^\s()|]+)|(?P<pipe>\|))")
_KEYWORDS = frozenset({"and", "or", "not", "of"})


def parse_condition(source: Source[RuleError], identifiers: Mapping[str, ir.Expr]) -> ir.Expr:
    """Parse one condition, and replace each search identifier by its expression.

    Args:
        source: the condition.
        identifiers: the expression of each search identifier.

    Raises:
        RuleError: not a condition, an unknown identifier, or a selector that matches nothing.
        RefusedError: a legacy aggregation expression (`| count() ...`).
    """
    return _Parser(source, identifiers).parse()


def _tokens(source: Source[RuleError]) -> list[Token[str]]:
    """Return the tokens of a condition; the kind of a token is its keyword or bracket, `word` or `end`."""
    condition = source.text
    tokens: list[Token[str]] = []
    offset = 0
    while match := _TOKEN.match(condition, offset):
        if match["pipe"]:
            raise RefusedError(
                "aggregation expressions (everything after `|`) were removed in Sigma version 2",
                "aggregation expression",
                source.place(Span(match.start("pipe"), len(condition))),
                "write a correlation rule: type event_count or value_count, group-by, timespan, condition",
            )
        value = match["bracket"] or match["word"]
        offset = match.end()
        kind = value.lower() if value.lower() in _KEYWORDS or match["bracket"] else "word"
        tokens.append(Token(kind, value, offset - len(value), offset))
    tokens.append(Token("end", "", len(condition), len(condition)))
    return tokens


class _Parser(Tokens[Token[str], RuleError]):
    def __init__(self, source: Source[RuleError], identifiers: Mapping[str, ir.Expr]) -> None:
        super().__init__(source, _tokens(source))
        self.identifiers = identifiers

    def parse(self) -> ir.Expr:
        if self.token.kind == "end":
            raise self.error("the condition is empty", Span(0, 0), "name a search identifier")
        tree = self.disjunction()
        if self.token.kind != "end":
            message = f"unexpected {self.token.value!r}"
            raise self.error(message, hint="expected `and`, `or` or the end of the condition")
        return tree

    def take(self) -> Token[str]:
        if self.token.kind == "end":
            raise self.error("the condition ends too early", hint="expected a search identifier")
        return self.advance()

    def disjunction(self) -> ir.Expr:
        items = [self.conjunction()]
        while self.token.kind == "or":
            self.take()
            items.append(self.conjunction())
        return items[0] if len(items) == 1 else ir.Or(tuple(items))

    def conjunction(self) -> ir.Expr:
        items = [self.negation()]
        while self.token.kind == "and":
            self.take()
            items.append(self.negation())
        return items[0] if len(items) == 1 else ir.And(tuple(items))

    def negation(self) -> ir.Expr:
        negated = False
        while self.token.kind == "not":
            self.take()
            negated = not negated
        item = self.operand()
        return ir.Not(item) if negated else item

    def operand(self) -> ir.Expr:
        token = self.take()
        if token.kind == "(":
            with self.nested(_MAX_DEPTH, token):
                inner = self.disjunction()
            if self.token.kind != ")":
                raise self.error("this bracket is not closed", token, "expected `)`")
            self.advance()
            return inner
        if token.kind != "word":
            raise self.error(f"unexpected {token.value!r}", token, "expected a search identifier")
        if self.token.kind == "of":
            return self.selector(token)
        return self.identifier(token)

    def identifier(self, token: Token[str]) -> ir.Expr:
        expr = self.identifiers.get(token.value)
        if expr is None:
            hint = suggest(token.value, self.identifiers) or f"known: {', '.join(self.identifiers)}"
            raise self.error(f"the detection has no search identifier {token.value!r}", token, hint)
        return expr

    def selector(self, quantifier: Token[str]) -> ir.Expr:
        """Parse `1 of`, `any of` or `all of` with a pattern or `them`.

        Identifiers that begin with `_` are selected only by a pattern that begins with `_` itself.
        """
        self.advance()
        word = quantifier.value.lower()
        if word not in {"1", "any", "all"}:
            raise self.error(f"unknown quantifier {quantifier.value!r}", quantifier, "expected `1`, `any` or `all`")
        pattern = self.take()
        if pattern.value.lower() == "them":
            names = [name for name in self.identifiers if not name.startswith("_")]
        else:
            # Only `*` is a wildcard here; brackets and question marks of fnmatch must not be.
            safe = re.sub(r"[\[\]?]", lambda match: f"[{match[0]}]", pattern.value)
            hidden = pattern.value.startswith("_")
            names = [
                name for name in self.identifiers if fnmatchcase(name, safe) and (hidden or not name.startswith("_"))
            ]
        if not names:
            hint = suggest(pattern.value.rstrip("*_"), self.identifiers) or f"known: {', '.join(self.identifiers)}"
            raise self.error(f"{pattern.value!r} matches no search identifier", pattern, hint)
        items = tuple(self.identifiers[name] for name in names)
        if len(items) == 1:
            return items[0]
        return ir.And(items) if word == "all" else ir.Or(items)
