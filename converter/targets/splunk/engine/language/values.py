"""Rows and the values in them: what an event becomes when Splunk has extracted its fields.

    event (nested or flat JSON) ──ingest──> row: {field: text | number | list of those}

A field that is missing, `null` or an empty list is absent from the row: there is no null value in a row. A list is a
multivalue field of at least two values. Truth values become the texts `true` and `false`, as JSON has them.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from converter.errors import LogError

if TYPE_CHECKING:
    from collections.abc import Mapping

Row: TypeAlias = dict[str, Any]

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER_STARTS = frozenset("+-.0123456789")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MILLION = 1_000_000
_EXACT = 2**53
_LARGEST = 10**300
_DIGITS = 300


def check_time(event: Mapping[str, Any], position: int) -> None:
    """Raise LogError if an event has a `_time` that is not a time."""
    time = event.get("_time")
    if time is not None and type(time) is not int:
        ingest({"_id": event.get("_id"), "_time": time}, position)


def ingest(event: Mapping[str, Any], position: int) -> Row:
    """Return the row of an event: nested objects flattened as Splunk's JSON extraction does, `_time` as epoch seconds.

    Args:
        event: the event; it is not changed.
        position: its 1-based position, for messages.

    Raises:
        LogError: `_time` is not a time.
    """
    row: Row = {}
    for name, value in event.items():
        kind = type(value)
        if kind is str or (kind is int and -_EXACT < value < _EXACT):
            row[name] = value
        elif kind is list and not any(isinstance(item, (dict, list)) for item in value):
            # A list at the top is a multivalue field that was extracted already: its name is final.
            _put(row, name, [_scalar(item) for item in value if item is not None])
        else:
            flat: dict[str, list[Any]] = {}
            _flatten(name, value, flat)
            for leaf, values in flat.items():
                _put(row, leaf, values)
    time = row.get("_time")
    if time is not None and (kind := type(time)) is not int:
        row["_time"] = _time_of(time, event.get("_id"), position)
    return row


def _put(row: Row, name: str, values: list[Any]) -> None:
    if values:
        row[name] = values[0] if len(values) == 1 else values


def _flatten(path: str, value: Any, flat: dict[str, list[Any]]) -> None:
    """Add the leaves under `value`: `a.b` for members, `a{}` for list elements. Deep logs need no deep stack."""
    todo = [(path, value)]
    while todo:
        path, value = todo.pop()
        match value:
            case dict():
                todo.extend((f"{path}.{name}", member) for name, member in reversed(value.items()))
            case list():
                todo.extend((f"{path}{{}}", element) for element in reversed(value))
            case None:
                continue
            case _:
                flat.setdefault(path, []).append(_scalar(value))


def leaves(value: Any) -> dict[str, Any]:
    """Return every leaf of a JSON value under its path, as `spath` names them; values as text."""
    flat: dict[str, list[Any]] = {}
    if isinstance(value, dict):
        for name, member in value.items():
            _flatten(str(name), member, flat)
    elif isinstance(value, list):
        _flatten("", value, flat)
    return {
        path: texts[0] if len(texts) == 1 else texts
        for path, texts in ((path, [text_of(item) for item in values]) for path, values in flat.items())
    }


def _scalar(value: Any) -> Any:
    if value is True:
        return "true"
    if value is False:
        return "false"
    # What no double can hold is not a number to Splunk.
    if type(value) is int and abs(value) > _LARGEST:
        return str(value)
    if type(value) is float and not math.isfinite(value):
        return repr(value)
    return value


def _time_of(value: Any, identifier: object, position: int) -> int | float:
    if isinstance(value, float):
        return tidy(value) or 0
    if isinstance(value, str):
        if (number := number_of(value)) is not None:
            return number
        try:
            time = datetime.fromisoformat(value)
            time = time if time.tzinfo else time.replace(tzinfo=UTC)
            microseconds = (time - _EPOCH) // _MICROSECOND
        except (ValueError, OverflowError):
            return _bad_time(value, identifier, position)
        return microseconds // _MILLION if microseconds % _MILLION == 0 else microseconds / _MILLION
    return _bad_time(value, identifier, position)


def _bad_time(value: Any, identifier: object, position: int) -> int | float:
    name = identifier if isinstance(identifier, str | int) else position
    raise LogError(
        f"event {name}: _time is not a time: {str(value)[:80]!r}",
        hint="epoch seconds, or a time as ISO 8601 has it",
    )


def text_of(value: Any) -> str:
    """Return a value as Splunk shows it: a whole number has no decimal point."""
    kind = type(value)
    if kind is str:
        return value  # type: ignore[no-any-return]
    if kind is float:
        return str(int(value)) if value.is_integer() and abs(value) < _EXACT else repr(value)
    return str(value)


def number_of(value: Any) -> int | float | None:
    """Return a value as a number if it is one or its text reads as one, else None."""
    kind = type(value)
    if kind is int or kind is float:
        return value  # type: ignore[no-any-return]
    if kind is str and value and value[0] in _NUMBER_STARTS:
        return _number_of_text(value)
    return None


@lru_cache(maxsize=65536)
def _number_of_text(text: str) -> int | float | None:
    if _INTEGER.fullmatch(text):
        # What no double can hold is not a number to Splunk.
        return int(text) if len(text) < _DIGITS else None
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def tidy(number: float) -> int | float | None:
    """Return the result of arithmetic as a row holds it: whole as int; None if it is undefined or infinite."""
    if type(number) is int:
        return number if abs(number) <= _LARGEST else None
    if not math.isfinite(number):
        return None
    return int(number) if number.is_integer() and abs(number) < _EXACT else number


def values_of(value: Any) -> list[Any]:
    """Return the values of a field: none, one or several."""
    if value is None:
        return []
    return value if type(value) is list else [value]


def put(row: Row, name: str, value: Any) -> None:
    """Set a field of a row, or remove it if there is no value."""
    if type(value) is list and len(value) < 2:  # noqa: PLR2004
        value = value[0] if value else None
    if value is None:
        row.pop(name, None)
    else:
        row[name] = value
