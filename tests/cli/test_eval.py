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
    assert json.loads(out) == {"alerts": [episode], "events": 4, "skipped": 0, "not_judged": []}
    _, out, _ = run(capsys, "eval burst.yml --logs quiet.ndjson --format json")
    assert json.loads(out) == {"alerts": [], "events": 1, "skipped": 0, "not_judged": []}


def test_eval_reads_arrays_gzip_and_several_logs(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    events = [json.loads(line) for line in (here / "log.ndjson").read_text().splitlines()]
    for event in events:
        del event["_id"]
    (here / "array.json.gz").write_bytes(gzip.compress(json.dumps(events).encode()))
    _, out, _ = run(capsys, "eval rule.yml --logs quiet.ndjson array.json.gz --format ndjson")
    positions = [json.loads(line)["event"] for line in out.splitlines()]
    assert positions == ["array.json.gz:1", "array.json.gz:3", "array.json.gz:4"]
    _, out, _ = run(capsys, "eval rule.yml --logs array.json.gz --format ndjson")
    assert [json.loads(line)["event"] for line in out.splitlines()] == [1, 3, 4]


@pytest.mark.parametrize(
    ("log", "positions"),
    [
        pytest.param('\n{"kind": "bad"}\nnonsense\n\n{"kind": "bad"}\n', [2, 5], id="lines"),
        pytest.param('[{"kind": "good"}, 5,\n {"kind": "bad"}]', [3], id="items of an array"),
        pytest.param('{"kind": "bad"}\n{"Records": [{"kind": "good"}, {"kind": "bad"}]}', [1, "2:2"], id="envelope"),
        pytest.param('{"kind": "good"}{"kind": "bad"}\n{"kind": "bad"}', ["1:2", 2], id="several on a line"),
        pytest.param('{"kind":\n"bad"}\n{"kind":\n"bad"}', [1, 3], id="over several lines"),
        pytest.param('{"kind": "bad", "_id": "x"}\n{"kind": "bad", "_id": {}}', ["x", 2], id="ids of the events"),
    ],
)
@pytest.mark.usefixtures("here")
def test_eval_calls_events_by_their_position(
    capsys: pytest.CaptureFixture[str], log: str, positions: list[int | str]
) -> None:
    write("positions.log", log)
    _, out, _ = run(capsys, "eval rule.yml --logs positions.log --format ndjson")
    assert [json.loads(line)["event"] for line in out.splitlines()] == positions
    _, out, _ = run(capsys, "eval rule.yml --logs positions.log")
    assert [line.rpartition("event ")[2] for line in out.splitlines()] == [str(position) for position in positions]
    _, out, _ = run(capsys, "run -L kql kind:bad --logs positions.log")
    assert [json.loads(line)["_id"] for line in out.splitlines()] == [str(position) for position in positions]


@pytest.mark.usefixtures("here")
def test_eval_says_what_it_reads_as_another_value(capsys: pytest.CaptureFixture[str]) -> None:
    write("odd.log", '{"kind": "bad", "x": 1e400}\n' * 12)
    status, out, err = run(capsys, "eval rule.yml --logs odd.log --format ndjson")
    assert status == OK
    assert len(out.splitlines()) == 12
    assert "odd.log:10: note: a number that is none, or that no double can hold, is read as text\n" in err
    assert "... and 2 more notes on the logs\n" in err
    assert "12 events read, 12 with a value that is read as another, 1 rule" in err


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


@pytest.mark.usefixtures("here")
def test_an_event_without_a_usable_time_is_shown_as_its_line_has_it(capsys: pytest.CaptureFixture[str]) -> None:
    write("bad.log", '\n{"kind": "bad",  "timestamp": "yesterday"}\n')  # so it is called 2, and not 1
    _, _, err = run(capsys, "eval burst.yml --logs bad.log")
    assert 'bad.log:2:18: log error: timestamp is not a time: "yesterday"' in err
    assert '  {"kind": "bad",  "timestamp": "yesterday"}\n                   ^^^^^^^^^^^\n' in err


@pytest.mark.usefixtures("here")
def test_eval_warns_of_an_empty_log(capsys: pytest.CaptureFixture[str]) -> None:
    write("empty.ndjson", "\n\n")
    status, _, err = run(capsys, "eval rule.yml --logs log.ndjson empty.ndjson")
    assert status == OK
    assert "warning: empty.ndjson holds no event" in err
    assert "log.ndjson holds" not in err


@pytest.mark.usefixtures("here")
def test_eval_does_not_call_a_log_empty_that_it_cannot_read(capsys: pytest.CaptureFixture[str]) -> None:
    write("kv.log", "time=1 kind=bad user=ann\n")
    status, _, err = run(capsys, "eval rule.yml --logs kv.log none.ndjson")
    assert status == BAD_INPUT
    assert "the log is key=value lines, not JSON" in err
    assert "cannot read none.ndjson" in err
    assert "holds no event" not in err


@pytest.mark.usefixtures("here")
def test_eval_opens_envelopes_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    event = json.dumps({"kind": "bad", "_id": "x"})
    write("export.json", json.dumps({"preview": False, "result": {"_raw": event}}))
    _, out, err = run(capsys, "eval rule.yml --logs export.json --format ndjson")
    assert json.loads(out)["event"] == "x"
    assert "export.json: opened an export of Splunk (result), events of Splunk, whose raw text is read (_raw)" in err


FIELDS_RULE = """
title: Reads three fields
name: reads_three
status: test
logsource: {product: windows, category: process_creation}
detection:
  selection: {CommandLine|contains: whoami, Image|endswith: cmd.exe}
  filter: {User: root}
  condition: selection and not filter
"""


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        pytest.param(
            '{"command_line": "whoami", "process": {"Image": "x"}}',
            (
                "warning: no event has a field that the rules read: CommandLine, Image, User",
                "hint: the log has command_line for CommandLine, process.Image for Image",
            ),
            id="no field at all",
        ),
        pytest.param(
            '{"@timestamp": "2026-01-01T00:00:00Z", "event": {"action": "x"}}',
            (
                "warning: no event has a field that the rules read",
                "hint: these are documents of Elasticsearch without the original event",
            ),
            id="documents of Elasticsearch",
        ),
        pytest.param(
            '{"Image": "cmd.exe", "commandline": "whoami"}',
            (
                "warning: reads_three cannot match: no event has CommandLine",
                "hint: the log has commandline for CommandLine",
            ),
            id="a field without which the rule cannot match",
        ),
    ],
)
@pytest.mark.usefixtures("here")
def test_eval_warns_of_fields_that_no_event_has(
    capsys: pytest.CaptureFixture[str], log: str, expected: tuple[str, ...]
) -> None:
    write("fields.yml", FIELDS_RULE)
    write("fields.ndjson", log)
    status, _, err = run(capsys, "eval fields.yml --logs fields.ndjson")
    assert status == OK
    assert all(part in err for part in expected), err


