"""Processes that run inputs under limits, so that one that hangs, dies or grows is only counted.

    input ──pipe──> forked worker (limits of CPU, memory) ──pipe──> Result; a worker that dies is a failure of its input

A worker is replaced after some inputs, and when it has grown. What fails is tried once more in a fresh worker, alone:
the machine may have been busy, and memory may be of inputs before.
"""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import resource
import shutil
import signal
import tempfile
from dataclasses import replace
from multiprocessing import connection
from pathlib import Path
from typing import TYPE_CHECKING

from tests.fuzz import coverage
from tests.fuzz.execute import SECONDS, Failure, Result, begin, memory, run_input

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.fuzz.kinds import Command
    from tests.fuzz.seeds import Input

_CPU_LIMITS = 10
_WALL_SECONDS = 300
_ADDRESS_SPACE = 4 * 2**30
_INPUTS = 300
_GROWN = 350
_CONTEXT = multiprocessing.get_context("fork")


class Worker:
    """A process that runs inputs, one at a time."""

    def __init__(self) -> None:
        self._start()

    def _start(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
        self._ours, theirs = _CONTEXT.Pipe()
        self._process = _CONTEXT.Process(target=_serve, args=(theirs, self._folder))  # `test` has processes of its own
        self._process.start()
        theirs.close()
        self._left = _INPUTS

    def send(self, files: Input, commands: Sequence[Command], limit: float = SECONDS) -> None:
        """Begin with an input."""
        if self._left <= 0:
            self.restart()
        self._left -= 1
        self._ours.send((files, commands, limit))

    @property
    def channel(self) -> connection.Connection:
        """What is readable once the result is there."""
        return self._ours

    def result(self) -> Result:
        """Return the result of the input, and be ready for the next."""
        try:
            if not self._ours.poll(_WALL_SECONDS):
                self._process.kill()
                self.restart()
                return Result((Failure("death", f"nothing within {_WALL_SECONDS} s"),))
            answer: tuple[Result, int] = self._ours.recv()
        except (EOFError, ConnectionError):
            self._process.join()
            code = self._process.exitcode or 0
            self.restart()
            name = signal.Signals(-code).name if code < 0 else f"exit {code}"
            return Result((Failure("death", f"{name} (far too much CPU time)" if name == "SIGXCPU" else name),))
        result, megabytes = answer
        if megabytes > _GROWN:
            self.restart()
        return result

    def restart(self) -> None:
        """Replace the process."""
        self.close()
        self._start()

    def close(self) -> None:
        """End the process."""
        self._ours.close()
        self._process.kill()
        self._process.join()
        shutil.rmtree(self._folder, ignore_errors=True)


def run_alone(files: Input, commands: Sequence[Command], limit: float = SECONDS) -> Result:
    """Run an input in a fresh worker."""
    worker = Worker()
    try:
        worker.send(files, commands, limit)
        return worker.result()
    finally:
        worker.close()


def _serve(channel: connection.Connection, folder: Path) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    faulthandler.disable()  # pytest has enabled it; the parent says what died
    os.environ["HOME"] = os.environ["XDG_CONFIG_HOME"] = str(folder / "home")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE, _ADDRESS_SPACE))
    coverage.start()
    begin()
    while True:
        try:
            files, commands, limit = channel.recv()
        except EOFError:
            return
        used = resource.getrusage(resource.RUSAGE_SELF)
        spent = used.ru_utime + used.ru_stime
        _, most = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (int(spent + _CPU_LIMITS * limit * max(1, len(commands))) + 1, most))
        result = run_input(files, commands, folder / "input", limit)
        channel.send((replace(result, lines=coverage.new_lines()), memory()))
