"""The times between the runs of a cron line that a user gives.

cron line ──five sets of numbers──> minutes of a week at which it runs ──> gaps between them
"""

from __future__ import annotations

import re
from itertools import pairwise

from converter.errors import ConfigurationError

_ITEM = re.compile(r"(?P<every>\*)|(?P<first>[0-9]{1,2})(-(?P<last>[0-9]{1,2}))?", re.ASCII)
_STEP = re.compile(r"[1-9][0-9]?", re.ASCII)
_FIELDS = {
    "minute": range(60), "hour": range(24), "day of the month": range(1, 32), "month": range(1, 13),
    "day of the week": range(8),
}  # fmt: skip
_HINT = "such as */10 * * * * or 0 8-17 * * 1-5"
_DAY, _WEEK = 1440, 10_080


def gaps(cron: str) -> list[int]:
    """Return the seconds between one run and the next, over a week.

    Raises:
        ConfigurationError: no cron line, or one of certain days of the month or certain months.

    Source: savedsearches.conf.spec, cron_schedule: standard notation, without names of months or days.
    """
    texts = cron.split()
    if len(texts) != len(_FIELDS):
        raise ConfigurationError(f"the cron line {cron!r} has {len(texts)} fields, not 5", hint=_HINT)
    chosen = {name: _numbers(name, text) for name, text in zip(_FIELDS, texts, strict=True)}
    for name in ("day of the month", "month"):
        if chosen[name] != set(_FIELDS[name]):
            raise ConfigurationError(
                f"a cron line with a {name} is not simulated", hint="months differ in length; name days of the week"
            )
    days = {day % 7 for day in chosen["day of the week"]}
    runs = sorted(
        day * _DAY + hour * 60 + minute for day in days for hour in chosen["hour"] for minute in chosen["minute"]
    )
    return [60 * (after - before) for before, after in pairwise([*runs, runs[0] + _WEEK])]


def _numbers(name: str, text: str) -> set[int]:
    allowed = _FIELDS[name]
    numbers: set[int] = set()
    for item in text.split(","):
        body, slash, step = item.partition("/")
        match = _ITEM.fullmatch(body)
        if match is None or (slash and not _STEP.fullmatch(step)):
            hint = "Splunk's cron knows no names" if re.search("[a-zA-Z]", item) else _HINT
            raise ConfigurationError(f"the {name} {item!r} of the cron line is none", hint=hint)
        first = allowed[0] if match["every"] else int(match["first"])
        last = allowed[-1] if match["every"] else int(match["last"] or first)
        if slash and not match["every"] and not match["last"]:
            raise ConfigurationError(f"a step needs a range or *, not {item!r}", hint=_HINT)
        if first > last or first not in allowed or last not in allowed:
            raise ConfigurationError(f"the {name} {item!r} of the cron line is out of range", hint=_HINT)
        numbers.update(range(first, last + 1, int(step or 1)))
    return numbers
