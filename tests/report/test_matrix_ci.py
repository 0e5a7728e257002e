"""The reports of `test` for continuous integration."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import fromstring

from converter.cli.common import FINDINGS, OK
from tests.support.cli import run, write

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

RULE = """
title: Kind
name: kind
logsource: {product: test}
detection: {selection: {kind: Bad}, condition: selection}
"""
CASES = """
rule: rule.yml
time_field: time
cases:
  - {name: the case of the rule, events: [{set: {kind: Bad}}], expect: match}
  - {name: "another case: 100%", events: [{set: {kind: "bA\\x1b[2Jd"}}, {set: {kind: BAD}}], expect: {alerts: 1}}
  - {name: nothing, events: [{}], expect: match}
"""
BURST = """
title: Burst
name: burst
correlation: {type: event_count, rules: [kind], group-by: [user], timespan: 1m, condition: {gte: 1}}
"""


def reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], more: str) -> str:
    monkeypatch.chdir(tmp_path)
    write("rule.yml", RULE)
    write("x.cases.yml", CASES)
    status, out, _ = run(capsys, f"test -j 1 --without-pipeline x.cases.yml {more}")
    assert status == FINDINGS
    return out


def test_junit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    root = fromstring(reported(tmp_path, monkeypatch, capsys, "-t kql,esql --format junit"))  # noqa: S314  our own
    (suite,) = root
    assert {name: suite.get(name) for name in ("name", "tests", "failures", "errors", "skipped")} == {
        "name": "x.cases.yml",
        "tests": "9",
        "failures": "2",
        "errors": "0",
        "skipped": "0",
    }
    failed = {case.get("name"): failure for case in suite for failure in case.iter("failure")}
    assert list(failed) == ["another case: 100% [kql]", "nothing [reference]"]
    assert failed["another case: 100% [kql]"].get("message") == "assumption"
    text = failed["another case: 100% [kql]"].text or ""
    assert text.startswith("1 event (e2) breaks an assumption:\n  the values of kind have the case of the rule: Bad\n")
    assert failed["nothing [reference]"].get("message") == "an alert expected, none found"


def test_junit_of_a_refusal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write("rule.yml", f"{RULE}---{BURST}")
    write(
        "x.cases.yml",
        CASES[: CASES.index('  - {name: "another')].replace("kind: Bad", "kind: Bad, user: a"),
    )
    status, out, _ = run(
        capsys, "test -j 1 --without-pipeline x.cases.yml --format junit -t kql,splunk --accept refused"
    )
    assert status == OK
    assert '<skipped message="refused" />' in out


def test_github(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    lines = reported(tmp_path, monkeypatch, capsys, "-t kql,esql,elastic-toml --format github").splitlines()
    assert len(lines) == 2
    title = "ASSUMPTION BROKEN%3A kql%2C elastic-toml%3A another case%3A 100%25"
    text = "1 event (e2) breaks an assumption:%0A  the values of kind have the case of the rule: Bad%0A"
    assert lines[0].startswith(f"::error file=x.cases.yml,line=6,title={title}::{text}")
    title = "UNEXPECTED%3A reference%3A nothing"
    assert lines[1] == f"::error file=x.cases.yml,line=7,title={title}::an alert expected, none found"
