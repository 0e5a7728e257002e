"""How a field takes part in a comparison.

    name ──kind_of──> Kind          name ──holds──> does the index hold this scalar?

There is no index mapping here, so types are those that the Elastic Common Schema gives. Any other field is a keyword
field, except that a JSON number or boolean in it is taken as a number or a boolean.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from converter.products.elastic.field_types import NUMERIC, WORDS, ecs_type
from converter.products.elastic.values import holder

if TYPE_CHECKING:
    from collections.abc import Callable

    from converter.products.elastic.documents import Scalar


class Kind(Enum):
    """How Elasticsearch would index a field."""

    KEYWORD = "keyword"
    WILDCARD = "wildcard"
    TEXT = "text"
    IP = "ip"
    DATE = "date"
    NUMBER = "number"
    BOOLEAN = "boolean"


_KINDS = {
    "wildcard": Kind.WILDCARD,
    "ip": Kind.IP,
    "date": Kind.DATE,
    "boolean": Kind.BOOLEAN,
    **dict.fromkeys(NUMERIC, Kind.NUMBER),
    **dict.fromkeys(WORDS, Kind.TEXT),
}


def kind_of(name: str) -> Kind:
    """Return how the field `name` is indexed."""
    return _KINDS.get(ecs_type(name) or "", Kind.KEYWORD)


def converter(name: str) -> Callable[[Scalar], Any]:
    """Return a function from a scalar of a document to what the index holds of it in the field `name`, or None."""
    return (lambda scalar: scalar) if kind_of(name) is Kind.KEYWORD else holder(ecs_type(name) or "")


def holds(name: str, scalar: Scalar) -> bool:
    """Return whether the field takes a value of a document: one that it does not take does not exist for it."""
    return converter(name)(scalar) is not None
