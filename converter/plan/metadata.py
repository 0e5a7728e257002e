"""Read the metadata of a rule, and normalise the names that refer to it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from converter.plan.nodes import Metadata

if TYPE_CHECKING:
    from sigma.correlations import SigmaCorrelationRule
    from sigma.rule import SigmaRule

    from converter.readers.yaml_document import Document


def reference_key(name: str) -> str:
    """Return a name or id in the form in which references are compared: a UUID in lower case, with hyphens only."""
    try:
        return str(UUID(name))
    except ValueError:
        return name


def generates(document: Document) -> bool:
    """Return whether referenced rules also raise alerts; the schema has `generate` beside `correlation` as well."""
    return bool(document.data["correlation"].get("generate") or document.data.get("generate"))


def metadata_of(rule: SigmaRule | SigmaCorrelationRule, document: Document | None) -> Metadata:
    """Return the metadata of a rule; its file is that of `document`."""
    related = getattr(rule.related, "related", None) or ()
    return Metadata(
        key=str(rule.name or rule.id or rule.title),
        title=rule.title or "",
        id=str(rule.id) if rule.id else None,
        name=rule.name,
        description=rule.description or "",
        level=rule.level.name.lower() if rule.level else None,
        status=rule.status.name.lower() if rule.status else None,
        author=rule.author,
        date=rule.date.isoformat() if rule.date else None,
        modified=rule.modified.isoformat() if rule.modified else None,
        references=tuple(map(str, rule.references or ())),
        tags=tuple(str(tag) for tag in rule.tags or ()),
        falsepositives=tuple(map(str, rule.falsepositives or ())),
        fields=tuple(map(str, rule.fields or ())),
        related=tuple((item.type.name.lower(), str(item.id)) for item in related),
        path=document.name if document is not None else "<rule>",
    )
