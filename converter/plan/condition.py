"""The condition of a detection rule: text to a tree over search identifiers.

    "sel and not 1 of filter_*" ──tokens──> recursive descent ──> And/Or/Not over the resolved identifiers

Our own parser rather than pySigma's: 1.5 reads the identifier `notsel` as `not sel` and drops a selector that matches
nothing (fixed upstream in 2.0.1); both change what a rule means.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from converter.errors import Place, RefusedError, RuleError, suggest
from converter.plan import nodes as ir

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_MAX_DEPTH = 200
_TOKEN = re.compile(r"\s*(?:(?P<bracket>[()])|(?P<word>[^\s()|]+)|(?P<pipe>\|))")
_KEYWORDS = frozenset({"and", "or", "not", "of"})


class _Token(NamedTuple):
    text: str
    offset: int


def parse_condition(
    text: str, identifiers: Mapping[str, ir.Expr], place: Callable[[int, int], Place | None]
) -> ir.Expr:
    """Parse one condition and put the meaning of each identifier in its place.

    Args:
        text: the condition.
        identifiers: search identifiers and what each means.
        place: (offset, length) in `text` to the place in the rule's file.

    Raises:
        RuleError: not a condition, an identifier that does not exist, a selector that matches nothing.
        RefusedError: a legacy aggregation expression (`| count() ...`).
    """
    return _Parser(text, identifiers, place).parse()


class _Parser:
    def __init__(
        self, text: str, identifiers: Mapping[str, ir.Expr], place: Callable[[int, int], Place | None]
    ) -> None:
        self.identifiers = identifiers
        self.place = place
        self.tokens: list[_Token] = []
        self.used = 0
        self.end = len(text)
        self.depth = 0
        offset = 0
        while match := _TOKEN.match(text, offset):
            kind = match.lastgroup or "word"
            if kind == "pipe":
                raise RefusedError(
                    "aggregation expressions (everything after `|`) left Sigma with version 2",
                    "aggregation expression",
                    place(match.start(kind), len(text) - match.start(kind)),
                    "write a correlation rule: type event_count or value_count, group-by, timespan, condition",
                )
            self.tokens.append(_Token(match[kind], match.start(kind)))
            offset = match.end()

    def parse(self) -> ir.Expr:
        if not self.tokens:
            raise RuleError("the condition is empty", self.place(0, 1), "name a search identifier")
        tree = self.disjunction()
        if self.used < len(self.tokens):
            token = self.tokens[self.used]
            raise self.error(f"unexpected {token.text!r}", token, "expected `and`, `or` or the end of the condition")
        return tree

    def peek(self) -> str:
        """Return the next token folded to lower case if it is a keyword, or an empty string at the end."""
        if self.used == len(self.tokens):
            return ""
        text = self.tokens[self.used].text
        return text.lower() if text.lower() in _KEYWORDS else text

    def take(self) -> _Token:
        if self.used == len(self.tokens):
            raise self.error("the condition ends too early", _Token("", self.end), "expected a search identifier")
        self.used += 1
        return self.tokens[self.used - 1]

    def disjunction(self) -> ir.Expr:
        items = [self.conjunction()]
        while self.peek() == "or":
            self.take()
            items.append(self.conjunction())
        return items[0] if len(items) == 1 else ir.Or(tuple(items))

    def conjunction(self) -> ir.Expr:
        items = [self.negation()]
        while self.peek() == "and":
            self.take()
            items.append(self.negation())
        return items[0] if len(items) == 1 else ir.And(tuple(items))

    def negation(self) -> ir.Expr:
        negated = False
        while self.peek() == "not":
            self.take()
            negated = not negated
        item = self.operand()
        return ir.Not(item) if negated else item

    def operand(self) -> ir.Expr:
        token = self.take()
        if token.text == "(":
            self.depth += 1
            if self.depth > _MAX_DEPTH:
                raise self.error(f"brackets nest deeper than {_MAX_DEPTH}", token, "simplify the condition")
            inner = self.disjunction()
            self.depth -= 1
            closing = self.take() if self.used < len(self.tokens) else None
            if closing is None or closing.text != ")":
                raise self.error("this bracket is not closed", token, "expected `)`")
            return inner
        if token.text == ")" or token.text.lower() in _KEYWORDS:
            raise self.error(f"unexpected {token.text!r}", token, "expected a search identifier")
        if self.peek() == "of":
            return self.selector(token)
        return self.identifier(token)

    def identifier(self, token: _Token) -> ir.Expr:
        found = self.identifiers.get(token.text)
        if found is None:
            hint = suggest(token.text, self.identifiers) or f"known: {', '.join(self.identifiers)}"
            raise self.error(f"the detection has no search identifier {token.text!r}", token, hint)
        return found

    def selector(self, quantifier: _Token) -> ir.Expr:
        """`1 of`, `any of` and `all of` a pattern or `them`.

        Both leave out identifiers that begin with `_`, unless the pattern itself does.
        """
        self.take()
        word = quantifier.text.lower()
        if word not in {"1", "any", "all"}:
            raise self.error(f"unknown quantifier {quantifier.text!r}", quantifier, "expected `1`, `any` or `all`")
        pattern = self.take()
        if pattern.text.lower() == "them":
            names = [name for name in self.identifiers if not name.startswith("_")]
        else:
            # Only `*` is a wildcard here; brackets and question marks of fnmatch must not be.
            safe = re.sub(r"[\[\]?]", lambda match: f"[{match[0]}]", pattern.text)
            hidden = pattern.text.startswith("_")
            names = [
                name for name in self.identifiers if fnmatchcase(name, safe) and (hidden or not name.startswith("_"))
            ]
        if not names:
            hint = suggest(pattern.text.rstrip("*_"), self.identifiers) or f"known: {', '.join(self.identifiers)}"
            raise self.error(f"{pattern.text!r} selects no search identifier", pattern, hint)
        items = tuple(self.identifiers[name] for name in names)
        if len(items) == 1:
            return items[0]
        return ir.And(items) if word == "all" else ir.Or(items)

    def error(self, message: str, token: _Token, hint: str) -> RuleError:
        return RuleError(message, self.place(token.offset, max(1, len(token.text))), hint)
