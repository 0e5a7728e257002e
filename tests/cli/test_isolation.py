"""A bug in the work on one item: it is named and counted, the work on all others is done, and the status is 70.

Exceptions are injected where each verb does the work of one item.
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from converter.cli.common import BAD_INPUT, BUG, INTERRUPTED
from converter.harness.replay import unmet
from converter.reference.match import matches
from converter.targets.core.registry import list_targets
from tests.support.cli import BASE, CASES, run, write

if TYPE_CHECKING:
    from collections.abc import Callable

OTHER = BASE.replace("bad_thing", "other").replace("Bad thing", "Other").replace("1111", "4444")
VICTIM, SPARED = "bad_thing", "other"
BUGS = [RuntimeError("boom"), RecursionError("too deep"), MemoryError(), SystemExit(1), KeyError("x"), AssertionError()]
OWN = sorted(name for name in list_targets() if ":" not in name)
NAMED = "this is a bug of sigma-convert 0."

pytestmark = pytest.mark.usefixtures("here")


@pytest.fixture
def rules(here: object) -> str:
    """A folder with two rules: what happens to the first does not touch the second."""
    del here
    write("two/a.yml", BASE)
    write("two/b.yml", OTHER)
    return "two"


def failing(original: Callable[..., Any], error: BaseException, is_victim: Callable[..., bool]) -> Callable[..., Any]:
    """Return a function that raises an error for the victim, and is the original for all others."""

    def wrapped(*arguments: Any, **keywords: Any) -> Any:
        if is_victim(*arguments):
            raise type(error)(*error.args)
        return original(*arguments, **keywords)

    return wrapped


def break_emitter(monkeypatch: pytest.MonkeyPatch, target: str, error: BaseException) -> None:
    kind = type(list_targets()[target])
    monkeypatch.setattr(kind, "emit", failing(kind.emit, error, lambda _self, plan, _context: plan.meta.key == VICTIM))


@pytest.mark.parametrize("target", OWN)
@pytest.mark.parametrize("error", BUGS, ids=lambda error: type(error).__name__)
def test_convert_does_the_other_rules_and_targets(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, rules: str, target: str, error: BaseException
) -> None:
    break_emitter(monkeypatch, target, error)
    status, out, err = run(capsys, f"-t all --without-pipeline {rules}")
    assert status == BUG
    assert out.count("bad") == 2 * len(OWN) - 1 or target == "elastic-toml"
    assert err.count("internal error: ") == 1
    line = next(line for line in err.splitlines() if "internal error: " in line)
    assert line.startswith(f"two/a.yml:5:1: internal error: {target}: converting {VICTIM}: {type(error).__name__}")
    assert NAMED in err
    assert f"2 rules, {len(OWN)} targets: {2 * len(OWN) - 1} queries; 1 error (1 internal error)" in err
    assert "Traceback" not in err
    skipped, _, _ = run(capsys, f"-t all -s --without-pipeline {rules}")
    assert skipped == BUG  # a bug is not what -s skips


@pytest.mark.parametrize("target", OWN)
@pytest.mark.parametrize("error", BUGS, ids=lambda error: type(error).__name__)
def test_check_does_the_other_rules_and_targets(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, rules: str, target: str, error: BaseException
) -> None:
    break_emitter(monkeypatch, target, error)
    status, out, err = run(capsys, f"check --without-pipeline --format json {rules}")
    assert status == BUG
    report = json.loads(out)
    verdicts = {(rule["rule"], cell["target"]): cell for rule in report["rules"] for cell in rule["targets"]}
    assert {pair for pair, cell in verdicts.items() if cell["verdict"] == "error"} == {(VICTIM, target)}
    assert verdicts[VICTIM, target]["error"]["kind"] == "bug"
    assert (report["ok"], report["errors"]) == (False, 1)
    assert "2 rules, 1 error (1 internal error), 0 warnings" in err
    status, out, err = run(capsys, f"check --without-pipeline --debug {rules}")
    assert status == BUG
    assert type(error).__name__ in out
    assert NAMED.split("0.", maxsplit=1)[0] in " ".join(out.split())
    assert "Traceback" in err


@pytest.mark.parametrize("error", BUGS, ids=lambda error: type(error).__name__)
def test_eval_does_the_other_rules(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    from converter.reference import evaluate  # noqa: PLC0415

    write("three/a.yml", BASE)
    write("three/b.yml", OTHER.replace("kind: bad", "kind: good"))
    counts = BASE.replace("bad_thing", "counts").replace("Bad thing", "Counts").replace("1111", "5555")
    correlation = (
        "correlation: {type: event_count, rules: bad_thing, timespan: 1m, condition: {gte: 1}, generate: true}\n"
    )
    write("three/c.yml", counts[: counts.index("logsource")] + correlation)
    monkeypatch.setattr(evaluate, "matches", failing(matches, error, lambda expr, _: "good" not in repr(expr)))
    status, out, err = run(capsys, "eval three --logs log.ndjson --format json --no-logsource")
    assert status == BUG
    report = json.loads(out)
    assert report["alerts"] == [{"rule": "other", "event": "e2"}]
    assert report["not_judged"] == ["bad_thing", "counts"]
    assert f"three/a.yml:5:1: internal error: evaluating bad_thing: {type(error).__name__}" in err
    assert "three/c.yml:4:1: left out: counts is not judged either: it counts bad_thing" in err
    assert err.count("internal error: ") == 1
    assert (
        "4 events read, 1 rule evaluated, 1 error (1 internal error), 1 rule left out because of them in rules" in err
    )
    assert "2 rules not judged (bad_thing, counts)" in err


@pytest.mark.parametrize("command", ["-t kql", "check", "eval --logs log.ndjson"])
@pytest.mark.parametrize("error", BUGS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("step", ["document_errors", "parse_rule", "lower", "warnings"])
def test_loading_does_the_other_rules(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    rules: str,
    command: str,
    error: BaseException,
    step: str,
) -> None:
    import converter.lint.warnings as lint  # noqa: PLC0415
    import converter.plan.lower as plan  # noqa: PLC0415
    from converter.rules import load  # noqa: PLC0415

    def is_victim(*arguments: Any) -> bool:
        return any(getattr(item, "data", None) and item.data.get("name") == VICTIM for item in arguments)

    module, name = {
        "document_errors": (load, "document_errors"),
        "parse_rule": (load, "parse_rule"),
        "lower": (plan, "lower"),
        "warnings": (lint, "_warnings"),
    }[step]
    monkeypatch.setattr(module, name, failing(getattr(module, name), error, is_victim))
    if step == "warnings" and command != "check":
        pytest.skip("only `check` warns")
    status, out, err = run(capsys, f"{command} {rules}")
    assert status == BUG
    text = out + err
    assert text.count("internal error: ") == 1
    assert "two/a.yml:1:1: internal error: " in text
    assert type(error).__name__ in text
    assert SPARED in out or command != "check"
    assert "1 error (1 internal error)" in err


@pytest.mark.parametrize("command", ["-t all {}", "check {}", "eval {} --logs log.ndjson"])
def test_an_interrupt_ends_the_run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, rules: str, command: str
) -> None:
    for target in OWN:
        break_emitter(monkeypatch, target, KeyboardInterrupt())
    from converter.reference import evaluate  # noqa: PLC0415

    monkeypatch.setattr(evaluate, "matches", failing(matches, KeyboardInterrupt(), lambda *_: True))
    status, _, err = run(capsys, command.format(rules))
    assert status == INTERRUPTED
    assert err.endswith("interrupted\n")


# ------------------------------------------------------------------------------------------------------------- test


TWO_CASES = (
    CASES.replace("burst.yml", "rule.yml").split("cases:")[0]
    + """\
