"""Check what a rule says about itself, with positions: title, id, dates, level, status, tags, related rules."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

from converter.errors import RuleWarning
from converter.readers.schema import (
    ANYTHING,
    STRING,
    Either,
    Keys,
    ListOf,
    Scalar,
    errors,
    list_of,
    one_of,
    string,
    value_at,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from converter.errors import SourceError
    from converter.readers.yaml_document import Document

MAX_TITLE = 256
_OWN_ID = " (`uuidgen` makes one); a product that needs one gets one that stays the same for this rule"
_ENTRIES = "one entry a line, each after `- `"
_DATE_PARTS = re.compile(r"([1-3]\d{3})-([01]\d)-([0-3]\d)|([1-3]\d{3})/([01]?\d)/([0-3]?\d)", re.ASCII)


LOG_SOURCE = Either(
    (Keys(dict.fromkeys(("product", "category", "service"), STRING), others=True, nulls=True), ANYTHING)
)
"""A log source. pySigma checks the rest of it, and would take an empty list for nothing."""


def metadata_errors(document: Document) -> Iterator[SourceError]:
    """Yield everything that is wrong with the metadata of a rule, as the specification and pySigma have it."""
    return errors(document, _METADATA)


def metadata_warnings(document: Document) -> Iterator[RuleWarning]:
    """Yield a warning for each id of a rule without errors that is not a UUID.

    The specification recommends UUIDs and does not demand them; pySigma does.
    """
    for path in id_paths(document.data):
        written = value_at(document, path)
        yield RuleWarning(
            f"the id {str(written)!r} is not a UUID",
            "id-not-uuid",
            document.place(*path),
            f"Sigma recommends UUIDs{_OWN_ID if path == ('id',) else ''}",
        )


def id_paths(data: Mapping[str, Any]) -> Iterator[tuple[str | int, ...]]:
    """Yield the paths of the ids in a valid rule that are not UUIDs: its own, and those of related rules."""
    if data.get("id") is not None and not is_uuid(data["id"]):
        yield ("id",)
    for index, item in enumerate(data.get("related") or ()):
        if not is_uuid(item["id"]):
            yield ("related", index, "id")


def is_uuid(written: object) -> bool:
    """Return whether pySigma takes an id for a UUID."""
    try:
        UUID(str(written))
    except ValueError:
        return False
    return True


def _is_id(value: object) -> bool:
    return (isinstance(value, str) and value.strip() != "") or type(value) is int


def _is_date(text: str) -> bool:
    match = _DATE_PARTS.fullmatch(text)
    if match is None:
        return False
    try:
        date(*(int(group) for group in match.groups() if group))
    except ValueError:
        return False
    return True


def _list(plural: str, item: Scalar | Keys) -> ListOf:
    return list_of(item, plural, hint=_ENTRIES)


_ID = Scalar("a string", _is_id, "make one with `uuidgen`")
_NAME = string(accepts=bool, hint="give it one, or leave out the key")
_DATE = Scalar(
    "YYYY-MM-DD",
    lambda value: isinstance(value, date) or _is_date(str(value)),
    "year, month and day: 2026-01-31",
)
_ITEM = Scalar("a string", lambda value: isinstance(value, str | int | float | date), "write one string")
_TAG = string("a namespace, a dot and a name", lambda tag: "." in tag, "for example attack.t1078")
_RELATED = Keys(
    {"id": _ID, "type": one_of("correlation", "derived", "merged", "obsolete", "renamed", "similar", fold=True)},
    dict.fromkeys(("id", "type"), "{id: ..., type: ...}"),
    others=True,
)
_METADATA = Keys(
    {
        "title": string(f"a string of at most {MAX_TITLE} characters", lambda title: len(title) <= MAX_TITLE),
        "id": _ID,
        "name": _NAME,
        "description": STRING,
        "author": STRING,
        "license": STRING,
        "taxonomy": _NAME,
        "level": one_of("informational", "low", "medium", "high", "critical", fold=True),
        "status": one_of("unsupported", "deprecated", "experimental", "test", "stable", fold=True),
        "date": _DATE,
        "modified": _DATE,
        "tags": _list("tags", _TAG),
        "references": _list("links", _ITEM),
        "falsepositives": _list("causes", _ITEM),
        "fields": _list("fields", _ITEM),
        "scope": _list("hosts", _ITEM),
        "related": _list("rules", _RELATED),
    },
    {"title": "begin with `title: ...`"},
    others=True,
    nulls=True,
)
