r"""Parts of a time in UTC, whatever the time zone of the user: seconds since the epoch, and then arithmetic.

    value of a field ──> seconds since the epoch ──> minute, hour | days ──> day, month, week, year

`strftime` shows a time in the zone of the user, and `strptime` reads text without an offset in it. So neither is used.
Text is taken apart by its positions, which ISO 8601 fixes. All arithmetic is of whole numbers that are not negative.
The formulas of the calendar count days from a 1 March, or a 1 January after a leap year: then the leap day ends a cycle
of 4, 100 or 400 years, and `floor((4 * n + 3) % 1461 / 4)` is the day of the year.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from converter.targets.splunk.emitter.quoting import SIGNS, number_text
from converter.targets.splunk.emitter.regex import quoted
from converter.verdicts.verdict import Assumption

if TYPE_CHECKING:
    from converter.plan.nodes import TimePart
    from converter.targets.core.target import Event

# A decimal number of up to 20 digits; if it counts milli-, micro- or nanoseconds, the first 9 to 11 are seconds.
_NUMBER = r"^\s*(?=\d{1,20}(?!\d))0*(\d{1,11})(?:\d{3}){0,3}(?:\.\d+)?\s*\z"
_TIME = (
    r"^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])[T ](?:[01]\d|2[0-3]):[0-5]\d(?::(?:[0-5]\d|60)(?:[.,]\d+)?)?"
    r"\s*(?:[Zz]|UTC|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)?\z"
)
_WITH_SECONDS = "^.{16}:"
_OFFSET = r"(?s)^.{16}.*[+-](\d\d):?(\d\d|)\z"
_AHEAD = r"(?s)^.{16}.*[+]"
_MARCH = 719_468  # days from 1 March of the year 0 to the epoch
_JANUARY = 719_162  # days from 1 January of the year 1 to the epoch
# Whole weeks, that no day is below zero; a multiple of 7 days from the epoch is a Thursday, which decides the year.
_WEEKS = 719_474 - 719_474 % 7
_DAY = 86_400
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII)
_MAYBE = re.compile(r"[0-9]+([.-][0-9]|$)")
_EXPONENT = re.compile(r"[0-9]+(\.[0-9]+)?e[+-]?[0-9]+", re.IGNORECASE)
_LONGEST_MONTH = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}


def part_condition(leaf: TimePart, field: str) -> str:
    """Return a condition on one value of a field, null if it is not a time.

    Args:
        leaf: the part, the operator and the number.
        field: the field as an expression names it.
    """
    if leaf.field == "_time":
        instant = field
    else:
        text = _instant_of_day(field) if leaf.part in {"minute", "hour"} else _instant(field)
        number = quoted(_NUMBER)
        instant = (
            f'case(match({field},{number}),tonumber(replace({field},{number},"\\1")),'
            f"match({field},{quoted(_TIME)}),{text})"
        )
    return f"{_part(leaf.part, instant)}{SIGNS[leaf.op]}{number_text(leaf.number)}"


def _part(part: str, instant: str) -> str:
    days = f"floor(({instant})/{_DAY})"
    match part:
        case "minute":
            return f"floor(({instant})/60)%60"
        case "hour":
            return f"floor(({instant})/3600)%24"
        case "day":
            return f"floor({_of_march(days)}%153/5)+1"
        case "month":
            return f"(floor({_of_march(days)}/153)-1)%12+1"
        case "week":
            thursday = f"7*floor(({days}+{_WEEKS + 3})/7)-{_WEEKS - _JANUARY}"
            return f"floor({_day_of_year(thursday)}/7)+1"
        case _:
            return _year(days)


def _day_of_year(days: str) -> str:
    """Return the day, from 0, of a year that begins `days` reckons from."""
    return f"floor((4*floor((4*({days})+3)%146097/4)+3)%1461/4)"


def _of_march(days: str) -> str:
    """Return 5 times the day of a year that begins with March, so that months of 153/5 days begin at multiples."""
    return f"(5*{_day_of_year(f'{days}+{_MARCH}')}+461)"


def _year(days: str) -> str:
    """Return the year: 400 of them have 146,097 days, and each century, and each 4 years, are cut the same way."""
    count = f"(4*({days}+{_JANUARY})+3)"
    return f"100*floor({count}/146097)+floor((4*floor({count}%146097/4)+3)/1461)+1"


def _instant_of_day(field: str) -> str:
    """Return seconds that have the hour and the minute of a text's time in UTC; the date does not matter."""
    return f"{_DAY}+{_clock(field)}"


def _instant(field: str) -> str:
    """Return the seconds since the epoch of a text's time."""
    months = f"(12*tonumber(substr({field},1,4))+tonumber(substr({field},6,2))-3)"
    year = f"floor({months}/12)"
    days = (
        f"365*{year}+floor({year}/4)-floor({year}/100)+floor({year}/400)+floor((153*({months}%12)+2)/5)"
        f"+tonumber(substr({field},9,2))-{_MARCH + 1}"
    )
    return f"{_DAY}*({days})+{_clock(field)}"


def _clock(field: str) -> str:
    """Return the seconds since midnight UTC of a text's time, which may be those of the day before or after."""
    offset = quoted(_OFFSET)
    return (
        f"3600*tonumber(substr({field},12,2))+60*tonumber(substr({field},15,2))"
        f"+if(match({field},{quoted(_WITH_SECONDS)}),tonumber(substr({field},18,2)),0)"
        f"-if(match({field},{offset}),if(match({field},{quoted(_AHEAD)}),1,-1)"
        f'*(3600*tonumber(replace({field},{offset},"\\1"))+60*tonumber("0".replace({field},{offset},"\\2"))),0)'
    )


# ------------------------------------------------------------------------------------------------------ assumptions


def plain_times(field: str) -> Assumption:
    """The times in a field are written so that positions in their text say what they are."""
    if field == "_time":
        return Assumption("_time holds the time that the rule means", _other_time)
    message = (
        f"the times in {field} are text of ISO 8601 without blanks around it, of a day that is in the calendar "
        "after the year 1 and before 9999, or numbers without an exponent"
    )
    return Assumption(message, lambda _raw, view: any(map(_is_strange, _values(view.get(field)))))


def _values(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def _is_strange(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return False
    text = str(value)
    if text != text.strip():
        return _MAYBE.match(text.strip()) is not None
    if _EXPONENT.fullmatch(text):
        return True
    date = _DATE.match(text)
    if date is None:
        return False
    year, month, day = (int(part) for part in date.groups())
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    longest = 28 if month == 2 and not leap else _LONGEST_MONTH.get(month, 31)  # noqa: PLR2004
    return year <= 1 or year >= 9999 or day > longest  # noqa: PLR2004


def _other_time(raw: Event, view: Event) -> bool:
    from converter.reference.time import SECOND, parse_time  # noqa: PLC0415  only replay needs it

    meant, known = parse_time(raw.get("_time")), view.get("_time")
    if meant is None or not isinstance(known, int | float):
        return "_time" in raw or known is not None
    return meant // SECOND != int(known // 1)
