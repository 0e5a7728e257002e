r"""Lucene's regular expressions, over the whole value.

    text ──parse──> tree ──> RE2                               without & and ~
                         ──> and, or, not of tests             where & and ~ stand outermost
                         ──> sets of positions, piece by piece where they stand inside

EQL's `regex` runs a Lucene regexp query with every optional operator enabled. `.` matches any character, line breaks
too; `^` and `$` are ordinary characters; there are no anchors, look-arounds or lazy repeats (`*?` is a repeat made
optional, which is the same language). Lucene's own corners are the language, so the parser keeps them: what is escaped
in a class starts no range; an unlimited repeat of nothing is nothing; and where case is ignored, an empty literal that
has no letter beside it matches nothing, so that `(a|())` is `a`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias, assert_never

import re2

from converter.targets.eql.engine.strings import RegexError, Test, matcher

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_DEPTH = 100
_LAST = 0x10FFFF
_DIGITS_OF_INT = 10
_CLASSES: dict[str, tuple[tuple[int, int], ...]] = {
    "d": ((0x30, 0x39),),
    "s": ((0x09, 0x0A), (0x0D, 0x0D), (0x20, 0x20)),
    "w": ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)),
}
_ASCII_ORBITS = {"k": "Kk\u212a", "s": "Ss\u017f"}
# Pairs that no simple mapping of case joins, or only one of a letter in ASCII.
_JOINED = ("\u0390\u1fd3", "\u03b0\u1fe3", "\ufb05\ufb06", "k\u212a", "K\u212a", "s\u017f")


@dataclass(frozen=True, slots=True)
class Text:
    """Characters one after the other."""

    text: str


@dataclass(frozen=True, slots=True)
class Set:
    """One character out of inclusive, sorted, disjoint ranges."""

    ranges: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """One after the other; a longer sequence leans to the left."""

    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Either:
    """Union."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Both:
    """Intersection."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """At least `least` times, at most `most` (None: without a limit)."""

    inner: Node
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class Complement:
    """Every text that does not match."""

    inner: Node


Node: TypeAlias = Text | Set | Pair | Either | Both | Repeat | Complement

_NOTHING = Set(())
_ANY = Set(((0, _LAST),))


def compile_regex(pattern: str, *, insensitive: bool) -> Test:
    """Return the test whether a whole text matches a Lucene regular expression.

    Raises:
        RegexError: with a message for a person.
    """
    tree = _Parser(pattern, insensitive=insensitive).whole()
    try:
        return _tester(tree, _Writer(insensitive=insensitive))
    except re2.error as error:
        raise RegexError(f"the expression is too large or not valid: {error}") from None


def _tester(node: Node, writer: _Writer) -> Test:
    if not _has_boolean(node):
        return matcher(writer.regex(node))
    match node:
        case Both(parts):
            all_tests = [_tester(part, writer) for part in parts]
            return lambda text: all(test(text) for test in all_tests)
        case Either(parts):
            any_tests = [_tester(part, writer) for part in parts]
            return lambda text: any(test(text) for test in any_tests)
        case Complement(inner):
            negated = _tester(inner, writer)
            return lambda text: not negated(text)
        case _:
            return lambda text: len(text) in _ends(node, text, frozenset((0,)), writer)


def _has_boolean(node: Node) -> bool:
    match node:
        case Text() | Set():
            return False
        case Pair():
            return any(map(_has_boolean, _in_order(node)))
        case Either(parts):
            return any(map(_has_boolean, parts))
        case Repeat(inner):
            return _has_boolean(inner)
        case Both() | Complement():
            return True
    assert_never(node)


def _in_order(node: Node) -> list[Node]:
    """Return what a sequence is made of, from left to right."""
    parts: list[Node] = []
    while isinstance(node, Pair):
        parts.append(node.right)
        node = node.left
    return [node, *reversed(parts)]


class _Parser:
    """Reads in the order and with the look-ahead of Lucene's own parser, whose odd corners are the language."""

    def __init__(self, text: str, *, insensitive: bool) -> None:
        self._text = text
        self._at = 0
        self._insensitive = insensitive
        self._depth = 0

    def whole(self) -> Node:
        if not self._text:
            return Text("")
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
        parts = [self._intersection()]
        while self._match("|"):
            parts.append(self._intersection())
        self._depth -= 1
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _intersection(self) -> Node:
        parts = [self._concatenation()]
        while self._match("&"):
            parts.append(self._concatenation())
        return parts[0] if len(parts) == 1 else Both(tuple(parts))

    def _concatenation(self) -> Node:
        node = self._repeat()
        while self._at < len(self._text) and not self._peek(")|&"):
            node = _joined(node, self._repeat())
        return node

    def _repeat(self) -> Node:
        node = self._complement()
        while self._peek("?*+{"):
            quantifier = self._next()
            least, most = {"?": (0, 1), "*": (0, None), "+": (1, None)}.get(quantifier) or self._counts()
            node = _NOTHING if most is None and self._is_empty(node) else Repeat(node, least, most)
        return node

    def _is_empty(self, node: Node) -> bool:
        """Whether no text matches.

        Raises:
            RegexError: it would take an automaton to know.
        """
        if _takes_empty(node, insensitive=self._insensitive):
            return False
        match node:
            case Text(text):
                return not text
            case Set(ranges):
                return not ranges
            case Pair():
                return any(map(self._is_empty, _in_order(node)))
            case Either(parts):
                return all(map(self._is_empty, parts))
            case Repeat(inner):
                return self._is_empty(inner)
            case Both(parts) if any(map(self._is_empty, parts)):
                return True
            case Both() | Complement():
                raise RegexError("this use of & or ~ inside a repetition without a limit is not supported")
        assert_never(node)

    def _counts(self) -> tuple[int, int | None]:
        least = self._number()
        if least is None:
            raise RegexError(f"a number expected at position {self._at + 1}, after {{")
        most: int | None = least
        if self._match(","):
            most = self._number()
        self._need("}")
        if most is not None and least > most:
            raise RegexError(f"the repetition {{{least},{most}}} runs backwards")
        return least, most

    def _number(self) -> int | None:
        start = self._at
        while self._peek("0123456789"):
            self._at += 1
        digits = self._text[start : self._at]
        if len(digits.lstrip("0")) > _DIGITS_OF_INT or (digits and int(digits) >= 1 << 31):
            raise RegexError("a count is too large")
        return int(digits) if digits else None

    def _complement(self) -> Node:
        negations = 0
        while self._match("~"):
            negations += 1
        node = self._class() if self._match("[") else self._simple()
        return Complement(node) if negations % 2 else node

    def _class(self) -> Node:
        negate = self._match("^")
        ranges = list(self._member())
        members = 1
        while self._at < len(self._text) and not self._peek("]"):
            ranges += self._member()
            members += 1
        self._need("]")
        if members == 1 and len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
            # A class of one character is that character, which ignores case even where it was escaped.
            ranges = [(ord(char), ord(char)) for char in self._cases(chr(ranges[0][0]))]
            if not negate and len(ranges) == 1:
                return Text(chr(ranges[0][0]))
        merged = _merged(ranges)
        return Set(_inverted(merged) if negate else merged)

    def _member(self) -> list[tuple[int, int]]:
        if self._match("\\"):
            return self._escaped_in_class()
        low = self._next()
        if not self._match("-"):
            return [(ord(char), ord(char)) for char in self._cases(low)]
        self._match("\\")
        high = self._next()
        if low > high:
            raise RegexError(f"the range {low}-{high} runs backwards; write a literal - as \\-")
        # Lucene leaves ranges case-sensitive even where case is ignored.
        return [(ord(low), ord(high))]

    def _escaped_in_class(self) -> list[tuple[int, int]]:
        """Return what the character after a backslash stands for: itself in its own case, or a class."""
        if (predefined := self._predefined()) is not None:
            return list(predefined)
        char = self._next()
        return [(ord(char), ord(char))]

    def _predefined(self) -> tuple[tuple[int, int], ...] | None:
        """Return the ranges of a letter or a backslash after a backslash, or None before anything else."""
        if self._peek("dswDSW"):
            letter = self._next()
            return _CLASSES[letter] if letter in _CLASSES else _inverted(_CLASSES[letter.lower()])
        if self._peek("\\"):
            return ((ord(self._next()),) * 2,)
        if self._at < len(self._text) and self._text[self._at].isascii() and self._text[self._at].isalpha():
            raise RegexError(f"\\{self._text[self._at]} is not an escape; the classes are \\d \\D \\s \\S \\w \\W")
        return None

    def _cases(self, char: str) -> str:
        return _orbit(char) if self._insensitive else char

    def _simple(self) -> Node:
        if self._match("."):
            return _ANY
        if self._match("#"):
            return _NOTHING
        if self._match("@"):
            return Repeat(_ANY, 0, None)
        if self._match('"'):
            return self._quoted()
        if self._match("("):
            return self._group()
        if self._match("<"):
            return self._interval()
        if self._match("\\"):
            predefined = self._predefined()
            if predefined is not None:
                return Set(predefined)
        return Text(self._next())

    def _quoted(self) -> Node:
        end = self._text.find('"', self._at)
        if end < 0:
            raise RegexError("a double quote quotes characters in a Lucene expression, and this one is not closed")
        quoted = self._text[self._at : end]
        self._at = end + 1
        return Text(quoted)

    def _group(self) -> Node:
        if self._match(")"):
            return Text("")
        node = self._union()
        self._need(")")
        return node

    def _interval(self) -> Node:
        end = self._text.find(">", self._at)
        if end < 0:
            raise RegexError("< starts a numeric interval in a Lucene expression; write a literal one as \\<")
        low, dash, high = self._text[self._at : end].partition("-")
        # As Java reads a whole number: a plus sign may stand before it, and digits of any script do.
        if not (dash and low.removeprefix("+").isdecimal() and high.removeprefix("+").isdecimal()):
            raise RegexError("a numeric interval is written <1-100>; write a literal < as \\<")
        self._at = end + 1
        width = len(low) if len(low) == len(high) else 0
        first, last = sorted((int(low), int(high)))
        if last >= 1 << 31:
            raise RegexError("the numeric interval is too large")
        return _numbers(first, last, width)


