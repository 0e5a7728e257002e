"""Commands that fill, join or make rows, and those that look back at rows before.

command ──> rows -> rows
"""

from __future__ import annotations

from collections import deque
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeAlias

from converter.targets.splunk.engine.commands.basic import matcher
from converter.targets.splunk.engine.language.expression_code import error_at
from converter.targets.splunk.engine.language.run_context import current
from converter.targets.splunk.engine.language.values import number_of, put, text_of, tidy, values_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from converter.targets.splunk.engine.language.syntax import (
        Accum,
        AutoRegress,
        Delta,
        FillDown,
        MakeResults,
        MvCombine,
        NoMv,
    )
    from converter.targets.splunk.engine.language.values import Row

Stage: TypeAlias = "Callable[[Iterable[Row]], Iterable[Row]]"


def total_of(total: Fraction) -> Any:
    """Return an exact total as a row holds it."""
    return tidy(total.numerator if total.denominator == 1 else float(total))


def exact_sum(numbers: Iterable[float]) -> Any:
    """Return the sum of numbers, as if it were added up without rounding."""
    return total_of(sum((Fraction(number) for number in numbers), Fraction(0)))


def filldown(command: FillDown) -> Stage:
    """Give a row the last value of a field that it lacks."""
    wanted = matcher(command.names) if command.names else lambda name: name[0:1] != "_"

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        last: Row = {}
        for row in rows:
            for name, value in last.items():
                row.setdefault(name, value)
            last.update((name, value) for name, value in row.items() if name != "_id" and wanted(name))
            yield row

    return run


def mvcombine(command: MvCombine, text: str) -> Stage:
    """Make one row of rows that differ in one field only; it stands where the first of them stood.

    Raises:
        QueryError: when run: the field has several values already.
    """
    name = command.field

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        groups: dict[Any, tuple[Row, list[Any]]] = {}
        for position, row in enumerate(rows):
            value = row.get(name)
            if type(value) is list:
                raise error_at(text, command.span, f"mvcombine of the multivalue field {name!r}", "use mvexpand first")
            if value is None:
                groups[position] = (row, [])
            else:
                groups.setdefault(_others(row, name), (row, []))[1].append(value)
        for row, values in groups.values():
            put(row, name, values)
            yield row

    return run


def _others(row: Row, name: str) -> frozenset[tuple[str, tuple[str, ...]]]:
    """Return what a row holds besides a field. `_id` is no field of Splunk."""
    return frozenset(
        (other, tuple(map(text_of, values_of(value)))) for other, value in row.items() if other not in (name, "_id")
    )


def nomv(command: NoMv) -> Stage:
    """Join the values of a field with line breaks."""

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            if type(value := row.get(command.field)) is list:
                row[command.field] = "\n".join(map(text_of, value))
            yield row

    return run


def uniq(rows: Iterable[Row]) -> Iterator[Row]:
    """Drop a row that equals the one before it."""
    before: frozenset[tuple[str, tuple[str, ...]]] | None = None
    for row in rows:
        held = _others(row, "_id")
        if held != before:
            yield row
        before = held


def makeresults(command: MakeResults, text: str) -> Stage:
    """Make rows that have nothing but the time of the run.

    Raises:
        QueryError: when run: the run was given no time.
    """

    def run(_rows: Iterable[Row]) -> Iterator[Row]:
        environment = current()
        if environment.now is None:
            raise error_at(
                text, command.span, "makeresults needs the time of the run, which was not given", "give now to the run"
            )
        count, most = command.count, environment.limits.rows
        if most is not None and count > most:
            environment.note(f"makeresults made {most} rows of {count} (maxresultrows)")
            count = most
        for _ in range(count):
            yield {"_time": environment.now}

    return run


def accum(command: Accum) -> Stage:
    """Write the running total of a field; a row whose value is no number stays as it is."""

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        total = Fraction(0)
        for row in rows:
            number = None if type(value := row.get(command.field)) is list else number_of(value)
            if number is not None:
                total += Fraction(number)
                put(row, command.target, total_of(total))
            yield row

    return run


def delta(command: Delta) -> Stage:
    """Write the difference to the value some rows before; rows whose value is no number count as rows."""

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        before: deque[float | None] = deque(maxlen=command.distance)
        for row in rows:
            number = None if type(value := row.get(command.field)) is list else number_of(value)
            if len(before) == command.distance and number is not None and (past := before[0]) is not None:
                put(row, command.target, exact_sum([number, -past]))
            before.append(number)
            yield row

    return run


def autoregress(command: AutoRegress) -> Stage:
    """Copy the values of rows before."""
    longest = max(step for step, _ in command.targets)

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        before: deque[Any] = deque(maxlen=longest)
        for row in rows:
            value = row.get(command.field)
            for step, target in command.targets:
                if step <= len(before) and (past := before[-step]) is not None:
                    row[target] = past
            before.append(value)
            yield row

    return run
