"""`eval`: formats, kinds of logs, and what is wrong in them."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest

from converter.cli.common import BAD_INPUT, OK
from tests.support.cli import run, write

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.usefixtures("here")
def test_eval_formats(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "eval rule.yml --logs log.ndjson --format ndjson")
    assert [json.loads(line) for line in out.splitlines()] == [
        {"rule": "bad_thing", "event": event} for event in ("e1", "e3", "e59")
    ]
    episode = {
        "rule": "burst",
        "group": {"user": "ann"},
        "first": "2026-01-01T00:00:01Z",
        "last": "2026-01-01T00:00:59Z",
        "events": ["e1", "e3", "e59"],
    }
    _, out, _ = run(capsys, "eval burst.yml --logs log.ndjson --format ndjson")
    assert out == json.dumps(episode, separators=(",", ":")) + "\n"
    _, out, _ = run(capsys, "eval burst.yml --logs log.ndjson --format json")
    assert json.loads(out) == {"alerts": [episode], "events": 4, "skipped": 0}
    _, out, _ = run(capsys, "eval burst.yml --logs quiet.ndjson --format json")
    assert json.loads(out) == {"alerts": [], "events": 1, "skipped": 0}


def test_eval_reads_arrays_gzip_and_several_logs(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    events = [json.loads(line) for line in (here / "log.ndjson").read_text().splitlines()]
    for event in events:
        del event["_id"]
    (here / "array.json.gz").write_bytes(gzip.compress(json.dumps(events).encode()))
    _, out, _ = run(capsys, "eval rule.yml --logs quiet.ndjson array.json.gz --format ndjson")
    assert [json.loads(line)["event"] for line in out.splitlines()] == [2, 4, 5]


def test_eval_goes_on_after_bad_lines(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = (here / "log.ndjson").read_text()
    write("bad.ndjson", '{"a": 1,}\n[1]\n' + good + "nonsense\n" * 20)
    status, out, err = run(capsys, "eval burst.yml --logs bad.ndjson")
    assert status == BAD_INPUT
    assert "3 events: user=ann" in out
    assert "bad.ndjson:1:8: log error: not JSON" in err
    assert "bad.ndjson:7:1: log error: not JSON" in err
    assert err.count("log error") == 10
    assert "... and 12 more errors in the logs" in err
    assert "4 events read, 22 skipped" in err


@pytest.mark.parametrize("packed", [False, True])
def test_eval_shows_events_without_a_usable_time(
    here: Path,
    capsys: pytest.CaptureFixture[str],
    packed: bool,  # noqa: FBT001  a parameter of the test
) -> None:
    text = '{"kind": "good"}\n{"kind": "bad",  "timestamp": "yesterday"}\n{"kind": "bad"}\n'
    (here / "bad.log").write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    status, _, err = run(capsys, "eval burst.yml --logs bad.log")
    assert status == BAD_INPUT
    assert 'bad.log:2:18: log error: timestamp is not a time: "yesterday"' in err
    assert '  {"kind": "bad",  "timestamp": "yesterday"}\n                   ^^^^^^^^^^^\n' in err
    assert "bad.log:3:1: log error: the event has no time" in err
    assert "hint: expected for example" in err
    assert "3 events read, 2 skipped" in err
    assert run(capsys, "eval rule.yml --logs bad.log")[0] == OK  # a detection needs no time