@pytest.mark.parametrize(
    "log",
    [
        pytest.param('{"Image": "cmd.exe", "CommandLine": "dir"}', id="all needed fields are there"),
        pytest.param('{"Image": "cmd.exe", "CommandLine": "whoami"}', id="the rule matches"),
    ],
)
@pytest.mark.usefixtures("here")
def test_eval_does_not_warn_of_a_field_that_is_not_needed(capsys: pytest.CaptureFixture[str], log: str) -> None:
    write("fields.yml", FIELDS_RULE)
    write("fields.ndjson", log)
    _, _, err = run(capsys, "eval fields.yml --logs fields.ndjson")
    assert "warning" not in err


@pytest.mark.usefixtures("here")
def test_eval_reads_documents_where_the_rules_have_their_names(capsys: pytest.CaptureFixture[str]) -> None:
    write(
        "ecs.yml", FIELDS_RULE.replace("CommandLine|contains: whoami, Image|endswith: cmd.exe", "event.action: login")
    )
    document = {"@timestamp": "2026-01-01T00:00:00Z", "event": {"action": "login", "original": '{"type": "login"}'}}
    write("documents.ndjson", json.dumps(document))
    _, out, err = run(capsys, "eval ecs.yml --logs documents.ndjson --format ndjson")
    assert json.loads(out) == {"rule": "reads_three", "event": 1}
    assert "opened" not in err
