"""The table in docs/targets.md is what the emitters do: every construct, every target, on fields whose types are known.

`UPDATE_GOLDEN=1 pytest tests/targets/test_targets_table.py` writes the table anew.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import yaml

from converter.errors import RefusedError
from converter.plan.simplify import simplified
from converter.products.field_facts import Facts, parse_facts
from converter.rules.load import parse_rules
from converter.targets.core.registry import list_targets
from converter.targets.core.target import Context
from tests.support.paths import DOCS

if TYPE_CHECKING:
    from converter.verdicts.verdict import Verdict

PAGE = DOCS / "targets.md"
BEGIN, END = "<!-- table: tests/targets/test_targets_table.py -->", "<!-- end of table -->"
COLUMNS: dict[str, tuple[str, dict[str, str]]] = {
    "splunk": ("splunk", {}),
    "esql": ("esql", {}),
    "eql": ("eql", {}),
    "kql": ("kql", {}),
    "elastic-toml": ("elastic-toml", {}),
}
FACTS = """
fields:
  text: {type: keyword, single: true}
  other: {type: keyword, single: true}
  number: {type: long, single: true}
  flag: {type: boolean, single: true}
  address: {type: ip, single: true}
"""
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
TEMPLATE = "title: Table\nname: base\nlogsource: {category: test}\ndetection:\n  selection:\n    DETECTION\n"
OTHERS = {
    name: f"---\ntitle: {name}\nname: {name}\nlogsource: {{category: test}}\n"
    f"detection: {{selection: {{text: '{value}'}}, condition: selection}}\n"
    for name, value in (("more", 4712), ("most", 4713))
}
INNER = """---
title: inner
name: inner
correlation: {type: event_count, rules: [base], group-by: [text], timespan: 1m, condition: {gte: 5}}
"""
COMMON = {"rules": ["base"], "group-by": ["text"], "timespan": "6m"}


def facts() -> Facts:
    return parse_facts(FACTS.encode(), "table")


def cell(rule: str, column: str) -> str:
    name, options = COLUMNS[column]
    (plan,) = parse_rules(rule).plans
    try:
        query = list_targets()[name].emit(simplified(plan), Context(facts(), options=options))
    except RefusedError:
        return "refused"
    return said(query.verdict)


def said(verdict: Verdict) -> str:
    if verdict.bound is not None:
        return "bounded"
    return "assuming" if verdict.assumptions else "exact"


def correlation(text: str) -> str:
    """Return the documents of a correlation, and of the rules that it names besides `base`."""
    written = {**COMMON, **yaml.safe_load(text)}
    if isinstance(written.get("condition"), str):
        del written["rules"]
    others = "".join(document for name, document in OTHERS.items() if name in text)
    inner = INNER if "inner" in text else ""
    return f"{others}{inner}---\ntitle: Table of correlations\ncorrelation: {json.dumps(written)}\n"


def table() -> str:
    rows = {
        label: TEMPLATE.replace("DETECTION", text) + "  condition: selection\n" for label, text in DETECTIONS.items()
    }
    base = TEMPLATE.replace("DETECTION", "text: '4711'") + "  condition: selection\n"
    rows |= {label: base + correlation(text) for label, text in CORRELATIONS.items()}
    lines = [f"| construct | {' | '.join(f'`{name}`' for name in COLUMNS)} |", "|---" * (len(COLUMNS) + 1) + "|"]
    for label, rule in rows.items():
        lines.append(f"| {label} | {' | '.join(cell(rule, column) for column in COLUMNS)} |")
    return "\n".join(lines)


def test_the_table_says_what_the_emitters_do() -> None:
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    shown, after = rest.split(END)
    if os.environ.get("UPDATE_GOLDEN"):
        PAGE.write_text(f"{before}{BEGIN}\n{table()}\n{END}{after}", encoding="utf-8")
        return
    assert shown.strip() == table()
