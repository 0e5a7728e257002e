"""Write queries to files: each appears whole or not at all, and what is replaced keeps its mode, owner and links.

    texts ──destination──> checked places ──> temporaries, flushed to disk ──all are written──> renamed ──> files

Nothing is created before all places are checked. If anything fails until the first file is renamed, everything is as
it was. A run that is killed leaves old and new files, none of them torn, and temporaries that the next run removes.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import ExitStack, contextmanager, suppress
from shutil import copystat
from typing import TYPE_CHECKING

from converter.errors import ConfigurationError
from converter.readers.links import descriptor_of, follow
from converter.report.console import printable
from converter.report.destination import Destination, check_links, destination, destination_in, file_id
from converter.report.staging import staged

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence
    from pathlib import Path

    from converter.report.destination import FileId

# A file system that has nothing to flush says so in one of these ways.
_CANNOT_FLUSH = {errno.EINVAL, errno.ENOTSUP, errno.EROFS, errno.EBADF}


def check_file(path: Path, inputs: Mapping[FileId, str]) -> None:
    """Raise ConfigurationError if a file that the user named must not be written; see `write_file`."""
    with _explained(path):
        destination(path, inputs)


def check_folder(folder: Path) -> None:
    """Raise ConfigurationError if files cannot be written into a folder; see `write_files`."""
    with _explained(folder):
        real, links = follow(folder)
        check_links(folder, real, links)
        for place in (real, *real.parents):
            if place.exists():
                if not place.is_dir():
                    raise ConfigurationError(f"cannot write into {folder}: {place} is not a folder")
                break


def write_file(path: Path, text: str, inputs: Mapping[FileId, str] | None = None) -> None:
    """Write the file that the user named, whole or not at all.

    A link is followed. What is not a regular file (a pipe, a device) is written to and not replaced.

    Args:
        path: the file; its folder is created if it does not exist.
        text: what it holds.
        inputs: what the run reads, and must not replace: device and inode, and what it is called.

    Raises:
        ConfigurationError: it cannot or must not be written.
    """
    with _explained(path):
        place = destination(path, inputs or {})
        if place is None:
            _write_through(path, text)
        else:
            _write_all([(place, _encoded(path, text))])


def write_files(folder: Path, texts: Mapping[str, str], inputs: Mapping[FileId, str] | None = None) -> None:
    """Write files into a folder, which is created if it does not exist.

    All are written under temporary names before the first is renamed. A link is followed to a file below the folder.

    Args:
        folder: the folder.
        texts: what the files hold, by their names.
        inputs: as of `write_file`.

    Raises:
        ConfigurationError: the folder or a file cannot or must not be written, or two names are those of one file.
    """
    check_folder(folder)
    with _explained(folder):
        outputs = [
            (destination_in(folder, name, inputs or {}), _encoded(folder / name, text)) for name, text in texts.items()
        ]
        _check_distinct([place for place, _ in outputs])
        _write_all(outputs, follow(folder)[0])


def _encoded(path: Path, text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        char = f"U+{ord(text[error.start]):04X}"
        raise ConfigurationError(f"cannot write {path}: UTF-8 has no {char}, half of a character") from None


def _check_distinct(places: Sequence[Destination]) -> None:
    seen: dict[Hashable, Path] = {}
    for place in places:
        key: Hashable = place.real if place.replaced is None else file_id(place.replaced)
        if key in seen:
            raise ConfigurationError(f"{seen[key]} and {place.shown} are the same file", hint="remove one of them")
        seen[key] = place.shown


def _write_all(outputs: Sequence[tuple[Destination, bytes]], folder: Path | None = None) -> None:
    """Write files under temporary names, then rename them; `folder` is created even if there is no file."""
    folders = dict.fromkeys(place.real.parent for place, _ in outputs)
    done = 0
    with ExitStack() as stack:
        for parent in [folder, *folders] if folder is not None else folders:
            stack.enter_context(_made(parent))
        temporaries = {parent: stack.enter_context(staged(parent)) for parent in folders}
        waiting = []
        for number, (place, data) in enumerate(outputs):
            temporary = temporaries[place.real.parent] / f".{number}"
            waiting.append((temporary, place))
            with _named(place.shown):
                _write_new(temporary, data, place)
        for temporary, place in waiting:
            with _named(place.shown, done, len(outputs)):
                os.replace(temporary, place.real)  # noqa: PTH105  Path.replace has no other meaning, and is slower
            done += 1
        for parent in folders:
            _flush_folder(parent)


def _write_new(temporary: Path, data: bytes, place: Destination) -> None:
    """Write a new file to disk; it gets the mode, the owner and the attributes of the file that it replaces."""
    mode = 0o666 if place.replaced is None else 0o600
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as stream:
        stream.write(data)
        stream.flush()
        if place.replaced is not None:
            _keep_attributes(place.real, place.replaced, temporary)
        _flush(handle)


def _keep_attributes(path: Path, old: os.stat_result, temporary: Path) -> None:
    """Give a file the owner (where the system allows it), the mode, and the attributes and access list of another."""
    new = temporary.stat()
    if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
        for owner in (old.st_uid, -1):
            with suppress(OSError):
                os.chown(temporary, owner, old.st_gid)
                break
    copystat(path, temporary)
    os.utime(temporary)
    new = temporary.stat()
    if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
        # To run as another user was not a right over that other user.
        temporary.chmod(stat.S_IMODE(old.st_mode) & ~(stat.S_ISUID | stat.S_ISGID))


def _write_through(path: Path, text: str) -> None:
    """Write to what is not a regular file; a terminal gets escapes for what is not printable."""
    own = descriptor_of(path)
    handle = os.dup(own) if own is not None else os.open(path, os.O_WRONLY | getattr(os, "O_NOCTTY", 0))
    with os.fdopen(handle, "wb") as stream:
        if stream.isatty():
            text = "\n".join("\t".join(map(printable, line.split("\t"))) for line in text.split("\n"))
        stream.write(_encoded(path, text))


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    """Create a folder and those above it; remove those that were created if an error follows."""
    missing = []
    for place in (folder, *folder.parents):
        if place.exists():
            break
        missing.append(place)
    made: list[Path] = []
    try:
        for place in reversed(missing):
            with suppress(FileExistsError):  # another run made it
                place.mkdir()
                made.append(place)
        yield
    except BaseException:
        for place in reversed(made):
            with suppress(OSError):
                place.rmdir()
        raise
    for place in made:
        _flush_folder(place.parent)


def _flush(handle: int) -> None:
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _CANNOT_FLUSH:
            raise


def _flush_folder(folder: Path) -> None:
    """Flush the names in a folder to disk."""
    if os.name != "posix":
        return
    try:
        handle = os.open(folder, os.O_RDONLY)
    except PermissionError:  # a folder that may be written and not read
        return
    try:
        _flush(handle)
    finally:
        os.close(handle)


@contextmanager
def _named(path: Path, done: int = 0, of: int = 0) -> Iterator[None]:
    """Let an error of the system name a file as the user knows it, and say how many files are written already."""
    try:
        yield
    except OSError as error:
        already = f"; {done} of {of} files are written" if done else ""
        raise ConfigurationError(f"cannot write {path}: {error.strerror or error}{already}") from None


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn an error of the system into one with a message."""
    try:
        yield
    except OSError as error:
        raise ConfigurationError(f"cannot write {path}: {error.strerror or error}") from None
