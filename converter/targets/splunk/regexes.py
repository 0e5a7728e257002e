"""Regular expressions of queries, which come from strangers: linear time where that is possible, a time limit else.

    pattern ──RE2──> search function
         └──not RE2 (look-around, back-references, ...)──> `regex` with a time limit

Splunk has PCRE. What RE2 reads means the same there, but for `$`, which in PCRE also stands before a final newline.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

import re2

if TYPE_CHECKING:
    from collections.abc import Callable

    from converter.errors import QueryError

Search: TypeAlias = "Callable[[str], Any]"
Fail: TypeAlias = "Callable[[str], QueryError]"

_SECONDS = 1.0
_REPLACEMENT = "\ufffd"


def searcher(pattern: str, fail: Fail) -> Search:
    """Return a function that searches a text for `pattern` and returns the match or None.

    Args:
        pattern: the expression.
        fail: makes the error of a message, at the place of the expression.

    Raises:
        QueryError: the pattern is no regular expression; when searching: it takes too long.
    """
    found = _re2(pattern)
    return found if found is not None else _backtracking(pattern, fail)


def finder(pattern: str, fail: Fail) -> Callable[[str], list[Any]]:
    """Return a function that returns every match of `pattern` in a text, from left to right.

    Raises:
        QueryError: as `searcher`.
    """
    try:
        compiled = re2.compile(pattern, _options())
    except re2.error:
        slow = _compile_slow(pattern, fail)

        def find_slowly(text: str) -> list[Any]:
            try:
                return list(slow.finditer(text, timeout=_SECONDS))
            except TimeoutError:
                raise _too_slow(fail) from None

        return find_slowly
    return lambda text: list(compiled.finditer(_clean(text)))


@lru_cache(maxsize=512)
def _re2(pattern: str) -> Search | None:
    try:
        search = re2.compile(pattern, _options()).search
    except (re2.error, UnicodeEncodeError):
        return None

    def run(text: str) -> Any:
        try:
            return search(text)
        except UnicodeEncodeError:
            return search(_clean(text))

    return run


def _options() -> Any:
    options = re2.Options()
    options.log_errors = False
    return options


def _clean(text: str) -> str:
    """Replace what UTF-8 cannot hold: half of a surrogate pair, from a broken escape of a log."""
    return text.encode("utf-8", "replace").decode("utf-8") if not text.isascii() else text


def _backtracking(pattern: str, fail: Fail) -> Search:
    compiled = _compile_slow(pattern, fail)

    def run(text: str) -> Any:
        try:
            return compiled.search(text, timeout=_SECONDS)
        except TimeoutError:
            raise _too_slow(fail) from None

    return run


def _compile_slow(pattern: str, fail: Fail) -> Any:
    import regex  # noqa: PLC0415 -- seldom needed, and slow to load

    try:
        return regex.compile(pattern, regex.ASCII)
    except (regex.error, RecursionError, OverflowError) as problem:
        raise fail(f"not a regular expression: {problem}") from None


def _too_slow(fail: Fail) -> QueryError:
    return fail(f"the regular expression took longer than {_SECONDS:g}s on one value")
