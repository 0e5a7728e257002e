"""How much a query, or a correlation, may make: rows out of nothing, and values larger than those of the events.

    command, function ──made_rows, made, check_size──> the budget of the run ──spent──> QueryLimitError

What the events themselves hold is not counted. A product stops a query somewhere as well; where it documents the
number, the engine applies that first.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from converter.errors import LimitError, QueryError, QueryLimitError, RuleError, RuleLimitError
from converter.readers.limits import current, raises

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from converter.errors import SourceError

_Value = TypeVar("_Value")
Fail: TypeAlias = "Callable[[str], SourceError]"

# Of a smaller value it does not matter how many there are: rows are limited.
_LARGE = 64 * 1024
SIZE_IN_LIST = 16
"""Bytes that a value takes in a list, beside its characters."""


class _Budget:
    """What the query may still make."""

    __slots__ = ("large", "rows")

    def __init__(self) -> None:
        self.rows = current().rows
        self.large = current().query_bytes


_CURRENT: ContextVar[_Budget | None] = ContextVar("query_budget", default=None)


@contextmanager
def making() -> Iterator[None]:
    """Count what is made in the block together, unless a block around it does."""
    if _CURRENT.get() is not None:
        yield
        return
    token = _CURRENT.set(_Budget())
    try:
        yield
    finally:
        _CURRENT.reset(token)


def made_rows(count: int, fail: Fail = QueryError) -> None:
    """Count rows that a command makes, or groups that it puts a row into.

    Args:
        count: how many there are more than there were.
        fail: makes the error of a message, at the place of the command.

    Raises:
        QueryLimitError: they are too many.
    """
    budget = _CURRENT.get() or _Budget()
    budget.rows -= count
    if budget.rows < 0:
        raise _reached("rows", f"the query makes more than {current().rows:,} rows", fail)


def check_size(size: float, fail: Fail = QueryError) -> None:
    """Raise QueryLimitError if a value of so many characters is too large to be made."""
    most = current().value_bytes
    if size > most:
        raise _reached("value-bytes", f"the query makes a value of more than {most:,} bytes", fail)


def made(value: _Value, fail: Fail = QueryError) -> _Value:
    """Return a value that a function has made: a string, a list of values, or one that takes no space.

    Raises:
        QueryLimitError: it is too large, or large values are too many.
    """
    if isinstance(value, str):
        size = len(value)
    elif isinstance(value, list):
        size = size_of(value)
    else:
        return value
    if size > _LARGE:
        check_size(size, fail)
        budget = _CURRENT.get() or _Budget()
        budget.large -= size
        if budget.large < 0:
            most = current().query_bytes
            raise _reached("query-bytes", f"the query makes large values of more than {most:,} bytes together", fail)
    return value


def size_of(values: Sequence[Any]) -> int:
    """Return about how many bytes a list takes."""
    return SIZE_IN_LIST * len(values) + sum(len(value) for value in values if isinstance(value, str))


def combinations(choices: Sequence[Sequence[Any]], fail: Fail = QueryError) -> Iterable[tuple[Any, ...]]:
    """Return each combination of one item of each sequence.

    Raises:
        QueryLimitError: they are too many.
    """
    count = prod(map(len, choices))
    if count > 1:
        made_rows(count - 1, fail)
    return product(*choices)


def _reached(name: str, message: str, fail: Fail) -> LimitError:
    error = fail(message)
    kind = RuleLimitError if isinstance(error, RuleError) else QueryLimitError
    return kind(error.message, error.place, raises(name))
