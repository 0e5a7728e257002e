"""The standard streams, whatever the shell has made of them: closed, full, without a reader, in another encoding.

prepare ──> streams in UTF-8; one that is closed raises an OSError that says so
discard ──> what could not be written is forgotten, so that Python does not try again when it ends
"""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import Any

_INPUT, _OUTPUT, _ERRORS = range(3)


class _Closed(io.RawIOBase):
    """A stream that the shell has closed, as `>&-` does."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._message = f"{name} is closed"

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def readinto(self, _buffer: Any) -> int:
        raise OSError(None, self._message)

    def write(self, _data: Any) -> int:
        raise OSError(None, self._message)


def prepare() -> None:
    """Write UTF-8 whatever the locale is, escape what cannot be encoded, and replace the streams that are closed."""
    if sys.stdin is None:
        _reserve(_INPUT)
        sys.stdin = io.TextIOWrapper(io.BufferedReader(_Closed("standard input")), encoding="utf-8")
    if sys.stdout is None:
        _reserve(_OUTPUT)
        sys.stdout = io.TextIOWrapper(io.BufferedWriter(_Closed("standard output")), encoding="utf-8")
    if sys.stderr is None:  # nobody wants to read what is written there
        _reserve(_ERRORS)
        sys.stderr = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="backslashreplace")


def _reserve(descriptor: int) -> None:
    """Open the null device as a closed descriptor: the next file would get its number otherwise, and what we write."""
    try:
        os.fstat(descriptor)
    except OSError:
        os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free


def discard() -> None:
    """Let what standard output still holds go nowhere."""
    with suppress(OSError, ValueError):  # a stream without a descriptor has nothing that Python would write again
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
        return
    sys.stdout = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
