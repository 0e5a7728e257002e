"""Which files a file may name: those inside the repository, and those inside the folders of the command line.

    current folder, paths of the command line ──Scope.of──> roots ──┐
    path that a file names, or that a folder holds ─────────────────┴─find──> the file to open, or ScopeError

A case, a configuration or a folder of rules may come from a stranger, for example with a pull request. What it names
is resolved, links included, and must then be inside a root; a folder `.git` is in none, because it holds credentials.
What the command line names is the user's choice, except that a link inside a repository may not lead out of it: the
user named the link, and a stranger may have made it. docs/security.md has the reasons.

The path that `find` returns is the one to open: what it resolves to has been looked at, and is not resolved again.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from converter.readers.links import follow

if TYPE_CHECKING:
    from collections.abc import Iterable

_GIT = ".git"
_STANDARD_INPUT = "-"
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISLNK, "a loop of links"),  # any other link has been resolved
)


class ScopeError(Exception):
    """A file or folder may not be read, or is not there. The message is a sentence without its subject, the path.

    Attributes:
        hint: what can be done; may be empty.
        missing: whether it is inside the scope, and does not exist.
    """

    def __init__(self, reason: str, hint: str = "", *, missing: bool = False) -> None:
        super().__init__(reason)
        self.hint = hint
        self.missing = missing


@dataclass(frozen=True, slots=True)
class Scope:
    """The folders inside which files may name other files.

    Attributes:
        roots: absolute paths without links; each is a repository, or a folder that is in none.
    """

    roots: tuple[Path, ...]

    @classmethod
    def of(cls, given: Iterable[str | Path] = ()) -> Scope:
        """Return the scope of a run.

        The roots are the repository of the current folder and those of the given paths. A given path that is in no
        repository counts as itself, or as the current folder if it is inside that. Without a repository and without
        paths, the root is the current folder.

        Args:
            given: files and folders of the command line; `-` is none. A path that does not exist does no harm.
        """
        here = current_folder()
        repository = None if here is None else repository_of(here)
        roots = [] if repository is None else [repository]
        for path in given:
            if str(path) != _STANDARD_INPUT and (folder := _folder_of(path)) is not None:
                own = repository_of(folder)
                # The root of the file system would make every file a part of the scope.
                inside = here is not None and here != Path(here.anchor) and folder.is_relative_to(here)
                roots.append(own or (here if here is not None and inside else folder))
        if not roots and here is not None:
            roots.append(here)
        return cls(tuple(dict.fromkeys(roots)))

    def file(self, path: str | Path) -> Path:
        """Return the path to open for a file that a file names, or that is in a folder.

        It is the given path if there is no link on it, and otherwise what it resolves to. Nothing is opened.

        Raises:
            ScopeError: it is outside the scope, does not exist, or is not a regular file.
        """
        real, mode = self._look(path)
        if not stat.S_ISREG(mode):
            raise ScopeError(f"is {_kind(mode)}, not a file")
        return _unlinked(path, real)

    def any(self, path: str | Path) -> Path:
        """Return the path to open for a file or a folder; otherwise like `file`."""
        real, mode = self._look(path)
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise ScopeError(f"is {_kind(mode)}, not a file or folder")
        return _unlinked(path, real)

    def check(self, path: str | Path) -> Path:
        """Return what a path resolves to, whatever it is; it need not exist.

        Raises:
            ScopeError: it is outside the scope.
        """
        real = _resolve(path)
        # Whether a file outside exists is not told either, so this comes first.
        root = next((root for root in self.roots if real.is_relative_to(root)), None)
        if root is None:
            raise self._outside()
        if _GIT in (part.casefold() for part in real.relative_to(root).parts):
            raise ScopeError("is in .git, which belongs to Git")
        return real

    def _look(self, path: str | Path) -> tuple[Path, int]:
        """Return what a path resolves to, and its mode. Raises ScopeError."""
        real = self.check(path)
        try:
            return real, real.lstat().st_mode
        except (OSError, ValueError) as error:
            raise _unreadable(error) from None

    def _outside(self) -> ScopeError:
        where = " and ".join(f"the {_noun(root)} {root}" for root in self.roots) or "every folder that was given"
        hint = "a file may name files inside the repository, and inside folders that the command line names"
        return ScopeError(f"is outside {where}", hint)


def check_named(path: str | Path) -> None:
    """Check a path that the command line names: it may be anything but a link out of the link's repository.

    Standard input and paths that do not exist are left to their readers.

    Raises:
        ScopeError: a link on the path is inside a repository, and what the path resolves to is not.
    """
    if str(path) == _STANDARD_INPUT:
        return
    try:
        _, links = follow(Path(path))
    except (OSError, ValueError):
        return
    for link in links:
        repository = repository_of(link.parent)
        if repository is not None and not _contains(repository, Path(os.path.realpath(link))):
            raise ScopeError(
                f"is a link out of the repository {repository}", "if that is meant, name what it leads to instead"
            )


def current_folder() -> Path | None:
    """Return the current folder without links; None if it has been deleted."""
    try:
        return Path(os.path.realpath(Path.cwd()))
    except OSError:
        return None


def repository_of(folder: Path) -> Path | None:
    """Return the nearest folder with `.git` at or above a folder that has no links; None if there is none.

    As for Git (its `safe.directory`), a repository above counts only if it is not a stranger's: on a shared machine,
    anyone can create `/tmp/.git`. It must belong to the user, to root, or to the owner of the folder itself.
    """
    for above in (folder, *folder.parents):
        # A folder, or the file of a worktree or a submodule.
        if os.path.lexists(above / _GIT) and _is_trusted(above / _GIT, folder) and _is_trusted(above, folder):
            return above
    return None


def is_strange(file: Path) -> bool:
    """Return whether a file without links is a stranger's, in a folder where everybody can create files."""
    try:
        return bool(file.parent.stat().st_mode & stat.S_IWOTH) and not _is_trusted(file, file.parent)
    except OSError:
        return False


