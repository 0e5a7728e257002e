"""The investigation guide of a rule: its author's Markdown, in which a link leads to a page of the web or is text.

guide ──each destination of a link or an image──> http, https, or a place of the same site ──yes──> as it is
                                                                                         └──no──> escaped, so text

Kibana makes some of these links text itself, but neither `mailto:` nor `//host`, nor those whose address is defined
elsewhere (NOTES.md). Nothing is left out for being code: where code begins depends on who reads it.
"""

from __future__ import annotations

import re
from html import unescape

# A bracket that may end the text of a link or an image, or the label of a definition; and its destination.
_DESTINATION = re.compile(r"(?P<before>\\*)\](?=(?:\(|:)\s*(?:<(?P<angled>[^>\n]*)|(?P<bare>[^\s)]*)))")
_AUTOLINK = re.compile(r"(?P<before>\\*)<(?=(?P<address>[A-Za-z][A-Za-z0-9+.-]*:[^\s<>]*|[^\s<>@]+@[^\s<>@]+)>)")
_ESCAPED = re.compile(r"\\(?=[!-/:-@\[-`{-~])")
_IGNORED = re.compile(r"[\x00-\x20\x7f-\x9f]")  # a browser drops these
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_WEB = re.compile(r"https?://", re.IGNORECASE)


def guide_text(markdown: str) -> str:
    """Return a guide in which every link whose scheme is not http or https is text."""
    return _AUTOLINK.sub(_escape_autolink, _DESTINATION.sub(_escape_bracket, markdown))


def _escape_bracket(match: re.Match[str]) -> str:
    destination = match["bare"] if match["angled"] is None else match["angled"]
    return _escaped(match, "]", safe=_is_safe(_ESCAPED.sub("", unescape(destination))))


def _escape_autolink(match: re.Match[str]) -> str:
    return _escaped(match, "<", safe=_is_safe(match["address"]) and "@" not in match["address"].partition(":")[0])


def _escaped(match: re.Match[str], sign: str, *, safe: bool) -> str:
    is_escaped = len(match["before"]) % 2 == 1
    return f"{match['before']}{sign}" if safe or is_escaped else f"{match['before']}\\{sign}"


def _is_safe(destination: str) -> bool:
    address = _IGNORED.sub("", destination)
    if _WEB.match(address):
        return True
    return not _SCHEME.match(address) and address[:2].replace("\\", "/") != "//"
