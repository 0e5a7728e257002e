"""Find out where a path really leads, and refuse to write there what must not be written.

    path ──follow──> real path, links on the way ──Destination──> a new file | a file to replace | a stream to write to

A file is refused that the run reads, that is read-only, that has a second name (a hard link: replacing it would part
the two, and writing into it could leave it half written), or to which a link leads out of its repository: a
stranger's pull request can bring a link, but not the folder that the user means.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from converter.errors import ConfigurationError
from converter.readers.links import follow, is_descriptor
from converter.readers.scope import repository_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

FileId = tuple[int, int]
"""Device and inode: what two names of one file have in common."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a file is written.

    Attributes:
        shown: the path as the user knows it.
        real: the path without links.
        replaced: the status of the regular file that is there; None if there is none.
    """

    shown: Path
    real: Path
    replaced: os.stat_result | None


def file_id(status: os.stat_result) -> FileId:
    """Return what identifies a file, whatever it is called."""
    return status.st_dev, status.st_ino


def destination(path: Path, inputs: Mapping[FileId, str]) -> Destination | None:
    """Return where a file is written that the user named, or None for a pipe, a device or another stream.

    Raises:
        ConfigurationError: it must not be written.
        OSError: it cannot be looked at.
    """
    real, links = follow(path)
    if is_descriptor(real):
        return None
    status = _status(real)
    if status is not None and stat.S_ISDIR(status.st_mode):
        raise ConfigurationError(f"cannot write {path}: it is a folder", hint="-d DIR writes into a folder")
    if status is not None and not stat.S_ISREG(status.st_mode):
        return None
    check_links(path, real, links)
    return _checked(Destination(path, real, status), inputs)


def destination_in(folder: Path, name: str, inputs: Mapping[FileId, str]) -> Destination:
    """Return where a file of a folder is written, whose name a rule has chosen.

    A link is followed to a file below the folder, but not into what is hidden there.

    Raises:
        ConfigurationError: it must not be written.
        OSError: it cannot be looked at.
    """
    path = folder / name
    top, _ = follow(folder)
    real, links = follow(top / name)
    if links:
        _check_below(path, links[0], real, top, "folder")
    status = _status(real)
    if status is not None and not stat.S_ISREG(status.st_mode):
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "not a regular file"
        raise ConfigurationError(f"cannot write {path}: it is {kind}")
    return _checked(Destination(path, real, status), inputs)


def check_links(path: Path, real: Path, links: Sequence[Path]) -> None:
    """Raise ConfigurationError if a link of a repository leads out of it, or into what is hidden there."""
    for link in links:
        repository = repository_of(link.parent)
        if repository is not None:
            _check_below(path, link, real, repository, "repository")


def _check_below(path: Path, link: Path, real: Path, top: Path, what: str) -> None:
    if not real.is_relative_to(top):
        where = f"leads out of the {what} {top}, to {real}"
    elif any(part.startswith(".") for part in real.relative_to(top).parts):
        where = f"leads to what is hidden in the {what} {top}: {real}"
    else:
        return
    raise ConfigurationError(f"cannot write {path}: the link {link} {where}", hint="remove it, or name where it leads")


def _checked(place: Destination, inputs: Mapping[FileId, str]) -> Destination:
    status, path = place.replaced, place.shown
    if status is None:
        return place
    if file_id(status) in inputs:
        name = inputs[file_id(status)]
        same = "" if name.endswith(f" {path}") else f" ({path} is the same file)"
        raise ConfigurationError(f"the output would replace {name}{same}", hint="write to another file")
    if not status.st_mode & 0o222 or not os.access(place.real, os.W_OK):
        raise ConfigurationError(f"cannot write {path}: it is read-only", hint=f"chmod u+w {path}, or remove it")
    if status.st_nlink > 1:
        names = f"{status.st_nlink} names (hard links)"
        message = f"cannot write {path}: the file has {names}, and replacing it would part them"
        raise ConfigurationError(message, hint=f"remove {path} first, or write to another file")
    return place


def _status(real: Path) -> os.stat_result | None:
    try:
        return real.lstat()
    except FileNotFoundError:
        return None
