"""The runner protocol: our own runner passes every case, a wrong one does not, and the page describes each key."""

from __future__ import annotations

import json
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conformance import run
from tests.support.paths import DOCS

HERE = Path(__file__).parent
PAGE = (DOCS / "conformance.md").read_text(encoding="utf-8")


CASES = list(run.load())
REFERENCE = shlex.join([sys.executable, str(HERE / "runner_reference.py")])
# A runner that answers {answer} to everything, with the id of the question.
CONSTANT = (
    "import json,sys\nfor line in sys.stdin:\n print(json.dumps({'id': json.loads(line)['id'], **ANSWER}), flush=True)"
)


def constant(answer: dict[str, Any]) -> str:
    return shlex.join([sys.executable, "-c", CONSTANT.replace("ANSWER", repr(answer))])


def write(folder: Path, text: str) -> str:
    path = folder / "topic" / "cases.yml"
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_the_reference_passes_every_case(capsys: pytest.CaptureFixture[str]) -> None:
    status = run.main(["--runner", REFERENCE, "--strict", "-v"])
    out = capsys.readouterr().out
    assert status == 0, out
    assert out.splitlines()[-1].split() == ["all", str(len(CASES)), "0", "0", "0"]
    assert len(CASES) >= 1000


def test_every_file_is_read() -> None:
    files = {f"{path.parent.name}/{path.stem}" for path in HERE.glob("*/*.yml")}
    assert {case.file for case in CASES} == files
    assert all(case.rule for case in CASES)


def keys(table: str) -> set[str]:
    """Return the keys that a table of the page describes."""
    rows = PAGE.split(f"| {table} |")[1].split("\n\n")[0].splitlines()[2:]
    return {key for row in rows for key in re.findall(r"`([a-z_]+)`", row.split("|")[1])}


def documents() -> list[dict[str, Any]]:
    return [
        document
        for path in sorted(HERE.glob("*/*.yml"))
        for document in yaml.load_all(path.read_text(encoding="utf-8"), run._Loader)  # noqa: SLF001  ours
    ]


def test_every_key_of_the_files_is_described() -> None:
    found = documents()
    cases = [case for document in found for case in document["cases"]]
    alerts = [alert for case in cases for alert in case.get("alerts", ())]
    assert {key for document in found for key in document} == keys("Key of a document")
    assert {key for case in cases for key in case} == keys("Key of a case")
    assert {key for alert in alerts for key in alert} == keys("Key of an alert")


def test_every_key_of_the_protocol_is_described() -> None:
    questions, answers = [], []
    runner = run.Runner(shlex.split(REFERENCE), 60)
    for kind in ("matches", "alerts", "raises", "error", "refused"):
        case = next(one for one in CASES if kind in one.data)
        questions.append({"id": 1, "rule": case.rule, "events": case.events})
        answers.append(runner.ask(1, case))
    runner.close()
    assert {key for one in questions for key in one} == keys("Key of a question")
    assert {key for one in answers for key in one} == keys("Key of an answer")
    assert set(run.OUTCOMES) == keys("Outcome")


def test_the_examples_of_the_page_are_answers() -> None:
    lines = [line.strip() for line in PAGE.splitlines() if line.startswith('    {"id"')]
    assert len(lines) > 4
    for line in lines[1:]:
        assert set(json.loads(line)) <= keys("Key of an answer")
    assert set(json.loads(lines[0])) == keys("Key of a question")


