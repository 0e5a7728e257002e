"""Lengths of time as options have them: `6m`, `1d`, `1mon`, `360`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, assert_never

if TYPE_CHECKING:
    from converter.targets.splunk.engine.language.lex import Scanner

TimeUnit: TypeAlias = Literal["us", "ms", "cs", "ds", "s", "m", "h", "d", "mon", "q", "y"]


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """A number of time units."""

    count: int
    unit: TimeUnit


_SPAN = re.compile(r"([0-9]{1,12})([A-Za-z]*)")

UNITS: dict[str, TimeUnit] = {
    "us": "us",
    "ms": "ms",
    "cs": "cs",
    "ds": "ds",
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds", ""), "s"),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), "m"),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), "h"),
    **dict.fromkeys(("d", "day", "days"), "d"),
    **dict.fromkeys(("mon", "month", "months"), "mon"),
    **dict.fromkeys(("q", "qtr", "qtrs", "quarter", "quarters"), "q"),
    **dict.fromkeys(("y", "yr", "yrs", "year", "years"), "y"),
}


def time_span(scanner: Scanner) -> TimeSpan:
    """Read a length of time; a number without a unit is seconds.

    Raises:
        QueryError: the text is none, or has a unit that searchbnf.conf does not list.
    """
    scanner.skip()
    start = scanner.offset
    text = scanner.value("a length of time")
    match = _SPAN.fullmatch(text)
    if match is None:
        raise scanner.error(f"expected a length of time such as 6m, found {text!r}", scanner.span(start))
    # Units are written in small letters: `M` is not a month.
    unit = UNITS.get(match.group(2))
    if unit is None:
        raise scanner.error(
            f"the time unit {match.group(2)!r} is not supported",
            scanner.span(start),
            "units: us, ms, cs, ds, s, m, h, d, mon, q, y",
        )
    count = int(match.group(1))
    if count == 0:
        raise scanner.error("a length of time of zero", scanner.span(start))
    return TimeSpan(count, unit)


def seconds_of(span: TimeSpan) -> float | None:
    """Return the length in seconds; None for months and longer, which have no fixed length."""
    match span.unit:
        case "us":
            return span.count / 1_000_000
        case "ms":
            return span.count / 1000
        case "cs":
            return span.count / 100
        case "ds":
            return span.count / 10
        case "s":
            return span.count
        case "m":
            return span.count * 60
        case "h":
            return span.count * 3600
        case "d":
            return span.count * 86400
        case "mon" | "q" | "y":
            return None
        case unit:
            assert_never(unit)
