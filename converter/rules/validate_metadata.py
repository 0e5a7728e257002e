"""Check what a rule says about itself, with positions: title, id, dates, level, status, tags, related rules.

Document ──metadata_errors──> every error, in the order of the checks
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

from converter.errors import RuleError, suggest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from converter.errors import SourceError
    from converter.readers.yaml_document import Document

LEVELS = ("informational", "low", "medium", "high", "critical")
STATUSES = ("unsupported", "deprecated", "experimental", "test", "stable")
RELATIONS = ("correlation", "derived", "merged", "obsolete", "renamed", "similar")
TEXTS = ("title", "id", "name", "description", "author", "license", "taxonomy")
LISTS = ("tags", "references", "falsepositives", "fields", "scope", "related")
MAX_TITLE = 256
_DATE = re.compile(r"([1-3]\d{3})-([01]\d)-([0-3]\d)|([1-3]\d{3})/([01]?\d)/([0-3]?\d)", re.ASCII)


def metadata_errors(document: Document) -> Iterator[SourceError]:
    """Yield everything that is wrong with the metadata of a rule, as the specification and pySigma have it."""
    data = document.data
    if data.get("title") is None:
        yield RuleError("the rule has no title", document.place(), "begin with `title: ...`")
    for key in TEXTS:
        yield from _text(document, key)
    for key in LISTS:
        if data.get(key) is not None and not isinstance(data[key], list):
            yield RuleError(f"{key} is a list", document.place(key), "one entry a line, each after `- `")
    for key, known in (("level", LEVELS), ("status", STATUSES)):
        yield from _word(document, (key,), data.get(key), known, f"a {key}")
    for key in ("date", "modified"):
        value = data.get(key)
        if value is not None and not isinstance(value, date) and not _is_date(str(value)):
            yield RuleError(f"{value!r} is not a date", document.place(key), "year, month and day: 2026-01-31")
    yield from _tags(document)
    yield from _related(document)


def _text(document: Document, key: str) -> Iterator[SourceError]:
    value = document.data.get(key)
    if value is None:
        return
    if not isinstance(value, str):
        written = document.scalar(key)
        hint = f"put quotes around it: {key}: '{written}'" if written is not None else "plain text"
        yield RuleError(f"{key} is text", document.place(key), hint)
    elif key in {"name", "taxonomy"} and not value:
        yield RuleError(f"the {key} is empty", document.place(key), "give it one, or leave out the key")
    elif key == "title" and len(value) > MAX_TITLE:
        message = f"the title has {len(value)} characters, more than {MAX_TITLE}"
        yield RuleError(message, document.place(key), "the description has room for more")
    elif key == "id" and not _is_uuid(value):
        yield RuleError(f"the id {value!r} is not a UUID", document.place(key), "make one with `uuidgen`")


def _word(
    document: Document, path: tuple[str | int, ...], value: Any, known: tuple[str, ...], what: str
) -> Iterator[SourceError]:
    if value is not None and (not isinstance(value, str) or value.lower() not in known):
        hint = suggest(str(value).lower(), known) or f"known: {', '.join(known)}"
        yield RuleError(f"{value!r} is not {what}", document.place(*path), hint)


def _tags(document: Document) -> Iterator[SourceError]:
    tags = document.data.get("tags")
    for index, tag in enumerate(tags if isinstance(tags, list) else ()):
        if not isinstance(tag, str):
            yield RuleError("a tag is text", document.place("tags", index), "for example attack.t1078")
        elif "." not in tag:
            message = f"the tag {tag!r} has no namespace"
            yield RuleError(message, document.place("tags", index), "NAMESPACE.NAME, for example attack.t1078")


def _related(document: Document) -> Iterator[SourceError]:
    related = document.data.get("related")
    for index, item in enumerate(related if isinstance(related, list) else ()):
        if not isinstance(item, dict) or "id" not in item or "type" not in item:
            yield RuleError(
                "a related rule has an id and a type", document.place("related", index), "{id: ..., type: ...}"
            )
            continue
        if not isinstance(item["id"], str) or not _is_uuid(item["id"]):
            yield RuleError(f"the id {item['id']!r} is not a UUID", document.place("related", index, "id"))
        path = ("related", index, "type")
        yield from _word(document, path, item["type"] if item["type"] is not None else "", RELATIONS, "a relation")


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _is_date(text: str) -> bool:
    match = _DATE.fullmatch(text)
    if match is None:
        return False
    try:
        date(*(int(group) for group in match.groups() if group))
    except ValueError:
        return False
    return True
