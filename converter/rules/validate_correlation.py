"""Check the section `correlation` of a rule, with positions; `references` has what it refers to.

Document ──shape of its type──> errors of keys and values ──> errors of what several values mean together
"""

from __future__ import annotations

import re
from math import isfinite
from typing import TYPE_CHECKING, Any

from converter.errors import RefusedError, RuleError, suggest
from converter.readers.schema import (
    ANYTHING,
    FLAG,
    NULL,
    STRING,
    Either,
    Entries,
    Keys,
    Scalar,
    errors,
    list_of,
    matching,
    one_of,
    string,
    whole,
)
from converter.rules.other_words import OTHER_KEYS, OTHER_OPERATORS, OTHER_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from converter.errors import SourceError
    from converter.readers.schema import Shape
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

_SPAN_HINT = "a positive whole number and a unit: s, m, h, d, w, M (months), y; for example 6m"
_ALIAS_HINT = "{alias: {rule: field}}"
_NAME = string(accepts=bool)
_NAMES = Either((_NAME, list_of(_NAME, "fields")), "[field, field]")
_RULES = Either((_NAME, list_of(STRING, "rules", least=1)), "[name, name]")
_COUNT = whole(0, hint="without quotes")
_NUMBER = Scalar(
    "a number",
    lambda value: isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value),
    "without quotes",
)
_PERCENTILE = Scalar("a number from 0 to 100", lambda value: _NUMBER.accepts(value) and 0 <= value <= 100)  # noqa: PLR2004  as it says
_SECTIONS = Keys(
    {
        "correlation": Entries(ANYTHING, hint="type, rules, timespan, condition"),
        "generate": FLAG,
    },
    others=True,
)
_KNOWN: Mapping[str, Shape] = {
    "type": one_of(*_CORRELATION_TYPES, hints=OTHER_TYPES),
    "rules": _RULES,
    "generate": FLAG,
    "group-by": _NAMES,
    "timespan": matching(_TIMESPAN.pattern, "a positive number and a unit", _SPAN_HINT),
    "aliases": Either(
        (NULL, Entries(Entries(string(accepts=bool, hint=_ALIAS_HINT), STRING, least=1, hint=_ALIAS_HINT), _NAME)),
        _ALIAS_HINT,
    ),
    "condition": ANYTHING,
}
_REQUIRED = {"type": "", "timespan": _SPAN_HINT}


def correlation_errors(document: Document) -> Iterator[SourceError]:
    """Yield every error of the section `correlation`; what a rule leaves open is a RefusedError."""
    yield from errors(document, _SECTIONS)
    correlation = document.data["correlation"]
    if isinstance(correlation, dict):
        kind = str(correlation.get("type"))
        yield from errors(document, _shape(kind, correlation.get("condition")), "correlation")
        yield from _timespan_errors(document, correlation.get("timespan"))
        yield from _twice(document, correlation.get("group-by"), "group-by")
        condition = correlation.get("condition")
        if kind in TEMPORAL and isinstance(condition, str):
            yield from _name_errors(document, condition)
        elif kind in _CORRELATION_TYPES and isinstance(condition, dict):
            yield from _condition_errors(document, condition)


def _shape(kind: str, condition: object) -> Keys:
    """Return the shape of a correlation of this type."""
    known, required = {**_KNOWN}, {**_REQUIRED}
    if kind in TEMPORAL and isinstance(condition, str):  # it names the rules
        known["rules"] = Either((NULL, _RULES), _RULES.hint)
    else:
        required["rules"] = _RULES.hint
    if kind in _CORRELATION_TYPES:
        known["condition"] = _condition(kind)
        if kind not in TEMPORAL:
            required["condition"] = f"for example {_EXAMPLES.get(kind, '{gte: 25}')}"
    return Keys(known, required, inside=True, hints=OTHER_KEYS)


def _condition(kind: str) -> Shape:
    if kind in TEMPORAL:
        example = "for example {gte: 2}, or text: a and not b"
        return Either((STRING, Keys(dict.fromkeys(OPERATORS, _COUNT), hint=example, hints=OTHER_OPERATORS)), example)
    known: dict[str, Shape] = dict.fromkeys(OPERATORS, _NUMBER if kind in MEASURED else _COUNT)
    example = f"for example {_EXAMPLES.get(kind, '{gte: 25}')}"
    if kind in _FIELDS:
        names = (_NAME, list_of(_NAME, "names", least=1)) if kind == "value_count" else (_NAME,)
        known["field"] = Either(names, example)
    if kind == "value_percentile":
        known["percentile"] = _PERCENTILE
    return Keys(known, {"field": example} if kind in _FIELDS else {}, inside=True, hint=example, hints=OTHER_OPERATORS)


def _timespan_errors(document: Document, timespan: object) -> Iterator[SourceError]:
    match = _TIMESPAN.fullmatch(timespan) if isinstance(timespan, str) else None
    # So long a window would never be complete in any log, and int() of very many digits is slow.
    if match and (len(match[1]) > _MAX_DIGITS or int(match[1]) * _UNITS[match[2]] > MAX_TIMESPAN):
        shown = match[0] if len(match[0]) <= _SHOWN_DIGITS else f"{match[0][:_SHOWN_DIGITS]}..."
        message = f"a timespan of {shown} is longer than 10 years"
        yield RuleError(message, document.place("correlation", "timespan"), "at most 10y")


def _twice(document: Document, names: object, *path: str) -> Iterator[SourceError]:
    for index, name in enumerate(names if isinstance(names, list) else ()):
        if name in names[:index]:  # type: ignore[index]
            message = f"{'.'.join(path)} names the field {name!r} twice"
            yield RuleError(message, document.place("correlation", *path, index), "drop one")


def _condition_errors(document: Document, condition: Mapping[Any, Any]) -> Iterator[SourceError]:
    kind = document.data["correlation"]["type"]
    example = _EXAMPLES.get(kind, "{gte: 25}")
    place = document.place("correlation", "condition")
    if set(condition) <= {"field", "percentile"}:  # an unknown key may be meant for one
        yield RuleError("the condition has no operator", place, f"for example {example}")
    yield from _twice(document, condition.get("field"), "condition", "field")
    if kind == "value_percentile" and "percentile" not in condition:
        yield RefusedError(
            "the specification does not say which percentile is meant without `percentile`",
            "value_percentile without percentile",
            document.place("correlation", "condition", key=True),
            f"for example {example}",
        )


def _name_errors(document: Document, condition: str) -> Iterator[SourceError]:
    try:
        _check_names(document, condition)
    except (RuleError, RefusedError) as error:
        yield error


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
            hint = suggest(word, [str(name) for name in listed]) or "the list `rules` may be left out"
            raise source.error(f"{word!r} is not in the list of rules", span, hint)
    for index, rule in enumerate(listed):
        if rule not in {word for word, _ in words}:
            where = document.place("correlation", "rules", index) if isinstance(rules, list) else None
            raise RuleError(
                f"the condition does not say what becomes of {rule!r}",
                where or document.place("correlation", "rules"),
                "name it in the condition, or drop it here",
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
            others = {key: value for key, value in condition.items() if key not in {*operators, "percentile"}}
            return {**data, "correlation": {**correlation, "condition": {**others, operators[0]: 0}}}
    elif isinstance(condition, str):
        from converter.plan.temporal_condition import words_of  # noqa: PLC0415  few rules need it

        names = list(dict.fromkeys(word for word, _ in words_of(condition)))
        rules = correlation.get("rules", names)
        return {**data, "correlation": {**correlation, "rules": rules, "condition": {"gte": 1}}}
    return data
