"""A bug in the work on one item: it is named and counted, the work on all others is done, and the status is 70.

Exceptions are injected where each verb does the work of one item.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from converter.cli.common import BUG, INTERRUPTED
from converter.reference.match import matches
from converter.targets.core.registry import list_targets
from tests.support.cli import BASE, run, write

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
