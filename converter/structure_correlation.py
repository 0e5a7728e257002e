"""Check the structure of a correlation rule with positions, and its references."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from converter.errors import RefusedError, RuleError, suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from converter.document import Document
    from converter.errors import SourceError

_TIMESPAN = re.compile(r"([1-9][0-9]*)([smhdwMy])")
_DAY = 86_400
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": _DAY, "w": 7 * _DAY, "M": 2_629_746, "y": 31_556_952}
MAX_TIMESPAN = 10 * _UNITS["y"]
_MAX_DIGITS = 12
_SHOWN_DIGITS = 20
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


def check_correlation(document: Document, fail: Callable[[SourceError], None] | None = None) -> None:
    """Check the section `correlation`.

    Args:
        document: a rule with this section.
        fail: called with each error; without it the first is raised.

    Raises:
        RuleError: not valid.
        RefusedError: valid, and not supported yet.
    """
    if not isinstance(document.data["correlation"], dict):
        checks: tuple[Callable[[Document], None], ...] = (_check_mapping,)
    else:
        checks = _CHECKS
    for check in checks:  # each finds at most one error, so that none hides another
        try:
            check(document)
        except (RuleError, RefusedError) as error:
            if fail is None:
                raise
            fail(error)


def _check_mapping(document: Document) -> None:
    raise RuleError("correlation is a mapping", document.place("correlation"), "type, rules, timespan, condition")


def _check_keys(document: Document) -> None:
    for key in document.data["correlation"]:
        if key not in _CORRELATION_KEYS:
            raise RuleError(
                f"unknown key {key!r} in the correlation",
                document.place("correlation", str(key), key=True),
                suggest(str(key), _CORRELATION_KEYS) or f"known: {', '.join(_CORRELATION_KEYS)}",
            )


def _check_type(document: Document) -> None:
    kind = document.data["correlation"].get("type")
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


def _check_aliases(document: Document) -> None:
    if document.data["correlation"].get("aliases"):
        raise RefusedError(
            "field aliases of correlations are not supported yet",
            "aliases",
            document.place("correlation", "aliases", key=True),
        )


def _check_generate(document: Document) -> None:
    if not isinstance(document.data["correlation"].get("generate", False), bool):
        raise RuleError("generate is true or false", document.place("correlation", "generate"), "without quotes")


def _check_timespan(document: Document) -> None:
    timespan = document.data["correlation"].get("timespan")
    match = _TIMESPAN.fullmatch(timespan) if isinstance(timespan, str) else None
    if match is None:
        raise RuleError(
            f"{timespan!r} is not a timespan" if timespan is not None else "the correlation has no timespan",
            document.place("correlation", "timespan"),
            "a positive whole number and a unit: s, m, h, d, w, M (months), y; for example 6m",
        )
    # So long a window would never be complete in any log, and int() of very many digits is slow.
    if len(match[1]) > _MAX_DIGITS or int(match[1]) * _UNITS[match[2]] > MAX_TIMESPAN:
        raise RuleError(
            f"a timespan of {_shortened(match[0])} is longer than 10 years",
            document.place("correlation", "timespan"),
            "at most 10y",
        )


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN_DIGITS else f"{text[:_SHOWN_DIGITS]}..."


def _check_condition(document: Document) -> None:
    if document.data["correlation"].get("type") == "event_count":
        _check_count(document, document.data["correlation"].get("condition"))


def _check_group_by(document: Document) -> None:
    group_by = document.data["correlation"].get("group-by", [])
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


_CHECKS: tuple[Callable[[Document], None], ...] = (
    _check_keys,
    _check_type,
    _check_aliases,
    _check_generate,
    _check_reference_list,
    _check_timespan,
    _check_condition,
    _check_group_by,
)
