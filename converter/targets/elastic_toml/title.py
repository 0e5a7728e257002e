"""Make the title of a rule fit what the format takes as a name.

The format wants an ASCII letter or digit first, one or a bracket last, and at least three characters. A title that is
so stays as it is. Of any other, accents and what stands around the words go; where too little is left, a name is made
around the title.
"""

from __future__ import annotations

import re
from unicodedata import combining, normalize

_NAME = re.compile(r"[a-zA-Z0-9].+?[a-zA-Z0-9\[\]()]")
_BRACKETED = re.compile(r"[\[(]([^\[\]()]*)[\])]")
_LEADING = re.compile(r"[^a-zA-Z0-9]+")
_TRAILING = re.compile(r"[^a-zA-Z0-9\[\]()]+$")


def rule_name(title: str, rule_id: str) -> str:
    """Return a name that the format takes.

    Args:
        title: of the Sigma rule.
        rule_id: makes a name that has to be made up a name of its own.
    """
    flat = " ".join(title.split())
    if _NAME.fullmatch(flat):
        return flat
    plain = "".join(char for char in normalize("NFKD", flat) if not combining(char))
    bracketed = _BRACKETED.match(plain)
    if bracketed is not None:  # "[Test] rule": the second bracket goes with the first
        plain = bracketed[1] + plain[bracketed.end() :]
    leading = _LEADING.match(plain)
    # Words in another script are the title; only signs may go from its ends.
    if leading is None or not any(char.isalnum() for char in leading[0]):
        plain = plain[leading.end() if leading is not None else 0 :]
        trailing = _TRAILING.search(plain)
        if trailing is None or not any(char.isalnum() for char in trailing[0]):
            plain = plain[: trailing.start() if trailing is not None else None]
    return plain if _NAME.fullmatch(plain) else f"Sigma rule {flat} ({rule_id[:8]})"
