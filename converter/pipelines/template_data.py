"""Rules and pipelines of pySigma as templates see them: copies of their data, never the objects.

rule, pipeline ──rule_data, pipeline_data──> Part: text with named parts
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from converter.pipelines.shape import Leaf, shape_of
from converter.pipelines.templates.values import Part, plain

if TYPE_CHECKING:
    from sigma.processing.pipeline import ProcessingPipeline

    from converter.pipelines.fields import AnyRule
    from converter.pipelines.shape import Tree

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
_CONDITION = ("op", "count", "fieldref")


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


def _detection(tree: Tree) -> Any:
    if isinstance(tree, Leaf):
        return Part(tree.shown(), {"field": tree.field, "value": list(tree.texts)})
    return Part(tree.shown(), {"detection_items": [_detection(item) for item in tree.items]})
