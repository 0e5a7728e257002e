"""Follow the links of a path one by one, to see where each of them is and where they lead.

path ──follow──> the path without links, and the links on the way
"""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_MAX_LINKS = 40  # as Linux
_DESCRIPTOR = re.compile(r"/dev/(?:fd/(?P<dev>\d+)|std(?:in|out|err))|/proc/(?P<pid>\d+)(?:/task/\d+)?/fd/(?P<fd>\d+)")
_STANDARD = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}


def follow(path: Path) -> tuple[Path, Sequence[Path]]:
    """Return where a path leads, and the links on the way, each as a path whose folder has no links.

    What need not exist is not looked at. A link to an open file of a process is not followed.

    Raises:
        OSError: a loop of links.
    """
    links: list[Path] = []
    start = Path.cwd() / path if not path.is_absolute() else path
    anchor, *rest = start.parts
    at, pending = Path(anchor), rest[::-1]
    while pending:
        part = pending.pop()
        if part == os.pardir:
            at = at.parent
            continue
        step = at / part
        if not step.is_symlink() or is_descriptor(step):
            at = step
            continue
        links.append(step)
        if len(links) > _MAX_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
        target = step.readlink()
        if target.is_absolute():
            at = Path(target.anchor)
        pending.extend(part for part in reversed(target.parts) if part != target.anchor)
    return at, links


def is_descriptor(path: Path) -> bool:
    """Return whether a path without links is the name of an open file of a process."""
    return _DESCRIPTOR.fullmatch(str(path)) is not None


def descriptor_of(path: Path) -> int | None:
    """Return the open file of this process that a path such as /dev/stdout means, or None.

    Raises:
        OSError: a loop of links.
    """
    real = str(follow(path)[0])
    match = _DESCRIPTOR.fullmatch(real)
    if match is None or match["pid"] not in {None, str(os.getpid())}:
        return None
    return _STANDARD[real] if real in _STANDARD else int(match["dev"] or match["fd"])
