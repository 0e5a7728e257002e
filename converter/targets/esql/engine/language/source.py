"""Documents to columns: what FROM gives the rest of a query.

    events ──extract──> values per field ──type──> Column(type, values)

Types come from a mapping if one is given, from the Elastic Common Schema for its fields, else from the values. A
multivalue comes as the product stores it: keywords and addresses sorted and each once, others sorted.
Source: Elasticsearch docs "ES|QL multivalued fields".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from converter.products.elastic.documents import getter
from converter.products.elastic.field_types import ecs_type, observed
from converter.products.elastic.values import holder
from converter.targets.esql.engine.language.types import TYPE_NAMES, Type, collapse, sorted_unique

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

METADATA: dict[str, Type] = {
    "_id": Type.KEYWORD,
    "_index": Type.KEYWORD,
    "_version": Type.LONG,
}
_KINDS = {
    Type.KEYWORD: "keyword",
    Type.IP: "ip",
    Type.DATETIME: "date",
    Type.BOOLEAN: "boolean",
    Type.INTEGER: "integer",
    Type.LONG: "long",
    Type.DOUBLE: "double",
    Type.NULL: "null",
}
"""What a mapping calls a type of ES|QL."""
_BACKING_INDEX = re.compile(r"\.(?:ds|fs)-(.+)-\d{4}\.\d\d\.\d\d-\d{6}")


@dataclass(frozen=True, slots=True)
class Column:
    """A field of the documents: its type and one value per document."""

    type: Type
    values: list[Any]


def known_type(name: str) -> Type | None:
    """Return the type of a field of the Elastic Common Schema, or None: also for what ES|QL has no columns for."""
    return TYPE_NAMES.get(ecs_type(name) or "")


def select(events: Iterable[Mapping[str, Any]], indices: Sequence[str]) -> list[Mapping[str, Any]]:
    """Return the documents that FROM reads: a document that says its `_index` must be of one of the patterns."""
    patterns = [_index_pattern(index) for index in indices if not index.startswith("-")]
    unwanted = [_index_pattern(index[1:]) for index in indices if index.startswith("-")]
    seen: dict[str, bool] = {}
    chosen = []
    for event in events:
        index = event.get("_index")
        if isinstance(index, str):
            if index not in seen:
                backing = _BACKING_INDEX.fullmatch(index)
                names = (index, backing[1]) if backing else (index,)
                seen[index] = any(p.fullmatch(n) for p in patterns for n in names) and not any(
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
    read = getter(name)
    raw = [read(event) for event in events]
    type_ = TYPE_NAMES[mapping[name]] if name in mapping else known_type(name) or _observed_type(raw)
    return Column(type_, [_convert(values, type_) for values in raw])


def _metadata_column(name: str, events: Sequence[Mapping[str, Any]]) -> Column:
    default = 1 if name == "_version" else None
    type_ = METADATA[name]
    values = [event.get(name, default) for event in events]
    return Column(type_, [str(v) if v is not None and type_ is Type.KEYWORD else v for v in values])


def _observed_type(raw: Sequence[Sequence[Any]]) -> Type:
    """Return the type that holds all the values; without a value there is no telling."""
    kinds = {type(value) for values in raw for value in values}
    return TYPE_NAMES[observed(kinds)] if kinds else Type.NULL


def _convert(values: Sequence[Any], type_: Type) -> Any:
    """Return the values of a field of one document as a column has them: null, a value, or a list of several."""
    hold = holder(_KINDS[type_])
    if len(values) == 1:
        return hold(values[0])
    held = [value for item in values if (value := hold(item)) is not None]
    if type_ is Type.KEYWORD or type_ is Type.IP:
        return collapse(sorted_unique(held))  # doc values of these are a sorted set
    return collapse(sorted(held))
