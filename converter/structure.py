"""Check the structure of a rule with positions: what pySigma would report without one, or not at all.

Document ──check_document──> nothing, or the first error
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from converter.errors import Place, RefusedError, RuleError, suggest
from converter.structure_correlation import check_correlation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from converter.document import Document


def check_document(document: Document) -> None:
    """Check, with positions, what pySigma would report without one or not at all."""
    data = document.data
    if not isinstance(data, dict):
        raise RuleError("a rule is a mapping", document.place(), "begin with `title: ...`")
    if "action" in data:
        raise RefusedError(
            "collections with `action` left Sigma with version 2",
            "action",
            document.place("action", key=True),
            "write each rule out",
        )
    if "filter" in data:
        raise RefusedError("Sigma filters are not supported yet", "filter", document.place("filter", key=True))
    for key in ("title", "id", "name"):
        if key in data and not isinstance(data[key], str):
            raise RuleError(f"{key} is text", document.place(key), f"put quotes around it: {key}: '{data[key]}'")
    for key in ("detection", "correlation"):
        ambiguous = document.ambiguous(key)
        if ambiguous is not None:
            text, place = ambiguous
            raise RuleError(f"YAML 1.1 and 1.2 read {text!r} differently", place, f"put quotes around it: '{text}'")
    if "correlation" in data:
        check_correlation(document)
        return
    if "detection" not in data:
        hint = suggest("detection", [str(key) for key in data]).replace("did you mean", "found the key")
        raise RuleError("the rule has neither `detection` nor `correlation`", document.place(), hint)
    detection = data["detection"]
    if not isinstance(detection, dict):
        raise RuleError("detection is a mapping", document.place("detection"), "search identifiers and a condition")
    if "condition" not in detection:
        raise RuleError(
            "the detection has no condition",
            document.place("detection", key=True),
            suggest("condition", [str(key) for key in detection]).replace("did you mean", "found the key")
            or "for example `condition: selection`",
        )
    _check_condition(document, detection["condition"])
    if "timeframe" in detection:
        raise RefusedError(
            "`timeframe` left Sigma with version 2",
            "timeframe",
            document.place("detection", "timeframe", key=True),
            "write a correlation rule with a timespan",
        )
    if "logsource" not in data:
        raise RuleError("the rule has no logsource", document.place(), "for example `logsource: {product: aws}`")


def _check_condition(document: Document, condition: Any) -> None:
    path: tuple[str | int, ...] = ("detection", "condition")
    if condition == []:
        raise RuleError("the list of conditions is empty", document.place(*path), "for example `condition: selection`")
    for index, one in enumerate(condition) if isinstance(condition, list) else [(None, condition)]:
        if not isinstance(one, str):
            place = document.place(*path) if index is None else document.place(*path, index)
            raise RuleError("a condition is text, or a list of texts", place, "for example `condition: selection`")


def check_definition(document: Document, path: tuple[str | int, ...], definition: Any) -> None:
    """Check the keys of a search identifier: a field, and modifiers that exist."""
    from sigma.modifiers import modifier_mapping  # noqa: PLC0415

    if isinstance(definition, dict):
        if not definition:
            raise RuleError("this search identifier is empty", document.place(*path), "give it a field and a value")
        for key, value in definition.items():
            place = document.place(*path, str(key), key=True)
            if not isinstance(key, str):
                raise RuleError(f"the field name {key!r} is not text", place, "put quotes around it")
            _, *modifiers = key.split("|")
            offset = key.find("|") + 1
            for modifier in modifiers:
                if modifier not in modifier_mapping:
                    quoted = place.source_line[place.column - 1 : place.column] in {"'", '"'}
                    at = Place(
                        place.name, place.line, place.column + offset + quoted, place.source_line, max(1, len(modifier))
                    )
                    if modifier == "utf16le":  # the one modifier of the specification that pySigma does not know
                        raise RefusedError(
                            "the modifier utf16le is not supported yet",
                            "utf16le",
                            at,
                            "write `wide`, which is the same",
                        )
                    raise RuleError(
                        f"unknown modifier {modifier!r}",
                        at,
                        suggest(modifier, modifier_mapping) or f"known: {', '.join(sorted(modifier_mapping))}",
                    )
                offset += len(modifier) + 1
            if isinstance(value, dict) or (isinstance(value, list) and any(isinstance(v, dict | list) for v in value)):
                raise RuleError(
                    "the value of a field is plain, or a list of plain values", document.place(*path, key), "no nesting"
                )
            if isinstance(value, list) and not value:
                raise RuleError("an empty list matches nothing", document.place(*path, key), "give it a value, or null")
            _check_values(document, (*path, key), value, modifiers)
    elif isinstance(definition, list):
        if not definition:
            raise RuleError("this search identifier is empty", document.place(*path), "give it a value")
        for index, item in enumerate(definition):
            if isinstance(item, dict | list):
                check_definition(document, (*path, index), item)


def _check_values(document: Document, path: tuple[str | int, ...], value: Any, modifiers: Sequence[str]) -> None:
    """Check the values of a field that pySigma takes for something they are not."""
    for index, one in enumerate(value) if isinstance(value, list) else [(None, value)]:
        where = path if index is None else (*path, index)
        if one is None and index is not None and len(value) > 1:
            raise RuleError(
                "null cannot be one value of a list",
                document.place(*where),
                "give it a search identifier of its own, and join the two in the condition",
            )
        if "re" in modifiers and not isinstance(one, str):
            kind = "null" if one is None else "a boolean" if isinstance(one, bool) else "a number"
            raise RuleError(
                f"a regular expression is text, not {kind}", document.place(*where), "put quotes around the value"
            )
