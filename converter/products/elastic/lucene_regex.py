"""Match whole strings by regular expressions of Lucene.

    tree ──lowered──> simplified expression ──> RE2                          without intersection and complement
                                            ──> lazily built automaton       with them (derivatives)

Lucene's own corners, beside those of its parser: an unlimited repeat of nothing is nothing; and where case is ignored,
an empty literal that has no letter beside it matches nothing, so that `(a|())` is `a`. Sources: NOTES.md, "Expressions
of Lucene".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias, assert_never

from converter.products.elastic import lucene_syntax as syntax
from converter.products.elastic.casefold import cases
from converter.products.elastic.patterns import PatternError, SlowPatternError, Test, full_match
from converter.readers.limits import current, raises

_MOST_REPEATS = 1_000  # of RE2
_MOST_WORK = 50_000  # nodes of expressions that derivatives may visit for each second that expressions may take
_EMPTINESS_WORK = 5_000  # of that, to find out that a repeated part matches nothing


@dataclass(frozen=True, slots=True)
class Chars:
    """One character out of inclusive, sorted, disjoint ranges of code points; no range matches nothing."""

    ranges: syntax.Ranges

    def has(self, code: int) -> bool:
        """Whether a code point is in the set."""
        return any(low <= code <= high for low, high in self.ranges)


@dataclass(frozen=True, slots=True)
class Concat:
    """One after the other; of none, the empty string."""

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
    """Every text that is not one of these."""

    part: Regex


Regex: TypeAlias = Chars | Concat | Union | Both | Repeat | Complement

NOTHING = Chars(())
EMPTY = Concat(())
ANY = Chars(syntax.ANY.ranges)
ANYTHING = Repeat(ANY, 0, None)


@lru_cache(maxsize=512)
def compile_regex(pattern: str, *, ignore_case: bool = False) -> Test:
    """Return the test whether a whole string matches; it raises SlowPatternError where it would need too many states.

    Raises:
        PatternError: the pattern is not an expression of Lucene, or is too large.
    """
    tree = _lowered(syntax.parse(pattern, ignore_case=ignore_case), ignore_case=ignore_case)
    return _Automaton(tree).matches if _has_boolean(tree) else full_match(_expression(tree))


def matches_all(pattern: str) -> bool:
    """Whether a valid pattern matches every string, as far as simplifying it shows."""
    return _lowered(syntax.parse(pattern), ignore_case=False) == ANYTHING


def _lowered(node: syntax.Node, *, ignore_case: bool) -> Regex:
    match node:
        case syntax.Text(text):
            return _letters(text, ignore_case=ignore_case)
        case syntax.Set(ranges):
            return Chars(ranges)
        case syntax.Pair():
            return concat([_lowered(part, ignore_case=ignore_case) for part in _in_order(node)])
        case syntax.Either(parts):
            return union([_lowered(part, ignore_case=ignore_case) for part in parts])
        case syntax.Both(parts):
            return both([_lowered(part, ignore_case=ignore_case) for part in parts])
        case syntax.Complement(inner):
            return Complement(_lowered(inner, ignore_case=ignore_case))
        case syntax.Repeat(inner, least, most):
            part = _lowered(inner, ignore_case=ignore_case)
            if most is None and _has_boolean(part) and _Automaton(part).is_empty():
                part = NOTHING
            return repeat(part, least, most)
        case _:
            assert_never(node)


def _letters(text: str, *, ignore_case: bool) -> Regex:
    if not text and ignore_case:
        return NOTHING
    sets = ((cases(char) if ignore_case else char) for char in text)
    return concat([Chars(syntax.merge([(ord(char), ord(char)) for char in chars])) for chars in sets])


def _in_order(node: syntax.Node) -> list[syntax.Node]:
    """Return what a sequence is made of, from left to right."""
    parts: list[syntax.Node] = []
    while isinstance(node, syntax.Pair):
        parts.append(node.right)
        node = node.left
    return [node, *reversed(parts)]


def _has_boolean(node: Regex) -> bool:
    match node:
        case Chars():
            return False
        case Concat(parts) | Union(parts):
            return any(map(_has_boolean, parts))
        case Repeat(part):
            return _has_boolean(part)
        case Both() | Complement():
            return True
        case _:
            assert_never(node)


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
    if part == NOTHING:
        return EMPTY if low == 0 and high is not None else NOTHING
    if (low, high) == (1, 1) or part == ANYTHING:
        return part
    return Repeat(part, low, high)


# --- RE2 --------------------------------------------------------------------------------------------------------------


def _expression(node: Regex) -> str:
    match node:
        case Chars():
            return _set_text(node)
        case Concat():
            return "".join(_expression(part) for part in node.parts)
        case Union():
            return f"(?:{'|'.join(sorted(_expression(part) for part in node.parts))})"
        case Repeat():
            return f"(?:{_expression(node.part)}){_bounds(node.low, node.high)}"
        case Both() | Complement():
            raise AssertionError("RE2 has no intersection and no complement")
        case _:
            assert_never(node)


def _set_text(node: Chars) -> str:
    if node == ANY:
        return "(?s:.)"
    if not node.ranges:
        return r"[^\x{0}-\x{10FFFF}]"
    if len(node.ranges) == 1 and node.ranges[0][0] == node.ranges[0][1]:
        return rf"\x{{{node.ranges[0][0]:X}}}"
    return "[" + "".join(rf"\x{{{low:X}}}-\x{{{high:X}}}" for low, high in node.ranges) + "]"


def _bounds(low: int, high: int | None) -> str:
    if max(low, high or 0) > _MOST_REPEATS:
        raise PatternError(f"more than {_MOST_REPEATS:,} repetitions are not supported")
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
        self._most = int(_MOST_WORK * current().regex_seconds)

    def matches(self, text: str) -> bool:
        self._most = int(_MOST_WORK * current().regex_seconds)
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
        if self._work > self._most:
            raise SlowPatternError("the regular expression needs too many states", raises("regex-seconds"))
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
            return {code for low, high in node.ranges for code in (low, min(high + 1, syntax.LAST_CODE))}
        case Concat() | Union() | Both():
            return {code for part in node.parts for code in _bounds_of(part)}
        case Repeat() | Complement():
            return _bounds_of(node.part)
        case _:
            assert_never(node)
