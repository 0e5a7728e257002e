"""Find the values of a field in an event, and read a value as text or as a number."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


def find(event: Mapping[str, Any], field: str) -> list[Any]:
    """Return every value of the field; empty when the field is missing.

    The field is a key that holds dots, a path through nested objects, or a mix of both. An array on the way, or at
    its end, stands for each of its elements; an empty array is a field that is there with one value, null.
    """
    return list(_descend(event, field.split(".")))


def _descend(value: Any, steps: list[str]) -> Iterator[Any]:
    if isinstance(value, list):
        if not value and not steps:
            yield None
        for item in value:
            yield from _descend(item, steps)
    elif not steps:
        yield value
    elif isinstance(value, dict):
        for used in range(1, len(steps) + 1):
            key = ".".join(steps[:used])
            if key in value:
                yield from _descend(value[key], steps[used:])


def every_value(event: Mapping[str, Any]) -> Iterator[Any]:
    """Yield every value in the event but those of metadata (`_id`, `_index`, ...); `_raw` is a value."""
    for key, value in event.items():
        if not key.startswith("_") or key == "_raw":
            yield from _leaves(value)


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)
    else:
        yield value


def text_of(value: Any) -> str | None:
    """Return a scalar as text (booleans as `true` and `false`), or None for null and objects."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else None


def number_of(value: Any) -> Decimal | None:
    """Return a number, or text that is a number, exactly; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        return Decimal(value) if len(value) < 100 and _NUMBER.fullmatch(value) else None  # noqa: PLR2004
    if isinstance(value, int | float):
        try:
            number = Decimal(str(value))
        except InvalidOperation:
            return None
        return number if number.is_finite() else None
    return None
