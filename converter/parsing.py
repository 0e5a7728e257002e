"""Parse rules with pySigma, keep the place of each detection item, and find the part that pySigma does not accept.

Document ──parse_rule──> pySigma rule, each item with its place
└── SigmaError ──blame: parse the parts one by one──> RuleError with a place
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converter.errors import RuleError
from converter.structure import check_definition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sigma.collection import SigmaCollection

    from converter.document import Document
    from converter.errors import Place

# What pySigma says when a modifier does not fit the type of a value, and what modifiers take.
_MISMATCH = re.compile(r"Modifier (\w+) incompatible to value type of '(.*)'", re.DOTALL)
_NUMERIC = ("lt", "lte", "gt", "gte", "minute", "hour", "day", "week", "month", "year")
_TAKES = dict.fromkeys(_NUMERIC, "it takes a number, without quotes") | {
    "exists": "it takes true or false, without quotes",
    "i": "it comes after re",
    "m": "it comes after re",
    "s": "it comes after re",
}
# How messages of pySigma call parts of a rule, where that is not their key.
_WORDS = {"id": "identifier", "logsource": "log ?source"}


def collection_of(documents: Sequence[Document]) -> SigmaCollection:
    """Return the rules of documents as fresh pySigma objects."""
    return link([_pysigma_rule(document) for document in documents])


def link(rules: list[Any]) -> SigmaCollection:
    """Return the rules as a collection, which lets correlations refer to them."""
    from sigma.collection import SigmaCollection  # noqa: PLC0415  slow to import

    return SigmaCollection(rules)


def _pysigma_rule(document: Document) -> Any:
    """Parse one document with pySigma and leave in each detection item the place it came from."""
    from sigma.correlations import SigmaCorrelationRule  # noqa: PLC0415  slow to import
    from sigma.exceptions import SigmaRuleLocation  # noqa: PLC0415
    from sigma.rule import SigmaRule  # noqa: PLC0415

    source = SigmaRuleLocation(Path(document.name), document.node.start_mark.line + 1, 1)
    if "correlation" in document.data:
        return SigmaCorrelationRule.from_dict(document.data, source=source)
    rule = SigmaRule.from_dict(document.data, source=source)
    for name, detection in rule.detection.detections.items():
        _stamp(detection, document, ("detection", name))
    return rule


def _stamp(detection: Any, document: Document, path: tuple[str | int, ...]) -> None:
    from sigma.exceptions import SigmaRuleLocation  # noqa: PLC0415
    from sigma.rule import SigmaDetection  # noqa: PLC0415

    value: Any = document.data
    for step in path:
        value = value[step]
    if isinstance(value, dict):
        for key, item in zip(value, detection.detection_items, strict=True):
            place = document.place(*path, str(key), key=True)
            item.source = SigmaRuleLocation(Path(document.name), place.line, place.column)
            _restore_integers(item, value[key])
        return
    for index, item in enumerate(detection.detection_items):
        if isinstance(item, SigmaDetection):
            _stamp(item, document, (*path, index))
        else:
            place = document.place(*path)
            item.source = SigmaRuleLocation(Path(document.name), place.line, place.column)


def _restore_integers(item: Any, written: Any) -> None:
    """Put back whole numbers that pySigma rounded: it keeps those beyond the precision of a float as floats."""
    from sigma.types import SigmaCompareExpression, SigmaNumber  # noqa: PLC0415  slow to import

    values = written if isinstance(written, list) else [written]
    if len(values) != len(item.value):
        return
    for value, one in zip(item.value, values, strict=True):
        number = value.number if isinstance(value, SigmaCompareExpression) else value
        if isinstance(number, SigmaNumber) and isinstance(one, int) and not isinstance(one, bool):
            number.number = one


def parse_rule(document: Document) -> Any:
    """Parse one rule with pySigma; blame the part that it does not accept."""
    from sigma.exceptions import SigmaError  # noqa: PLC0415

    if "detection" in document.data and "correlation" not in document.data:
        for name, definition in document.data["detection"].items():
            if not isinstance(name, str):
                place = document.place("detection", str(name), key=True)
                raise RuleError(f"the search identifier {name} is not text", place, "put quotes around it")
            if name not in {"condition", "timeframe"}:
                check_definition(document, ("detection", name), definition)
    try:
        return _pysigma_rule(document)
    except SigmaError as bad:
        raise _blame(document, bad) from None
    except (ValueError, TypeError, AttributeError, LookupError, RecursionError, ArithmeticError) as bad:
        # pySigma does not check everything that it reads; what then breaks says little to the author of the rule.
        raise _blame(document, ValueError(f"pySigma does not accept this: {bad}")) from None


def _blame(document: Document, bad: Exception) -> RuleError:
    """Return the error of pySigma with the place of the part that causes it."""
    message = str(bad.args[0]) if bad.args else str(bad)
    hint = ""
    if mismatch := _MISMATCH.fullmatch(message):
        from sigma.modifiers import reverse_modifier_mapping  # noqa: PLC0415  slow to import

        modifier = reverse_modifier_mapping.get(mismatch[1], mismatch[1])
        message = f"the modifier {modifier} does not take the value {mismatch[2]}"
        hint = _TAKES.get(modifier, "it takes text: put quotes around the value")
    if "correlation" not in document.data and "detection" in document.data:
        for name, definition in document.data["detection"].items():
            if name == "condition":
                continue
            place = _blamed_item(document, ("detection", str(name)), definition)
            if place is not None:
                return RuleError(message, place, hint)
    for key in sorted(map(str, document.data), key=len, reverse=True):
        words = _WORDS.get(key, re.escape(key))
        if re.search(rf"\b{words}\b", message, re.IGNORECASE):
            return RuleError(message, document.place(key))
    return RuleError(message, document.place())


def _blamed_item(document: Document, path: tuple[str | int, ...], definition: Any) -> Place | None:
    from sigma.rule import SigmaDetection, SigmaDetectionItem  # noqa: PLC0415

    if isinstance(definition, dict):
        for key, value in definition.items():
            for index, one in enumerate(value if isinstance(value, list) else [value]):
                try:
                    SigmaDetectionItem.from_mapping(key, one)
                except Exception:  # noqa: BLE001  whatever it is, it is this item's
                    where = (*path, key, index) if isinstance(value, list) else (*path, key)
                    return document.place(*where)
        return None
    if isinstance(definition, list):
        for index, item in enumerate(definition):
            if (place := _blamed_item(document, (*path, index), item)) is not None:
                return place
        return None
    try:
        SigmaDetection.from_definition(definition)
    except Exception:  # noqa: BLE001
        return document.place(*path)
    return None
