"""The commands that compute statistics: `stats`, `eventstats`, `streamstats`.

    rows ──by──> groups of accumulators ──> one row a group (stats), or fields added to every row

A statistic of `a*` becomes one for each such field of the rows before that: all rows are read first. Rows without one
of the `by` fields are dropped by `stats` and left as they are by the other two.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from converter.targets.splunk.engine.functions.evaluate import compile_condition, compile_expression
from converter.targets.splunk.engine.language.expression_code import error_at
from converter.targets.splunk.engine.language.run_context import current
from converter.targets.splunk.engine.language.values import number_of, put, text_of, values_of
from converter.targets.splunk.engine.statistics.accumulators import TIMED, maker
from converter.targets.splunk.engine.statistics.numbers import CounterResetError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from converter.targets.splunk.engine.language.syntax import Aggregate, EventStats, Span, Stats, StreamStats
    from converter.targets.splunk.engine.language.values import Row
    from converter.targets.splunk.engine.statistics.accumulators import Accumulator

Key: TypeAlias = tuple[str, ...]
Stage: TypeAlias = "Callable[[Iterable[Row]], Iterable[Row]]"

_NO_ARGUMENT = (True,)


@dataclass(frozen=True, slots=True)
class Slot:
    """One statistic of a command: its name, what makes its accumulator, what it reads of a row."""

    name: str
    make: Callable[[], Accumulator]
    read: Callable[[Row], Sequence[Any]]
    timed: bool
    span: Span


def slot_of(aggregate: Aggregate, text: str) -> Slot:
    """Return what a statistic is made and read by."""
    return Slot(
        aggregate.name,
        maker(aggregate.function, aggregate.percent),
        _reader(aggregate, text),
        aggregate.function in TIMED,
        aggregate.span,
    )


def _reader(aggregate: Aggregate, text: str) -> Callable[[Row], Sequence[Any]]:
    argument = aggregate.argument
    if argument is None:
        return lambda _: _NO_ARGUMENT
    if isinstance(argument, str):
        if aggregate.function in ("first", "last", "earliest", "latest"):
            return _single_reader(argument, aggregate, text)
        return lambda row: values_of(row.get(argument))
    compiled = compile_expression(argument, text)
    run = compiled.run
    if compiled.kind == "bool":
        if aggregate.function != "count":
            raise error_at(text, aggregate.span, f"{aggregate.function}() of a condition", "use if(condition, 1, 0)")
        return lambda row: _NO_ARGUMENT if run(row) else ()
    return lambda row: values_of(run(row))


def _single_reader(field: str, aggregate: Aggregate, text: str) -> Callable[[Row], Sequence[Any]]:
    """Read a field of which one value is wanted: which one of a multivalue field, no source says."""

    def read(row: Row) -> Sequence[Any]:
        value = row.get(field)
        if type(value) is list:
            raise error_at(text, aggregate.span, f"{aggregate.function}() of the multivalue field {field!r}")
        return () if value is None else (value,)

    return read


def time_of(row: Row, slots: Sequence[Slot], text: str) -> float:
    """Return the time of a row; rows without one are fine where no statistic asks for it."""
    time = number_of(row.get("_time"))
    if time is None:
        for slot in slots:
            if slot.timed:
                raise error_at(text, slot.span, f"{slot.name} needs _time, which a row does not have")
        return 0
    return time


class Group:
    """The accumulators of one group."""

    __slots__ = ("accumulators",)

    def __init__(self, slots: Sequence[Slot]) -> None:
        self.accumulators = [slot.make() for slot in slots]

    def push(self, values: Sequence[Sequence[Any]], time: float) -> None:
        """Take in what each statistic read of a row."""
        for accumulator, part in zip(self.accumulators, values, strict=True):
            accumulator.push(part, time)

    def drop(self, values: Sequence[Sequence[Any]], time: float) -> None:
        """Forget the oldest row."""
        for accumulator, part in zip(self.accumulators, values, strict=True):
            accumulator.drop(part, time)


Statistical = TypeVar("Statistical", "Stats", "EventStats", "StreamStats")


def _expanding(command: Statistical, text: str, compile_plain: Callable[[Statistical, str], Stage]) -> Stage:
    """Return the stage of a command, of which the wildcards stand for the fields of the rows that come."""
    if not any(_is_wild(aggregate) for aggregate in command.aggregates):
        return compile_plain(command, text)

    def run(rows: Iterable[Row]) -> Iterable[Row]:
        kept = list(rows)
        names = sorted({name for row in kept for name in row if not name.startswith("_")} - set(command.by))
        aggregates = [one for aggregate in command.aggregates for one in _expand(aggregate, names)]
        seen: set[str] = set()
        for aggregate in aggregates:
            if aggregate.name in seen:
                raise error_at(text, aggregate.span, f"two statistics with the name {aggregate.name!r}")
            seen.add(aggregate.name)
        return compile_plain(replace(command, aggregates=tuple(aggregates)), text)(kept)

    return run


def _is_wild(aggregate: Aggregate) -> bool:
    return isinstance(aggregate.argument, str) and "*" in aggregate.argument


def _expand(aggregate: Aggregate, names: Sequence[str]) -> Iterator[Aggregate]:
    """Yield a statistic for each field that its wildcard stands for; one without a wildcard as it is."""
    if not isinstance(aggregate.argument, str) or "*" not in aggregate.argument:
        yield aggregate
        return
    before, _, after = aggregate.argument.partition("*")
    for name in names:
        if len(name) >= len(before) + len(after) and name.startswith(before) and name.endswith(after):
            middle = name[len(before) : len(name) - len(after)]
            yield replace(aggregate, argument=name, name=aggregate.name.replace("*", middle))


def result_of(slot: Slot, accumulator: Accumulator, text: str) -> Any:
    """Return a statistic, or None; a counter that falls is an error."""
    try:
        return accumulator.result()
    except CounterResetError:
        raise error_at(
            text, slot.span, "rate() of a counter that falls", "how Splunk makes up for a reset is not documented"
        ) from None


def compile_stats(command: Stats, text: str) -> Stage:
    """Return the stage of `stats`: groups sorted by key; a multivalue `by` field puts a row in the group of each value.

    Raises:
        QueryError: an expression of a statistic does not compile.
    """
    return _expanding(command, text, _plain_stats)


def _plain_stats(command: Stats, text: str) -> Stage:
    slots = [slot_of(aggregate, text) for aggregate in command.aggregates]
    by = command.by

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        groups: dict[Key, tuple[Sequence[Any], Group]] = {}
        if not by:
            groups[()] = ((), Group(slots))
        for row in rows:
            keys = [values_of(row.get(name)) for name in by]
            if not all(keys):
                continue
            values = [slot.read(row) for slot in slots]
            time = time_of(row, slots, text)
            if command.distinct_keys:
                keys = [_distinct(values) for values in keys]
            for shown in product(*keys):
                key = tuple(map(text_of, shown))
                found = groups.get(key)
                if found is None:
                    found = groups[key] = (shown, Group(slots))
                found[1].push(values, time)
        for _, (first, group) in sorted(groups.items(), key=lambda item: item[0]):
            row = dict(zip(by, first, strict=True))
            for slot, accumulator in zip(slots, group.accumulators, strict=True):
                if (result := result_of(slot, accumulator, text)) is not None:
                    put(row, slot.name, result)
            if row:
                yield row

    return run


def _distinct(values: Sequence[Any]) -> list[Any]:
    return list({text_of(value): value for value in reversed(values)}.values())


def _single_key(row: Row, by: Sequence[str], command: str, span: Span, text: str) -> Key | None:
    """Return the group of a row, or None if it is in none."""
    key: list[str] = []
    for name in by:
        value = row.get(name)
        if value is None:
            return None
        if type(value) is list:
            raise error_at(text, span, f"{command} by the multivalue field {name!r}", "use mvexpand first")
        key.append(value if type(value) is str else text_of(value))
    return tuple(key)


def compile_eventstats(command: EventStats, text: str) -> Stage:
    """Return the stage of `eventstats`.

    Raises:
        QueryError: an expression of a statistic does not compile.
    """
    return _expanding(command, text, _plain_eventstats)


def _plain_eventstats(command: EventStats, text: str) -> Stage:
    slots = [slot_of(aggregate, text) for aggregate in command.aggregates]

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        groups: dict[Key, Group] = {}
        kept: list[tuple[Row, Key | None]] = []
        for row in rows:
            key = _single_key(row, command.by, "eventstats", command.span, text)
            kept.append((row, key))
            if key is None:
                continue
            group = groups.get(key)
            if group is None:
                group = groups[key] = Group(slots)
            group.push([slot.read(row) for slot in slots], time_of(row, slots, text))
        results = {key: [accumulator.result() for accumulator in group.accumulators] for key, group in groups.items()}
        for row, key in kept:
            if key is not None:
                for slot, result in zip(slots, results[key], strict=True):
                    put(row, slot.name, result)
            yield row

    return run


@dataclass(frozen=True, slots=True)
class _Entry:
    """A row that is in a window: its group, what it gave to the accumulators, its time."""

    group: Group
    values: Sequence[Sequence[Any]]
    time: float


def compile_streamstats(command: StreamStats, text: str) -> Stage:
    """Return the stage of `streamstats`.

    Raises:
        QueryError: an expression of a statistic does not compile; when run: `time_window` on rows out of order.
    """
    return _expanding(command, text, _plain_streamstats)


def _plain_streamstats(command: StreamStats, text: str) -> Stage:
    slots = [slot_of(aggregate, text) for aggregate in command.aggregates]
    length = command.time_window
    before, after = (
        None if condition is None else compile_condition(condition, text, command.span, "a reset of streamstats")
        for condition in (command.reset_before, command.reset_after)
    )

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        limit = _window_limit(command, text)
        descending = False
        if length is not None:
            rows = list(rows)
            descending = _descends(rows, command.span, text)
        groups: dict[Key, Group] = {}
        # One window over all groups, or one for each.
        windows: dict[Key, deque[_Entry]] = {}
        last: Key | None = None
        for row in rows:
            key = _single_key(row, command.by, "streamstats", command.span, text)
            if key is None:
                yield row
                continue
            if (command.reset_on_change and last not in (None, key)) or (before is not None and before(row)):
                groups.clear()
                windows.clear()
            last = key
            group = groups.get(key)
            if group is None:
                group = groups[key] = Group(slots)
            entry = _Entry(group, [slot.read(row) for slot in slots], time_of(row, slots, text))
            window = windows.setdefault(() if command.shared else key, deque()) if limit or length is not None else None
            if command.current:
                _push(entry, window)
            if window is not None:
                if length is not None:
                    _expire(window, entry.time, length, descending=descending)
                if limit and len(window) > limit:
                    if not command.window:
                        current().note(f"streamstats kept {limit} rows of a time_window (max_stream_window)")
                    _shrink(window, limit)
            results = [accumulator.result() for accumulator in group.accumulators]
            if not command.current:
                _push(entry, window)
            for slot, result in zip(slots, results, strict=True):
                put(row, slot.name, result)
            if after is not None and after(row):
                groups.clear()
                windows.clear()
            yield row

    return run


def _window_limit(command: StreamStats, text: str) -> int:
    """Return how many rows a window holds; 0 is all of them."""
    most = current().limits.streamstats
    if most is not None and command.window > most:
        raise error_at(text, command.span, f"a window of more than {most} rows", "max_stream_window of limits.conf")
    return command.window or (0 if command.time_window is None or most is None else most)


def _push(entry: _Entry, window: deque[_Entry] | None) -> None:
    entry.group.push(entry.values, entry.time)
    if window is not None:
        window.append(entry)


def _shrink(window: deque[_Entry], limit: int) -> None:
    while len(window) > limit:
        entry = window.popleft()
        entry.group.drop(entry.values, entry.time)


def _expire(window: deque[_Entry], now: float, length: float, *, descending: bool) -> None:
    """Drop what lies the length of the window or further from now: the far edge is open."""
    while window and (window[0].time >= now + length if descending else window[0].time <= now - length):
        entry = window.popleft()
        entry.group.drop(entry.values, entry.time)


def _descends(rows: Sequence[Row], span: Span, text: str) -> bool:
    """Tell whether the rows go from late to early.

    Raises:
        QueryError: they are in no order of time, or one has no time.
    """
    times = [number_of(row.get("_time")) for row in rows]
    known = [time for time in times if time is not None]
    if len(known) == len(times):
        if all(a <= b for a, b in pairwise(known)):
            return False
        if all(a >= b for a, b in pairwise(known)):
            return True
    raise error_at(
        text, span, "time_window needs rows in order of time, and these are not", "put | sort 0 _time before it"
    )
