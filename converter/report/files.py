"""Write queries to files: safe names, never outside the folder, each file whole or not at all.

(rule, target, suffix) ──file_names──> names ──write_files──> temporary files ──rename──> files
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from converter.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MAX_BYTES = 150  # file systems allow 255 for all of it: target, number and suffix follow
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}


def safe_name(text: str) -> str:
    """Return a file name made from any text: letters, digits, `-`, `_` and `.` inside; everything else is `_`."""
    name = "".join(char if char.isalnum() or char in "-_." else "_" for char in text)
    name = name.encode("utf-8", "replace")[:_MAX_BYTES].decode("utf-8", "ignore").strip(".")
    # Windows keeps the names of devices for itself, whatever the suffix.
    if name.split(".")[0].lower() in _RESERVED:
        name = f"_{name}"
    return name or "rule"


def file_names(wanted: Sequence[tuple[str, str, str]]) -> list[str]:
    """Return a name for each (rule, target, suffix), all different, also where the file system ignores case.

    The name is that of the rule; the target joins it where two targets write the same kind of file, and a number
    where two rules have the same name.
    """
    short = [f"{safe_name(rule)}{suffix}" for rule, _, suffix in wanted]
    counts = Counter(name.casefold() for name in short)
    taken: set[str] = set()
    names = []
    for (rule, target, suffix), name in zip(wanted, short, strict=True):
        targets = {
            other for (_, other, _), same in zip(wanted, short, strict=True) if same.casefold() == name.casefold()
        }
        base = safe_name(rule)
        if counts[name.casefold()] > 1 and len(targets) > 1:
            base = f"{base}.{safe_name(target)}"
        unique, number = f"{base}{suffix}", 2
        while unique.casefold() in taken:
            unique, number = f"{base}-{number}{suffix}", number + 1
        taken.add(unique.casefold())
        names.append(unique)
    return names


def write_file(path: Path, text: str) -> None:
    """Write one file that the user has named: whole or not at all, through links, and into what is no file as it is.

    Raises:
        ConfigurationError: it cannot be written.
    """
    if path.exists() and not path.is_file():  # a pipe or a device, which must not be replaced
        try:
            with path.open("w", encoding="utf-8", newline="\n") as stream:
                stream.write(text)
        except OSError as bad:
            raise ConfigurationError(f"cannot write {path}: {bad.strerror}") from None
        return
    real = path.resolve()
    write_files(real.parent, {real.name: text})


def write_files(folder: Path, texts: Mapping[str, str]) -> None:
    """Write the files of a folder, which is made if it is missing.

    All are written under other names first and then renamed, so that none is ever half written; a link in the way is
    replaced, not followed.

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
            os.replace(temporary, path)  # noqa: PTH105  the same, and the name is a text
            waiting.pop()
    except OSError as bad:
        raise ConfigurationError(f"cannot write {bad.filename2 or bad.filename or folder}: {bad.strerror}") from None
    finally:
        for temporary, _ in waiting:
            Path(temporary).unlink(missing_ok=True)


def _umask() -> int:
    """Return the mask for new files; there is no way to read it but to set it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
