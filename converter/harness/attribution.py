"""Find out which construct of a rule makes another converter's query differ from the rule on an event.

    rule, event ──each leaf, and its negation, as a rule of its own──> converted, run on the event ──> cause
                └──no leaf differs alone──> the combination of constructs

A cause is a phrase without field names and values, so that the causes of many rules can be counted.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, assert_never

from converter.conversion import convert_rules
from converter.errors import QueryError, SourceError
from converter.plan import nodes as ir
from converter.plan.casefold import has_foreign_case
from converter.reference.match import matches
from converter.reference.values import find
from converter.rules.load import parse_rules
from converter.targets.core.registry import get_target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from converter.targets.core.target import Event, Query

TOGETHER = "the combination of the parts, or the parsing of the rule"
_NUMBER = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
_NETWORK = re.compile(r"[0-9a-fA-F.:]+/\d+")


def cause_of(expr: ir.Expr, raw: Event, seen: Event, target: str) -> str:
    """Return the construct of a rule that a target's query expresses wrongly, as far as one event shows.

    Args:
        expr: the expression of the rule, as it is written.
        raw: an event that only the rule or only the query matches, with Sigma's field names.
        seen: the same event as the product has it, with Sigma's field names too: leaves are converted without a
            pipeline.
        target: the target's name, such as `pysigma:splunk`.
    """
    return cause_by(expr, raw, lambda leaf, negated: _differs(leaf, raw, seen, target, negated=negated))


def cause_by(expr: ir.Expr, raw: Event, differs: Callable[[ir.Leaf, bool], bool]) -> str:
    """Return the cause; `differs(leaf, negated)` tells whether the query of a leaf or its negation alone differs."""
    leaves = dict.fromkeys(ir.leaves_of(expr))
    for negated in (False, True):
        for leaf in leaves:
            if differs(leaf, negated):
                return ("NOT of " if negated else "") + _construct(leaf, raw)
    return _combination(expr)


def _differs(leaf: ir.Leaf, raw: Event, seen: Event, target: str, *, negated: bool) -> bool:
    query = _alone(leaf, target, negated)
    if query is None:
        return False
    try:
        runs = get_target(target).replay(query, [seen])
    except QueryError:
        return False
    return any(bool(run.alerts) == (matches(leaf, raw) == negated) for run in runs)


@lru_cache(maxsize=4096)
def _alone(leaf: ir.Leaf, target: str, negated: bool) -> Query | None:  # noqa: FBT001  part of the cache's key
    """Return the query for a rule with one leaf; None if the target refuses it."""
    section = {"it": as_detection(leaf), "condition": "not it" if negated else "it"}
    rule = {"title": "One part", "logsource": {"category": "any"}, "detection": section}
    try:
        (query,) = convert_rules(
            parse_rules(json.dumps(rule, ensure_ascii=False)), get_target(target), without_pipeline=True
        )
    except SourceError:
        return None
    return query


def as_detection(leaf: ir.Leaf) -> Any:
    """Return Sigma's detection for a leaf."""
    match leaf:
        case ir.StringMatch(field, pattern, cased):
            return {f"{field}|cased" if cased else field: str(pattern)}
        case ir.NumberMatch(field, number):
            return {field: number}
        case ir.BoolMatch(field, value):
            return {field: value}
        case ir.NumberCompare(field, op, number):
            return {f"{field}|{op}": number}
        case ir.Regex(field, pattern, flags):
            return {"|".join([field, "re", *sorted(flags)]): pattern}
        case ir.Cidr(field, network):
            return {f"{field}|cidr": str(network)}
        case ir.IsNull(field):
            return {field: None}
        case ir.Exists(field):
            return {f"{field}|exists": True}
        case ir.FieldRef(field, other, relation, cased):
            words = [field, "fieldref", *([relation] if relation != "equals" else []), *(["cased"] if cased else [])]
            return {"|".join(words): other}
        case ir.TimePart(field, part, op, number):
            return {"|".join([field, part, *([op] if op != "eq" else [])]): number}
        case ir.Keyword(pattern, cased):
            return {"|cased": str(pattern)} if cased else [str(pattern)]
        case ir.KeywordRegex(pattern, flags):
            return {"|".join(["", "re", *sorted(flags)]): pattern}
        case ir.Unexpanded():
            raise leaf.error
        case _:
            assert_never(leaf)


def _construct(leaf: ir.Leaf, raw: Event) -> str:
    match leaf:
        case ir.StringMatch(field, pattern, cased):
            exactly = ir.StringMatch(field, pattern, cased=True)
            other_case = matches(leaf, raw) and not matches(exactly, raw)
            return _string_construct(pattern, list(map(str, find(raw, field))), cased=cased, other_case=other_case)
        case ir.NumberMatch(field, number):
            written_alike = str(number) in map(str, find(raw, field))
            return "a number" if written_alike else "a number that the event writes differently"
        case ir.BoolMatch():
            return "a boolean"
        case ir.NumberCompare():
            return "a comparison of numbers"
        case ir.Regex():
            return "a regular expression"
        case ir.Cidr():
            return "a network"
        case ir.IsNull() | ir.Exists():
            return "presence"
        case ir.FieldRef():
            return "a comparison of two fields"
        case ir.TimePart():
            return "a part of a time"
        case ir.Keyword(pattern):
            return "a keyword" + (" with ?" if ir.Wildcard.ONE in pattern.parts else "")
        case ir.KeywordRegex():
            return "a keyword that is a regular expression"
        case ir.Unexpanded():
            return "a placeholder"
        case _:
            assert_never(leaf)


def _string_construct(pattern: ir.Pattern, values: list[str], *, cased: bool, other_case: bool) -> str:
    literal = pattern.literal
    literals = [part for part in pattern.parts if isinstance(part, str)]
    if cased:
        return "a string with `cased`"
    if ir.Wildcard.ONE in pattern.parts:
        return "the wildcard ?"
    if any("*" in part for part in literals):
        return "a string with a literal *"
    if literal is not None and _NETWORK.fullmatch(literal):
        return "a string in the form of a network"
    if literal is not None and _NUMBER.fullmatch(literal):
        return "a string in the form of a number"
    if literal == "":
        return "the empty string"
    if other_case and all(part.isascii() for part in literals):
        return "a string in another case"
    if any(map(has_foreign_case, (*literals, *values))):
        return "letters outside ASCII"
    if any("\\" in part for part in literals):
        return "a string with a backslash"
    return "a string"


def _combination(expr: ir.Expr) -> str:
    """Return the combination of constructs that a query is likely to express wrongly, if each leaf alone is right."""
    if any(isinstance(leaf, ir.StringMatch) and leaf.cased for leaf in ir.leaves_of(expr)):
        return "a string with `cased`"
    under = set(_surroundings(expr, ()))
    for kind, name in (("re", "a regular expression"), ("ref", "a comparison of two fields")):
        for around, words in (("not", "inside NOT"), ("or", "inside OR")):
            if (kind, around) in under:
                return f"{name} {words}"
    return TOGETHER


def _surroundings(expr: ir.Expr, around: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    match expr:
        case ir.And(items):
            for item in items:
                yield from _surroundings(item, around)
        case ir.Or(items):
            for item in items:
                yield from _surroundings(item, (*around, "or") if len(items) > 1 else around)
        case ir.Not(item):
            yield from _surroundings(item, (*around, "not"))
        case ir.Regex() | ir.KeywordRegex():
            yield from (("re", operator) for operator in around)
        case ir.FieldRef():
            yield from (("ref", operator) for operator in around)
        case _:
            pass
