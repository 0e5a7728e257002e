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

    Args:
        folder: an empty one.
        entry_points: what `pyproject.toml` of the copy registers beside our own, as it stands in an installed package.
    """

    def __init__(self, folder: Path, entry_points: str = "") -> None:
        self.folder = folder
        shutil.copytree(ROOT / "converter", folder / "converter", ignore=shutil.ignore_patterns("__pycache__"))
        if entry_points:
            installed = folder / "walkthrough-1.dist-info"
            installed.mkdir()
            (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: walkthrough\nVersion: 1\n", "utf-8")
            (installed / "entry_points.txt").write_text(entry_points, "utf-8")

    def write(self, files: dict[str, str]) -> None:
        """Write files below the folder."""
        for path, content in files.items():
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
