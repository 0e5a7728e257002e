"""`check`: reports as text, JSON and SARIF."""

from __future__ import annotations

import json

import pytest

from converter.cli import main
from converter.cli.common import FINDINGS
from tests.support.cli import BASE, BURST, run, write


@pytest.mark.usefixtures("here")
def test_check_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    write("doubtful.yml", BASE.replace("level:", "levl:") + BURST)
    _, out, _ = run(capsys, "check doubtful.yml mixed/b.yml -t kql,splunk --format json")
    report = json.loads(out)
    assert {key: report[key] for key in ("version", "ok", "errors", "warnings")} == {
        "version": 1, "ok": False, "errors": 1, "warnings": 3,
    }  # fmt: skip
    warning, error = report["findings"]
    assert warning == {
        "kind": "warning", "code": "unknown-key", "construct": None, "message": "Sigma has no key 'levl'",
        "hint": "did you mean 'level'?", "file": "doubtful.yml", "line": 8, "column": 1, "length": 4,
    }  # fmt: skip
    assert (error["kind"], error["code"], error["file"], error["line"]) == ("error", "error", "mixed/b.yml", 2)
    (rule,) = report["rules"]
    assert (rule["rule"], rule["file"], rule["line"]) == ("burst", "doubtful.yml", 10)
    kql, splunk = rule["targets"]
    assert (kql["target"], kql["verdict"], splunk["target"]) == ("kql", "refused", "splunk")
    assert kql["error"]["construct"] == "correlation"
    assert (kql["error"]["file"], kql["error"]["line"]) == ("doubtful.yml", 13)
    assert splunk["verdict"] in {"exact", "assuming"}
    assert splunk["error"] is None
    assert any("ATT&CK" in text for text in report["left_out"])


@pytest.mark.usefixtures("here")
def test_check_as_sarif(capsys: pytest.CaptureFixture[str]) -> None:
    write("a folder/doubtful.yml", BASE.replace("level:", "levl:"))
    status = main(["check", "a folder", "--format", "sarif"])
    log = json.loads(capsys.readouterr().out)
    assert status == FINDINGS
    assert log["version"] == "2.1.0"
    (result,) = log["runs"][0]["results"]
    assert result["level"] == "warning"
    location = result["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"] == "a%20folder/doubtful.yml"
    assert location["region"] == {"startLine": 8, "startColumn": 1, "endColumn": 5}
    assert log["runs"][0]["tool"]["driver"]["rules"][result["ruleIndex"]] == {"id": result["ruleId"]}


@pytest.mark.usefixtures("here")
def test_check_shows_findings_in_the_order_of_the_files(capsys: pytest.CaptureFixture[str]) -> None:
    write("z.yml", BASE.replace("level:", "levl:").replace("status", "x"))
    write("a.yml", BASE.replace("kind:", "kind|contians:").replace("bad_thing", "other").replace("1111", "3333"))
    _, out, _ = run(capsys, "check z.yml a.yml --lint-only")
    assert [line.split(":")[0] for line in out.splitlines() if ".yml:" in line] == ["z.yml", "a.yml"]


@pytest.mark.usefixtures("here")
def test_an_unmapped_field_has_a_place_and_the_nearest_mapped_one(capsys: pytest.CaptureFixture[str]) -> None:
    rule = BASE.replace("product: test", "product: aws, service: cloudtrail").replace("kind:", "eventNam:")
    write("aws.yml", rule)
    status, out, _ = run(capsys, "check -t splunk,kql,esql aws.yml --format json")
    assert status == FINDINGS  # esql, which is named, refuses it
    report = json.loads(out)
    assert (report["ok"], report["warnings"]) == (False, 2)
    splunk, kql, esql = report["rules"][0]["targets"]
    for target, product, meant in ((splunk, "splunk", "eventName"), (kql, "elastic", "eventName")):
        (finding,) = target["unmapped"]
        assert (finding["kind"], finding["code"]) == ("warning", "unmapped-field")
        assert (finding["file"], finding["line"], finding["column"], finding["length"]) == ("aws.yml", 6, 17, 8)
        assert finding["message"] == f"no mapping for {product} has the field eventNam"
        assert finding["hint"].startswith(f"did you mean {meant!r}?")
    assert (esql["verdict"], esql["error"]["construct"], esql["error"]["line"]) == ("refused", "unmapped field", 6)
    assert esql["error"]["hint"].startswith("did you mean 'eventName'?")
    assert "or give --allow-unmapped" in esql["error"]["hint"]


@pytest.mark.usefixtures("here")
def test_the_pipelines_that_are_installed_for_a_log_source_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    write("windows.yml", BASE.replace("product: test", "product: windows, service: security"))
    _, out, _ = run(capsys, "check windows.yml")
    assert "no mapping for windows/security is built in: name a pipeline with -p, such as ecs_windows; or give" in out
    assert "name a pipeline with -p, such as splunk_windows\n" in out
