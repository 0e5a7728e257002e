"""Plan to EQL.

    Expr ──> any where ...
    Correlation ──> sequence by ... with maxspan=T [any where ...] with runs=N

`:` ignores case, as Sigma does. A comparison below a `not` is guarded with `field != null`, so that it is false, and
its negation true, for a missing field whether the product reads null as unknown or as false. Sources are in NOTES.md.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, assert_never

from converter.plan import nodes as ir
from converter.plan.casefold import has_foreign_case
from converter.targets.core.elastic_emission import ElasticEmission
from converter.targets.core.emission import (
    LONG,
    backquoted,
    chained,
    check_block,
    check_columns,
    check_context,
    check_counts_events,
    check_whole,
    condition_of,
    duration,
    placed_groups,
    refused,
)
from converter.targets.eql.emitter.regex_to_lucene import to_lucene, whole_text
from converter.verdicts.event_assumptions import no_mapped_address, no_zone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from converter.errors import Place
    from converter.targets.core.target import Context, Query

MAX_RUNS = 100
_WORDS = frozenset(
    [
        "and",
        "any",
        "by",
        "false",
        "head",
        "in",
        "join",
        "like",
        "maxspan",
        "not",
        "null",
        "of",
        "or",
        "regex",
        "sample",
        "sequence",
        "tail",
        "true",
        "until",
        "where",
        "with",
    ]
)
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
_COMPARISONS = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
_NUMERIC = frozenset({"long", "double"})
_TEXT = frozenset({"keyword", "wildcard"})


def emit_query(plan: ir.Plan, context: Context, formats: Mapping[str, str], options: Mapping[str, str]) -> Query:
    """Return the EQL of a plan.

    Raises:
        RefusedError: keywords, a key of a flattened object, a comparison of two fields, a count beyond 100, an operator
            other than gt and gte, a regular expression that Lucene does not have.
    """
    check_context("eql", context, formats, options)
    check_counts_events(plan)
    check_columns(plan, context, "EQL")
    emission = ElasticEmission(context)
    condition = _boolean(condition_of(plan), emission, negated=False)
    text = _sequence(plan, condition, emission) if isinstance(plan, ir.Correlation) else f"any where {condition}"
    return replace(emission.query(plan, "eql", "eql", text), needs_fields=True)


def _sequence(plan: ir.Correlation, condition: str, emission: ElasticEmission) -> str:
    if not plan.sliding:
        raise refused(
            f"EQL cannot count events that are not there (operator {plan.op})",
            f"event_count {plan.op}",
            plan.place,
            "convert to splunk or esql",
        )
    count = plan.at_least
    groups = [_field(name, emission, place) for name, place in placed_groups(plan)]
    for name in plan.group_by:
        emission.group(name)
    if count > MAX_RUNS:
        raise refused(
            f"a sequence runs at most {MAX_RUNS} times, the rule counts {count}",
            f"count above {MAX_RUNS}",
            plan.place,
            "convert to splunk or esql",
        )
    if count == 1:
        guards = "".join(f" and {group} != null" for group in groups)
        return f"any where ({condition}){guards}" if guards else f"any where {condition}"
    by = f" by {', '.join(groups)}" if groups else ""
    span = duration(plan.timespan)
    return f"sequence{by} with maxspan={span}\n  [any where {condition}] with runs={count}"


def _field(name: str, emission: ElasticEmission, place: Place | None) -> str:
    emission.single(name)
    return backquoted(name, _WORDS, place)


def string(text: str, place: Place | None) -> str:
    """Return a string literal; control characters by their code point.

    Raises:
        RefusedError: the character NUL.
    """
    out = []
    for char in text:
        if char == "\0":
            raise refused("EQL has no escape for the character NUL", "control character", place)
        escaped = _ESCAPES.get(char)
        out.append(escaped or (char if char.isprintable() else f"\\u{{{ord(char):04x}}}"))
    return f'"{"".join(out)}"'


# ------------------------------------------------------------------------------------------------------ conditions


def _boolean(expr: ir.Expr, emission: ElasticEmission, *, negated: bool, inside: bool = False) -> str:
    match expr:
        case ir.And(items) | ir.Or(items):
            if not items:
                return "true" if isinstance(expr, ir.And) else "false"
            word = "and" if isinstance(expr, ir.And) else "or"
            text = chained([_boolean(item, emission, negated=negated, inside=len(items) > 1) for item in items], word)
            return f"({text})" if inside and len(items) > 1 else text
        case ir.Not(ir.IsNull(name, place) | ir.Exists(name, place) as leaf):
            return f"{backquoted(name, _WORDS, place)} {'!=' if isinstance(leaf, ir.IsNull) else '=='} null"
        case ir.Not(item):
            return f"not ({_boolean(item, emission, negated=True)})"
        case ir.IsNull(name, place):
            return f"{backquoted(name, _WORDS, place)} == null"
        case ir.Exists(name, place):
            return f"{backquoted(name, _WORDS, place)} != null"
        case _:
            text = _leaf(expr, emission)
            if not negated:
                return text
            guarded = f"{_guarded_field(expr)} != null and {text}"
            return f"({guarded})" if inside else guarded


def _guarded_field(leaf: ir.Leaf) -> str:
    match leaf:
        case ir.Keyword() | ir.KeywordRegex() | ir.Unexpanded():
            raise AssertionError(leaf)  # refused before
        case _:
            return backquoted(leaf.field, _WORDS, leaf.place)


def _leaf(leaf: ir.Leaf, emission: ElasticEmission) -> str:
    match leaf:
        case ir.StringMatch():
            return _string_match(leaf, emission)
        case ir.NumberMatch(name, number, place):
            check_whole(number, LONG, "EQL", place)
            emission.held(name, number)  # for its assumption: the index rounds the number of a query as well
            return f"{_number_field(name, emission, place)} == {number}"
        case ir.NumberCompare(name, op, number, place):
            check_whole(number, LONG, "EQL", place)
            emission.held(name, number)  # for its assumption: the index rounds the number of a query as well
            return f"{_number_field(name, emission, place)} {_COMPARISONS[op]} {number}"
        case ir.BoolMatch(name, value, place):
            if emission.type_of(name) in _TEXT:
                return f"{_field(name, emission, place)} : {string(str(value).lower(), place)}"
            emission.typed(name, frozenset({"boolean"}), "a boolean")
            return f"{_field(name, emission, place)} == {str(value).lower()}"
        case ir.Regex(name, pattern, flags, place):
            expression = to_lucene(pattern, flags, place)
            if not emission.typed(name, _TEXT, "keyword"):
                kind = emission.type_of(name)
                raise refused(f"{name} is {kind}, and `regex` takes text", f"re on {kind}", place, "convert to esql")
            return f"{_field(name, emission, place)} {expression.operator} {string(expression.text, place)}"
        case ir.Cidr(name, network, place):
            name = emission.address_field(name)
            if not emission.typed(name, frozenset({"ip"}), "an ip"):
                raise refused(
                    f"cidrMatch needs a field of type ip, {name} is {emission.type_of(name)}",
                    "cidr on text",
                    place,
                    "convert to esql or splunk",
                )
            check_block(network, place)
            emission.assume(no_mapped_address(name, network))
            emission.assume(no_zone(name, network))
            return f'cidrMatch({_field(name, emission, place)}, "{network}")'
        case ir.FieldRef(place=place):
            raise refused("EQL cannot compare two fields", "fieldref", place, "convert to esql or splunk")
        case ir.Keyword(place=place) | ir.KeywordRegex(place=place):
            raise refused("EQL cannot search every field", "keyword", place, "name a field, or convert to splunk")
        case ir.IsNull() | ir.Exists():
            raise AssertionError(leaf)  # `_boolean` says these
        case ir.TimePart(part=part, place=place):
            raise refused("EQL has no function for a part of a time", part, place, "index the part as a field")
        case ir.Unexpanded():
            raise leaf.error
        case _:
            assert_never(leaf)


def _text_field(name: str, emission: ElasticEmission, place: Place | None) -> str:
    """Return the field as text: functions and operators on text do not take other types."""
    if emission.typed(name, _TEXT, "keyword"):
        return _field(name, emission, place)
    if emission.type_of(name) == "text":
        raise refused(f"EQL does not search fields of type text ({name})", "text field", place, "map a keyword field")
    return f"string({_field(name, emission, place)})"


def _number_field(name: str, emission: ElasticEmission, place: Place | None) -> str:
    if emission.type_of(name) in _TEXT:
        return f"number({_field(name, emission, place)})"
    emission.typed(name, _NUMERIC, "a number")
    return _field(name, emission, place)


def _string_match(leaf: ir.StringMatch, emission: ElasticEmission) -> str:
    """`:` and `like` have no escape for a literal `*` or `?`; such a value needs an operator without wildcards."""
    address = emission.address(leaf)
    if address is not None:
        return f"{_field(leaf.field, emission, leaf.place)} == {string(address, leaf.place)}"
    name = _text_field(leaf.field, emission, leaf.place)
    pattern = leaf.pattern
    literal = pattern.literal
    # How `:` ignores the case of letters outside ASCII depends on the version.
    foreign = not leaf.cased and any(isinstance(part, str) and has_foreign_case(part) for part in pattern.parts)
    special = any(isinstance(part, str) and set(part) & {"*", "?"} for part in pattern.parts)
    if foreign:
        expression = whole_text(pattern, leaf.place, cased=False)
        return f"{name} {expression.operator} {string(expression.text, leaf.place)}"
    if literal is not None:
        if leaf.cased:
            return f"{name} == {string(literal, leaf.place)}"
        return f"{name} in~ ({string(literal, leaf.place)})" if special else f"{name} : {string(literal, leaf.place)}"
    if special:
        expression = whole_text(pattern, leaf.place, cased=leaf.cased)
        return f"{name} {expression.operator} {string(expression.text, leaf.place)}"
    return f"{name} {'like' if leaf.cased else ':'} {string(_wildcards(pattern), leaf.place)}"


def _wildcards(pattern: ir.Pattern) -> str:
    return "".join(part.value if isinstance(part, ir.Wildcard) else part for part in pattern.parts)
