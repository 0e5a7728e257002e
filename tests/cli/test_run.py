"""`run`: formats, raw logs, and queries that `convert` wrote."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from converter.cli.common import OK
from tests.support.cli import run, write

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.usefixtures("here")
def test_run_formats(capsys: pytest.CaptureFixture[str]) -> None:
    write("query.spl", "kind=bad | stats count by user")
    command = "run -L spl @query.spl --logs log.ndjson"
    rows = [json.loads(line) for line in run(capsys, command)[1].splitlines()]
    assert [(row["user"], int(row["count"])) for row in rows] == [("ann", 3)]
    assert json.loads(run(capsys, f"{command} --format json")[1]) == rows
    assert run(capsys, f"{command} --format text")[1] == "user=ann  count=3\n"


def test_run_turns_raw_logs_into_what_the_product_has(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    event = {"eventName": "GetUser", "eventSource": "iam.amazonaws.com", "eventTime": "2026-01-01T00:00:00Z"}
    (here / "raw.ndjson").write_text(json.dumps(event) + "\n")
    raw = "run -L kql event.action:GetUser --logs raw.ndjson"
    assert run(capsys, raw)[1] == ""
    assert json.loads(run(capsys, f"{raw} --logsource aws/cloudtrail")[1])["event"]["provider"] == "iam.amazonaws.com"


def test_what_is_converted_can_be_run(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "-t all -d out rule.yml")[0] == OK
    languages = {".spl": "spl", ".esql": "esql", ".eql": "eql", ".kql": "kql", ".toml": "elastic-toml"}
    for path in (here / "out").iterdir():
        command = f"run -L {languages[path.suffix]} @{path} --logs log.ndjson --logsource test"
        status, out, err = run(capsys, command)
        assert status == OK, err
        assert {json.loads(line)["_id"] for line in out.splitlines()} >= {"e1", "e59"}, path