cases:
    - {name: victim, events: [{}], expect: {alerts: 1}}
    - {name: spared, events: [{}], expect: match}
"""
)


def cells(out: str) -> dict[tuple[str, str], str]:
    """Return the outcomes in a report, by case and target."""
    cases = [case for suite in json.loads(out)["suites"] for case in suite["cases"]]
    return {(case["name"], cell["target"]): cell["result"] for case in cases for cell in case["cells"]}


def of_victim(*arguments: Any) -> bool:
    return any(getattr(item, "name", None) == "victim" for item in arguments)


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("target", OWN)
@pytest.mark.parametrize("error", BUGS, ids=lambda error: type(error).__name__)
def test_test_does_the_other_cases_and_targets(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, target: str, error: BaseException, jobs: int
) -> None:
    from converter.harness import outcome  # noqa: PLC0415

    write("two.cases.yml", TWO_CASES)

    original: Any = vars(outcome)["_cell"]

    def is_victim(case: Any, _plans: Any, column: Any, *_: Any) -> bool:
        return bool(case.name == "victim" and column.name.name == target)

    monkeypatch.setattr(outcome, "_cell", failing(original, error, is_victim))
    names = ",".join(OWN)
    status, out, err = run(
        capsys, f"test two.cases.yml -t {names} --without-pipeline --format json -j {jobs} --accept error"
    )
    assert status == BUG
    results = cells(out)
    assert {pair for pair, result in results.items() if result == "error"} == {("victim", target)}
    assert len(results) == 2 * len(OWN)
    assert f"internal error: replaying 'victim' on {target}: {type(error).__name__}" in out
    assert "not judged: 1 error (1 internal error)" in err


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("error", BUGS, ids=lambda error: type(error).__name__)
def test_test_does_the_other_cases_if_the_reference_fails(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, error: BaseException, jobs: int
) -> None:
    from converter.harness import matrix  # noqa: PLC0415

    write("two.cases.yml", TWO_CASES)
    monkeypatch.setattr(matrix, "unmet", failing(unmet, error, lambda expect, _: expect.alerts == 1))
    command = f"test two.cases.yml -t splunk,kql --without-pipeline -j {jobs} --format"
    status, out, err = run(capsys, f"{command} json")
    assert status == BUG
    assert cells(out) == {
        ("victim", "splunk"): "error",
        ("victim", "kql"): "error",
        ("spared", "splunk"): "agree",
        ("spared", "kql"): "agree",
    }
    assert "not judged: 1 error (1 internal error)" in err
    for form, mark in (("text", "ERROR  victim  reference"), ("junit", "<error message="), ("github", "::error file=")):
        status, out, _ = run(capsys, f"{command} {form}")
        assert status == BUG
        assert mark in out
        assert type(error).__name__ in out
        assert form == "junit" or out.count("internal error: ") == 1


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize(
    ("cause", "status", "word"),
    [
        (signal.SIGKILL, BAD_INPUT, "no memory left"),
        (signal.SIGSEGV, BUG, "SIGSEGV"),
        (None, BUG, "exit status 3"),
    ],
)
def test_a_process_that_dies_names_its_case_and_target(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    cause: signal.Signals | None,
    status: int,
    word: str,
    jobs: int,
) -> None:
    from converter.harness import outcome  # noqa: PLC0415

    write("two.cases.yml", TWO_CASES)
    original: Any = vars(outcome)["_cell"]

    def dying(case: Any, plans: Any, column: Any, *rest: Any) -> Any:
        if case.name == "victim" and column.name.name == "kql":
            if cause is None:
                os._exit(3)
            faulthandler.disable()  # of pytest: it would print where each process dies
            os.kill(os.getpid(), cause)
        return original(case, plans, column, *rest)

    monkeypatch.setattr(outcome, "_cell", dying)
    command = f"test two.cases.yml -t splunk,kql,eql --without-pipeline -j {jobs} --format json"
    found, out, err = run(capsys, command)
    assert found == status
    results = cells(out)
    assert {pair for pair, result in results.items() if result != "agree"} == {("victim", "kql")}
    assert len(results) == 6
    assert "'victim' on kql: the process that did this" in out
    assert word in out
    assert "not judged: 1 error" in err


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interrupt_ends_a_test(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, jobs: int
) -> None:
    from converter.harness import outcome  # noqa: PLC0415

    write("two.cases.yml", TWO_CASES)
    original: Any = vars(outcome)["_cell"]
    monkeypatch.setattr(outcome, "_cell", failing(original, KeyboardInterrupt(), of_victim))
    status, out, err = run(capsys, f"test two.cases.yml -t splunk --without-pipeline -j {jobs}")
    assert (status, out) == (INTERRUPTED, "")
    assert err.endswith("interrupted\n")


def test_a_case_file_or_case_with_an_error_leaves_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    write("cases/a.cases.yml", "rule: [\n")
    write("cases/b.cases.yml", TWO_CASES.replace("rule.yml", "../broken.yml"))
    write("cases/c.cases.yml", TWO_CASES.replace("rule.yml", "../rule.yml").replace("alerts: 1", "alerts: none"))
    write("broken.yml", BASE.replace("kind:", "kind|contians:"))
    command = "test cases -t splunk --without-pipeline --format"
    status, out, err = run(capsys, f"{command} json")
    assert status == BAD_INPUT
    assert cells(out) == {("spared", "splunk"): "agree"}
    report = json.loads(out)
    places = [(Path(error["file"]).name, error["line"]) for error in report["errors"]]
    assert places == [("a.cases.yml", 2), ("c.cases.yml", 6), ("broken.yml", 6)]
    assert report["ok"] is False
    assert err.count("error: ") == 3
    for form, count in (("text", 1), ("junit", 3), ("github", 3)):
        status, out, _ = run(capsys, f"{command} {form}")
        assert status == BAD_INPUT
        mark = {"text": "3 errors in case files and rules", "junit": "<error message=", "github": "::error "}[form]
        assert out.count(mark) == count
    status, _, err = run(capsys, "test nosuch cases.yml -t splunk --without-pipeline")
    assert status == BAD_INPUT
    assert err.count("no such file or folder: nosuch") == 1


def test_a_process_pool_does_not_outlive_its_parent(here: Path) -> None:
    """The processes of a killed run end by themselves."""
    (here / "two.cases.yml").write_text(TWO_CASES)
    code = (
        "import os, time\n"
        "from converter.harness.parallel import run_all\n"
        "def work(number):\n"
        "    os.write(1, b'%d\\n' % os.getpid())\n"
        "    time.sleep(0.5)\n"
        "run_all(work, 2, 2, lambda number, error: None)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdout is not None
        workers = [int(process.stdout.readline()) for _ in range(2)]
        process.kill()
        process.wait()
        deadline = time.monotonic() + 20
        while any(Path(f"/proc/{worker}/stat").exists() for worker in workers) and time.monotonic() < deadline:
            if all(" Z " in Path(f"/proc/{worker}/stat").read_text() for worker in workers):
                break
            time.sleep(0.05)
        else:
            assert not any(Path(f"/proc/{worker}").exists() for worker in workers)
