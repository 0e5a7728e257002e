"""Read dates the way Elasticsearch's `strict_date_optional_time||epoch_millis` does.

    text or number ──span──> (first, last) millisecond since the epoch that it may mean

A time that is left out, wholly or in part, stands for all that it can be: "2026-01-31" is every millisecond of a day.
But a month or a day that is left out is the first: "2026-01" is every millisecond of the first of January.
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from math import isfinite
from typing import TypeAlias

Span: TypeAlias = tuple[int, int]

_DATE = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:T(?P<hour>\d\d)(?::(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?)?)?"
    r"(?P<zone>Z|[+-]\d\d(?::?\d\d)?)?)?)?)?"
)
_EPOCH = re.compile(r"-?\d{1,19}")
_DAY = 86_400_000
_HOUR = 3_600_000
_MINUTE = 60_000
_SECOND = 1_000
_EPOCH_DAY = date(1970, 1, 1).toordinal()


@lru_cache(maxsize=65536)
def span(value: str | float) -> Span | None:
    """Return the first and the last millisecond that `value` may mean, or None if it is no date.

    Source: Elasticsearch reference, "format" (strict_date_optional_time) and "Range query" (missing date components).
    """
    if isinstance(value, bool):
        return None
    if not isinstance(value, str):
        return (int(value), int(value)) if isfinite(value) else None
    match = _DATE.fullmatch(value)
    if match is not None:
        return _span(match)
    if _EPOCH.fullmatch(value) is not None:
        return int(value), int(value)
    return None


def _span(match: re.Match[str]) -> Span | None:
    year, month, day = int(match["year"]), int(match["month"] or 1), int(match["day"] or 1)
    try:
        first = (date(year, month, day).toordinal() - _EPOCH_DAY) * _DAY
    except ValueError:
        return None
    if match["hour"] is None:
        return first, first + _DAY - 1
    first -= _offset(match["zone"])
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


def _offset(zone: str | None) -> int:
    if zone is None or zone == "Z":
        return 0
    digits = zone[1:].replace(":", "")
    offset = int(digits[:2]) * _HOUR + int(digits[2:] or 0) * _MINUTE
    return -offset if zone[0] == "-" else offset
