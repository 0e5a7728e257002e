"""The arguments of `chart` and `timechart`, `top` and `rare`.

timechart span=1h count by host limit=5  ──>  Chart("timechart", (count,), "_time", 1h, Series("host", limit=5, ...))
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from converter.targets.splunk.engine.commands.aggregates import read_aggregate
from converter.targets.splunk.engine.language.syntax import Aggregate, Chart, Series, Span, TimeSpan, Top
from converter.targets.splunk.engine.language.time_spans import time_span

if TYPE_CHECKING:
    from converter.targets.splunk.engine.language.lex import Scanner

_LIMIT = re.compile(r"(top|bottom)?([0-9]{1,9})", re.IGNORECASE)
_DEFAULT_SERIES = 10
_DEFAULT_ROWS = 10
_BINS = ("bins", "minspan", "aligntime", "start", "end")


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


def timechart(scanner: Scanner, span: Span) -> Chart:
    """Read the arguments of `timechart`; options of bins that stand after `by` are those of that field.

    Raises:
        QueryError: they are none, or hold what this engine does not know.
    """
    read = _Read("timechart", row="_time")
    while not scanner.at_command_end():
        if not _is_option(scanner, read):
            if scanner.accept_word("by"):
                read.series = _series_name(scanner, read)
            else:
                _statistic(scanner, read)
    chart = _chart(scanner, read, span)
    if chart.size is None:
        raise scanner.error(
            "timechart without a span", span, "Splunk then chooses one by the time range; for example: span=1h"
        )
    return chart


def chart(scanner: Scanner, span: Span) -> Chart:
    """Read the arguments of `chart`.

    Raises:
        QueryError: they are none, or hold what this engine does not know.
    """
    read = _Read("chart")
    while not scanner.at_command_end():
        if _is_option(scanner, read):
            continue
        if read.row is None and scanner.accept_word("over"):
            read.row = _name(scanner)
        elif scanner.accept_word("by"):
            if read.row is None:
                read.row = _name(scanner)
                scanner.accept(",")
                # Options of the bins of the rows may stand between the two fields.
                while not scanner.at_command_end() and _is_option(scanner, read):
                    pass
                if scanner.at_command_end() or scanner.word().lower() == "where":
                    continue
            read.series = _series_name(scanner, read)
        else:
            _statistic(scanner, read)
    return _chart(scanner, read, span)


def _name(scanner: Scanner) -> str:
    scanner.skip()
    start = scanner.pos
    name = scanner.name("a field")
    if "*" in name:
        raise scanner.error("a wildcard in the fields of a chart", scanner.span_from(start))
    return name


def _series_name(scanner: Scanner, read: _Read) -> str:
    start = scanner.pos
    name = _name(scanner)
    if read.series is not None or name == read.row:
        raise scanner.error(f"the field {name!r} is one too many in {read.command}", scanner.span_from(start))
    return name


def _statistic(scanner: Scanner, read: _Read) -> None:
    if read.series is not None and scanner.word().lower() == "where":
        raise scanner.error(
            f"the where clause of {read.command} is not supported",
            Span(scanner.pos, 5),
            "use limit=, or where after it",
        )
    if read.series is not None or (read.row is not None and read.command == "chart"):
        raise scanner.error(f"unexpected {scanner.found()} in {read.command}")
    read_aggregate(scanner, read.command, read.aggregates)
    if isinstance(read.aggregates[-1].argument, str) and "*" in read.aggregates[-1].argument:
        raise scanner.error(f"a wildcard in a statistic of {read.command}", read.aggregates[-1].span)


def _is_option(scanner: Scanner, read: _Read) -> bool:
    """Read an option if one stands next."""
    start = scanner.pos
    match scanner.option():
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
        case "fixedrange" | "partial" as option if read.command == "timechart":
            if not scanner.boolean(option):
                raise scanner.error(f"{option}=f of timechart is not supported", scanner.span_from(start))
        case "dedup_splitvals":
            if scanner.boolean("dedup_splitvals"):
                raise scanner.error("dedup_splitvals=t is not supported", scanner.span_from(start))
        case option:
            hint = "use span=" if option in _BINS else ""
            raise scanner.error(
                f"the option {option} of {read.command} is not supported", Span(start, len(option)), hint
            )
    scanner.accept(",")
    return True


def _limit(scanner: Scanner) -> tuple[int, bool]:
    scanner.skip()
    start = scanner.pos
    text = scanner.value("a number of columns")
    match = _LIMIT.fullmatch(text)
    if match is None:
        raise scanner.error(
            f"expected a number of columns, found {text!r}", scanner.span_from(start), "10, top5, bottom5"
        )
    return int(match.group(2)), (match.group(1) or "").lower() == "bottom"


def _span(scanner: Scanner, read: _Read) -> None:
    """Read a span, of the field that was named last."""
    scanner.skip()
    start = scanner.pos
    number = scanner.leading_number()
    size: TimeSpan | int = time_span(scanner) if number is None else number
    name = read.row if read.series is None else read.series
    if size == 0:
        raise scanner.error("a span of zero", scanner.span_from(start))
    if name == "_time":
        size = TimeSpan(size, "s") if isinstance(size, int) else size
        _check_time_span(scanner, size, scanner.span_from(start))
    elif isinstance(size, TimeSpan):
        raise scanner.error(
            f"a span of time for the field {name!r}",
            scanner.span_from(start),
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
        raise scanner.error("a span below a second is not supported here", span, "use bin and stats")


def _chart(scanner: Scanner, read: _Read, span: Span) -> Chart:
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


def top(scanner: Scanner, span: Span) -> Top:
    """Read the arguments of `top`.

    Raises:
        QueryError: they are none, or hold what Splunk does not know.
    """
    return _top(scanner, span, "top", rare=False)


def rare(scanner: Scanner, span: Span) -> Top:
    """Read the arguments of `rare`.

    Raises:
        QueryError: they are none, or hold what Splunk does not know.
    """
    return _top(scanner, span, "rare", rare=True)


def _top(scanner: Scanner, span: Span, command: str, *, rare: bool) -> Top:
    number = scanner.leading_number()
    limit = _DEFAULT_ROWS if number is None else number
    count_name, percent_name, other = "count", "percent", "OTHER"
    show_count = show_percent = True
    use_other = False
    names: list[str] = []
    by: list[str] = []
    into = names
    while not scanner.at_command_end():
        start = scanner.pos
        match scanner.option():
            case "":
                if names and into is names and scanner.accept_word("by"):
                    into = by
                    continue
                into.append(_name(scanner))
                if into[-1] in (*names, *by)[: len(names) + len(by) - 1]:
                    raise scanner.error(f"the field {into[-1]!r} twice in {command}", scanner.span_from(start))
                scanner.accept(",")
            case "limit":
                limit = scanner.integer("a number of rows")
            case "showcount":
                show_count = scanner.boolean("showcount")
            case "showperc":
                show_percent = scanner.boolean("showperc")
            case "useother":
                use_other = scanner.boolean("useother")
            case "countfield":
                count_name = scanner.value("a name")
            case "percentfield":
                percent_name = scanner.value("a name")
            case "otherstr":
                other = scanner.value("a text")
            case option:
                raise scanner.unknown_option(command, option, start)
    if not names or (into is by and not by):
        raise scanner.error(f"{command} without a field", span, f"for example: {command} limit=5 user by host")
    if clash := next((name for name in (count_name, percent_name) if name in (*names, *by)), ""):
        raise scanner.error(f"two columns with the name {clash!r}", span, "use countfield= or percentfield=")
    return Top(
        tuple(names),
        tuple(by),
        limit,
        rare,
        count_name if show_count else None,
        percent_name if show_percent else None,
        other if use_other else None,
        span,
    )
