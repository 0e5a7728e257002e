"""Find the values of a field in an event, and read a value as a string or as a number."""

from __future__ import annotations

import re
from math import isfinite
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LONGEST_NUMBER = 4_000  # Python converts no more digits than 4,300
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


def find(event: Mapping[str, Any], field: str, *, exact: bool = False) -> list[Any]:
    """Return every value of the field; empty when the field is missing.

    The field is a key that holds dots, a path through nested objects, or a mix of both. An array on the way, or at
    its end, stands for each of its elements; an empty array counts as one value, null. If an object has no such key,
    any key counts that differs from it by spaces only, unless `exact`: Sigma's taxonomy strips spaces from names.
    """
    values: list[Any] = []
    # A stack instead of recursion: a log may nest arrays as deep as it likes. Reversed, so that order is kept.
    stack: list[tuple[Any, tuple[str, ...]]] = [(event, tuple(field.split(".")))]
    while stack:
        value, steps = stack.pop()
        if isinstance(value, list):
            if not value and not steps:
                values.append(None)
            stack.extend((item, steps) for item in reversed(value))
        elif not steps:
            values.append(value)
        elif isinstance(value, dict):
            keys = [(used, ".".join(steps[:used])) for used in range(len(steps), 0, -1)]
            known = [(value[key], steps[used:]) for used, key in keys if key in value]
            stack.extend(known if known or exact else _but_for_spaces(value, keys, steps))
    return values


def _but_for_spaces(
    value: Mapping[str, Any], keys: list[tuple[int, str]], steps: tuple[str, ...]
) -> list[tuple[Any, tuple[str, ...]]]:
    """Return the values of the keys that are those of a field but for spaces, each with the steps that are left."""
    spaced = any(" " in step for step in steps)
    if not spaced and " " not in "".join(value):
        return []
    plain: dict[str, list[Any]] = {}
    for own, item in value.items():
        if spaced or " " in own:
            plain.setdefault(own.replace(" ", ""), []).append(item)
    return [(item, steps[used:]) for used, key in keys for item in plain.get(key.replace(" ", ""), ())]


def every_value(event: Mapping[str, Any]) -> Iterator[Any]:
    """Yield every value in the event except metadata (`_id`, `_index`, ...); `_raw` is a value."""
    for key, value in event.items():
        if not key.startswith("_") or key == "_raw":
            yield from _leaves(value)


def _leaves(root: Any) -> Iterator[Any]:
    stack = [root]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            stack.extend(reversed(value.values()))
        elif isinstance(value, list):
            stack.extend(reversed(value))
        else:
            yield value


def string_of(value: Any) -> str | None:
    """Return a scalar as a string (booleans as `true` and `false`), or None for null and objects."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else None


def number_of(value: Any) -> int | float | None:
    """Return a number, or the number that a string holds; None for anything else.

    Whole numbers are exact, however large; a fraction is a double, as JSON and every product read it.
    """
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        if len(value) >= _LONGEST_NUMBER or not _NUMBER.fullmatch(value):
            return None
        number: int | float = int(value) if value.lstrip("+-").isdigit() else float(value)
    elif isinstance(value, int | float):
        number = value
    else:
        return None
    return number if isinstance(number, int) or isfinite(number) else None
