"""`chart` and `timechart`, run: statistics as a table, a row for each value of one field, a column for each of another.

    rows ──row and column of each──> chosen columns ──> groups of accumulators ──> one row each, gaps filled

Which columns there are is known only when every row was seen, so what each row gives is kept until then. The column of
the rest is computed anew from its rows, not from the results of its columns.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from converter.readers.query_budget import made_rows
from converter.readers.source import NOWHERE
from converter.targets.splunk.engine.commands.bins import bucket, numeric_range
from converter.targets.splunk.engine.commands.groups import Group, result_of, time_of
from converter.targets.splunk.engine.language.run_context import current
from converter.targets.splunk.engine.language.syntax import CommandNode
from converter.targets.splunk.engine.language.time_spans import seconds_of
from converter.targets.splunk.engine.language.values import number_of, put, text_of, values_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from converter.readers.source import Span
    from converter.targets.splunk.engine.commands.aggregates import Aggregate
    from converter.targets.splunk.engine.commands.base import SearchContext
    from converter.targets.splunk.engine.commands.groups import Slot
    from converter.targets.splunk.engine.language.time_spans import TimeSpan
    from converter.targets.splunk.engine.language.values import Row

# The name of a column, and whether it is one of a value: the columns of missing values and of the rest are not.
Column: TypeAlias = tuple[str, bool]
_MAX_ROWS = 50_000
_FIELDS_OF_A_ROW = 4  # of a wide table each few fields count as a row
_ONE: Column = ("", False)


@dataclass(frozen=True, slots=True)
class Series:
    """The columns of a chart: one for each value of a field, and what becomes of the others.

    Attributes:
        field: the field whose values are the columns.
        size: the span its numbers are put into; None keeps them.
        limit: how many columns; 0 is all.
        bottom: keep the lowest, not the highest.
        null, other: names of the columns for rows without the field, and for the values beyond the limit; None is none.
        separator, form: how several statistics and the value make a name; `form` has `$AGG$` and `$VAL$`.
    """

    field: str
    size: TimeSpan | int | None
    limit: int
    bottom: bool
    null: str | None
    other: str | None
    separator: str
    form: str | None


@dataclass(frozen=True, slots=True)
class Chart(CommandNode):
    """`chart` and `timechart`: a row for each value of one field, a column for each of another.

    Attributes:
        command: the name of the command.
        aggregates: the statistics.
        row: the field of the rows; None is one row for everything. `_time` for timechart.
        size: the span of the row's field; None keeps its values.
        series: the columns; None is one for each statistic.
        continuous: rows without events between the first and the last are filled in.
    """

    command: Literal["chart", "timechart"]
    aggregates: tuple[Aggregate, ...]
    row: str | None
    size: TimeSpan | int | None
    series: Series | None
    continuous: bool
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class _Entry:
    """What one row gives: its place in the table and its values."""

    row: str
    columns: tuple[Column, ...]
    values: Sequence[Sequence[Any]]
    time: float


class ChartTable:
    """The entries of a chart, and the table that they make."""

    def __init__(self, command: Chart, slots: Sequence[Slot], context: SearchContext) -> None:
        self.command = command
        self.slots = slots
        self.context = context
        self._entries: list[_Entry] = []
        self._shown: dict[str, Any] = {}
        self._row_size = _sizer(command.size)
        self._series_size = _sizer(None if command.series is None else command.series.size)

    def add(self, row: Row) -> None:
        """Take in a row; one without the field of the rows, or of the columns if those are not wanted, is left out."""
        command = self.command
        if command.row is None:
            keys: Sequence[Any] = ("",)
        else:
            keys = [self._row_size(value) for value in values_of(row.get(command.row))]
            if not keys and command.row == "_time":
                raise self.context.error(f"{command.command} needs _time, which a row does not have", command.span)
        columns = self._columns(row)
        if not keys or not columns:
            return
        values = [slot.read(row) for slot in self.slots]
        time = time_of(row, self.slots, self.context)
        for key in keys:
            text = text_of(key)
            self._shown.setdefault(text, key)
            self._entries.append(_Entry(text, columns, values, time))

    def _columns(self, row: Row) -> tuple[Column, ...]:
        series = self.command.series
        if series is None:
            return (_ONE,)
        values = values_of(row.get(series.field))
        if not values:
            return () if series.null is None else ((series.null, False),)
        return tuple((text_of(self._series_size(value)), True) for value in values)

    def rows(self) -> Iterator[Row]:
        """Yield the rows of the table, in the order of their values."""
        chosen = self._chosen()
        groups: dict[tuple[str, Column], Group] = {}
        for entry in self._entries:
            for column in entry.columns:
                place = chosen.get(column)
                if place is not None:
                    group = groups.get((entry.row, place))
                    if group is None:
                        group = groups[entry.row, place] = Group(self.slots)
                    group.push(entry.values, entry.time)
        places = list(dict.fromkeys(place for place in chosen.values() if place is not None))
        names = [(place, [self._name(slot, place) for slot in self.slots]) for place in places]
        empty = Group(self.slots)
        for key in self._keys():
            row: Row = {} if self.command.row is None else {self.command.row: self._shown.get(key, key)}
            if self.command.row == "_time":
                row["_time"] = number_of(row["_time"])
            made_rows(len(names) // _FIELDS_OF_A_ROW, partial(self.context.error, span=self.command.span))
            for place, titles in names:
                group = groups.get((key, place), empty)
                for slot, title, accumulator in zip(self.slots, titles, group.accumulators, strict=True):
                    if (result := result_of(slot, accumulator, self.context)) is not None:
                        put(row, title, result)
            yield row

    def _chosen(self) -> dict[Column, Column | None]:
        """Return the column that each column goes to: itself, the column of the rest, or none."""
        columns = {column: None for entry in self._entries for column in entry.columns}
        series = self.command.series
        if series is None:
            return {_ONE: _ONE}
        valued = [column for column in columns if column[1]]
        best = self._kept(valued, series)
        rest: Column | None = None
        if len(best) < len(valued):
            current().note(f"{self.command.command} kept {len(best)} of {len(valued)} values of {series.field} (limit)")
            if series.other is not None:
                self._check_rest()
                rest = (series.other, False)
        # The columns of missing values and of the rest stand last.
        ends: list[Column] = [column for column in columns if not column[1]]
        ordered = {column: column for column in sorted(best)}
        return {**ordered, **{column: rest for column in valued if column not in ordered}, **{c: c for c in ends}}

    def _check_rest(self) -> None:
        for slot in self.slots:
            if not slot.statistic.merges:
                raise self.context.error(
                    f"the column of the rest for {slot.statistic.name}()",
                    slot.span,
                    "no source says how Splunk merges it; use limit=0 or useother=f",
                )

    def _kept(self, columns: Sequence[Column], series: Series) -> list[Column]:
        """Return the columns with the best scores: sums of the one statistic, or how often the value is there."""
        if not series.limit or len(columns) <= series.limit:
            return list(columns)
        scores = dict.fromkeys(columns, 0.0)
        if len(self.slots) > 1:
            for entry in self._entries:
                for column in entry.columns:
                    if column[1]:
                        scores[column] += 1
        else:
            self._add_sums(scores)
        sign = 1 if series.bottom else -1
        return sorted(columns, key=lambda column: (sign * scores[column], column[0]))[: series.limit]

    def _add_sums(self, scores: dict[Column, float]) -> None:
        groups: dict[tuple[str, Column], Group] = {}
        for entry in self._entries:
            for column in entry.columns:
                if column[1]:
                    groups.setdefault((entry.row, column), Group(self.slots)).push(entry.values, entry.time)
        slot = self.slots[0]
        for (_, column), group in groups.items():
            result = result_of(slot, group.accumulators[0], self.context)
            number = None if type(result) is list else number_of(result)
            if number is None and result is not None:
                raise self.context.error(
                    f"{slot.name}, which chooses the columns, is not a number", slot.span, "use limit=0"
                )
            scores[column] += number or 0

    def _name(self, slot: Slot, column: Column) -> str:
        series = self.command.series
        if series is None:
            return slot.name
        value, _ = column
        if len(self.slots) == 1:
            # A column must not look like an internal field.
            return f"VALUE{value}" if value.startswith("_") else value
        if series.form is not None:
            return series.form.replace("$AGG$", slot.name).replace("$VAL$", value)
        return f"{slot.name}{series.separator}{value}"

    def _keys(self) -> list[str]:
        """Return the rows' keys in order: numbers as numbers if all are, else texts; with the gaps of time filled."""
        if self.command.row is None:
            return [""]
        numbers = {key: number_of(key) for key in self._shown}
        if None in numbers.values():
            return sorted(numbers)
        ordered = sorted(numbers, key=lambda key: numbers[key] or 0)
        size = self.command.size
        if self.command.row == "_time" and self.command.continuous and size is not None and not isinstance(size, int):
            return [text_of(time) for time in self._times([numbers[key] or 0 for key in ordered], size)]
        return ordered

    def _times(self, times: Sequence[float], size: TimeSpan) -> list[float]:
        """Return every start of a bucket from the first to the last, or over the time range of the run."""
        start = bucket(size)
        ends = list(times)
        if (window := current().window) is not None:
            ends += [start(window[0]), start(window[1])] if start(window[1]) < window[1] else [start(window[0])]
        if not ends:
            return []
        step = seconds_of(size) or {"mon": 32, "q": 93, "y": 366}[size.unit] * 86_400
        filled = [min(ends)]
        while filled[-1] < max(ends):
            filled.append(start(filled[-1] + step))
            if len(filled) > _MAX_ROWS:
                raise self.context.error(
                    f"{self.command.command} of more than {_MAX_ROWS} rows", self.command.span, "use a longer span"
                )
        return filled


def _sizer(size: TimeSpan | int | None) -> Callable[[Any], Any]:
    if size is None:
        return lambda value: value
    start: Callable[[float], Any] = numeric_range(size) if isinstance(size, int) else bucket(size)
    return lambda value: value if (number := number_of(value)) is None else start(number)
