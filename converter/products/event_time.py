"""When an event happened: find the time in a raw event, whatever its product calls it.

    raw event ── first usable of TIME_FIELDS ──> text or number ──> microseconds since 1970-01-01T00:00:00Z (int)
                                                                     ├── iso()      2024-05-01T10:00:00.250Z
                                                                     └── seconds()  1714557600.25

Whole microseconds, so that no time is rounded and equal times stay equal. Finer digits are cut off. This module
serves the views only: each engine and the reference read times with code of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

TIME_FIELDS: tuple[str, ...] = (
    "@timestamp",
    "_time",
    "eventTime",
    "timestamp",
    "time",
    "UtcTime",
    "TimeCreated",
    "Event.System.TimeCreated.#attributes.SystemTime",
    "Event.System.TimeCreated.SystemTime",
    "Event.System.TimeCreated",
    "System.TimeCreated.#attributes.SystemTime",
    "System.TimeCreated.SystemTime",
    "winlog.event_data.UtcTime",
    "winlog.time_created",
    "event.created",
    "SystemTime",
    "EventTime",
    "TimeGenerated",
    "ts",
)
"""Where a time is looked for, in this order; dots go into objects, or are part of a literal key."""

_MICROS = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - a time without an offset is read as UTC
_DATE_LENGTH = len("2024-05-01")
_SECONDS = slice(len("2024-05-01T10:00"), len("2024-05-01T10:00:00"))
# An epoch number is seconds, milliseconds, microseconds or nanoseconds; these bounds keep the years 1973 to 5138 apart.
_FIRST_MILLIS, _FIRST_MICROS, _FIRST_NANOS = 1e11, 1e14, 1e17
_LAST_NANOS = 1e20
_FIRST_TIME, _LAST_TIME = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)

_PATHS: tuple[tuple[str, tuple[str, ...]], ...] = tuple((name, tuple(name.split("."))) for name in TIME_FIELDS)


def event_time(event: Mapping[str, Any]) -> int | None:
    """Return the time of an event in microseconds since the epoch, or None when no field of `TIME_FIELDS` holds one.

    The first field that holds a usable time wins: an unusable value (an empty text, a text in words) is passed over.
    """
    for name, path in _PATHS:
        value = event.get(name)
        if value is None and len(path) > 1:
            value = _find(event, path)
        if value is not None:
            micros = parse_time(value)
            if micros is not None:
                return micros
    return None


def parse_time(value: object) -> int | None:
    """Return microseconds since the epoch for one value, or None when it is not a time.

    Texts: ISO 8601 with `T` or a space, any offset, any fraction (cut to microseconds); without an offset it is UTC.
    A date alone is not a time. Numbers, and texts that are numbers: epoch seconds, or milli-, micro- or nanoseconds
    by their size. Booleans, lists and objects are no times.
    """
    if isinstance(value, str):
        return _parse_text(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return _from_number(value)


def iso(micros: int) -> str:
    """Return a time as Elasticsearch shows it: UTC, milliseconds, or microseconds where the event has them."""
    moment = _NAIVE_EPOCH + timedelta(microseconds=micros)
    return moment.isoformat(timespec="microseconds" if micros % 1000 else "milliseconds") + "Z"


def seconds(micros: int) -> int | float:
    """Return a time as Splunk has it: epoch seconds, an int when there is no fraction."""
    whole, fraction = divmod(micros, _MICROS)
    return whole if not fraction else micros / _MICROS


def _parse_text(text: str) -> int | None:
    text = text.strip()
    if len(text) <= _DATE_LENGTH or text[4] != "-":
        return _from_number_text(text)
    leap = text[_SECONDS] == ":60"  # a leap second is the second after
    try:
        moment = datetime.fromisoformat(text[: _SECONDS.start] + ":59" + text[_SECONDS.stop :] if leap else text)
        delta = moment - (_EPOCH if moment.tzinfo is not None else _NAIVE_EPOCH)
    except (ValueError, OverflowError):
        return None
    return _in_range((delta.days * 86_400 + delta.seconds + leap) * _MICROS + delta.microseconds)


def _from_number_text(text: str) -> int | None:
    whole, _, fraction = text.removeprefix("-").partition(".")
    if not (whole.isascii() and whole.isdigit()) or (fraction and not (fraction.isascii() and fraction.isdigit())):
        return None
    if len(whole) > len("100000000000000000000"):
        return None
    if fraction and int(whole) < _FIRST_MILLIS:
        # The digits themselves: a float would round 1714557600.123456 on its way to microseconds.
        micros = int(whole) * _MICROS + int(fraction[:6].ljust(6, "0"))
        return _in_range(-micros if text.startswith("-") else micros)
    return _from_number(float(text) if fraction else int(text))


def _from_number(number: float) -> int | None:
    size = abs(number)
    if not size < _LAST_NANOS:  # also NaN
        return None
    if size < _FIRST_MILLIS:
        return _in_range(round(number * _MICROS))
    if size < _FIRST_MICROS:
        return _in_range(round(number * 1000))
    if size < _FIRST_NANOS:
        return _in_range(int(number))
    return _in_range(int(number) // 1000)


def _in_range(micros: int) -> int | None:
    """Return `micros` unless it is outside the years 1 to 9999, which no calendar here can show."""
    return micros if _FIRST_MICRO <= micros <= _LAST_MICRO else None


def _micros_of(moment: datetime) -> int:
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * _MICROS + delta.microseconds


_FIRST_MICRO, _LAST_MICRO = _micros_of(_FIRST_TIME), _micros_of(_LAST_TIME)


def _find(event: Mapping[str, Any], path: tuple[str, ...]) -> object:
    node: object = event
    for key in path:
        if not isinstance(node, Mapping):
            return None
        node = node.get(key)
        if node is None:
            return None
    return node
