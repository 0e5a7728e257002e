"""Run one input through the commands of its kind, in this process, and judge what happens.

    input ──folder──> commands ──main()──> statuses, what is printed ──> Failure...; outcomes that were not seen yet

A failure is a crash (an exception that is not an error of the input, a status that docs/cli.md does not have), what
`guard.py` forbids, two seconds of CPU time, or 500 MB of memory. Signals and exhausted memory are seen by `workers.py`.
"""

from __future__ import annotations

import io
import os
import re
import resource
import signal
import sys
import traceback
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from converter.cli import main
from converter.cli.common import BAD_INPUT, BUG, FINDINGS, OK, WRONG_USAGE
from tests.fuzz.guard import Guard

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import FrameType

    from tests.fuzz.kinds import Command
    from tests.fuzz.seeds import Input

PLACES = "places"
"""A command that is not a verb: `places TARGET PLACE` judges what becomes of a text (tests/support/places.py)."""
SECONDS = 2.0
"""How much CPU time a command may take, if its kind says nothing else."""
MEGABYTES = 500
"""How much memory the process may have."""
Problem: TypeAlias = Literal["crash", "escape", "slow", "memory", "death"]
_STATUSES = {OK, FINDINGS, BAD_INPUT, WRONG_USAGE}
_SAID = re.compile(r"(?:error|refused|warning)[^:]*: (.*)")
_VARIES = re.compile(r"'[^']*'|\"[^\"]*\"|[\d.]+")
_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True, slots=True)
class Failure:
    """What an input did that it may not.

    Attributes:
        problem: its kind.
        where: what tells it from other failures: the exception and the line of ours that raised it.
        command: the command line; empty if that is not known.
        detail: a traceback, or a figure.
    """

    problem: Problem
    where: str
    command: Command = ()
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """What an input did: failures, and the outcomes and lines of code by which it is told from others."""

    failures: tuple[Failure, ...] = ()
    outcomes: frozenset[str] = field(default_factory=frozenset)
    lines: frozenset[str] = field(default_factory=frozenset)


_guard: Guard | None = None
_inherited = 0
_PROGRAM = 150  # MB, of the fuzzer once all verbs are imported


def run_input(files: Input, commands: Sequence[Command], folder: Path, limit: float = SECONDS) -> Result:
    """Run commands on the files of an input in a folder, which is emptied before."""
    global _guard  # noqa: PLW0603  an audit hook stays as long as its process
    if _guard is None:
        _guard = Guard()
    failures: list[Failure] = []
    outcomes: set[str] = set()
    for command in commands:
        _fill(folder, files)
        status, said, seconds, slow_at, error = _run(command, folder, _guard, limit)
        outcomes.update((f"{command[0]} {status}", *_outcomes(said)))
        if _guard.escapes:
            failures.append(Failure("escape", _guard.escapes[0], command))
        elif error or status not in _STATUSES:
            failures.append(_crash(command, folder, status, error, said))
        if seconds > limit:
            failures.append(Failure("slow", slow_at, command, f"{seconds:.1f} s"))
        if memory() > MEGABYTES:
            failures.append(Failure("memory", command[0], command, f"{memory()} MB"))
            break
    return Result(tuple(failures), frozenset(outcomes))


def begin() -> None:
    """Begin a process: what it has from a parent that is larger than the fuzzer, as pytest is, is not its own."""
    global _inherited  # noqa: PLW0603  of the process
    _inherited = 0
    _inherited = max(0, memory() - _PROGRAM)


def memory() -> int:
    """Return the most memory that this process has had, or one of its own, in MB."""
    used = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return max(used) * _UNIT // 2**20 - _inherited


def _cpu_seconds() -> float:
    """Return the CPU time of this process, and of its own that have ended."""
    return sum(os.times()[:4])


