"""Texts that a stranger may put into any place of a rule."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

_DATA = yaml.safe_load((Path(__file__).parent / "strings.yml").read_text(encoding="utf-8"))
STRINGS: tuple[str, ...] = tuple(dict.fromkeys(text for texts in _DATA.values() for text in texts))
"""Many, for tests that only parse what is emitted."""
HOSTILE: tuple[str, ...] = (
    'x" OR 1=1 | delete',
    'x") | delete (("',
    "x' OR true",
    "`macro`",
    "$token$",
    "a\\",
    'a\\"',
    "\\\\",
    "[search index=_audit]",
    "| outputlookup x.csv",
    "*",
    "?",
    "a*b?c",
    "\\*",
    "''' \n[rule]\nx = 1",
    '""" \n[metadata]',
    "a\nb",
    "a\r\nb",
    "\t",
    "{{ now }}",
    "a and b or not c",
    "not",
    "NOT",
    "//",
    "/* x */",
    "<xml>&amp;",
    "%placeholder%",
    "null",
    "5",
    "05",
    "10.0.0.0/8",
    "10.0.0.1",
    "true",
    "é ß İ",
    "\u2028",
    "🙂",
    "a:b",
    "(a)",
    "{a}",
    ":",
    '"',
    "'",
    "#",
    "@&<>~",
    "^a$",
    " leading and trailing ",
)
"""Fewer, for tests that run it."""


def escaped(text: str) -> str:
    """Return text as a Sigma value without wildcards."""
    return re.sub(r"(\\+(?=[*?\\]|$)|[*?])", lambda match: "".join(f"\\{char}" for char in match[0]), text)
