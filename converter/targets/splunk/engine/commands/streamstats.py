"""`streamstats`: statistics of the rows so far, or of a window of them.

    rows ──by──> groups, whose oldest rows leave them with the window ──> fields added to every row

Rows without one of the `by` fields are left as they are.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from converter.readers.query_budget import made
from converter.readers.source import NOWHERE
from converter.targets.splunk.engine.commands.aggregates import (
    ALLNUM,
    STATISTICS_AND_BY,
    read_aggregate,
    read_by,
    refuse_allnum,
)
from converter.targets.splunk.engine.commands.base import Command
from converter.targets.splunk.engine.commands.groups import Group, expanding, single_key, slot_of, time_of
from converter.targets.splunk.engine.functions.evaluate import compile_condition
from converter.targets.splunk.engine.language.eval_parser import parse_expression
from converter.targets.splunk.engine.language.run_context import current
from converter.targets.splunk.engine.language.syntax import CommandNode
from converter.targets.splunk.engine.language.time_spans import seconds_of, time_span
from converter.targets.splunk.engine.language.values import number_of, put

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from converter.readers.source import Span
    from converter.targets.splunk.engine.commands.aggregates import Aggregate
    from converter.targets.splunk.engine.commands.base import SearchContext, Stage
    from converter.targets.splunk.engine.commands.groups import Key
    from converter.targets.splunk.engine.language.lex import Scanner
    from converter.targets.splunk.engine.language.syntax import Expression
    from converter.targets.splunk.engine.language.values import Row


@dataclass(frozen=True, slots=True)
class StreamStats(CommandNode):
    """`streamstats`: running statistics over a window of the rows so far; `window` 0 means no limit."""

    aggregates: tuple[Aggregate, ...]
    by: tuple[str, ...]
    window: int
    current: bool
    shared: bool
    time_window: float | None
    reset_on_change: bool = False
    reset_before: Expression | None = None
    reset_after: Expression | None = None
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


def _read_streamstats(scanner: Scanner, span: Span) -> StreamStats:
    """Read the arguments of `streamstats`; the options may stand before or after the statistics.

    Raises:
        QueryError: they are missing, or hold what this engine does not know.
    """
    window, current, shared = 0, True, True
    time_window: float | None = None
    on_change = False
    resets: dict[str, Expression] = {}
    aggregates: list[Aggregate] = []
    by: tuple[str, ...] = ()
    while not scanner.at_command_end():
        start = scanner.offset
        match STREAMSTATS.option(scanner):
            case "":
                if scanner.accept_word("by"):
                    by = read_by(scanner)
                    continue
                read_aggregate(scanner, "streamstats", aggregates)
            case "window":
                window = scanner.integer("a number of rows")
            case "current":
                current = scanner.boolean("current")
            case "global":
                shared = scanner.boolean("global")
            case "time_window":
                time_window = seconds_of(time_span(scanner))
                if time_window is None or time_window <= 0:
                    raise scanner.error("a time_window of no fixed positive length", scanner.span(start))
            case "reset_on_change":
                on_change = scanner.boolean("reset_on_change")
            case "reset_before" | "reset_after" as option:
                scanner.expect("(", f"after {option}=")
                resets[option] = parse_expression(scanner)
                scanner.expect(")", f"to close {option}")
            case "allnum":
                refuse_allnum(scanner, start)
    if not aggregates:
        raise scanner.error("streamstats without a statistic", span)
    before, after = resets.get("reset_before"), resets.get("reset_after")
    return StreamStats(tuple(aggregates), by, window, current, shared, time_window, on_change, before, after, span)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A row that is in a window: its group, what it gave to the accumulators, its time."""

    group: Group
    values: Sequence[Sequence[Any]]
    time: float


def _compile_streamstats(command: StreamStats, context: SearchContext) -> Stage:
    """Return the stage of `streamstats`.

    Raises:
        QueryError: an expression of a statistic does not compile; when run: `time_window` on rows out of order.
    """
    return expanding(
        command.aggregates,
        command.by,
        context,
        lambda aggregates: _plain_streamstats(replace(command, aggregates=aggregates), context),
    )


def _plain_streamstats(command: StreamStats, context: SearchContext) -> Stage:
    slots = [slot_of(aggregate, context) for aggregate in command.aggregates]
    length = command.time_window
    before, after = (
        None
        if condition is None
        else compile_condition(condition, context.source, command.span, "a reset of streamstats")
        for condition in (command.reset_before, command.reset_after)
    )

    fail = partial(context.error, span=command.span)

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        limit = _window_limit(command, context)
        descending = False
        if length is not None:
            rows = list(rows)
            descending = _descends(rows, command.span, context)
        groups: dict[Key, Group] = {}
        # One window over all groups, or one for each.
        windows: dict[Key, deque[_Entry]] = {}
        last: Key | None = None
        for row in rows:
            key = single_key(row, command.by, "streamstats", command.span, context)
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
            entry = _Entry(group, [slot.read(row) for slot in slots], time_of(row, slots, context))
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
            results = [made(accumulator.result(), fail) for accumulator in group.accumulators]
            if not command.current:
                _push(entry, window)
            for slot, result in zip(slots, results, strict=True):
                put(row, slot.name, result)
            if after is not None and after(row):
                groups.clear()
                windows.clear()
            yield row

    return run


def _window_limit(command: StreamStats, context: SearchContext) -> int:
    """Return how many rows a window holds; 0 is all of them."""
    most = current().limits.streamstats
    if most is not None and command.window > most:
        raise context.error(f"a window of more than {most} rows", command.span, "max_stream_window of limits.conf")
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


def _descends(rows: Sequence[Row], span: Span, context: SearchContext) -> bool:
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
    raise context.error(
        "time_window needs rows in order of time, and these are not", span, "put | sort 0 _time before it"
    )


STREAMSTATS = Command(
    "streamstats",
    _read_streamstats,
    _compile_streamstats,
    (StreamStats,),
    arguments=STATISTICS_AND_BY,
    options=("window", "current", "global", "time_window", "reset_on_change", "reset_before", "reset_after"),
    refused_options=("allnum",),
    refuses=(ALLNUM,),
)

COMMANDS: tuple[Command[Any], ...] = (STREAMSTATS,)
