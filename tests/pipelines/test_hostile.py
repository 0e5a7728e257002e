"""Pipelines of strangers: whatever they hold, nothing runs, nothing is read or told, and the program ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.paths import ROOT

DATA: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("hostile.yml").read_text(encoding="utf-8"))
CANARY = "hunter2-of-ci"
SECONDS = 600  # for all of them together, on a machine that is busy
BEFORE_2 = version("pysigma").startswith("1.")


def _rule(case: dict[str, Any]) -> str:
    detection = case.get("detection", {"selection": {"User": "ann", "Image": "*tool"}, "condition": "selection"})
    logsource = {"product": "windows", "service": "security"}
    return yaml.safe_dump({"title": "A rule", "name": "a_rule", "logsource": logsource, "detection": detection})


def _pipeline(case: dict[str, Any], folder: Path) -> str:
    text = case.get("text") or yaml.safe_dump(case["pipeline"])
    text = text.replace("NOTS", "not " * 400 + "a").replace("FOLDER", str(folder))
    text = text.replace("MANY", "transformations:\n" + "- {type: case}\n" * 30_000)
    return text.replace("NESTS", "transformations: " + "[{type: nest, items: " * 90 + "[]" + "}]" * 90)


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    top = tmp_path_factory.mktemp("hostile")
    (top / "secret").write_text(CANARY, encoding="utf-8")
    runs: list[list[str]] = []
    for number, case in enumerate(DATA):
        folder = top / str(number)
        folder.mkdir()
        (folder / "rule.yml").write_text(_rule(case), encoding="utf-8")
        (folder / "p.yml").write_text(_pipeline(case, folder), encoding="utf-8")
        (folder / "code.py").write_text(f"open({str(folder / 'F')!r}, 'w')\nvars = {{}}\n", encoding="utf-8")
        (folder / "include.j2").write_text("{% include '../secret' %}", encoding="utf-8")
        (folder / "link.j2").symlink_to(top / "secret")
        limit = f"regex-seconds={0.2 if 'pysigma1' in case else 60}"
        runs += [
            ["convert", "-t", target, "--limit", limit, "-p", str(folder / "p.yml"), str(folder / "rule.yml")]
            for target in ("splunk", "pysigma:splunk")
        ]
    environment = {
        **os.environ,
        "CI_SECRET": CANARY,
        "PYTHONPATH": str(ROOT),
        # pySigma's own switches do not make a file trusted.
        "PYSIGMA_ALLOW_EXTERNAL_SOURCES": "1",
        "PYSIGMA_ALLOW_VARS_EXECUTION": "1",
    }
    done = subprocess.run(  # noqa: S603  our own interpreter
        [sys.executable, str(ROOT / "tests/support/hostile_pipelines.py")],
        input=json.dumps([[str(top / "secret"), "/etc/passwd"], runs]),
        capture_output=True,
        check=False,
        text=True,
        cwd=top,
        env=environment,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answers = json.loads(done.stdout)
    return {
        case["name"]: (answers[2 * number : 2 * number + 2], (top / str(number) / "F").exists())
        for number, case in enumerate(DATA)
    }


@pytest.mark.parametrize("case", DATA, ids=[case["name"] for case in DATA])
def test_a_hostile_pipeline(results: dict[str, Any], case: dict[str, Any]) -> None:
    runs, ran = results[case["name"]]
    assert not ran
    for run in runs:
        assert run["did"] == []
        assert CANARY not in run["out"] + run["err"]
        assert "root:" not in run["out"] + run["err"]
        shown = case.get("shows") or (case["pysigma1"] if BEFORE_2 else "")
        assert shown in run["err"]
        assert run["status"] == (case.get("status", 3) if "shows" in case else 2 if BEFORE_2 else 0)
        assert "internal error" not in run["err"]
        if run["status"] == 3:
            assert "p.yml:" in run["err"] or ".j2:1:" in run["err"]
            assert "^" in run["err"]