CASE = """\
name: One
detection: |
  s: {a: 1}
  condition: s
cases:
"""
ALERTS = "  - {name: c, events: [], alerts: [{group: {u: a}, first: 0, last: 1.5, events: [1, 2]}]}\n"
ALERT = {"rule": "r", "group": {"u": "a"}, "first": "1970-01-01T00:00:00Z", "last": "1970-01-01T01:00:01.5+01:00"}
JUDGED = [
    # a case, the answer, the outcome, the outcome with --strict
    ("  - {name: c, event: {a: 1}, matches: true}\n", {"matches": [1]}, "passed", "passed"),
    ("  - {name: c, event: {a: 1}, matches: true}\n", {"matches": []}, "failed", "failed"),
    ("  - {name: c, event: {a: 1}, matches: true}\n", {"alerts": [{"rule": "r", "event": 1}]}, "passed", "passed"),
    ("  - {name: c, event: {a: 1}, matches: true}\n", {"error": "x"}, "failed", "failed"),
    ("  - {name: c, event: {a: 1}, matches: true}\n", {"refused": "x"}, "refused", "failed"),
    ("  - {name: c, event: {a: 1}, matches: true}\n", {}, "failed", "failed"),
    ("  - {name: c, events: [{a: 1}, {a: 1}], matches: [1, 2]}\n", {"matches": [1, 2]}, "passed", "passed"),
    ("  - {name: c, events: [{a: 1}, {a: 1}], matches: [1, 2]}\n", {"matches": [2, 1]}, "failed", "failed"),
    ("  - {name: c, events: [{a: 1}, {a: 1}], matches: [1, 2]}\n", {"matches": [1]}, "failed", "failed"),
    (ALERTS, {"alerts": [{**ALERT, "events": [1, 2]}]}, "passed", "passed"),
    (ALERTS, {"alerts": [{**ALERT, "events": [1]}]}, "failed", "failed"),
    (ALERTS, {"alerts": [{**ALERT, "events": [1, 2], "last": 1}]}, "failed", "failed"),
    (ALERTS, {"alerts": [{**ALERT, "events": [1, 2], "group": {"u": "A"}}]}, "failed", "failed"),
    (ALERTS, {"alerts": []}, "failed", "failed"),
    (ALERTS, {"matches": []}, "failed", "failed"),
    (
        "  - {name: c, error: bad, line: 2, column: 3}\n",
        {"error": "too bad", "line": 2, "column": 3},
        "passed",
        "passed",
    ),
    ("  - {name: c, error: bad, line: 2, column: 3}\n", {"error": "too bad", "line": 2}, "passed", "failed"),
    ("  - {name: c, error: bad, line: 2, column: 3}\n", {"error": "wrong"}, "passed", "failed"),
    ("  - {name: c, error: bad}\n", {"error": "too bad", "line": 9}, "passed", "passed"),
    ("  - {name: c, error: bad}\n", {"matches": []}, "failed", "failed"),
    ("  - {name: c, error: bad}\n", {"refused": "bad"}, "refused", "failed"),
    ("  - {name: c, event: {a: 1}, raises: bad}\n", {"error": "bad"}, "passed", "passed"),
    ("  - {name: c, event: {a: 1}, raises: bad}\n", {"matches": [1]}, "failed", "failed"),
    ("  - {name: c, refused: x}\n", {"refused": "x"}, "refused", "passed"),
    ("  - {name: c, refused: x}\n", {"refused": "y"}, "refused", "failed"),
    ("  - {name: c, refused: x}\n", {"matches": []}, "unjudged", "failed"),
]


@pytest.mark.parametrize(("case", "answer", "outcome", "strict"), JUDGED)
def test_judgements(tmp_path: Path, case: str, answer: dict[str, Any], outcome: str, strict: str) -> None:
    (one,) = run.load([Path(write(tmp_path, CASE + case))])
    assert run.judge(one, answer).outcome == outcome
    assert run.judge(one, answer, strict=True).outcome == strict


def test_a_wrong_runner_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, CASE + JUDGED[0][0] + "  - {name: d, event: {a: 2}, matches: false}\n")
    assert run.main(["--runner", constant({"matches": []}), path]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "topic/cases: c",
        "  expected the matches true, got []",
        "file           passed    failed   refused  unjudged",
        "topic/cases         1         1         0         0",
        "all                 1         1         0         0",
    ]
    assert run.main(["--runner", constant({"matches": []}), "-k", "cases: d", path]) == 0
    assert run.main(["--runner", constant({"refused": "all"}), path]) == 0
    assert capsys.readouterr().out.splitlines()[-1].split() == ["all", "0", "0", "2", "0"]


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("", "the runner has ended"),
        ("input(); print('hello', flush=True)", "the runner wrote what is not JSON: 'hello\\n'"),
        ("input(); print('{}', flush=True)", "the runner wrote what is no answer to 1"),
        ("import time; time.sleep(60)", "the runner took more than 1 s"),
    ],
)
def test_a_runner_that_breaks_down(tmp_path: Path, capsys: pytest.CaptureFixture[str], code: str, problem: str) -> None:
    path = write(tmp_path, CASE + JUDGED[0][0])
    assert run.main(["--runner", shlex.join([sys.executable, "-c", code]), "--timeout", "1", path]) == 2
    err = capsys.readouterr().err
    assert problem in err or (not code and "the runner does not listen" in err)


def test_a_runner_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["--runner", "./nosuch"]) == 2
    assert "cannot start the runner" in capsys.readouterr().err
