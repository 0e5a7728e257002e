"""Regular expressions of pipelines: those of Python, with a limit on the time that they take on one rule.

`pattern` of a file ──check_regex──> valid, not too large ──TimedPattern──> match, sub, ... within `regex-seconds`

pySigma 1.5 runs Python's `re`, which some patterns keep busy for years. pySigma 2 runs RE2, which takes linear time.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from converter.errors import RefusedError
from converter.readers.limits import current
from converter.readers.regex_budget import (
    OutOfBudgetError,
    RegexBudget,
    TooLargeError,
    budget,
    check_weight,
    compile_backtracking,
    spending,
)

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

_MOST_LENGTH = 10_000
# How often a pattern may repeat its smallest part, counts of groups around it multiplied: 10,000 for (a{100}){100}.
_MOST_REPEATS = 20_000
_SHOWN = 60
_TOKEN = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|(?P<open>\()|(?P<close>\))|\{(?P<least>\d*)(?:,(?P<most>\d*))?\}|.", re.DOTALL
)
# A brace that is no count is a letter to Python, and more than that to the package `regex`.
_BRACE = re.compile(r"(\\N\{[^}]*\}|\\.|\{\d+(?:,\d*)?\}|\{,\d+\})|(\{)", re.DOTALL)


def timed_regexes() -> AbstractContextManager[None]:
    """Return a context in which the regular expressions of pipelines have the time of one rule, together."""
    return spending(RegexBudget(current().regex_seconds))


def check_regex(pattern: str, replacement: str | None = None) -> str:
    """Return what is wrong with a pattern, or with the text that replaces what it matches; or an empty string."""
    if len(pattern) > _MOST_LENGTH:
        return f"the regular expression has {len(pattern)} characters, more than {_MOST_LENGTH}"
    try:
        compiled = re.compile(pattern)
    except (re.error, RecursionError, OverflowError, ValueError) as error:
        return f"not a valid regular expression: {error}"
    if _repeats(pattern) > _MOST_REPEATS:
        return f"the regular expression repeats a part of it more than {_MOST_REPEATS:,} times"
    try:
        check_weight(pattern)
    except TooLargeError as error:
        return f"not a valid regular expression: {error}"
    if replacement is not None and "\\" in replacement:
        try:
            compiled.sub(replacement, "")
        except (re.error, IndexError) as error:
            return f"not a valid replacement: {error}"
    return ""


def _repeats(pattern: str) -> int:
    """Return how often a pattern repeats its smallest part at most, groups around it multiplied."""
    outer: list[int] = []
    most = last = 1
    for token in _TOKEN.finditer(pattern):
        if token["open"]:
            outer.append(most)
            most = last = 1
        elif token["close"]:
            last, most = most, max(most, outer.pop() if outer else 1)
        elif token["least"] is not None or token["most"] is not None:
            times = max((int(number[:9]) for number in (token["least"], token["most"]) if number), default=1)
            last *= max(1, times)
            most = max(most, last)
        else:
            last = 1
    return most


class TimedPattern:
    """A compiled pattern as pySigma uses it."""

    __slots__ = ("_compiled", "groupindex", "pattern")

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.groupindex = re.compile(pattern).groupindex
        self._compiled: Any = None

    def match(self, string: str) -> Any:
        """Match at the start of a string. Raises RefusedError if it takes too long."""
        return self._run("match", string)

    def search(self, string: str) -> Any:
        """Match anywhere in a string. Raises RefusedError if it takes too long."""
        return self._run("search", string)

    def sub(self, replacement: str, string: str) -> str:
        """Replace what matches. Raises RefusedError if it takes too long."""
        return str(self._run("sub", replacement, string))

    def _run(self, method: str, *arguments: str) -> Any:
        try:
            if self._compiled is None:
                import regex  # noqa: PLC0415  few pipelines need it, and it is slow to load

                escaped = _BRACE.sub(lambda part: part[1] or r"\{", self.pattern)
                self._compiled = compile_backtracking(escaped, regex.V0)
            return budget().slow(getattr(self._compiled, method), *arguments, length=len(arguments[-1]))
        except OutOfBudgetError as error:
            shown = self.pattern if len(self.pattern) <= _SHOWN else f"{self.pattern[:_SHOWN]}..."
            message = f"{error.message('takes longer than')}: {shown!r} of the pipeline, on this rule"
            raise RefusedError(message, "pipeline", None, error.hint) from None


def with_time_limits(step: Any) -> None:
    """Have a transformation or a condition of pySigma 1.5 run its patterns within a time limit."""
    if isinstance(getattr(step, "re", None), re.Pattern):
        step.re = TimedPattern(step.re.pattern)
    patterns = getattr(step, "patterns", None)
    if patterns and all(isinstance(pattern, re.Pattern) for pattern in patterns):
        step.patterns = [TimedPattern(pattern.pattern) for pattern in patterns]
