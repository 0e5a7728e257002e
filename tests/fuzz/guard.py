"""What no file of a stranger may do: run a program, reach a network, open a file that is not its own.

    Python's audit events ──Guard──> refused and remembered, unless the path is below a folder that is allowed

Only what Python does is seen; the C code that we call (regular expressions, JSON, YAML) opens nothing.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROOT = Path(__file__).resolve().parents[2]
# Modules are imported while an input is read, and packages bring data of their own.
_CODE = tuple({os.path.realpath(path) for path in (sys.prefix, sys.base_prefix, *sysconfig.get_paths().values())})
_READABLE = (*_CODE, str(_ROOT / "converter"), "/usr/share/zoneinfo", "/proc/self", os.devnull)
_PROGRAMS = frozenset(
    {
        "subprocess.Popen",
        "os.exec",
        "os.posix_spawn",
        "os.spawn",
        "os.startfile",
        "os.system",
        "pty.spawn",
    }
)
_NETWORK = ("socket.connect", "socket.get", "socket.send", "urllib.", "http.", "ftplib.", "smtplib.")
_CHANGES = frozenset(
    {"os.mkdir", "os.remove", "os.rmdir", "os.rename", "os.link", "os.symlink", "os.truncate", "os.chmod"}
)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class EscapeError(Exception):
    """An input made the program do what no input may."""


class Guard:
    """Refuses and remembers, while it is on, what leaves the folder of an input.

    Attributes:
        escapes: what was tried.
        opened: the paths that were opened or changed, as they were given.
    """

    def __init__(self) -> None:
        self.escapes: list[str] = []
        self.folder = ""
        self._busy = False
        sys.addaudithook(self._hook)

    def watch(self, folder: Path) -> None:
        """Allow only a folder from now on."""
        self.escapes = []
        self.folder = os.path.realpath(folder)

    def stop(self) -> None:
        """Allow everything."""
        self.folder = ""

    def _hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.folder or self._busy:
            return
        self._busy = True
        try:
            problem = self._problem(event, arguments)
        finally:
            self._busy = False
        if problem:
            self.escapes.append(problem)
            raise EscapeError(problem)

    def _problem(self, event: str, arguments: tuple[Any, ...]) -> str:
        if event in _PROGRAMS or event.startswith(_NETWORK):
            return f"{event} {arguments[:2]!r}"[:300]
        if event == "open":
            path, mode, flags = arguments
            writes = bool(flags & _WRITING) or (isinstance(mode, str) and bool(set(mode) & set("wax+")))
            return (
                "" if self._allowed(path, writes=writes) else f"open {path!r} {'to write' if writes else ''}".rstrip()
            )
        if event in _CHANGES:
            paths = [path for path in arguments if isinstance(path, str | bytes | os.PathLike)]
            outside = [path for path in paths if not self._allowed(path, writes=True)]
            return f"{event} {outside[0]!r}" if outside else ""
        return ""

    def _allowed(self, path: Any, *, writes: bool) -> bool:
        if not isinstance(path, str | bytes | os.PathLike):
            return True  # a file that is open already
        real = os.path.realpath(os.fsdecode(path))
        return any(_below(real, folder) for folder in self._folders(writes=writes))

    def _folders(self, *, writes: bool) -> Iterator[str]:
        yield self.folder
        yield os.path.realpath(os.devnull)
        if not writes:
            yield from _READABLE


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")
