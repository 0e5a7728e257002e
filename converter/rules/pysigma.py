"""Parse rules with pySigma, keep the place of each detection item, and apply modifiers by our own rules.

    Document ──parse_rule──> pySigma rule, each item with its place, values after `plan.modifiers`
                └─upstream─> the same with the modifiers of pySigma, for its own backends

pySigma is given values without modifiers, so that its version does not change what a rule means.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converter.errors import RefusedError
from converter.rules.filters import as_detection, is_filter
from converter.rules.validate_correlation import readable

if TYPE_CHECKING:
    from sigma.collection import SigmaCollection

    from converter.errors import Place
    from converter.readers.yaml_document import Document


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the only item of a rule made up for a trial really stands: its mapping, and which value of a list."""

    path: tuple[str | int, ...]
    index: int | None = None


def link(rules: list[Any]) -> SigmaCollection:
    """Return the rules as a collection, which lets correlations refer to them; also by a title that one rule has."""
    from sigma.collection import SigmaCollection  # noqa: PLC0415  slow to import

    collection = SigmaCollection(rules, resolve_references=False)
    titles = Counter(rule.title for rule in rules)
    for rule in rules:
        if titles[rule.title] == 1:
            collection.names_to_rules.setdefault(rule.title, rule)
    collection.resolve_rule_references()
    return collection


def parse_rule(document: Document, origin: Origin | None = None) -> Any:
    """Parse one rule of good structure with pySigma, and leave in each detection item the place it came from.

    Args:
        document: the rule.
        origin: where its only item really stands, if it is made up.

    Raises:
        RuleError: a modifier does not fit.
        RefusedError: what a modifier means is not settled.
        SigmaError: pySigma does not accept the rule.
        ValueError, TypeError, AttributeError, LookupError, RecursionError, ArithmeticError: the same; pySigma does
            not check everything that it reads. `examine.rule_errors` finds out why.
    """
    from sigma.correlations import SigmaCorrelationRule  # noqa: PLC0415  slow to import
    from sigma.rule import SigmaRule  # noqa: PLC0415

    source = _source(document, document.node.start_mark.line + 1, 1)
    if "correlation" in document.data:
        return SigmaCorrelationRule.from_dict(readable(document.data), source=source)
    section, data = ("filter", as_detection(document.data)) if is_filter(document) else ("detection", document.data)
    written = {name: _bare(value) if name not in {"condition", "timeframe"} else value
               for name, value in data["detection"].items()}  # fmt: skip
    rule = SigmaRule.from_dict({**data, "detection": written}, source=source)
    for name, detection in rule.detection.detections.items():
        _fill(detection, document, (section, name), data["detection"][name], origin)
    return rule


def upstream_rule(document: Document) -> Any:
    """Return one rule as pySigma itself reads it, references not resolved. Raises RefusedError."""
    from sigma.correlations import SigmaCorrelationRule  # noqa: PLC0415  slow to import
    from sigma.exceptions import SigmaError  # noqa: PLC0415
    from sigma.rule import SigmaRule  # noqa: PLC0415

    kind: Any = SigmaCorrelationRule if "correlation" in document.data else SigmaRule
    data = as_detection(document.data) if is_filter(document) else document.data
    try:
        return kind.from_dict(data, source=_source(document, document.node.start_mark.line + 1, 1))
    except (SigmaError, ValueError, TypeError, AttributeError, LookupError, ArithmeticError) as bad:
        raise RefusedError(f"pySigma does not accept the rule: {bad}", "pySigma", document.place()) from None


def _source(document: Document, line: int, column: int) -> Any:
    from sigma.exceptions import SigmaRuleLocation  # noqa: PLC0415  slow to import

    return SigmaRuleLocation(Path(document.name), line, column)


def _bare(definition: Any) -> Any:
    """Return a search identifier without fields and modifiers: only what pySigma makes of values is wanted."""
    if isinstance(definition, dict):
        return {str(index): value for index, value in enumerate(definition.values())}
    return [_bare(item) for item in definition] if isinstance(definition, list) else definition


def _fill(detection: Any, document: Document, path: tuple[str | int, ...], written: Any, origin: Origin | None) -> None:
    """Give each detection item its field, its modifiers, its values after these, and its place."""
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
        return document.place(*base, key, at)  # a plain value has no index, and the place is that of the value

    chain = Chain.of(names, place_of)
    item.modifiers = chain
    item.value = apply_chain(chain, item.value, keyword=item.field is None, value_place=value_place)
    if "all" in names:
        item.value_linking = ConditionAND
    item.negated = "neq" in names


def _restore_integers(item: Any, written: Any) -> None:
    """Put back whole numbers that pySigma rounded: it keeps those beyond the precision of a float as floats."""
    from sigma.types import SigmaNumber  # noqa: PLC0415  slow to import

    values = written if isinstance(written, list) else [written]
    if len(values) != len(item.value):
        return
    for value, one in zip(item.value, values, strict=True):
        if isinstance(value, SigmaNumber) and isinstance(one, int) and not isinstance(one, bool):
            value.number = one
