"""What a field is, and what a document holds in it.

    name ──kind_of──> Kind                    document + path ──getter──> scalars

There is no index mapping here, so types come from the names that the Elastic Common Schema gives to its date, ip,
numeric, wildcard and text fields. Any other field is a keyword field, except that a JSON number or boolean in it is
taken as a number or a boolean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from functools import lru_cache
from typing import Any, TypeAlias

Document: TypeAlias = Mapping[str, Any]
Scalar: TypeAlias = str | int | float | bool
Getter: TypeAlias = Callable[[Document], list[Scalar]]


class Kind(Enum):
    """How Elasticsearch would index a field."""

    KEYWORD = "keyword"
    WILDCARD = "wildcard"
    TEXT = "text"
    IP = "ip"
    DATE = "date"
    NUMBER = "number"


_LAST: Mapping[str, Kind] = {
    "text": Kind.TEXT,
    "ip": Kind.IP,
    "bytes": Kind.NUMBER,
    "packets": Kind.NUMBER,
    "pid": Kind.NUMBER,
    "port": Kind.NUMBER,
    "command_line": Kind.WILDCARD,
}
"""The kind of a field by the last part of its path."""

_LAST_TWO: Mapping[str, Kind] = {
    **dict.fromkeys(
        (
            "event.created", "event.end", "event.ingested", "event.start", "file.accessed", "file.created",
            "file.ctime", "file.mtime", "process.start", "process.end", "parent.start", "parent.end",
            "entry_leader.start",
            "group_leader.start", "session_leader.start", "package.installed", "email.delivery_timestamp",
            "email.origination_timestamp", "indicator.first_seen", "indicator.last_seen", "indicator.modified_at",
            "x509.not_after", "x509.not_before", "elf.creation_date", "session_context.creation_date",
            "alert.original_time",
        ),
        Kind.DATE,
    ),
    **dict.fromkeys(
        (
            "answers.ttl", "as.number", "event.duration", "event.risk_score", "event.risk_score_norm", "event.sequence",
            "event.severity", "file.size", "process.args_count", "process.exit_code", "parent.args_count",
            "parent.exit_code", "process.pgid", "process.ppid", "process.uptime", "response.status_code",
            "alert.risk_score", "thread.id", "syslog.priority",
        ),
        Kind.NUMBER,
    ),
    **dict.fromkeys(
        (
            "body.content", "data.strings", "error.stack_trace", "io.text", "url.full", "url.original", "url.path",
        ),
        Kind.WILDCARD,
    ),
    "error.message": Kind.TEXT,
}  # fmt: skip
"""The kind of a field by the last two parts of its path; this goes before `_LAST`."""

_WHOLE: Mapping[str, Kind] = {"@timestamp": Kind.DATE, "message": Kind.TEXT, "ip": Kind.IP}


@lru_cache(maxsize=4096)
def kind_of(name: str) -> Kind:
    """Return how the field `name` is indexed.

    Source: the field reference of the Elastic Common Schema 8.x; NOTES.md lists the names.
    """
    whole = _WHOLE.get(name)
    if whole is not None or "." not in name:
        return whole or Kind.KEYWORD
    parts = name.rsplit(".", 2)
    return _LAST_TWO.get(".".join(parts[-2:])) or _LAST.get(parts[-1]) or Kind.KEYWORD


def getter(name: str) -> Getter:
    """Return a function that lists the scalars of a document in the field `name`.

    A path goes through nested objects, arrays of objects, literal dotted keys and any mixture; null is no value.
    """
    splits = _splits(name)

    def get(document: Document) -> list[Scalar]:
        found: list[Scalar] = []
        _collect(document, 0, splits, found)
        return found

    return get


def objects(name: str) -> Callable[[Document], list[Document]]:
    """Return a function that lists the objects of a document at the path `name`."""
    splits = _splits(name)

    def get(document: Document) -> list[Document]:
        found: list[Any] = []
        _collect(document, 0, splits, found, scalars=False)
        return found

    return get


def leaves(document: Document) -> Iterator[tuple[str, Scalar]]:
    """Yield every (path, scalar) of a document, metadata such as `_id` left out."""
    stack: list[tuple[str, Any]] = [
        (key, value) for key, value in reversed(list(document.items())) if not key.startswith("_")
    ]
    while stack:
        path, value = stack.pop()
        if isinstance(value, Mapping):
            stack.extend((f"{path}.{key}", inner) for key, inner in reversed(list(value.items())))
        elif isinstance(value, list | tuple):
            stack.extend((path, inner) for inner in reversed(value))
        elif value is not None:
            yield path, value


def expanded(document: Document) -> dict[str, Any]:
    """Return the document with dotted keys opened into objects, as Elasticsearch reads them when it indexes.

    Each dotted key makes an object of its own: `{"u.a": 1, "u.b": 2}` has two objects in a nested field `u`.
    """
    out: dict[str, Any] = {}
    for key, value in document.items():
        first, *rest = key.split(".")
        opened = _expanded_value(value)
        for part in reversed(rest):
            opened = {part: opened}
        out[first] = [*_listed(out[first]), *_listed(opened)] if first in out else opened
    return out


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _expanded_value(value: Any) -> Any:
    if isinstance(value, Mapping):
        return expanded(value)
    if isinstance(value, list | tuple):
        return [_expanded_value(inner) for inner in value]
    return value


def _splits(name: str) -> list[list[tuple[str, int]]]:
    """Return, for each position in the dotted path, the keys that may come next and the position after each."""
    parts = name.split(".")
    return [
        [(".".join(parts[start:end]), end) for end in range(start + 1, len(parts) + 1)] for start in range(len(parts))
    ] + [[]]


def _collect(
    node: Any, position: int, splits: list[list[tuple[str, int]]], found: list[Any], *, scalars: bool = True
) -> None:
    if isinstance(node, Mapping):
        steps = splits[position]
        if not steps:
            if not scalars:
                found.append(node)
            return
        for key, after in steps:
            if key in node:
                _collect(node[key], after, splits, found, scalars=scalars)
    elif isinstance(node, list | tuple):
        for inner in node:
            _collect(inner, position, splits, found, scalars=scalars)
    elif scalars and node is not None and position == len(splits) - 1:
        found.append(node)
