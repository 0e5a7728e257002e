"""Fuzz the command line with files of strangers.

    python -m tests.fuzz [--seconds N] [--seed N] [--jobs N] [--kind NAME]... [--save FOLDER]
    python -m tests.fuzz --replay FOLDER...

The exit status is 1 if an input fails. `--replay` runs a finding, or an entry of the corpus, through all commands of
its kind, and shows what happens.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.fuzz.execute import run_input
from tests.fuzz.kinds import Kind, all_kinds
from tests.fuzz.session import SUFFIX, Session
from tests.fuzz.workers import run_alone

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the fuzzer, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    environment = os.environ
    parser.add_argument("--seconds", type=float, default=float(environment.get("FUZZ_SECONDS", "180")))
    parser.add_argument("--seed", type=int, default=int(environment.get("FUZZ_SEED", "1")))
    parser.add_argument("--jobs", type=int, default=int(environment.get("FUZZ_JOBS", str(os.cpu_count() or 1))))
    parser.add_argument("--kind", action="append", help="a part of the name of a kind; repeatable")
    parser.add_argument("--save", type=Path, default=Path("fuzz-findings"), help="the folder for inputs that fail")
    parser.add_argument("--replay", nargs="+", type=Path, metavar="FOLDER")
    given = parser.parse_args(arguments)
    kinds = [kind for kind in all_kinds() if not given.kind or any(part in kind.name for part in given.kind)]
    if given.replay:
        return replay(given.replay)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    warm_up(kinds)
    begun = time.monotonic()
    session = Session(kinds, given.seed, given.save, _say)
    try:
        session.run(given.seconds, given.jobs)
    except KeyboardInterrupt:
        _say("interrupted")
    print(session.table())
    print(f"{time.monotonic() - begun:.0f} s, seed {given.seed}, {len(session.findings)} findings")
    for (problem, where), finding in session.findings.items():
        print(f"{finding.kind}: {problem}: {where}\n  python -m tests.fuzz --replay {finding.folder}")
    return int(bool(session.findings))


def warm_up(kinds: Sequence[Kind]) -> None:
    """Import what the commands import, once, before the workers are forked."""
    with tempfile.TemporaryDirectory() as folder:
        for kind in kinds:
            files = kind.inputs()[0]
            commands = kind.commands(files)
            run_input(files, commands[:: 1 + len(commands) // 40], Path(folder) / "input")


def replay(folders: Sequence[Path]) -> int:
    """Run inputs through all commands of their kinds, and return the exit status."""
    kinds = {kind.name.replace(" ", "_"): kind for kind in all_kinds()}
    status = 0
    for folder in folders:
        kind = kinds[folder.resolve().parent.name]
        files = read_input(folder, kind)
        for failure in run_alone(files, kind.commands(files), kind.seconds).failures:
            status = 1
            print(f"{folder}: {failure.problem}: {failure.where}\n  {' '.join(failure.command)}\n{failure.detail}")
    return status


def read_input(folder: Path, kind: Kind) -> dict[str, bytes]:
    """Return the files of an input that was written, with the one that is changed first."""
    main = next(iter(kind.inputs()[0]))
    files = {path.name.removesuffix(SUFFIX): path.read_bytes() for path in sorted(folder.iterdir())}
    return {name: files[name] for name in sorted(files, key=lambda name: (name != main, name))}


def _say(text: str) -> None:
    print(time.strftime("%H:%M:%S"), text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
