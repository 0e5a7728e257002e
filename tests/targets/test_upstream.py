"""What pySigma's backends do not say, shown by running what they write: the cases in `upstream`.

They are about released versions; another version may be better, so the cases only run with those.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

from converter.harness.audit import audit
from converter.harness.compare import CompareError
from converter.harness.generate.log import events_for
from converter.harness.replay import Log
from converter.rules.load import parse_rules

MEASURED = {"pysigma": "1.5.1", "pysigma-backend-splunk": "2.1.0", "pysigma-backend-elasticsearch": "2.1.1"}
HERE = {name: version(name) for name in MEASURED}


def cases() -> list[Any]:
    folder = Path(__file__).parent / "upstream"
    splunk = yaml.safe_load((folder / "splunk.yml").read_text(encoding="utf-8"))
    elastic = yaml.safe_load((folder / "elastic.yml").read_text(encoding="utf-8"))
    asked = [(case, "splunk", (case["outcome"], case.get("cause", ""))) for case in splunk]
    for case in elastic:
        for target in ("esql", "eql"):
            outcome, _, cause = case[target].partition(", ")
            asked.append((case, target, (outcome, cause)))
    return [pytest.param(*one, id=f"{one[1]}: {one[0]['what']}") for one in asked]


@pytest.mark.skipif(HERE != MEASURED, reason=f"measured with {MEASURED}, here are {HERE}")
@pytest.mark.parametrize(("case", "target", "expected"), cases())
def test_outcome(case: dict[str, Any], target: str, expected: tuple[str, str]) -> None:
    assert outcome(case, f"pysigma:{target}") == expected


BASE = """\
title: {name}
name: {name}
logsource: {{category: any}}
detection: {{s: {{t: {name}}}, condition: s}}
---
"""


def outcome(case: dict[str, Any], target: str) -> tuple[str, str]:
    rule: dict[str, Any] = {"title": "One"}
    if "detection" in case:
        rule |= {"logsource": {"category": "any"}, "detection": case["detection"]}
    if "fields" in case:
        rule["fields"] = case["fields"]
    bases = ""
    if "correlation" in case:
        rule["correlation"] = case["correlation"]
        bases = "".join(BASE.format(name=name) for name in case["correlation"]["rules"])
    rules = parse_rules(bases + yaml.safe_dump(rule))
    (plan,) = rules.plans
    log = Log(case.get("events") or events_for(plan, 0, 300), "any")
    try:
        found = audit(rules, plan, log, target, without_pipeline=True)
    except CompareError:
        return "not compared", ""
    return found.result, " + ".join(sorted({cause for cause, _ in found.causes}))
