r"""Regular expressions of queries, which come from strangers: linear time where that is possible, a time budget else.

    pattern ──pcre.py──> translation ──RE2──> search function
                             └──not RE2 (look-around, back-references, ...)──> `regex`, on the time of the query

Splunk has PCRE2. A text that ends in a newline is left to `regex` if the pattern minds: `$` also stands before it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

import re2

from converter.errors import QueryLimitError
from converter.readers.re2_loops import repeats_nothing
from converter.readers.regex_budget import (
    OutOfBudgetError,
    TooLargeError,
    budget,
    compile_backtracking,
    unmeasured_length,
)
from converter.targets.splunk.engine.language.pcre import Translation, UnknownSyntaxError, translate

if TYPE_CHECKING:
    from collections.abc import Callable

    from converter.errors import QueryError

Search: TypeAlias = "Callable[[str], Any]"
Fail: TypeAlias = "Callable[[str], QueryError]"


def searcher(pattern: str, fail: Fail) -> Search:
    """Return a function that searches a text for `pattern` and returns the match or None.

    Args:
        pattern: the expression.
        fail: makes the error of a message, at the place of the expression.

    Raises:
        QueryError: the pattern is not a regular expression.
        QueryLimitError: when searching: it takes too long.
    """
    translation = _translated(pattern, fail)
    compiled = _re2(translation)

    def slow() -> Search:
        return _timed(_compile_slow(translation, fail).search, fail)

    if compiled is None:
        return slow()
    search = compiled.search
    long, size = unmeasured_length(compiled.programsize), compiled.programsize

    def run(text: str) -> Any:
        if len(text) > long:
            return _measured(search, text, size, fail)
        return search(text if text.isascii() else clean(text))

    return _minding_newline(run, slow) if translation.minds_end else run


def finder(pattern: str, fail: Fail) -> Callable[[str], list[Any]]:
    """Return a function that returns every match of `pattern` in a text, from left to right.

    Raises:
        QueryError: as `searcher`.
    """
    translation = _translated(pattern, fail)

    def slow() -> Callable[[str], list[Any]]:
        find = _compile_slow(translation, fail).finditer
        return _timed(lambda text, timeout: list(find(text, timeout=timeout)), fail)

    compiled = _re2(translation)
    if compiled is None:
        return slow()
    find = compiled.finditer
    long, size = unmeasured_length(compiled.programsize), compiled.programsize

    def run(text: str) -> list[Any]:
        if len(text) > long:
            return list(_measured(lambda value: list(find(value)), text, size, fail))
        return list(find(clean(text)))

    return _minding_newline(run, slow) if translation.minds_end else run


def group_names(pattern: str, fail: Fail) -> list[str]:
    """Return the names of the groups of a pattern.

    Raises:
        QueryError: the pattern is not a regular expression.
    """
    translation = _translated(pattern, fail)
    compiled = _re2(translation)
    return list((_compile_slow(translation, fail) if compiled is None else compiled).groupindex)


def _minding_newline(run: Search, slow: Callable[[], Search]) -> Search:
    """Leave texts that end in a newline to the slow search, which is compiled when the first of them comes."""
    slow_search: Search | None = None

    def choose(text: str) -> Any:
        nonlocal slow_search
        if not text.endswith("\n"):
            return run(text)
        if slow_search is None:
            slow_search = slow()
        return slow_search(text)

    return choose


@lru_cache(maxsize=512)
def _re2(translation: Translation) -> Any:
    """Return the compiled pattern, or None if RE2 cannot say it, or finds other ends of a match than PCRE2."""
    if translation.fast is None or repeats_nothing(translation.fast):
        return None
    try:
        return re2.compile(translation.fast, _options())
    except (re2.error, UnicodeEncodeError):
        return None


def _options() -> Any:
    options = re2.Options()
    options.log_errors = False
    return options


def clean(text: str) -> str:
    """Replace what UTF-8 cannot hold: half of a surrogate pair, from a broken escape of a log."""
    return text.encode("utf-8", "replace").decode("utf-8") if not text.isascii() else text


def _timed(search: Callable[..., Any], fail: Fail) -> Search:
    def run(text: str) -> Any:
        try:
            return budget().slow(search, text, length=len(text))
        except OutOfBudgetError as spent:
            raise _limit(spent, fail) from None

    return run


def _measured(search: Search, text: str, size: int, fail: Fail) -> Any:
    """Search a long text by RE2, on the time of the query."""
    try:
        return budget().linear(search, clean(text), length=len(text), size=size)
    except OutOfBudgetError as spent:
        raise _limit(spent, fail) from None


def _limit(spent: OutOfBudgetError, fail: Fail) -> QueryLimitError:
    return QueryLimitError.of(fail(spent.message("took longer than")), spent.hint)


def _translated(pattern: str, fail: Fail) -> Translation:
    try:
        return translate(pattern)
    except UnknownSyntaxError as problem:
        raise fail(f"not a regular expression that this engine knows: {problem}") from None


def _compile_slow(translation: Translation, fail: Fail) -> Any:
    import regex  # noqa: PLC0415 -- seldom needed, and slow to load

    try:
        return compile_backtracking(translation.slow, regex.V1)
    except OutOfBudgetError as spent:
        raise _limit(spent, fail) from None
    except (TooLargeError, regex.error, RecursionError, OverflowError) as problem:
        raise fail(f"not a regular expression: {problem}") from None


def wildcard_groups(pattern: str, *, cased: bool = True) -> Callable[[str], tuple[str, ...] | None]:
    """Return a function that tells what each `*` of a pattern stands for in a whole text, or None; in linear time."""
    flags = "(?s)" if cased else "(?si)"
    shape = re2.compile(flags + "(.*)".join(re2.escape(clean(part)) for part in pattern.split("*")))

    def run(text: str) -> tuple[str, ...] | None:
        match = shape.fullmatch(clean(text))
        return None if match is None else match.groups()

    return run
