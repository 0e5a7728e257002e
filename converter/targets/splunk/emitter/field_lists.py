"""Fields in lists and statistics, and names of rules as texts: nothing of them can leave its place."""

from __future__ import annotations

import re

from converter.targets.splunk.emitter.quoting import BY_WORDS, eval_field

_PLAIN_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*", re.ASCII)
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_ .:()/-]*[A-Za-z0-9_.)])?", re.ASCII)
_LONGEST = 100


def plain_field(name: str) -> bool:
    """Return whether a field can stand in a list of fields, or in a statistic, as it is."""
    return _PLAIN_FIELD.fullmatch(name) is not None and name.lower() not in BY_WORDS


def listed(name: str) -> str:
    """Return a field for the list of `fields`; with a `*` it stands for more fields, which does no harm there.

    Raises:
        RefusedError: quotes cannot hold the name.
    """
    if plain_field(name):
        return name
    eval_field(name, None)  # refuses what quotes cannot hold
    return f'"{name}"'


def plain_name(key: str, number: int) -> str:
    """Return what a row calls a rule: its key, if a quoted text can hold that whatever the escapes, else its number."""
    return key if _PLAIN_NAME.fullmatch(key) and len(key) <= _LONGEST else f"rule {number}"
