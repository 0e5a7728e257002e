"""Read the times in the settings of a saved search: cron lines, relative times, units.

cron_schedule ──read_cron──> interval and first run          -11m@m ──read_relative──> Relative
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from converter.errors import suggest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from converter.targets.splunk.conf import SavedSearch

MICRO = 1_000_000
"""Microseconds in a second."""

_MINUTE, _HOUR, _DAY, _WEEK = 60, 3_600, 86_400, 604_800
_DAY_MINUTES = 1_440

_UNITS: Mapping[str, int] = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), _MINUTE),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), _HOUR),
    **dict.fromkeys(("d", "day", "days"), _DAY),
    **dict.fromkeys(("w", "week", "weeks"), _WEEK),
}
_CALENDAR = frozenset(
    {"mon", "month", "months", "q", "qtr", "qtrs", "quarter", "quarters", "y", "yr", "yrs", "year", "years"}
)
_SUNDAY = 3 * _DAY  # 1970-01-04
_RELATIVE = re.compile(
    r"(?:(?P<offset>[+-]\d{0,9}[a-zA-Z]+))?(?:@(?P<snap>[a-zA-Z]+\d?)(?P<tail>(?:[+-]\d{0,9}[a-zA-Z]+)*))?"
)
_OFFSET = re.compile(r"([+-])(\d{0,9})([a-zA-Z]+)")
_CRON_ITEM = re.compile(r"(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:/(\d{1,2}))?")


@dataclass(frozen=True, slots=True)
class Relative:
    """A time such as `-11m@m`: an offset, then a snap down to a unit, then more offsets; in microseconds."""

    offset: int = 0
    snap: int = 0
    snap_origin: int = 0
    tail: int = 0

    def at(self, clock: int) -> int:
        """Return the moment that this means at `clock`."""
        moment = clock + self.offset
        if self.snap:
            moment -= (moment - self.snap_origin) % self.snap
        return moment + self.tail


def read_cron(saved: SavedSearch, text: str) -> tuple[int, int]:
    """Return the interval and the first run after midnight of a cron line, in seconds.

    Raises:
        QueryError: it is none, its runs are not evenly spaced, or it names days or months.
    """
    fields = text.split()
    if len(fields) != len(_CRON_FIELDS):
        raise saved.error(f"cron_schedule has {len(fields)} fields, not 5", "cron_schedule", "such as */5 * * * *")
    for value, (field, _) in list(zip(fields, _CRON_FIELDS, strict=True))[2:]:
        if value != "*":
            raise saved.error(f"a cron_schedule with a {field} ({value}) is not simulated", "cron_schedule")
    minutes, hours = (
        _cron_field(saved, value, name, most)
        for value, (name, most) in list(zip(fields, _CRON_FIELDS, strict=True))[:2]
    )
    runs = sorted(hour * 60 + minute for hour in hours for minute in minutes)
    gaps = {
        (after - before) % _DAY_MINUTES or _DAY_MINUTES
        for before, after in zip(runs, [*runs[1:], runs[0]], strict=True)
    }
    if len(gaps) > 1:
        raise saved.error(f"the runs of cron_schedule {text!r} are not evenly spaced", "cron_schedule")
    return gaps.pop() * _MINUTE, runs[0] * _MINUTE


_CRON_FIELDS = (("minute", 59), ("hour", 23), ("day of the month", 31), ("month", 12), ("day of the week", 7))


def _cron_field(saved: SavedSearch, text: str, name: str, most: int) -> set[int]:
    found: set[int] = set()
    for item in text.split(","):
        match = _CRON_ITEM.fullmatch(item)
        if match is None:
            raise saved.error(
                f"the {name} {item!r} of cron_schedule is not known", "cron_schedule", "such as */5 or 0,30"
            )
        low, high, step = match.groups()
        first = int(low or 0)
        last = most if low is None else int(high or low)
        if step is not None and low is not None and high is None:
            raise saved.error(f"a step needs a range or *, not {item!r}, in cron_schedule", "cron_schedule")
        if first > last or last > most or step in {"0", "00"}:
            raise saved.error(f"the {name} {item!r} of cron_schedule is out of range", "cron_schedule")
        found.update(range(first, last + 1, int(step or 1)))
    return found


def read_relative(saved: SavedSearch, key: str, text: str) -> Relative:
    """Return what the relative time `text` of the setting `key` means.

    Raises:
        QueryError: it is none, counts in months or longer, or has an unknown unit.
    """
    if text in {"now", "now()"}:
        return Relative()
    match = _RELATIVE.fullmatch(text)
    if match is None or not text:
        raise saved.error(f"{key} {text!r} is no relative time that is simulated", key, "such as -11m, -11m@m or now")
    snap, origin = _snap(saved, key, match["snap"]) if match["snap"] else (0, 0)
    return Relative(
        offset=_offsets(saved, key, match["offset"] or ""),
        snap=snap * MICRO,
        snap_origin=origin * MICRO,
        tail=_offsets(saved, key, match["tail"] or ""),
    )


def _offsets(saved: SavedSearch, key: str, text: str) -> int:
    total = 0
    for sign, count, unit in _OFFSET.findall(text):
        amount = int(count or 1) * read_unit(saved, key, unit)
        total += -amount if sign == "-" else amount
    return total * MICRO


def _snap(saved: SavedSearch, key: str, unit: str) -> tuple[int, int]:
    """Return the length of a snap and the moment that it is counted from, in seconds."""
    if re.fullmatch("w[0-7]", unit):
        return _WEEK, _SUNDAY + int(unit[1]) % 7 * _DAY
    length = read_unit(saved, key, unit)
    return length, _SUNDAY if length == _WEEK else 0


def read_unit(saved: SavedSearch, key: str, unit: str) -> int:
    """Return how many seconds a unit of time has; refuse those whose length varies."""
    length = _UNITS.get(unit)
    if length is None:
        if unit in _CALENDAR:
            raise saved.error(f"{key} counts in {unit!r}, whose length varies; that is not simulated", key)
        raise saved.error(f"{key} has the unknown unit {unit!r}", key, suggest(unit, [*_UNITS, *_CALENDAR]))
    return length
