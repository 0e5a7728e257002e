"""The fields of pySigma's rules: which a rule depends on, and which of them no mapping knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sigma.correlations import SigmaCorrelationRule
    from sigma.processing.pipeline import ProcessingItem
    from sigma.rule import SigmaRule

    from converter.products.field_facts import Facts

AnyRule: TypeAlias = "SigmaRule | SigmaCorrelationRule"


def fields_of(rule: AnyRule) -> list[str]:
    """Return the fields that a rule depends on, each once, in order of appearance.

    A detection rule's: the fields of its detection items, and those that values refer to (`fieldref`). A correlation
    rule's: those of its group-by that are no aliases, of its aliases, and of its condition. The rules that it refers
    to have fields of their own. The list `fields` of a rule is what it suggests to show: nothing depends on it.
    """
    found: dict[str, None] = {}
    detection = getattr(rule, "detection", None)
    if detection is not None:
        for item in detection.detections.values():
            found.update(dict.fromkeys(_detection_fields(item)))
        return list(found)
    correlation = cast("SigmaCorrelationRule", rule)
    aliases = list(getattr(correlation, "aliases", None) or ())
    named = {alias.alias for alias in aliases}
    for alias in aliases:
        found.update(dict.fromkeys(str(name) for name in alias.mapping.values()))
    found.update(dict.fromkeys(name for name in correlation.group_by or () if name not in named))
    reference = getattr(correlation.condition, "fieldref", None)
    if reference is not None:
        found.update(dict.fromkeys([reference] if isinstance(reference, str) else reference))
    return list(found)


def unmapped(before: Iterable[str], after: Iterable[str], facts: Facts, mapped: Iterable[str] = ()) -> list[str]:
    """Return the fields of a rule that no mapping knows, in the order of `before`.

    A field counts as unmapped when all of this is so:

    - it came out of the pipeline under the name it had (it is in `before` and in `after`);
    - no field mapping named it, not even to keep its name (it is not in `mapped`);
    - the facts do not know that name as a field of the product, nor a prefix of it.

    So a rule that names a product's own field (`event.action`) is fine, as are the raw fields of CloudTrail in Splunk:
    their names in the JSON are the names there, and the facts list them, with the objects below which every name is
    known. For a log source without facts, every field that no pipeline renames is unmapped. `mapped` and `facts` may
    be empty.

    Args:
        before: the fields of the rule as it is written, see `fields_of`.
        after: the fields after the pipeline.
        facts: of the product and the log source.
        mapped: fields that a mapping named, see `Applied.mapped`.
    """
    kept, named = frozenset(after), frozenset(mapped)
    return [name for name in before if name in kept and name not in named and facts.field(name) is None]


def _detection_fields(item: Any) -> Iterator[str]:
    """Yield the fields of a detection or detection item of pySigma, at any depth."""
    from sigma.types import SigmaFieldReference  # noqa: PLC0415  slow to import

    for inner in getattr(item, "detection_items", ()):
        yield from _detection_fields(inner)
    name = getattr(item, "field", None)
    if name is not None:
        yield str(name)
    if not hasattr(item, "detection_items"):
        for value in getattr(item, "value", None) or ():
            if isinstance(value, SigmaFieldReference):
                yield str(value.field)


def maps_fields(item: ProcessingItem) -> bool:
    """Return whether an item of a pipeline maps fields."""
    from sigma.processing.transformations import FieldMappingTransformation  # noqa: PLC0415  slow to import

    return isinstance(item.transformation, FieldMappingTransformation)
