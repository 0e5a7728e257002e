"""What a terminal changes: colours, a progress line, and characters that must not reach it."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Colour: TypeAlias = Literal["red", "green", "yellow", "cyan", "bold", "dim"]
_CODES: dict[Colour, str] = {"red": "31", "green": "32", "yellow": "33", "cyan": "36", "bold": "1", "dim": "2"}


@dataclass(frozen=True, slots=True)
class Style:
    """Paints text, or leaves it as it is."""

    coloured: bool = False

    def paint(self, text: str, *colours: Colour) -> str:
        """Return the text in these colours."""
        if not self.coloured or not colours:
            return text
        return f"\x1b[{';'.join(_CODES[colour] for colour in colours)}m{text}\x1b[0m"


def style_for(stream: IO[str]) -> Style:
    """Return colours for a terminal that wants them (https://no-color.org), none for anything else."""
    return Style(is_terminal(stream) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb")


def is_terminal(stream: IO[str]) -> bool:
    """Whether a person watches the stream."""
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def printable(text: str) -> str:
    """Return the text without what would move the cursor of a terminal: logs and rules come from strangers."""
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Give a function that shows what is being done on one line of a terminal, and nothing anywhere else."""
    stream = sys.stderr
    if not is_terminal(stream):
        yield lambda _: None
        return

    def show(text: str) -> None:
        width = shutil.get_terminal_size().columns - 1
        stream.write(f"\r\x1b[2K{printable(text)[:width]}")
        stream.flush()

    try:
        yield show
    finally:
        stream.write("\r\x1b[2K")
        stream.flush()