def _takes_empty(node: Node, *, insensitive: bool) -> bool:
    """Whether the empty text matches."""
    match node:
        case Text(text):
            return not text and not insensitive
        case Set():
            return False
        case Pair():
            return all(_takes_empty(part, insensitive=insensitive) for part in _in_order(node))
        case Either(parts):
            return any(_takes_empty(part, insensitive=insensitive) for part in parts)
        case Both(parts):
            return all(_takes_empty(part, insensitive=insensitive) for part in parts)
        case Repeat(inner, least):
            return least == 0 or _takes_empty(inner, insensitive=insensitive)
        case Complement(inner):
            return not _takes_empty(inner, insensitive=insensitive)
    assert_never(node)


def _joined(left: Node, right: Node) -> Node:
    """Return one after the other; neighbouring characters become one text, as in Lucene's tree."""
    match left, right:
        case Text(before), Text(after):
            return Text(before + after)
        case Pair(start, Text(before)), Text(after):
            return Pair(start, Text(before + after))
        case Text(before), Pair(Text(after), rest):
            return Pair(Text(before + after), rest)
        case _:
            return Pair(left, right)


def _merged(ranges: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


def _inverted(ranges: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    edges = [-1, *(edge for one in ranges for edge in one), _LAST + 1]
    gaps = zip(edges[::2], edges[1::2], strict=True)
    return tuple((low + 1, high - 1) for low, high in gaps if low + 1 < high)


def _orbit(char: str) -> str:
    """Return a character in all its cases, as Lucene expands it; not always the same from every one of them."""
    if char.isascii():
        return _ASCII_ORBITS.get(char.lower()) or "".join(sorted({char.lower(), char.upper()}))
    if char == "\u0130":
        return "i\u0130"
    if char == "\u0131":
        return "I\u0131"
    return _orbits().get(char, char)


@lru_cache(maxsize=1)
def _orbits() -> dict[str, str]:
    """Return the characters outside ASCII that have cases, each with all of them."""
    groups: dict[str, set[str]] = {}
    odd = ("\u0130", "\u0131")
    pairs: list[str] = [
        char + other
        for char in map(chr, range(0x80, 0x1F000))
        for other in {char.lower(), char.upper(), char.title()}
        if other != char and len(other) == 1 and char not in odd
    ]
    for one, other in map(tuple, (*pairs, *_JOINED)):
        group = groups.setdefault(one, {one})
        joined = groups.setdefault(other, {other})
        if group is not joined:
            group |= joined
            for member in joined:
                groups[member] = group
    return {char: "".join(sorted(group)) for char, group in groups.items()}


class _Writer:
    """Writes what has no intersection and no complement as an expression of RE2."""

    def __init__(self, *, insensitive: bool) -> None:
        self.insensitive = insensitive

    def sets(self, text: str) -> Iterator[Set]:
        """Yield the characters of a text, each as the set of its cases."""
        if self.insensitive and not text:
            yield _NOTHING
        for char in text:
            yield Set(_merged([(ord(one), ord(one)) for one in (_orbit(char) if self.insensitive else char)]))

    def regex(self, node: Node) -> str:
        """Return an expression that matches the same texts."""
        match node:
            case Text(text):
                return "".join(map(_of_set, self.sets(text)))
            case Set():
                return _of_set(node)
            case Pair():
                return "".join(map(self.regex, _in_order(node)))
            case Either(parts):
                return f"(?:{'|'.join(map(self.regex, parts))})"
            case Repeat(inner, least, most):
                counts = f"{least}" if least == most else f"{least},{'' if most is None else most}"
                return f"(?:{self.regex(inner)}){{{counts}}}"
            case Both() | Complement():
                raise AssertionError(node)  # RE2 cannot say it
        assert_never(node)


def _of_set(node: Set) -> str:
    members = "".join(rf"\x{{{low:x}}}-\x{{{high:x}}}" for low, high in node.ranges)
    return f"[{members}]" if members else rf"[^\x00-\x{{{_LAST:x}}}]"


def _ends(node: Node, text: str, starts: frozenset[int], writer: _Writer) -> frozenset[int]:
    """Return every position at which a match that begins at one of `starts` can end."""
    match node:
        case Text(wanted):
            for one in writer.sets(wanted):
                starts = _after(one, text, starts)
            return starts
        case Set():
            return _after(node, text, starts)
        case Pair():
            for part in _in_order(node):
                starts = _ends(part, text, starts, writer)
            return starts
        case Either(parts):
            return frozenset[int]().union(*(_ends(part, text, starts, writer) for part in parts))
        case Repeat(inner, least, most):
            return _ends_of_repeat(inner, least, most, text, starts, writer)
        case Both(parts):
            one_by_one = (frozenset((start,)) for start in starts)
            return frozenset[int]().union(
                *(frozenset.intersection(*(_ends(part, text, one, writer) for part in parts)) for one in one_by_one)
            )
        case Complement(inner):
            return frozenset[int]().union(
                *(
                    frozenset(range(start, len(text) + 1)) - _ends(inner, text, frozenset((start,)), writer)
                    for start in starts
                )
            )
    assert_never(node)


def _after(node: Set, text: str, starts: frozenset[int]) -> frozenset[int]:
    return frozenset(
        at + 1 for at in starts if at < len(text) and any(low <= ord(text[at]) <= high for low, high in node.ranges)
    )


def _ends_of_repeat(
    inner: Node, least: int, most: int | None, text: str, starts: frozenset[int], writer: _Writer
) -> frozenset[int]:
    for _ in range(least):
        starts = _ends(inner, text, starts, writer)
    found = starts
    times = least
    while starts and (most is None or times < most):
        starts = _ends(inner, text, starts, writer) - found
        found |= starts
        times += 1
    return found


def _numbers(low: int, high: int, width: int) -> Node:
    """Return what matches the decimal numbers from `low` to `high`.

    Of exactly `width` digits; with width 0, of any width with any number of leading zeros.
    """
    if width:
        return _either(_spans(str(low).zfill(width), str(high).zfill(width)))
    spans: list[Node] = []
    for length in range(len(str(low)), len(str(high)) + 1):
        first, last = max(low, 10 ** (length - 1) if length > 1 else 0), min(high, 10**length - 1)
        spans += _spans(str(first), str(last))
    return Pair(Repeat(_digits("0", "0"), 0, None), _either(spans))


def _either(parts: list[Node]) -> Node:
    return parts[0] if len(parts) == 1 else Either(tuple(parts))


def _digits(low: str, high: str) -> Node:
    return Set(((ord(low), ord(high)),))


def _spans(low: str, high: str) -> list[Node]:
    """Return what together matches the numbers from `low` to `high`, both of the same width."""
    if len(low) == 1:
        return [_digits(low, high)]
    if low[0] == high[0]:
        return [Pair(_digits(low[0], low[0]), _either(_spans(low[1:], high[1:])))]
    rest = len(low) - 1
    spans: list[Node] = []
    first, last = int(low[0]), int(high[0])
    if set(low[1:]) != {"0"}:
        spans.append(Pair(_digits(low[0], low[0]), _either(_spans(low[1:], "9" * rest))))
        first += 1
    upper: list[Node] = []
    if set(high[1:]) != {"9"}:
        upper.append(Pair(_digits(high[0], high[0]), _either(_spans("0" * rest, high[1:]))))
        last -= 1
    if first <= last:
        spans.append(Pair(_digits(str(first), str(last)), Repeat(_digits("0", "9"), rest, rest)))
    return spans + upper
