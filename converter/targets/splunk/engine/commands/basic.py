"""The commands that change, keep or order rows, compiled to stages.

    command ──> rows -> rows

A stage may change the rows that it is given: they are the engine's own.
"""

from __future__ import annotations

import ipaddress
import math
from collections import Counter
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

from converter.targets.splunk.engine.functions.evaluate import compile_condition, compile_expression
from converter.targets.splunk.engine.language.expression_code import error_at
from converter.targets.splunk.engine.language.regexes import finder, group_names, searcher
from converter.targets.splunk.engine.language.run_context import current
from converter.targets.splunk.engine.language.search_parser import pattern_of
from converter.targets.splunk.engine.language.search_predicate import wildcard
from converter.targets.splunk.engine.language.syntax import Sort
from converter.targets.splunk.engine.language.time_spans import seconds_of
from converter.targets.splunk.engine.language.values import number_of, put, text_of, values_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from converter.errors import QueryError
    from converter.targets.splunk.engine.language.syntax import (
        Bin,
        Dedup,
        Eval,
        FillNull,
        HeadWhile,
        MakeMv,
        MvExpand,
        Regex,
        Rename,
        Rex,
        SortKey,
        Span,
        TimeSpan,
        Where,
    )
    from converter.targets.splunk.engine.language.values import Row

Stage: TypeAlias = "Callable[[Iterable[Row]], Iterable[Row]]"

_MAX_GROUP_NAME = 32


def where(command: Where, text: str) -> Stage:
    """Keep the rows for which the condition is true; null is not."""
    test = compile_condition(command.expression, text, command.span, "where")
    return lambda rows: (row for row in rows if test(row))


def evaluate(command: Eval, text: str) -> Stage:
    """Set fields; a null removes the field.

    Raises:
        QueryError: an assignment gives a condition, which no field can hold.
    """
    assignments = []
    for assignment in command.assignments:
        if "{" in assignment.name or "}" in assignment.name:
            raise error_at(text, assignment.span, f"a field name that is made from values: {assignment.name!r}")
        compiled = compile_expression(assignment.expression, text)
        if compiled.kind == "bool":
            raise error_at(
                text,
                assignment.span,
                f"the field {assignment.name!r} cannot hold a condition",
                'use if(condition, "true", "false")',
            )
        assignments.append((assignment.name, compiled.run))

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            for name, get in assignments:
                put(row, name, get(row))
            yield row

    return run


def bins(command: Bin) -> Stage:
    """Round a field down: `_time` to the start of its bucket, another number to a range."""
    name, target, size = command.field, command.target, command.size
    start = numeric_range(size) if isinstance(size, int) else bucket(size)

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            values = [
                value if (number := number_of(value)) is None else start(number) for value in values_of(row.get(name))
            ]
            if values:
                put(row, target, values)
            yield row

    return run


def numeric_range(size: int) -> Callable[[float], str]:
    """Return what gives the range that a number is in, as text."""

    def run(number: float) -> str:
        low = math.floor(number / size) * size
        return f"{low}-{low + size}"

    return run


def bucket(span: TimeSpan) -> Callable[[float], int | float]:
    """Return what gives the start of the bucket that a time is in."""
    seconds = seconds_of(span)
    if seconds is None:
        return lambda time: _calendar_start(time, span.unit)
    if seconds < 1:
        per_second = round(1 / seconds)
        # Whole parts of a second: division by a fraction would round wrongly.
        return lambda time: (
            start // per_second
            if (start := math.floor(round(time * per_second, 6))) % per_second == 0
            else start / per_second
        )
    whole = int(seconds)
    return lambda time: math.floor(time / whole) * whole if type(time) is float else int(time) // whole * whole


def _calendar_start(time: float, unit: str) -> int:
    try:
        moment = datetime.fromtimestamp(time, UTC)
    except (OverflowError, ValueError, OSError):
        # A time beyond the calendar is in no month.
        return int(time)
    month = {"mon": moment.month, "q": moment.month - (moment.month - 1) % 3, "y": 1}[unit]
    return int(datetime(moment.year, month, 1, tzinfo=UTC).timestamp())


def sort(command: Sort, text: str) -> Stage:
    """Sort by several fields; rows without a field come last; equal rows keep their order."""

    def run(rows: Iterable[Row]) -> list[Row]:
        ordered = list(rows)
        for key in reversed(command.keys):
            ordered = _sorted(ordered, key, text)
        if command.flipped:
            ordered.reverse()
        limit = command.limit
        if limit is None:
            limit = current().limits.sort or 0
            if limit and len(ordered) > limit:
                current().note(f"sort kept {limit} of {len(ordered)} rows; sort 0 keeps all")
        return ordered[:limit] if limit else ordered

    return run


