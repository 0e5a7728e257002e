"""Read the fields and the times of documents for the detection engine.

document + field ──values──> scalars                    document ──times──> milliseconds since the epoch
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

Document: TypeAlias = Mapping[str, Any]
Scalar: TypeAlias = str | int | float | bool

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_EPOCH_TEXT = re.compile(r"(-?[0-9]{1,16})(?:\.([0-9]*))?")
_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")
_YEAR_LENGTH = 4
_LATEST = 10**14  # the year 5138; what is later is no time of an event


def values_of(document: Any, path: str) -> list[Scalar]:
    """Return the scalars in the field `path`, through nested objects, arrays and dotted keys; null is none."""
    found: list[Scalar] = []
    pending: list[tuple[Any, str]] = [(document, path)]
    while pending:
        node, rest = pending.pop()
        if isinstance(node, Mapping):
            if not rest:
                continue
            if rest in node:
                pending.append((node[rest], ""))
            at = rest.find(".")
            while at >= 0:
                if rest[:at] in node:
                    pending.append((node[rest[:at]], rest[at + 1 :]))
                at = rest.find(".", at + 1)
        elif isinstance(node, list | tuple):
            pending.extend((inner, rest) for inner in reversed(node))
        elif node is not None and not rest:
            found.append(node)
    return found


def clock(timestamp_override: str | None) -> Callable[[Document], int | None]:
    """Return a function that gives the time of a document in milliseconds, or None if it has no usable time.

    Args:
        timestamp_override: the field that a rule reads first; a document without it falls back to `@timestamp`.
    """

    def time_of(document: Document) -> int | None:
        if timestamp_override is not None:
            own = values_of(document, timestamp_override)
            if own:
                return _milliseconds(own[0])
        plain = document.get("@timestamp")
        return None if plain is None else _milliseconds(plain[0] if isinstance(plain, list) and plain else plain)

    return time_of


def iso(milliseconds: int) -> str:
    """Return a time as `2026-01-31T12:00:00.000Z`."""
    moment = _EPOCH + milliseconds * _MILLISECOND
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def _milliseconds(value: Any) -> int | None:
    """Return the time that a date field reads: ISO 8601, or milliseconds; a text of four digits is a year.

    More forms of ISO 8601 are read than the product takes; what it does not take, it does not index. It also reads a
    number of four digits as a year, which is read as milliseconds here.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if not isinstance(value, str):
        return math.floor(value) if abs(value) < _LATEST else None
    text = f"{value}-01" if _MONTH.fullmatch(value) else value
    number = _EPOCH_TEXT.fullmatch(text)
    if number is not None and len(text) != _YEAR_LENGTH:
        millis = int(number[1]) - (text[0] == "-" and bool((number[2] or "").strip("0")))
        return millis if abs(millis) < _LATEST else None
    try:
        moment = datetime.fromisoformat(f"{text}-01-01" if number else text.removesuffix("T"))
    except ValueError:
        return None
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // _MILLISECOND
