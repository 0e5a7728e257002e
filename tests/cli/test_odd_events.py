"""Events with hostile values and times: each is judged, or named and counted; none ends a run.

`odd_events.ndjson` has one a line, each with `eventName: Evil`; its first line is an ordinary one.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from converter.cli.common import BAD_INPUT, FINDINGS, OK
from tests.support.cli import run, write

LOG = Path(__file__).with_name("odd_events.ndjson")
COUNT = len(LOG.read_bytes().splitlines())
RULE = """
title: Evil
name: evil
status: test
logsource: {product: aws, service: cloudtrail}
detection:
  selection: {eventName: Evil}
  condition: selection
---
title: Burst
name: burst
status: test
correlation:
  type: event_count
  generate: true
  rules: [evil]
  group-by: [sourceIPAddress]
  timespan: 1m
  condition: {gte: 2}
"""
QUERIES = {
    "kql": "eventName: Evil or event.action: Evil",
    "eql": 'any where ?eventName == "Evil" or ?event.action == "Evil"',
    "esql": "FROM * METADATA _id | EVAL minute = DATE_TRUNC(1 minute, @timestamp) | SORT @timestamp | KEEP _id, minute",
    "spl": 'eventName=Evil | eval year=strftime(_time, "%Y"), a=relative_time(_time, "@d") | bin _time span=1m',
}


@pytest.fixture(autouse=True)
def folder(here: Path) -> Path:
    shutil.copy(LOG, here / "odd.ndjson")
    (here / "evil.yml").write_text(RULE)
    return here


def test_eval_judges_every_event(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "eval evil.yml --logs odd.ndjson --format ndjson")
    alerts = [json.loads(line) for line in out.split("\n") if line]
    assert [alert["event"] for alert in alerts if "event" in alert] == list(range(1, COUNT + 1))
    assert [alert for alert in alerts if alert["rule"] == "burst"]
    assert status == BAD_INPUT  # a correlation would count events without a time
    assert "odd.ndjson:2:" in err


@pytest.mark.parametrize("source", [[], ["--logsource", "aws/cloudtrail"], ["--logsource", "x/y"]], ids=str)
@pytest.mark.parametrize("language", QUERIES)
def test_run_judges_every_event_or_names_it(
    capsys: pytest.CaptureFixture[str], language: str, source: list[str]
) -> None:
    status, out, err = run(capsys, ["run", "-L", language, QUERIES[language], "--logs", "odd.ndjson", *source])
    rows = {str(json.loads(line)["_id"]) for line in out.split("\n") if line}
    named = {line.split(":")[1] for line in err.split("\n") if ": log error: " in line}
    for more in re.findall(r"more errors in the logs: odd.ndjson:([0-9,]+)\n", err):
        named |= set(more.split(","))
    assert rows | named == {str(number) for number in range(1, COUNT + 1)}
    assert rows.isdisjoint(named)
    assert status == (BAD_INPUT if named else OK)
    changed = ", 13 with a value that is read as another"
    assert f"{COUNT} events read{changed}" + (f", {len(named)} skipped" if named else "") in err
    if source:
        assert not named


def test_a_sequence_names_events_without_a_time(capsys: pytest.CaptureFixture[str]) -> None:
    query = "sequence [any where true] [any where true]"
    write("times.ndjson", '{"@timestamp": 1}\n{"@timestamp": "x"}\n{}\n{"@timestamp": 5}\n')
    status, out, err = run(capsys, ["run", "-L", "eql", query, "--logs", "times.ndjson"])
    assert status == BAD_INPUT
    assert len(out.splitlines()) == 1
    assert "times.ndjson:2:1: log error: event 2 has no usable time in @timestamp: 'x'" in err
    assert "times.ndjson:3:1: log error: event 3 has no @timestamp, which a sequence needs" in err


@pytest.mark.parametrize("rule", ["evil", "burst"])
def test_every_target_replays_them(capsys: pytest.CaptureFixture[str], rule: str) -> None:
    text = RULE if rule == "burst" else RULE.split("---", maxsplit=1)[0]
    write("rule.yml", text)
    write("odd.cases.yml", "rule: rule.yml\ncases: [{name: odd, logs: odd.ndjson, expect: match}]\n")
    status, out, _ = run(capsys, "test odd.cases.yml -j 1")
    assert status in (OK, FINDINGS)
    assert "ERROR" not in out
    assert "internal error" not in out
