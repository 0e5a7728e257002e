r"""Read a regular expression of Lucene, in the order and with the look-ahead of Lucene's own parser.

    string ──parse──> Text | Set | Pair | Either | Both | Repeat | Complement

All of Lucene's optional operators are on, as the products have them: `~` complement, `&` intersection, `@` any string,
`#` none, `<1-20>` a number of a range, `"..."` literal characters. `.` is any character, line breaks too; `^` and `$`
are ordinary ones; there are no anchors, look-arounds or lazy repeats (`*?` is a repeat made optional: the same).
Source: Lucene, `org.apache.lucene.util.automaton.RegExp`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from converter.products.elastic.casefold import cases
from converter.products.elastic.patterns import PatternError

Ranges: TypeAlias = tuple[tuple[int, int], ...]

LAST_CODE = 0x10FFFF
_MOST_LEVELS = 100
_LONGEST_COUNT = 10
_FIRST_TOO_LARGE = 1 << 31
_CLASSES: dict[str, Ranges] = {
    "d": ((0x30, 0x39),),
    "s": ((0x09, 0x0A), (0x0D, 0x0D), (0x20, 0x20)),
    "w": ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)),
}


@dataclass(frozen=True, slots=True)
class Text:
    """Characters one after the other."""

    text: str


@dataclass(frozen=True, slots=True)
class Set:
    """One character out of inclusive, sorted, disjoint ranges of code points; of none, nothing matches."""

    ranges: Ranges


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

NOTHING = Set(())
ANY = Set(((0, LAST_CODE),))


def parse(pattern: str, *, ignore_case: bool = False) -> Node:
    """Return the tree of an expression. Where case is ignored, members of classes are there in all their cases.

    Raises:
        PatternError: it is not an expression of Lucene.
    """
    return _Parser(pattern, ignore_case=ignore_case).whole()


class _Parser:
    """Recursive descent; Lucene's odd corners are the language, so they are kept."""

    def __init__(self, text: str, *, ignore_case: bool) -> None:
        self._text = text
        self._at = 0
        self._ignore_case = ignore_case
        self._levels = 0

    def whole(self) -> Node:
        if not self._text:
            return Text("")
        node = self._union()
        if self._at < len(self._text):
            raise self._error(f"{self._text[self._at]!r} at position {self._at + 1} closes nothing")
        return node

    def _error(self, message: str, at: int | None = None) -> PatternError:
        return PatternError(message, self._at if at is None else at)

    def _peek(self, chars: str) -> bool:
        return self._at < len(self._text) and self._text[self._at] in chars

    def _match(self, char: str) -> bool:
        present = self._text.startswith(char, self._at)
        self._at += present
        return present

    def _next(self) -> str:
        if self._at >= len(self._text):
            raise self._error("the expression ends too early")
        self._at += 1
        return self._text[self._at - 1]

    def _need(self, char: str) -> None:
        if not self._match(char):
            raise self._error(f"{char!r} expected at position {self._at + 1}")

    def _union(self) -> Node:
        self._levels += 1
        if self._levels > _MOST_LEVELS:
            raise self._error(f"the expression is nested more than {_MOST_LEVELS} levels deep")
        parts = [self._intersection()]
        while self._match("|"):
            parts.append(self._intersection())
        self._levels -= 1
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
            node = Repeat(node, least, most)
        return node

    def _counts(self) -> tuple[int, int | None]:
        start = self._at
        least = self._number()
        if least is None:
            raise self._error(f"a number expected at position {self._at + 1}, after {{")
        most: int | None = least
        if self._match(","):
            most = self._number()
        self._need("}")
        if most is not None and least > most:
            raise self._error(f"the repetition {{{least},{most}}} runs backwards", start)
        return least, most

    def _number(self) -> int | None:
        start = self._at
        while self._peek("0123456789"):
            self._at += 1
        digits = self._text[start : self._at]
        if len(digits.lstrip("0")) > _LONGEST_COUNT or (digits and int(digits) >= _FIRST_TOO_LARGE):
            raise self._error("a count is too large", start)
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
        merged = merge(ranges)
        return Set(_inverted(merged) if negate else merged)

    def _member(self) -> Ranges:
        if self._match("\\"):
            return self._escaped_in_class()
        low = self._next()
        if not self._match("-"):
            return tuple((ord(char), ord(char)) for char in self._cases(low))
        start = self._at
        self._match("\\")
        high = self._next()
        if low > high:
            raise self._error(f"the range {low}-{high} runs backwards; write a literal - as \\-", start)
        # Lucene leaves ranges case-sensitive even where case is ignored.
        return ((ord(low), ord(high)),)

    def _escaped_in_class(self) -> Ranges:
        """Return what follows a backslash: a class, or a character in its own case, with which no range begins."""
        if (predefined := self._predefined()) is not None:
            return predefined
        char = self._next()
        return ((ord(char), ord(char)),)

    def _predefined(self) -> Ranges | None:
        """Return the ranges of a letter or a backslash after a backslash, or None before anything else."""
        if self._peek("dswDSW"):
            letter = self._next()
            return _CLASSES[letter] if letter in _CLASSES else _inverted(_CLASSES[letter.lower()])
        if self._peek("\\"):
            return ((ord(self._next()),) * 2,)
        if self._at < len(self._text) and self._text[self._at].isascii() and self._text[self._at].isalpha():
            message = f"\\{self._text[self._at]} is not an escape; the classes are \\d \\D \\s \\S \\w \\W"
            raise self._error(message, self._at - 1)
        return None

    def _cases(self, char: str) -> str:
        return cases(char) if self._ignore_case else char

    def _simple(self) -> Node:
        if self._match("."):
            return ANY
        if self._match("#"):
            return NOTHING
        if self._match("@"):
            return Repeat(ANY, 0, None)
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
            raise self._error("a double quote quotes characters in a Lucene expression, and this one is not closed")
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
            raise self._error("< starts a numeric interval in a Lucene expression; write a literal one as \\<")
        low, dash, high = self._text[self._at : end].partition("-")
        # As Java reads a whole number: a plus sign may stand before it, and digits of any script do.
        if not (dash and low.removeprefix("+").isdecimal() and high.removeprefix("+").isdecimal()):
            raise self._error("a numeric interval is written <1-100>; write a literal < as \\<")
        self._at = end + 1
        width = len(low) if len(low) == len(high) else 0
        first, last = sorted((int(low), int(high)))
        if last >= _FIRST_TOO_LARGE:
            raise self._error("the numeric interval is too large")
        return _numbers(first, last, width)


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


def merge(ranges: list[tuple[int, int]]) -> Ranges:
    """Return ranges in order, with those that touch made one."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


def _inverted(ranges: Ranges) -> Ranges:
    edges = [-1, *(edge for bounds in ranges for edge in bounds), LAST_CODE + 1]
    gaps = zip(edges[::2], edges[1::2], strict=True)
    return tuple((low + 1, high - 1) for low, high in gaps if low + 1 < high)


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
