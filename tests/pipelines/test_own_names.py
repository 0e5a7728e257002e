"""Correlations over several log sources: each rule groups by its own name of a field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from converter.conversion import convert_rules
from converter.errors import RefusedError
from converter.harness.replay import Log, replay
from converter.rules.load import parse_rules
from converter.targets.core.registry import list_targets
from tests.support.pipelines import pipeline_file
from tests.support.rule_text import rule_text

if TYPE_CHECKING:
    from pathlib import Path

    from converter.errors import SourceError
    from converter.rules.collection import Rules

AWS, LINUX, NEITHER = {"product": "aws"}, {"product": "linux"}, {"product": "other"}


def mapping(product: str, **names: str) -> dict[str, Any]:
    condition = {"type": "logsource", "product": product}
    return {"id": product, "type": "field_name_mapping", "mapping": names, "rule_conditions": [condition]}


def rules(first: dict[str, str], second: dict[str, str]) -> Rules:
    bases = [
        {
            "title": name,
            "name": name,
            "logsource": source,
            "detection": {"s": {"kind": value}, "condition": "s"},
        }
        for name, source, value in (("one", first, "x"), ("two", second, "y"))
    ]
    count = {
        "type": "event_count",
        "rules": ["one", "two"],
        "group-by": ["user"],
        "timespan": "5m",
        "condition": {"gte": 3},
    }
    return parse_rules(rule_text(*bases, {"title": "Count", "correlation": count}))


@pytest.mark.parametrize(
    ("first", "second", "items", "own"),
    [
        (AWS, NEITHER, [mapping("aws", user="actor")], [("actor",), ("user",)]),
        (NEITHER, AWS, [mapping("aws", user="actor")], [("user",), ("actor",)]),
        (AWS, LINUX, [mapping("aws", user="actor"), mapping("linux", user="uid")], [("actor",), ("uid",)]),
        (AWS, AWS, [mapping("aws", user="actor")], [("actor",), ("actor",)]),
        (AWS, LINUX, [mapping("aws", user="actor"), mapping("linux", user="actor")], [("actor",), ("actor",)]),
        (NEITHER, LINUX, [mapping("aws", user="actor")], [("user",), ("user",)]),
    ],
)
def test_each_rule_has_its_own_name(
    first: dict[str, str],
    second: dict[str, str],
    items: list[dict[str, Any]],
    own: list[tuple[str]],
    tmp_path: Path,
) -> None:
    path = pipeline_file(tmp_path, "p.yml", name="p", priority=1, transformations=items)
    read = rules(first, second)
    query = convert_rules(read, list_targets()["splunk"], pipelines=[path])[-1]
    names = [name for (name,) in own]
    log = Log(
        [
            {"_time": 1_800_000_000 + at, "@timestamp": f"2027-01-15T08:00:0{at}Z", "kind": kind}
            | {"user": "ann", names[0 if kind == "x" else 1]: "ann"}
            for at, kind in enumerate(("x", "y", "x"))
        ],
        "",
    )
    outcome, _ = replay(read.plans[-1], query, list_targets()["splunk"], log)
    assert outcome.kind == "agree", (query.text, outcome)
    assert len(log.alerts(read.plans[-1])) == 1
    for target in ("esql", "elastic-toml"):
        refused: list[SourceError] = []
        queries = convert_rules(read, list_targets()[target], pipelines=[path], on_error=refused.append)
        texts = [each.text for each in queries if each.group_by is not None]
        if names[0] == names[1]:
            assert names[0] in texts[0]
        else:
            assert texts == []
            assert [error.construct for error in refused if isinstance(error, RefusedError)] == ["aliases"]
