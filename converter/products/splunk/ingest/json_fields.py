"""Splunk's search-time extraction of JSON (KV_MODE = json, the command spath): a nested object becomes flat fields.

    {"a": {"b": 1}, "c": ["x", {"d": true}]}  ──>  {"a.b": "1", "c{}": "x", "c{}.d": "true"}

Every value is text. A field that occurs several times is multivalued (a list); one that occurs once is a plain text.
What is known from documents and what is not is in `docs/ingest.md`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAX_DEPTH = 200
"""Objects nested deeper are not taken apart: nothing real is, and a hostile event must not exhaust the stack."""


def extract(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a JSON object: text, or a list of texts where a field has several values.

    JSON null gives no value, nor does an empty object or list; an empty text gives a field that is empty.
    """
    fields: dict[str, Any] = {}
    _walk(event.items(), "", fields, 0)
    return fields


def _walk(items: Iterable[tuple[str, Any]], prefix: str, fields: dict[str, Any], depth: int) -> None:
    for key, value in items:
        name = prefix + key
        if isinstance(value, str):
            if name in fields:
                _add(fields, name, value)
            else:
                fields[name] = value
        elif isinstance(value, dict):
            if depth < MAX_DEPTH:
                _walk(value.items(), name + ".", fields, depth + 1)
        elif isinstance(value, (list, tuple)):
            _walk_list(value, name + "{}", fields, depth + 1)
        elif value is not None:
            _add(fields, name, text_of(value))


def _walk_list(values: Iterable[Any], name: str, fields: dict[str, Any], depth: int) -> None:
    for value in values:
        if isinstance(value, dict):
            if depth < MAX_DEPTH:
                _walk(value.items(), name + ".", fields, depth + 1)
        elif isinstance(value, (list, tuple)):
            if depth < MAX_DEPTH:
                _walk_list(value, name + "{}", fields, depth + 1)
        elif value is not None:
            _add(fields, name, value if isinstance(value, str) else text_of(value))


def _add(fields: dict[str, Any], name: str, value: str) -> None:
    if name not in fields:
        fields[name] = value
        return
    present = fields[name]
    if isinstance(present, list):
        present.append(value)
    else:
        fields[name] = [present, value]


def text_of(value: object) -> str:
    """Return a JSON number or boolean as its JSON text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
