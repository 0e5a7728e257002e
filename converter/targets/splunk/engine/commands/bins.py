"""`bin`, and the buckets of time and of numbers that it shares with charts and `tstats`.

bin _time span=6m  ──>  Bin("_time", TimeSpan(6, "m"), "_time")
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from converter.readers.source import NOWHERE
from converter.targets.splunk.engine.commands.base import Command
from converter.targets.splunk.engine.language.syntax import CommandNode
from converter.targets.splunk.engine.language.time_spans import TimeSpan, seconds_of, time_span
from converter.targets.splunk.engine.language.values import number_of, put, values_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from converter.readers.source import Span
    from converter.targets.splunk.engine.commands.base import SearchContext, Stage
    from converter.targets.splunk.engine.language.lex import Scanner
    from converter.targets.splunk.engine.language.values import Row


@dataclass(frozen=True, slots=True)
class Bin(CommandNode):
    """`bin field span=... as target`; a plain number is a numeric span."""

    field: str
    size: TimeSpan | int
    target: str
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


def _read_bin(scanner: Scanner, span: Span) -> Bin:
    """Read `bin field span=... as name`."""
    field = target = ""
    size: TimeSpan | int | None = None
    while not scanner.at_command_end():
        match BIN.option(scanner):
            case "":
                if field and not target and scanner.accept_word("as"):
                    target = scanner.name("a name")
                elif field:
                    raise scanner.error(f"unexpected {scanner.describe()} in bin")
                else:
                    field = scanner.name("a field")
            case "span":
                size = _bin_size(scanner)
    if not field:
        raise scanner.error("bin without a field", span)
    if size is None:
        raise scanner.error("bin without a span", span, "for example: bin _time span=5m")
    if field == "_time":
        size = TimeSpan(size, "s") if isinstance(size, int) else size
        if size.unit in ("mon", "q", "y") and size.count != 1:
            raise scanner.error(f"bins of {size.count} months, quarters or years", span, "how they align is not known")
        if size.unit in ("us", "ms", "cs", "ds") and _per_second(size) % size.count:
            raise scanner.error("a span below a second that does not divide a second", span)
    return Bin(field, size, target or field, span)


def _per_second(size: TimeSpan) -> int:
    return {"us": 1_000_000, "ms": 1000, "cs": 100, "ds": 10}[size.unit]


def _bin_size(scanner: Scanner) -> TimeSpan | int:
    size = scanner.leading_number()
    if size is None:
        return time_span(scanner)
    if size == 0:
        raise scanner.error("a span of zero", scanner.offset - 1)
    return size


def _compile_bin(command: Bin, context: SearchContext) -> Stage:
    """Round a field down: `_time` to the start of its bucket, another number to a range.

    Raises:
        QueryError: a length of time for a field that does not hold times.
    """
    if isinstance(command.size, TimeSpan) and command.field != "_time":
        raise context.error(f"a span of time for the field {command.field!r}", command.span, "only _time holds times")
    return bins(command)


def bins(command: Bin) -> Stage:
    """Return the stage of a bin whose span fits its field."""
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


BIN = Command(
    "bin",
    _read_bin,
    _compile_bin,
    (Bin,),
    aliases=("bucket", "discretize"),
    arguments="a field, and `as` with a name",
    options=("span",),
    refuses=("the option bins of bin",),
    streaming=True,
)

COMMANDS: tuple[Command[Any], ...] = (BIN,)
