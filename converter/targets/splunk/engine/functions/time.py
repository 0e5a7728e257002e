"""Functions of times: `now`, `time`, `relative_time`. Times are epoch seconds; days begin at midnight UTC.

-1d@d+3h  ──once──> steps ──each time──> time
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from converter.targets.splunk.engine.functions.base import Function, number_argument, prepared
from converter.targets.splunk.engine.functions.strftime import EPOCH, moment_of
from converter.targets.splunk.engine.language.expression_code import Compiled
from converter.targets.splunk.engine.language.run_context import current
from converter.targets.splunk.engine.language.values import tidy

if TYPE_CHECKING:
    from collections.abc import Callable

    from converter.errors import QueryError
    from converter.targets.splunk.engine.language.expression_code import Compiler
    from converter.targets.splunk.engine.language.syntax import Call
    from converter.targets.splunk.engine.language.values import Row

_DAY = 86400

_UNITS: dict[str, str] = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), "m"),
    **dict.fromkeys(("h", "hr", "hrs", "hour", "hours"), "h"),
    **dict.fromkeys(("d", "day", "days"), "d"),
    **dict.fromkeys(("w", "week", "weeks"), "w"),
    **dict.fromkeys(("mon", "month", "months"), "mon"),
    **dict.fromkeys(("q", "qtr", "qtrs", "quarter", "quarters"), "q"),
    **dict.fromkeys(("y", "yr", "yrs", "year", "years"), "y"),
}
_FIXED = {"s": 1, "m": 60, "h": 3600, "d": _DAY, "w": 7 * _DAY}
_MODIFIER = re.compile(r"([+-])([0-9]{0,9})([a-z]+)|@(w[0-7]|[a-z]+)")


def _relative_time(compiler: Compiler, call: Call) -> Compiled:
    get = number_argument(compiler, call, compiler.compile(call.arguments[0]))

    def fail(message: str, hint: str) -> QueryError:
        return compiler.error(message, call.arguments[1].span, hint)

    get_steps = prepared(compiler, call, 1, lambda text: _steps(text, fail))

    def run(row: Row) -> int | float | None:
        seconds, steps = get(row), get_steps(row)
        return None if seconds is None or steps is None else _stepped(seconds, steps)

    return Compiled(run, "number")


def shifted(modifier: str, seconds: float, fail: Callable[[str, str], QueryError]) -> int | float:
    """Return the time that a relative time such as `-1d@d` stands for.

    Args:
        modifier: the relative time.
        seconds: the time that it is relative to.
        fail: makes an error of a message and a hint.

    Raises:
        QueryError: the text is not a relative time, or leads out of the calendar.
    """
    time = _stepped(seconds, _steps(modifier, fail))
    if time is None:
        raise fail(f"{modifier!r} leads out of the calendar", "")
    return time


def _stepped(seconds: float, steps: list[Callable[[datetime], datetime]]) -> int | float | None:
    moment = moment_of(seconds)
    try:
        for step in steps:
            moment = None if moment is None else step(moment)
    except (OverflowError, ValueError):
        return None
    return None if moment is None else tidy((moment - EPOCH) / timedelta(seconds=1))


def _steps(modifier: str, fail: Callable[[str, str], QueryError]) -> list[Callable[[datetime], datetime]]:
    """Split `-1d@d+3h` into steps, which are taken from left to right.

    Raises:
        QueryError: the text is not a relative time.
    """
    steps: list[Callable[[datetime], datetime]] = []
    position = 0
    while position < len(modifier):
        match = _MODIFIER.match(modifier, position)
        unit = _UNITS.get(match.group(3) or match.group(4), "") if match else ""
        weekday = match.group(4) if match and match.group(4) and match.group(4)[1:].isdigit() else None
        if match is None or not (unit or weekday):
            raise fail(f"{modifier!r} is not a relative time", "for example: -1d@d")
        if match.group(1):
            steps.append(_shift(int(match.group(2) or 1) * (-1 if match.group(1) == "-" else 1), unit))
        else:
            steps.append(_snap_weekday(int(weekday[1:]) % 7) if weekday else _snap(unit))
        position = match.end()
    if not steps:
        raise fail("an empty relative time", "for example: -1d@d")
    return steps


def _shift(count: int, unit: str) -> Callable[[datetime], datetime]:
    if unit in _FIXED:
        return lambda moment: moment + timedelta(seconds=count * _FIXED[unit])
    months = count * {"mon": 1, "q": 3, "y": 12}[unit]

    def run(moment: datetime) -> datetime:
        index = moment.year * 12 + moment.month - 1 + months
        for day in range(moment.day, 27, -1):
            try:
                return moment.replace(year=index // 12, month=index % 12 + 1, day=day)
            except ValueError:
                continue
        return moment.replace(year=index // 12, month=index % 12 + 1)

    return run


def _snap_weekday(day: int) -> Callable[[datetime], datetime]:
    """Return the step to the last such day of the week; 0 is Sunday."""

    def run(moment: datetime) -> datetime:
        start = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        return start - timedelta(days=(moment.weekday() + 1 - day) % 7)

    return run


def _snap(unit: str) -> Callable[[datetime], datetime]:
    if unit == "w":
        return _snap_weekday(0)

    def run(moment: datetime) -> datetime:
        moment = moment.replace(microsecond=0)
        if unit == "s":
            return moment
        moment = moment.replace(second=0)
        if unit == "m":
            return moment
        moment = moment.replace(minute=0)
        if unit == "h":
            return moment
        moment = moment.replace(hour=0)
        if unit == "d":
            return moment
        first = {"mon": moment.month, "q": moment.month - (moment.month - 1) % 3, "y": 1}[unit]
        return moment.replace(month=first, day=1)

    return run


def _clock(compiler: Compiler, call: Call) -> Compiled:
    """Compile `now` and `time`: the time of the run, which for `time` is the moment at which a row is looked at."""

    def run(_row: Row) -> int | float | None:
        now = current().now
        if now is None:
            raise compiler.error(
                f"{call.function}() needs the time of the run", call.span, "give it with --now, or write a fixed time"
            )
        return tidy(now)

    return Compiled(run, "number")


FUNCTIONS: dict[str, Function] = {
    "now": Function(0, 0, _clock),
    "time": Function(0, 0, _clock),
    "relative_time": Function(2, 2, _relative_time),
}
