"""List the files of a folder, links included, as long as they stay in the scope of the run.

    folder ──list_files──> Listing: files to open, what cannot be read, how many were excluded

Hidden files and folders are not listed: they belong to other programs. A folder is read once, by its name without links
if it has one, so links may go round in circles.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from converter.readers.scope import ScopeError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from converter.readers.scope import Scope


class ListedFile(NamedTuple):
    """A file in a folder: its path below the folder that was given, and the path to open, which has no links."""

    name: Path
    path: Path


@dataclass(slots=True)
class Listing:
    """The files of a folder and of the folders in it.

    Attributes:
        files: sorted by their names.
        errors: the files and folders that are out of the scope or cannot be read, with the reason.
        excluded: the number of files that were left out as requested.
    """

    files: list[ListedFile] = field(default_factory=list)
    errors: list[tuple[Path, ScopeError]] = field(default_factory=list)
    excluded: int = 0


def list_files(
    top: Path, scope: Scope, suits: Callable[[Path], bool], excludes: Callable[[Path], bool] = lambda _: False
) -> Listing:
    """Return the files of a folder.

    Args:
        top: the folder.
        scope: where links may lead to.
        suits: whether a file with this path is listed.
        excludes: whether a file, or a link to a folder, is left out although it suits; its argument is the path below
            `top`.
    """
    return _Walk(top, scope, suits, excludes).walk()


@dataclass(slots=True)
class _Walk:
    top: Path
    scope: Scope
    suits: Callable[[Path], bool]
    excludes: Callable[[Path], bool]
    listing: Listing = field(default_factory=Listing)
    read: set[str] = field(default_factory=set)
    folders: list[ListedFile] = field(default_factory=list)
    linked: list[ListedFile] = field(default_factory=list)

    def walk(self) -> Listing:
        self.folders.append(ListedFile(self.top, self.top))
        while self.folders:
            folder = self.folders.pop()
            real = os.path.realpath(folder.path)
            if real not in self.read:
                self.read.add(real)
                self.inside(folder)
            if not self.folders:  # links come last, so that a folder keeps the name that it has without them
                self.folders, self.linked = self.linked, []
        self.listing.files.sort()
        return self.listing

    def inside(self, folder: ListedFile) -> None:
        try:
            with os.scandir(folder.path) as entries:
                listed = sorted((entry for entry in entries if not entry.name.startswith(".")), key=attrgetter("name"))
        except OSError as error:
            self.listing.errors.append((folder.name, ScopeError(f"cannot be read: {error.strerror}")))
            return
        for entry in listed:
            file = ListedFile(folder.name / entry.name, folder.path / entry.name)
            if not entry.is_symlink() and entry.is_dir():
                self.folders.append(file)
                continue
            suits = self.suits(file.name)
            if not suits and not _links_to_folder(entry):
                continue
            if self.excludes(file.name.relative_to(self.top)):
                self.listing.excluded += suits
                continue
            self.add(file, suits=suits)

    def add(self, file: ListedFile, *, suits: bool) -> None:
        """Add a file, or the folder that a link leads to."""
        try:
            real = ListedFile(file.name, self.scope.any(file.path))
        except ScopeError as error:
            self.listing.errors.append((file.name, error))
            return
        if real.path.is_dir():
            self.linked.append(real)
        elif suits:
            self.listing.files.append(real)


def _links_to_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_symlink() and entry.is_dir()
    except OSError:  # a loop
        return False
