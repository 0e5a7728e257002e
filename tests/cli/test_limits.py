"""What hostile rules, queries and logs cost: cases of limits.toml, each run as a process with little memory."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from converter.cli.common import BAD_INPUT
from tests.support.cli import run, write

CASES: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("limits.toml").read_text(encoding="utf-8"))["case"]
# A process that hangs is killed; how long a command takes depends on the machine, and is not tested.
HANGS = 300
MEMORY = 2 * 1024**3


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in CASES])
def test_limits(case: dict[str, Any], tmp_path: Path) -> None:
    assert set(case) <= {"name", "run", "rule", "query", "v", "limits", "status", "out", "err"}
    (tmp_path / "rule.yml").write_text(rule_of(case.get("rule", "x")), encoding="utf-8")
    (tmp_path / "query.txt").write_text(case.get("query", ""), encoding="utf-8")
    many = {"many": [f"a{number}" for number in range(40)], "more": [f"b{number}" for number in range(40)]}
    times = ({"_time": second, "@timestamp": f"2026-01-01T00:00:{second:02}Z"} for second in range(60))
    log = [{**time, **many, "v": value(words)} for time, words in zip(times, case["v"], strict=False)]
    (tmp_path / "log.ndjson").write_text("".join(json.dumps(event) + "\n" for event in log), encoding="utf-8")
    limits = [word for name, limit in case.get("limits", {}).items() for word in ("--limit", f"{name}={limit}")]
    done = subprocess.run(  # noqa: S603  our own program
        [sys.executable, "-m", "converter.cli", *case["run"].split(), *limits],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=HANGS,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY)),
    )
    assert done.returncode == case["status"], done.stderr
    rest = done.stderr
    for part in case.get("err", []):
        assert part in rest, done.stderr
        rest = rest.partition(part)[2]
    if "out" in case:
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        assert [str(row.get("event", row.get("_id"))) for row in rows] == case["out"]


def value(words: str) -> str:
    """Return a value of the log: `a*3 b` is `aaab`."""
    parts = [word.partition("*") for word in words.split(" ")]
    return "".join(text * int(count or 1) for text, _, count in parts)


def rule_of(text: str) -> str:
    """Return a rule that searches v with an expression, or the document itself."""
    if text.startswith("title:"):
        return text
    head = "title: R\nname: r\nlogsource: {product: test}\ndetection:\n  s:\n"
    return f"{head}    v|re: '{text}'\n  condition: s\n"


@pytest.mark.usefixtures("here")
def test_a_case_that_reaches_a_limit_is_not_judged_and_the_others_are(capsys: pytest.CaptureFixture[str]) -> None:
    write("rule.yml", rule_of(r"(\w+\s?)+$(?<!x)"))
    values: dict[str, tuple[str, Any]] = {"quick": ("ab", {"alerts": 1}), "slow": ("a" * 20_000 + "x", "none")}
    cases = [{"name": name, "events": [{"event": {"v": v}}], "expect": due} for name, (v, due) in values.items()]
    write("cases.yml", json.dumps({"rule": "rule.yml", "base": "2026-01-01T00:00:00Z", "cases": cases}))
    command = "test cases.yml -t splunk --without-pipeline --format json --limit regex-seconds=0.2"
    status, out, err = run(capsys, command)
    assert status == BAD_INPUT
    assert "not judged: 1 error" in err
    quick, slow = json.loads(out)["suites"][0]["cases"]
    assert [cell["result"] for cell in quick["cells"]] == ["agree"]
    assert [cell["result"] for cell in slow["cells"]] == ["error"]
    error = slow["reference"]["error"]
    assert error["message"] == "the regular expression runs longer than its share of 0.2 s"
    assert "--limit regex-seconds=VALUE raises the limit" in error["hint"]
