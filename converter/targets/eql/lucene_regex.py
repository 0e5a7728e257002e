"""Lucene's regular expressions, translated to RE2.

    text ──parse──> RE2 fragments, joined by & and ~ at the outermost level only ──> test(text) -> bool

EQL's `regex` runs a Lucene regexp query with every optional operator enabled, on the whole value. `.` matches any
character, line breaks too; `^` and `$` are ordinary characters; there are no anchors, look-arounds or lazy repeats
(`*?` is a repeat made optional, which is the same language). RE2 has no intersection and no complement, so these two
are evaluated as `and` and `not` of whole-value tests, and refused inside a concatenation or a repeat.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import re2

from converter.targets.eql.text import RegexError, Test, matcher, quote

_MAX_DEPTH = 100
_ANY = "(?s:.)"
_NOTHING = "[^\\x00-\\x{10FFFF}]"
_CLASSES = {"d": "0-9", "s": " \\t\\n\\r", "w": "a-zA-Z_0-9"}
_NEGATED = {
    "D": "\\x00-/:-\\x{10FFFF}",
    "S": "\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f!-\\x{10FFFF}",
    "W": "\\x00-/:-@\\[-\\^`{-\\x{10FFFF}",
}


@dataclass(frozen=True, slots=True)
class Fragment:
    """An expression that RE2 can say."""

    regex: str


@dataclass(frozen=True, slots=True)
class Both:
    """Intersection."""

    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Either:
    """Union of which one side RE2 cannot say."""

    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Complement:
    """Every text that does not match."""

    inner: Node


Node: TypeAlias = Fragment | Both | Either | Complement


def compile_regex(pattern: str, *, insensitive: bool) -> Test:
    """Return the test whether a whole text matches a Lucene regular expression.

    Raises:
        RegexError: with a message for a person.
    """
    parser = _Parser(pattern, insensitive=insensitive)
    try:
        return _tester(parser.whole())
    except re2.error as error:
        raise RegexError(f"the expression is too large or not valid: {error}") from None


def _tester(node: Node) -> Test:
    match node:
        case Fragment(regex):
            return matcher(regex)
        case Both(left, right):
            one, two = _tester(left), _tester(right)
            return lambda text: one(text) and two(text)
        case Either(left, right):
            first, second = _tester(left), _tester(right)
            return lambda text: first(text) or second(text)
        case Complement(inner):
            test = _tester(inner)
            return lambda text: not test(text)


class _Parser:
    """Reads in the order and with the look-ahead of Lucene's own parser, whose odd corners are the language."""

    def __init__(self, text: str, *, insensitive: bool) -> None:
        self._text = text
        self._at = 0
        self._insensitive = insensitive
        self._depth = 0

    def whole(self) -> Node:
        if not self._text:
            return Fragment("")
        node = self._union()
        if self._at < len(self._text):
            raise RegexError(f"{self._text[self._at]!r} at position {self._at + 1} closes nothing")
        return node

    def _peek(self, chars: str) -> bool:
        return self._at < len(self._text) and self._text[self._at] in chars

    def _match(self, char: str) -> bool:
        found = self._text.startswith(char, self._at)
        self._at += found
        return found

    def _next(self) -> str:
        if self._at >= len(self._text):
            raise RegexError("the expression ends too early")
        self._at += 1
        return self._text[self._at - 1]

    def _need(self, char: str) -> None:
        if not self._match(char):
            raise RegexError(f"{char!r} expected at position {self._at + 1}")

    def _union(self) -> Node:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise RegexError(f"the expression is nested more than {_MAX_DEPTH} levels deep")
        node = self._intersection()
        while self._match("|"):
            other = self._intersection()
            if isinstance(node, Fragment) and isinstance(other, Fragment):
                node = Fragment(f"(?:{node.regex}|{other.regex})")
            else:
                node = Either(node, other)
        self._depth -= 1
        return node

    def _intersection(self) -> Node:
        node = self._concatenation()
        while self._match("&"):
            node = Both(node, self._concatenation())
        return node

    def _concatenation(self) -> Node:
        node = self._repeat()
        parts: list[str] = []
        while self._at < len(self._text) and not self._peek(")|&"):
            if not parts:
                parts.append(_plain(node))
            parts.append(_plain(self._repeat()))
        return Fragment("".join(parts)) if parts else node

    def _repeat(self) -> Node:
        node = self._complement()
        while self._peek("?*+{"):
            quantifier = self._next()
            node = Fragment(f"(?:{_plain(node)}){self._counts() if quantifier == '{' else quantifier}")
        return node

    def _counts(self) -> str:
        least = self._digits()
        if not least:
            raise RegexError(f"a number expected at position {self._at + 1}, after {{")
        most = least
        if self._match(","):
            most = self._digits()
        self._need("}")
        return f"{{{least},{most}}}" if most != least else f"{{{least}}}"

    def _digits(self) -> str:
        start = self._at
        while self._peek("0123456789"):
            self._at += 1
        return self._text[start : self._at]

    def _complement(self) -> Node:
        negations = 0
        while self._match("~"):
            negations += 1
        node = self._class() if self._match("[") else self._simple()
        return Complement(node) if negations % 2 else node

    def _class(self) -> Node:
        negate = "^" if self._match("^") else ""
        members = [self._member()]
        while self._at < len(self._text) and not self._peek("]"):
            members.append(self._member())
        self._need("]")
        return Fragment(f"[{negate}{''.join(members)}]")

    def _member(self) -> str:
        predefined = self._predefined(inside=True)
        if predefined is not None:
            return predefined
        low = self._char()
        if not self._match("-"):
            return "".join(map(quote, self._cases(low)))
        high = self._char()
        if low > high:
            raise RegexError(f"the range {low}-{high} runs backwards; write a literal - as \\-")
        # Lucene leaves ranges case-sensitive even where case is ignored.
        return f"{quote(low)}-{quote(high)}"

    def _cases(self, char: str) -> list[str]:
        cases = {char}
        if self._insensitive:
            cases |= {other for other in (char.lower(), char.upper()) if len(other) == 1}
        return sorted(cases)

    def _predefined(self, *, inside: bool) -> str | None:
        """Return the class or the literal backslash that a backslash starts, or None after an escaping backslash."""
        if not self._match("\\"):
            return None
        if self._peek("dswDSW"):
            letter = self._next()
            members = _CLASSES.get(letter) or _NEGATED[letter]
            return members if inside else f"[{members}]"
        if self._peek("\\"):
            return quote(self._next())
        if self._at < len(self._text) and self._text[self._at].isascii() and self._text[self._at].isalpha():
            raise RegexError(f"\\{self._text[self._at]} is not an escape; the classes are \\d \\D \\s \\S \\w \\W")
        return None

    def _simple(self) -> Node:
        if self._match("."):
            return Fragment(_ANY)
        if self._match("#"):
            return Fragment(_NOTHING)
        if self._match("@"):
            return Fragment(f"{_ANY}*")
        if self._match('"'):
            return self._quoted()
        if self._match("("):
            return self._group()
        if self._match("<"):
            return self._interval()
        predefined = self._predefined(inside=False)
        return Fragment(predefined if predefined is not None else self._literal(self._char()))

    def _quoted(self) -> Node:
        end = self._text.find('"', self._at)
        if end < 0:
            raise RegexError("a double quote quotes characters in a Lucene expression, and this one is not closed")
        quoted = self._text[self._at : end]
        self._at = end + 1
        return Fragment(f"(?:{''.join(map(self._literal, quoted))})")

    def _group(self) -> Node:
        if self._match(")"):
            return Fragment("(?:)")
        node = self._union()
        self._need(")")
        return Fragment(f"(?:{node.regex})") if isinstance(node, Fragment) else node

    def _interval(self) -> Node:
        end = self._text.find(">", self._at)
        if end < 0:
            raise RegexError("< starts a numeric interval in a Lucene expression; write a literal one as \\<")
        low, dash, high = self._text[self._at : end].partition("-")
        if not (dash and low.isdigit() and high.isdigit() and low.isascii() and high.isascii()):
            raise RegexError("a numeric interval is written <1-100>; write a literal < as \\<")
        self._at = end + 1
        width = len(low) if len(low) == len(high) else 0
        return Fragment(_numbers(min(int(low), int(high)), max(int(low), int(high)), width))

    def _char(self) -> str:
        self._match("\\")
        return self._next()

    def _literal(self, char: str) -> str:
        return f"(?i:{quote(char)})" if self._insensitive else quote(char)


