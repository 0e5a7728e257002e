"""Streams, folders and names as a stranger may leave them: each verb ends with a sentence and a status that fits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from converter.cli.common import BAD_INPUT, FINDINGS, OK, WRONG_USAGE
from tests.support.cli import BASE, CASES, run, write

if TYPE_CHECKING:
    from collections.abc import Sequence

PROGRAM = f"{sys.executable} -m converter.cli"
VERBS = (
    "-t splunk --without-pipeline rule.yml",
    "check rule.yml",
    "eval rule.yml --logs log.ndjson",
    "run -L kql kind:bad --logs log.ndjson",
    "test cases.yml -t splunk",
    "targets",
    "--version",
    "--help",
)


def shell(command: str, **environment: str) -> tuple[int, str, str]:
    done = subprocess.run(  # noqa: S602  a shell is what is tested
        command, shell=True, capture_output=True, check=False, env={**os.environ, **environment}
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(("to", "reason"), [(">&-", "standard output is closed"), (">/dev/full", "No space left")])
def test_output_that_cannot_be_written_is_an_error(verb: str, to: str, reason: str) -> None:
    status, _, err = shell(f"{PROGRAM} {verb} {to}")
    assert status == WRONG_USAGE
    assert err.splitlines()[-1].startswith(f"configuration error: cannot write the output: {reason}")
    assert "Traceback" not in err
    assert "Exception" not in err


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("verb", VERBS)
def test_messages_that_nobody_wants_are_no_error(verb: str) -> None:
    assert shell(f"{PROGRAM} {verb} >out 2>&-")[0] == OK


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("name", ["-t splunk --without-pipeline rule.yml", "eval rule.yml --logs log.ndjson"])
def test_messages_that_cannot_be_written_are_an_error(name: str) -> None:
    assert shell(f"{PROGRAM} {name} >out 2>/dev/full")[0] == WRONG_USAGE


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("verb", ["-t splunk -", "check -", "eval - --logs log.ndjson", "eval rule.yml --logs -",
                                  "run -L kql @- --logs log.ndjson", "run -L kql x --logs -"])  # fmt: skip
def test_a_closed_input_is_an_error(verb: str) -> None:
    status, out, err = shell(f"{PROGRAM} {verb} <&-")
    assert status == BAD_INPUT
    assert "cannot read <stdin>: standard input is closed" in out + err


@pytest.mark.usefixtures("here")
def test_a_query_that_is_not_utf8_is_an_error() -> None:
    status, _, err = shell(f"printf '\\377' | {PROGRAM} run -L kql @- --logs log.ndjson")
    assert status == BAD_INPUT
    assert err.startswith("query error: cannot read <stdin>: ")


def test_a_file_is_written_although_nothing_can_be_printed(here: Path) -> None:
    status, _, _ = shell(f"{PROGRAM} -t splunk --without-pipeline rule.yml -o query.spl >&-")
    assert status == OK
    assert (here / "query.spl").read_text().strip()
    status, _, err = shell(f"{PROGRAM} -t splunk --without-pipeline rule.yml -o /dev/full")
    assert status == WRONG_USAGE
    assert "configuration error: cannot write /dev/full: No space left on device" in err


@pytest.mark.parametrize("verb", [*VERBS[:5], "test"])
def test_a_deleted_folder_is_an_error(here: Path, verb: str) -> None:
    (here / "gone").mkdir()
    status, out, err = shell(
        f"cd gone && rmdir ../gone && {PROGRAM} {verb}", PYTHONPATH=os.environ.get("PYTHONPATH", "")
    )
    assert status in {BAD_INPUT, WRONG_USAGE}
    assert "error: " in out + err
    assert "Traceback" not in err


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    "environment", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C"}, {"COLUMNS": "1"}, {"TERM": "dumb"}]
)
def test_any_terminal_will_do(environment: dict[str, str]) -> None:
    write("rule.yml", BASE.replace("Bad thing", "Böse 規則 🙂").replace("kind: bad", "kind: 規"))
    for verb in (VERBS[0], VERBS[2]):
        status, out, err = shell(f"{PROGRAM} {verb}", **environment)
        assert status == OK
        assert "Traceback" not in err
        assert "規" in out or verb != VERBS[0]


# ------------------------------------------------------------------------------------------------------------ names

BROKEN = BASE.replace("kind:", "kind|foo:")
NAMES = (b"r\xff.yml", b"r\n::error::x.yml", b"::error::y.yml", b"\x1b[31mz.yml")


@pytest.fixture
def odd(here: Path) -> Path:
    """A folder with names that are not UTF-8, and names that look like commands to GitHub Actions."""
    folder = here / "odd"
    folder.mkdir()
    for name in NAMES:
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_text(BROKEN)
    cases = CASES.replace("rule: burst.yml", "rule: ../burst.yml").replace("alerts: 1, groups", "alerts: 4, groups")
    Path(os.fsdecode(os.fsencode(folder) + b"/c\xfe\n::error::.cases.yml")).write_text(cases)
    return folder


def commands(lines: Sequence[str]) -> list[str]:
    """Return the lines that a runner of GitHub Actions obeys."""
    return [line for line in lines if line.strip().startswith(("::", "##["))]


@pytest.mark.usefixtures("odd")
@pytest.mark.parametrize("command", ["-t splunk odd", "check odd", "eval odd --logs log.ndjson"])
def test_names_are_shown_with_escapes(capsys: pytest.CaptureFixture[str], command: str) -> None:
    status, out, err = run(capsys, command)
    assert status == BAD_INPUT
    text = out + err
    assert not commands(text.splitlines())
    assert "\x1b" not in text
    assert text.count("unknown modifier") == len(NAMES)


@pytest.mark.usefixtures("odd")
def test_reports_for_programs_are_valid_whatever_the_names(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "check odd --format json")
    assert (status, json.loads(out)["errors"]) == (BAD_INPUT, len(NAMES))
    status, out, _ = run(capsys, "check odd --format sarif")
    uris = {
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for result in json.loads(out)["runs"][0]["results"]
    }
    assert {"odd/r%FF.yml", "odd/r%0A%3A%3Aerror%3A%3Ax.yml"} <= uris
    status, out, _ = run(capsys, "test odd -t splunk --without-pipeline --format json")
    assert (status, json.loads(out)["unexpected"]) == (FINDINGS, 1)
    status, out, _ = run(capsys, "test odd -t splunk --without-pipeline --format junit")
    assert ET.fromstring(out).find("testsuite") is not None  # noqa: S314  our own
    status, out, _ = run(capsys, "test odd -t splunk --without-pipeline --format github")
    (line,) = out.splitlines()
    assert line.startswith("::error file=odd/c\\udcfe%0A%3A%3Aerror%3A%3A.cases.yml,line=6,")


@pytest.mark.usefixtures("here")
def test_a_line_of_a_rule_is_not_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    write("rule.yml", BASE.replace("level: low", "? \n  ::stop-commands::x\n: [\n"))
    for command in ("check rule.yml", "-t splunk rule.yml", "eval rule.yml --logs log.ndjson"):
        status, out, err = run(capsys, command)
        assert status == BAD_INPUT
        assert not commands((out + err).splitlines())
    for title, shown in (("::error::x", "\\x3a:error::x"), ("##[error]x", "\\x23#[error]x")):
        write("rule.yml", BASE.replace("bad_thing", f'"{title}"'))
        for command in ("check rule.yml", "eval rule.yml --logs log.ndjson"):
            _, out, err = run(capsys, command)
            assert shown in out
            assert not commands((out + err).splitlines())
