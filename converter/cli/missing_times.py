"""The error of an event without a usable time, with its place in the log."""

from __future__ import annotations

import gzip
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converter.errors import LogError, Place
from converter.readers.json.values import JsonError, read_value
from converter.readers.limits import current
from converter.reference.time import TIME_FIELDS
from converter.report.alerts import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping

_HINT = 'expected for example "eventTime": "2026-01-01T12:00:00Z", or seconds since 1970'


def timeless_error(event: Mapping[str, Any], path: str, line: int) -> LogError:
    """Return the error; its caret is below the time that cannot be read, if the event has one.

    Args:
        event: the event as it was read.
        path: of the log.
        line: of the event in the log, from 1.
    """
    text = _line(path, line)
    if text is None or not _holds(text, event):  # an array or standard input has no such line to read again
        text = to_json(dict(event))
    name, value = _unreadable_time(event)
    if name is None:
        message = "the event has no time, and a correlation would count it"
        column, length = 1, 1
    else:
        message = f"{name} is not a time: {to_json(value)[:80]}"
        column, length = _column(text, name)
    return LogError(message, Place(path, line, column, text, length), _HINT)


def _unreadable_time(event: Mapping[str, Any]) -> tuple[str | None, Any]:
    """Return the key and the value of the first time field that the event has."""
    for path in TIME_FIELDS:
        value: Any = event
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        if value is not None:
            return path[-1], value
    return None, None


def _column(text: str, name: str) -> tuple[int, int]:
    """Return the column and the length of the key in the line."""
    quoted = f'"{name}"'
    return max(0, text.find(quoted)) + 1, len(quoted)


def _line(path: str, line: int) -> str | None:
    """Return a line of a log, plain or gzipped, by its number from 1; None if there is none."""
    try:
        with Path(path).open("rb") as plain:
            zipped = plain.read(2) == b"\x1f\x8b"
            plain.seek(0)
            with gzip.open(plain) if zipped else plain as stream:
                data = next(islice(stream, line - 1, line), None)
    except OSError:
        return None
    return None if data is None else data.decode("utf-8", "replace").rstrip("\r\n")


def _holds(text: str, event: Mapping[str, Any]) -> bool:
    """Return whether a line is that of an event, whose `_id` may be its position in the log."""
    try:
        value = read_value(text.encode("utf-8", "replace"), current().nesting).value
    except JsonError:
        return False
    return isinstance(value, dict) and {**value, "_id": event.get("_id")} == {"_id": None, **event}