def _plain(node: Node) -> str:
    if isinstance(node, Fragment):
        return node.regex
    raise RegexError("the operators & and ~ are supported only at the outermost level of an expression")


def _numbers(low: int, high: int, width: int) -> str:
    """Return an RE2 expression for the decimal numbers from `low` to `high`.

    Of exactly `width` digits; with width 0, of any width with any number of leading zeros.
    """
    if len(str(high)) > 18:  # noqa: PLR2004 - Lucene takes 32-bit numbers; this only bounds the work
        raise RegexError("the numeric interval is too large")
    if width:
        return f"(?:{'|'.join(_spans(str(low).zfill(width), str(high).zfill(width)))})"
    spans: list[str] = []
    for length in range(len(str(low)), len(str(high)) + 1):
        first, last = max(low, 10 ** (length - 1) if length > 1 else 0), min(high, 10**length - 1)
        spans += _spans(str(first), str(last))
    return f"(?:0*(?:{'|'.join(spans)}))"


def _spans(low: str, high: str) -> list[str]:
    """Return expressions that together match the numbers from `low` to `high`, both of the same width."""
    if low == high:
        return [low]
    if low[0] == high[0]:
        return [low[0] + rest for rest in _spans(low[1:], high[1:])]
    rest = len(low) - 1
    if rest == 0:
        return [f"[{low}-{high}]"]
    spans: list[str] = []
    first, last = int(low[0]), int(high[0])
    if set(low[1:]) != {"0"}:
        spans += [low[0] + tail for tail in _spans(low[1:], "9" * rest)]
        first += 1
    upper: list[str] = []
    if set(high[1:]) != {"9"}:
        upper = [high[0] + tail for tail in _spans("0" * rest, high[1:])]
        last -= 1
    if first <= last:
        spans.append(f"[{first}-{last}]" + "[0-9]" * rest)
    return spans + upper
