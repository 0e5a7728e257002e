"""The constructs of Sigma, one rule for each, and what each target makes of them on fields whose types are known.

The table in docs/targets.md is made of them, and a target declares which of them it refuses.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING

import yaml

from converter.errors import RefusedError
from converter.plan.simplify import simplified
from converter.products.field_facts import parse_facts
from converter.rules.load import parse_rules
from converter.targets.core.target import Context
from tests.support.targets import target_of

if TYPE_CHECKING:
    from converter.harness.target_spec import TargetName
    from converter.plan.nodes import Plan
    from converter.targets.core.target import Query

FACTS = parse_facts(
    b"""
fields:
  text: {type: keyword, single: true}
  other: {type: keyword, single: true}
  number: {type: long, single: true}
  flag: {type: boolean, single: true}
  address: {type: ip, single: true}
""",
    "constructs",
)
DETECTIONS = {
    "string": "text: value",
    "string without letters": "text: '4711'",
    "wildcard `*` (`contains`, `startswith`, `endswith`)": "text|contains: value",
    "wildcard `*` and a space in the value": "text|contains: two words",
    "wildcard `?`": "text: v?lue",
    "a literal `*`": r"text: 'a\*b'",
    "`cased`": "text|cased: Value",
    "`re`": "text|re: '^a[bc]+d'",
    "`re` with `i`": "text|re|i: '^a[bc]+d'",
    "`re` with `m`": "text|re|m: '^a'",
    "`re` with look-around": "text|re: 'a(?!b)'",
    "`re` with a word boundary": r"text|re: '\bword\b'",
    "number": "number: 5",
    "`lt`, `lte`, `gt`, `gte`": "number|gte: 5",
    "boolean": "flag: true",
    "`cidr`": "address|cidr: 10.0.0.0/8",
    "`exists`": "text|exists: true",
    "null": "text: null",
    "empty string": "text: ''",
    "`fieldref`": "text|fieldref: other",
    "`neq`, and `not`": "text|neq: value",
    "a part of a time": "text|hour: 5",
    "keyword": "'|all': [word]",
}
CORRELATIONS = {
    "`event_count` `gte`, `gt`": "{type: event_count, condition: {gte: 25}}",
    "`event_count` `gte` 200": "{type: event_count, condition: {gte: 200}}",
    "`event_count` `gte` 20000": "{type: event_count, condition: {gte: 20000}}",
    "`event_count` `lt`, `lte`, `eq`, `neq`": "{type: event_count, condition: {lt: 25}}",
    "a range": "{type: event_count, condition: {gt: 5, lte: 25}}",
    "several rules": "{type: event_count, rules: [base, more], condition: {gte: 25}}",
    "aliases": "{type: event_count, rules: [base, more], group-by: [who], aliases: {who: {base: text, more: other}}, "
    "condition: {gte: 25}}",
    "`value_count` `gte`, `gt`": "{type: value_count, condition: {field: other, gte: 5}}",
    "`value_count` `lt`, `lte`, `eq`, `neq`": "{type: value_count, condition: {field: other, lt: 5}}",
    "`value_count` of several fields": "{type: value_count, condition: {field: [other, address], gte: 5}}",
    "`value_sum`": "{type: value_sum, condition: {field: number, gte: 100}}",
    "`value_avg`": "{type: value_avg, condition: {field: number, lt: 2.5}}",
    "`value_median`": "{type: value_median, condition: {field: number, gt: 100}}",
    "`value_percentile`": "{type: value_percentile, condition: {field: number, percentile: 95, gte: 100}}",
    "`temporal`": "{type: temporal, rules: [base, more]}",
    "`temporal` with a number of rules": "{type: temporal, rules: [base, more, most], condition: {gte: 2}}",
    "`temporal` with `and`, `or`": "{type: temporal, condition: base and (more or most)}",
    "`temporal` with `not`": "{type: temporal, condition: base and not more}",
    "`temporal_ordered`": "{type: temporal_ordered, rules: [base, more]}",
    "`temporal_ordered` with a number of rules": "{type: temporal_ordered, rules: [base, more, most], "
    "condition: {gte: 2}}",
    "a correlation of correlations": "{type: temporal, rules: [inner, more]}",
}
# What no row of the table is about, and emitters refuse by a name of its own.
UNLISTED = {
    "a `group-by` with a space in its name": "{type: event_count, group-by: [a b], condition: {gte: 2}}",
    "an `event_count` of correlations": "{type: event_count, rules: [inner], condition: {gte: 2}}",
}
_DETECTION = "title: Table\nname: base\nlogsource: {category: test}\ndetection:\n  selection:\n    DETECTION\n"
_OTHERS = {
    name: f"---\ntitle: {name}\nname: {name}\nlogsource: {{category: test}}\n"
    f"detection: {{selection: {{text: '{value}'}}, condition: selection}}\n"
    for name, value in (("more", 4712), ("most", 4713))
}
_INNER = """---
title: inner
name: inner
correlation: {type: event_count, rules: [base], group-by: [text], timespan: 1m, condition: {gte: 5}}
"""
_COMMON = {"rules": ["base"], "group-by": ["text"], "timespan": "6m"}


def _detection(text: str) -> str:
    return _DETECTION.replace("DETECTION", text) + "  condition: selection\n"


def _correlation(text: str) -> str:
    """Return a correlation, and the rules that it names."""
    written = {**_COMMON, **yaml.safe_load(text)}
    if isinstance(written.get("condition"), str):
        del written["rules"]
    others = "".join(document for name, document in _OTHERS.items() if name in text)
    inner = _INNER if "inner" in text else ""
    correlation = f"---\ntitle: Table of correlations\ncorrelation: {json.dumps(written)}\n"
    return _detection("text: '4711'") + others + inner + correlation


TABLE: dict[str, str] = {
    **{label: _detection(text) for label, text in DETECTIONS.items()},
    **{label: _correlation(text) for label, text in CORRELATIONS.items()},
}
"""The rules of the table in docs/targets.md."""
RULES: dict[str, str] = {**TABLE, **{label: _correlation(text) for label, text in UNLISTED.items()}}
"""The rules of all constructs."""


@cache
def _plan(label: str) -> Plan:
    (plan,) = parse_rules(RULES[label]).plans
    return simplified(plan)


@cache
def emitted(label: str, variant: TargetName) -> Query | RefusedError:
    """Return the query of a construct, or its refusal."""
    context = Context(FACTS, format=variant.format, options=dict(variant.options))
    try:
        return target_of(variant).emit(_plan(label), context)
    except RefusedError as error:
        return error


def takes(label: str, variant: TargetName) -> bool:
    """Return whether a target says a construct, such as "`re`"."""
    return not isinstance(emitted(label, variant), RefusedError)


def verdict_word(label: str, variant: TargetName) -> str:
    """Return what the table says of a construct: exact, assuming, bounded or refused."""
    query = emitted(label, variant)
    if isinstance(query, RefusedError):
        return "refused"
    if query.verdict.bound is not None:
        return "bounded"
    return "assuming" if query.verdict.assumptions else "exact"