def _sorted(rows: list[Row], key: SortKey, text: str) -> list[Row]:
    present: list[Row] = []
    absent: list[Row] = []
    for row in rows:
        (present if key.field in row else absent).append(row)
    values = [row[key.field] for row in present]
    if any(type(value) is list for value in values):
        raise error_at(text, key.span, f"sort by the multivalue field {key.field!r}", "use mvexpand first")
    keys = _sort_keys(values, key)
    order = sorted(range(len(present)), key=keys.__getitem__, reverse=key.descending)
    return [present[index] for index in order] + absent


def _sort_keys(values: Sequence[Any], key: SortKey) -> list[Any]:
    """Return what the values compare by: numbers if all are, addresses if all are, else texts."""
    if key.kind in ("auto", "num"):
        numbers = [number_of(value) for value in values]
        if None not in numbers:
            return numbers
        if key.kind == "num":
            return [(0, number) if number is not None else (1, 0) for number in numbers]
    texts = [text_of(value) for value in values]
    if key.kind in ("auto", "ip"):
        addresses = [_address(value) for value in texts]
        if None not in addresses:
            return addresses
    return texts


def _address(text: str) -> tuple[int, int] | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return (address.version, int(address))


def head(count: int) -> Stage:
    """Keep the first rows."""
    return lambda rows: islice(rows, count)


def head_while(command: HeadWhile, text: str) -> Stage:
    """Keep the first rows, for as long as a condition holds.

    Raises:
        QueryError: the expression is no condition.
    """
    test = compile_condition(command.condition, text, command.span, "head")

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        for row in islice(rows, command.limit):
            truth = test(row)
            if not (command.null if truth is None else truth):
                if command.keep_last:
                    yield row
                return
            yield row

    return run


def tail(count: int) -> Stage:
    """Keep the last rows, last first."""
    return lambda rows: list(rows)[::-1][:count]


def reverse(rows: Iterable[Row]) -> list[Row]:
    """Turn the order round."""
    return list(rows)[::-1]


def dedup(command: Dedup, text: str) -> Stage:
    """Keep the first rows of each combination of values; or every row, and the fields in the first rows only."""
    order = sort(Sort(0, command.order, flipped=False), text) if command.order else None

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        seen: Counter[tuple[tuple[str, ...], ...]] = Counter()
        for row in rows if order is None else order(rows):
            if any(name not in row for name in command.fields):
                if command.keep_empty or command.keep_events:
                    yield row
                continue
            key = tuple(tuple(map(text_of, values_of(row[name]))) for name in command.fields)
            if command.consecutive and key not in seen:
                seen.clear()
            seen[key] += 1
            if seen[key] <= command.count:
                yield row
            elif command.keep_events:
                yield {name: value for name, value in row.items() if name not in command.fields}

    return run


def matcher(names: Sequence[str]) -> Callable[[str], bool]:
    """Return a test of a field name against names that may hold wildcards."""
    plain = frozenset(name for name in names if "*" not in name)
    patterns = [wildcard(pattern_of(name).parts, cased=True) for name in names if "*" in name]
    if not patterns:
        return plain.__contains__
    return lambda name: name in plain or any(matches(name) for matches in patterns)


def keep_fields(names: Sequence[str]) -> Stage:
    """Keep the fields of a list, and the internal ones, whose names begin with an underscore."""
    wanted = matcher(names)
    return lambda rows: ({name: row[name] for name in row if name[0:1] == "_" or wanted(name)} for row in rows)


def drop_fields(names: Sequence[str]) -> Stage:
    """Drop the fields of a list. `_id` is no field of Splunk: only its own name drops it."""
    unwanted = matcher(names)
    drop_id = "_id" in names

    def kept(name: str) -> bool:
        return not drop_id if name == "_id" else not unwanted(name)

    return lambda rows: ({name: row[name] for name in row if kept(name)} for row in rows)


def table(names: Sequence[str]) -> Stage:
    """Keep the fields of a list, in its order, and `_id`; if no row has any of them there are no rows."""

    def run(rows: Iterable[Row]) -> list[Row]:
        shown: list[Row] = []
        found = False
        for row in rows:
            new: Row = {}
            for name in names:
                if "*" in name:
                    matches = wildcard(pattern_of(name).parts, cased=True)
                    new.update((field, row[field]) for field in row if matches(field) and field[0:1] != "_")
                elif name in row:
                    new[name] = row[name]
            found = found or bool(new)
            if "_id" in row:
                new["_id"] = row["_id"]
            shown.append(new)
        return shown if found else []

    return run


