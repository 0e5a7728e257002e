"""Find where the keys and values of a TOML file stand in its text.

    text ──scan──> path of keys ──> offsets of the key and of its value

`tomllib` reads the values but tells no places. This scans the same text for statements only: a header, or a key and
the extent of its value. It trusts that `tomllib` has accepted the text before.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

Path: TypeAlias = tuple[str | int, ...]

_BLANK = re.compile(r"[ \t\r\n]*")
_COMMENT = re.compile(r"#[^\n]*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"|' + r"'[^']*'")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}' + r"|'''.*?'{3,5}" + r'|"(?:[^"\\\n]|\\.)*"' + r"|'[^'\n]*'", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Spot:
    """Offsets of a key and of its value; those of a table are its header."""

    key: int
    key_end: int
    value: int
    value_end: int


def spots(text: str) -> dict[Path, Spot]:
    """Return the place of every table and key of the TOML file `text`, tables in arrays by their index.

    Keys of inline tables and elements of arrays are not listed; their place is that of the key they belong to.
    """
    found: dict[Path, Spot] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    at = 0
    while (at := _skip(text, at)) < len(text):
        start = at
        if text[at] == "[":
            many = text.startswith("[[", at)
            keys, at = _keys(text, at + 1 + many)
            at = _skip(text, at) + 1 + many
            table = _resolve(keys, counts, many=many)
            found.setdefault(table, Spot(start, at, start, at))
            continue
        keys, key_end = _keys(text, at)
        value = _skip(text, _skip(text, key_end) + 1)
        at = _value_end(text, value)
        path = (*table, *keys)
        spot = Spot(start, key_end, value, at)
        for length in range(len(table) + 1, len(path) + 1):
            found.setdefault(path[:length], spot)
    return found


def _skip(text: str, at: int) -> int:
    """Return the offset after blanks, line ends and comments."""
    while True:
        blank = _BLANK.match(text, at)
        at = at if blank is None else blank.end()
        comment = _COMMENT.match(text, at)
        if comment is None:
            return at
        at = comment.end()


def _keys(text: str, at: int) -> tuple[list[str], int]:
    """Read a dotted key."""
    keys: list[str] = []
    while True:
        at = _skip(text, at)
        match = _BARE.match(text, at) or _QUOTED.match(text, at)
        if match is None:
            return keys, at
        keys.append(match.group().strip("\"'") if match.group()[0] in "\"'" else match.group())
        at = match.end()
        after = _skip(text, at)
        if not text.startswith(".", after):
            return keys, at
        at = after + 1


def _resolve(keys: list[str], counts: dict[Path, int], *, many: bool) -> Path:
    """Return the path that a header stands for: each array of tables on the way at its newest element."""
    path: Path = ()
    for position, key in enumerate(keys):
        path = (*path, key)
        if many and position == len(keys) - 1:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def _value_end(text: str, at: int) -> int:
    """Return where the value that begins at `at` ends."""
    depth = 0
    while at < len(text):
        char = text[at]
        if char in "\"'":
            match = _STRING.match(text, at)
            at = at + 1 if match is None else match.end()
        elif char == "#":
            if depth == 0:
                break
            comment = _COMMENT.match(text, at)
            at = at + 1 if comment is None else comment.end()
        elif char == "\n" and depth == 0:
            break
        else:
            depth += (char in "[{") - (char in "]}")
            at += 1
        if depth == 0 and char in "\"']}":
            break
    return at - len(text[:at]) + len(text[:at].rstrip())
