"""Moments and spans of time: units, rounding, differences, parts, formats.

A datetime is an int: milliseconds since 1970-01-01T00:00:00Z; the product keeps no finer resolution in it. A
`date_period` is a `Period` (calendar units), a `time_duration` an int of milliseconds. Everything is UTC.
Source: Elasticsearch docs "ES|QL time spans", "DATE_TRUNC", "DATE_DIFF", "DATE_EXTRACT"; class `DateTrunc`,
`DateUtils`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_MONTHS = 12
_MONDAY_OFFSET = 3  # 1970-01-01 was a Thursday

DURATION_UNITS = {
    **dict.fromkeys(("millisecond", "milliseconds", "ms"), 1),
    **dict.fromkeys(("second", "seconds", "sec", "s"), SECOND),
    **dict.fromkeys(("minute", "minutes", "min", "m"), MINUTE),
    **dict.fromkeys(("hour", "hours", "h"), HOUR),
}


@dataclass(frozen=True, slots=True)
class Period:
    """A calendar span: months (a year is 12) and days (a week is 7)."""

    months: int = 0
    days: int = 0

    def __neg__(self) -> Period:
        return Period(-self.months, -self.days)


PERIOD_UNITS = {
    **dict.fromkeys(("day", "days", "d"), Period(days=1)),
    **dict.fromkeys(("week", "weeks", "w"), Period(days=7)),
    **dict.fromkeys(("month", "months", "mo"), Period(months=1)),
    **dict.fromkeys(("quarter", "quarters", "q"), Period(months=3)),
    **dict.fromkeys(("year", "years", "yr", "y"), Period(months=12)),
}


def to_datetime(millis: int) -> datetime:
    """Return a datetime in UTC.

    Raises:
        OverflowError: outside the years 1 to 9999.
    """
    return _EPOCH + timedelta(milliseconds=millis)


def from_datetime(moment: datetime) -> int:
    """Return epoch milliseconds."""
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def add_period(millis: int, period: Period) -> int:
    """Return a moment moved by a calendar span; the day is cut to the length of the month, as in java.time.

    Raises:
        OverflowError, ValueError: outside the years 1 to 9999.
    """
    moment = to_datetime(millis)
    if period.months:
        index = moment.year * _MONTHS + moment.month - 1 + period.months
        year, month = divmod(index, _MONTHS)
        last = (date(year + (month + 1) // _MONTHS, (month + 1) % _MONTHS + 1, 1) - timedelta(days=1)).day
        moment = moment.replace(year=year, month=month + 1, day=min(moment.day, last))
    return from_datetime(moment + timedelta(days=period.days))


def truncate(millis: int, span: int | Period) -> int:
    """Return the start of the bucket that holds a moment.

    A duration, and a number of days that is neither 1 nor 7, counts from the epoch; a week starts on Monday; months
    and years count from the year 1.
    """
    if isinstance(span, int):
        return millis - millis % span
    if span.days == 7:  # noqa: PLR2004
        day = millis // DAY
        return (day - (day + _MONDAY_OFFSET) % 7) * DAY
    if span.days:
        return millis - millis % (span.days * DAY)
    moment = to_datetime(millis)
    index = (moment.year - 1) * _MONTHS + moment.month - 1
    year, month = divmod(index - index % span.months, _MONTHS)
    return (date(year + 1, month + 1, 1).toordinal() - _EPOCH_DAY) * DAY


_DIFFERENCE_UNITS: dict[str, tuple[str, int]] = {
    **dict.fromkeys(("year", "years", "yyyy", "yy"), ("months", 12)),
    **dict.fromkeys(("quarter", "quarters", "qq", "q"), ("months", 3)),
    **dict.fromkeys(("month", "months", "mm", "m"), ("months", 1)),
    **dict.fromkeys(("dayofyear", "dy", "y"), ("millis", DAY)),
    **dict.fromkeys(("day", "days", "dd", "d"), ("millis", DAY)),
    **dict.fromkeys(("week", "weeks", "wk", "ww"), ("millis", WEEK)),
    **dict.fromkeys(("weekday", "weekdays", "dw"), ("millis", DAY)),
    **dict.fromkeys(("hour", "hours", "hh"), ("millis", HOUR)),
    **dict.fromkeys(("minute", "minutes", "mi", "n"), ("millis", MINUTE)),
    **dict.fromkeys(("second", "seconds", "ss", "s"), ("millis", SECOND)),
    **dict.fromkeys(("millisecond", "milliseconds", "ms"), ("millis", 1)),
    **dict.fromkeys(("microsecond", "microseconds", "mcs"), ("finer", 1_000)),
    **dict.fromkeys(("nanosecond", "nanoseconds", "ns"), ("finer", 1_000_000)),
}
DIFFERENCE_UNITS = frozenset(_DIFFERENCE_UNITS)


def difference(unit: str, start: int, end: int) -> int:
    """Return how many whole units lie between two moments, towards zero; `unit` is one of DIFFERENCE_UNITS."""
    kind, size = _DIFFERENCE_UNITS[unit]
    if kind == "finer":
        return (end - start) * size
    if kind == "millis":
        gap = end - start
        return gap // size if gap >= 0 else -(-gap // size)
    months = _whole_months(start, end)
    return months // size if months >= 0 else -(-months // size)


def _whole_months(start: int, end: int) -> int:
    """Return whole months towards zero: whole days first, then months of dates, as `ChronoUnit.MONTHS.between`."""
    first, last = to_datetime(start), to_datetime(end)
    last_day = last.date()
    if last_day > first.date() and last.time() < first.time():
        last_day -= timedelta(days=1)
    elif last_day < first.date() and last.time() > first.time():
        last_day += timedelta(days=1)
    months = (last_day.year - first.year) * _MONTHS + last_day.month - first.month
    if months > 0 and last_day.day < first.day:
        months -= 1
    elif months < 0 and last_day.day > first.day:
        months += 1
    return months


_EXTRACTORS = {
    "YEAR": lambda moment: moment.year,
    "MONTH_OF_YEAR": lambda moment: moment.month,
    "DAY_OF_MONTH": lambda moment: moment.day,
    "DAY_OF_WEEK": lambda moment: moment.isoweekday(),
    "DAY_OF_YEAR": lambda moment: moment.timetuple().tm_yday,
    "HOUR_OF_DAY": lambda moment: moment.hour,
    "MINUTE_OF_HOUR": lambda moment: moment.minute,
    "MINUTE_OF_DAY": lambda moment: moment.hour * 60 + moment.minute,
    "SECOND_OF_MINUTE": lambda moment: moment.second,
    "SECOND_OF_DAY": lambda moment: moment.hour * 3600 + moment.minute * 60 + moment.second,
    "MILLI_OF_SECOND": lambda moment: moment.microsecond // 1000,
    "EPOCH_DAY": lambda moment: moment.toordinal() - _EPOCH_DAY,
}
EXTRACT_PARTS = frozenset(_EXTRACTORS)


def extract(part: str, millis: int) -> int:
    """Return a part of a moment; `part` is one of EXTRACT_PARTS."""
    return int(_EXTRACTORS[part](to_datetime(millis)))


_FORMAT_LETTERS = {"yyyy": "%Y", "uuuu": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}
_FORMAT_TOKEN = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+", re.DOTALL)


def compile_format(pattern: str) -> tuple[str, ...] | None:
    """Return the pieces of a Java date pattern, or None if it has a letter that this engine does not know.

    Known: yyyy, uuuu, MM, dd, HH, mm, ss, SSS, and text in single quotes.
    """
    pieces: list[str] = []
    position = 0
    for match in _FORMAT_TOKEN.finditer(pattern):
        if match.start() != position:
            return None
        position = match.end()
        piece = match[0]
        if piece == "''":
            pieces.append("'")
        elif piece[0] == "'":
            pieces.append(match[1].replace("''", "'").replace("%", "%%"))
        elif piece in _FORMAT_LETTERS:
            pieces.append(_FORMAT_LETTERS[piece])
        elif piece == "SSS":
            pieces.append(piece)
        elif piece[0].isalpha():
            return None
        else:
            pieces.append(piece.replace("%", "%%"))
    return tuple(pieces) if position == len(pattern) else None


def format_with(pieces: tuple[str, ...], millis: int) -> str:
    """Return a moment in a compiled format."""
    moment = to_datetime(millis)
    out: list[str] = []
    for piece in pieces:
        if piece == "SSS":
            out.append(f"{moment.microsecond // 1000:03d}")
        elif piece == "%Y":
            out.append(f"{moment.year:04d}")
        else:
            out.append(moment.strftime(piece))
    return "".join(out)
