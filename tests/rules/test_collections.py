"""Collections: each case of collections.toml is a file, and the same rules written out. Its head describes the keys."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from sigma.collection import SigmaCollection

from converter.plan import nodes as ir
from converter.rules.load import parse_rules

CASES: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("collections.toml").read_text(encoding="utf-8"))[
    "case"
]
CASE = pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])


def content(plan: ir.Plan) -> tuple[ir.Plan, str | None]:
    """Return a plan without its metadata, and its level."""
    nothing = ir.Metadata("", "")
    if isinstance(plan, ir.Correlation):
        rules = tuple(replace(rule, plan=content(rule.plan)[0]) for rule in plan.rules)
        return replace(plan, meta=nothing, rules=rules), plan.meta.level
    return replace(plan, meta=nothing), plan.meta.level


@CASE
def test_a_collection_is_the_rules_written_out(case: dict[str, Any]) -> None:
    plans = parse_rules(case["rules"]).plans
    assert [content(plan) for plan in plans] == [content(plan) for plan in parse_rules(case["same"]).plans]
    assert [plan.meta.key for plan in plans] == case["keys"]


@CASE
def test_pysigma_reads_the_same(case: dict[str, Any]) -> None:
    documents = list(yaml.safe_load_all(case["rules"]))
    listed = documents[0] if isinstance(documents[0], list) else documents
    theirs: list[Any] = SigmaCollection.from_dicts(listed).rules
    ours = parse_rules(case["rules"]).collection().rules
    assert sorted(map(written, theirs)) == sorted(map(written, ours))


def written(rule: Any) -> str:
    data = rule.to_dict()
    data.get("logsource", {}).pop("source", None)
    return str([data.get(key) for key in ("logsource", "detection", "correlation", "level")])


def test_every_part_has_its_place() -> None:
    text = (
        CASES[0]["rules"]
        .replace("EventID: 4688", "EventID|gt: x")
        .replace("CommandLine|contains", "CommandLine|re|cidr")
    )
    errors: list[Any] = []
    parse_rules(text, "rule.yml", errors.append)
    assert [(error.place.line, error.place.column) for error in errors] == [(4, 22), (13, 19)]
