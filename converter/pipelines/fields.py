"""List the fields that pySigma's rules depend on, and those that no mapping covers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sigma.correlations import SigmaCorrelationRule
    from sigma.processing.pipeline import ProcessingItem, ProcessingPipeline
    from sigma.rule import SigmaRule

    from converter.products.field_facts import Facts

AnyRule: TypeAlias = "SigmaRule | SigmaCorrelationRule"


def fields_of(rule: AnyRule) -> list[str]:
    """Return the fields that a rule depends on, each once, in order of appearance.

    For a detection rule: the fields of its detection items, and those that values refer to (`fieldref`). For a
    correlation rule: the fields of its group-by (except aliases), of its aliases, and of its condition, but not those
    of the rules that it refers to. A rule's list `fields` only suggests what to show, so nothing depends on it.
    """
    fields: dict[str, None] = {}
    detection = getattr(rule, "detection", None)
    if detection is not None:
        for item in detection.detections.values():
            fields.update(dict.fromkeys(detection_fields(item)))
        return list(fields)
    correlation = cast("SigmaCorrelationRule", rule)
    aliases = list(getattr(correlation, "aliases", None) or ())
    named = {alias.alias for alias in aliases}
    for alias in aliases:
        fields.update(dict.fromkeys(str(name) for name in alias.mapping.values()))
    fields.update(dict.fromkeys(name for name in correlation.group_by or () if name not in named))
    reference = getattr(correlation.condition, "fieldref", None)
    if reference is not None:
        fields.update(dict.fromkeys([reference] if isinstance(reference, str) else reference))
    return list(fields)


def unmapped(before: Iterable[str], after: Iterable[str], facts: Facts, mapped: Iterable[str] = ()) -> list[str]:
    """Return the fields of a rule that no mapping covers, in the order of `before`.

    A field is unmapped if all of these hold:

    - the pipeline did not rename it (it is in `before` and in `after`);
    - no field mapping lists it, not even to keep its name (it is not in `mapped`);
    - the facts have neither the field nor a prefix of its name.

    So a rule may use a product's own field (`event.action`), and the raw fields of CloudTrail in Splunk: there the
    names are those of the JSON, and the facts list them, with the objects below which every name is a field. For a log
    source without facts, every field that no pipeline renames is unmapped. `mapped` and `facts` may be empty.

    Args:
        before: the fields of the rule as it is written; see `fields_of`.
        after: the fields after the pipeline.
        facts: of the product and the log source.
        mapped: the fields that a mapping covers; see `Applied.mapped`.
    """
    unchanged, covered = frozenset(after), frozenset(mapped)
    return [name for name in before if name in unchanged and name not in covered and facts.field(name) is None]


def detection_fields(item: Any) -> Iterator[str]:
    """Yield the fields of one of pySigma's detections or detection items, at any depth."""
    from sigma.types import SigmaFieldReference  # noqa: PLC0415  slow to import

    for inner in getattr(item, "detection_items", ()):
        yield from detection_fields(inner)
    name = getattr(item, "field", None)
    if name is not None:
        yield str(name)
    if not hasattr(item, "detection_items"):
        for value in getattr(item, "value", None) or ():
            if isinstance(value, SigmaFieldReference):
                yield str(value.field)


def strip_spaces(rule: AnyRule, pipeline: ProcessingPipeline) -> None:
    """Give each field of a rule the name that the mappings of a pipeline list for it, where only spaces differ.

    Sigma's taxonomy strips the spaces of a field's name: a mapping of `NewValue` is one of `New Value` too.

    Args:
        rule: is changed.
        pipeline: is not yet applied to the rule.
    """
    names = {name: short for name in fields_of(rule) if (short := "".join(name.split())) != name}
    if not names:  # as in nearly every rule: a pipeline may list thousands of fields
        return
    listed = frozenset(listed_fields(pipeline))
    names = {name: short for name, short in names.items() if name not in listed and short in listed}
    detection = getattr(rule, "detection", None)
    if detection is not None:
        for item in detection.detections.values():
            _rename(item, names)
        return
    correlation = cast("SigmaCorrelationRule", rule)
    correlation.group_by = [names.get(name, name) for name in correlation.group_by or ()] or correlation.group_by
    for alias in getattr(correlation, "aliases", None) or ():
        alias.mapping.update({rule: names.get(name, name) for rule, name in alias.mapping.items()})


def _rename(item: Any, names: Mapping[str, str]) -> None:
    """Rename the fields of one of pySigma's detections or detection items, at any depth."""
    for inner in getattr(item, "detection_items", ()):
        _rename(inner, names)
    if getattr(item, "field", None) in names:
        item.field = names[item.field]


def listed_fields(pipeline: ProcessingPipeline) -> list[str]:
    """Return the fields that the field mappings of a pipeline list."""
    mappings: list[Any] = [item.transformation for item in pipeline.items if maps_fields(item)]
    return [name for transformation in mappings for name in transformation.mapping if isinstance(name, str)]


def maps_fields(item: ProcessingItem) -> bool:
    """Return whether an item of a pipeline maps fields."""
    from sigma.processing.transformations import FieldMappingTransformation  # noqa: PLC0415  slow to import

    return isinstance(item.transformation, FieldMappingTransformation)
