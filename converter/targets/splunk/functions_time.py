"""Functions of times: `strftime`, `strptime`, `relative_time`. Times are epoch seconds, shown in UTC.

format ──once──> list of directives ──each value──> text or time
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from converter.targets.splunk.compiled import Compiled
from converter.targets.splunk.functions_base import Function, literal, number_argument, text_argument
from converter.targets.splunk.values import tidy

if TYPE_CHECKING:
    from collections.abc import Callable

    from converter.errors import QueryError
    from converter.targets.splunk.compiled import Compiler
    from converter.targets.splunk.syntax import Call, Span
    from converter.targets.splunk.values import Row

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DIRECTIVE = re.compile(r"%(?:([369])N|([A-Za-z%]))")
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DAY = 86400

_SHOW: dict[str, Callable[[datetime], str]] = {
    "Y": lambda t: f"{t.year:04d}",
    "y": lambda t: f"{t.year % 100:02d}",
    "m": lambda t: f"{t.month:02d}",
    "d": lambda t: f"{t.day:02d}",
    "e": lambda t: f"{t.day:2d}",
    "j": lambda t: f"{t.timetuple().tm_yday:03d}",
    "H": lambda t: f"{t.hour:02d}",
    "I": lambda t: f"{t.hour % 12 or 12:02d}",
    "M": lambda t: f"{t.minute:02d}",
    "S": lambda t: f"{t.second:02d}",
    "p": lambda t: "AM" if t.hour < 12 else "PM",  # noqa: PLR2004
    "B": lambda t: _MONTHS[t.month - 1],
    "b": lambda t: _MONTHS[t.month - 1][:3],
    "A": lambda t: _DAYS[t.weekday()],
    "a": lambda t: _DAYS[t.weekday()][:3],
    "w": lambda t: str((t.weekday() + 1) % 7),
    "F": lambda t: f"{t.year:04d}-{t.month:02d}-{t.day:02d}",
    "T": lambda t: f"{t.hour:02d}:{t.minute:02d}:{t.second:02d}",
    "s": lambda t: str((t - _EPOCH) // timedelta(seconds=1)),
    "z": lambda _: "+0000",
    "Z": lambda _: "UTC",
    "%": lambda _: "%",
    "3N": lambda t: f"{t.microsecond // 1000:03d}",
    "6N": lambda t: f"{t.microsecond:06d}",
    "9N": lambda t: f"{t.microsecond:06d}000",
}
_READ: dict[str, str] = {
    "Y": r"(?P<Y>[0-9]{4})",
    "m": r"(?P<m>[0-9]{1,2})",
    "d": r"(?P<d>[0-9]{1,2})",
    "e": r" ?(?P<d>[0-9]{1,2})",
    "H": r"(?P<H>[0-9]{1,2})",
    "I": r"(?P<I>[0-9]{1,2})",
    "M": r"(?P<M>[0-9]{1,2})",
    "S": r"(?P<S>[0-9]{1,2})",
    "p": r"(?P<p>[AaPp][Mm])",
    "B": r"(?P<b>[A-Za-z]{3,9})",
    "b": r"(?P<b>[A-Za-z]{3,9})",
    "F": r"(?P<Y>[0-9]{4})-(?P<m>[0-9]{1,2})-(?P<d>[0-9]{1,2})",
    "T": r"(?P<H>[0-9]{1,2}):(?P<M>[0-9]{1,2}):(?P<S>[0-9]{1,2})",
    "z": r"(?P<z>Z|[+-][0-9]{2}:?[0-9]{2})",
    "s": r"(?P<s>[0-9]{1,11})",
    "3N": r"(?P<N>[0-9]{3})",
    "6N": r"(?P<N>[0-9]{6})",
    "9N": r"(?P<N>[0-9]{9})",
    "%": "%",
}


def _moment(seconds: float) -> datetime | None:
    try:
        return _EPOCH + timedelta(microseconds=round(seconds * 1_000_000))
    except OverflowError:
        return None


def _seconds(moment: datetime) -> int | float | None:
    return tidy((moment - _EPOCH) / timedelta(seconds=1))


def _pieces(form: str, known: dict[str, object], fail: Callable[[str], QueryError]) -> list[tuple[bool, str]]:
    """Split a format into (is a directive, text).

    Raises:
        QueryError: it holds a directive that is not known.
    """
    pieces: list[tuple[bool, str]] = []
    position = 0
    while position < len(form):
        found = form.find("%", position)
        end = len(form) if found < 0 else found
        if end > position:
            pieces.append((False, form[position:end]))
        if found < 0:
            break
        match = _DIRECTIVE.match(form, found)
        name = (f"{match.group(1)}N" if match.group(1) else match.group(2)) if match else ""
        if match is None or name not in known:
            raise fail(f"the time format {form[found : found + 3]!r} is not supported")
        pieces.append((True, name))
        position = match.end()
    return pieces


def _strftime(compiler: Compiler, call: Call) -> Compiled:
    get = number_argument(compiler, call, compiler.compile(call.arguments[0]))
    form = literal(call, 1, compiler, "a time format")
    pieces = _pieces(form, dict(_SHOW), lambda message: compiler.error(message, call.arguments[1].span))

    def run(row: Row) -> str | None:
        seconds = get(row)
        moment = None if seconds is None else _moment(seconds)
        if moment is None:
            return None
        return "".join(_SHOW[text](moment) if directive else text for directive, text in pieces)

    return Compiled(run, "string")


def _strptime(compiler: Compiler, call: Call) -> Compiled:
    get = text_argument(compiler, call, compiler.compile(call.arguments[0]))
    form = literal(call, 1, compiler, "a time format")

    def fail(message: str) -> QueryError:
        return compiler.error(message, call.arguments[1].span)

    pieces = _pieces(form, dict(_READ), fail)
    try:
        expression = re.compile("".join(_READ[text] if directive else re.escape(text) for directive, text in pieces))
    except re.error:
        raise fail(f"the time format {form!r} names a part twice") from None
    parts = set(expression.groupindex)
    # What Splunk takes for the parts of a date that are not given depends on the day of the search.
    if "s" not in parts and not {"Y", "d"} <= parts | ({"d"} if "j" in parts else set()):
        raise fail("a time format without year, month and day is not supported")
    if "s" not in parts and not parts & {"m", "b"}:
        raise fail("a time format without year, month and day is not supported")

    @lru_cache(maxsize=4096)
    def parse(text: str) -> int | float | None:
        match = expression.match(text)
        return None if match is None else _read(match.groupdict())

    def run(row: Row) -> int | float | None:
        text = get(row)
        return None if text is None else parse(text)

    return Compiled(run, "number")


def _read(parts: dict[str, str]) -> int | float | None:
    if "s" in parts:
        seconds: int | float = int(parts["s"])
    else:
        month = int(parts["m"]) if "m" in parts else _month(parts["b"])
        hour = int(parts.get("H", 0))
        if "I" in parts:
            hour = int(parts["I"]) % 12 + (12 if parts.get("p", "am").lower() == "pm" else 0)
        try:
            moment = datetime(
                int(parts["Y"]),
                month,
                int(parts["d"]),
                hour,
                int(parts.get("M", 0)),
                int(parts.get("S", 0)),
                tzinfo=UTC,
            )
        except ValueError:
            return None
        seconds = (moment - _EPOCH) // timedelta(seconds=1)
    if zone := parts.get("z"):
        seconds -= _offset(zone)
    if fraction := parts.get("N"):
        seconds += int(fraction) / 10 ** len(fraction)
    return tidy(seconds)


def _month(name: str) -> int:
    for number, month in enumerate(_MONTHS, 1):
        if name.lower() in (month.lower(), month[:3].lower()):
            return number
    return 0


def _offset(zone: str) -> int:
    if zone == "Z":
        return 0
    digits = zone[1:].replace(":", "")
    seconds = int(digits[:2]) * 3600 + int(digits[2:]) * 60
    return -seconds if zone[0] == "-" else seconds


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
    modifier = literal(call, 1, compiler, "a relative time")
    steps = _steps(modifier, compiler, call.arguments[1].span)

    def run(row: Row) -> int | float | None:
        seconds = get(row)
        moment = None if seconds is None else _moment(seconds)
        try:
            for step in steps:
                moment = None if moment is None else step(moment)
        except (OverflowError, ValueError):
            return None
        return None if moment is None else _seconds(moment)

    return Compiled(run, "number")


def _steps(modifier: str, compiler: Compiler, span: Span) -> list[Callable[[datetime], datetime]]:
    """Split `-1d@d+3h` into steps, which are taken from left to right.

    Raises:
        QueryError: the text is no relative time.
    """
    steps: list[Callable[[datetime], datetime]] = []
    position = 0
    while position < len(modifier):
        match = _MODIFIER.match(modifier, position)
        unit = _UNITS.get(match.group(3) or match.group(4), "") if match else ""
        weekday = match.group(4) if match and match.group(4) and match.group(4)[1:].isdigit() else None
        if match is None or not (unit or weekday):
            raise compiler.error(f"{modifier!r} is no relative time", span, "for example: -1d@d")
        if match.group(1):
            steps.append(_shift(int(match.group(2) or 1) * (-1 if match.group(1) == "-" else 1), unit))
        else:
            steps.append(_snap_weekday(int(weekday[1:]) % 7) if weekday else _snap(unit))
        position = match.end()
    if not steps:
        raise compiler.error("an empty relative time", span, "for example: -1d@d")
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


FUNCTIONS: dict[str, Function] = {
    "strftime": Function(2, 2, _strftime),
    "strptime": Function(2, 2, _strptime),
    "relative_time": Function(2, 2, _relative_time),
}
