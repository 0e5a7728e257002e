"""Read the fields and the times of documents for the detection engine.

document + field ──values──> scalars                    document ──times──> milliseconds since the epoch
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

Document: TypeAlias = Mapping[str, Any]
Scalar: TypeAlias = str | int | float | bool

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_EPOCH_TEXT = re.compile(r"-?\d{1,16}")
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
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            if _EPOCH_TEXT.fullmatch(value) is None:
                return None
            value = int(value)
        else:
            return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // _MILLISECOND
    return int(value) if abs(value) < _LATEST else None
