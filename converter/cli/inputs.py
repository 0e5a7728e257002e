"""The files that a run reads: no output may replace one of them.

rules, pipelines, configuration, logs ... ──Inputs.add──> device and inode, name ──> outputs are compared with these
"""

from __future__ import annotations

import os
import stat
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from converter.errors import ConfigurationError
from converter.readers.folders import list_files
from converter.readers.scope import Scope
from converter.report.destination import file_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from converter.pipelines.given import PipelineSpec
    from converter.report.destination import FileId

STDIN = "-"


class Inputs:
    """Files that are read, each by what identifies it on its device; links and other names of a file do not matter."""

    def __init__(self) -> None:
        self._names: dict[FileId, str] = {}

    @property
    def names(self) -> Mapping[FileId, str]:
        """What each file is called, such as `the rule a.yml`."""
        return self._names

    def add(self, kind: str, paths: Iterable[str | Path]) -> None:
        """Add files, and those below folders; `-` is standard input. What does not exist is left to its reader."""
        for path in paths:
            if str(path) == STDIN:
                self._add_status("standard input", _status_of(0))
            elif Path(path).is_dir():
                for file in list_files(Path(path), Scope.of([path]), lambda _: True).files:
                    self._add_file(kind, file.path)
            else:
                self._add_file(kind, path)

    def add_rules(self, paths: Iterable[str | Path]) -> None:
        """Add the files of rules; of a folder, its YAML files, whatever is excluded."""
        from converter.rules.files import rule_files  # noqa: PLC0415  only where something is written to a file

        for path in paths:
            if str(path) == STDIN:
                self.add("", (STDIN,))
            else:
                self.add("the rule", (file.name for file in rule_files((path,), (), lambda _: None)))

    def add_pipelines(self, specs: Iterable[PipelineSpec]) -> None:
        """Add the files of pipelines; the names of installed ones are not files."""
        from converter.pipelines.given import path_of  # noqa: PLC0415  only where something is written to a file

        for spec in specs:
            names = (spec,) if isinstance(spec, str) else spec.names
            self.add("the pipeline", map(path_of, names))

    def _add_file(self, kind: str, path: str | Path) -> None:
        with suppress(OSError, ValueError):
            self._add_status(f"{kind} {path}", os.stat(path))  # noqa: PTH116  a path may be a string

    def _add_status(self, name: str, status: os.stat_result | None) -> None:
        if status is not None and stat.S_ISREG(status.st_mode):
            self._names.setdefault(file_id(status), name)


def check_stdout(files: Mapping[str, Iterable[str | Path]], rules: Iterable[str | Path] = ()) -> None:
    """Refuse to run if standard output is a file that the run reads, as after `>> rule.yml`.

    Args:
        files: those that are read, by what they are called, such as `the log`.
        rules: files and folders of rules.

    Raises:
        ConfigurationError: standard output is one of them.
    """
    status = _status_of(sys.stdout)
    if status is None or not stat.S_ISREG(status.st_mode):
        return
    inputs = Inputs()
    for kind, paths in files.items():
        inputs.add(kind, paths)
    inputs.add_rules(rules)
    if name := inputs.names.get(file_id(status)):
        hint = "write to another file; a shell empties the file of `>` before this program runs"
        raise ConfigurationError(f"standard output is {name}", hint=hint)


def _status_of(stream: IO[str] | int) -> os.stat_result | None:
    """Return the status of an open file, or None for a stream that is not one."""
    try:
        return os.fstat(stream if isinstance(stream, int) else stream.fileno())
    except (OSError, ValueError, AttributeError):  # closed, or not a file of the system; None if there is no stream
        return None
