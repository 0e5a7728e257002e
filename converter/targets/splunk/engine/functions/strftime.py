"""Times as text: `strftime` and `strptime`. Times are epoch seconds, shown in UTC.

format ──once──> list of directives ──each value──> text or time
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from converter.targets.splunk.engine.functions.base import Function, number_argument, prepared, text_argument
from converter.targets.splunk.engine.language.expression_code import Compiled
from converter.targets.splunk.engine.language.values import tidy

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from converter.errors import QueryError
    from converter.targets.splunk.engine.language.expression_code import Compiler
    from converter.targets.splunk.engine.language.syntax import Call
    from converter.targets.splunk.engine.language.values import Row

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DIRECTIVE = re.compile(r"%([1-9][NQ]|:{1,3}z|[A-Za-z%+])")
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
# strptime reads no earlier dates.
_FIRST_YEAR = 1971


def _clock(t: datetime) -> str:
    return f"{t.hour:02d}:{t.minute:02d}:{t.second:02d}"


def _day_and_clock(t: datetime) -> str:
    return f"{_DAYS[t.weekday()][:3]} {_MONTHS[t.month - 1][:3]} {t.day:2d} {_clock(t)}"


def _fraction(digits: int) -> Callable[[datetime], str]:
    return lambda t: f"{t.microsecond:06d}000"[:digits]


_SHOW: dict[str, Callable[[datetime], str]] = {
    "Y": lambda t: f"{t.year:04d}",
    "y": lambda t: f"{t.year % 100:02d}",
    "C": lambda t: f"{t.year // 100:02d}",
    "G": lambda t: f"{t.isocalendar().year:04d}",
    "g": lambda t: f"{t.isocalendar().year % 100:02d}",
    "m": lambda t: f"{t.month:02d}",
    "d": lambda t: f"{t.day:02d}",
    "e": lambda t: f"{t.day:2d}",
    "j": lambda t: f"{t.timetuple().tm_yday:03d}",
    "V": lambda t: f"{t.isocalendar().week:02d}",
    "U": lambda t: f"{(t.timetuple().tm_yday + 6 - (t.weekday() + 1) % 7) // 7:02d}",
    "H": lambda t: f"{t.hour:02d}",
    "k": lambda t: f"{t.hour:2d}",
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
    "T": _clock,
    # The formats of US English, which is what the documentation shows of those that depend on the server.
    "c": lambda t: f"{_day_and_clock(t)} {t.year:04d}",
    "+": lambda t: f"{_day_and_clock(t)} UTC {t.year:04d}",
    "s": lambda t: str((t - EPOCH) // timedelta(seconds=1)),
    "z": lambda _: "+0000",
    ":z": lambda _: "+00:00",
    "::z": lambda _: "+00:00:00",
    ":::z": lambda _: "+00",
    "Z": lambda _: "UTC",
    "%": lambda _: "%",
    "f": _fraction(6),
    "N": _fraction(9),
    "Q": _fraction(3),
    **{f"{digits}{letter}": _fraction(digits) for digits in range(1, 10) for letter in "NQ"},
}
_READ: dict[str, str] = {
    "Y": r"(?P<Y>[0-9]{4})",
    "y": r"(?P<y>[0-9]{1,2})",
    "m": r"(?P<m>[0-9]{1,2})",
    "d": r"(?P<d>[0-9]{1,2})",
    "e": r" ?(?P<d>[0-9]{1,2})",
    "j": r"(?P<j>[0-9]{1,3})",
    "H": r"(?P<H>[0-9]{1,2})",
    "k": r" ?(?P<H>[0-9]{1,2})",
    "I": r"(?P<I>[0-9]{1,2})",
    "M": r"(?P<M>[0-9]{1,2})",
    "S": r"(?P<S>[0-9]{1,2})",
    "p": r"(?P<p>[AaPp][Mm])",
    "B": r"(?P<b>[A-Za-z]{3,9})",
    "b": r"(?P<b>[A-Za-z]{3,9})",
    "A": r"(?P<a>[A-Za-z]{3,9})",
    "a": r"(?P<a>[A-Za-z]{3,9})",
    "F": r"(?P<Y>[0-9]{4})-(?P<m>[0-9]{1,2})-(?P<d>[0-9]{1,2})",
    "T": r"(?P<H>[0-9]{1,2}):(?P<M>[0-9]{1,2}):(?P<S>[0-9]{1,2})",
    **dict.fromkeys(("z", ":z"), r"(?P<z>Z|[+-][0-9]{2}:?[0-9]{2})"),
    "s": r"(?P<s>[0-9]{1,11})",
    "%": "%",
    "f": r"(?P<N>[0-9]{1,6})",
    **dict.fromkeys(("N", "Q"), r"(?P<N>[0-9]{1,9})"),
    **{f"{digits}{letter}": rf"(?P<N>[0-9]{{1,{digits}}})" for digits in range(1, 10) for letter in "NQ"},
}


def moment_of(seconds: float) -> datetime | None:
    """Return a time as a date in UTC, or None if no date is that far away."""
    try:
        return EPOCH + timedelta(microseconds=round(seconds * 1_000_000))
    except (OverflowError, ValueError):
        return None


def _pieces(form: str, known: Container[str], fail: Callable[[str], QueryError]) -> list[tuple[bool, str]]:
    """Split a format into (is a directive, text).

    Raises:
        QueryError: it holds a directive that is not known.
    """
    pieces: list[tuple[bool, str]] = []
    position = 0
    while position < len(form):
        percent = form.find("%", position)
        end = len(form) if percent < 0 else percent
        if end > position:
            pieces.append((False, form[position:end]))
        if percent < 0:
            break
        match = _DIRECTIVE.match(form, percent)
        if match is None or match.group(1) not in known:
            raise fail(f"the time format {form[percent : percent + 3]!r} is not supported")
        pieces.append((True, match.group(1)))
        position = match.end()
    return pieces


def _failing(compiler: Compiler, call: Call) -> Callable[[str], QueryError]:
    return lambda message: compiler.error(message, call.arguments[1].span)


def _strftime(compiler: Compiler, call: Call) -> Compiled:
    get = number_argument(compiler, call, compiler.compile(call.arguments[0]))
    get_pieces = prepared(compiler, call, 1, lambda form: _pieces(form, _SHOW, _failing(compiler, call)))

    def run(row: Row) -> str | None:
        seconds, pieces = get(row), get_pieces(row)
        moment = None if seconds is None else moment_of(seconds)
        if moment is None or pieces is None:
            return None
        return "".join(_SHOW[text](moment) if directive else text for directive, text in pieces)

    return Compiled(run, "string")


def _strptime(compiler: Compiler, call: Call) -> Compiled:
    get = text_argument(compiler, call, compiler.compile(call.arguments[0]), numbers=False)
    get_parser = prepared(compiler, call, 1, lambda form: _parser(form, _failing(compiler, call)))

    def run(row: Row) -> int | float | None:
        text, parse = get(row), get_parser(row)
        if text is None or parse is None:
            return None
        seconds: int | float | None = parse(text)
        return seconds

    return Compiled(run, "number")


def _parser(form: str, fail: Callable[[str], QueryError]) -> Callable[[str], int | float | None]:
    """Return a function that reads a time of a format.

    Raises:
        QueryError: the format is not known, or leaves the date open.
    """
    pieces = _pieces(form, _READ, fail)
    try:
        expression = re.compile("".join(_READ[text] if directive else re.escape(text) for directive, text in pieces))
    except re.error:
        raise fail(f"the time format {form!r} names a part twice") from None
    parts = set(expression.groupindex)
    # What Splunk takes for the parts of a date that are not given depends on the day of the search.
    dated = parts & {"Y", "y"} and ("j" in parts or ("d" in parts and parts & {"m", "b"}))
    if "s" not in parts and not dated:
        raise fail("a time format without year, month and day is not supported")

    @lru_cache(maxsize=4096)
    def parse(text: str) -> int | float | None:
        match = expression.match(text)
        return None if match is None else _read(match.groupdict())

    return parse


def _read(parts: dict[str, str]) -> int | float | None:
    if "a" in parts and not any(parts["a"].lower() in (day.lower(), day[:3].lower()) for day in _DAYS):
        return None
    if "s" in parts:
        seconds: int | float = int(parts["s"])
    else:
        moment = _date(parts)
        if moment is None or moment.year < _FIRST_YEAR:
            return None
        seconds = (moment - EPOCH) // timedelta(seconds=1)
    if zone := parts.get("z"):
        seconds -= _offset(zone)
    if fraction := parts.get("N"):
        seconds += int(fraction) / 10 ** len(fraction)
    return tidy(seconds)


def _date(parts: dict[str, str]) -> datetime | None:
    hour = int(parts.get("H", 0))
    if "I" in parts:
        if not 1 <= int(parts["I"]) <= 12:  # noqa: PLR2004
            return None
        hour = int(parts["I"]) % 12 + (12 if parts.get("p", "am").lower() == "pm" else 0)
    try:
        day = datetime(_year(parts), 1, 1, hour, int(parts.get("M", 0)), int(parts.get("S", 0)), tzinfo=UTC)
        if "j" in parts:
            dated = day + timedelta(days=int(parts["j"]) - 1)
            return dated if dated.year == day.year else None
        return day.replace(month=int(parts["m"]) if "m" in parts else _month(parts["b"]), day=int(parts["d"]))
    except (ValueError, OverflowError):
        return None


def _year(parts: dict[str, str]) -> int:
    if "Y" in parts:
        return int(parts["Y"])
    # As strptime of C takes years of two digits.
    short = int(parts["y"])
    return short + (1900 if short >= 69 else 2000)  # noqa: PLR2004


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


FUNCTIONS: dict[str, Function] = {
    "strftime": Function(2, 2, _strftime),
    "strptime": Function(2, 2, _strptime),
}
