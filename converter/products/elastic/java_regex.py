r"""Regular expressions of Java: find, replace, and match a whole string.

    pattern ──translate──> RE2, `regex` ──> Matcher: RE2 for plain subjects, `regex` for the others

Most patterns mean the same to RE2, which takes linear time, on subjects of ASCII without line breaks. Other subjects,
and patterns with look-around or back-references, go to the package `regex`, on the time budget of the query.
Source: Java API, class `java.util.regex.Matcher` (find, matches, appendReplacement); NOTES.md, "Expressions of Java".
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from converter.products.elastic.java_syntax import compile_slow, translate
from converter.products.elastic.patterns import PatternError, SlowPatternError, Test, compiled
from converter.readers.query_budget import check_size, made
from converter.readers.re2_loops import repeats_nothing
from converter.readers.regex_budget import OutOfBudgetError, budget, unmeasured_length

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_GROUP = re.compile(r"\{([A-Za-z][A-Za-z0-9]*)\}|([0-9])")


class _Found(Protocol):
    """What is needed of a match object."""

    def start(self) -> int: ...
    def end(self) -> int: ...
    def group(self, group: int | str, /) -> Any: ...


class Matcher:
    """A compiled Java pattern."""

    def __init__(self, pattern: str) -> None:
        translation = translate(pattern)
        self.groups = translation.groups
        self.names = translation.names
        self._translation = translation
        self._fast = None if translation.fast is None else compiled(translation.fast)
        self._ends_elsewhere = translation.fast is not None and repeats_nothing(translation.fast)
        self._slow: Any = None
        if self._fast is None:
            self._compile_slow()

    def _compile_slow(self) -> Any:
        if self._slow is None:
            self._slow = compile_slow(self._translation)
        return self._slow

    def find(self, text: str) -> Iterator[_Found]:
        """Yield the matches in a string, from left to right, as `Matcher.find` does.

        Raises:
            SlowPatternError: the pattern takes too long on this text.
        """
        if self._fast is not None and not self._ends_elsewhere and _is_plain(text):
            size = self._fast.programsize
            yield from _java_order(self._fast.search, text, lambda search, *at: _linear(search, *at, size=size))
            return
        yield from _java_order(self._compile_slow().search, text, _slow)

    def matches(self, text: str) -> bool:
        """Return whether the pattern matches a whole string, as `Matcher.matches` does.

        Raises:
            SlowPatternError: the pattern takes too long on this text.
        """
        if self._fast is not None and _is_plain(text):
            return _linear(self._fast.fullmatch, text, size=self._fast.programsize) is not None
        return _slow(self._compile_slow().fullmatch, text) is not None


def _slow(call: Callable[..., Any], text: str, *position: int) -> Any:
    try:
        return budget().slow(call, text, *position, length=len(text))
    except OutOfBudgetError as spent:
        raise SlowPatternError.of(spent) from None


def _linear(call: Callable[..., Any], text: str, *position: int, size: int) -> Any:
    if len(text) <= unmeasured_length(size):
        return call(text, *position)
    try:
        return budget().linear(call, text, *position, length=len(text), size=size)
    except OutOfBudgetError as spent:
        raise SlowPatternError.of(spent) from None


def _is_plain(text: str) -> bool:
    """Return whether RE2 reads a string as Java does: `^` of lines is not at the end, so not in the empty string."""
    return text.isascii() and text != "" and "\n" not in text and "\r" not in text


def _java_order(search: Callable[[str, int], Any], text: str, timed: Callable[..., Any]) -> Iterator[_Found]:
    """Yield matches: after an empty match the search goes on one character further, after another at its end."""
    position = 0
    while position <= len(text):
        match = timed(search, text, position)
        if match is None:
            return
        yield match
        position = match.end() if match.end() > match.start() else match.end() + 1


@lru_cache(maxsize=256)
def compile_java(pattern: str) -> Matcher:
    """Return a compiled pattern.

    Raises:
        PatternError: not a Java pattern, or one with a construct that is not supported.
    """
    return Matcher(pattern)


def full_matcher(pattern: str, *, ignore_case: bool = False) -> Test:
    """Return the test whether a whole string matches; it raises SlowPatternError where a string takes too long.

    Where case is ignored, that of ASCII's letters is: the flag CASE_INSENSITIVE without UNICODE_CASE.

    Raises:
        PatternError: not a Java pattern, or one with a construct that is not supported.
    """
    return compile_java(f"(?i){pattern}" if ignore_case else pattern).matches


# --- replacement ------------------------------------------------------------------------------------------------------


_NO_GROUP = "No group by the number"


@lru_cache(maxsize=256)
def _template(replacement: str, groups: int, names: frozenset[str]) -> tuple[str | int, ...] | str:
    r"""Return literal strings, group numbers, and named groups (as `\0name`); a string is an error message."""
    pieces: list[str | int] = []
    index = 0
    while index < len(replacement):
        character = replacement[index]
        if character == "\\":
            index += 1
            if index >= len(replacement):
                return "character to be escaped is missing"
            pieces.append(replacement[index])
        elif character == "$":
            match = _GROUP.match(replacement, index + 1)
            if not match:
                return "Illegal group reference"
            if match[1]:
                if match[1] not in names:
                    return f"No group with name {{{match[1]}}}"
                pieces.append(f"\0{match[1]}")
                index = match.end() - 1
            else:
                number, end = int(match[2]), match.end()
                if number > groups:
                    return f"{_NO_GROUP} {number}"
                while end < len(replacement) and replacement[end] in "0123456789":
                    if number * 10 + int(replacement[end]) > groups:
                        break
                    number, end = number * 10 + int(replacement[end]), end + 1
                pieces.append(number)
                index = end - 1
        else:
            pieces.append(character)
        index += 1
    return tuple(pieces)


def replace(matcher: Matcher, text: str, replacement: str) -> str | None:
    """Return a string with every match replaced; None when the replacement is bad (null and a warning in the product).

    Raises:
        SlowPatternError: the pattern takes too long on this text.
        PatternError: a group by number is not there, which ends the query.
        QueryLimitError: the string becomes too long.
    """
    out: list[str] = []
    end = size = 0
    template: tuple[str | int, ...] | None = None
    for match in matcher.find(text):
        if template is None:
            compiled = _template(replacement, matcher.groups, matcher.names)
            if isinstance(compiled, str):
                if compiled.startswith(_NO_GROUP):
                    raise PatternError(f"{compiled} in the replacement", 0)
                return None
            template = compiled
        out.append(text[end : match.start()])
        for piece in template:
            if isinstance(piece, int):
                out.append(match.group(piece) or "")
            elif piece[0] == "\0" and len(piece) > 1:
                out.append(match.group(piece[1:]) or "")
            else:
                out.append(piece)
            size += len(out[-1])
        check_size(size)
        end = match.end()
    if template is None:
        return text
    out.append(text[end:])
    return made("".join(out))
