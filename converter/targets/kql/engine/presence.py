"""Say whether a document has a value in a field, or anywhere in an object.

    name ──presence──> document -> bool

A value that the type of its field does not take is none: Elastic's mappings ignore malformed values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from converter.products.elastic.documents import Document, leaves
from converter.targets.kql.engine.fields import converter, holds


def presence(name: str, prefix: str = "") -> Callable[[Document], bool]:
    """Return a function that says whether a document holds any value in the field, or in the object, `name`.

    Args:
        name: a path; objects, dotted keys and mixtures of them are one.
        prefix: the path of the nested object that is asked, with a dot at its end.

    Source: Elasticsearch reference, "Exists query"; NOTES.md.
    """
    held = converter(prefix + name)

    def present(node: Any, rest: str) -> bool:
        if isinstance(node, list | tuple):
            return any(present(inner, rest) for inner in node)
        if not rest:
            if isinstance(node, Mapping):
                return _any_inside(node, f"{prefix}{name}.")
            return node is not None and held(node) is not None
        if not isinstance(node, Mapping):
            return False
        first = rest.partition(".")[0]
        for key, value in node.items():
            if not key.startswith(first):
                continue
            if key == rest:
                has_value = present(value, "")
            elif rest.startswith(f"{key}."):
                has_value = present(value, rest[len(key) + 1 :])
            elif key.startswith(f"{rest}."):
                has_value = _any_inside({key[len(rest) + 1 :]: value}, f"{prefix}{name}.")
            else:
                continue
            if has_value:
                return True
        return False

    return lambda document: present(document, name)


def _any_inside(node: Mapping[str, Any], prefix: str) -> bool:
    return any(holds(prefix + path, scalar) for path, scalar in leaves(node))
