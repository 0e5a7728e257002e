"""The commands that put the results of several searches together.

    rows, other results ──append, union──> one after the other
                        ──join───────────> side by side, where fields are equal
                        ──appendcols─────> side by side, by position
                        ──set────────────> each once

The searches read the events of the run (`current().events`), whatever became of them in the rows so far; only
`appendpipe` works on the rows. Each is given as its stage, compiled.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

from converter.targets.splunk.engine.deferred import limited
from converter.targets.splunk.engine.language.expression_code import error_at
from converter.targets.splunk.engine.language.run_context import current
from converter.targets.splunk.engine.language.values import text_of, values_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from converter.targets.splunk.engine.language.syntax import AppendCols, Join, SetOperation
    from converter.targets.splunk.engine.language.values import Row

Stage: TypeAlias = "Callable[[Iterable[Row]], Iterable[Row]]"

_OWN = "_id"


def _results(stage: Stage, limit: int | None, what: str, setting: str = "maxout") -> Iterator[Row]:
    """Return the results of a search over the events of the run."""
    rows = stage(current().events())
    if limit is not None:
        return islice(rows, limit or None)
    return limited(rows, current().limits.append, what, setting)


def append(stages: Sequence[Stage], limit: int | None, what: str, *, first: bool = False) -> Stage:
    """Return the stage that yields the rows, and then the results of each search.

    Args:
        stages: the searches.
        limit: results of each; None is the limit of the run, 0 is none.
        what: the name of the command, for notes.
        first: the command begins the search, so there are no rows.
    """

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        if not first:
            yield from rows
        for stage in stages:
            yield from _results(stage, limit, f"a search of {what}")

    return run


def appendpipe(stage: Stage) -> Stage:
    """Return the stage that yields the rows, and then what commands make of them."""

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        kept = list(rows)
        copies = [dict(row) for row in kept]
        yield from kept
        yield from stage(copies)

    return run


def appendcols(command: AppendCols, stage: Stage, text: str) -> Stage:
    """Return the stage that gives the Nth row the fields of the Nth result, internal ones left out.

    Raises:
        QueryError: when run: there are more results than rows.
    """

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        results = iter(list(_results(stage, command.limit, "the search of appendcols")))
        for row in rows:
            for name, value in next(results, {}).items():
                if not name.startswith("_") and (command.override or row.get(name) is None):
                    row[name] = value
            yield row
        if next(results, None) is not None:
            raise error_at(
                text, command.span, "appendcols whose search has more results than there are rows",
                "what becomes of them is not documented",
            )  # fmt: skip

    return run


def set_operation(command: SetOperation, left: Stage, right: Stage) -> Stage:
    """Return the stage of `set`. Rows are equal if all of their fields are."""

    def run(_: Iterable[Row]) -> Iterator[Row]:
        ours, theirs = (
            {_identity(row): row for row in _results(stage, None, "a search of set", "maxresultrows of [set]")}
            for stage in (left, right)
        )
        for key, row in ours.items():
            if command.operation == "union" or (key in theirs) == (command.operation == "intersect"):
                yield row
        if command.operation != "intersect":
            yield from (row for key, row in theirs.items() if key not in ours)

    return run


def _identity(row: Row) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple(sorted((name, tuple(map(text_of, values_of(value)))) for name, value in row.items() if name != _OWN))


def join(command: Join, stage: Stage, text: str) -> Stage:
    """Return the stage of `join`.

    Raises:
        QueryError: no field to join by, or usetime; when run: a field with several values.
    """
    if not command.fields:
        raise error_at(
            text, command.span, "join without fields, which joins by all that both sides have, is not supported",
            "name the fields",
        )  # fmt: skip
    if command.by_time:
        raise error_at(text, command.span, "the option usetime of join is not supported")
    limit = command.matches or None

    def key_of(row: Row) -> tuple[str, ...] | None:
        key: list[str] = []
        for name in command.fields:
            values = values_of(row.get(name))
            if len(values) > 1:
                raise error_at(
                    text, command.span, f"join by the multivalue field {name!r} is not supported", "use mvexpand first"
                )
            if not values:
                return None
            key.append(text_of(values[0]))
        return tuple(key)

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        index: dict[tuple[str, ...], list[Row]] = {}
        for result in _results(stage, None, "the search of join", "subsearch_maxout of [join]"):
            if (key := key_of(result)) is not None:
                index.setdefault(key, []).append(result)
        for row in rows:
            key = key_of(row)
            found = index.get(key, ())[:limit] if key is not None else ()
            for result in found:
                yield _joined(row, result, overwrite=command.overwrite)
            if not found and command.keep_unmatched:
                yield row

    return run


def _joined(row: Row, result: Row, *, overwrite: bool) -> Row:
    joined = dict(row)
    for name, value in result.items():
        if value is not None and name != _OWN and (overwrite or joined.get(name) is None):
            joined[name] = value
    return joined
