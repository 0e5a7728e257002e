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
        "version": 1, "ok": False, "errors": 1, "warnings": 1,
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
