"""The command line: each verb, every exit status, files, configuration, hostile input, terminals and pipes."""

from __future__ import annotations

import gzip
import io
import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from converter.cli import cli, main
from converter.cli.common import BAD_INPUT, BROKEN_PIPE, BUG, FINDINGS, INTERRUPTED, OK, WRONG_USAGE
from converter.report.console import console_for
from converter.report.files import file_names, safe_name, write_files

BASE = """\
title: Bad thing
id: 11111111-1111-4111-8111-111111111111
name: bad_thing
logsource: {product: test}
detection:
    selection: {kind: bad}
    condition: selection
level: low
"""
BURST = """\
---
title: Burst of bad things
id: 22222222-2222-4222-8222-222222222222
name: burst
correlation:
    type: event_count
    rules: [bad_thing]
    group-by: [user]
    timespan: 1m
    condition: {gte: 3}
level: medium
"""
CASES = """\
rule: burst.yml
base: 2026-01-01T00:00:00Z
time_field: timestamp
defaults: {event: {kind: bad, user: ann}}
cases:
    - {name: three in a minute, events: [{repeat: 3, every: 20s}], expect: {alerts: 1, groups: [{user: ann}]}}
    - {name: two in a minute, events: [{repeat: 2, every: 20s}], expect: none}
    - name: over a boundary
      events: [{at: 50s, repeat: 3, every: 10s}]
      expect: {alerts: 1}
      known_divergence: {"pysigma:splunk": {expect: none, reason: fixed minutes}}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with some rules and logs, and no configuration."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NO_COLOR", raising=False)
    write("rule.yml", BASE)
    write("burst.yml", BASE + BURST)
    write("cases.yml", CASES)
    events = [
        {"_id": f"e{at}", "timestamp": f"2026-01-01T00:00:{at:02}Z", "kind": kind, "user": "ann"}
        for at, kind in ((1, "bad"), (2, "good"), (3, "Bad"), (59, "bad"))
    ]
    write("log.ndjson", "".join(json.dumps(event) + "\n" for event in events))
    write("quiet.ndjson", '{"kind": "good", "timestamp": "2026-01-01T00:00:00Z"}\n')
    write("open.json", '[{"kind": "bad"},\n')
    write("good/rule.yml", BASE)
    write("nothing/readme.txt", "no rule")
    write("empty.yml", "# soon\n")
    write("half.yml", BASE + BURST.replace("1m", "1 minute"))
    write("doubtful.yml", BASE.replace("level:", "levl:"))
    write("mixed/a.yml", BASE)
    write("mixed/b.yml", "title: [\n")
    write("kql/rule.yml", BASE.replace("bad_thing", "other").replace("1111", "4444"))
    write("kql/burst.yml", BURST.removeprefix("---\n").replace("bad_thing", "other"))
    return tmp_path


def write(path: str, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, encoding="utf-8")


def run(capsys: pytest.CaptureFixture[str], command: str) -> tuple[int, str, str]:
    status = main(command.split())
    out, err = capsys.readouterr()
    return status, out, err


# ------------------------------------------------------------------------------------------------------ exit statuses

STATUSES: list[tuple[str, int, str, str]] = [
    # command, exit status, part of standard output, part of standard error; an empty part: nothing at all; *: anything
    ("--version", OK, "sigma-convert 0.", ""),
    ("--help", OK, "Without a verb, sigma-convert converts", ""),
    ("", OK, "Usage: sigma-convert", ""),
    ("convert -h", OK, "RULE is a file, a folder, or -", ""),
    # convert
    ("-t splunk rule.yml", OK, "bad", "warning: splunk: no mapping for splunk knows the field kind"),
    ("convert -t kql --without-pipeline rule.yml", OK, "kind", "assumes: kql: the values of kind have the case"),
    ("-t splunk -t esql rule.yml", OK, "*", "# esql: bad_thing"),
    ("--target splunk,esql rule.yml", OK, "*", "# splunk: bad_thing"),
    ("rule.yml", WRONG_USAGE, "", "no target: name one with -t TARGET"),
    ("-t splnk rule.yml", WRONG_USAGE, "", "there is no target 'splnk'\n  hint: did you mean 'splunk'?"),
    ("-t splunk", WRONG_USAGE, "", "Missing argument 'RULE...'"),
    ("-t splunk -f savedsearch rule.yml", WRONG_USAGE, "", "did you mean 'savedsearches'?"),
    ("-t splunk:nope rule.yml", WRONG_USAGE, "", "splunk has no format 'nope'"),
    ("-t splunk -O intervall=5m rule.yml", WRONG_USAGE, "", "did you mean 'interval'?"),
    ("-t splunk -O interval rule.yml", WRONG_USAGE, "", "expected KEY=VALUE"),
    ("-t splunk -p nosuch rule.yml", WRONG_USAGE, "", "nosuch"),
    ("-t splunk -o a -d b rule.yml", WRONG_USAGE, "", "-o and -d cannot be used together"),
    ("-t splunk,esql -o a rule.yml", WRONG_USAGE, "", "use -d DIR"),
    ("-t splunk -o rule.yml/x rule.yml", WRONG_USAGE, "", "cannot write"),
    ("-t splunk -d rule.yml rule.yml", WRONG_USAGE, "", "cannot write"),
    ("--nope", WRONG_USAGE, "", "No such option"),
    ("tset", WRONG_USAGE, "", "no such verb or file: tset (did you mean 'test'?)"),
    ("-t splunk nosuch.yml", BAD_INPUT, "", "no such file or folder: nosuch.yml"),
    ("-t splunk mixed", BAD_INPUT, "bad", "mixed/b.yml:"),
    ("-t splunk -s mixed", OK, "bad", "1 rule, 1 target: 1 query; 1 skipped"),
    ("-t splunk -s mixed/b.yml", BAD_INPUT, "", "mixed/b.yml:"),
    ("-t kql kql", BAD_INPUT, "", "refused: kql: KQL cannot count events"),
    ("-t kql -s kql", BAD_INPUT, "", "0 queries; 1 skipped"),
    ("-t kql -s kql rule.yml", OK, "bad", "1 query; 1 skipped"),
    ("-t all -d out kql", OK, "", "5 targets: 4 queries in out; 1 refused"),
    ("-t all,kql -d out kql", BAD_INPUT, "", "5 targets: 4 queries in out; 1 error"),
    ("-t splunk -s rule.yml nosuch.yml", BAD_INPUT, "bad", "no such file or folder: nosuch.yml"),
    ("-t splunk -s rule.yml nothing", BAD_INPUT, "bad", "no rule (*.yml) in nothing"),
    ("-t splunk empty.yml", BAD_INPUT, "", "empty.yml:1:1: rule error: there is no rule in this file"),
    ("-t splunk half.yml", BAD_INPUT, "", "half.yml:17:15: rule error: '1 minute' is not a timespan"),
    # check
    ("check rule.yml", OK, "bad_thing (rule.yml:1)", "1 rule, 0 errors, 0 warnings"),
    ("check burst.yml -t kql", FINDINGS, "refused", "2 rules, 0 errors, 0 warnings, 1 refusal"),
    ("check burst.yml", OK, "KQL cannot count events", "2 rules, 0 errors, 0 warnings"),
    ("check rule.yml -t splunk --strict-fields", FINDINGS, "no mapping for splunk knows the field kind", "1 refusal"),
    ("check mixed", BAD_INPUT, "mixed/b.yml:2:1: rule error", "1 rule, 1 error"),
    ("check doubtful.yml", FINDINGS, "did you mean 'level'?", "1 rule, 0 errors, 1 warning"),
    ("check doubtful.yml --ignore x,unknown-key", OK, "bad_thing", "0 warnings"),
    ("check doubtful.yml --lint-only", FINDINGS, "[unknown-key]", "1 warning"),
    ("check doubtful.yml --format sarif", FINDINGS, '"ruleId": "unknown-key"', "1 warning"),
    ("check rule.yml -t nope", WRONG_USAGE, "", "there is no target 'nope'"),
    ("check rule.yml -t all,pysigma:splunk", OK, "unjudged", "0 errors"),
    ("check", WRONG_USAGE, "", "Missing argument 'RULE...'"),
    ("check nosuch.yml", BAD_INPUT, "no such file or folder: nosuch.yml", "0 rules, 1 error"),
    # eval
    ("eval rule.yml --logs log.ndjson", OK, "bad_thing: 2026-01-01T00:00:01Z: event e1", "4 events read, 1 rule"),
    ("eval burst.yml --logs log.ndjson", OK, "3 events: user=ann", "1 rule evaluated, 1 alert in"),
    ("eval burst.yml --logs quiet.ndjson", OK, "", "1 event read, 1 rule evaluated, 0 alerts in"),
    ("eval burst.yml --logs quiet.ndjson log.ndjson", OK, "burst", "5 events read"),
    ("eval burst.yml -l quiet.ndjson -l log.ndjson", OK, "burst", "5 events read"),
    ("eval --logs log.ndjson burst.yml", OK, "burst", "4 events read"),
    ("eval burst.yml", WRONG_USAGE, "", "Missing option '--logs'"),
    ("eval --logs log.ndjson", WRONG_USAGE, "", "Missing argument 'RULE...'"),
    ("eval burst.yml --logs nosuch", BAD_INPUT, "", "cannot read nosuch"),
    ("eval burst.yml --logs nosuch", BAD_INPUT, "", "0 events read, 1 log not read to the end, 1 rule"),
    ("eval burst.yml --logs log.ndjson open.json", BAD_INPUT, "burst", "open.json:1:1: log error: this array is not"),
    ("eval nosuch.yml --logs log.ndjson", BAD_INPUT, "", "no such file or folder: nosuch.yml"),
    ("eval mixed --logs log.ndjson", BAD_INPUT, "bad_thing", "1 rule evaluated, 1 error in rules"),
    ("eval - --logs -", WRONG_USAGE, "", "standard input can be read only once"),
    ("eval burst.yml --logs log.ndjson --format yaml", WRONG_USAGE, "", "'yaml' is not one of"),
    # run
    ("run --language spl kind=bad --logs log.ndjson", OK, '"_id":"e1"', "4 events read, 3 rows in"),
    ("run -L kql kind:good --logs log.ndjson quiet.ndjson", OK, '"_id":"e2"', "5 events read, 2 rows in"),
    ("run -L kql --logs log.ndjson kind:good", OK, '"_id":"e2"', "1 row in"),
    ("run -L sql x --logs log.ndjson", WRONG_USAGE, "", "did you mean 'esql'?"),
    ("run -L kql kind:( --logs log.ndjson", BAD_INPUT, "", "<query>:1:"),
    ("run -L kql @nosuch --logs log.ndjson", BAD_INPUT, "", "cannot read nosuch"),
    ("run -L kql @rule.yml --logs log.ndjson", BAD_INPUT, "", "rule.yml:2:3: query error"),
    ("run -L kql x --logs log.ndjson --logsource a/b/c/d", WRONG_USAGE, "", "expected PRODUCT/SERVICE"),
    ("run -L kql kind:bad --logs log.ndjson --logsource aws", OK, "*", "did you mean aws/cloudtrail?"),
    ("run -L kql kind:bad --logs log.ndjson --logsource aws/cloudtrial", OK, "*", "did you mean 'aws/cloudtrail'?"),
    ("run -L spl kind=bad --logs log.ndjson --logsource a/b", OK, "*", "warning: splunk has no view of a/b: each"),
    ("run -L spl kind=bad --logs log.ndjson --logsource AWS/CloudTrail", OK, "*", "4 events read, 3 rows in"),
    ("run -L spl kind=bad --logs nosuch", BAD_INPUT, "", "0 events read, 1 log not read to the end, 0 rows in"),
    ("run -L kql @- --logs -", WRONG_USAGE, "", "standard input can be read only once"),
    ("run -L kql x", WRONG_USAGE, "", "Missing option '--logs'"),
    # test
    ("test --target splunk cases.yml", OK, "three in a minute", ""),
    ("test --target splunk,esql -k boundary .", OK, "1 case, 2 replays", ""),
    ("test cases.yml --target pysigma:splunk", OK, "divergence  over a boundary  pysigma:splunk", ""),
    ("test --target splunk -k nope cases.yml", WRONG_USAGE, "", "no case has 'nope' in its name"),
    ("test --target nope cases.yml", WRONG_USAGE, "", "there is no target 'nope'"),
    ("test", BAD_INPUT, "", "samples"),
    ("test nosuch", BAD_INPUT, "", "no such file or folder: nosuch"),
    ("test --target splunk burst.yml", BAD_INPUT, "", "burst.yml:10:1: case error"),
    # targets
    ("targets", OK, "splunk ", ""),
    ("targets --format json", OK, '"name": "pysigma:esql"', ""),
    ("targets extra", WRONG_USAGE, "", "unexpected extra argument"),
]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(("command", "status", "out", "err"), STATUSES, ids=[row[0] or "nothing" for row in STATUSES])
def test_status(capsys: pytest.CaptureFixture[str], command: str, status: int, out: str, err: str) -> None:
    found = run(capsys, command)
    assert found[0] == status, found
    for expected, text in ((out, found[1]), (err, found[2])):
        assert expected in text or expected == "*"
        assert expected or not text
    assert "Traceback" not in found[2]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("name", "text", "error"),
    [
        ("a YAML error", "title: [\n", "bad.yml:2:1: rule error"),
        ("an unknown modifier", BASE.replace("kind:", "kind|contians:"), "bad.yml:6:22: rule error: unknown modifier"),
        ("a dangling reference", BASE + BURST.replace("[bad_thing]", "[bad_thign]"), "did you mean 'bad_thing'?"),
        ("a bad timespan", BASE + BURST.replace("1m", "1 minute"), "timespan"),
    ],
)
def test_bad_rule_is_shown_with_its_place(capsys: pytest.CaptureFixture[str], name: str, text: str, error: str) -> None:
    del name
    write("bad.yml", text)
    for command in ("-t splunk bad.yml good", "eval bad.yml --logs log.ndjson"):
        status, _, err = run(capsys, command)
        assert status == BAD_INPUT
        assert error in err
        assert "\n  " in err
        assert "^" in err


# ---------------------------------------------------------------------------------------------------------------- check


@pytest.mark.usefixtures("here")
def test_check_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    write("doubtful.yml", BASE.replace("level:", "levl:") + BURST)
    _, out, _ = run(capsys, "check doubtful.yml mixed/b.yml -t kql,splunk --format json")
    report = json.loads(out)
    assert {key: report[key] for key in ("version", "ok", "errors", "warnings")} == {
        "version": 1, "ok": False, "errors": 1, "warnings": 1,
    }  # fmt: skip
    warning, error = report["findings"]
    assert warning == {
        "kind": "warning", "code": "unknown-key", "construct": None, "message": "Sigma has no key 'levl'",
        "hint": "did you mean 'level'?", "file": "doubtful.yml", "line": 8, "column": 1, "length": 4,
    }  # fmt: skip
    assert (error["kind"], error["code"], error["file"], error["line"]) == ("error", "error", "mixed/b.yml", 2)
    (rule,) = report["rules"]
    assert (rule["rule"], rule["file"], rule["line"]) == ("burst", "doubtful.yml", 10)
    kql, splunk = rule["targets"]
    assert (kql["target"], kql["verdict"], splunk["target"]) == ("kql", "refused", "splunk")
    assert kql["error"]["construct"] == "correlation"
    assert (kql["error"]["file"], kql["error"]["line"]) == ("doubtful.yml", 13)
    assert splunk["verdict"] in {"exact", "assuming"}
    assert splunk["error"] is None
    assert any("ATT&CK" in text for text in report["left_out"])


@pytest.mark.usefixtures("here")
def test_check_as_sarif(capsys: pytest.CaptureFixture[str]) -> None:
    write("a folder/doubtful.yml", BASE.replace("level:", "levl:"))
    status = main(["check", "a folder", "--format", "sarif"])
    log = json.loads(capsys.readouterr().out)
    assert status == FINDINGS
    assert log["version"] == "2.1.0"
    (result,) = log["runs"][0]["results"]
    assert result["level"] == "warning"
    location = result["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"] == "a%20folder/doubtful.yml"
    assert location["region"] == {"startLine": 8, "startColumn": 1, "endColumn": 5}
    assert log["runs"][0]["tool"]["driver"]["rules"][result["ruleIndex"]] == {"id": result["ruleId"]}


@pytest.mark.usefixtures("here")
def test_check_shows_findings_in_the_order_of_the_files(capsys: pytest.CaptureFixture[str]) -> None:
    write("z.yml", BASE.replace("level:", "levl:").replace("status", "x"))
    write("a.yml", BASE.replace("kind:", "kind|contians:").replace("bad_thing", "other").replace("1111", "3333"))
    _, out, _ = run(capsys, "check z.yml a.yml --lint-only")
    assert [line.split(":")[0] for line in out.splitlines() if ".yml:" in line] == ["z.yml", "a.yml"]


# -------------------------------------------------------------------------------------------------------------- convert


@pytest.mark.usefixtures("here")
def test_several_queries_have_an_empty_line_between(capsys: pytest.CaptureFixture[str]) -> None:
    write("two/a.yml", BASE)
    write("two/b.yml", BASE.replace("1111", "3333").replace("bad", "worse"))
    status, out, _ = run(capsys, "-t kql two")
    assert status == OK
    first, second = out.split("\n\n")
    assert "bad" in first
    assert "worse" in second
    assert "\n" not in first
    assert out.endswith("\n")


def test_files_of_a_folder(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "-t all,pysigma:splunk,splunk:savedsearches -d new/out rule.yml")
    assert (status, out) == (OK, "")
    assert {path.name for path in (here / "new/out").iterdir()} == {
        "bad_thing.splunk.spl",
        "bad_thing.pysigma_splunk.spl",
        "bad_thing.conf",
        "bad_thing.esql",
        "bad_thing.eql",
        "bad_thing.kql",
        "bad_thing.toml",
    }
    assert "7 queries in new/out" in err
    assert all(path.read_text().endswith("\n") for path in (here / "new/out").iterdir())


def test_output_file_holds_what_standard_output_would(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "-t splunk rule.yml kql/rule.yml")
    status, nothing, _ = run(capsys, "-t splunk -o queries.spl rule.yml kql/rule.yml")
    assert (status, nothing) == (OK, "")
    assert (here / "queries.spl").read_text() == out


def test_output_to_standard_output_a_link_and_a_pipe(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "-t kql rule.yml")
    assert run(capsys, "-t kql -o - rule.yml")[:2] == (OK, out)
    (here / "link.kql").symlink_to("real.kql")
    assert run(capsys, "-t kql -o link.kql rule.yml")[0] == OK
    assert (here / "link.kql").is_symlink()
    assert (here / "real.kql").read_text() == out
    os.mkfifo("pipe")
    reader = os.open("pipe", os.O_RDONLY | os.O_NONBLOCK)
    assert run(capsys, "-t kql -o pipe rule.yml")[0] == OK
    assert os.read(reader, 1000).decode() == out
    os.close(reader)
    assert (here / "pipe").is_fifo()


HOSTILE = [
    "../../../etc/passwd",
    "/etc/passwd",
    "..",
    ".",
    ".hidden",
    "con",
    "LPT1.txt",
    "a\x00b\x1b[2J\n",
    "C:\\windows\\system32",
    "x" * 5000,
    "ü" * 500,
    "規則 “quoted” | & ; $(reboot)",
    "\u202e\u200b",
    "",
]


@pytest.mark.parametrize("title", HOSTILE)
def test_no_title_leaves_the_folder(tmp_path: Path, title: str) -> None:
    name = safe_name(title) + ".spl"
    assert Path(name).name == name
    assert name.isprintable()
    assert not name.startswith((".", "con.", "LPT1."))
    assert len(name.encode()) < 200
    write_files(tmp_path / "out", {name: "x\n"})
    assert [path.name for path in (tmp_path / "out").iterdir()] == [name]


def test_hostile_titles_on_the_command_line(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number, title in enumerate(("../../escape", "..\\\\escape", "a/b", "a_b", "A_B")):
        write(f"rules/{number}.yml", f'title: "{title}"\n' + BASE.split("\n", 3)[3])
    status, _, err = run(capsys, "-t kql -d out rules")
    assert status == OK, err
    names = sorted(path.name for path in (here / "out").iterdir())
    assert len(names) == 5
    assert len({name.casefold() for name in names}) == 5
    assert not list(here.parent.glob("*escape*"))


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ([("a", "x", ".q"), ("b", "x", ".q")], ["a.q", "b.q"]),
        ([("a", "x", ".q"), ("a", "y", ".r")], ["a.q", "a.r"]),
        ([("a", "x", ".q"), ("a", "pysigma:x", ".q")], ["a.x.q", "a.pysigma_x.q"]),
        ([("a/b", "x", ".q"), ("a_b", "x", ".q"), ("A_B", "x", ".q")], ["a_b.q", "a_b-2.q", "A_B-3.q"]),
        ([("a", "x", ".q"), ("a", "x", ".q"), ("a-2", "x", ".q")], ["a.q", "a-2.q", "a-2-2.q"]),
    ],
)
def test_names_of_files_differ(wanted: list[tuple[str, str, str]], names: list[str]) -> None:
    assert file_names(wanted) == names


def test_a_link_in_the_way_is_replaced_and_not_followed(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    victim = here / "victim"
    victim.write_text("precious")
    (here / "out").mkdir()
    (here / "out/bad_thing.kql").symlink_to(victim)
    assert run(capsys, "-t kql -d out rule.yml")[0] == OK
    assert victim.read_text() == "precious"
    assert not (here / "out/bad_thing.kql").is_symlink()


def test_nothing_is_left_when_writing_fails(tmp_path: Path) -> None:
    (tmp_path / "b.q").mkdir()  # a folder where a file must go
    with pytest.raises(Exception, match="cannot write"):
        write_files(tmp_path, {"a.q": "1", "b.q": "2"})
    assert not list(tmp_path.glob(".sigma-convert-*"))


@pytest.mark.usefixtures("here")
def test_a_field_that_no_mapping_knows(capsys: pytest.CaptureFixture[str]) -> None:
    write("aws.yml", BASE.replace("product: test", "product: aws, service: cloudtrail").replace("kind:", "notAField:"))
    status, out, err = run(capsys, "-t esql aws.yml")
    assert status == OK
    assert err.count("warning: esql: no mapping for elastic knows the field notAField") == 1
    assert "notAField" in out
    status, out, err = run(capsys, "-t esql --strict-fields aws.yml")
    assert (status, out) == (BAD_INPUT, "")
    assert "aws.yml:" in err
    assert run(capsys, "-t esql --without-pipeline aws.yml")[0] == OK


@pytest.mark.usefixtures("here")
def test_options_reach_the_target_that_knows_them(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "-t kql,elastic-toml -O interval=7m rule.yml")
    assert status == OK
    assert 'interval = "7m"' in out
    status, same, _ = run(capsys, "-t kql,elastic-toml:interval=7m rule.yml")
    assert (status, same) == (OK, out)


@pytest.mark.usefixtures("here")
def test_hostile_rules_do_not_move_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    write("bad.yml", BASE.replace("kind:", '"\\e[2Jkind|\\e[31mnope":').replace("Bad thing", '"\\e]0;x\\a"'))
    status, out, err = run(capsys, "-t kql bad.yml")
    assert status == BAD_INPUT
    assert "\x1b" not in out + err
    assert "\x07" not in out + err


# ----------------------------------------------------------------------------------------------------------------- eval


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


# ------------------------------------------------------------------------------------------------------------------ run


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


# ----------------------------------------------------------------------------------------------------------------- test


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
    assert (status, out) == (BAD_INPUT, "")
    assert error in err
    assert "^" in err


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


# -------------------------------------------------------------------------------------------------------- configuration


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(("file", "head"), [("sigma-convert.toml", ""), ("pyproject.toml", "[tool.sigma-convert]\n")])
def test_configuration(capsys: pytest.CaptureFixture[str], file: str, head: str) -> None:
    write(file, head + 'target = ["kql", "elastic-toml"]\noptions = { interval = "9m" }\nsamples = "cases.yml"\n')
    assert 'interval = "9m"' in run(capsys, "rule.yml")[1]
    assert 'interval = "8m"' in run(capsys, "-O interval=8m rule.yml")[1]
    assert run(capsys, "-t kql rule.yml")[0] == OK  # what is configured need not be for every target
    Path("below").mkdir()
    os.chdir("below")
    assert run(capsys, "test -t splunk -k minute")[0] == OK


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("file", "text", "error"),
    [
        ("sigma-convert.toml", "tarket = 'kql'\n", "sigma-convert.toml:1:1: configuration error: unknown key 'tarket'"),
        ("pyproject.toml", "[tool.sigma-convert]\nx = 1\n", "pyproject.toml:2:1: configuration error: unknown key 'x'"),
        ("sigma-convert.toml", "target = 3\n", "target is not text, or a list of texts"),
        ("sigma-convert.toml", "target = \n", "not TOML"),
        ("sigma-convert.toml", "strict-fields = 'yes'\n", "strict-fields is not true or false"),
        ("pyproject.toml", "[tool]\nsigma-convert = 1\n", "is not a table"),
        ("sigma-convert.toml", "[options]\nnope = 1\n", "no target has the option 'nope'"),
        ("sigma-convert.toml", "format = 'nope'\n", "no target has the format 'nope'"),
    ],
)
def test_bad_configuration(capsys: pytest.CaptureFixture[str], file: str, text: str, error: str) -> None:
    write(file, text)
    status, out, err = run(capsys, "-t kql rule.yml")
    assert (status, out) == (WRONG_USAGE, "")
    assert error in err


@pytest.mark.usefixtures("here")
def test_a_project_file_that_is_not_ours_is_let_be(capsys: pytest.CaptureFixture[str]) -> None:
    write("pyproject.toml", "[project\n")
    assert run(capsys, "-t kql rule.yml")[0] == OK


# ------------------------------------------------------------------------------------------ bugs and terminals


def broken(*_args: object, **_keywords: object) -> object:
    raise ZeroDivisionError("oops")


@pytest.mark.usefixtures("here")
def test_a_bug_has_a_traceback_only_with_debug(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("converter.rules.load.load_rules", broken)
    status, out, err = run(capsys, "-t kql rule.yml")
    assert (status, out) == (BUG, "")
    assert "internal error: ZeroDivisionError: oops" in err
    for command in ("--debug -t kql rule.yml", "-t kql rule.yml --debug", "eval --debug rule.yml --logs log.ndjson"):
        with pytest.raises(ZeroDivisionError):
            run(capsys, command)


class Terminal(io.StringIO):
    """A stream that says that a person watches it."""

    def isatty(self) -> bool:
        """Yes."""
        return True


@pytest.mark.parametrize(
    ("stream", "environment", "coloured"),
    [
        (Terminal(), {}, True),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (Terminal(), {"NO_COLOR": ""}, True),
        (Terminal(), {"TERM": "dumb"}, False),
        (io.StringIO(), {}, False),
    ],
)
def test_colours_are_for_terminals_that_want_them(
    monkeypatch: pytest.MonkeyPatch,
    stream: io.StringIO,
    environment: dict[str, str],
    coloured: bool,  # noqa: FBT001
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert (console_for(stream).color_system is not None) is coloured


@pytest.mark.usefixtures("here")
def test_progress_is_shown_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert main(["test", "--target", "kql,splunk", "cases.yml"]) == OK
    assert "converting for splunk" in terminal.getvalue()
    assert terminal.getvalue().endswith("\x1b[2K")  # the line is erased at the end


# --------------------------------------------------------------------------------------------------- processes

PROGRAM = [sys.executable, "-m", "converter.cli"]


def spawn(*arguments: str, **options: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603  our own program
        [*PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options
    )


def test_a_reader_that_stops_early_is_no_error(here: Path) -> None:
    event = '{"kind": "bad", "timestamp": "2026-01-01T00:00:00Z"}\n'
    (here / "big.ndjson").write_text(event * 30_000)
    process = spawn("eval", "rule.yml", "--logs", "big.ndjson")
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline().startswith(b"bad_thing")
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert process.wait(30) == BROKEN_PIPE
    assert b"Traceback" not in errors
    assert b"Exception" not in errors


@pytest.mark.usefixtures("here")
def test_an_interrupt_ends_without_a_traceback() -> None:
    # A child inherits that a signal is ignored, as it is for a job that a shell started in the background.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = spawn("eval", "rule.yml", "--logs", "log.ndjson", "-", stdin=subprocess.PIPE)
    finally:
        signal.signal(signal.SIGINT, before)
    assert process.stdin is not None
    assert process.stderr is not None
    process.stdin.write(b"nonsense\n" * 2)
    process.stdin.flush()
    process.stderr.readline()  # it reads
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == INTERRUPTED
    assert errors.endswith(b"interrupted\n")
    assert b"Traceback" not in errors


@pytest.mark.usefixtures("here")
def test_rules_logs_and_queries_come_from_standard_input(here: Path) -> None:
    def output(command: str, given: bytes) -> bytes:
        found = subprocess.run([*PROGRAM, *command.split()], input=given, capture_output=True, check=True)  # noqa: S603
        return found.stdout

    assert b"bad" in output("-t splunk -", BASE.encode())
    assert output("eval rule.yml --logs - --format ndjson", (here / "log.ndjson").read_bytes()).count(b"\n") == 3
    assert output("run -L kql @- --logs log.ndjson", b"kind: good\n").count(b"\n") == 1


@pytest.fixture(scope="module")
def imported() -> set[str]:
    """What `--version` imports."""
    code = "import sys; from converter.cli import main; main(['--version']); print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    return set(found.stdout.split())


def test_start_up_is_quick(imported: set[str]) -> None:
    heavy = {
        "yaml",
        "orjson",
        "sigma",
        "sigma.rule",
        "regex",
        "re2",
        "tomlkit",
        "rich",
        "converter.rules.load",
        "converter.plan.nodes",
    }
    assert not heavy & imported
    assert "click" in imported


def test_every_verb_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    for name, verb in cli.commands.items():
        assert main([name, "--help"]) == OK
        text = capsys.readouterr().out
        assert textwrap.shorten(verb.help or "", 40, placeholder="") in " ".join(text.split())
