"""Tell the references of a rule that are links from those that are text.

references ──links_of──> (links, texts)

A product makes each entry of its list of references a link, whatever it says (elastic_toml/NOTES.md). So only an
address of http or https may be in such a list; anything else is text in a description.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable

_SCHEME = re.compile(r"https?://", re.IGNORECASE)
# A browser reads `\` as `/`, and the others never stand in an address as they are.
_NEVER = frozenset('\\<>"^`')


def links_of(references: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the references that are links, and the others."""
    links: list[str] = []
    texts: list[str] = []
    for reference in references:
        text = reference.strip()
        if is_link(text):
            links.append(text)
        elif text:
            texts.append(reference)
    return links, texts


def is_link(text: str) -> bool:
    """Return whether a text is an address of http or https, with a host and without a user, as a browser opens it."""
    if not _SCHEME.match(text) or not text.isprintable() or any(char.isspace() or char in _NEVER for char in text):
        return False
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    host = parts.hostname or ""
    return "@" not in parts.netloc and port != 0 and any(map(str.isalnum, host)) and host[0] not in ".-"
