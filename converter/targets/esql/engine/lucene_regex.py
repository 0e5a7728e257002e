r"""RLIKE patterns: the regular expressions of Lucene, over the whole string, case-sensitively.

    pattern ──parse──> tree ──> RE2                       when there is no `&` and no `~`
                            ──> lazily built automaton    otherwise (derivatives of the expression)

Lucene's syntax is not Perl's: `^` and `$` are letters; a dot matches a line break too; `~` is complement, `&`
intersection, `@` any string, `#` no string, `<1-20>` a number in a range, `"..."` literal text.
Source: Lucene `org.apache.lucene.util.automaton.RegExp`, which ES|QL calls with all its optional operators on
(class `RLikePattern`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias, assert_never

import re2

from converter.targets.esql.engine.like import PatternError

if TYPE_CHECKING:
    from collections.abc import Callable

_MAX_DEPTH = 60
_MAX_REPEAT = 1_000
_MOST_WORK = 100_000  # nodes of expressions that derivatives may visit
_EMPTINESS_WORK = 5_000  # of that, to find out that a repeated part matches nothing
_MAX_CODE_POINT = 0x10FFFF
_LETTERS = frozenset("abcefghijklmnopqrtuvxyzABCEFGHIJKLMNOPQRTUVXYZ")
_CLASSES = {
    "d": ((0x30, 0x39),),
    "s": ((0x09, 0x0A), (0x0D, 0x0D), (0x20, 0x20)),
    "w": ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)),
}


@dataclass(frozen=True, slots=True)
class Chars:
    """One character out of inclusive, sorted, disjoint ranges of code points; no range matches nothing."""

    ranges: tuple[tuple[int, int], ...]

    def has(self, code: int) -> bool:
        """Whether a code point is in the set."""
        return any(low <= code <= high for low, high in self.ranges)


@dataclass(frozen=True, slots=True)
class Concat:
    """One after the other; empty is the empty string."""

    parts: tuple[Regex, ...]


@dataclass(frozen=True, slots=True)
class Union:
    """Any of them."""

    parts: frozenset[Regex]


@dataclass(frozen=True, slots=True)
class Both:
    """All of them at once."""

    parts: frozenset[Regex]


@dataclass(frozen=True, slots=True)
class Repeat:
    """At least `low` times, at most `high` (None: no limit)."""

    part: Regex
    low: int
    high: int | None


@dataclass(frozen=True, slots=True)
class Complement:
    """Every string that is not one of these."""

    part: Regex


Regex: TypeAlias = Chars | Concat | Union | Both | Repeat | Complement

NOTHING = Chars(())
EMPTY = Concat(())
ANY = Chars(((0, _MAX_CODE_POINT),))
ANYTHING = Repeat(ANY, 0, None)


@lru_cache(maxsize=512)
def compile_rlike(pattern: str) -> Callable[[str], bool]:
    """Return a function that tells whether a whole string matches.

    Raises:
        PatternError: the pattern is not a Lucene regular expression, or is too large.
    """
    parser = _Parser(pattern)
    tree = parser.parse()
    if parser.boolean:
        return _Automaton(tree).matches
    options = re2.Options()
    options.log_errors = False
    try:
        matches = re2.compile(f"(?s){_to_re2(tree)}", options).fullmatch
    except re2.error as error:
        raise PatternError(f"the regular expression is too large ({error})", 0) from None
    return lambda text: matches(text) is not None


def rlike_matches_all(pattern: str) -> bool:
    """Whether a valid pattern matches every string, as far as simplifying it shows."""
    return _Parser(pattern).parse() == ANYTHING


class _Parser:
    """Recursive descent over the pattern, rule by rule as in Lucene's class."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._depth = 0
        self.boolean = False  # whether RE2 cannot say it

    def parse(self) -> Regex:
        if not self._pattern:
            return EMPTY
        tree = self._union()
        if self._at < len(self._pattern):
            raise self._error(f"unexpected {self._pattern[self._at]!r}")
        return tree

    def _error(self, message: str, at: int | None = None) -> PatternError:
        return PatternError(f"{message} in a Lucene regular expression", self._at if at is None else at)

    def _peek(self, characters: str) -> bool:
        return self._at < len(self._pattern) and self._pattern[self._at] in characters

    def _match(self, character: str) -> bool:
        if self._peek(character):
            self._at += 1
            return True
        return False

    def _next(self) -> str:
        if self._at >= len(self._pattern):
            raise self._error("unexpected end")
        self._at += 1
        return self._pattern[self._at - 1]

    def _union(self) -> Regex:
        parts = [self._intersection()]
        while self._match("|"):
            parts.append(self._intersection())
        return union(parts)

    def _intersection(self) -> Regex:
        parts = [self._concat()]
        while self._match("&"):
            self.boolean = True
            parts.append(self._concat())
        return both(parts)

    def _concat(self) -> Regex:
        parts = [self._repeat()]
        while self._at < len(self._pattern) and not self._peek(")|&"):
            parts.append(self._repeat())
        return concat(parts)

    def _repeat(self) -> Regex:
        start = self._at
        part = self._complement()
        while self._peek("?*+{"):
            if self.boolean and _Automaton(part).is_empty():
                part = NOTHING
            match self._next():
                case "?":
                    part = repeat(part, 0, 1)
                case "*":
                    part = repeat(part, 0, None)
                case "+":
                    part = repeat(part, 1, None)
                case _:
                    part = self._counted(part, start)
        return part

    def _counted(self, part: Regex, start: int) -> Regex:
        low = self._integer()
        if low is None:
            raise self._error("a whole number is expected after '{'")
        high: int | None = low
        if self._match(","):
            high = self._integer()
        if not self._match("}"):
            raise self._error("'}' is expected")
        if high is not None and low > high:
            raise self._error("the bounds of a repetition run backwards", start)
        if low > _MAX_REPEAT or (high or 0) > _MAX_REPEAT:
            raise self._error(f"more than {_MAX_REPEAT} repetitions", start)
        return repeat(part, low, high)

    def _integer(self) -> int | None:
        start = self._at
        while self._peek("0123456789"):
            self._at += 1
        return int(self._pattern[start : self._at]) if self._at > start else None

    def _complement(self) -> Regex:
        count = 0
        while self._match("~"):
            count += 1
            self.boolean = True
        part = self._set() if self._match("[") else self._simple()
        return Complement(part) if count % 2 else part

    def _set(self) -> Regex:
        negated = self._match("^")
        ranges = list(self._set_item())
        while self._at < len(self._pattern) and not self._peek("]"):
            ranges.extend(self._set_item())
        if not self._match("]"):
            raise self._error("']' is expected")
        merged = _merge(ranges)
        return Chars(_invert(merged) if negated else merged)

    def _set_item(self) -> tuple[tuple[int, int], ...]:
        if self._peek("\\"):
            # What is escaped stands alone: no range starts with it, and a `-` after it is an item of its own.
            escaped = self._predefined()
            if isinstance(escaped, Chars):
                return escaped.ranges
            low = escaped or self._next()
            return ((ord(low), ord(low)),)
        low = self._next()
        if not self._match("-"):
            return ((ord(low), ord(low)),)
        start = self._at
        high = self._character()
        if low > high:
            raise self._error("a range runs backwards", start)
        return ((ord(low), ord(high)),)

    def _predefined(self) -> Chars | str | None:
        r"""Read `\d` and its like, or an escaped backslash; else read at most a backslash and return None."""
        if not self._match("\\"):
            return None
        if self._peek("dDsSwW"):
            letter = self._next()
            ranges = _CLASSES[letter.lower()]
            return Chars(ranges if letter.islower() else _invert(ranges))
        if self._peek("\\"):
            return self._next()
        if self._at < len(self._pattern) and self._pattern[self._at] in _LETTERS:
            raise self._error(f"unknown class '\\{self._pattern[self._at]}'", self._at - 1)
        return None

    def _character(self) -> str:
        self._match("\\")
        return self._next()

    def _simple(self) -> Regex:
        if self._match("."):
            return ANY
        if self._match("#"):
            return NOTHING
        if self._match("@"):
            return ANYTHING
        if self._match('"'):
            end = self._pattern.find('"', self._at)
            if end < 0:
                raise self._error("a '\"' is not closed", self._at - 1)
            literal, self._at = self._pattern[self._at : end], end + 1
            return concat([_literal(character) for character in literal])
        if self._match("("):
            return self._group()
        if self._match("<"):
            return self._interval()
        predefined = self._predefined()
        if isinstance(predefined, Chars):
            return predefined
        return _literal(predefined or self._character())

    def _group(self) -> Regex:
        if self._match(")"):
            return EMPTY
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise self._error(f"more than {_MAX_DEPTH} nested groups")
        inner = self._union()
        self._depth -= 1
        if not self._match(")"):
            raise self._error("')' is expected")
        return inner

    def _interval(self) -> Regex:
        start = self._at - 1
        end = self._pattern.find(">", self._at)
        if end < 0:
            raise self._error("'>' is expected", start)
        text, self._at = self._pattern[self._at : end], end + 1
        low, dash, high = text.partition("-")
        # As Java reads a whole number: a plus sign may stand before it, and digits of any script do.
        if not (dash and low.removeprefix("+").isdecimal() and high.removeprefix("+").isdecimal()):
            raise self._error("a range of numbers such as <1-20> is expected", start)
        width = len(low) if len(low) == len(high) else 0
        first, last = sorted((int(low), int(high)))
        if last > 2**31 - 1:
            raise self._error("a number is too large", start)
        body = union([concat(list(parts)) for parts in _number_parts(first, last, width)])
        return body if width else concat([repeat(_literal("0"), 0, None), body])


