"""Bugs; what a terminal gets: colours, lines that fit its width, progress, and no control character of a stranger's."""

from __future__ import annotations

import io
import json
import re
import sys

import pytest
from rich.cells import cell_len

from converter.cli import main
from converter.cli.common import BUG, OK
from converter.report.console import console_for
from tests.support.cli import BASE, BURST, CASES, run, write

STYLE = re.compile(r"\x1b\[[0-9;]*m")


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
    assert "Traceback" not in err
    for command in ("--debug -t kql rule.yml", "-t kql rule.yml --debug", "eval --debug rule.yml --logs log.ndjson"):
        status, out, err = run(capsys, command)
        assert (status, out) == (BUG, "")
        assert "Traceback" in err
        assert "internal error: ZeroDivisionError: oops" in err


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
    assert main(["test", "--target", "esql,splunk", "cases.yml"]) == OK
    assert "converting for splunk" in terminal.getvalue()
    assert terminal.getvalue().endswith("\x1b[2K")  # the line is erased at the end


# ----------------------------------------------------------------------------------------------------------- width


def terminals(monkeypatch: pytest.MonkeyPatch) -> tuple[Terminal, Terminal]:
    """Make standard output and standard error terminals of 72 columns."""
    out, err = Terminal(), Terminal()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    monkeypatch.setenv("COLUMNS", "72")
    monkeypatch.setenv("TERM", "xterm")
    return out, err


WIDE = "規則がとても長い名前を持っているので、端末の幅には収まらない"


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    "command",
    [
        "check wide.yml",
        "check wide.yml -t kql,eql",
        "targets",
        "test cases.yml -k wide -t all,pysigma:splunk",
        "test cases.yml -k wide -t splunk",
        "eval wide.yml --logs wide.ndjson",
        "run -L spl user=* --logs wide.ndjson --format text",
        "convert -t all -d out wide.yml other.yml",
    ],
)
def test_every_line_fits_the_terminal(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    text = BASE + BURST.replace("name: burst", f"name: {WIDE}").replace("gte: 3", "gte: 2")
    write("wide.yml", text)
    write("other.yml", BASE.replace("1111", "3333").replace("bad_thing", "other"))
    write("cases.yml", CASES.replace("burst.yml", "wide.yml").replace("two in a minute", f"wide {WIDE * 2}"))
    events = [{"_id": "x" * 30 + str(at), "timestamp": at, "kind": "bad", "user": WIDE} for at in range(20)]
    write("wide.ndjson", "".join(json.dumps(event) + "\n" for event in events))
    out, err = terminals(monkeypatch)
    main(command.split())
    shown = STYLE.sub("", out.getvalue() + err.getvalue().rpartition("\x1b[2K")[2])
    assert not [line for line in shown.split("\n") if cell_len(line) > 72]
    assert "規則" in shown or command == "targets"


@pytest.mark.usefixtures("here")
def test_a_query_is_not_wrapped(monkeypatch: pytest.MonkeyPatch) -> None:
    write("long.yml", BASE.replace("bad}", f"[{', '.join(f'value{number}' for number in range(40))}]" + "}"))
    out, _ = terminals(monkeypatch)
    assert main(["-t", "kql", "long.yml"]) == OK
    assert out.getvalue().count("\n") == 1
    assert len(out.getvalue()) > 400


# ---------------------------------------------------------------------------------------------------------- hostility


HOSTILE = "[red]\x1b[2J\x1b]0;title\x07\u202egnp.exe\x9b31m[/red] :smile:"
QUOTED = json.dumps(HOSTILE)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    "command",
    [
        "convert -t all hostile.yml",
        "convert -t all -d out hostile.yml bad.yml",
        "check hostile.yml bad.yml",
        "check hostile.yml bad.yml --format json",
        "check hostile.yml bad.yml --format sarif",
        "eval hostile.yml --logs hostile.ndjson",
        "eval hostile.yml --logs hostile.ndjson --format ndjson",
        "eval hostile.yml --logs hostile.ndjson --format json",
        "run -L spl user=* --logs hostile.ndjson",
        "run -L spl user=* --logs hostile.ndjson --format json",
        "run -L spl user=* --logs hostile.ndjson --format text",
        "test hostile.cases.yml -t all,pysigma:splunk",
        "test hostile.cases.yml -t splunk --format json",
    ],
)
def test_hostile_text_reaches_a_terminal_as_text(monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    rule = BASE.replace("title: Bad thing", f"title: {QUOTED}").replace("name: bad_thing\n", "")
    rule = rule.replace("id: 11111111-1111-4111-8111-111111111111\n", "")
    write("hostile.yml", rule.replace("kind: bad", f"user: {QUOTED}"))
    write("bad.yml", rule.replace("kind:", f"{json.dumps(HOSTILE + '|nope')}:"))
    event = {"_id": HOSTILE, "timestamp": 0, "user": HOSTILE}
    write("hostile.ndjson", json.dumps(event) + "\n")
    case = f"{{name: {QUOTED}, events: [{json.dumps(event)}], expect: none}}"
    write("hostile.cases.yml", f"rule: hostile.yml\ntime_field: timestamp\ncases:\n    - {case}\n")
    out, err = terminals(monkeypatch)
    main(command.split())
    shown = out.getvalue() + err.getvalue().rpartition("\x1b[2K")[2]
    assert all(char.isprintable() or char == "\n" for char in shown), ascii(shown)
    assert command.endswith("sarif") or ("[red]" in shown and ":smile:" in shown)
    if command.endswith(" json"):
        json.loads(out.getvalue())
    if command == "run -L spl user=* --logs hostile.ndjson":
        assert json.loads(out.getvalue()) == event


@pytest.mark.usefixtures("here")
def test_a_query_with_control_characters_is_whole_in_a_pipe(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write("hostile.yml", BASE.replace("kind: bad", 'user: "a\\x9bb"'))
    _, query, _ = run(capsys, "-t pysigma:splunk hostile.yml")
    assert "a\x9bb" in query
    out, err = terminals(monkeypatch)
    assert main(["-t", "pysigma:splunk", "hostile.yml"]) == OK
    assert out.getvalue() == query.replace("\x9b", "\\x9b")
    assert "-o FILE or a pipe gets them unchanged" in " ".join(err.getvalue().split())


@pytest.mark.usefixtures("here")
def test_a_pipe_gets_no_escape_sequence(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FORCE_COLOR", "CLICOLOR_FORCE", "TTY_COMPATIBLE"):
        monkeypatch.setenv(name, "1")
    for command in ("check burst.yml", "test cases.yml -t splunk", "targets", "eval burst.yml --logs log.ndjson"):
        _, out, err = run(capsys, command)
        assert "\x1b" not in out + err
