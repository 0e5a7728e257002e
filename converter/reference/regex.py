r"""Search strings with a rule's regular expression, in time that a hostile log cannot blow up.

    pattern of the rule ──one pass──> the same pattern for RE2, and for the package `regex`

RE2 takes time linear in the length of the string. Constructs that it lacks (look-around, back-references, atomic
groups) run in `regex`, on the time budget of the rule, and raise when it is spent. So do strings that end in a line
feed if the pattern has `$`, `\Z` or the `^` of lines, which RE2 and PCRE2 define differently there. Case, classes and
anchors are written out, so that neither engine's own definition of them matters. The pattern is well-formed: it was
parsed when the rule was lowered.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from converter.errors import RuleError, RuleLimitError
from converter.readers.regex_budget import (
    OutOfBudgetError,
    TooLargeError,
    budget,
    compile_backtracking,
    unmeasured_length,
)
from converter.reference.casefold import cases_of, cases_outside_ascii

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_SPACES = " \t\n\x0b\f\r"
_HORIZONTAL = "\t \xa0\u1680\u180e\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_VERTICAL = "\n\x0b\f\r\x85\u2028\u2029"
_DIGITS = "0123456789"
_LOWER = "abcdefghijklmnopqrstuvwxyz"
_LETTERS = _LOWER + _LOWER.upper()
_NAMED = {"d": _DIGITS, "w": _DIGITS + _LETTERS + "_", "s": _SPACES, "h": _HORIZONTAL, "v": _VERTICAL}
_PRINTED = "".join(map(chr, range(33, 127)))
_POSIX = {
    "alpha": _LETTERS,
    "digit": _DIGITS,
    "alnum": _DIGITS + _LETTERS,
    "upper": _LOWER.upper(),
    "lower": _LOWER,
    "space": _SPACES,
    "blank": " \t",
    "cntrl": "".join(map(chr, range(32))) + "\x7f",
    "graph": _PRINTED,
    "print": _PRINTED + " ",
    "punct": "".join(character for character in _PRINTED if not character.isalnum()),
    "xdigit": _DIGITS + "abcdefABCDEF",
    "word": _NAMED["w"],
    "ascii": "".join(map(chr, range(128))),
}
_CONTROL = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "a": "\a", "e": "\x1b"}
_NUMBERED = re.compile(r"\\x([0-9A-Fa-f]{2})|\\x\{([0-9A-Fa-f]+)\}|\\(0[0-7]{0,2})|\\o\{([0-7]+)\}")
_TOKEN = re.compile(
    r"(?P<quoted>\\Q.*?(?:\\E|\Z))|(?P<comment>\(\?\#[^)]*\))"
    r"|(?P<back>\\[1-9]\d*|\\g-?\d+|\\g\{-?\d+\}|\\k[<{']\w+[>}']|\(\?P=\w+\))"
    r"|(?P<flags>\(\?[ims]*(?:-[ims]+)?[:)])|(?P<look>\(\?(?:>|<?[=!]))|\(\?(?:P?<|')(?P<name>\w+)[>']|(?P<open>\()"
    r"|(?P<count>(?:[*+?]|\{\d+(?:,\d*)?\})[+?]?)|(?P<escape>\\x[0-9A-Fa-f]{2}|\\[xo]\{\w+\}|\\0[0-7]{0,2}|\\.)"
    r"|(?P<other>.)",
    re.DOTALL | re.ASCII,
)
_LAST = 0x10FFFF
# Each anchor for RE2 (for strings that do not end in a line feed) and for `regex`.
_START = (r"\A", r"\A")
_END = (r"\z", r"(?=\n?\Z)")
_ANCHORS = {"A": _START, "Z": _END, "z": (r"\z", r"\Z"), "b": (r"\b", r"\b"), "B": (r"\B", r"\B")}


@lru_cache(maxsize=4096)
def searcher(pattern: str, flags: frozenset[str], place: Any) -> Callable[[str], bool]:
    """Return a function that tells whether the pattern matches somewhere in a string.

    Raises:
        RuleError: no engine accepts the pattern.
        RuleLimitError: from the function: the time of the rule's expressions is spent.
    """
    import re2  # noqa: PLC0415  few rules need it

    translation = _Translation(pattern, flags)
    options = re2.Options()
    options.log_errors = False
    slow = _Slow("".join(translation.slow), place)
    if translation.only_slow:
        slow.compiled()
        return slow.search
    try:
        fast = re2.compile("".join(translation.fast), options)
        at_end = re2.compile("".join(translation.at_end), options) if translation.ends_only_there else None
    except re2.error:
        slow.compiled()
        return slow.search

    size = fast.programsize
    long = unmeasured_length(size)

    def search(string: str) -> bool:
        chosen = fast
        if translation.end_matters and string.endswith("\n"):
            if at_end is None:
                return slow.search(string)
            chosen = at_end
        if len(string) > long:
            try:
                match = budget().linear(chosen.search, _without_lone_surrogates(string), length=len(string), size=size)
            except OutOfBudgetError as error:
                raise _too_slow(error, place) from None
            return match is not None
        return chosen.search(_without_lone_surrogates(string)) is not None

    return search


def _without_lone_surrogates(string: str) -> str:
    """Replace halves of surrogate pairs, which JSON can hold and RE2's UTF-8 cannot."""
    return string if string.isascii() else string.encode("utf-8", "replace").decode()