def _is_trusted(path: Path, folder: Path) -> bool:
    """Return whether a path belongs to the user, to root, or to the owner of a folder."""
    if not hasattr(os, "geteuid"):  # Windows: not everybody can write to the folders above
        return True
    try:
        return path.lstat().st_uid in {os.geteuid(), 0, folder.stat().st_uid}
    except OSError:
        return False


def _contains(root: Path, real: Path) -> bool:
    return real.is_relative_to(root) and _GIT not in (part.casefold() for part in real.relative_to(root).parts)


def _noun(root: Path) -> str:
    return "repository" if os.path.lexists(root / _GIT) else "folder"


def _folder_of(path: str | Path) -> Path | None:
    """Return the folder of a path, or the path itself if it is a folder; without links."""
    try:
        real = _resolve(path)
    except ScopeError:
        return None
    return real if real.is_dir() else real.parent


def _resolve(path: str | Path) -> Path:
    """Return a path without links; of links that go round in circles, one of them. Raises ScopeError."""
    try:
        return Path(os.path.realpath(path))
    except (OSError, ValueError) as error:  # the current folder has been deleted; a zero byte
        raise _unreadable(error) from None


def _unlinked(path: str | Path, real: Path) -> Path:
    """Return a path as it is given, for messages, if there is no link on it; otherwise the real one."""
    return Path(path) if os.path.abspath(path) == str(real) else real  # noqa: PTH100  without its `..`


def _kind(mode: int) -> str:
    return next((kind for test, kind in _KINDS if test(mode)), "not a regular file")


def _unreadable(error: OSError | ValueError) -> ScopeError:
    if isinstance(error, FileNotFoundError | NotADirectoryError | ValueError):
        return ScopeError("does not exist", missing=True)
    return ScopeError(f"cannot be read: {error.strerror}")