def _literal(character: str) -> Chars:
    return Chars(((ord(character), ord(character)),))


def _digits(low: int, high: int) -> Chars:
    return Chars(((0x30 + low, 0x30 + high),))


def _number_parts(first: int, last: int, width: int) -> list[tuple[Regex, ...]]:
    """Return digit patterns, one for each block of numbers that share a prefix; `width` 0 means no leading zeros."""
    patterns: list[tuple[Regex, ...]] = []
    while first <= last:
        free = 0  # how many last digits may run freely
        while first % 10 ** (free + 1) == 0 and first + 10 ** (free + 1) - 1 <= last:
            free += 1
            if not width and len(str(first + 10**free - 1)) != len(str(first)):
                free -= 1
                break
        block = 10**free
        text = str(first).rjust(width, "0")
        prefix = text[: len(text) - free]
        # The last digit of the prefix may run too, as long as the block stays inside and keeps its length.
        digit = int(prefix[-1]) if prefix else 0
        run = 0
        while prefix and digit + run + 1 <= 9 and first + (run + 2) * block - 1 <= last:  # noqa: PLR2004
            run += 1
        parts: list[Regex] = [_literal(character) for character in prefix[:-1]]
        if prefix:
            parts.append(_digits(digit, digit + run))
        parts.extend(_digits(0, 9) for _ in range(free))
        patterns.append(tuple(parts))
        first += (run + 1) * block
    return patterns


