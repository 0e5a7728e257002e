"""What patterns of every kind share: their error, and tests of whole strings by RE2, in time linear in the string."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import re2

from converter.errors import QueryError, QueryLimitError
from converter.readers.regex_budget import OutOfBudgetError, budget, unmeasured_length

Test: TypeAlias = Callable[[str], bool]

# What Java's `.` does not match.
JAVA_LINE_BREAKS = r"\n\r\x{85}\x{2028}\x{2029}"


class PatternError(Exception):
    """A pattern is not valid, or uses what is not supported; `offset` counts characters of the pattern."""

    def __init__(self, message: str, offset: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


class SlowPatternError(PatternError):
    """A pattern costs too much on a value; `hint` names the option that raises the limit."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint

    @classmethod
    def of(cls, spent: OutOfBudgetError) -> SlowPatternError:
        """Return the error of a budget that is spent."""
        return cls(spent.message("took more than"), spent.hint)


def located(error: PatternError, at: QueryError) -> QueryError:
    """Return the error of a query for one of a pattern: `at` has the place; where a limit was reached, it is one."""
    return QueryLimitError.of(at, error.hint) if isinstance(error, SlowPatternError) else at


def compiled(expression: str) -> Any:
    """Return a compiled expression, or None if RE2 does not take it: it is not valid, or too large."""
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(expression, options)
    except re2.error:
        return None


def full_match(expression: str) -> Test:
    """Return the test whether a whole string matches an expression of RE2.

    Raises:
        PatternError: RE2 does not take the expression.
        QueryLimitError: from the test: the time for expressions is spent.
    """
    pattern = compiled(expression)
    if pattern is None:
        raise PatternError("the expression is too large")
    matches = pattern.fullmatch
    long, size = unmeasured_length(pattern.programsize), pattern.programsize

    def measured(text: str) -> bool:
        try:
            clean = text.encode("utf-8", "replace").decode("utf-8")
            return budget().linear(matches, clean, length=len(text), size=size) is not None
        except OutOfBudgetError as spent:
            raise QueryLimitError(spent.message("took more than"), None, spent.hint) from None

    def test(text: str) -> bool:
        if len(text) > long:
            return measured(text)
        try:
            return matches(text) is not None
        except UnicodeEncodeError:  # half a surrogate pair; the product stores it as the replacement character
            return matches(text.encode("utf-8", "replace").decode("utf-8")) is not None

    return test


def literal(text: str) -> str:
    """Return an expression of RE2 for exactly these characters."""
    return "".join(char if char.isalnum() and char.isascii() else f"\\x{{{ord(char):x}}}" for char in text)
