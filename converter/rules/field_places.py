"""Find the place of each field that a rule names.

Document ──field_places──> {"EventID": the place of the key `EventID|gte`, ...}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from converter.errors import Place
    from converter.readers.yaml_document import Document

_Path = tuple[str | int, ...]


def field_places(document: Document) -> dict[str, Place]:
    """Return the first place of each field of a detection or correlation; a field has no spaces in its name."""
    places: dict[str, Place] = {}
    for name, path, key in (*_detection(document.data), *_correlation(document.data)):
        if name not in places:
            places[name] = places[name.replace(" ", "")] = document.place(*path, key=key)
    return places


def _detection(data: Any) -> Iterator[tuple[str, _Path, bool]]:
    detection = data.get("detection") if isinstance(data, dict) else None
    for identifier, value in detection.items() if isinstance(detection, dict) else ():
        if identifier not in {"condition", "timeframe"}:
            yield from _items(value, ("detection", str(identifier)))


def _items(value: Any, path: _Path) -> Iterator[tuple[str, _Path, bool]]:
    """Yield each field of the items, the path to it, and whether it is the key that stands there."""
    for step, inner in enumerate(value) if isinstance(value, list) else ():
        if isinstance(inner, dict | list):
            yield from _items(inner, (*path, step))
    for key, inner in value.items() if isinstance(value, dict) else ():
        name, *modifiers = str(key).split("|")
        if name:
            yield name, (*path, str(key)), True
        if isinstance(inner, dict):
            yield from _items(inner, (*path, str(key)))
        elif "fieldref" in modifiers:
            for step, other in enumerate(inner if isinstance(inner, list) else [inner]):
                yield str(other), (*path, str(key), step) if isinstance(inner, list) else (*path, str(key)), False


def _correlation(data: Any) -> Iterator[tuple[str, _Path, bool]]:
    correlation = data.get("correlation") if isinstance(data, dict) else None
    if not isinstance(correlation, dict):
        return
    yield from _names(correlation.get("group-by"), ("correlation", "group-by"))
    aliases = correlation.get("aliases")
    for alias, rules in aliases.items() if isinstance(aliases, dict) else ():
        for rule, name in rules.items() if isinstance(rules, dict) else ():
            yield str(name), ("correlation", "aliases", str(alias), str(rule)), False
    condition = correlation.get("condition")
    if isinstance(condition, dict):
        yield from _names(condition.get("field"), ("correlation", "condition", "field"))


def _names(value: Any, path: _Path) -> Iterator[tuple[str, _Path, bool]]:
    if isinstance(value, list):
        for step, name in enumerate(value):
            yield str(name), (*path, step), False
    elif value is not None:
        yield str(value), path, False
