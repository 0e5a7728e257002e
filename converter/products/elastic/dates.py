"""Read and write dates as a date field of Elasticsearch does: `strict_date_optional_time||epoch_millis`.

    text of a query ──span──> (first, last) millisecond since the epoch that it may mean
    JSON scalar of a document ──indexed──> the millisecond that a field holds
    string ──strict_date──> the millisecond, without `epoch_millis`         millisecond ──iso──> string

A time that is left out, wholly or in part, stands for all that it can be: "2026-01-31" is every millisecond of a day.
But a month or a day that is left out is the first: "2026-01" is every millisecond of the first of January.
Sources: NOTES.md, "Dates".
"""

from __future__ import annotations

import json
import re
from datetime import date
from functools import lru_cache
from typing import TypeAlias

Span: TypeAlias = tuple[int, int]

_OFFSET = r"[+-]\d\d(?::\d\d(?::\d\d)?|\d\d(?:\d\d)?)?"
# Year, month, day, hour, minute, second, fraction, zone.
_DATE = re.compile(
    r"(-?\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(?:(\d\d)(?::(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?"
    rf"(Z|GMT0|(?:UTC|GMT|UT)(?:[+-]\d|{_OFFSET})?|{_OFFSET})?)?)?)?)?",
    re.ASCII,
)
_EPOCH_MILLIS = re.compile(r"-?\d{1,19}(?:\.\d{0,6})?", re.ASCII)
_NOT_DIGITS = re.compile(r"[^0-9]+")
_LAST_MILLI = 2**63 - 1
_SECOND = 1_000
_MINUTE = 60 * _SECOND
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
_FARTHEST_ZONE = 18 * _HOUR
_HOURS, _MINUTES = 24, 60
_LAST_PLAIN_YEAR = 9_999
_EPOCH_DAY = date(1970, 1, 1).toordinal()
# The calendar repeats itself after 400 years, which takes it beyond the years that Python has.
_YEARS, _DAYS = 400, 146_097


@lru_cache(maxsize=65536)
def span(text: str) -> Span | None:
    """Return the first and the last millisecond that `text` may mean, or None if it is not a date.

    Zones with the name of a region are not known.
    """
    parts = _DATE.fullmatch(text)
    if parts is not None:
        return _span_of(parts)
    if _EPOCH_MILLIS.fullmatch(text) is None:
        return None
    whole, _, fraction = text.partition(".")
    at = int(whole) - (text[0] == "-" and fraction.strip("0") != "")  # a fraction is cut off, downwards
    return (at, at) if abs(at) <= _LAST_MILLI else None


def strict_date(text: str) -> int | None:
    """Return the first millisecond of a string in the format `strict_date_optional_time` alone, or None."""
    return _first(text) if _DATE.fullmatch(text) is not None else None


def indexed(value: object) -> int | None:
    """Return what a date field holds of a JSON scalar in a document, or None where it holds nothing.

    A number is read as its JSON text is, so that 2026 is a year.
    """
    if isinstance(value, str):
        return _first(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return _first(json.dumps(value))


def iso(millis: int) -> str:
    """Return a moment as Elasticsearch shows it: `2026-01-31T12:00:00.000Z`."""
    day, rest = divmod(millis, _DAY)
    hours, rest = divmod(rest, _HOUR)
    minutes, rest = divmod(rest, _MINUTE)
    seconds, rest = divmod(rest, _SECOND)
    return f"{_date_text(day)}T{hours:02d}:{minutes:02d}:{seconds:02d}.{rest:03d}Z"


def _first(text: str) -> int | None:
    both = span(text)
    return None if both is None else both[0]


def _span_of(parts: re.Match[str]) -> Span | None:
    year, month, day, hour, minute, second, fraction, zone = parts.groups()
    days = _day(int(year), int(month or 1), int(day or 1))
    if days is None:
        return None
    first = days * _DAY
    if hour is None:  # a zone needs an hour before it
        return first, first + _DAY - 1
    offset = 0 if zone is None or zone == "Z" else _offset(zone)
    hours, minutes, seconds = int(hour), int(minute or 0), int(second or 0)
    if offset is None or hours >= _HOURS or minutes >= _MINUTES or seconds >= _MINUTES:
        return None
    first += hours * _HOUR + minutes * _MINUTE + seconds * _SECOND - offset
    if minute is None:
        return first, first + _HOUR - 1
    if second is None:
        return first, first + _MINUTE - 1
    if fraction is None:
        return first, first + _SECOND - 1
    # A date field keeps milliseconds; what is finer is cut off. A fraction leaves nothing out: ".2" is 200 ms.
    first += int(fraction[:3].ljust(3, "0"))
    return first, first


@lru_cache(maxsize=256)
def _offset(zone: str) -> int | None:
    """Return how far a zone is ahead of UTC, in milliseconds; None if it is more than 18 hours away, or no time."""
    digits = _NOT_DIGITS.sub("", zone)
    if len(digits) == 1:
        digits = f"0{digits}"
    hours, minutes, seconds = (int(digits[at : at + 2] or 0) for at in (0, 2, 4))
    offset = hours * _HOUR + minutes * _MINUTE + seconds * _SECOND
    if minutes >= _MINUTES or seconds >= _MINUTES or offset > _FARTHEST_ZONE:
        return None
    return -offset if "-" in zone else offset


@lru_cache(maxsize=4096)
def _day(year: int, month: int, day: int) -> int | None:
    """Return the days from the epoch to a date of the proleptic calendar, or None if there is no such date."""
    cycles, year_of_cycle = divmod(year - 1, _YEARS)
    try:
        return date(year_of_cycle + 1, month, day).toordinal() + cycles * _DAYS - _EPOCH_DAY
    except ValueError:
        return None


@lru_cache(maxsize=4096)
def _date_text(day: int) -> str:
    """Return the date of a day since the epoch; a year of more than four digits has a sign."""
    cycles, day_of_cycle = divmod(day + _EPOCH_DAY - 1, _DAYS)
    moment = date.fromordinal(day_of_cycle + 1)
    year = moment.year + cycles * _YEARS
    sign = "-" if year < 0 else "+" if year > _LAST_PLAIN_YEAR else ""
    return f"{sign}{abs(year):04d}-{moment.month:02d}-{moment.day:02d}"