def _merge(ranges: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


def _invert(ranges: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    inverted = []
    start = 0
    for low, high in ranges:
        if start < low:
            inverted.append((start, low - 1))
        start = high + 1
    if start <= _MAX_CODE_POINT:
        inverted.append((start, _MAX_CODE_POINT))
    return tuple(inverted)


# --- building, with the simplifications that keep the number of derivatives finite -----------------------------------


def concat(parts: list[Regex]) -> Regex:
    """Return one after the other."""
    flat: list[Regex] = []
    for part in parts:
        for piece in part.parts if isinstance(part, Concat) else (part,):
            if not (piece == ANYTHING and flat and flat[-1] == ANYTHING):
                flat.append(piece)
    if NOTHING in flat:
        return NOTHING
    return flat[0] if len(flat) == 1 else Concat(tuple(flat))


def union(parts: list[Regex]) -> Regex:
    """Return any of them."""
    flat: set[Regex] = set()
    for part in parts:
        flat.update(part.parts if isinstance(part, Union) else (part,))
    flat.discard(NOTHING)
    if not flat:
        return NOTHING
    if ANYTHING in flat or Complement(NOTHING) in flat:
        return ANYTHING
    return next(iter(flat)) if len(flat) == 1 else Union(frozenset(flat))


def both(parts: list[Regex]) -> Regex:
    """Return all of them at once."""
    flat: set[Regex] = set()
    for part in parts:
        flat.update(part.parts if isinstance(part, Both) else (part,))
    flat -= {ANYTHING, Complement(NOTHING)}
    if NOTHING in flat:
        return NOTHING
    if not flat:
        return ANYTHING
    return next(iter(flat)) if len(flat) == 1 else Both(frozenset(flat))


def repeat(part: Regex, low: int, high: int | None) -> Regex:
    """Return a repetition; without a limit, Lucene makes nothing out of nothing, not even the empty string."""
    if high == 0 or part == EMPTY:
        return EMPTY
    if (low, high) == (1, 1) or part == ANYTHING or (part == NOTHING and high is None):
        return part
    return Repeat(part, low, high)


# --- RE2 --------------------------------------------------------------------------------------------------------------


def _to_re2(node: Regex) -> str:
    match node:
        case Chars():
            return _set_text(node)
        case Concat():
            return "".join(_to_re2(part) for part in node.parts)
        case Union():
            return f"(?:{'|'.join(sorted(_to_re2(part) for part in node.parts))})"
        case Repeat():
            return f"(?:{_to_re2(node.part)}){_bounds(node.low, node.high)}"
        case Both() | Complement():
            raise AssertionError("RE2 has no intersection and no complement")
        case _:
            assert_never(node)


def _set_text(node: Chars) -> str:
    if node == ANY:
        return "."
    if not node.ranges:
        return r"[^\x{0}-\x{10FFFF}]"
    if len(node.ranges) == 1 and node.ranges[0][0] == node.ranges[0][1]:
        return rf"\x{{{node.ranges[0][0]:X}}}"
    return "[" + "".join(rf"\x{{{low:X}}}-\x{{{high:X}}}" for low, high in node.ranges) + "]"


def _bounds(low: int, high: int | None) -> str:
    return {(0, None): "*", (1, None): "+", (0, 1): "?"}.get(
        (low, high),
        f"{{{low},}}" if high is None else f"{{{low},{high}}}",
    )


# --- derivatives ------------------------------------------------------------------------------------------------------


class _Automaton:
    """A deterministic automaton whose states are expressions, built as strings are read.

    The state after a character is the derivative of the expression by it: what must follow. States are numbered, so
    that a step that was taken before costs one look-up.
    """

    def __init__(self, start: Regex) -> None:
        self._states = [start]
        self._numbers = {start: 0}
        self._steps: dict[tuple[int, str], int] = {}
        self._work = 0

    def matches(self, text: str) -> bool:
        state = 0
        for character in text:
            following = self._steps.get((state, character))
            if following is None:
                following = self._step(state, character)
            state = following
        return _accepts_empty(self._states[state])

    def is_empty(self) -> bool:
        """Whether no string matches, as far as a bounded search shows."""
        # Characters between two bounds of sets are alike, so one of each kind shows every state.
        kinds = [chr(code) for code in sorted({0} | _bounds_of(self._states[0]))]
        state = 0
        while state < len(self._states):
            if _accepts_empty(self._states[state]) or self._work > _EMPTINESS_WORK:
                return False
            for kind in kinds:
                self._step(state, kind)
            state += 1
        return True

    def _step(self, state: int, character: str) -> int:
        derived = self._derive(self._states[state], ord(character))
        number = self._numbers.setdefault(derived, len(self._states))
        if number == len(self._states):
            self._states.append(derived)
        self._steps[state, character] = number
        return number

    def _derive(self, node: Regex, code: int) -> Regex:
        """Return what must follow after `code`."""
        self._work += 1
        if self._work > _MOST_WORK:
            raise PatternError("the regular expression needs too many states", 0)
        match node:
            case Chars():
                return EMPTY if node.has(code) else NOTHING
            case Concat():
                ways = []
                for index, part in enumerate(node.parts):
                    ways.append(concat([self._derive(part, code), *node.parts[index + 1 :]]))
                    if not _accepts_empty(part):
                        break
                return union(ways)
            case Union():
                return union([self._derive(part, code) for part in node.parts])
            case Both():
                return both([self._derive(part, code) for part in node.parts])
            case Repeat():
                rest = repeat(node.part, max(0, node.low - 1), None if node.high is None else node.high - 1)
                return concat([self._derive(node.part, code), rest])
            case Complement():
                return Complement(self._derive(node.part, code))
            case _:
                assert_never(node)


def _accepts_empty(node: Regex) -> bool:
    match node:
        case Chars():
            return False
        case Concat():
            return all(_accepts_empty(part) for part in node.parts)
        case Union():
            return any(_accepts_empty(part) for part in node.parts)
        case Both():
            return all(_accepts_empty(part) for part in node.parts)
        case Repeat():
            return node.low == 0 or _accepts_empty(node.part)
        case Complement():
            return not _accepts_empty(node.part)
        case _:
            assert_never(node)


def _bounds_of(node: Regex) -> set[int]:
    """Return the code points at which a set of the expression begins or has just ended."""
    match node:
        case Chars():
            return {code for low, high in node.ranges for code in (low, min(high + 1, _MAX_CODE_POINT))}
        case Concat() | Union() | Both():
            return {code for part in node.parts for code in _bounds_of(part)}
        case Repeat() | Complement():
            return _bounds_of(node.part)
        case _:
            assert_never(node)
