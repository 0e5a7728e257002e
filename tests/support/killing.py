"""Runs of the program that are killed at a random moment of writing.

    test ──a line of JSON: arguments, delay──> this process ──fork──> the program ──"writes now"──> delay ──> SIGKILL
                                                    └──a line of JSON: how it ended, seconds of writing──> test

It is a process of its own, because a process that forks must not have threads, and imports the program only once.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended: its exit status, or None if it was killed; and how long it wrote until then, in seconds."""

    status: int | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Killer:
    """Starts runs, and kills them."""

    process: subprocess.Popen[str]

    def run(self, arguments: Sequence[str], delay: float | None = None) -> Ended:
        """Run the program; kill it `delay` seconds after it begins to write (None: let it end)."""
        requests, replies = self.process.stdin, self.process.stdout
        assert requests is not None
        assert replies is not None
        requests.write(json.dumps([list(arguments), delay]) + "\n")
        requests.flush()
        return Ended(*json.loads(replies.readline()))


@contextmanager
def killer() -> Iterator[Killer]:
    """Start the process that runs and kills the program, in the current folder."""
    command = [sys.executable, "-c", "from tests.support.killing import serve; serve()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603  ours
        yield Killer(process)
        assert process.stdin is not None
        process.stdin.close()


def serve() -> None:
    """Carry out requests from standard input until it is closed.

    The first is run by this process itself, which imports what all others need.
    """
    from converter.cli import main  # noqa: PLC0415  only this process runs the program

    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123  a device
        arguments, _ = json.loads(sys.stdin.readline())
        with redirect_stdout(nowhere), redirect_stderr(nowhere):
            status = main(arguments)
        _answer((status, 0.0))
        for line in sys.stdin:
            arguments, delay = json.loads(line)
            _answer(_run(main, arguments, delay, nowhere))


def _answer(ended: tuple[int | None, float]) -> None:
    sys.stdout.write(json.dumps(ended) + "\n")
    sys.stdout.flush()


def _run(main: Any, arguments: list[str], delay: float | None, nowhere: IO[str]) -> tuple[int | None, float]:
    begins, tells = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(begins)
        sys.stdout = sys.stderr = nowhere
        _tell_of_writing(tells)
        os._exit(main(arguments))
    os.close(tells)
    os.read(begins, 1)
    os.close(begins)
    started = time.monotonic()
    if delay is not None:
        time.sleep(delay)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    seconds = time.monotonic() - started
    return None if os.WIFSIGNALED(status) else os.waitstatus_to_exitcode(status), seconds


def _tell_of_writing(pipe: int) -> None:
    """Let the program say when it begins to write files."""
    from converter.report import files  # noqa: PLC0415

    write_all = files._write_all  # noqa: SLF001  where writing begins

    def telling(*arguments: Any) -> None:
        os.write(pipe, b"w")
        write_all(*arguments)

    setattr(files, write_all.__name__, telling)
