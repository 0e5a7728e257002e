"""Documents to columns: what FROM gives the rest of a query.

    events ──extract──> values per field ──type──> Column(type, values)

A field is found by its dotted path through nested objects, dotted keys, or both; arrays of objects spread, as when
Elasticsearch indexes them. Types come from a mapping if one is given, from `KNOWN` for a few ECS fields, else from the
values. A multivalue comes as the product stores it: keywords and addresses sorted and each once, others sorted.
Source: Elasticsearch docs "ES|QL multivalued fields"; ECS field reference for the types in `KNOWN`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from converter.targets.esql.engine.coerce import index_value
from converter.targets.esql.engine.types import TYPE_NAMES, Type, collapse, sorted_unique

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_IP_FIELDS = (
    "client.ip client.nat.ip destination.ip destination.nat.ip dns.resolved_ip host.ip network.forwarded_ip "
    "observer.ip related.ip server.ip server.nat.ip source.ip source.nat.ip threat.indicator.ip "
    "threat.enrichments.indicator.ip"
)
KNOWN: dict[str, Type] = {
    "@timestamp": Type.DATETIME,
    "event.created": Type.DATETIME,
    "event.ingested": Type.DATETIME,
    **dict.fromkeys(_IP_FIELDS.split(), Type.IP),
}
METADATA: dict[str, Type] = {
    "_id": Type.KEYWORD,
    "_index": Type.KEYWORD,
    "_version": Type.LONG,
}
_NOT_COLUMNS = frozenset({"_id", "_index", "_version", "_source", "_score", "_type", "_routing", "_ignored"})
_BACKING_INDEX = re.compile(r"\.(?:ds|fs)-(.+)-\d{4}\.\d\d\.\d\d-\d{6}")


@dataclass(frozen=True, slots=True)
class Column:
    """A field of the documents: its type and one value per document."""

    type: Type
    values: list[Any]


def field_names(events: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the dotted names of all leaf fields, sorted; metadata keys are not fields."""
    names: set[str] = set()
    for event in events:
        for key, value in event.items():
            if key not in _NOT_COLUMNS:
                _leaf_names(key, value, names)
    return sorted(names)


def _leaf_names(path: str, value: Any, names: set[str]) -> None:
    stack = [(path, value)]
    while stack:
        path, value = stack.pop()
        if isinstance(value, dict):
            stack.extend((f"{path}.{key}", inner) for key, inner in value.items())
        elif isinstance(value, list):
            stack.extend((path, inner) for inner in value)
        elif value is not None:
            names.add(path)


def select(events: Iterable[Mapping[str, Any]], indices: Sequence[str]) -> list[Mapping[str, Any]]:
    """Return the documents that FROM reads: a document that says its `_index` must be of one of the patterns."""
    wanted = [_index_pattern(index) for index in indices if not index.startswith("-")]
    unwanted = [_index_pattern(index[1:]) for index in indices if index.startswith("-")]
    seen: dict[str, bool] = {}
    chosen = []
    for event in events:
        index = event.get("_index")
        if isinstance(index, str):
            if index not in seen:
                backing = _BACKING_INDEX.fullmatch(index)
                names = (index, backing[1]) if backing else (index,)
                seen[index] = any(p.fullmatch(n) for p in wanted for n in names) and not any(
                    p.fullmatch(n) for p in unwanted for n in names
                )
            if not seen[index]:
                continue
        chosen.append(event)
    return chosen


def _index_pattern(index: str) -> re.Pattern[str]:
    # One `.*` a star, adjacent stars as one: index names are short, so backtracking stays small.
    return re.compile(".*".join(re.escape(part) for part in re.split(r"\*+", index)), re.DOTALL)


def read_column(name: str, events: Sequence[Mapping[str, Any]], mapping: Mapping[str, str]) -> Column:
    """Return a field of the documents as a column."""
    if name in METADATA:
        return _metadata_column(name, events)
    raw = _extract(name, events)
    type_ = TYPE_NAMES[mapping[name]] if name in mapping else KNOWN.get(name) or _observed_type(raw)
    return Column(type_, [None if value is None else _convert(value, type_) for value in raw])


def _metadata_column(name: str, events: Sequence[Mapping[str, Any]]) -> Column:
    default = 1 if name == "_version" else None
    type_ = METADATA[name]
    values = [event.get(name, default) for event in events]
    return Column(type_, [str(v) if v is not None and type_ is Type.KEYWORD else v for v in values])


def _extract(name: str, events: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Return the raw value of a field per document: None, a scalar, or a list of scalars (never empty)."""
    parts = name.split(".")
    if len(parts) == 1:
        return [_leaf(event.get(name)) for event in events]
    paths = [[".".join(parts[i:j]) for j in range(i + 1, len(parts) + 1)] for i in range(len(parts))]
    values = []
    for event in events:
        found: list[Any] = []
        _search(event, paths, 0, found)
        values.append(found[0] if len(found) == 1 else found or None)
    return values


def _search(node: Any, paths: list[list[str]], level: int, found: list[Any]) -> None:
    if isinstance(node, list):
        for item in node:
            if isinstance(item, (dict, list)):
                _search(item, paths, level, found)
        return
    get = node.get
    for step, key in enumerate(paths[level], level + 1):
        value = get(key)
        if value is None:
            continue
        if step == len(paths):
            _leaves(value, found)
        elif isinstance(value, (dict, list)):
            _search(value, paths, step, found)


def _leaves(value: Any, found: list[Any]) -> None:
    if isinstance(value, list):
        for item in value:
            _leaves(item, found)
    elif value is not None and not isinstance(value, dict):
        found.append(value)


def _leaf(value: Any) -> Any:
    if value is None or isinstance(value, dict):
        return None
    if isinstance(value, list):
        found: list[Any] = []
        _leaves(value, found)
        return found[0] if len(found) == 1 else found or None
    return value


def _observed_type(raw: Sequence[Any]) -> Type:
    """Return the type that holds all the values: one of a kind, double for mixed numbers, else keyword."""
    kinds: set[type] = set()
    for value in raw:
        if isinstance(value, list):
            kinds.update(type(one) for one in value)
        else:
            kinds.add(type(value))
    kinds.discard(type(None))
    if not kinds:
        return Type.NULL
    if kinds == {bool}:
        return Type.BOOLEAN
    if kinds == {int}:
        return Type.LONG
    return Type.DOUBLE if kinds <= {int, float} else Type.KEYWORD


def _convert(value: Any, type_: Type) -> Any:
    if isinstance(value, list):
        values = [one for one in (index_value(item, type_) for item in value) if one is not None]
        if type_ is Type.KEYWORD or type_ is Type.IP:
            values = sorted_unique(values)  # doc values of these are a sorted set
        else:
            values.sort()
        return collapse(values)
    return index_value(value, type_)
