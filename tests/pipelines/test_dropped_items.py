"""What a pipeline drops leaves its `and`, `or` or `not`: our plan means what pySigma's own tree of conditions means."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from converter.conversion import convert_rules
from converter.errors import RefusedError
from converter.pipelines.apply import apply
from converter.pipelines.choose import select
from converter.reference.match import matches
from converter.rules.load import parse_rules
from converter.targets.core.registry import list_targets
from tests.support.pipelines import pipeline_file

if TYPE_CHECKING:
    from pathlib import Path

    from converter.plan import nodes as ir

FIELDS = ("A", "B", "C", "D")
CONDITIONS = (
    "a or d1",
    "d1 or a",
    "a and d1",
    "a and not d1",
    "a or not d1",
    "not d1 and a",
    "not (a or d1)",
    "not (a and d1)",
    "not (not d1) and a",
    "a and not (b or d1)",
    "a and not (d1 or d2)",
    "(a or d1) and not 1 of d*",
    "a and not all of d*",
    "a and 1 of d*",
    "a or all of d*",
    "1 of them",
    "all of them",
    "a and not 1 of mixed*",
    "mixed_and or b",
    "mixed_or and a",
    "not mixed_or and a",
    "nested or b",
    "not nested and a",
    "listed and a",
    "not listed and a",
    "a or b and not d1 or d2",
)
DETECTION: dict[str, Any] = {
    "a": {"A": 1},
    "b": {"B": 1},
    "d1": {"C": 1},
    "d2": {"D": [1, 2]},
    "mixed_and": {"A": 1, "C": 1},
    "mixed_or": [{"A": 1}, {"C": 1}],
    "nested": [{"A": 1, "D": 1}, {"C": 1, "D": 1}],
    "listed": [{"C": 1}, {"D": 1}],
}
EVENTS = [dict(zip(FIELDS, values, strict=True)) for values in product((0, 1), repeat=len(FIELDS))]


def drop(folder: Path) -> str:
    item = {
        "type": "drop_detection_item",
        "field_name_conditions": [{"type": "include_fields", "fields": ["C", "D"]}],
    }
    return pipeline_file(folder, "drop.yml", transformations=[item])


def rule(condition: str) -> str:
    document = {
        "title": "A rule",
        "name": "a_rule",
        "logsource": {"category": "test"},
        "detection": {**DETECTION, "condition": condition},
    }
    return yaml.safe_dump(document)


def true(node: Any, event: dict[str, int]) -> bool | None:
    """Evaluate pySigma's tree of conditions as its backends write it: what is None is not written."""
    match type(node).__name__:
        case "NoneType":
            return None
        case "ConditionFieldEqualsValueExpression":
            return bool(event[node.field] == node.value.number)
        case "ConditionNOT":
            inner = true(node.args[0], event)
            return None if inner is None else not inner
    values = [value for value in (true(arg, event) for arg in node.args) if value is not None]
    if not values:
        return None
    return all(values) if type(node).__name__ == "ConditionAND" else any(values)


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_dropped_item_leaves_its_operator(tmp_path: Path, condition: str) -> None:
    rules = parse_rules(rule(condition))
    applied = apply(rules.collection(), select("splunk", [], names=[drop(tmp_path)]))
    (changed,) = applied.collection.rules
    plan: ir.Detection = rules.lowered(changed)  # type: ignore[assignment]
    tree = changed.detection.parsed_condition[0].parsed  # type: ignore[union-attr]
    for event in EVENTS:
        assert matches(plan.expr, event) == true(tree, event), event


@pytest.mark.parametrize("condition", ["a or d1", "a and not 1 of d*"])
@pytest.mark.parametrize("target", ["splunk", "esql", "eql", "kql", "elastic-toml"])
def test_queries_do_not_mention_what_is_dropped(tmp_path: Path, target: str, condition: str) -> None:
    known = list_targets()
    (dropped,) = convert_rules(parse_rules(rule(condition)), known[target], pipelines=[drop(tmp_path)])
    (alone,) = convert_rules(parse_rules(rule("a")), known[target], pipelines=[drop(tmp_path)])
    assert dropped.text == alone.text


def test_a_correlation_of_a_rule_without_conditions_is_refused(tmp_path: Path) -> None:
    correlation = {
        "title": "Many",
        "name": "many",
        "correlation": {
            "type": "event_count",
            "rules": ["a_rule"],
            "group-by": ["A"],
            "timespan": "5m",
            "condition": {"gte": 5},
        },
    }
    text = f"{rule('d1 and not d2')}---\n{yaml.safe_dump(correlation)}"
    with pytest.raises(RefusedError, match="removes all conditions of the rule 'a_rule'"):
        convert_rules(parse_rules(text), list_targets()["splunk"], pipelines=[drop(tmp_path)])
