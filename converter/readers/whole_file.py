"""Read a file that is needed as a whole, within a limit: also a device, which has no end."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from converter.readers.limits import bytes_of, raises

if TYPE_CHECKING:
    from pathlib import Path
    from typing import IO


SMALL = 1024 * 1024
"""The most bytes of what `read_small` reads; no option raises it."""


class TooLargeError(OSError):
    """A file is larger than the limit; `strerror` says so, and which option raises the limit."""

    def __init__(self, limit: int, name: str) -> None:
        super().__init__(errno.EFBIG, f"it has more than {limit:,} bytes ({raises(name)})")


def read_file(path: Path, limit: str = "file-bytes") -> bytes:
    """Return the bytes of a file. Raises OSError; TooLargeError beyond the limit of that name."""
    with path.open("rb") as stream:
        return read_stream(stream, limit)


def read_small(path: Path) -> str | None:
    """Return the text of a file that nobody writes large, such as a configuration or a guide; None beyond `SMALL`.

    Raises:
        OSError: the file cannot be read.
        UnicodeDecodeError: it is not UTF-8.
    """
    with path.open("rb") as stream:
        data = stream.read(SMALL + 1)
    return data.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n") if len(data) <= SMALL else None


def read_stream(stream: IO[bytes], limit: str = "file-bytes") -> bytes:
    """Return the bytes of a stream. Raises TooLargeError beyond the limit of that name; not more is read."""
    most = bytes_of(limit)
    data = stream.read(most + 1)
    if len(data) > most:
        raise TooLargeError(most, limit)
    return data
