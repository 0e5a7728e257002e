"""How pipelines are applied to rules, and to queries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from converter.errors import RefusedError
from converter.pipelines.apply import apply, finalize
from converter.pipelines.choose import select
from converter.pipelines.fields import fields_of
from tests.support.pipelines import (
    CLOUDTRAIL,
    applied,
    collection,
    correlation,
    detection,
    pipeline_file,
    rule_of,
)

if TYPE_CHECKING:
    from pathlib import Path


def test_rules_that_are_given_stay_as_they_are() -> None:
    given = collection(detection({"eventName": "x"}), correlation(["awsRegion"]))
    before = [(rule.name, fields_of(rule)) for rule in given.rules]
    for _ in range(2):
        result = apply(given, select("elastic", [CLOUDTRAIL]))
        assert fields_of(rule_of(result, "a_rule")) == ["event.action", "event.dataset"]
    assert [(rule.name, fields_of(rule)) for rule in given.rules] == before
    assert not {id(rule) for rule in given.rules} & {id(rule) for rule in result.collection.rules}


def test_correlation_refers_to_the_mapped_copy() -> None:
    result = applied("elastic", correlation(["awsRegion"]), detection({"eventName": "x"}))
    base: Any = rule_of(result, "a_rule")
    whole: Any = rule_of(result, "a_correlation")
    assert whole.rules[0].rule is base


def test_rules_stand_behind_what_they_refer_to() -> None:
    """Also where sorting by "is referred to by" alone would leave them: an unrelated rule in between."""
    unrelated = detection({"eventName": "y"}) | {"name": "unrelated"}
    chained = correlation(["awsRegion"], rules=["a_correlation"]) | {"name": "chained"}
    result = applied("elastic", chained, correlation(["awsRegion"]), unrelated, detection({"eventName": "x"}))
    names = [rule.name for rule in result.collection.rules]
    assert names.index("a_rule") < names.index("a_correlation") < names.index("chained")
    assert set(names) == {"a_rule", "a_correlation", "chained", "unrelated"}
    assert fields_of(rule_of(result, "chained")) == ["cloud.region"]


def test_rule_that_the_pipeline_refuses_takes_its_correlation_along(tmp_path: Path) -> None:
    failing = {
        "type": "rule_failure",
        "message": "not here",
        "rule_conditions": [{"type": "contains_field", "field": "errorCode"}],
    }
    name = pipeline_file(tmp_path, "own.yml", transformations=[failing])
    fine = detection({"eventName": "y"}) | {"name": "fine"}
    given = collection(detection({"errorCode": "x"}), correlation(["awsRegion"]), fine)
    result = apply(given, select("splunk", [], names=[name]))
    assert [rule.name for rule in result.collection.rules] == ["fine"]
    assert set(result.failed) == {"a_rule", "a_correlation"}
    assert "not here" in str(result.failed["a_rule"])
    assert "'a_rule'" in str(result.failed["a_correlation"])
    assert all(isinstance(error, RefusedError) for error in result.failed.values())


def test_postprocessing_sees_what_was_noted_for_its_own_rule(tmp_path: Path) -> None:
    noted = [
        {
            "type": "set_state",
            "key": "kind",
            "val": kind,
            "rule_conditions": [{"type": "contains_field", "field": field}],
        }
        for kind, field in (("first", "eventName"), ("second", "errorCode"))
    ]
    wrapping = {
        "type": "embed",
        "prefix": "[",
        "suffix": "]",
        "rule_conditions": [{"type": "processing_state", "key": "kind", "val": "first"}],
    }
    name = pipeline_file(tmp_path, "own.yml", transformations=noted, postprocessing=[wrapping])
    given = collection(detection({"eventName": "x"}), detection({"errorCode": "x"}) | {"name": "other"})
    result = apply(given, select("splunk", [], names=[name]))
    assert result.postprocess(rule_of(result, "a_rule"), "q") == "[q]"
    assert result.postprocess(rule_of(result, "other"), "q") == "q"
    assert result.state(rule_of(result, "other")) == {"kind": "second"}


def test_finalizers_see_all_queries(tmp_path: Path) -> None:
    name = pipeline_file(tmp_path, "own.yml", finalizers=[{"type": "concat", "separator": " | "}])
    assert finalize(["a", "b"], select("splunk", [], names=[name])) == ["a | b"]
    assert finalize(["a", "b"], select("splunk", [])) == ["a", "b"]


def test_templates_know_the_backend(tmp_path: Path) -> None:
    template = {"type": "template", "template": "{{ pipeline.vars.backend }}/{{ rule.name }}: {{ query }}"}
    name = pipeline_file(tmp_path, "own.yml", postprocessing=[template])
    given = collection(detection({"eventName": "x"}))
    result = apply(given, select("splunk", [], names=[name]), backend="splunk")
    assert result.postprocess(rule_of(result, "a_rule"), "q") == "splunk/a_rule: q"
