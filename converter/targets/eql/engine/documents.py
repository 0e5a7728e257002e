"""Read the values of a field, and the time of an event, from an Elasticsearch document.

    document, "a.b.c" ──> the values at every way of writing that path, null left out

A document may write a path nested ({"a": {"b": 1}}), dotted ({"a.b": 1}) or mixed, and may hold arrays at any level;
the product indexes all of these alike, so a field is a list of values and a missing one is an empty list.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

Document: TypeAlias = Mapping[str, Any]
Getter: TypeAlias = Callable[[Document], list[Any]]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATE = re.compile(
    r"(?P<year>[0-9]{4})(?:-(?P<month>[0-9]{2})(?:-(?P<day>[0-9]{2})(?:T(?:(?P<hour>[0-9]{2})(?::(?P<minute>[0-9]{2})"
    r"(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,9}))?)?)?"
    r"(?P<zone>Z|(?P<sign>[+-])(?P<hours>[0-9]{2})(?::?(?P<minutes>[0-9]{2}))?)?)?)?)?)?"
)
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")


def getter(name: str) -> Getter:
    """Return the function that lists the values of field `name` in a document."""
    parts = name.split(".")
    steps = _steps(parts)
    # Nearly every document holds a field in one way; the first look-ups find it without a recursion.
    (whole, _), *nested = steps

    def read(document: Document) -> list[Any]:
        found: list[Any] = []
        value = document.get(whole)
        if value is not None:
            _add(value, found)
        for key, rest in nested:
            inner = document.get(key)
            if inner is not None:
                _descend(inner, rest, found)
        return found

    return read


_Steps: TypeAlias = "list[tuple[str, _Steps]]"


def _steps(parts: list[str]) -> list[tuple[str, Any]]:
    """Return each key that the path `parts` can start with, and the steps after it; the whole path comes first."""
    steps: list[tuple[str, Any]] = [(".".join(parts), [])]
    steps.extend((".".join(parts[:cut]), _steps(parts[cut:])) for cut in range(1, min(len(parts), 8)))
    return steps


def _descend(value: Any, steps: list[tuple[str, Any]], found: list[Any]) -> None:
    if isinstance(value, dict | Mapping):  # dict first: the abstract class is slow to ask
        for key, rest in steps:
            inner = value.get(key)
            if inner is None:
                continue
            if rest:
                _descend(inner, rest, found)
            else:
                _add(inner, found)
    elif isinstance(value, list):
        for item in value:
            _descend(item, steps, found)


def _add(value: Any, found: list[Any]) -> None:
    if isinstance(value, str):
        found.append(value)
    elif isinstance(value, list):
        for item in value:
            _add(item, found)
    elif value is not None and not isinstance(value, dict | Mapping):
        found.append(value)


def milliseconds(value: Any) -> int | None:
    """Return a date value as milliseconds since the epoch, or None if it is not a date.

    The product's default date format: an ISO-8601 date with any fraction and offset (none means UTC; finer than a
    millisecond is cut), or a number of milliseconds, as a number or as text. A text of four digits is a year; the
    product reads such a number so too, this engine reads it as milliseconds.
    """
    if isinstance(value, str):
        return _milliseconds_of_text(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return math.floor(value)


def moments(value: Any) -> tuple[int, int] | None:
    """Return the first and the last millisecond that a date in a query stands for, or None if it is not a date.

    The product rounds a date of a query down or up as its place in a range asks for, so that a time without a fraction
    is the whole second, one without minutes the whole hour; a missing day or month is the first. A number is
    milliseconds since the epoch; four digits in a text are a year.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return math.floor(value), math.floor(value)
    if not isinstance(value, str):
        return None
    found = _DATE.fullmatch(value)
    if found is None:
        number = _floor(value) if _NUMBER.fullmatch(value) else None
        return None if number is None else (number, number)
    return _moments_of_date(found)


def _floor(number: str) -> int:
    whole, _, fraction = number.partition(".")
    return int(whole) - (number[0] == "-" and bool(fraction.strip("0")))


def _moments_of_date(found: re.Match[str]) -> tuple[int, int] | None:
    fraction = found["fraction"]
    first, last = [], []
    for part, lowest, highest in (("hour", 0, 23), ("minute", 0, 59), ("second", 0, 59)):
        first.append(int(found[part] or lowest))
        last.append(int(found[part] or highest))
    offset = timedelta(hours=int(found["hours"] or 0), minutes=int(found["minutes"] or 0))
    try:
        day = datetime(int(found["year"]), int(found["month"] or 1), int(found["day"] or 1), tzinfo=UTC)
        start = day.replace(hour=first[0], minute=first[1], second=first[2])
        end = day.replace(hour=last[0], minute=last[1], second=last[2])
    except ValueError:
        return None
    shift = -offset if found["sign"] == "+" else offset
    within = int(fraction[:3].ljust(3, "0")) if fraction else None
    lowest, highest = (_whole_milliseconds(moment - _EPOCH + shift) for moment in (start, end))
    return lowest + (within or 0), highest + (999 if within is None else within)


def _whole_milliseconds(span: timedelta) -> int:
    return (span.days * 86_400 + span.seconds) * 1_000 + span.microseconds // 1_000


def _milliseconds_of_text(text: str) -> int | None:
    if not _NUMBER.fullmatch(
        text
    ):  # "20220504" is a compact date to Python, but a number of milliseconds to the product
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            pass
        else:
            return _whole_milliseconds((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH)
    found = moments(text)
    return None if found is None else found[0]
