"""Read the times in the settings of a saved search: cron lines, relative times, units.

cron_schedule ──cron_runs──> Runs          -11m@m ──read_relative──> Relative
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from converter.errors import suggest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from converter.targets.splunk.saved_search.conf import SavedSearch

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


@dataclass(frozen=True, slots=True)
class Runs:
    """When a cron line runs: at `offsets` in each cycle, in seconds; the first cycle begins with the epoch, in UTC."""

    cycle: int
    offsets: tuple[int, ...]


class CronError(ValueError):
    """A cron line that is none, or that is not simulated; `hint` may say what to write."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def read_cron(saved: SavedSearch, text: str) -> Runs:
    """Return when the cron line of a saved search runs.

    Raises:
        QueryError: as CronError, placed at the setting.
    """
    try:
        return cron_runs(text)
    except CronError as error:
        raise saved.error(str(error), "cron_schedule", error.hint) from None


def cron_runs(text: str) -> Runs:
    """Return when a cron line runs, over the shortest cycle that it repeats in.

    Raises:
        CronError: it is none, or it names days of the month or months, which differ in length.

    Source: savedsearches.conf.spec, cron_schedule: standard cron notation, without names of months or days.
    """
    fields = text.split()
    if len(fields) != len(_CRON_FIELDS):
        raise CronError(f"cron_schedule has {len(fields)} fields, not 5", "such as */5 * * * *")
    minutes, hours, month_days, months, days = (
        _cron_field(value, name, least, most) for value, (name, least, most) in zip(fields, _CRON_FIELDS, strict=True)
    )
    for chosen, value, (name, least, most) in zip((month_days, months), fields[2:4], _CRON_FIELDS[2:4], strict=True):
        if len(chosen) <= most - least:
            raise CronError(f"a cron_schedule with a {name} ({value}) is not simulated")
    times = [hour * 60 + minute for hour in sorted(hours) for minute in sorted(minutes)]
    # Day 0 of the epoch was a Thursday; 0 and 7 are Sunday.
    weekdays = {day % 7 for day in days}
    runs = [day * _DAY_MINUTES + time for day in range(7) if (day + 4) % 7 in weekdays for time in times]
    cycle = _shortest_cycle(runs)
    return Runs(cycle * _MINUTE, tuple(run * _MINUTE for run in runs if run < cycle))


_CRON_FIELDS = (
    ("minute", 0, 59), ("hour", 0, 23), ("day of the month", 1, 31), ("month", 1, 12), ("day of the week", 0, 7),
)  # fmt: skip
_WEEK_MINUTES = 7 * _DAY_MINUTES


def _shortest_cycle(runs: list[int]) -> int:
    """Return the shortest time, in minutes, after which the runs of a week repeat all through it."""
    every = set(runs)
    for count in range(len(runs), 0, -1):
        if len(runs) % count or _WEEK_MINUTES % count:
            continue
        cycle = _WEEK_MINUTES // count
        if all((run + cycle) % _WEEK_MINUTES in every for run in runs):
            return cycle
    return _WEEK_MINUTES


def _cron_field(text: str, name: str, least: int, most: int) -> set[int]:
    numbers: set[int] = set()
    for item in text.split(","):
        match = _CRON_ITEM.fullmatch(item)
        if match is None:
            hint = "Splunk's cron knows no names" if re.search("[a-zA-Z]", item) else "such as */5 or 0,30"
            raise CronError(f"the {name} {item!r} of cron_schedule is not known", hint)
        low, high, step = match.groups()
        first = int(low or least)
        last = most if low is None else int(high or low)
        if step is not None and low is not None and high is None:
            raise CronError(f"a step needs a range or *, not {item!r}, in cron_schedule")
        if first < least or first > last or last > most or step in {"0", "00"}:
            raise CronError(f"the {name} {item!r} of cron_schedule is out of range")
        numbers.update(range(first, last + 1, int(step or 1)))
    return numbers


def read_relative(saved: SavedSearch, key: str, text: str) -> Relative:
    """Return what the relative time `text` of the setting `key` means.

    Raises:
        QueryError: it is none, counts in months or longer, or has an unknown unit.
    """
    if text in {"now", "now()"}:
        return Relative()
    match = _RELATIVE.fullmatch(text)
    if match is None or not text:
        raise saved.error(
            f"{key} {text!r} is not a relative time that is simulated", key, "such as -11m, -11m@m or now"
        )
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
