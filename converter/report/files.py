"""Write queries to files: names are safe and inside the folder, and each file appears whole or not at all.

(rule, target, suffix) ──file_names──> names ──write_files──> temporary files ──rename──> files
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from converter.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MAX_BYTES = 150  # file systems allow 255 for a name: target, number and suffix are added
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}


def safe_name(text: str) -> str:
    """Return a file name made from any text: all but letters, digits, `-`, `_` and `.` inside become `_`."""
    name = "".join(char if char.isalnum() or char in "-_." else "_" for char in text)
    name = name.encode("utf-8", "replace")[:_MAX_BYTES].decode("utf-8", "ignore").strip(".")
    # Windows reserves the names of devices, whatever the suffix.
    if name.split(".")[0].lower() in _RESERVED:
        name = f"_{name}"
    return name or "rule"


def file_names(queries: Sequence[tuple[str, str, str]]) -> list[str]:
    """Return a file name for each (rule, target, suffix); all differ, even where the file system ignores case.

    A name is that of the rule. The target is added where two targets write the same kind of file, and a number where
    two rules have the same name.
    """
    targets: dict[str, set[str]] = {}
    for rule, target, suffix in queries:
        targets.setdefault(f"{safe_name(rule)}{suffix}".casefold(), set()).add(target)
    taken: set[str] = set()
    names = []
    for rule, target, suffix in queries:
        stem = safe_name(rule)
        if len(targets[f"{stem}{suffix}".casefold()]) > 1:
            stem = f"{stem}.{safe_name(target)}"
        name, number = f"{stem}{suffix}", 2
        while name.casefold() in taken:
            name, number = f"{stem}-{number}{suffix}", number + 1
        taken.add(name.casefold())
        names.append(name)
    return names


def write_file(path: Path, text: str) -> None:
    """Write the file that the user named, whole or not at all.

    A link is followed, and what is not a regular file (a pipe, a device) is written to and not replaced.

    Raises:
        ConfigurationError: it cannot be written.
    """
    if path.exists() and not path.is_file():
        try:
            with path.open("w", encoding="utf-8", newline="\n") as stream:
                stream.write(text)
        except OSError as error:
            raise ConfigurationError(f"cannot write {path}: {error.strerror}") from None
        return
    real = path.resolve()
    write_files(real.parent, {real.name: text})


def write_files(folder: Path, texts: Mapping[str, str]) -> None:
    """Write files into a folder, which is created if it does not exist.

    All are written under temporary names and then renamed, so that none is ever half written; a link with the name of
    a file is replaced, not followed.

    Raises:
        ConfigurationError: the folder or a file cannot be written.
    """
    waiting: list[tuple[str, Path]] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            handle, temporary = tempfile.mkstemp(prefix=".sigma-convert-", dir=folder)
            waiting.append((temporary, folder / name))
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
                stream.write(text)
            Path(temporary).chmod(0o666 & ~_umask())
        while waiting:
            temporary, path = waiting[-1]
            os.replace(temporary, path)  # noqa: PTH105  the same, and the name is a string
            waiting.pop()
    except OSError as error:
        path = error.filename2 or error.filename or folder
        raise ConfigurationError(f"cannot write {path}: {error.strerror}") from None
    finally:
        for temporary, _ in waiting:
            Path(temporary).unlink(missing_ok=True)


def _umask() -> int:
    """Return the mask for new files; the only way to read it is to set it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
