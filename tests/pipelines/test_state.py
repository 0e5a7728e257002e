"""The state that a pipeline sets: what nothing reads is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from converter.conversion import convert_rules
from converter.rules.load import parse_rules
from converter.targets.core.registry import list_targets
from tests.support.pipelines import detection, pipeline_file

if TYPE_CHECKING:
    from pathlib import Path

STATE = {"type": "set_state", "key": "audience", "val": "soc"}
ASKED = [{"type": "processing_state", "key": "audience", "val": "soc"}]
TOLD = "nothing reads the pipeline's state audience (soc)"
READERS: dict[str, dict[str, Any]] = {
    "a condition on the rule": {
        "transformations": [
            STATE,
            {"type": "set_custom_attribute", "attribute": "a", "value": 1, "rule_conditions": ASKED},
        ]
    },
    "a condition on an item": {
        "transformations": [STATE, {"type": "case", "method": "lower", "detection_item_conditions": ASKED}]
    },
    "a condition on a field": {
        "transformations": [STATE, {"type": "field_name_prefix", "prefix": "x.", "field_name_conditions": ASKED}]
    },
    "a condition inside nest": {
        "transformations": [
            STATE,
            {"type": "nest", "items": [{"type": "field_name_prefix", "prefix": "x.", "rule_conditions": ASKED}]},
        ]
    },
    "a condition of postprocessing": {
        "transformations": [STATE],
        "postprocessing": [{"type": "embed", "prefix": "* | ", "rule_conditions": ASKED}],
    },
    "a template": {
        "transformations": [STATE],
        "postprocessing": [{"type": "template", "template": "{{ query }} {{ pipeline.state.audience }}"}],
    },
    "a simple template": {
        "transformations": [STATE],
        "postprocessing": [{"type": "simple_template", "template": "{query} {pipeline.state[audience]}"}],
    },
}


def warnings(target: str, *pipelines: str) -> tuple[str, ...]:
    rules = parse_rules(yaml.safe_dump(detection({"eventName": "x"})))
    (query,) = convert_rules(rules, list_targets()[target], pipelines=pipelines)
    return query.warnings


@pytest.mark.parametrize("target", ["splunk", "esql", "eql", "kql", "elastic-toml"])
def test_a_state_that_nothing_reads_is_told(tmp_path: Path, target: str) -> None:
    assert TOLD in warnings(target, pipeline_file(tmp_path, "p.yml", transformations=[STATE]))


@pytest.mark.parametrize("name", READERS)
def test_a_state_that_the_pipeline_reads_is_not(tmp_path: Path, name: str) -> None:
    path = pipeline_file(tmp_path, "p.yml", **READERS[name])
    assert not [warning for warning in warnings("splunk", path) if "nothing reads" in warning]


@pytest.mark.parametrize(("target", "reads"), [("esql", True), ("elastic-toml", True), ("eql", False), ("kql", False)])
def test_the_index_is_read_by_targets_that_name_it(tmp_path: Path, target: str, *, reads: bool) -> None:
    path = pipeline_file(tmp_path, "p.yml", transformations=[{"type": "set_state", "key": "index", "val": "win-*"}])
    told = "nothing reads the pipeline's state index (win-*)" in warnings(target, path)
    assert told != reads


@pytest.mark.parametrize("target", ["eql", "kql", "esql"])
def test_the_state_of_a_builtin_mapping_needs_no_word(target: str) -> None:
    assert not [warning for warning in warnings(target) if "nothing reads" in warning]
