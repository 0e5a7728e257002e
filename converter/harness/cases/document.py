"""Read a case file into plain data that remembers where each part stood.

    bytes ──document──> node graph within limits ──> Node(value, place)

Scalars are read as JSON reads them, because cases describe JSON events: a plain `true`, `null` or number is one,
everything else is text. YAML 1.1 would turn `no`, `12:30:00` and `0123` into something that no log holds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from converter.errors import CaseError, Place, suggest
from converter.readers.yaml_document import parse_documents

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,300})")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,3})?")
_CONSTANTS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}
_CORE = "tag:yaml.org,2002:"
_TEXT = _CORE + "str"
# What a plain value may be taken for; `_scalar` decides anew.
_TAGS = {_CORE + kind for kind in ("map", "seq", "str", "int", "float", "bool", "null", "timestamp", "value")}


@dataclass(frozen=True, slots=True)
class Node:
    """One value of the file with its place.

    `value` is a dict of text to Node, a list of Nodes, or a scalar of JSON. `text` is a scalar as it was written, and
    `key_place` is where the key stood that the value belongs to (the value itself in a list).
    """

    value: Any
    place: Place
    key_place: Place
    text: str = ""

    def plain(self) -> Any:
        """Return the value without places, built anew at each call, so that nobody shares parts of it."""
        match self.value:
            case dict() as entries:
                return {key: node.plain() for key, node in entries.items()}
            case list() as items:
                return [node.plain() for node in items]
            case scalar:
                return scalar

    def mapping(self, what: str, known: Iterable[str] | None = None) -> Mapping[str, Node]:
        """Return the entries of a mapping; `what` names it in the error, `known` limits its keys."""
        if not isinstance(self.value, dict):
            raise CaseError(f"{what} is {self.describe()}", self.place, "expected a mapping (`key: value`)")
        if known is not None:
            known = list(known)
            for key, node in self.value.items():
                if key not in known:
                    hint = suggest(key, known) or f"expected one of {', '.join(known)}"
                    raise CaseError(f"{what} has an unknown key {key!r}", node.key_place, hint)
        return self.value

    def items(self, what: str) -> list[Node]:
        """Return the items of a list; `what` names it in the error."""
        if not isinstance(self.value, list):
            raise CaseError(f"{what} is {self.describe()}", self.place, "expected a list (`- ...`)")
        return self.value

    def string(self, what: str) -> str:
        """Return a scalar as it was written (so that `repeat: 5s` and `name: 12` both give text)."""
        if isinstance(self.value, dict | list) or self.value is None or not self.text.strip():
            raise CaseError(f"{what} is {self.describe()}", self.place, "expected text")
        return self.text

    def describe(self) -> str:
        """Say what kind of value stands here, for error messages."""
        match self.value:
            case dict():
                return "a mapping"
            case list():
                return "a list"
            case None:
                return "empty"
            case bool():
                return f"`{self.text}`"
            case int() | float():
                return f"the number {self.text}"
            case _:
                return f"the text {self.text[:60]!r}"


def read_yaml(path: Path) -> Node:
    """Return the one document of a file.

    Raises:
        CaseError: the file cannot be read, is not one document of YAML, or exceeds a limit of `readers.yaml_document`.
    """
    name = str(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise CaseError(f"{name} cannot be read: {error.strerror}") from error
    documents = parse_documents(raw, name, CaseError)
    if not documents:
        raise CaseError("the file is empty", Place(name, 1, 1, ""), "expected `rule:` and `cases:`")
    first, *more = documents
    reader = _Reader(name, first.text.split("\n"))
    if more:
        raise CaseError("the file has a second document", reader.place(more[0].node), "put it into a file of its own")
    return reader.node(first.node, None)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Turns the nodes of one text into Nodes; holds the lines that places show."""

    name: str
    lines: list[str]

    def node(self, node: yaml.Node, key_place: Place | None) -> Node:
        place = self.place(node)
        key_place = key_place or place
        if node.tag not in _TAGS:
            raise CaseError(f"the tag {node.tag!r} is not supported", place, "expected a plain value of JSON")
        match node:
            case yaml.MappingNode():
                return Node(self._entries(node), place, key_place)
            case yaml.SequenceNode():
                return Node([self.node(item, None) for item in node.value], place, key_place)
            case yaml.ScalarNode():
                return Node(_scalar(node), place, key_place, node.value)
            case _:
                raise TypeError(f"YAML has no such node: {node!r}")

    def _entries(self, node: yaml.MappingNode) -> dict[str, Node]:
        # Merge keys (`<<`) are resolved already, with the merged entries first: what the mapping says itself wins.
        entries: dict[str, Node] = {}
        for key, value in node.value:
            place = self.place(key)
            entries[key.value] = self.node(value, place)
        return entries

    def place(self, node: yaml.Node) -> Place:
        start, end = node.start_mark, node.end_mark
        length = end.column - start.column if isinstance(node, yaml.ScalarNode) and end.line == start.line else 1
        line = self.lines[start.line] if start.line < len(self.lines) else ""
        return Place(self.name, start.line + 1, start.column + 1, line.rstrip("\r"), max(1, length))


def _scalar(node: yaml.ScalarNode) -> Any:
    text: str = node.value
    if node.style:  # a plain scalar has the style None, or "" from libyaml
        return text
    if node.tag == _TEXT:  # an explicit !!str, or what YAML 1.1 takes for text: it knows no 1e3
        return float(text) if "e" in text.lower() and _DECIMAL.fullmatch(text) else text
    if text.lower() in _CONSTANTS:
        return _CONSTANTS[text.lower()]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        return float(text)
    return text