def _too_slow(error: OutOfBudgetError, place: Any) -> RuleLimitError:
    hint = f"{error.hint}; without look-around and back-references it runs in linear time"
    return RuleLimitError(error.message("runs longer than"), place, hint)


class _Slow:
    """The pattern for the package `regex`, compiled when first needed."""

    def __init__(self, pattern: str, place: Any) -> None:
        self._pattern = pattern
        self._place = place
        self._compiled: Any = None

    def compiled(self) -> Any:
        import regex  # noqa: PLC0415  few rules need it

        if self._compiled is None:
            try:
                self._compiled = compile_backtracking(self._pattern, regex.ASCII | regex.V1)
            except OutOfBudgetError as error:
                raise _too_slow(error, self._place) from None
            except (TooLargeError, regex.error, RecursionError, OverflowError) as error:
                raise RuleError(f"no engine accepts this regular expression: {error}", self._place) from None
        return self._compiled

    def search(self, string: str) -> bool:
        try:
            return budget().slow(self.compiled().search, string, length=len(string)) is not None
        except OutOfBudgetError as error:
            raise _too_slow(error, self._place) from None


class _Translation:
    r"""The pattern translated in one pass: `fast` for RE2, `slow` for `regex`.

    `at_end` is for RE2 as well, for strings that end in a line feed. It is right only if `$` and `\Z` stand where
    nothing can follow (`ends_only_there`).
    """

    def __init__(self, pattern: str, flags: frozenset[str]) -> None:
        self.fast: list[str] = []
        self.slow: list[str] = []
        self.at_end: list[str] = []
        self.only_slow = self.end_matters = False
        self.ends_only_there = True
        self._pattern = pattern
        self._flags = [set(flags)]
        self._groups: dict[str, int] = {}
        self._count = 0
        position = 0
        while position < len(pattern):
            if pattern[position] == "[":
                position = self._set(position)
            else:
                token = _TOKEN.match(pattern, position)
                assert token is not None  # noqa: S101  the last branch is any character
                position = token.end()
                self._token(token)

    def _put(self, fast: str, slow: str | None = None, at_end: str | None = None) -> None:
        self.fast.append(fast)
        self.slow.append(fast if slow is None else slow)
        self.at_end.append(fast if at_end is None else at_end)

    def _token(self, token: re.Match[str]) -> None:
        written = token[0]
        match token.lastgroup:
            case "quoted":
                for character in written[2:].removesuffix(r"\E"):
                    self._characters(character)
            case "comment":
                pass
            case "back":
                self.only_slow = True
                self._put(f"(?:\\{self._referred(written)})")
            case "flags":
                self._change_flags(written)
            case "look":
                self.only_slow = True
                self._open(written)
            case "name" | "open":
                self._count += 1
                if token["name"]:
                    self._groups[token["name"]] = self._count
                self._open("(")
            case "count":
                self.only_slow = self.only_slow or (len(written) > 1 and written[-1] == "+")
                self._put(written)
            case "escape":
                self._escape(token)
            case _:
                self._plain(written, token.end())

    def _open(self, opening: str) -> None:
        self._flags.append(set(self._flags[-1]))
        self._put(opening)

    def _referred(self, reference: str) -> int:
        """Return the number of the group that a back-reference names."""
        name = re.sub(r"^\\[gk]?|^\(\?P=|[<>{}')]", "", reference)
        if name in self._groups:
            return self._groups[name]
        return int(name) if int(name) > 0 else self._count + 1 + int(name)

    def _change_flags(self, flag_group: str) -> None:
        on, _, off = flag_group[2:-1].partition("-")
        flags = (self._flags[-1] | set(on)) - set(off)
        if flag_group.endswith(")"):
            self._flags[-1] = flags
        else:
            self._flags.append(flags)
            self._put("(?:")

    def _plain(self, character: str, end: int) -> None:
        flags = self._flags[-1]
        match character:
            case ".":
                self._put("(?s:.)" if "s" in flags else r"[^\n]")
            case "^" if "m" in flags:
                self.end_matters = True
                self.ends_only_there = False
                self._put("(?m:^)", r"(?:\A|(?<=\n)(?!\Z))")
            case "^":
                self._put(*_START)
            case "$" if "m" in flags:
                self._put("(?m:$)", r"(?=\n|\Z)")
            case "$":
                self._end(end)
            case ")":
                self._flags.pop()
                self._put(")")
            case "|":
                self._put("|")
            case _:
                self._characters(character)

    def _end(self, position: int) -> None:
        rest = self._pattern[position:]
        outermost = len(self._flags) == 1 and rest.startswith("|")
        self.end_matters = True
        self.ends_only_there = self.ends_only_there and (outermost or not rest.strip(")"))
        self._put(*_END, r"(?:\n?\z)")

    def _escape(self, token: re.Match[str]) -> None:
        letter = token[0][1]
        if letter == "Z":
            self._end(token.end())
        elif letter in _ANCHORS:
            self._put(*_ANCHORS[letter])
        elif letter == "R":
            self.only_slow = True
            self._put_codes(rf"(?>\r\n|[{_span(_codes(_VERTICAL))}])")
        elif letter == "N":
            self._put(r"[^\n]")
        elif letter.lower() in _NAMED:
            self._put_codes(f"[{'^' if letter.isupper() else ''}{_span(_codes(_NAMED[letter.lower()]))}]")
        else:
            self._characters(_control(token[0]))

    def _characters(self, character: str) -> None:
        cases = cases_of(character) if "i" in self._flags[-1] else character
        self._put_codes(_span(_codes(cases)) if len(cases) == 1 else f"[{_span(_codes(cases))}]")

    def _put_codes(self, codes: str) -> None:
        self._put(codes, re.sub(r"\\x\{([0-9a-f]+)\}", lambda code: f"\\U{int(code[1], 16):08x}", codes))

    def _set(self, position: int) -> int:
        """Write `[...]` as ranges of code points, and return the position after it."""
        pattern = self._pattern
        start = position = position + 1
        negated = pattern.startswith("^", position)
        start = position = position + negated
        ranges: list[tuple[int, int]] = []
        while pattern[position] != "]" or position == start:
            member, position = self._member(position)
            if len(member) == 1 and pattern[position] == "-" and pattern[position + 1] != "]":
                last, position = self._member(position + 1)
                ranges.append((member[0][0], last[0][0]))
            else:
                ranges.extend(member)
        if "i" in self._flags[-1]:
            ranges += list(_other_cases(ranges))
        self._put_codes(f"[{'^' if negated else ''}{_span(ranges)}]")
        return position + 1

    def _member(self, position: int) -> tuple[list[tuple[int, int]], int]:
        pattern = self._pattern
        posix = re.compile(r"\[:(\^?)([a-z]+):\]").match(pattern, position)
        if posix:
            ranges = _codes(_POSIX[posix[2]])
            return (_inverse(ranges) if posix[1] else ranges), posix.end()
        if pattern[position] != "\\":
            return _codes(pattern[position]), position + 1
        letter = pattern[position + 1]
        if letter.lower() in _NAMED:
            ranges = _codes(_NAMED[letter.lower()])
            return (_inverse(ranges) if letter.isupper() else ranges), position + 2
        if letter == "b":
            return [(8, 8)], position + 2
        escape = _ESCAPE_IN_SET.match(pattern, position)
        assert escape is not None  # noqa: S101  its last branch is any character
        return _codes(_control(escape[0])), escape.end()


