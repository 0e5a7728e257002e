"""A folder for temporaries beside the files that they become, and the removal of those that killed runs left.

    folder ──remove_abandoned──> folder ──staged──> .sigma-convert-<16 hexadecimal digits>/ in it ──> removed

A run holds a lock (flock) on its folder, which ends with the process, however it ends. So what is not locked is
abandoned. Where a file system has no such locks, it is abandoned after a day.
"""

from __future__ import annotations

import os
import re
import sys
from contextlib import contextmanager, suppress
from secrets import token_hex
from time import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PREFIX = ".sigma-convert-"
_OURS = re.compile(rf"{re.escape(_PREFIX)}[0-9a-f]{{16}}")
_ABANDONED_SECONDS = 86_400


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """Remove what killed runs left in a folder, and create a folder in it for the temporaries of this run.

    Raises:
        OSError: it cannot be created.
    """
    remove_abandoned(folder)
    place, handle = _create(folder)
    try:
        yield place
    finally:
        _remove(place)
        if handle is not None:
            os.close(handle)


def remove_abandoned(folder: Path) -> None:
    """Remove the temporaries of runs that have ended; those of others, and what cannot be removed, are left."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _OURS.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
                with suppress(OSError):
                    _remove_if_abandoned(folder / entry.name)


def _create(folder: Path) -> tuple[Path, int | None]:
    """Return a new folder and the handle that locks it; None where there are no locks."""
    while True:
        place = folder / f"{_PREFIX}{token_hex(8)}"
        place.mkdir(0o700)
        try:
            handle = _locked(place)
        except (BlockingIOError, FileNotFoundError):  # another run takes it for abandoned, as it was not locked yet
            continue
        except OSError:
            return place, None
        if _is_still(place, handle):
            return place, handle
        os.close(handle)


def _remove_if_abandoned(place: Path) -> None:
    try:
        handle = _locked(place)
    except BlockingIOError:
        return
    except OSError:
        if time() - place.lstat().st_mtime > _ABANDONED_SECONDS:
            _remove(place)
        return
    try:
        if _is_still(place, handle):
            _remove(place)
    finally:
        os.close(handle)


def _locked(place: Path) -> int:
    """Return a handle of a folder that locks it until it is closed.

    Raises:
        BlockingIOError: another run has locked it.
        OSError: there are no locks.
    """
    if sys.platform == "win32":
        raise OSError("folders cannot be locked")
    import fcntl  # noqa: PLC0415  only POSIX has it

    handle = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise
    return handle


def _is_still(place: Path, handle: int) -> bool:
    try:
        return os.path.samestat(place.lstat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def _remove(place: Path) -> None:
    """Remove the temporaries and their folder. What else somebody has put into it is left."""
    with suppress(OSError):
        with os.scandir(place) as entries:
            names = [entry.name for entry in entries if not entry.is_dir(follow_symlinks=False)]
        for name in names:
            with suppress(OSError):
                (place / name).unlink()
        place.rmdir()
