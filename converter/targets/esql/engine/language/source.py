"""Documents to columns: what FROM gives the rest of a query.

    events ──extract──> values per field ──type──> Column(type, values)

Types come from a mapping if one is given, from the Elastic Common Schema for its fields, else from the values. A
multivalue comes as the product stores it: keywords and addresses sorted and each once, others sorted.
Source: Elasticsearch docs "ES|QL multivalued fields".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from converter.products.elastic.documents import getter
from converter.products.elastic.field_types import ecs_type, observed
from converter.products.elastic.floats import is_narrow
from converter.products.elastic.values import holder
from converter.targets.esql.engine.language.types import TYPE_NAMES, Type, collapse, sorted_unique, type_named

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from converter.products.elastic.values import Holder

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
    Type.VERSION: "version",
    Type.NULL: "null",
}
"""What a mapping calls a type of ES|QL."""


@dataclass(frozen=True, slots=True)
class Column:
    """A field of the documents: its type, one value per document, and the type in its mapping if that is narrower."""

    type: Type
    values: list[Any]
    narrow: str = ""


def known_type(name: str) -> Type | None:
    """Return the type of a field of the Elastic Common Schema, or None: also for what ES|QL has no columns for."""
    return type_named(ecs_type(name) or "")


def read_column(name: str, events: Sequence[Mapping[str, Any]], mapping: Mapping[str, str]) -> Column:
    """Return a field of the documents as a column."""
    if name in METADATA:
        return _metadata_column(name, events)
    read = getter(name)
    raw = [read(event) for event in events]
    narrow = narrow_kind(name, mapping)
    if narrow:
        hold = holder(narrow)
        return Column(Type.DOUBLE, [_convert(values, Type.DOUBLE, hold) for values in raw], narrow)
    type_ = TYPE_NAMES[mapping[name]] if name in mapping else known_type(name) or _observed_type(raw)
    hold = holder(_KINDS[type_])
    return Column(type_, [_convert(values, type_, hold) for values in raw])


def narrow_kind(name: str, mapping: Mapping[str, str]) -> str:
    """Return the type of a field that holds only some of the doubles, or an empty string."""
    kind = mapping.get(name) or ecs_type(name) or ""
    return kind if is_narrow(kind) else ""


def _metadata_column(name: str, events: Sequence[Mapping[str, Any]]) -> Column:
    default = 1 if name == "_version" else None
    type_ = METADATA[name]
    values = [event.get(name, default) for event in events]
    return Column(type_, [str(v) if v is not None and type_ is Type.KEYWORD else v for v in values])


def _observed_type(raw: Sequence[Sequence[Any]]) -> Type:
    """Return the type that holds all the values; without a value there is no telling."""
    kinds = {type(value) for values in raw for value in values}
    return TYPE_NAMES[observed(kinds)] if kinds else Type.NULL


def _convert(values: Sequence[Any], type_: Type, hold: Holder) -> Any:
    """Return the values of a field of one document as a column has them: null, a value, or a list of several."""
    if len(values) == 1:
        return hold(values[0])
    held = [value for item in values if (value := hold(item)) is not None]
    if type_ is Type.KEYWORD or type_ is Type.IP or type_ is Type.VERSION:
        return collapse(sorted_unique(held))  # doc values of these are a sorted set
    return collapse(sorted(held))
