"""The program as a process: pipes, interrupts, standard input, start-up."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from converter.cli.common import BROKEN_PIPE, INTERRUPTED
from tests.support.cli import BASE

if TYPE_CHECKING:
    from pathlib import Path

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
    process = spawn("eval", "rule.yml", "--logs", "log.ndjson", "-", stdin=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stderr is not None
    process.stdin.write(b"nonsense\n" * 2)
    process.stdin.flush()
    watchdog = threading.Timer(30, process.kill)
    watchdog.start()
    process.stderr.readline()  # it reads
    watchdog.cancel()
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


@pytest.mark.usefixtures("here")
def test_a_conversion_to_a_pipe_does_not_import_rich() -> None:
    code = "import sys; from converter.cli import main; main(['-t', 'kql', 'rule.yml']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    query, modules = done.stdout.splitlines()
    assert query == 'kind: "bad"'
    assert "assumes: kql" in done.stderr
    assert "rich" not in modules.split()


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