_ESCAPE_IN_SET = re.compile(rf"{_NUMBERED.pattern}|\\.", re.DOTALL)


def _control(escape: str) -> str:
    """Return the character that an escape stands for."""
    if number := _NUMBERED.fullmatch(escape):
        return chr(int(number[1] or number[2], 16) if number[1] or number[2] else int(number[3] or number[4], 8))
    return _CONTROL.get(escape[1], escape[1])


def _codes(characters: str) -> list[tuple[int, int]]:
    return [(ord(character), ord(character)) for character in characters]


def _inverse(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    held = sorted({low for low, _ in ranges})
    edges = [-1, *held, _LAST + 1]
    return [(low + 1, high - 1) for low, high in pairwise(edges) if low + 1 <= high - 1]


def _other_cases(ranges: list[tuple[int, int]]) -> Iterable[tuple[int, int]]:
    """Yield the other cases of every letter in the ranges."""
    outside = cases_outside_ascii().values() if any(high > 0x7F for _, high in ranges) else ()  # noqa: PLR2004
    for cases in (*(letter + letter.upper() for letter in _LOWER), *outside):
        if any(low <= ord(case) <= high for case in cases for low, high in ranges):
            yield from _codes(cases)


def _span(ranges: Iterable[tuple[int, int]]) -> str:
    """Return ranges of code points in RE2's syntax, for use in brackets; a single character also outside."""
    return "".join(_code(low) if low == high else f"{_code(low)}-{_code(high)}" for low, high in ranges)


def _code(code: int) -> str:
    character = chr(code)
    return character if character.isascii() and character.isalnum() else f"\\x{{{code:x}}}"
