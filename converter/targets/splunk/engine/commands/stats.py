"""`stats` and `eventstats`: statistics of groups of rows.

    count as n, dc(a) by x y  ──>  Stats(aggregates, by)
    rows ──by──> groups ──> one row a group (stats), or fields added to every row (eventstats)

Rows without one of the `by` fields are dropped by `stats` and left as they are by `eventstats`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from converter.readers.query_budget import combinations
from converter.readers.source import NOWHERE
from converter.targets.splunk.engine.commands.aggregates import (
    ALLNUM,
    STATISTICS_AND_BY,
    read_aggregate,
    read_by,
    refuse_allnum,
)
from converter.targets.splunk.engine.commands.base import Command
from converter.targets.splunk.engine.commands.groups import Group, expanding, result_of, single_key, slot_of, time_of
from converter.targets.splunk.engine.language.syntax import CommandNode
from converter.targets.splunk.engine.language.values import put, text_of, values_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from converter.readers.source import Span
    from converter.targets.splunk.engine.commands.aggregates import Aggregate
    from converter.targets.splunk.engine.commands.base import SearchContext, Stage
    from converter.targets.splunk.engine.commands.groups import Key
    from converter.targets.splunk.engine.language.lex import Scanner
    from converter.targets.splunk.engine.language.values import Row


@dataclass(frozen=True, slots=True)
class Stats(CommandNode):
    """`stats ... by ...`: one row a group; `distinct_keys` counts equal values of a multivalue `by` field once."""

    aggregates: tuple[Aggregate, ...]
    by: tuple[str, ...]
    distinct_keys: bool = False


@dataclass(frozen=True, slots=True)
class EventStats(CommandNode):
    """`eventstats ... by ...`: every row keeps its fields and gains those of its group."""

    aggregates: tuple[Aggregate, ...]
    by: tuple[str, ...]
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


def _read_stats(scanner: Scanner, span: Span) -> Stats:
    """Read the arguments of `stats`.

    Raises:
        QueryError: they are missing, or hold what this engine does not know.
    """
    return Stats(*_read_arguments(scanner, span, STATS))


def _read_eventstats(scanner: Scanner, span: Span) -> EventStats:
    """Read the arguments of `eventstats`.

    Raises:
        QueryError: they are missing, or hold what this engine does not know.
    """
    aggregates, by, _ = _read_arguments(scanner, span, EVENTSTATS)
    return EventStats(aggregates, by, span)


def _read_arguments(
    scanner: Scanner, span: Span, command: Command[Any]
) -> tuple[tuple[Aggregate, ...], tuple[str, ...], bool]:
    """Read statistics, the fields of `by`, and whether their equal values count once."""
    aggregates: list[Aggregate] = []
    by: tuple[str, ...] = ()
    distinct_keys = False
    while not scanner.at_command_end():
        start = scanner.offset
        match command.option(scanner):
            case "allnum":
                refuse_allnum(scanner, start)
            case "partitions":
                scanner.integer("a number")
            case "dedup_splitvals":
                distinct_keys = scanner.boolean("dedup_splitvals")
            case "" if scanner.accept_word("by"):
                by = read_by(scanner)
            case "":
                read_aggregate(scanner, command.name, aggregates)
    if not aggregates:
        raise scanner.error(f"{command.name} without a statistic", span, "for example: count by host")
    return tuple(aggregates), by, distinct_keys


def compile_stats(command: Stats, context: SearchContext) -> Stage:
    """Return the stage of `stats`: groups sorted by key; a multivalue `by` field puts a row in the group of each value.

    Raises:
        QueryError: an expression of a statistic does not compile.
    """
    return expanding(
        command.aggregates,
        command.by,
        context,
        lambda aggregates: _plain_stats(replace(command, aggregates=aggregates), context),
    )


def _plain_stats(command: Stats, context: SearchContext) -> Stage:
    slots = [slot_of(aggregate, context) for aggregate in command.aggregates]
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
            time = time_of(row, slots, context)
            if command.distinct_keys:
                keys = [_distinct(values) for values in keys]
            for shown in combinations(keys):
                key = tuple(map(text_of, shown))
                entry = groups.get(key)
                if entry is None:
                    entry = groups[key] = (shown, Group(slots))
                entry[1].push(values, time)
        for _, (first, group) in sorted(groups.items(), key=lambda item: item[0]):
            row = dict(zip(by, first, strict=True))
            for slot, accumulator in zip(slots, group.accumulators, strict=True):
                if (result := result_of(slot, accumulator, context)) is not None:
                    put(row, slot.name, result)
            if row:
                yield row

    return run


def _distinct(values: Sequence[Any]) -> list[Any]:
    return list({text_of(value): value for value in reversed(values)}.values())


def _compile_eventstats(command: EventStats, context: SearchContext) -> Stage:
    """Return the stage of `eventstats`.

    Raises:
        QueryError: an expression of a statistic does not compile.
    """
    return expanding(
        command.aggregates,
        command.by,
        context,
        lambda aggregates: _plain_eventstats(replace(command, aggregates=aggregates), context),
    )


def _plain_eventstats(command: EventStats, context: SearchContext) -> Stage:
    slots = [slot_of(aggregate, context) for aggregate in command.aggregates]

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        groups: dict[Key, Group] = {}
        everything: list[tuple[Row, Key | None]] = []
        for row in rows:
            key = single_key(row, command.by, "eventstats", command.span, context)
            everything.append((row, key))
            if key is None:
                continue
            group = groups.get(key)
            if group is None:
                group = groups[key] = Group(slots)
            group.push([slot.read(row) for slot in slots], time_of(row, slots, context))
        results = {key: [accumulator.result() for accumulator in group.accumulators] for key, group in groups.items()}
        for row, key in everything:
            if key is not None:
                for slot, result in zip(slots, results[key], strict=True):
                    put(row, slot.name, result)
            yield row

    return run


STATS = Command(
    "stats",
    _read_stats,
    compile_stats,
    (Stats,),
    arguments=STATISTICS_AND_BY,
    options=("partitions", "dedup_splitvals"),
    refused_options=("allnum",),
    refuses=(ALLNUM,),
)
EVENTSTATS = Command(
    "eventstats",
    _read_eventstats,
    _compile_eventstats,
    (EventStats,),
    arguments=STATISTICS_AND_BY,
    refused_options=("allnum",),
    refuses=(ALLNUM,),
)

COMMANDS: tuple[Command[Any], ...] = (STATS, EVENTSTATS)
