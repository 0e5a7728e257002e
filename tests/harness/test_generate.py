"""Events made from rules: the same for the same seed, matching and not, for every kind of condition."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
import yaml

from converter.harness.generate.log import events_for
from converter.harness.generate.regex import sample_regex
from converter.plan.nodes import Detection
from converter.reference.evaluate import evaluate_plans
from converter.reference.match import matches
from converter.reference.regex import searcher
from converter.rules.load import parse_rules

DETECTIONS: dict[str, dict[str, Any]] = {
    "text": {"s": {"f": "abc"}, "condition": "s"},
    "parts of text": {"s": {"f|contains|all": ["a", "b*c"], "f|startswith": "x", "f|endswith": "y"}, "condition": "s"},
    "wildcards": {"s": {"f": r"a?b\*c*"}, "condition": "s"},
    "cased": {"s": {"f|cased": "AbC"}, "condition": "s"},
    "the empty text": {"s": {"f": ""}, "condition": "s"},
    "numbers": {"s": {"f": 5, "g|gt": 7.5, "g|lte": 8}, "condition": "s"},
    "booleans": {"s": {"f": True}, "condition": "s"},
    "networks": {"s": {"f|cidr": ["10.0.0.0/8", "2001:db8::/32"]}, "condition": "s"},
    "presence": {"s": {"f|exists": True, "g": None}, "condition": "s"},
    "two fields": {"s": {"f|fieldref": "g"}, "t": {"h|fieldref|endswith": "g"}, "condition": "s and t"},
    "parts of a time": {"s": {"f|hour": 5, "g|week|gt": 20}, "condition": "s"},
    "keywords": {"s": {"|all": ["one", "two"]}, "t": {"|re": r"a\d+"}, "condition": "s and t"},
    "expressions": {"s": {"f|re": r"^\w{3,}(\d)\s\1$", "g|re|i": "a.c"}, "condition": "s"},
    "a filter": {"s": {"f|contains": "a"}, "n": {"f|startswith": "ab", "g": ["x", "y"]}, "condition": "s and not n"},
    "paths": {"s": {"a.b.c": "x", "a.b.d": "y"}, "condition": "s"},
}


@pytest.mark.parametrize("detection", DETECTIONS.values(), ids=DETECTIONS)
def test_some_events_match_and_some_do_not(detection: dict[str, Any]) -> None:
    text = yaml.safe_dump({"title": "A", "logsource": {"category": "c"}, "detection": detection})
    (plan,) = parse_rules(text).plans
    assert isinstance(plan, Detection)
    for seed in range(3):
        events = events_for(plan, seed)
        assert events == events_for(plan, seed)
        assert 0.1 < sum(matches(plan.expr, event) for event in events) / len(events) < 0.9
        assert len({event["@timestamp"] for event in events}) == len(events)
    assert events_for(plan, 1) != events_for(plan, 2)
    assert len(events_for(plan, 0, 11)) == 11


@pytest.mark.parametrize(
    "pattern",
    [r"a[^b-d]{2,4}(x|yy)?$", r"(?i)größe", r"\bword\b", r"(a|b)\1", r"^\d+\.\d+\z", r"(?=[a-c])b.", r"[[:alpha:]]+"],
)
def test_samples_of_an_expression_are_found_mostly(pattern: str) -> None:
    chance = Random(1)  # noqa: S311  a test needs no secret
    search = searcher(pattern, frozenset(), None)
    assert sum(search(sample_regex(pattern, frozenset(), chance)) for _ in range(100)) >= 40


CORRELATIONS: dict[str, dict[str, Any]] = {
    "event_count": {"type": "event_count", "condition": {"gte": 5}},
    "event_count lt": {"type": "event_count", "condition": {"lt": 3}},
    "value_count": {"type": "value_count", "condition": {"field": "v", "gte": 4}},
    "value_sum": {"type": "value_sum", "condition": {"field": "v", "gt": 100}},
    "value_avg": {"type": "value_avg", "condition": {"field": "v", "lt": 10}},
    "temporal": {"type": "temporal"},
    "temporal_ordered": {"type": "temporal_ordered"},
}


@pytest.mark.parametrize("correlation", CORRELATIONS.values(), ids=CORRELATIONS)
def test_logs_of_correlations_have_episodes_and_events_in_none(correlation: dict[str, Any]) -> None:
    bases = [
        {"title": name, "name": name, "logsource": {"category": "c"}, "detection": {"s": {"t": name}, "condition": "s"}}
        for name in ("a", "b")
    ]
    rule = {"rules": ["a", "b"], "group-by": ["u"], "timespan": "6m", **correlation}
    (plan,) = parse_rules(yaml.safe_dump_all([*bases, {"title": "C", "correlation": rule}])).plans
    episodes, events = 0, 0
    for seed in range(5):
        log = events_for(plan, seed)
        assert log == events_for(plan, seed)
        found = evaluate_plans([plan], log)
        episodes += len(found)
        events += len(log) - len({event for alert in found for event in alert.events})
    assert episodes >= 5
    assert events >= 5
