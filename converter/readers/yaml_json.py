"""A YAML loader that reads plain scalars as JSON does, for files that describe JSON events.

A plain `true`, `null` or number is one; everything else is text, and so is every key. YAML 1.1 would turn `no`,
`12:30:00` and `0123` into something that no log holds.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from converter.readers.json.values import read_number
from converter.readers.yaml_document import SafeLoader

if TYPE_CHECKING:
    from collections.abc import Iterator

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_CONSTANTS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}
_CORE = "tag:yaml.org,2002:"
_TEXT = _CORE + "str"


def _mapping(loader: Any, node: yaml.MappingNode) -> Iterator[dict[str, Any]]:
    data: dict[str, Any] = {}
    yield data
    loader.flatten_mapping(node)
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            context = "while constructing a mapping"
            raise yaml.constructor.ConstructorError(context, node.start_mark, "found unhashable key", key.start_mark)
        data[key.value] = loader.construct_object(value)


def _scalar(_loader: Any, node: yaml.ScalarNode) -> Any:
    text: str = node.value
    if node.style:  # a plain scalar has the style None, or "" from libyaml
        return text
    if node.tag == _TEXT:  # an explicit !!str, or what YAML 1.1 takes for text: it knows no 1e3
        return read_number(text) if "e" in text.lower() and _NUMBER.fullmatch(text) else text
    if text.lower() in _CONSTANTS:
        return _CONSTANTS[text.lower()]
    return read_number(text) if _NUMBER.fullmatch(text) else text


# What PyYAML takes a plain scalar for does not matter: `_scalar` decides anew.
_SCALARS = ("str", "int", "float", "bool", "null", "timestamp", "value")
_CONSTRUCTORS: dict[str | None, Any] = {
    None: SafeLoader.construct_undefined,
    _CORE + "map": _mapping,
    _CORE + "seq": SafeLoader.construct_yaml_seq,
    **{_CORE + kind: _scalar for kind in _SCALARS},
}
JsonLoader: Any = type("JsonLoader", (SafeLoader,), {"yaml_constructors": _CONSTRUCTORS})
