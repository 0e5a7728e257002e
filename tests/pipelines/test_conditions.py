"""Every condition, postprocessing item and finalizer of pySigma's registry, in a pipeline that applies it or does not.

Transformations are in `transformations.yml`; what postprocessing and finalizers write is in `test_pipelines_splunk.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from converter.conversion import convert_rules
from converter.rules.load import parse_rules
from converter.targets.core.registry import list_targets
from tests.support.pipelines import pipeline_file, rename

if TYPE_CHECKING:
    from pathlib import Path

RULE = {
    "title": "A rule",
    "name": "a_rule",
    "level": "high",
    "tags": ["attack.t1059"],
    "logsource": {"product": "windows", "service": "security"},
    "detection": {
        "selection": {"User": "ann", "Image": "*tool"},
        "null": {"Owner": None},
        "condition": "selection and not null",
    },
}
FIRST = {"id": "first", **rename("Image", "Image")}
STATE = {"id": "state", "type": "set_state", "key": "index", "val": "x"}
# Kind of condition, name, arguments for which it is true of the rule or of the item User, and for which it is not.
CONDITIONS: dict[str, dict[str, tuple[dict[str, Any], dict[str, Any]]]] = {
    "rule": {
        "logsource": ({"product": "windows"}, {"product": "linux"}),
        "contains_detection_item": ({"field": "User", "value": "ann"}, {"field": "User", "value": "bob"}),
        "contains_field": ({"field": "User"}, {"field": "Team"}),
        "processing_item_applied": ({"processing_item_id": "state"}, {"processing_item_id": "other"}),
        "processing_state": ({"key": "index", "val": "x"}, {"key": "index", "val": "y"}),
        "is_sigma_rule": ({}, {"not": True}),
        "is_sigma_correlation_rule": ({"not": True}, {}),
        "rule_attribute": ({"attribute": "level", "value": "high"}, {"attribute": "level", "value": "low"}),
        "tag": ({"tag": "attack.t1059"}, {"tag": "attack.t1003"}),
    },
    "detection_item": {
        "match_string": ({"cond": "any", "pattern": "ann"}, {"cond": "any", "pattern": "bob"}),
        "match_value": ({"cond": "any", "value": "ann"}, {"cond": "any", "value": "bob"}),
        "contains_wildcard": ({"cond": "any", "not": True}, {"cond": "any"}),
        "is_null": ({"cond": "any", "not": True}, {"cond": "any"}),
        "processing_item_applied": ({"processing_item_id": "state", "not": True}, {"processing_item_id": "state"}),
        "processing_state": ({"key": "index", "val": "x"}, {"key": "index", "val": "y"}),
    },
    "field_name": {
        "include_fields": ({"fields": ["User"]}, {"fields": ["Image"]}),
        "exclude_fields": ({"fields": ["Image"]}, {"fields": ["User"]}),
        "processing_item_applied": ({"processing_item_id": "state", "not": True}, {"processing_item_id": "state"}),
        "processing_state": ({"key": "index", "val": "x"}, {"key": "index", "val": "y"}),
    },
}
CASES = [
    pytest.param(kind, name, arguments, true, id=f"{kind}-{name}-{true}")
    for kind, conditions in CONDITIONS.items()
    for name, both in conditions.items()
    for arguments, true in zip(both, (True, False), strict=True)
]


@pytest.mark.parametrize(("kind", "name", "arguments", "true"), CASES)
def test_condition(tmp_path: Path, kind: str, name: str, arguments: dict[str, Any], *, true: bool) -> None:
    given = {key: value for key, value in arguments.items() if key != "not"}
    word = {"rule": "rule_cond_not", "detection_item": "detection_item_cond_not", "field_name": "field_name_cond_not"}
    item = {
        "id": "it",
        **rename("User", "who"),
        f"{kind}_conditions": [{"type": name, **given}],
        word[kind]: bool(arguments.get("not")),
    }
    path = pipeline_file(tmp_path, "p.yml", transformations=[FIRST, STATE, item])
    (query,) = convert_rules(parse_rules(yaml.safe_dump(RULE)), list_targets()["splunk"], pipelines=[path])
    assert ("User" in query.renames) is true
    assert ("who=" in query.text) is true


def test_every_condition_has_a_case() -> None:
    from sigma.processing.conditions import (  # noqa: PLC0415  the registry of this version
        detection_item_conditions,
        field_name_conditions,
        rule_conditions,
    )

    registries = {
        "rule": rule_conditions,
        "detection_item": detection_item_conditions,
        "field_name": field_name_conditions,
    }
    assert {kind: set(names) for kind, names in CONDITIONS.items()} == {
        kind: set(names) for kind, names in registries.items()
    }


def test_every_postprocessing_item_and_finalizer_has_a_case() -> None:
    from sigma.processing.finalization import finalizers  # noqa: PLC0415  the registry of this version
    from sigma.processing.postprocessing import query_postprocessing_transformations  # noqa: PLC0415

    from tests.pipelines.test_pipelines_splunk import FINALIZERS, POSTPROCESSING  # noqa: PLC0415

    assert set(query_postprocessing_transformations) <= set(POSTPROCESSING)
    assert set(finalizers) == set(FINALIZERS)
