"""The values that a template of a pipeline sees: text, numbers, lists and mappings, never an object of the program.

rule, pipeline of pySigma ──rule_data, pipeline_data──> Part: text with named parts
"""

from __future__ import annotations

import datetime as dt
import uuid
from enum import Enum
from typing import TYPE_CHECKING, Any, Self

from converter.pipelines.shape import Leaf, shape_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sigma.processing.pipeline import ProcessingPipeline

    from converter.pipelines.fields import AnyRule
    from converter.pipelines.shape import Tree

_DEPTH = 64
_RULE = (
    "title",
    "id",
    "name",
    "taxonomy",
    "related",
    "status",
    "description",
    "license",
    "references",
    "tags",
    "author",
    "date",
    "modified",
    "fields",
    "falsepositives",
    "level",
    "scope",
    "logsource",
    "custom_attributes",
    "type",
    "timespan",
    "group_by",
    "generate",
)
_LOGSOURCE = ("category", "product", "service", "definition")
_CONDITION = ("op", "count", "fieldref")


class Part(str):
    """A text with named parts: `rule.level` is `high`, and `rule.level.name` is `HIGH`."""

    __slots__ = ("parts",)
    parts: Mapping[str, Any]

    def __new__(cls, text: str, parts: Mapping[str, Any]) -> Self:
        """Return the text with its parts."""
        part = super().__new__(cls, text)
        part.parts = parts
        return part


class Undefined:
    """What a name stands for that a template does not know: empty text, and an error if it is asked for more."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        return ""

    def __repr__(self) -> str:
        return "Undefined"


class Namespace(dict[str, Any]):
    """What `namespace()` returns: the only values that a template may set in a loop and read after it."""


def rule_data(rule: AnyRule) -> Part:
    """Return a rule as a template sees it."""
    given: Any = rule
    parts = {name: plain(getattr(given, name)) for name in _RULE if hasattr(given, name)}
    if hasattr(given, "detection"):
        shape = shape_of(rule)
        detections = {name: _detection(tree) for name, tree in shape.searches.items()}
        conditions = [str(condition) for condition in given.detection.condition]
        parts["detection"] = Part("", {"detections": detections, "condition": conditions})
    else:
        parts["rules"] = [str(getattr(reference, "reference", reference)) for reference in given.rules or ()]
        parts["condition"] = Part("", {name: plain(getattr(given.condition, name, None)) for name in _CONDITION})
    return Part(str(given.title), parts)


def pipeline_data(pipeline: ProcessingPipeline | None) -> Part:
    """Return a pipeline as a template sees it: its name, its variables, its state."""
    given: Any = pipeline
    parts = {
        "name": plain(getattr(given, "name", None)),
        "priority": plain(getattr(given, "priority", 0)),
        "vars": plain(getattr(given, "vars", {})),
        "state": plain(getattr(given, "state", {})),
        "allowed_backends": sorted(map(str, getattr(given, "allowed_backends", ()))),
        "applied_ids": sorted(map(str, getattr(given, "applied_ids", ()))),
    }
    return Part(str(parts["name"] or ""), parts)


def plain(value: Any, depth: int = 0) -> Any:
    """Return a copy of a value as plain data; what is neither data nor part of a rule becomes text."""
    match value:
        case None | bool() | int() | float():
            return value if not isinstance(value, Enum) else _enum(value)
        case Part():
            return value
        case str() if type(value) is str:
            return value
        case Enum():
            return _enum(value)
        case uuid.UUID():
            return Part(str(value), {"hex": value.hex, "urn": value.urn})
        case dt.date():
            return Part(str(value), {"year": value.year, "month": value.month, "day": value.day})
        case dict() if depth < _DEPTH:
            return {_key(key): plain(item, depth + 1) for key, item in value.items()}
        case list() | tuple() | set() | frozenset() if depth < _DEPTH:
            items: Iterable[Any] = sorted(value, key=str) if isinstance(value, set | frozenset) else value
            return [plain(item, depth + 1) for item in items]
    return _of_rule(value)


def _of_rule(value: Any) -> Any:
    match type(value).__name__:
        case "SigmaRuleTag":
            return Part(str(value), {"namespace": str(value.namespace), "name": str(value.name)})
        case "SigmaLogSource":
            parts = {name: plain(getattr(value, name, None)) for name in _LOGSOURCE}
            custom = plain(getattr(value, "custom_attributes", None) or {})
            return Part("/".join(filter(None, map(value.__dict__.get, _LOGSOURCE[:3]))), {**custom, **parts})
        case "SigmaRelated":
            return [plain(item) for item in value.related]
        case "SigmaRelatedItem":
            return Part(str(value.id), {"id": plain(value.id), "type": plain(value.type)})
        case "SigmaCorrelationTimespan":
            parts = {"seconds": value.seconds, "count": value.count, "unit": value.unit, "spec": value.spec}
            return Part(str(value.spec), parts)
        case _:
            return str(value)


def _enum(value: Enum) -> Part:
    number = value.value if isinstance(value.value, int) else str(value.value)
    return Part(str(value), {"name": value.name, "value": number})


def _key(key: Any) -> Any:
    return key if key is None or isinstance(key, bool | int | float) or type(key) is str else str(key)


def _detection(tree: Tree) -> Any:
    if isinstance(tree, Leaf):
        return Part(tree.shown(), {"field": tree.field, "value": list(tree.texts)})
    return Part(tree.shown(), {"detection_items": [_detection(item) for item in tree.items]})
