"""The fuzzer: every input that once failed, and whether the fuzzer would notice a failure."""

from __future__ import annotations

import os
import subprocess
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fuzz.__main__ import read_input, warm_up
from tests.fuzz.kinds import all_kinds, languages, targets
from tests.fuzz.session import COLUMNS, Session
from tests.fuzz.workers import run_alone

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.fuzz.kinds import Kind

CORPUS = Path(__file__).parent / "corpus"
KINDS = {kind.name.replace(" ", "_"): kind for kind in all_kinds()}
ENTRIES = sorted(path for path in CORPUS.glob("*/*") if path.is_dir())


@cache
def warm(kind: Kind) -> Kind:
    """Return a kind whose commands have imported what they import: that is not to count as their time."""
    warm_up([kind])
    return kind


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_once_failed_does_not_fail(entry: Path) -> None:
    kind = warm(KINDS[entry.parent.name])
    files = read_input(entry, kind)
    assert run_alone(files, kind.commands(files), kind.seconds).failures == ()


@pytest.mark.parametrize("kind", all_kinds(), ids=lambda kind: kind.name)
def test_a_kind_begins_with_inputs_that_do_not_fail(kind: Kind) -> None:
    inputs = warm(kind).inputs()
    files = inputs[len(inputs) // 2]
    commands = kind.commands(files)
    assert run_alone(files, [*commands[:1], commands[-1]], kind.seconds).failures == ()


def test_every_target_and_language_is_tried() -> None:
    for name in ("rules", "pipelines", "cases"):
        commands = KINDS[name].commands({})
        assert set(targets()) <= {command[command.index("-t") + 1] for command in commands if "-t" in command}
    assert {f"queries_{language}" for language in languages()} <= set(KINDS)


def _crash(_: Sequence[str]) -> int:
    raise ZeroDivisionError


def _bug(_: Sequence[str]) -> int:
    return 70


def _read(_: Sequence[str]) -> int:
    return len(Path("../../secret").read_bytes())


def _write(_: Sequence[str]) -> int:
    return Path("../../escaped").write_bytes(b"")


def _follow(_: Sequence[str]) -> int:
    Path("link").symlink_to("/etc/hosts")
    return len(Path("link").read_bytes())


def _execute(_: Sequence[str]) -> int:
    return subprocess.run(["true"], check=False).returncode  # noqa: S607  it is not run


def _hidden(_: Sequence[str]) -> int:
    try:
        return _execute(())
    except Exception:  # noqa: BLE001  the program may catch what the guard raises
        return 2


def _spin(_: Sequence[str]) -> int:
    end = time.process_time() + 2.2
    while time.process_time() < end:
        pass
    return 0


def _grow(_: Sequence[str]) -> int:
    return len(bytearray(b"x") * 600_000_000) * 0


def _die(_: Sequence[str]) -> int:
    os.abort()


@pytest.mark.parametrize(
    ("main", "problem"),
    [
        (_crash, "crash"),
        (_bug, "crash"),
        (_read, "escape"),
        (_write, "escape"),
        (_follow, "escape"),
        (_execute, "escape"),
        (_hidden, "escape"),
        (_spin, "slow"),
        (_grow, "memory"),
        (_die, "death"),
    ],
)
def test_a_failure_is_noticed(
    main: Callable[[Sequence[str]], int], problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.fuzz.execute.main", main)
    (failure,) = run_alone({"rule.yml": b"title: x"}, [("check", "rule.yml")]).failures
    assert failure.problem == problem


def test_what_fails_is_counted_and_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tests.fuzz.execute.main", _crash)
    said: list[str] = []
    session = Session([KINDS["configuration"]], 1, tmp_path, said.append)
    session.run(0.5)
    ((problem, where),) = session.findings
    assert (problem, where) == ("crash", "ZeroDivisionError at ")
    (entry,) = (path for path in tmp_path.glob("*/*") if path.is_dir())
    assert set(read_input(entry, KINDS["configuration"])) >= {"rule.yml", "sigma-convert.toml"}
    assert entry.with_suffix(".txt").read_text(encoding="utf-8").startswith("crash: ZeroDivisionError")
    head, row, total = session.table().splitlines()
    assert all(name in head for name in COLUMNS)
    assert row.split()[1:] == total.split()[1:]
    assert row.split()[1] == row.split()[2] != "0"


def test_the_same_seed_makes_the_same_inputs() -> None:
    first, second = (Session([KINDS["logs"]], 7, Path(), print) for _ in range(2))
    assert [first.draw()[1:] for _ in range(20)] == [second.draw()[1:] for _ in range(20)]


def test_inputs_are_changed() -> None:
    session = Session([KINDS["macros"]], 1, Path(), print)
    begun = {item["macros.conf"] for item in KINDS["macros"].inputs()}
    assert len({session.draw()[1]["macros.conf"] for _ in range(50)} - begun) > 30
