"""The table in docs/targets.md is what the emitters do: every construct, every target, on fields whose types are known.

`UPDATE_GOLDEN=1 pytest tests/test_targets_table.py` writes the table anew.
"""

from __future__ import annotations

import os
from pathlib import Path

from converter.errors import RefusedError
from converter.facts import Facts, parse_facts
from converter.plan.simplify import simplified
from converter.registry import list_targets
from converter.rules import parse_rules
from converter.target import Context, Verdict

PAGE = Path(__file__).parent.parent / "docs" / "targets.md"
BEGIN, END = "<!-- table: tests/test_targets_table.py -->", "<!-- end of table -->"
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
    "keyword": "'|all': [word]",
}
CORRELATIONS = {
    "`event_count` `gte`, `gt`": "{gte: 25}",
    "`event_count` `gte` 200": "{gte: 200}",
    "`event_count` `lt`, `lte`, `eq`, `neq`": "{lt: 25}",
}
TEMPLATE = "title: Table\nname: base\nlogsource: {category: test}\ndetection:\n  selection:\n    DETECTION\n"
CORRELATION = """---
title: Count
correlation: {type: event_count, rules: [base], group-by: [text], timespan: 6m, condition: COUNT}
"""


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


def table() -> str:
    rows = {
        label: TEMPLATE.replace("DETECTION", text) + "  condition: selection\n" for label, text in DETECTIONS.items()
    }
    base = TEMPLATE.replace("DETECTION", "text: '4711'") + "  condition: selection\n"
    rows |= {label: base + CORRELATION.replace("COUNT", count) for label, count in CORRELATIONS.items()}
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
