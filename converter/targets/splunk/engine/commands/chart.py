"""`chart` and `timechart`: what they read, and their stage.

timechart span=1h count by host limit=5  ──>  Chart("timechart", (count,), "_time", 1h, Series("host", limit=5, ...))
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from converter.readers.source import Span
from converter.targets.splunk.engine.commands.aggregates import read_aggregate
from converter.targets.splunk.engine.commands.base import Command
from converter.targets.splunk.engine.commands.chart_table import Chart, ChartTable, Series
from converter.targets.splunk.engine.commands.field_lists import read_plain_name
from converter.targets.splunk.engine.commands.groups import slot_of
from converter.targets.splunk.engine.language.time_spans import TimeSpan, time_span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from converter.targets.splunk.engine.commands.aggregates import Aggregate
    from converter.targets.splunk.engine.commands.base import SearchContext, Stage
    from converter.targets.splunk.engine.language.lex import Scanner
    from converter.targets.splunk.engine.language.values import Row

_LIMIT = re.compile(r"(top|bottom)?([0-9]{1,9})", re.IGNORECASE)
_DEFAULT_SERIES = 10
_OPTIONS = ("span", "limit", "cont", "useother", "usenull", "otherstr", "nullstr", "sep", "format")
_BINS = ("bins", "minspan", "aligntime", "start", "end")
_REFUSED_OPTIONS = (*_BINS, "dedup_splitvals")
_FILLED_IN = "chart with a span, which fills in rows without events"
_WITHOUT_SPAN = "timechart without a span"
_SUBSECOND = "a span below a second"
_DEDUP_SPLITVALS = "dedup_splitvals=t"


@dataclass(slots=True)
class _Read:
    """What was read of a chart so far."""

    command: Literal["chart", "timechart"]
    aggregates: list[Aggregate] = field(default_factory=list)
    row: str | None = None
    row_size: TimeSpan | int | None = None
    series: str | None = None
    series_size: TimeSpan | int | None = None
    limit: int = _DEFAULT_SERIES
    bottom: bool = False
    null: str = "NULL"
    use_null: bool = True
    other: str = "OTHER"
    use_other: bool = True
    separator: str = ": "
    form: str | None = None
    continuous: bool = True


def _read_timechart(scanner: Scanner, span: Span) -> Chart:
    """Read the arguments of `timechart`; options of bins that stand after `by` are those of that field.

    Raises:
        QueryError: they are missing, or hold what this engine does not know.
    """
    read = _Read("timechart", row="_time")
    while not scanner.at_command_end():
        if not _is_option(scanner, read):
            if scanner.accept_word("by"):
                read.series = _series_name(scanner, read)
            else:
                _statistic(scanner, read)
    chart = _finished(scanner, read, span)
    if chart.size is None:
        raise scanner.error(_WITHOUT_SPAN, span, "Splunk then chooses one by the time range; for example: span=1h")
    return chart


def _read_chart(scanner: Scanner, span: Span) -> Chart:
    """Read the arguments of `chart`.

    Raises:
        QueryError: they are missing, or hold what this engine does not know.
    """
    read = _Read("chart")
    while not scanner.at_command_end():
        if _is_option(scanner, read):
            continue
        if read.row is None and scanner.accept_word("over"):
            read.row = read_plain_name(scanner, "a chart")
        elif scanner.accept_word("by"):
            if read.row is None:
                read.row = read_plain_name(scanner, "a chart")
                scanner.accept(",")
                # Options of the bins of the rows may stand between the two fields.
                while not scanner.at_command_end() and _is_option(scanner, read):
                    pass
                if scanner.at_command_end() or scanner.word().lower() == "where":
                    continue
            read.series = _series_name(scanner, read)
        else:
            _statistic(scanner, read)
    return _finished(scanner, read, span)


def _series_name(scanner: Scanner, read: _Read) -> str:
    start = scanner.offset
    name = read_plain_name(scanner, "a chart")
    if read.series is not None or name == read.row:
        raise scanner.error(f"the field {name!r} is one too many in {read.command}", scanner.span(start))
    return name


def _statistic(scanner: Scanner, read: _Read) -> None:
    if read.series is not None and scanner.word().lower() == "where":
        raise scanner.error(
            f"the where clause of {read.command} is not supported",
            Span(scanner.offset, scanner.offset + 5),
            "use limit=, or where after it",
        )
    if read.series is not None or (read.row is not None and read.command == "chart"):
        raise scanner.error(f"unexpected {scanner.describe()} in {read.command}")
    read_aggregate(scanner, read.command, read.aggregates)
    if isinstance(read.aggregates[-1].argument, str) and "*" in read.aggregates[-1].argument:
        raise scanner.error(f"a wildcard in a statistic of {read.command}", read.aggregates[-1].span)


def _is_option(scanner: Scanner, read: _Read) -> bool:
    """Read an option if one stands next."""
    command = TIMECHART if read.command == "timechart" else CHART
    start = scanner.offset
    match command.option(scanner):
        case "":
            return False
        case "span":
            _span(scanner, read)
        case "limit":
            read.limit, read.bottom = _limit(scanner)
        case "usenull":
            read.use_null = scanner.boolean("usenull")
        case "useother":
            read.use_other = scanner.boolean("useother")
        case "nullstr":
            read.null = scanner.value("a name")
        case "otherstr":
            read.other = scanner.value("a name")
        case "sep":
            read.separator = scanner.value("a separator")
        case "format":
            read.form = scanner.value("a form")
        case "cont":
            read.continuous = scanner.boolean("cont")
        case "fixedrange" | "partial" as option:
            if not scanner.boolean(option):
                raise scanner.error(f"{option}=f of timechart is not supported", scanner.span(start))
        case "dedup_splitvals":
            if scanner.boolean("dedup_splitvals"):
                raise scanner.error(f"{_DEDUP_SPLITVALS} is not supported", scanner.span(start))
        case option if option in _BINS:
            raise command.unknown_option(scanner, option, start, "use span=")
    scanner.accept(",")
    return True


def _limit(scanner: Scanner) -> tuple[int, bool]:
    scanner.skip()
    start = scanner.offset
    text = scanner.value("a number of columns")
    match = _LIMIT.fullmatch(text)
    if match is None:
        raise scanner.error(f"expected a number of columns, found {text!r}", scanner.span(start), "10, top5, bottom5")
    return int(match.group(2)), (match.group(1) or "").lower() == "bottom"


def _span(scanner: Scanner, read: _Read) -> None:
    """Read a span, of the field that was named last."""
    scanner.skip()
    start = scanner.offset
    number = scanner.leading_number()
    size: TimeSpan | int = time_span(scanner) if number is None else number
    name = read.row if read.series is None else read.series
    if size == 0:
        raise scanner.error("a span of zero", scanner.span(start))
    if name == "_time":
        size = TimeSpan(size, "s") if isinstance(size, int) else size
        _check_time_span(scanner, size, scanner.span(start))
    elif isinstance(size, TimeSpan):
        raise scanner.error(
            f"a span of time for the field {name!r}",
            scanner.span(start),
            "only _time holds times; span goes before by",
        )
    if read.series is None:
        read.row_size = size
    else:
        read.series_size = size


def _check_time_span(scanner: Scanner, size: TimeSpan, span: Span) -> None:
    if size.unit in ("mon", "q", "y") and size.count != 1:
        raise scanner.error(f"spans of {size.count} months, quarters or years", span, "how they align is not known")
    if size.unit in ("us", "ms", "cs", "ds"):
        raise scanner.error(f"{_SUBSECOND} is not supported here", span, "use bin and stats")


def _finished(scanner: Scanner, read: _Read, span: Span) -> Chart:
    if not read.aggregates:
        raise scanner.error(f"{read.command} without a statistic", span, "for example: count by host")
    series: Series | None = None
    if read.series is not None:
        series = Series(
            read.series,
            read.series_size,
            read.limit,
            read.bottom,
            read.null if read.use_null else None,
            read.other if read.use_other else None,
            read.separator,
            read.form,
        )
    return Chart(read.command, tuple(read.aggregates), read.row, read.row_size, series, read.continuous, span)


def _compile_chart(command: Chart, context: SearchContext) -> Stage:
    """Return the stage of `chart` or `timechart`.

    Raises:
        QueryError: a span that cannot be filled in; when run: a row without `_time`, too many rows, or a column of
            the rest whose statistic no source explains.
    """
    if command.command == "chart" and command.size is not None and command.continuous:
        raise context.error(_FILLED_IN, command.span, "use cont=f, or bin before it")
    slots = [slot_of(aggregate, context) for aggregate in command.aggregates]

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        table = ChartTable(command, slots, context)
        for row in rows:
            table.add(row)
        yield from table.rows()

    return run


CHART = Command(
    "chart",
    _read_chart,
    _compile_chart,
    (Chart,),
    arguments="statistics, and `by` or `over` with up to two fields",
    options=_OPTIONS,
    refused_options=_REFUSED_OPTIONS,
    refuses=(_FILLED_IN, _SUBSECOND, _DEDUP_SPLITVALS),
)
TIMECHART = Command(
    "timechart",
    _read_timechart,
    _compile_chart,
    (Chart,),
    arguments="statistics, and `by` with a field",
    options=_OPTIONS,
    refused_options=(*_REFUSED_OPTIONS, "fixedrange", "partial"),
    refuses=(
        _WITHOUT_SPAN,
        _SUBSECOND,
        "the option bins of timechart",
        "the where clause of timechart",
        "fixedrange=f of timechart",
        "partial=f of timechart",
        _DEDUP_SPLITVALS,
    ),
)

COMMANDS: tuple[Command[Any], ...] = (CHART, TIMECHART)
