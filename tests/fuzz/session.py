"""A run of the fuzzer: inputs from the pool of each kind in turn, counts, findings.

    pool of a kind ──mutate──> input ──Worker──> Result ──┬──> a failure: tried alone, made smaller, written to a folder
      ^                                                   │
      └───────────── an input with a new outcome ─────────┘

The outcomes of an input are the statuses and messages of its commands, and the lines of code that it is the first to
reach. With the same seed and one worker, the same inputs are made.
"""

from __future__ import annotations

import gzip
import hashlib
import random
import re
import time
import zlib
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from typing import TYPE_CHECKING

from tests.fuzz.mutate import Words, mutate
from tests.fuzz.workers import Worker, run_alone

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.fuzz.execute import Failure, Problem, Result
    from tests.fuzz.kinds import Command, Kind
    from tests.fuzz.seeds import Input

SUFFIX = ".input"
"""Of the files of a finding: another tool must not take one for its own, such as an invalid `pyproject.toml`."""
_MOST_IN_POOL = 4000
_SMALL = 5000
_TRIES = 60
_SHOWN = 600.0
COLUMNS: dict[str, tuple[Problem, ...]] = {
    "crashes": ("crash", "death"),
    "escapes": ("escape",),
    "over 2 s": ("slow",),
    "over 500 MB": ("memory",),
}
"""What the report counts: the names of its columns, and the problems in each."""


@dataclass(slots=True)
class Pool:
    """The inputs of a kind, and what came of them.

    Attributes:
        outcomes: the outcomes that they had, and the lines that they reached.
        tried: how many inputs have been made of it.
        failed: how many of them failed, by problem.
    """

    kind: Kind
    inputs: list[Input] = field(default_factory=list)
    words: Words = field(default_factory=Words)
    outcomes: set[str] = field(default_factory=set)
    tried: int = 0
    failed: Counter[Problem] = field(default_factory=Counter)

    @classmethod
    def of(cls, kind: Kind) -> Pool:
        """Return the pool with which a kind begins."""
        pool = cls(kind, list(kind.inputs()))
        pool.words.learn((_text(kind, item) for item in pool.inputs), kind.syntax)
        return pool

    def draw(self, rng: random.Random) -> tuple[Input, tuple[Command, ...]]:
        """Return a new input, and what to do with it."""
        files = dict(rng.choice(self.inputs))
        main, *beside = files
        text = mutate(rng, _text(self.kind, files), self.kind.syntax, self.words)
        data = (
            text.encode("utf-8", "surrogateescape" if rng.random() < 0.9 else "surrogatepass")
            if _encodes(text)
            else text.encode("utf-8", "replace")
        )
        files[main] = gzip.compress(data, 1, mtime=0) if self.kind.packed else data
        if self.kind.packed and rng.random() < 0.3:
            files[main] = _damaged(rng, files[main])
        if beside and rng.random() < 0.1:
            other = rng.choice(beside)
            changed = mutate(rng, files[other].decode("utf-8", "surrogateescape"), "text", self.words)
            files[other] = changed.encode("utf-8", "surrogateescape") if _encodes(changed) else files[other]
        commands = self.kind.commands(files)
        always, rest = commands[: self.kind.always], commands[self.kind.always :]
        return files, (*always, *rng.sample(list(rest), min(len(rest), rng.randint(1, self.kind.drawn))))

    def learn(self, files: Input, result: Result) -> None:
        """Keep an input that had a new outcome, or reached new lines."""
        reached = result.outcomes | result.lines
        small = len(next(iter(files.values()))) < _SMALL and len(self.inputs) < _MOST_IN_POOL
        if reached - self.outcomes and small and not result.failures:
            self.inputs.append(files)
            self.words.texts.append(_text(self.kind, files))
        self.outcomes |= reached


@dataclass(frozen=True, slots=True)
class Finding:
    """A failure of an input, and where the input was written."""

    kind: str
    failure: Failure
    folder: Path


