"""Read the values of a field, and the time of an event, from an Elasticsearch document.

    document, "a.b.c" ──> the values at every way of writing that path, null left out

A document may write a path nested ({"a": {"b": 1}}), dotted ({"a.b": 1}) or mixed, and may hold arrays at any level;
the product indexes all of these alike, so a field is a list of values and a missing one is an empty list.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

Document: TypeAlias = Mapping[str, Any]
Getter: TypeAlias = Callable[[Document], list[Any]]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DIGITS = re.compile(r"[+-]?[0-9]+")
_FRACTION_DIGITS = re.compile(r"\.([0-9]{7,})")
_YEAR_LENGTH = 4
_MONTH_LENGTH = 7


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
    millisecond is cut), or a number of milliseconds, as a number or as text. Four digits alone are a year.
    """
    if isinstance(value, str):
        return _milliseconds_of_text(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value)


def _milliseconds_of_text(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        if _DIGITS.fullmatch(text) and len(text) != _YEAR_LENGTH:
            return int(text)
        return _rare_forms(text)
    if _DIGITS.fullmatch(text):  # "20220504" is a compact date to Python, but a number of milliseconds to the product
        return int(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    span = moment - _EPOCH
    return (span.days * 86_400 + span.seconds) * 1_000 + span.microseconds // 1_000


def _rare_forms(text: str) -> int | None:
    """Return the time of a year, a year and month, or a fraction with more digits than Python reads."""
    if len(text) == _YEAR_LENGTH and text.isdigit():
        return _milliseconds_of_text(f"{text}-01-01")
    if len(text) == _MONTH_LENGTH and text[:4].isdigit():
        return _milliseconds_of_text(f"{text}-01")
    shortened = _FRACTION_DIGITS.sub(lambda match: "." + match.group(1)[:6], text)
    return None if shortened == text else _milliseconds_of_text(shortened)
