"""What pySigma's Splunk backend does not say, shown by running what it writes: the cases of `upstream/splunk.yml`.

They are about released versions; another version may be better, so the cases only run with those.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

from converter.harness.audit import audit
from converter.harness.generate import events_for
from converter.harness.replay import Log
from converter.plan.nodes import Detection
from converter.rules import parse_rules

CASES = yaml.safe_load((Path(__file__).parent / "upstream" / "splunk.yml").read_text(encoding="utf-8"))
UPSTREAM = "pysigma:splunk"
MEASURED = {"pysigma": "1.5.1", "pysigma-backend-splunk": "2.1.0"}
HERE = {name: version(name) for name in MEASURED}


@pytest.mark.skipif(HERE != MEASURED, reason=f"measured with {MEASURED}, here are {HERE}")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["what"])
def test_outcome(case: dict[str, Any]) -> None:
    assert outcome(case) == (case["outcome"], case.get("cause", ""))


def outcome(case: dict[str, Any]) -> tuple[str, str]:
    rule = {"title": "One", "logsource": {"category": "any"}, "detection": case["detection"]}
    if "fields" in case:
        rule["fields"] = case["fields"]
    rules = parse_rules(yaml.safe_dump(rule))
    (plan,) = rules.plans
    assert isinstance(plan, Detection)
    log = Log(case.get("events") or events_for(plan, 0, 300), "any")
    found = audit(rules, plan, log, UPSTREAM, without_pipeline=True)
    return found.result, " + ".join(sorted({cause for cause, _ in found.causes}))
