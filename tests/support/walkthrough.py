"""Carry out a walkthrough of docs/: its files, its commands, and what it says that they print.

    page ──> files: a path in backquotes and a colon, then a fenced block
         └─> commands: lines after `$ ` in a console block, then what they print

Where a command has nothing below it, only its status is compared.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

_FILE = re.compile(r"`([\w./-]+)`:\n\n```\w+\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_PROGRAM = "sigma-convert"


@dataclass(frozen=True, slots=True)
class Command:
    """A command line of a page, and what it prints according to the page."""

    line: str
    printed: str


def files_of(page: str) -> dict[str, str]:
    """Return the content of each file of a page by its path."""
    return dict(_FILE.findall(page))


def commands_of(page: str) -> list[Command]:
    """Return the commands of a page in order."""
    commands = []
    for block in _CONSOLE.findall(page):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, _, printed = part.partition("\n")
            commands.append(Command(line, printed))
    return commands


class Checkout:
    """A copy of the package in a folder, into which a walkthrough writes.

    What the page adds to `pyproject.toml` counts as if the copy were installed: as metadata of a package beside it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(ROOT / "converter", folder / "converter", ignore=shutil.ignore_patterns("__pycache__"))

    def copy(self, *names: str) -> None:
        """Copy files and folders of the project beside the package."""
        for name in names:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, self.folder / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, self.folder / name)

    def install(self, project: str) -> None:
        """Register the entry points of a `pyproject.toml`."""
        groups = tomllib.loads(project)["project"]["entry-points"]
        lines = [f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in points.items())
                 for group, points in groups.items()]  # fmt: skip
        self._write("walkthrough-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: walkthrough\nVersion: 1\n")
        self._write("walkthrough-1.dist-info/entry_points.txt", "".join(lines))

    def write(self, files: dict[str, str]) -> None:
        """Write files below the folder."""
        for path, content in files.items():
            self._write(path, content)
        if "pyproject.toml" in files:
            self.install(files["pyproject.toml"])

    def _write(self, path: str, content: str) -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, "utf-8")

    def run(self, line: str) -> subprocess.CompletedProcess[str]:
        """Run a command line of the program in the folder."""
        words = shlex.split(line)
        assert words[0] == _PROGRAM, line
        return self.python("-m", "converter.cli", *words[1:])

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python in the folder, on the package there."""
        environment = {**os.environ, "PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1", "NO_COLOR": "1"}
        return subprocess.run(  # noqa: S603  our own pages
            [sys.executable, *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
