"""Refuse events of a caller that are nested deeper than the limit; the reader of logs does so itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from converter.errors import LogError
from converter.readers.limits import current

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


def shallow(events: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield the events, up to one that is nested deeper than the limit. Raises LogError."""
    most = current().nesting
    for position, event in enumerate(events, 1):
        if is_nested_deeper(event, most):
            hint = f'budget={{"nesting": {2 * most}}} raises the limit'
            raise LogError(f"event {event.get('_id', position)} is nested deeper than {most:,} levels", hint=hint)
        yield event


def is_nested_deeper(value: object, levels: int) -> bool:
    """Return whether a value has more levels of objects and arrays."""
    level = [value]
    for _ in range(levels):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return False
    return True


def _inside(value: object) -> Iterator[object]:
    """Yield the objects and arrays in a value."""
    inner: Iterable[object] = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return (item for item in inner if isinstance(item, dict | list))
