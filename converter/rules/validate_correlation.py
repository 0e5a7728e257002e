"""Check the structure of a correlation rule, with positions; `references` has what it refers to."""

from __future__ import annotations

import re
from math import isfinite
from typing import TYPE_CHECKING, Any

from converter.errors import RefusedError, RuleError, suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from converter.errors import SourceError
    from converter.readers.yaml_document import Document

_TIMESPAN = re.compile(r"([1-9][0-9]*)([smhdwMy])")
_DAY = 86_400
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": _DAY, "w": 7 * _DAY, "M": 2_629_746, "y": 31_556_952}
MAX_TIMESPAN = 10 * _UNITS["y"]
_MAX_DIGITS = 12
_SHOWN_DIGITS = 20
OPERATORS = ("lt", "lte", "gt", "gte", "eq", "neq")
TEMPORAL = frozenset({"temporal", "temporal_ordered"})
MEASURED = frozenset({"value_sum", "value_avg", "value_percentile", "value_median"})
_FIELDS = MEASURED | {"value_count"}
_WHOLE = 100
_EXAMPLES = {
    "value_count": "{field: user, gte: 25}",
    "value_sum": "{field: bytes, gt: 1000000}",
    "value_avg": "{field: bytes, gt: 500}",
    "value_median": "{field: bytes, gt: 500}",
    "value_percentile": "{field: bytes, percentile: 95, gt: 500}",
}
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
        RefusedError: valid, and not said what it means.
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


def _check_aliases(document: Document) -> None:
    aliases = document.data["correlation"].get("aliases")
    if aliases is None:
        return
    hint = "{alias: {rule: field}}"
    if not isinstance(aliases, dict):
        raise RuleError("aliases is a mapping", document.place("correlation", "aliases"), hint)
    for alias, mapping in aliases.items():
        path = ("correlation", "aliases", str(alias))
        if not isinstance(alias, str) or not alias:
            raise RuleError(f"the alias {alias!r} is not text", document.place(*path, key=True), "put quotes around it")
        if not isinstance(mapping, dict) or not mapping:
            raise RuleError("an alias is a mapping of rules to fields", document.place(*path), hint)
        for rule, name in mapping.items():
            if not isinstance(rule, str):
                raise RuleError(
                    f"the rule {rule!r} is not text", document.place(*path, str(rule), key=True), "put quotes around it"
                )
            if not isinstance(name, str) or not name:
                raise RuleError("an alias stands for one field of a rule", document.place(*path, rule), hint)


def _check_generate(document: Document) -> None:
    for path in (("correlation", "generate"), ("generate",)):
        inside = document.data["correlation"] if len(path) > 1 else document.data
        if not isinstance(inside.get("generate", False), bool):
            raise RuleError("generate is true or false", document.place(*path), "without quotes")


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
    correlation = document.data["correlation"]
    rules = correlation.get("rules")
    if rules is None and isinstance(correlation.get("condition"), str) and correlation.get("type") in TEMPORAL:
        return  # the condition names them
    if not rules or not (
        isinstance(rules, str) or (isinstance(rules, list) and all(isinstance(r, str) for r in rules))
    ):
        raise RuleError(
            "rules names the rules that the correlation counts", document.place("correlation", "rules"), "[name, name]"
        )


def _check_condition(document: Document) -> None:
    condition = document.data["correlation"].get("condition")
    kind = document.data["correlation"].get("type")
    place = document.place("correlation", "condition")
    if kind not in _CORRELATION_TYPES:
        return
    if kind in TEMPORAL:
        if condition is None and "condition" not in document.data["correlation"]:
            return
        if isinstance(condition, str):
            _check_names(document, condition)
            return
    if not isinstance(condition, dict):
        needs = "{gte: 25}" if kind == "event_count" else _EXAMPLES.get(kind, "{gte: 2}, or text: a and not b")
        raise RuleError(f"{_a(kind)} needs a condition", place, f"for example {needs}")
    _check_keys_of_condition(document, condition, kind)
    operators = [key for key in condition if key in OPERATORS]
    if not operators:
        raise RuleError("the condition has no operator", place, _EXAMPLES.get(kind, "{gte: 25}"))
    for operator in operators:
        _check_number(document, operator, condition[operator], counted=kind not in MEASURED)
    if kind in _FIELDS:
        _check_field(document, condition.get("field"), kind)
    if kind == "value_percentile":
        _check_percentile(document, condition)


