"""The type that a field has in an index of Elasticsearch.

    name ──ecs_type──> date, long, ip, wildcard, ... or None          name ──has_text──> is there a NAME.text?
    JSON types of all values ──observed──> boolean, long, double, keyword

A field of the Elastic Common Schema has the type that ECS publishes (ecs_types.json, by tools/build_ecs_types.py). What
ECS does not name, or makes a keyword, has the type of its values. Types are called as in a mapping.
"""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

WHOLE = frozenset({"long", "integer"})
NUMERIC = WHOLE | {"float", "double", "half_float", "scaled_float"}
WORDS = frozenset({"text", "match_only_text"})
"""Types whose values are taken apart into words when they are indexed."""


def ecs_type(name: str) -> str | None:
    """Return the type that ECS gives to a field; None for one that ECS does not name, or makes a keyword."""
    return _ecs_types().get(name)


def has_text(name: str) -> bool:
    """Return whether ECS has a field `NAME.text` beside a field, for searching its words."""
    return _ecs_types().get(f"{name}.text") in WORDS


def observed(values: AbstractSet[type]) -> str:
    """Return the type for a field whose values have these JSON types, where nothing else tells: text for a mixture."""
    if values == {bool}:
        return "boolean"
    if values == {int}:
        return "long"
    return "double" if values and values <= {int, float} else "keyword"


@lru_cache(maxsize=1)
def _ecs_types() -> Mapping[str, str]:
    table = json.loads(files(__package__).joinpath("ecs_types.json").read_text(encoding="utf-8"))
    return {name: kind for kind, names in table["types"].items() for name in names}