def rename(command: Rename) -> Stage:
    """Rename fields, all at once; a source that is missing removes the target; a wildcard carries its part over."""
    plain = [pair for pair in command.pairs if "*" not in pair[0]]
    patterns = [(source.partition("*"), target.partition("*")) for source, target in command.pairs if "*" in source]

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            pairs = [*plain, *_expanded(row, patterns)] if patterns else plain
            values = [(target, row.pop(source, None)) for source, target in pairs]
            for target, value in values:
                put(row, target, value)
            yield row

    return run


def _expanded(row: Row, patterns: Sequence[tuple[tuple[str, str, str], tuple[str, str, str]]]) -> list[tuple[str, str]]:
    """Return the renames of the fields that match a pattern; the internal fields match none."""
    return [
        (name, before + name[len(first) : len(name) - len(last)] + after)
        for (first, _, last), (before, _, after) in patterns
        for name in row
        if name[0:1] != "_" and len(name) >= len(first) + len(last) and name.startswith(first) and name.endswith(last)
    ]


def _fail(text: str, span: Span) -> Callable[[str], QueryError]:
    return lambda message: error_at(text, span, message)


def regex(command: Regex, text: str) -> Stage:
    """Keep the rows of which a value matches, or, negated, none does."""
    search = searcher(command.pattern, _fail(text, command.span))
    name, negated = command.field, command.negated

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            value = row.get(name)
            if type(value) is str:
                found = search(value) is not None
            else:
                found = any(search(text_of(item)) is not None for item in values_of(value))
            if found is not negated:
                yield row

    return run


def rex(command: Rex, text: str) -> Stage:
    """Set a field for each named group of the matches; rows that do not match stay as they are.

    Raises:
        QueryError: the expression has no named group, or one with a name that PCRE does not allow.
    """
    fail = _fail(text, command.span)
    find = finder(command.pattern, fail)
    groups = group_names(command.pattern, fail)
    if not groups:
        raise error_at(text, command.span, "rex with an expression that names no group", "for example: (?<user>.+)")
    if long := next((name for name in groups if len(name) > _MAX_GROUP_NAME), ""):
        raise error_at(text, command.span, f"the group name {long!r} is longer than {_MAX_GROUP_NAME} characters")
    limit = command.max_match

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            matches = [
                match
                for value in values_of(row.get(command.field))
                for match in (find(text_of(value))[:limit] if limit else find(text_of(value)))
            ]
            for name in groups:
                captured = [group for match in matches if (group := match.group(name)) is not None]
                if captured:
                    put(row, name, captured)
            yield row

    return run


def fillnull(command: FillNull) -> Stage:
    """Give a value to fields that a row lacks; without a list, to every field that any row has."""
    value: Any = command.value
    if command.fields:

        def fill(rows: Iterable[Row]) -> Iterator[Row]:
            for row in rows:
                for name in command.fields:
                    row.setdefault(name, value)
                yield row

        return fill

    def fill_all(rows: Iterable[Row]) -> list[Row]:
        everything = list(rows)
        names = {name: None for row in everything for name in row if name[0:1] != "_"}
        for row in everything:
            for name in names:
                row.setdefault(name, value)
        return everything

    return fill_all


def mvexpand(command: MvExpand) -> Stage:
    """Make a row of each value of a field; a row without the field stays as it is."""
    name, limit = command.field, command.limit

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            value = row.get(name)
            if type(value) is not list:
                yield row
                continue
            for item in value[:limit] if limit else value:
                yield {**row, name: item}

    return run


def makemv(command: MakeMv, text: str) -> Stage:
    """Split the values of a field at a delimiter, or take the first group of each match of an expression.

    Raises:
        QueryError: the expression is none; when run: it has no group.
    """
    name = command.field
    split = _splitter(command, text)

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            parts = [part for value in values_of(row.get(name)) for part in split(text_of(value))]
            if not command.allow_empty:
                parts = [part for part in parts if part]
            if parts:
                put(row, name, parts)
            yield row

    return run


def _splitter(command: MakeMv, text: str) -> Callable[[str], list[str]]:
    if command.tokenizer is None:
        delimiter = command.delimiter
        return lambda value: value.split(delimiter)
    find = finder(command.tokenizer, _fail(text, command.span))

    def run(value: str) -> list[str]:
        try:
            return [match.group(1) or "" for match in find(value)]
        except (IndexError, KeyError):
            raise error_at(
                text, command.span, "a tokenizer without a group", 'for example: tokenizer="([^,]+),?"'
            ) from None

    return run
