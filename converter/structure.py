"""Check the structure of a rule with positions: what pySigma would report without one, or not at all.

Document ──check_document──> nothing, or the first error
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from converter.errors import Place, RefusedError, RuleError, suggest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from converter.document import Document

_TIMESPAN = re.compile(r"[1-9][0-9]*[smhdwMy]")
_OPERATORS = ("lt", "lte", "gt", "gte", "eq", "neq")
_CORRELATION_TYPES = (
    "event_count",
    "value_count",
    "temporal",
    "temporal_ordered",
    "value_sum",
    "value_avg",
    "value_percentile",
    "value_median",
)
_CORRELATION_KEYS = ("type", "rules", "generate", "group-by", "timespan", "aliases", "condition")


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
        _check_correlation(document)
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


def _check_correlation(document: Document) -> None:
    correlation = document.data["correlation"]
    if not isinstance(correlation, dict):
        raise RuleError("correlation is a mapping", document.place("correlation"), "type, rules, timespan, condition")
    for key in correlation:
        if key not in _CORRELATION_KEYS:
            raise RuleError(
                f"unknown key {key!r} in the correlation",
                document.place("correlation", str(key), key=True),
                suggest(str(key), _CORRELATION_KEYS) or f"known: {', '.join(_CORRELATION_KEYS)}",
            )
    kind = correlation.get("type")
    if kind not in _CORRELATION_TYPES:
        raise RuleError(
            f"{kind!r} is not a correlation type" if kind else "the correlation has no type",
            document.place("correlation", "type"),
            suggest(str(kind), _CORRELATION_TYPES) or f"known: {', '.join(_CORRELATION_TYPES)}",
        )
    if kind != "event_count":
        raise RefusedError(
            f"correlations of type {kind} are not supported yet", kind, document.place("correlation", "type")
        )
    if correlation.get("aliases"):
        raise RefusedError(
            "field aliases of correlations are not supported yet",
            "aliases",
            document.place("correlation", "aliases", key=True),
        )
    if not isinstance(correlation.get("generate", False), bool):
        raise RuleError("generate is true or false", document.place("correlation", "generate"), "without quotes")
    _check_reference_list(document)
    timespan = correlation.get("timespan")
    if not isinstance(timespan, str) or not _TIMESPAN.fullmatch(timespan):
        raise RuleError(
            f"{timespan!r} is not a timespan" if timespan is not None else "the correlation has no timespan",
            document.place("correlation", "timespan"),
            "a positive whole number and a unit: s, m, h, d, w, M (months), y; for example 6m",
        )
    _check_count(document, correlation.get("condition"))
    group_by = correlation.get("group-by", [])
    fields = [group_by] if isinstance(group_by, str) else group_by
    if not isinstance(fields, list) or not all(isinstance(name, str) and name for name in fields):
        raise RuleError("group-by is a list of fields", document.place("correlation", "group-by"), "[field, field]")
    for index, name in enumerate(fields):
        if name in fields[:index]:
            raise RuleError(
                f"group-by names the field {name!r} twice", document.place("correlation", "group-by", index), "drop one"
            )


def _check_reference_list(document: Document) -> None:
    rules = document.data["correlation"].get("rules")
    if not rules or not (
        isinstance(rules, str) or (isinstance(rules, list) and all(isinstance(r, str) for r in rules))
    ):
        raise RuleError(
            "rules names the rules that the correlation counts", document.place("correlation", "rules"), "[name, name]"
        )


def _check_count(document: Document, condition: object) -> None:
    if not isinstance(condition, dict):
        raise RuleError(
            "an event_count needs a condition", document.place("correlation", "condition"), "for example {gte: 25}"
        )
    operators = [key for key in condition if key in _OPERATORS]
    for key in condition:
        if key not in _OPERATORS:
            raise RuleError(
                f"unknown key {key!r} in the condition of an event_count",
                document.place("correlation", "condition", str(key), key=True),
                suggest(str(key), _OPERATORS) or f"known: {', '.join(_OPERATORS)}",
            )
    if len(operators) > 1:
        raise RefusedError(
            "a range of two operators is not supported yet",
            "range condition",
            document.place("correlation", "condition", operators[1], key=True),
        )
    if not operators:
        raise RuleError("the condition has no operator", document.place("correlation", "condition"), "{gte: 25}")
    count = condition[operators[0]]
    if not isinstance(count, int) or isinstance(count, bool) or count < 0:
        raise RuleError(
            f"{count!r} is not a count",
            document.place("correlation", "condition", operators[0]),
            "a whole number, 0 or more",
        )


def references(document: Document) -> list[tuple[int | None, str]]:
    """Return the rules that a correlation refers to: position in its list (None if it is no list), name or id."""
    if "correlation" not in document.data:
        return []
    rules = document.data["correlation"]["rules"]
    return [(None, rules)] if isinstance(rules, str) else list(enumerate(rules))


def check_references(document: Document, identifiers: Mapping[str, Document]) -> None:
    """Check that the rules that a correlation refers to are there. Raises RuleError, RefusedError."""
    for index, reference in references(document):
        path = ("correlation", "rules") if index is None else ("correlation", "rules", index)
        found = identifiers.get(reference)
        if found is None:
            hint = (
                suggest(reference, identifiers) or "is the file of that rule among the given ones, and free of errors?"
            )
            raise RuleError(f"no rule has the name or id {reference!r}", document.place(*path), hint)
        if "correlation" in found.data:
            raise RefusedError(
                "a correlation of a correlation is not supported yet", "chained correlation", document.place(*path)
            )


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
