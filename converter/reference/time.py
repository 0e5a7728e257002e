"""Read the time of an event, as nanoseconds since the epoch.

The time is in the first field of `TIME_FIELDS` that holds one. A string is ISO 8601 with any offset and any fraction
(without an offset it is UTC: CloudTrail, Windows and ECS all write UTC); a number is seconds, or milli-, micro- or
nanoseconds if it is too large for that.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

TIME_FIELDS: tuple[tuple[str, ...], ...] = (
    ("@timestamp",),
    ("_time",),
    ("eventTime",),
    ("timestamp",),
    ("time",),
    ("UtcTime",),
    ("TimeCreated",),
    ("Event", "System", "TimeCreated", "#attributes", "SystemTime"),
)
SECOND = 1_000_000_000
_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9})\d*)?)?\s*(Z|z|UTC|[+-]\d\d(?::?\d\d)?)?",
    re.ASCII,
)
_DECIMAL = re.compile(r"(\d+)(?:\.(\d{1,9})\d*)?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC).toordinal()
# Years 1 to 9999, beyond which datetime cannot show an instant.
_FIRST = (1 - _EPOCH) * 86400 * SECOND
_END = (datetime(9999, 12, 31, tzinfo=UTC).toordinal() + 1 - _EPOCH) * 86400 * SECOND
_MAX_DIGITS = 20
_UNITS = ((100_000_000_000, SECOND), (100_000_000_000_000, 1_000_000), (100_000_000_000_000_000, 1_000))


def event_time(event: Mapping[str, Any]) -> int | None:
    """Return the time of the event in nanoseconds since the epoch, or None if it has no usable time."""
    for path in TIME_FIELDS:
        value: Any = event
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        time = parse_time(value)
        if time is not None:
            return time
    return None


def parse_time(value: object) -> int | None:
    """Return an instant in nanoseconds since the epoch, or None if the value is not one."""
    if isinstance(value, str):
        return _parse_string(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not 0 <= value < 1e20:  # noqa: PLR2004  beyond nanoseconds of any year that a log could hold; also NaN
        return None
    return _parse_number(str(value) if isinstance(value, int) else format(Decimal(repr(value)), "f"))


def format_time(instant: int) -> str:
    """Return an instant as ISO 8601 in UTC, without trailing zeros in its fraction."""
    seconds, fraction = divmod(instant, SECOND)
    date = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat()
    return f"{date}.{fraction:09d}".rstrip("0") + "Z" if fraction else f"{date}Z"


@lru_cache(maxsize=65536)
def _parse_string(string: str) -> int | None:
    match = _ISO.fullmatch(string.strip())
    if match is None:
        return _parse_number(string.strip())
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    try:
        days = datetime(int(year), int(month), int(day), tzinfo=UTC).toordinal() - _EPOCH
    except ValueError:
        return None
    offset = _offset(zone)
    if int(hour) > 23 or int(minute) > 59 or int(second or 0) > 60 or offset is None:  # noqa: PLR2004  a leap second
        return None
    seconds = ((days * 24 + int(hour)) * 60 + int(minute)) * 60 + int(second or 0) - offset
    instant = seconds * SECOND + int((fraction or "").ljust(9, "0"))
    return instant if _FIRST <= instant < _END else None


def _offset(zone: str | None) -> int | None:
    """Return the seconds by which a zone is ahead of UTC; None if it is not a valid offset."""
    if zone is None or zone[0] not in "+-":
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    hours, minutes = int(digits[:2]), int(digits[2:])
    if hours > 23 or minutes > 59:  # noqa: PLR2004
        return None
    seconds = hours * 3600 + minutes * 60
    return -seconds if zone[0] == "-" else seconds


def _parse_number(digits: str) -> int | None:
    """Return the instant that a decimal number means, without the rounding of floats; its size gives its unit."""
    match = _DECIMAL.fullmatch(digits)
    if match is None or len(match[1]) > _MAX_DIGITS:
        return None
    whole = int(match[1])
    unit = next((unit for limit, unit in _UNITS if whole < limit), 1)
    return whole * unit + int((match[2] or "").ljust(9, "0")) * unit // SECOND