def _check_names(document: Document, condition: str) -> None:
    """Check that a condition in words is one, and that it names the rules of the list, and all of them."""
    from converter.plan.temporal_condition import is_ordered, parse_names, words_of  # noqa: PLC0415  few rules need it

    source = document.source(condition, "correlation", "condition")
    expr = parse_names(source)
    if document.data["correlation"]["type"] == "temporal_ordered" and not is_ordered(expr):
        raise RefusedError(
            "an order has no meaning for this condition",
            "temporal_ordered with a boolean condition",
            document.place("correlation", "condition"),
            "join the stages with `and`; a stage is a rule, or alternatives in brackets: a and (b or c)",
        )
    rules = document.data["correlation"].get("rules")
    if rules is None:
        return
    listed = [rules] if isinstance(rules, str) else rules
    if not isinstance(listed, list):
        return
    words = words_of(condition)
    for word, span in words:
        if word not in listed:
            hint = suggest(word, [str(one) for one in listed]) or "the list `rules` may be left out"
            raise source.error(f"{word!r} is not in the list of rules", span, hint)
    for index, rule in enumerate(listed):
        if rule not in {word for word, _ in words}:
            where = document.place("correlation", "rules", index) if isinstance(rules, list) else None
            raise RuleError(
                f"the condition does not say what becomes of {rule!r}",
                where or document.place("correlation", "rules"),
                "name it in the condition, or drop it here",
            )


def _check_keys_of_condition(document: Document, condition: Mapping[Any, Any], kind: str) -> None:
    known = (*OPERATORS, *(("field",) if kind in _FIELDS else ()))
    if kind == "value_percentile":
        known = (*known, "percentile")
    for key in condition:
        if key not in known:
            raise RuleError(
                f"unknown key {key!r} in the condition of {_a(kind)}",
                document.place("correlation", "condition", str(key), key=True),
                suggest(str(key), known) or f"known: {', '.join(known)}",
            )


def _check_number(document: Document, operator: str, number: object, *, counted: bool) -> None:
    place = document.place("correlation", "condition", operator)
    if counted:
        if not isinstance(number, int) or isinstance(number, bool) or number < 0:
            raise RuleError(f"{number!r} is not a count", place, "a whole number, 0 or more")
    elif not isinstance(number, int | float) or isinstance(number, bool) or not isfinite(number):
        raise RuleError(f"{number!r} is not a number", place, "a number, without quotes")


def _check_field(document: Document, field: object, kind: str) -> None:
    place = document.place("correlation", "condition", "field")
    example = f"for example {_EXAMPLES[kind]}"
    if field is None:
        raise RuleError(f"{_a(kind)} needs a field in its condition", place, example)
    names = field if isinstance(field, list) and kind == "value_count" else [field]
    if not names or not all(isinstance(name, str) and name for name in names):
        what = "field is a name, or a list of names" if kind == "value_count" else "field is the name of one field"
        raise RuleError(what, place, example)
    for index, name in enumerate(names):
        if name in names[:index]:
            raise RuleError(
                f"the field {name!r} is named twice",
                document.place("correlation", "condition", "field", index),
                "drop one",
            )


def _check_percentile(document: Document, condition: Mapping[str, Any]) -> None:
    if "percentile" not in condition:
        raise RefusedError(
            "the specification does not say which percentile is meant without `percentile`",
            "value_percentile without percentile",
            document.place("correlation", "condition", key=True),
            f"for example {_EXAMPLES['value_percentile']}",
        )
    percent = condition["percentile"]
    if not isinstance(percent, int | float) or isinstance(percent, bool) or not 0 <= percent <= _WHOLE:
        raise RuleError(
            f"{percent!r} is not a percentile",
            document.place("correlation", "condition", "percentile"),
            "a number from 0 to 100",
        )


def readable(data: dict[str, Any]) -> dict[str, Any]:
    """Return a correlation that pySigma reads in place of one that it does not.

    It takes one operator, whole numbers, and in conditions only names of letters and digits. The plan takes all that
    from the document; what pySigma makes of it is of no account.
    """
    correlation = data["correlation"]
    condition = correlation.get("condition")
    if isinstance(condition, dict):
        operators = [key for key in condition if key in OPERATORS]
        if len(operators) > 1 or "percentile" in condition:
            kept = {key: value for key, value in condition.items() if key not in {*operators, "percentile"}}
            return {**data, "correlation": {**correlation, "condition": {**kept, operators[0]: 0}}}
    elif isinstance(condition, str):
        from converter.plan.temporal_condition import words_of  # noqa: PLC0415  few rules need it

        names = list(dict.fromkeys(word for word, _ in words_of(condition)))
        rules = correlation.get("rules", names)
        return {**data, "correlation": {**correlation, "rules": rules, "condition": {"gte": 1}}}
    return data


def _a(kind: str) -> str:
    return f"an {kind}" if kind.startswith("event") else f"a {kind}"


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
