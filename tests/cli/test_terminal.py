"""Bugs, and what a terminal gets."""

from __future__ import annotations

import io
import sys

import pytest

from converter.cli import main
from converter.cli.common import BUG, OK
from converter.report.console import console_for
from tests.support.cli import run


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
