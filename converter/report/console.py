"""What a stream is, what may reach it, and the console of rich that writes to a terminal.

    stream ──is_terminal──> a terminal: console_for(stream), progress(); a pipe or a file: lines as they are

This module is imported by every verb, and rich only where a terminal needs it: importing rich takes longer than
converting a rule.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

_COMMANDS = ("::", "##[")


def is_terminal(stream: IO[str]) -> bool:
    """Whether a person reads the stream on a terminal."""
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


def printable(text: str) -> str:
    """Return the text with every character escaped that is not printable.

    Rules and logs come from strangers: control characters would move the cursor of a terminal, and bidirectional
    overrides would show a text in another order.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def harmless(text: str) -> str:
    """Return a line of text as `printable` does, and so that GitHub Actions does not take it for a command of ours.

    A runner obeys each line of output that begins with `::` after blanks, such as `::stop-commands::`, and in the older
    form with `##[`.
    """
    shown = printable(text)
    start = len(shown) - len(shown.lstrip())
    if not shown.startswith(_COMMANDS, start):
        return shown
    return f"{shown[:start]}\\x{ord(shown[start]):02x}{shown[start + 1 :]}"


def printable_json(text: str) -> str:
    """Return a line of JSON as `printable` does, in escapes of JSON: the line has the same value."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escaped_in_json(char) for char in text)


def console_for(stream: IO[str]) -> Console:
    """Return a console that writes to a terminal, in colour unless NO_COLOR (https://no-color.org) is set.

    A stream that is not a terminal gets no escape sequence at all, whatever the environment says.
    """
    terminal = is_terminal(stream)
    return make_console(stream, terminal=terminal, coloured=terminal and _wants_colour())


def make_console(stream: IO[str], *, terminal: bool, coloured: bool, width: int | None = None) -> Console:
    """Return a console that takes no text for markup.

    Args:
        stream: what is written to.
        terminal: whether control sequences may be written to it.
        coloured: whether colours may.
        width: in cells; None: that of the terminal.
    """
    from rich.console import Console  # noqa: PLC0415  slow to import

    return Console(
        file=stream,
        width=width,
        force_terminal=terminal,
        force_interactive=terminal,
        color_system="standard" if coloured else None,
        no_color=not coloured,
        markup=False,
        emoji=False,
        highlight=False,
    )


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """Return a function that shows the present step on one line of a terminal; elsewhere it does nothing."""
    if not is_terminal(sys.stderr) or _is_dumb():
        yield lambda _: None
        return
    from rich.live import Live  # noqa: PLC0415  slow to import
    from rich.text import Text  # noqa: PLC0415

    # No refresh by a thread: the harness forks, and a forked process must not inherit a lock that a thread holds.
    live = Live(
        console=console_for(sys.stderr),
        auto_refresh=False,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )

    def show(step: str) -> None:
        live.start()
        live.update(Text(printable(step), no_wrap=True, overflow="ellipsis"), refresh=True)

    try:
        yield show
    finally:
        live.stop()  # erases the line


def _wants_colour() -> bool:
    return not os.environ.get("NO_COLOR") and not _is_dumb()


def _is_dumb() -> bool:
    """Whether the terminal knows no control sequences."""
    return os.environ.get("TERM", "").lower() in {"dumb", "unknown"}


def _escaped(char: str) -> str:
    code = ord(char)
    if code < 0x100:  # noqa: PLR2004
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"  # noqa: PLR2004


def _escaped_in_json(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at] << 8 | units[at + 1]:04x}" for at in range(0, len(units), 2))