class Session:
    """One run.

    Args:
        kinds: what to try.
        seed: of the generators.
        save: the folder for findings.
        say: is called with sentences about the progress.
    """

    def __init__(self, kinds: Sequence[Kind], seed: int, save: Path, say: Callable[[str], None]) -> None:
        self.pools = [Pool.of(kind) for kind in kinds]
        most = max(kind.share for kind in kinds)
        self._turns = [pool for turn in range(most) for pool in self.pools if turn < pool.kind.share]
        self.findings: dict[tuple[Problem, str], Finding] = {}
        self._seed = seed
        self._save = save
        self._say = say
        self._made = 0

    def run(self, seconds: float, jobs: int = 1) -> None:
        """Try inputs for a time."""
        end = time.monotonic() + seconds
        shown = time.monotonic() + _SHOWN
        workers = [Worker() for _ in range(jobs)]
        running: dict[int, tuple[Pool, Input, tuple[Command, ...]]] = {}
        try:
            while time.monotonic() < end or running:
                for at, worker in enumerate(workers):
                    if at not in running and time.monotonic() < end:
                        pool, files, commands = running[at] = self.draw()
                        worker.send(files, commands, pool.kind.seconds)
                ready = wait([workers[at].channel for at in running], timeout=310)
                done = [at for at in running if workers[at].channel in ready] or list(running)
                for at in done:
                    self._judge(*running.pop(at), workers[at].result())
                if time.monotonic() > shown:
                    shown += _SHOWN
                    self._say(self.table())
        finally:
            for worker in workers:
                worker.close()

    def draw(self) -> tuple[Pool, Input, tuple[Command, ...]]:
        """Return the next input, the pool of its kind, and what to do with it."""
        pool = self._turns[self._made % len(self._turns)]
        rng = random.Random(f"{self._seed} {pool.kind.name} {pool.tried}")
        self._made += 1
        pool.tried += 1
        files, commands = pool.draw(rng)
        return pool, files, commands

    def _judge(self, pool: Pool, files: Input, commands: tuple[Command, ...], result: Result) -> None:
        pool.learn(files, result)
        if not result.failures:
            return
        if any(
            (failure.problem, failure.where) not in self.findings or failure.problem in {"slow", "memory"}
            for failure in result.failures
        ):
            result = run_alone(files, commands, pool.kind.seconds)
        for problem in {failure.problem for failure in result.failures}:
            pool.failed[problem] += 1
        for failure in result.failures:
            key = failure.problem, failure.where
            if key not in self.findings:
                self.findings[key] = self._write(pool.kind, smaller(files, failure), failure)

    def _write(self, kind: Kind, files: Input, failure: Failure) -> Finding:
        digest = hashlib.sha256(b"\0".join(files.values())).hexdigest()[:8]
        words = re.sub(r"\W+", "_", f"{failure.problem}_{failure.where}")[:60].strip("_")
        folder = self._save / kind.name.replace(" ", "_") / f"{words}_{digest}"
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (folder / f"{name}{SUFFIX}").write_bytes(data)
        again = f"python -m tests.fuzz --replay {folder}"
        text = f"{failure.problem}: {failure.where}\n{' '.join(failure.command)}\n{again}\n\n{failure.detail}\n"
        folder.with_suffix(".txt").write_text(text, encoding="utf-8", errors="backslashreplace")
        self._say(f"{kind.name}: {failure.problem}: {failure.where}: {folder}")
        return Finding(kind.name, failure, folder)

    def table(self) -> str:
        """Return the counts of each kind."""
        rows = [[pool.kind.name, f"{pool.tried:,}", *_counts([pool])] for pool in self.pools]
        rows.append(["all", f"{sum(pool.tried for pool in self.pools):,}", *_counts(self.pools)])
        rows.insert(0, ["kind", "inputs", *COLUMNS])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join("  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows)


def _counts(pools: Sequence[Pool]) -> list[str]:
    return [f"{sum(pool.failed[problem] for pool in pools for problem in problems):,}" for problems in COLUMNS.values()]


def smaller(files: Input, failure: Failure) -> Input:
    """Return a smaller input that still crashes in the same place; another failure costs too much to try often."""
    if failure.problem not in {"crash", "escape"} or not failure.command:
        return files
    main = next(iter(files))
    worker = Worker()
    tries = 0

    def fails(data: bytes) -> bool:
        nonlocal tries
        tries += 1
        worker.send({**files, main: data}, (failure.command,))
        return any(
            (other.problem, other.where) == (failure.problem, failure.where) for other in worker.result().failures
        )

    try:
        best = files[main]
        for separator in (b"\n", b" ", b""):
            size = max(1, len(_parts(best, separator)) // 2)
            while tries < _TRIES:
                best, size = _without(best, separator, size, fails), size // 2
                if not size:
                    break
    finally:
        worker.close()
    return {**files, main: best}


def _without(data: bytes, separator: bytes, size: int, fails: Callable[[bytes], bool]) -> bytes:
    """Return the data without those of its parts that are not needed, `size` of them at a time."""
    parts = _parts(data, separator)
    at = 0
    for _ in range(_TRIES):
        if at >= len(parts):
            break
        fewer = parts[:at] + parts[at + size :]
        if fewer and fails(separator.join(fewer)):
            parts = fewer
        else:
            at += size
    return separator.join(parts)


def _parts(data: bytes, separator: bytes) -> list[bytes]:
    return data.split(separator) if separator else [data[at : at + 1] for at in range(len(data))]


def _text(kind: Kind, files: Input) -> str:
    data = next(iter(files.values()))
    if kind.packed:
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error):
            data = b""
    return data.decode("utf-8", "surrogateescape")


def _encodes(text: str) -> bool:
    try:
        text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True


def _damaged(rng: random.Random, data: bytes) -> bytes:
    """Return compressed data with some bytes changed, cut or repeated."""
    at = rng.randrange(len(data) + 1)
    match rng.randrange(4):
        case 0:
            return data[:at]
        case 1:
            return data + data
        case 2:
            return data + rng.randbytes(20)
        case _:
            return data[:at] + rng.randbytes(rng.choice((1, 4))) + data[at + 1 :]
