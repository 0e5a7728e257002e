"""Items of a report for a person, and how they reach a stream.

    Line, Pointer, Grid, Choice ──write──> a terminal: coloured and wrapped to its width, by rich
                                      └──> a pipe or a file: one line each, as long as it is

An item escapes its text (`printable`) and gives it to rich as text, never as markup. Widths are in cells of a terminal:
a wide character has two, a combining character none.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from itertools import zip_longest
from typing import IO, TYPE_CHECKING, TypeAlias

from converter.report.console import console_for, harmless, is_terminal, make_console, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.segment import Segment
    from rich.text import Text

_HANG = 2  # indent of the further lines of a wrapped line
_GAP = 2  # between two columns
_LEAST = 20  # a text is not wrapped to less than this
_ENDLESS = 1_000_000


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text in a style of rich, such as `bold red`.

    A line that must be copied whole, such as one of a query, does not wrap, and keeps its tabs: the terminal breaks it.
    """

    text: str
    style: str = ""
    indent: int = 0
    wraps: bool = True

    def plain(self) -> Iterator[str]:
        """Yield the line."""
        text = harmless(self.text) if self.wraps else "\t".join(map(printable, self.text.split("\t")))
        yield f"{' ' * self.indent}{text}".rstrip()

    def styled(self) -> Text:
        """Return the text for rich, without the indent."""
        from rich.text import Text  # noqa: PLC0415  slow to import

        text = Text(harmless(self.text), no_wrap=not self.wraps, overflow="fold")
        text.stylize(self.style)
        return text

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.text import Text  # noqa: PLC0415

        text = self.styled()
        room = max(_LEAST, options.max_width - self.indent)
        wrapped = [text] if text.cell_len <= room else text.wrap(console, max(_LEAST, room - _HANG), overflow="fold")
        for number, line in enumerate(wrapped):
            line.rstrip()
            indent = self.indent + _HANG * bool(number)
            yield Text.assemble(" " * indent, line, no_wrap=True, overflow="ignore")


@dataclass(frozen=True, slots=True)
class Pointer:
    """A line of a text, and below it a line with carets under the place that is meant."""

    source: str
    carets: str
    indent: int = 0

    def plain(self) -> Iterator[str]:
        """Yield both lines."""
        indent = " " * self.indent
        source = printable(self.source)
        shown = harmless(self.source)
        yield f"{indent}{shown}"
        yield f"{indent}{' ' * (len(shown) - len(source))}{self.carets}"

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.text import Text  # noqa: PLC0415

        source, carets = self._cropped(max(_LEAST, options.max_width - self.indent))
        for line in (source, carets):
            yield Text(f"{' ' * self.indent}{line}", no_wrap=True, overflow="crop")

    def _cropped(self, room: int) -> tuple[str, str]:
        """Return both lines, cut to so many cells around the carets."""
        from rich.cells import cell_len, set_cell_size  # noqa: PLC0415

        source = printable(self.source)
        start = len(self.carets) - len(self.carets.lstrip())
        end = start + len(self.carets.strip())
        first = 0
        while first < start and cell_len(source[first:]) > room and cell_len(source[first:start]) > room // 2:
            first += 1
        before = cell_len(source[first:start])
        width = max(1, min(cell_len(source[start:end]) or end - start, room - before))
        shown = source[first:]
        if cell_len(shown) > room:
            shown = set_cell_size(shown, room)
        return shown, " " * before + "^" * width


