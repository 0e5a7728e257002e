"""Searches that stand inside a command: what may stand before them, and their results over the events of the run."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any

from converter.targets.splunk.engine.language.run_context import current

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from converter.errors import QueryError
    from converter.targets.splunk.engine.commands.base import Command, Stage
    from converter.targets.splunk.engine.language.lex import Scanner
    from converter.targets.splunk.engine.language.values import Row

_DATASET = re.compile(r"(?:datamodel|lookup|savedsearch)\s*:", re.IGNORECASE)


def at_dataset(scanner: Scanner) -> bool:
    """Tell whether a data set stands next, by its kind and name."""
    scanner.skip()
    return _DATASET.match(scanner.text, scanner.offset) is not None


def expected_search(scanner: Scanner, command: Command[Any]) -> QueryError:
    """Return an error for something else that stands where a search in square brackets must."""
    return scanner.error(f"expected a search in square brackets after {command.name}, found {scanner.describe()}")


def limited(rows: Iterable[Row], limit: int | None, what: str, setting: str) -> Iterator[Row]:
    """Yield the rows of a search up to a limit, and tell if there were more."""
    if limit is None:
        yield from rows
        return
    iterator = iter(rows)
    yield from islice(iterator, limit)
    if next(iterator, None) is not None:
        current().note(f"{what} gave more than {limit} results, and only the first {limit} count ({setting})")


def inner_results(stage: Stage, limit: int | None, what: str, setting: str = "maxout") -> Iterator[Row]:
    """Return the results of a search over the events of the run."""
    rows = stage(current().events())
    if limit is not None:
        return islice(rows, limit or None)
    return limited(rows, current().limits.append, what, setting)
