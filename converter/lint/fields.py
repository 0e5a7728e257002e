"""Warn about names of fields that are most probably meant as something else, and about `expand` that expands nothing.

    detection, correlation, filter ──every field with its place──> RuleWarning: what is read, and what to write

A name is read as it stands, so a rule with such a name converts, and matches nothing.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from converter.errors import Place, RuleWarning
from converter.readers.field_names import ARRAY_SELECTOR

if TYPE_CHECKING:
    from collections.abc import Iterator

    from converter.readers.yaml_document import Document

Path = tuple[str | int, ...]

# A modifier after a colon or another sign; after the other signs only words that no field ends with.
_COLON = re.compile(r"(?P<field>[^:]+):(?P<modifier>[A-Za-z_0-9]+)")
_OTHER_SEPARATOR = re.compile(
    r"(?P<field>.+?)[\s./;,>¦_-]+(?P<modifier>contains|startswith|endswith|base64offset|windash|fieldref)"
)
_NEAR = 0.8
_PLACEHOLDER = re.compile(r"\\%|%([^%\\]+)%")


def field_warnings(document: Document) -> Iterator[RuleWarning]:
    """Yield the warnings about the fields of a rule without errors."""
    for section in ("detection", "filter"):
        searches = document.data.get(section)
        for name, definition in searches.items() if isinstance(searches, dict) else ():
            if name not in {"condition", "timeframe", "rules"}:
                yield from _search(document, (section, name), definition)
    for field, place in _correlated(document):
        yield from _name_warnings(field, place)


def _search(document: Document, path: Path, definition: Any) -> Iterator[RuleWarning]:
    if isinstance(definition, list):
        for index, item in enumerate(definition):
            yield from _search(document, (*path, index), item)
    elif isinstance(definition, dict):
        for key, value in definition.items():
            field, *modifiers = key.split("|")
            place = document.place(*path, key, key=True)
            misspelled = list(_separator(key, field, place))
            yield from misspelled or _name_warnings(field, place)
            if "expand" in modifiers:
                yield from _expand(document, (*path, key), value)


def _correlated(document: Document) -> Iterator[tuple[str, Place]]:
    """Yield the fields of a correlation, each with its place: of `group-by`, of the condition, and of aliases."""
    correlation = document.data.get("correlation")
    if not isinstance(correlation, dict):
        return
    condition = correlation.get("condition")
    measured = condition.get("field") if isinstance(condition, dict) else None
    for path, names in ((("group-by",), correlation.get("group-by")), (("condition", "field"), measured)):
        for index, name in enumerate(names) if isinstance(names, list) else [(0, names)]:
            if isinstance(name, str):
                yield name, document.place("correlation", *path, index)
    for alias, mapping in (correlation.get("aliases") or {}).items():
        for rule, name in mapping.items():
            yield str(name), document.place("correlation", "aliases", alias, rule)


def _separator(key: str, field: str, place: Place) -> Iterator[RuleWarning]:
    """Yield a warning about a modifier that does not follow `|`."""
    from converter.plan.modifiers import KNOWN_MODIFIERS  # noqa: PLC0415  slow to import

    match = _COLON.fullmatch(field) or _OTHER_SEPARATOR.fullmatch(field)
    if match is None:
        return
    written = match["modifier"]
    near = get_close_matches(written.lower(), KNOWN_MODIFIERS, n=1, cutoff=_NEAR)
    if not near:
        return
    right = "|".join((match["field"].strip(), near[0], *key.split("|")[1:]))
    message = f"{field!r} is read as the name of a field, because a modifier follows `|`"
    yield RuleWarning(message, "modifier-in-field", place, f"write {right}")


def _name_warnings(field: str, place: Place) -> Iterator[RuleWarning]:
    if match := ARRAY_SELECTOR.search(field):
        message = f"the brackets of {field!r} belong to the name of the field: array selectors are a proposal (SEP-212)"
        plain = ARRAY_SELECTOR.sub("", field)
        hint = (
            f"write {plain}: an array matches if any of its elements does"
            if match[1] in {"any", "*", None}
            else f"Sigma 2 can ask only for any element: {plain}"
        )
        yield RuleWarning(message, "array-selector", place, hint)
    if " " in field.strip():
        message = f"Sigma's taxonomy has no spaces in the names of fields, as in {field!r}"
        yield RuleWarning(message, "field-with-spaces", place, f"write {field.replace(' ', '')}")


def _expand(document: Document, path: Path, value: Any) -> Iterator[RuleWarning]:
    """Yield a warning about each value of `expand` in which there is nothing to expand."""
    for index, item in enumerate(value) if isinstance(value, list) else [(0, value)]:
        if not isinstance(item, str) or any(match[1] for match in _PLACEHOLDER.finditer(item)):
            continue
        escaped = item.replace("\\%", "%")
        if any(match[1] for match in _PLACEHOLDER.finditer(escaped)):
            hint = f"`\\%` is a percent sign; for the placeholder write '{escaped}'"
        else:
            hint = "a placeholder is written %name%; without one, leave out `expand`"
        yield RuleWarning(
            f"expand has nothing to expand in {item!r}".replace("\\\\", "\\"),
            "nothing-to-expand",
            document.place(*path, index),
            hint,
        )
