"""A rule whose meaning a pipeline changes: the verdict names the change, `test` judges both versions of the rule."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from converter.cli import main
from converter.cli.common import BAD_INPUT
from tests.support.pipelines import pipeline_file

if TYPE_CHECKING:
    from pathlib import Path

USER = [{"type": "include_fields", "fields": ["User"]}]
EVENTS = [
    {"Image": r"C:\tool.exe", "User": "Ann", "CommandLine": "tool"},
    {"Image": r"C:\tool.exe", "User": "Bob", "CommandLine": "tool"},
    {"Image": r"C:\tool.exe", "User": "Ann", "CommandLine": "tool -x y"},
    {"Image": r"C:\util.exe", "User": "Ann", "CommandLine": "tool"},
    {"Image": r"C:\tool.exe", "User": "Annika", "CommandLine": "tool"},
]
RULE = {
    "title": "A tool by its name",
    "name": "a_rule",
    "logsource": {"product": "windows", "category": "process_creation"},
    "detection": {
        "selection": {"Image|endswith": r"\tool.exe", "User": "Ann"},
        "filter": {"CommandLine|contains": " -x "},
        "condition": "selection and not filter",
    },
}
ONLY_LEFT = "agrees with the rule as the pipeline leaves it, and disagrees with the rule as it is written"
BOTH = "agrees with the rule as it is written, and as the pipeline leaves it"
CASES: dict[str, tuple[dict[str, Any], str, str]] = {
    "a condition": ({"type": "add_condition", "conditions": {"Team": "red"}}, "changed", "adds the condition Team=red"),
    "a negated condition": (
        {"type": "add_condition", "conditions": {"User": "Ann"}, "negated": True},
        "changed",
        "adds the condition not User=Ann",
    ),
    "a dropped item": ({"type": "drop_detection_item", "field_name_conditions": USER}, "changed", "drops User"),
    "a dropped filter": (
        {
            "type": "drop_detection_item",
            "field_name_conditions": [{"type": "include_fields", "fields": ["CommandLine"]}],
        },
        "changed",
        "drops CommandLine",
    ),
    "more values": ({"type": "map_string", "mapping": {"Ann": ["Ann", "Bob"]}}, "changed", "from Ann to Ann, Bob"),
    "another value": (
        {"type": "set_value", "value": "Bob", "field_name_conditions": USER},
        "changed",
        "from Ann to Bob",
    ),
    "a string replaced": (
        {"type": "replace_string", "regex": "tool", "replacement": "util"},
        "changed",
        r"from *\tool.exe to *\util.exe",
    ),
    "an expression": (
        {"type": "regex", "method": "plain", "field_name_conditions": USER},
        "changed",
        "changes User from Ann to /Ann/",
    ),
    "a value that makes no difference": (
        {"type": "map_string", "mapping": {"Ann": ["Ann", "Eve"]}},
        "agree",
        "from Ann to Ann, Eve",
    ),
}


def suite(folder: Path) -> str:
    (folder / "rule.yml").write_text(yaml.safe_dump(RULE), encoding="utf-8")
    events = [{**event, "@timestamp": f"2024-01-05T10:0{at}:00Z"} for at, event in enumerate(EVENTS)]
    (folder / "logs.ndjson").write_text("\n".join(map(json.dumps, events)), encoding="utf-8")
    case = {"name": "log", "logs": "logs.ndjson", "expect": "match"}
    path = folder / "x.cases.yml"
    path.write_text(yaml.safe_dump({"rule": "rule.yml", "cases": [case]}), encoding="utf-8")
    return str(path)


def cells(folder: Path, capsys: pytest.CaptureFixture[str], item: dict[str, Any], targets: str) -> dict[str, Any]:
    pipeline = pipeline_file(folder, "p.yml", transformations=[{"id": "it", **item}])
    main(["test", suite(folder), "-p", pipeline, "-t", targets, "--format", "json", "-j", "1"])
    (result,) = json.loads(capsys.readouterr().out)["suites"]
    columns = {column["target"]: column for column in result["targets"]}
    return {cell["target"]: {**cell, **columns[cell["target"]]} for cell in result["cases"][0]["cells"]}


@pytest.mark.parametrize("name", CASES)
def test_the_report_says_with_which_version_a_query_agrees(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    item, result, change = CASES[name]
    for target, cell in cells(tmp_path, capsys, item, "splunk,esql,pysigma:splunk").items():
        upstream = target.startswith("pysigma:")
        assert cell["verdict"] == ("unjudged" if upstream else "changed")
        assert cell["result"] == result, target
        (note,) = cell["notes"]
        assert (BOTH if result == "agree" else ONLY_LEFT) in note
        assert change in note
        assert f"({item['type']} it)" in note
        (query,) = cell["queries"]
        assert [change in told for told in query["pipeline"]["changes"]] == [True]


def test_a_renamed_field_is_no_change_of_the_rule(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    item = {"type": "field_name_mapping", "mapping": {"User": "CommandLine"}}
    for cell in cells(tmp_path, capsys, item, "splunk,esql").values():
        assert cell["verdict"] == "assuming"
        assert cell["result"] == "disagree"
        assert cell["queries"][0]["pipeline"]["renames"] == {"User": ["CommandLine"]}


def test_convert_and_check_tell_what_the_pipeline_did(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    suite(tmp_path)
    items = [
        {"id": "names", "type": "field_name_mapping", "mapping": {"Image": "process"}},
        {"id": "drop", "type": "drop_detection_item", "field_name_conditions": USER},
    ]
    pipeline = pipeline_file(tmp_path, "p.yml", transformations=items)
    rule = str(tmp_path / "rule.yml")
    assert main(["convert", "-t", "splunk", "-p", pipeline, rule]) == 0
    told = capsys.readouterr().err.splitlines()
    assert "changed: splunk: the pipeline drops User (drop_detection_item drop)" in told
    assert "pipeline: splunk: renames Image to process" in told
    main(["check", "-t", "splunk", "-p", pipeline, rule])
    shown = capsys.readouterr().out
    assert "changed  the pipeline drops User (drop_detection_item drop)" in shown
    assert "pipeline: splunk: renames Image to process" in shown


LOOKUP = "[| inputlookup {id}.csv | rename ip as {field} | fields {field}]"
LISTED = {
    "title": "Connection to a listed address",
    "name": "listed",
    "logsource": {"product": "windows", "category": "network_connection"},
    "detection": {"selection": {"DestinationIp|expand": "%bad_ips%"}, "condition": "selection"},
}


def test_a_query_that_looks_values_up_is_unjudged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "rule.yml").write_text(yaml.safe_dump(LISTED), encoding="utf-8")
    event = {"DestinationIp": "192.0.2.1", "eventTime": "2024-01-05T10:00:00Z"}
    cases = {"rule": "rule.yml", "cases": [{"name": "log", "events": [event], "expect": "match"}]}
    path = tmp_path / "x.cases.yml"
    path.write_text(yaml.safe_dump(cases), encoding="utf-8")
    item = {"type": "query_expression_placeholders", "expression": LOOKUP}
    pipeline = pipeline_file(tmp_path, "p.yml", transformations=[item])
    main(["test", str(path), "-p", pipeline, "-t", "splunk,kql,pysigma:splunk", "--format", "json", "-j", "1"])
    (result,) = json.loads(capsys.readouterr().out)["suites"]
    cells = {cell["target"]: cell for cell in result["cases"][0]["cells"]}
    assert {target: cell["result"] for target, cell in cells.items()} == {
        "splunk": "unjudged",
        "kql": "refused",
        "pysigma:splunk": "unjudged",
    }
    assert cells["splunk"]["notes"] == ["what the product looks up is not known here: bad_ips"]
    assert main(["test", str(path), "-t", "splunk"]) == BAD_INPUT
    assert "there is no value for the placeholder %bad_ips%" in capsys.readouterr().out
