"""Statistics while a search runs: what each reads of a row, and the groups of rows that they are computed of.

    Aggregate ──slot_of──> Slot        rows ──by──> Group: an accumulator for each slot ──result_of──> values

A statistic of `a*` becomes one for each such field of the rows that come: all rows are read first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from converter.targets.splunk.engine.functions.evaluate import compile_expression
from converter.targets.splunk.engine.language.values import number_of, text_of, values_of
from converter.targets.splunk.engine.statistics.numbers import CounterResetError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from converter.readers.source import Span
    from converter.targets.splunk.engine.commands.aggregates import Aggregate
    from converter.targets.splunk.engine.commands.base import SearchContext, Stage
    from converter.targets.splunk.engine.language.values import Row
    from converter.targets.splunk.engine.statistics.accumulators import Accumulator, Statistic

Key: TypeAlias = tuple[str, ...]
_NO_ARGUMENT = (True,)


@dataclass(frozen=True, slots=True)
class Slot:
    """One statistic of a command: the name of its field, what computes it, what it reads of a row."""

    name: str
    statistic: Statistic
    read: Callable[[Row], Sequence[Any]]
    span: Span


def slot_of(aggregate: Aggregate, context: SearchContext) -> Slot:
    """Return what a statistic is made and read by."""
    statistic = aggregate.statistic
    return Slot(aggregate.name, statistic, _reader(aggregate, statistic, context), aggregate.span)


def _reader(aggregate: Aggregate, statistic: Statistic, context: SearchContext) -> Callable[[Row], Sequence[Any]]:
    argument = aggregate.argument
    if argument is None:
        return lambda _: _NO_ARGUMENT
    if isinstance(argument, str):
        if statistic.single:
            return _single_reader(argument, aggregate, context)
        return lambda row: values_of(row.get(argument))
    compiled = compile_expression(argument, context.source)
    run = compiled.run
    if compiled.kind == "bool":
        if aggregate.function != "count":
            raise context.error(f"{aggregate.function}() of a condition", aggregate.span, "use if(condition, 1, 0)")
        return lambda row: _NO_ARGUMENT if run(row) else ()
    return lambda row: values_of(run(row))


def _single_reader(field: str, aggregate: Aggregate, context: SearchContext) -> Callable[[Row], Sequence[Any]]:
    """Read the single value of a field."""

    def read(row: Row) -> Sequence[Any]:
        value = row.get(field)
        if type(value) is list:
            raise context.error(f"{aggregate.function}() of the multivalue field {field!r}", aggregate.span)
        return () if value is None else (value,)

    return read


def time_of(row: Row, slots: Sequence[Slot], context: SearchContext) -> float:
    """Return the time of a row; rows without one are fine where no statistic asks for it."""
    time = number_of(row.get("_time"))
    if time is None:
        for slot in slots:
            if slot.statistic.timed:
                raise context.error(f"{slot.name} needs _time, which a row does not have", slot.span)
        return 0
    return time


class Group:
    """The accumulators of one group."""

    __slots__ = ("accumulators",)

    def __init__(self, slots: Sequence[Slot]) -> None:
        self.accumulators = [slot.statistic.make() for slot in slots]

    def push(self, values: Sequence[Sequence[Any]], time: float) -> None:
        """Take in what each statistic read of a row."""
        for accumulator, part in zip(self.accumulators, values, strict=True):
            accumulator.push(part, time)

    def drop(self, values: Sequence[Sequence[Any]], time: float) -> None:
        """Forget the oldest row."""
        for accumulator, part in zip(self.accumulators, values, strict=True):
            accumulator.drop(part, time)


def result_of(slot: Slot, accumulator: Accumulator, context: SearchContext) -> Any:
    """Return a statistic, or None; a counter that falls is an error."""
    try:
        return accumulator.result()
    except CounterResetError:
        raise context.error(
            "rate() of a counter that falls", slot.span, "how Splunk makes up for a reset is not documented"
        ) from None


def single_key(row: Row, by: Sequence[str], command: str, span: Span, context: SearchContext) -> Key | None:
    """Return the group of a row, or None if it is in none."""
    key: list[str] = []
    for name in by:
        value = row.get(name)
        if value is None:
            return None
        if type(value) is list:
            raise context.error(f"{command} by the multivalue field {name!r}", span, "use mvexpand first")
        key.append(value if type(value) is str else text_of(value))
    return tuple(key)


def expanding(
    aggregates: Sequence[Aggregate],
    by: Sequence[str],
    context: SearchContext,
    compile_plain: Callable[[tuple[Aggregate, ...]], Stage],
) -> Stage:
    """Return the stage of a command whose wildcards stand for the fields of the rows that come.

    Args:
        aggregates: the statistics, some with wildcards.
        by: the fields of `by`, for which no wildcard stands.
        context: the search around the command.
        compile_plain: compiles the command with statistics that have no wildcards.
    """
    if not any(_is_wild(aggregate) for aggregate in aggregates):
        return compile_plain(tuple(aggregates))

    def run(rows: Iterable[Row]) -> Iterable[Row]:
        everything = list(rows)
        names = sorted({name for row in everything for name in row if not name.startswith("_")} - set(by))
        expanded = [plain for aggregate in aggregates for plain in _expand(aggregate, names)]
        seen: set[str] = set()
        for aggregate in expanded:
            if aggregate.name in seen:
                raise context.error(f"two statistics with the name {aggregate.name!r}", aggregate.span)
            seen.add(aggregate.name)
        return compile_plain(tuple(expanded))(everything)

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
