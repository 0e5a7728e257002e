"""Parse rules with pySigma, note the place of each detection item, and apply modifiers by our own rules.

    Document ──parse_rule──> pySigma's rule: each item has its place, and values after `plan.modifiers`
       └──upstream_rule──> pySigma's rule, with its own modifiers, for its backends and validators

`parse_rule` gives pySigma values without modifiers, so that pySigma's version does not change the meaning of a rule.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from converter.errors import RefusedError
from converter.isolation import raised_by
from converter.rules.filters import as_detection, is_filter
from converter.rules.validate_correlation import readable
from converter.rules.validate_metadata import id_paths, is_uuid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sigma.collection import SigmaCollection

    from converter.errors import Place
    from converter.readers.yaml_document import Document


@dataclass(frozen=True, slots=True)
class Origin:
    """The real position of the only item of a rule made up for a trial: the path of its mapping, and its list index."""

    path: tuple[str | int, ...]
    index: int | None = None


def link(rules: list[Any]) -> SigmaCollection:
    """Return the rules as a collection with references resolved, by name, id, or a title that only one rule has."""
    from sigma.collection import SigmaCollection  # noqa: PLC0415  slow to import

    collection = SigmaCollection(rules, resolve_references=False)
    titles = Counter(rule.title for rule in rules)
    for rule in rules:
        if isinstance(rule.id, str):  # an id that is not a UUID
            collection.names_to_rules.setdefault(rule.id, rule)
        if titles[rule.title] == 1:
            collection.names_to_rules.setdefault(rule.title, rule)
    collection.resolve_rule_references()
    return collection


def parse_rule(document: Document, origin: Origin | None = None) -> Any:
    """Parse a rule of valid structure with pySigma, and note in each detection item its place in the document.

    Args:
        document: the rule.
        origin: the real position of its only item, if the rule is made up.

    Raises:
        RuleError: a modifier does not fit.
        RefusedError: the meaning of a modifier is ambiguous.
        SigmaError: pySigma does not accept the rule.
        ValueError, TypeError, AttributeError, LookupError, RecursionError, ArithmeticError: likewise; pySigma does not
            check everything that it reads. `diagnose.rule_errors` finds the reasons.
    """
    from sigma.correlations import SigmaCorrelationRule  # noqa: PLC0415  slow to import
    from sigma.rule import SigmaRule  # noqa: PLC0415

    source = _source(document, document.node.start_mark.line + 1, 1)
    plain = _with_uuids(document.data)
    if "correlation" in document.data:
        return _with_ids(SigmaCorrelationRule.from_dict(readable(plain), source=source), document.data)
    section, data = ("filter", as_detection(plain)) if is_filter(document) else ("detection", plain)
    written = {name: _bare(value) if name not in {"condition", "timeframe"} else value
               for name, value in data["detection"].items()}  # fmt: skip
    rule = SigmaRule.from_dict({**data, "detection": written}, source=source)
    for name, detection in rule.detection.detections.items():
        _fill(detection, document, (section, name), data["detection"][name], origin)
    return _with_ids(rule, document.data)


def _with_uuids(data: dict[str, Any]) -> dict[str, Any]:
    """Return a rule without the ids that are not UUIDs, which pySigma refuses, and with those that are as strings."""
    paths = list(id_paths(data))
    if type(data.get("id")) is int and not paths:  # 32 digits
        return {**data, "id": str(data["id"])}
    if not paths:
        return data
    others = {path[1] for path in paths if path[0] == "related"}
    related = [item for index, item in enumerate(data.get("related") or ()) if index not in others]
    remaining = {key: value for key, value in data.items() if key != "related" and (key,) not in paths}
    return {**remaining, "related": related} if related else remaining


def _with_ids(rule: Any, data: Mapping[str, Any]) -> Any:
    """Give pySigma's rule the ids of its document that are not UUIDs; as attributes, pySigma allows any string."""
    from sigma.rule import SigmaRelated, SigmaRelatedItem, SigmaRelatedType  # noqa: PLC0415  slow to import

    paths = list(id_paths(data))
    if ("id",) in paths:
        rule.id = str(data["id"])
    if any(path[0] == "related" for path in paths):
        items: list[Any] = [
            SigmaRelatedItem(_id(item["id"]), SigmaRelatedType[item["type"].upper()]) for item in data["related"]
        ]
        rule.related = SigmaRelated(items)
    return rule


