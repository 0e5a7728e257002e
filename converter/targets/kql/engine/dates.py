"""Read dates the way Elasticsearch's `strict_date_optional_time||epoch_millis` does.

    text or number ──span──> (first, last) millisecond since the epoch that it may mean

A time that is left out, wholly or in part, stands for all that it can be: "2026-01-31" is every millisecond of a day.
But a month or a day that is left out is the first: "2026-01" is every millisecond of the first of January.
"""

from __future__ import annotations

import re
from functools import lru_cache
from math import floor, isfinite
from typing import TypeAlias

Span: TypeAlias = tuple[int, int]

_DATE = re.compile(
    r"(?P<year>-?\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:T(?:(?P<hour>\d\d)(?::(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?)?)?"
    r"(?P<zone>Z|UTC|GMT|UT|[+-]\d\d(?::?\d\d(?::?\d\d)?)?|(?:UTC|GMT|UT)[+-]\d{1,2}(?::\d\d(?::\d\d)?)?)?)?)?)?)?",
    re.ASCII,
)
_EPOCH = re.compile(r"-?\d{1,18}(?:\.\d{0,6})?", re.ASCII)
_DAY = 86_400_000
_HOUR = 3_600_000
_MINUTE = 60_000
_SECOND = 1_000
_MOST_OFFSET = 18 * _HOUR
_MONTH_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_DAYS_TO_EPOCH = 719_162  # from the first day of the year 1


@lru_cache(maxsize=65536)
def span(value: str | float) -> Span | None:
    """Return the first and the last millisecond that `value` may mean, or None if it is no date.

    A number in a document is read as its text is: 2026 is a year. Zones with the name of a region are not known.

    Source: Elasticsearch reference, "format" (strict_date_optional_time) and "Range query" (missing date components);
    the rest by the referee, NOTES.md.
    """
    if isinstance(value, bool):
        return None
    if not isinstance(value, str):
        return span(str(value)) if isinstance(value, int) else _of_float(value)
    match = _DATE.fullmatch(value)
    if match is not None:
        return _span(match)
    if _EPOCH.fullmatch(value) is not None:
        whole, _, fraction = value.partition(".")
        # A fraction of a millisecond is cut off, downwards.
        at = int(whole) - (value.startswith("-") and fraction.strip("0") != "")
        return at, at
    return None


def _of_float(value: float) -> Span | None:
    return (floor(value), floor(value)) if isfinite(value) else None


def _day(year: int, month: int, day: int) -> int | None:
    """Return the days from the epoch to a date of the proleptic calendar, or None if there is no such date."""
    if not 1 <= month <= len(_MONTH_DAYS):
        return None
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    days = _MONTH_DAYS[month - 1] + (leap and month == 2)  # noqa: PLR2004  February
    if not 1 <= day <= days:
        return None
    before = year - 1
    passed = before * 365 + before // 4 - before // 100 + before // 400
    return passed + sum(_MONTH_DAYS[: month - 1]) + (leap and month > 2) + day - 1 - _DAYS_TO_EPOCH  # noqa: PLR2004


def _span(match: re.Match[str]) -> Span | None:
    found = _day(int(match["year"]), int(match["month"] or 1), int(match["day"] or 1))
    if found is None:
        return None
    first = found * _DAY
    if match["hour"] is None:
        return (first, first + _DAY - 1) if match["zone"] is None else None
    offset = _offset(match["zone"])
    if offset is None:
        return None
    first -= offset
    hour, minute, second = int(match["hour"]), int(match["minute"] or 0), int(match["second"] or 0)
    if hour > 23 or minute > 59 or second > 59:  # noqa: PLR2004 - the clock
        return None
    first += hour * _HOUR + minute * _MINUTE + second * _SECOND
    if match["minute"] is None:
        return first, first + _HOUR - 1
    if match["second"] is None:
        return first, first + _MINUTE - 1
    if match["fraction"] is None:
        return first, first + _SECOND - 1
    # A date field keeps milliseconds; what is finer is cut off. A fraction leaves nothing out: ".2" is 200 ms.
    first += int(match["fraction"][:3].ljust(3, "0"))
    return first, first


def _offset(zone: str | None) -> int | None:
    sign = (zone or "").lstrip("UTCGMZ")
    if not sign:
        return 0
    parts = sign[1:].split(":") if ":" in sign else [sign[1:][at : at + 2] for at in range(0, len(sign) - 1, 2)]
    hours, minutes, seconds = (*map(int, parts), 0, 0)[:3]
    offset = hours * _HOUR + minutes * _MINUTE + seconds * _SECOND
    if minutes > 59 or seconds > 59 or offset > _MOST_OFFSET:  # noqa: PLR2004  the clock
        return None
    return -offset if sign[0] == "-" else offset
