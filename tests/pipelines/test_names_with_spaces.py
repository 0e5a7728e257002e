"""A mapping of `NewValue` is one of `New Value` too, as Sigma's taxonomy strips the spaces of a field's name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from converter.conversion import convert_rules
from converter.rules.load import parse_rules
from converter.targets.core.registry import list_targets
from tests.support.pipelines import pipeline_file
from tests.support.rule_text import rule_text

if TYPE_CHECKING:
    from pathlib import Path

DETECTION = {"s": {"New Value|contains": "x"}, "t": [{"New Value": "y"}, {"Other Field": "z"}], "condition": "s or t"}
RULE: dict[str, Any] = {"title": "A", "name": "base", "logsource": {"category": "test"}, "detection": DETECTION}
COUNT: dict[str, Any] = {
    "title": "C",
    "correlation": {
        "type": "event_count",
        "rules": ["base"],
        "group-by": ["New Value"],
        "timespan": "5m",
        "condition": {"gte": 3},
    },
}


def emitted(target: str, mapping: dict[str, str], tmp_path: Path, *rules: dict[str, Any]) -> str:
    item = {"id": "m", "type": "field_name_mapping", "mapping": mapping}
    path = pipeline_file(tmp_path, "p.yml", name="p", priority=1, transformations=[item])
    rules_ = parse_rules(rule_text(*rules))
    return convert_rules(rules_, list_targets()[target], pipelines=[path])[-1].text


@pytest.mark.parametrize(
    ("mapping", "names", "absent"),
    [
        ({"NewValue": "registry.data"}, ["registry.data", "Other Field"], ["New Value"]),
        ({"New Value": "spaced", "NewValue": "plain"}, ["spaced", "Other Field"], ["plain"]),
        ({"Newvalue": "other"}, ["New Value", "Other Field"], ["other"]),
        ({"NewValue": "NewValue"}, ["NewValue", "Other Field"], ["New Value"]),
    ],
)
@pytest.mark.parametrize("target", ["splunk", "kql", "esql"])
def test_a_mapping_is_found(
    target: str, mapping: dict[str, str], names: list[str], absent: list[str], tmp_path: Path
) -> None:
    text = emitted(target, mapping, tmp_path, RULE)
    assert [name for name in names if name not in text] == []
    assert [name for name in absent if name in text] == []


def test_a_correlation_groups_by_the_mapped_name(tmp_path: Path) -> None:
    text = emitted("esql", {"NewValue": "registry.data"}, tmp_path, RULE, COUNT)
    assert "BY registry.data" in text
    assert "New Value" not in text