def _id(written: object) -> Any:
    return UUID(str(written)) if is_uuid(written) else str(written)


def upstream_rule(document: Document) -> Any:
    """Return a rule as pySigma itself reads it, with unresolved references. Raises RefusedError."""
    from sigma.correlations import SigmaCorrelationRule  # noqa: PLC0415  slow to import
    from sigma.exceptions import SigmaError  # noqa: PLC0415
    from sigma.rule import SigmaRule  # noqa: PLC0415

    kind: Any = SigmaCorrelationRule if "correlation" in document.data else SigmaRule
    plain = _with_uuids(document.data)
    data = as_detection(plain) if is_filter(document) else plain
    try:
        rule = kind.from_dict(data, source=_source(document, document.node.start_mark.line + 1, 1))
        return _with_ids(rule, document.data)
    except (SigmaError, ValueError, TypeError, AttributeError, LookupError, ArithmeticError) as error:
        if isinstance(error, SigmaError):
            error.source = None  # its text would repeat the place, with the path of the working directory
        elif not raised_by(error, "sigma"):
            raise
        raise RefusedError(f"pySigma does not accept the rule: {error}", "pySigma", document.place()) from None


def _source(document: Document, line: int, column: int) -> Any:
    from sigma.exceptions import SigmaRuleLocation  # noqa: PLC0415  slow to import

    return SigmaRuleLocation(Path(document.name), line, column)


def _bare(definition: Any) -> Any:
    """Return a search identifier without fields and modifiers: pySigma is to parse only its values."""
    if isinstance(definition, dict):
        return {str(index): value for index, value in enumerate(definition.values())}
    return [_bare(item) for item in definition] if isinstance(definition, list) else definition


def _fill(detection: Any, document: Document, path: tuple[str | int, ...], written: Any, origin: Origin | None) -> None:
    """Give each detection item its field, its modifiers, its values with the modifiers applied, and its place."""
    from sigma.rule import SigmaDetection  # noqa: PLC0415  slow to import

    if isinstance(written, dict):
        for (key, value), item in zip(written.items(), detection.detection_items, strict=True):
            place = document.place(*(origin.path if origin else path), key, key=True)
            item.source = _source(document, place.line, place.column)
            _restore_integers(item, value)
            _modify(item, document, path, key, origin)
        return
    for index, item in enumerate(detection.detection_items):
        if isinstance(item, SigmaDetection):
            _fill(item, document, (*path, index), written[index], origin)
        else:
            place = document.place(*path)
            item.source = _source(document, place.line, place.column)
            _modify(item, document, path, "", None)


def _modify(item: Any, document: Document, path: tuple[str | int, ...], key: str, origin: Origin | None) -> None:
    """Apply the modifiers of a key to a detection item."""
    from sigma.conditions import ConditionAND  # noqa: PLC0415  slow to import

    from converter.plan.modifiers import apply_chain  # noqa: PLC0415
    from converter.plan.modify_value import Chain  # noqa: PLC0415
    from converter.rules.validate import modifier_places  # noqa: PLC0415

    field, *names = key.split("|")
    item.field = field or None
    base = origin.path if origin else path

    def place_of(index: int) -> Place | None:
        return list(modifier_places(document, base, key))[index][1]

    def value_place(index: int) -> Place | None:
        at = index if origin is None or origin.index is None else origin.index
        return document.place(*base, key, at)  # for a single value, the place ignores the index

    chain = Chain.of(names, place_of)
    item.modifiers = chain
    item.value = apply_chain(chain, item.value, keyword=item.field is None, value_place=value_place)
    if "all" in names:
        item.value_linking = ConditionAND
    item.negated = "neq" in names


def _restore_integers(item: Any, written: Any) -> None:
    """Restore whole numbers that pySigma has rounded: it reads those beyond the precision of a float as floats."""
    from sigma.types import SigmaNumber  # noqa: PLC0415  slow to import

    values = written if isinstance(written, list) else [written]
    if len(values) != len(item.value):
        return
    for value, number in zip(item.value, values, strict=True):
        if isinstance(value, SigmaNumber) and isinstance(number, int) and not isinstance(number, bool):
            value.number = number
