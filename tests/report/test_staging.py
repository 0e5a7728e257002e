"""Temporaries: those of a run that has ended are removed by the next, those of a run that goes on are not."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from converter.report.staging import remove_abandoned, staged

if TYPE_CHECKING:
    from pathlib import Path

HOLD = """
import sys
from pathlib import Path
from converter.report.staging import staged
with staged(Path(sys.argv[1])) as place:
    (place / ".0").write_text("half")
    print(place, flush=True)
    sys.stdin.read()
"""


def hold(folder: Path) -> subprocess.Popen[str]:
    """Start a run that keeps its temporaries until its standard input is closed."""
    command = [sys.executable, "-c", HOLD, str(folder)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603  ours
    assert process.stdout is not None
    process.stdout.readline()
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.communicate()


def test_the_folder_is_removed_at_the_end(tmp_path: Path) -> None:
    def fail() -> None:
        with staged(tmp_path) as place:
            (place / "x").write_text("1")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert not list(tmp_path.iterdir())


def test_a_killed_run_leaves_what_the_next_removes(tmp_path: Path) -> None:
    process = hold(tmp_path)
    process.kill()
    end(process)
    (abandoned,) = tmp_path.iterdir()
    with staged(tmp_path) as place:
        assert list(tmp_path.iterdir()) == [place]
        assert place != abandoned
    assert not list(tmp_path.iterdir())


def test_a_run_that_goes_on_keeps_its_temporaries(tmp_path: Path) -> None:
    process = hold(tmp_path)
    (place,) = tmp_path.iterdir()
    remove_abandoned(tmp_path)
    with staged(tmp_path):
        pass
    assert (place / ".0").read_text() == "half"
    end(process)
    assert process.returncode == 0
    assert not list(tmp_path.iterdir())


def test_what_is_not_ours_is_left(tmp_path: Path) -> None:
    name = ".sigma-convert-0123456789abcdef"
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim/file").write_text("precious")
    (tmp_path / name).symlink_to("victim")
    (tmp_path / f"{name}0").mkdir()
    (tmp_path / ".sigma-convert-backup").mkdir()
    (tmp_path / ".sigma-convert-fedcba9876543210").write_text("a file")
    before = set(tmp_path.rglob("*"))
    remove_abandoned(tmp_path)
    assert set(tmp_path.rglob("*")) == before


def test_of_a_planted_folder_only_files_are_removed(tmp_path: Path) -> None:
    planted = tmp_path / ".sigma-convert-0123456789abcdef"
    (planted / "below").mkdir(parents=True)
    (planted / "below/file").write_text("precious")
    (planted / "link").symlink_to("/")
    remove_abandoned(tmp_path)
    assert (planted / "below/file").read_text() == "precious"
    assert not (planted / "link").is_symlink()


def test_a_run_whose_folder_is_taken_for_abandoned_makes_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock, calls = fcntl.flock, []

    def late(handle: int, how: int) -> None:
        calls.append(handle)
        if len(calls) == 1:  # another run comes between making the folder and locking it
            (folder,) = tmp_path.iterdir()
            folder.rmdir()
        flock(handle, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with staged(tmp_path) as place:
        assert place.is_dir()
    assert len(calls) == 2


def test_without_locks_what_is_a_day_old_is_abandoned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with staged(tmp_path) as place:
        remove_abandoned(tmp_path)
        assert place.is_dir()
        os.utime(place, (1, 1))
        remove_abandoned(tmp_path)
        assert not place.exists()