Cell: TypeAlias = "Line | tuple[Line, ...]"


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows of cells without rules between them; where there is no room, the widest column wraps first.

    A cell is a line, or several below each other.
    """

    rows: Sequence[Sequence[Cell]]
    indent: int = 0

    def plain(self) -> Iterator[str]:
        """Yield the lines of the table."""
        from rich.cells import cell_len  # noqa: PLC0415

        widths = self.widths()
        for row in self.rows:
            for parts in zip_longest(*(_lines(cell) for cell in row)):
                shown = [_shown(part) for part in parts]
                padded = [text + " " * (width - cell_len(text)) for text, width in zip(shown, widths, strict=True)]
                yield f"{' ' * self.indent}{(' ' * _GAP).join(padded)}".rstrip()

    def widths(self) -> list[int]:
        """Return how many cells each column needs so that nothing in it wraps."""
        from rich.cells import cell_len  # noqa: PLC0415

        columns = zip(*self.rows, strict=True)
        return [max(cell_len(_shown(line)) for cell in column for line in _lines(cell)) for column in columns]

    @property
    def width(self) -> int:
        """How many cells the table needs so that nothing wraps."""
        widths = self.widths()
        return self.indent + sum(widths) + _GAP * max(0, len(widths) - 1)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.console import Group  # noqa: PLC0415
        from rich.padding import Padding  # noqa: PLC0415
        from rich.segment import Segment  # noqa: PLC0415
        from rich.table import Table  # noqa: PLC0415

        if not self.rows:
            return
        table = Table.grid(padding=(0, _GAP, 0, 0), pad_edge=False)
        for _ in self.rows[0]:
            table.add_column(overflow="fold")
        for row in self.rows:
            table.add_row(
                *(Group(*(Padding(line.styled(), (0, 0, 0, line.indent)) for line in _lines(cell))) for cell in row)
            )
        inner = options.update(width=max(_LEAST, options.max_width - self.indent))
        for segments in console.render_lines(table, inner, pad=False):
            yield Segment(" " * self.indent)
            yield from _trimmed(segments)
            yield Segment.line()


@dataclass(frozen=True, slots=True)
class Choice:
    """A table, and items with the same content for a terminal that is too narrow for it."""

    wide: Grid
    narrow: tuple[Line | Grid, ...]

    def chosen(self, width: int) -> tuple[Line | Grid, ...]:
        """Return what fits a width, in cells."""
        return (self.wide,) if self.wide.width <= width else self.narrow

    def plain(self) -> Iterator[str]:
        """Yield the lines of the table: a pipe has room."""
        return self.wide.plain()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from self.chosen(options.max_width)


Item: TypeAlias = Line | Pointer | Grid | Choice


def write(items: Iterable[Item], stream: IO[str]) -> None:
    """Write items to a terminal, or as plain lines to anything else."""
    if is_terminal(stream):
        _to_console(items, console_for(stream))
    else:
        _to_pipe(items, stream)


def as_text(items: Iterable[Item], width: int | None = None, *, coloured: bool = False) -> str:
    """Return what a terminal of a width would show; without a width, what a pipe would get."""
    stream = io.StringIO()
    if width is None and not coloured:
        _to_pipe(items, stream)
    else:
        _to_console(items, make_console(stream, terminal=coloured, coloured=coloured, width=width or _ENDLESS))
    return stream.getvalue()


def message(text: str, style: str = "", indent: int = 0) -> Iterator[Item]:
    """Yield the items of a rendered error, whose lines may be a line of a text and carets below it."""
    first, *rest = text.split("\n")
    yield Line(first, style, indent)
    at = 0
    while at < len(rest):
        line, below = (part.removeprefix("  ") for part in (rest[at], rest[at + 1] if at + 1 < len(rest) else ""))
        if below.strip() and not below.strip(" ^"):
            yield Pointer(line, below, indent + 2)
            at += 2
        else:
            yield Line(line, indent=indent + 2)
            at += 1


def _to_pipe(items: Iterable[Item], stream: IO[str]) -> None:
    for item in items:
        for line in item.plain():
            stream.write(f"{line}\n")


def _to_console(items: Iterable[Item], console: Console) -> None:
    width = console.width
    for item in items:
        match item:
            case Line(wraps=False):
                console.file.write(f"{next(item.plain())}\n")
            case Line(style="", text=text, indent=indent) if text.isascii() and indent + len(text) <= width:
                console.file.write(f"{next(item.plain())}\n")  # nothing to lay out; a log may have many of these
            case _:
                console.print(item)


def _lines(cell: Cell) -> tuple[Line, ...]:
    return (cell,) if isinstance(cell, Line) else cell


def _shown(line: Line | None) -> str:
    return next(line.plain()) if line is not None else ""


def _trimmed(segments: Sequence[Segment]) -> list[Segment]:
    """Return the segments of a line without the blanks at its end, which would break a narrower terminal's lines."""
    from rich.segment import Segment  # noqa: PLC0415

    trimmed = list(segments)
    while trimmed:
        text, style, control = trimmed.pop()
        if text.rstrip():
            return [*trimmed, Segment(text.rstrip(), style, control)]
    return []
