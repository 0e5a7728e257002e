"""How Java writes a parsed JSON object as text: `{key=value, other=[1, 2]}`, keys in the order of a HashMap.

Elastic's CloudTrail pipeline keeps whole objects as such texts (`aws.cloudtrail.request_parameters`), and detection
rules search them. The order of the keys is the order of the hash table's buckets, so it is computed here.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from converter.products.elastic.values import java_double

_DEFAULT_CAPACITY = 16
_LOAD_FACTOR = 0.75
_MAX_DEPTH = 200


def java_text(value: Any, depth: int = 0) -> str:
    """Return the text of a JSON value as Java's `toString` gives it for what Elasticsearch parses JSON into."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        if depth >= _MAX_DEPTH:
            return "{...}"
        shown = (f"{key}={java_text(value[key], depth + 1)}" for key in hash_order(value))
        return "{" + ", ".join(shown) + "}"
    if isinstance(value, list):
        if depth >= _MAX_DEPTH:
            return "[...]"
        return "[" + ", ".join(java_text(item, depth + 1) for item in value) + "]"
    if value is None:
        return "null"
    return java_double(value) if isinstance(value, float) else str(value)


def scalars_as_text(value: dict[str, Any]) -> dict[str, Any]:
    """Return an object whose numbers and booleans, at any depth, are written as texts."""
    text: dict[str, Any] = _as_text(value, 0)
    return text


def _as_text(value: Any, depth: int) -> Any:
    if isinstance(value, str) or value is None or depth > _MAX_DEPTH:
        return value
    if isinstance(value, dict):
        return {key: _as_text(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_text(item, depth + 1) for item in value]
    return java_text(value)


def hash_order(mapping: dict[str, Any]) -> list[str]:
    """Return the keys in the order in which a java.util.HashMap that they were put into gives them back."""
    keys = list(mapping)
    if len(keys) < 2:  # noqa: PLR2004 - no order
        return keys
    capacity = _DEFAULT_CAPACITY
    while len(keys) > capacity * _LOAD_FACTOR:
        capacity *= 2
    mask = capacity - 1
    # A stable sort: keys of one bucket stay in the order in which they came.
    keys.sort(key=lambda key: _spread_hash(key) & mask)
    return keys


@lru_cache(maxsize=8192)
def _spread_hash(text: str) -> int:
    """Return String.hashCode over UTF-16 units, with the high half folded into the low one as HashMap does."""
    code = 0
    units = text.encode("utf-16-be", "surrogatepass")
    for index in range(0, len(units), 2):
        code = (code * 31 + (units[index] << 8 | units[index + 1])) & 0xFFFFFFFF
    return code ^ (code >> 16)
