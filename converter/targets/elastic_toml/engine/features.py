"""What the engine simulates of the rule files of Elastic Security, and what it refuses by name.

types of rules, keys ──features──> Feature ... ──> docs/engines.md
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.readers.schema import Keys, Scalar
from converter.targets.elastic_toml.engine import schema
from converter.targets.elastic_toml.engine.execute import RULE_TYPES
from converter.targets.elastic_toml.engine.simulated import LUCENE, READ_KEYS, REFUSED_KEYS, USUAL_ONLY, usual_only
from converter.targets.feature import ALL, Feature

if TYPE_CHECKING:
    from collections.abc import Iterator

_LANGUAGES = {"query": "kuery", "threshold": "kuery", "eql": "eql", "esql": "esql"}


def features() -> Iterator[Feature]:
    """Yield the types of rules and the keys that change which alerts there are."""
    for name, keys in schema.BY_TYPE.items():
        if name not in RULE_TYPES:
            yield Feature("rule type", name, refused=ALL)
            continue
        own = keys.known.get(name)
        options = tuple(f"{name}.{key}" for key in own.known) if isinstance(own, Keys) else ()
        language = _LANGUAGES[name]
        yield Feature("rule type", name, f"a query in {language}", options, LUCENE if language == "kuery" else "")
    for key in READ_KEYS:
        shape = schema.BASE.known[key]
        yield Feature("key", key, shape.expected if isinstance(shape, Scalar) else "")
    for key, usual in USUAL_ONLY.items():
        yield Feature("key", key, f"`{usual}`", refused=usual_only(key))
    for key in REFUSED_KEYS:
        yield Feature("key", key, refused=ALL)