def _fill(folder: Path, files: Input) -> None:
    """Make a folder that has the files of an input and nothing else; it is the root of a repository."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        else:
            path.unlink()
    (folder / ".git").mkdir(parents=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)


def _check_places(command: Command) -> int:
    """Check what becomes of a text in a place of a rule, and return an exit status. Raises AssertionError."""
    from tests.support.places import EVERY, check  # noqa: PLC0415  only for one kind

    _, target, place = command
    text = Path("text").read_bytes().decode("utf-8", "surrogateescape")
    (variant,) = (variant for variant in EVERY if str(variant) == target)
    return OK if check(variant, place, text) else BAD_INPUT


def _run(command: Command, folder: Path, guard: Guard, limit: float) -> tuple[int, str, float, str, str]:
    """Return the status, standard error, the CPU seconds, where it was when they were too many, and the traceback."""
    home = Path.cwd()
    os.chdir(folder)
    error = ""
    status = -1
    with _captured() as stderr, _alarm(limit) as slow_at:
        start = _cpu_seconds()
        guard.watch(folder)
        try:
            status = _check_places(command) if command[0] == PLACES else main(command)
        except BaseException as escaped:  # noqa: BLE001  whatever leaves the command line is what we look for
            guard.stop()  # a traceback reads the sources
            error = "".join(traceback.format_exception(escaped))
        guard.stop()
        seconds = _cpu_seconds() - start
    os.chdir(home)
    return status, stderr(), seconds, slow_at[0] if slow_at else "", error


@contextmanager
def _captured() -> Iterator[_Said]:
    """Replace the standard streams."""
    mine = sys.stdin, sys.stdout, sys.stderr
    with Path(os.devnull).open(encoding="utf-8") as nothing:
        sys.stdin = nothing
        sys.stdout, sys.stderr = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
        try:
            yield _Said(sys.stderr)
        finally:
            sys.stdin, sys.stdout, sys.stderr = mine


class _Said:
    """What was written to standard error, once it is asked for."""

    def __init__(self, stream: io.TextIOWrapper) -> None:
        self._stream = stream

    def __call__(self) -> str:
        self._stream.flush()
        data = self._stream.buffer
        return data.getvalue().decode(errors="replace") if isinstance(data, io.BytesIO) else ""


@contextmanager
def _alarm(limit: float) -> Iterator[list[str]]:
    """Yield a list that gets the place in our code where the CPU time ran out."""
    slow_at: list[str] = []

    def note(_: int, frame: FrameType | None) -> None:
        slow_at.append(_place(frame))

    before = signal.signal(signal.SIGPROF, note)
    signal.setitimer(signal.ITIMER_PROF, limit)
    try:
        yield slow_at
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _place(frame: FrameType | None) -> str:
    """Return the innermost place in our code, as `file:function`; no file is read for it."""
    while frame is not None:
        if "/converter/" in frame.f_code.co_filename:
            return f"{frame.f_code.co_filename.rpartition('/converter/')[2]}:{frame.f_code.co_name}"
        frame = frame.f_back
    return "outside"


def _crash(command: Command, folder: Path, status: int, error: str, said: str) -> Failure:
    """Return what crashed, with the traceback that `--debug` shows."""
    if not error:
        home = Path.cwd()
        os.chdir(folder)
        with _captured() as stderr:
            try:
                main(("--debug", *command))
            except Exception:  # noqa: BLE001  whatever it is
                error = traceback.format_exc()
            else:
                error = stderr() if "Traceback" in stderr() else said
        os.chdir(home)
    frames = re.findall(r'File ".*/converter/([^"]+)", line (\d+), in (\w+)', error)
    last = re.findall(r"^(?:internal error: )?([\w.]*[A-Z]\w*)(?:: |$)", error, re.MULTILINE)
    name = last[-1].rpartition(".")[2] if last else ""
    at = ":".join(frames[-1][::2]) if frames else ""
    where = f"{name} at {at}" if status in {BUG, -1} else f"status {status}"
    return Failure("crash", where, command, error[-4000:])


def _outcomes(said: str) -> set[str]:
    return {_VARIES.sub("", message)[:80] for message in _SAID.findall(said[:20_000])}
