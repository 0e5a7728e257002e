"""Keys inside objects of Elastic's field type flattened: what each target can say of them, and numbers among them.

`tests/referee/test_flattened.py` asks Elasticsearch for the same.
"""

from __future__ import annotations

from typing import Any

import pytest

from converter.conversion import convert_rules
from converter.errors import RefusedError
from converter.harness.replay import Log, replay
from converter.rules.load import parse_rules
from converter.targets.core.registry import get_target

RULE = """
title: Key of an object
logsource: {{product: aws, service: cloudtrail}}
detection:
  s: {{eventName: ListRoles, requestParameters.{0}}}
  condition: s
"""
COUNT = """
title: Few
name: few
logsource: {product: aws, service: cloudtrail}
detection: {s: {eventName: ListRoles}, condition: s}
---
title: Many of one key
correlation: {type: event_count, rules: [few], group-by: [requestParameters.path], timespan: 5m, condition: {gte: 3}}
"""
PARAMETERS: list[dict[str, Any]] = [
    {"maxItems": 100},
    {"maxItems": 10},
    {"maxItems": "100"},
    {"other": 100},
    {"maxItems": True},
    {"maxItems": {"of": 100}},
    {"maxItems": [100, 7]},
    {},
]


def check(text: str, target: str) -> None:
    rules = parse_rules(text, "rule.yml")
    plan, judged = rules.plans[-1], get_target(target)
    (query,) = convert_rules(rules, judged)
    events = [
        {"eventTime": f"2026-01-01T00:00:{at:02d}Z", "eventName": "ListRoles", "requestParameters": one}
        for at, one in enumerate(PARAMETERS)
        if target != "splunk" or not isinstance(one.get("maxItems"), list)  # there its name would end in {}
    ]
    log = Log(events)
    outcome, _ = replay(plan, query, judged, log)
    assert outcome.kind in {"agree", "assumption"}
    assert [one.message for one in outcome.broken if "is not an object" not in one.message] == []
    assert 0 < len(log.alerts(plan)) < len(events)


@pytest.mark.parametrize("target", ["kql", "elastic-toml", "splunk"])
@pytest.mark.parametrize("condition", ["maxItems: '100'", "maxItems|startswith: '10'", "maxItems|exists: true"])
def test_whole_texts_and_their_beginnings(target: str, condition: str) -> None:
    check(RULE.format(condition), target)


def test_a_number_that_java_writes_with_an_exponent_stands_behind_the_verdict() -> None:
    rules = parse_rules(RULE.format("from: '1700000000.0'"), "rule.yml")
    (query,) = convert_rules(rules, get_target("kql"))
    event = {"eventTime": "2026-01-01T00:00:00Z", "eventName": "ListRoles", "requestParameters": {"from": 1.7e9}}
    outcome, _ = replay(rules.plans[0], query, get_target("kql"), Log([event]))
    assert outcome.doubt == "nothing left"  # this event is the whole log
    assert ["1.0E7" in one.message for one in outcome.broken] == [True]


@pytest.mark.parametrize("target", ["kql", "elastic-toml"])
@pytest.mark.parametrize(
    ("condition", "construct"),
    [
        ("maxItems|contains: '10'", "wildcard in a flattened field"),
        ("maxItems|endswith: '00'", "wildcard in a flattened field"),
        ("maxItems: '1*0'", "wildcard in a flattened field"),
        ("maxItems|startswith: '1 0'", "blank"),
        ('maxItems|startswith: "1\\u30000"', "blank"),
        ("maxItems: 100", "flattened field"),
    ],
)
def test_what_would_find_other_keys_is_refused(target: str, condition: str, construct: str) -> None:
    with pytest.raises(RefusedError) as caught:
        convert_rules(parse_rules(RULE.format(condition), "rule.yml"), get_target(target))
    assert caught.value.construct == construct
    assert caught.value.place is not None


@pytest.mark.parametrize("target", ["esql", "eql"])
@pytest.mark.parametrize("text", [RULE.format("maxItems: a"), RULE.format("maxItems|exists: true"), COUNT], ids=repr)
def test_there_is_no_column(target: str, text: str) -> None:
    with pytest.raises(RefusedError) as caught:
        convert_rules(parse_rules(text, "rule.yml"), get_target(target))
    assert caught.value.construct == "flattened field"
    assert caught.value.place is not None
