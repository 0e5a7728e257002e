"""Check what a rule says about itself, with positions: title, id, dates, level, status, tags, related rules."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING
from uuid import UUID

from converter.readers.schema import ANYTHING, STRING, Keys, ListOf, Scalar, errors, list_of, one_of, string

if TYPE_CHECKING:
    from collections.abc import Iterator

    from converter.errors import SourceError
    from converter.readers.yaml_document import Document

MAX_TITLE = 256
_ENTRIES = "one entry a line, each after `- `"
_DATE_PARTS = re.compile(r"([1-3]\d{3})-([01]\d)-([0-3]\d)|([1-3]\d{3})/([01]?\d)/([0-3]?\d)", re.ASCII)


def metadata_errors(document: Document) -> Iterator[SourceError]:
    """Yield everything that is wrong with the metadata of a rule, as the specification and pySigma have it."""
    return errors(document, _METADATA)


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _is_date(text: str) -> bool:
    match = _DATE_PARTS.fullmatch(text)
    if match is None:
        return False
    try:
        date(*(int(group) for group in match.groups() if group))
    except ValueError:
        return False
    return True


def _list(plural: str, item: Scalar | Keys = ANYTHING) -> ListOf:
    return list_of(item, plural, hint=_ENTRIES)


_ID = string("a UUID", _is_uuid, "make one with `uuidgen`")
_NAME = string(accepts=bool, hint="give it one, or leave out the key")
_DATE = Scalar(
    "YYYY-MM-DD",
    lambda value: isinstance(value, date) or _is_date(str(value)),
    "year, month and day: 2026-01-31",
)
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
        "references": _list("links"),
        "falsepositives": _list("causes"),
        "fields": _list("fields"),
        "scope": _list("hosts"),
        "related": _list("rules", _RELATED),
    },
    {"title": "begin with `title: ...`"},
    others=True,
    nulls=True,
)
