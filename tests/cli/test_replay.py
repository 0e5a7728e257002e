"""`test`: what makes it fail, how a difference is shown, declarations."""

from __future__ import annotations

import json
from typing import Any

import pytest

from converter.cli.common import BAD_INPUT, FINDINGS, OK
from tests.support.cli import CASES, run, write


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("expect: none}", "expect: match}", "UNEXPECTED  two in a minute  reference"),
        ("at: 50s", "at: 0s", "STALE  over a boundary  pysigma:splunk"),
        ("{expect: none, reason", "{expect: {alerts: 5}, reason", "differs, but not as declared"),
        ('"pysigma:splunk": {expect', '"pysigma:esql": {expect', "DISAGREE  over a boundary  pysigma:splunk"),
    ],
)
def test_what_makes_test_fail(capsys: pytest.CaptureFixture[str], old: str, new: str, words: str) -> None:
    assert old in CASES
    write("cases.yml", CASES.replace(old, new))
    status, out, _ = run(capsys, "test -j 1 --target pysigma:splunk cases.yml")
    assert status == FINDINGS
    assert words in out
    assert out.endswith("FAILED\n")


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("target", "error"),
    [
        ("splnk", "cases.yml:11:26: case error: there is no target 'splnk'\n"),
        ("splunk:default", "hint: write 'splunk'"),
        ("splunk:nope", "splunk has no format 'nope'"),
    ],
)
def test_a_declaration_of_no_target_is_an_error(capsys: pytest.CaptureFixture[str], target: str, error: str) -> None:
    write("cases.yml", CASES.replace("pysigma:splunk", target))
    status, out, err = run(capsys, "test --target kql cases.yml")
    assert status == BAD_INPUT
    assert error in err
    assert "^" in err
    assert "2 cases, 2 replays" in out  # the others
    assert "1 error in case files and rules" in out


@pytest.mark.usefixtures("here")
def test_a_disagreement_is_shown_with_the_smallest_window(capsys: pytest.CaptureFixture[str]) -> None:
    write(
        "cases.yml",
        CASES.replace("known_divergence", "description: x #").replace("repeat: 3, every: 10s", "repeat: 4, every: 9s"),
    )
    status, out, _ = run(capsys, "test --target pysigma:splunk -k boundary cases.yml")
    assert status == FINDINGS
    shown = out[out.index("DISAGREE  over") :]
    assert "missed: user=ann: 2026-01-01T00:00:50Z to 2026-01-01T00:01:17Z (27 s), 4 events;" in shown
    assert "; reference 1 alert, target none" in shown
    assert "smallest log that shows it: 3 of 4 events" in shown
    assert "| bin _time span=1m" in shown
    assert "case: cases.yml:8" in shown


@pytest.mark.usefixtures("here")
def test_all_targets_and_declared_ones_run_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "test cases.yml --format json")
    report = json.loads(out)
    assert (status, report["ok"], err) == (OK, True, ""), report["counts"]
    names = [target["target"] for target in report["suites"][0]["targets"]]
    assert {"splunk", "splunk:savedsearches", "esql", "eql", "kql", "elastic-toml", "pysigma:splunk"} <= set(names)
    assert "pysigma:esql" not in names
    assert report["cases"] == 3
    one, two = (run(capsys, f"test -j {jobs} cases.yml --format json")[1] for jobs in (1, 3))
    assert without_seconds(json.loads(one)) == without_seconds(json.loads(two)) == without_seconds(report)


def without_seconds(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_seconds(inner) for key, inner in value.items() if key != "seconds"}
    return [without_seconds(inner) for inner in value] if isinstance(value, list) else value
