"""Read the times of documents for the detection engine: document ──clock──> milliseconds since the epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from converter.products.elastic import dates
from converter.products.elastic.documents import Document, getter

if TYPE_CHECKING:
    from collections.abc import Callable

_LATEST = 10**14  # the year 5138; what is later is not a time of an event


def clock(timestamp_override: str | None) -> Callable[[Document], int | None]:
    """Return a function that gives the time of a document in milliseconds, or None if it has no usable time.

    Args:
        timestamp_override: the field that a rule reads first; a document without it falls back to `@timestamp`.
    """
    read = None if timestamp_override is None else getter(timestamp_override)

    def time_of(document: Document) -> int | None:
        if read is not None:
            own = read(document)
            if own:
                return _usable(own[0])
        plain = document.get("@timestamp")
        return _usable(plain[0] if isinstance(plain, list) and plain else plain)

    return time_of


def _usable(value: Any) -> int | None:
    millis = dates.indexed(value)
    return millis if millis is not None and abs(millis) < _LATEST else None
