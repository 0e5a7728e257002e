"""Take JSON values one by one from a stream in which they are not one a line: only one of them is in memory.

    blocks of bytes ──brackets and strings counted──> Piece: the bytes of one value, with its place
                                                      Trouble: what is wrong between values, with its place

Values follow each other, or are items of an array. A value ends where its brackets are closed, whatever is in it, so a
value that is not JSON is one bad value, and the next one is still found.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BLOCK = 64 * 1024
_SPACE = re.compile(rb"[ \t\r\n\0]*")
_REST_OF_LINE = re.compile(rb"[ \t\r\0]*")
_ATOM = rb'[^"{}\[\]]++|"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_PLAIN = re.compile(rb"(?:" + _ATOM + rb")*+", re.DOTALL)
_IN_STRING = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_SCALAR = re.compile(rb'"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"|[^ \t\r\n\0,{}\[\]]+', re.DOTALL)
_LEVELS = 5  # of most values; deeper ones are followed bracket by bracket
_SHOWN = 4096  # of a line, before and after a value
_OPENING, _QUOTE = b"{[", 0x22
_COMMA, _NEWLINE, _OPEN, _CLOSE = b",\n[]"


def _shallow() -> re.Pattern[bytes]:
    """Return the pattern of a whole object or array of a few levels."""
    inner = _ATOM
    for _ in range(_LEVELS):
        inner = rb"%b|[{\[](?:%b)*+[}\]]" % (_ATOM, inner)
    return re.compile(rb"[{\[](?:" + inner + rb")*+[}\]]", re.DOTALL)


_SHALLOW = _shallow()


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a value begins: the line from 1, and what is before it and after it on its lines; of a long line a part."""

    line: int
    before: bytes
    after: bytes


@dataclass(frozen=True, slots=True)
class Piece:
    """One value: its bytes, its line, its number in the array from 1 (None: it is in no array).

    `shares_line` tells whether another value that is in no array begins on its line. `begin` is its position in the
    stream, for `ValueStream.spot`.
    """

    raw: bytes
    line: int
    begin: int
    item: int | None
    shares_line: bool


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong; `is_end` tells whether the rest of the log cannot be read. `item` is as of `Piece`."""

    problem: str
    spot: Spot
    item: int | None
    is_end: bool = False


class ValueStream:
    """The values of a stream.

    Args:
        read: returns the next bytes, about as many as it is asked for; none at the end.
        line: the number of the first line.
        longest: how many bytes a value may have.
    """

    def __init__(self, read: Callable[[int], bytes], line: int, longest: int) -> None:
        self._read = read
        self._longest = longest
        self._data = b""
        # Positions are counted from the begin of the stream, that of the first byte in `_data` included.
        self._base = self._at = self._counted = self._line_begin = 0
        self._line = line
        self._is_long = False

    def values(self) -> Iterator[Piece | Trouble]:
        """Yield what is in the stream, in order."""
        item: int | None = None
        array: Spot | None = None
        after = _OPEN  # what was before: `[`, `,`, or the end of a value
        last_line = 0
        while (byte := self._next()) is not None:
            if array is None and byte == _OPEN:
                array, item, after = self._spot(), 0, _OPEN
                self._at += 1
            elif array is not None and byte == _CLOSE:
                if after == _COMMA:
                    yield Trouble("a value is missing before `]`", self._spot(), item)
                self._at += 1
                array = item = None
            elif array is not None and byte == _COMMA:
                if after != _CLOSE:
                    yield Trouble("a value is missing before `,`", self._spot(), item)
                after = _COMMA
                self._at += 1
            else:
                if item is not None:
                    if after == _CLOSE:
                        yield Trouble("`,` or `]` is missing between two items", self._spot(), item)
                    item += 1
                    after = _CLOSE
                begin = self._at
                self._count(begin)
                line = self._line
                first = None if array is not None else self._spot()
                end = self._end(byte)
                if end is None:
                    what, where = ("array", array) if array is not None else ("object", first)
                    assert where is not None  # noqa: S101  it is in an array, or it is not
                    yield Trouble(f"this {what} is not closed", where, None, is_end=True)
                    return
                if self._is_long:
                    self._at = end
                    yield Trouble("", Spot(line, b"", b""), item)
                    continue
                raw = self._data[begin - self._base : end - self._base]
                self._at = end
                shares = item is None and (line == last_line or (b"\n" not in raw and self._is_followed()))
                yield Piece(raw, line, begin, item, shares)
                last_line = line
        if array is not None:
            yield Trouble("this array is not closed", array, None, is_end=True)

    def spot(self, piece: Piece) -> Spot:
        """Return the place of the value that has come last."""
        begin = max(self._base, self._line_begin, piece.begin - _SHOWN)
        before = self._data[begin - self._base : piece.begin - self._base]
        return Spot(piece.line, before, self._rest_of_line(piece.begin + len(piece.raw)))

    def first(self) -> bytes | None:
        """Return the bytes of an object with which the stream begins; None if it does not end, or is too long."""
        end = self._end_of_brackets(give_up=True) if self._next() is not None else None
        return None if end is None else self._data[self._at - self._base : end - self._base]

    def taken(self) -> bytes:
        """Return the bytes that were read for `first`."""
        return self._data

    def _fill(self, needed: int) -> bool:
        """Read more; what is before the position `needed` goes, except for the begin of its line. False at the end."""
        block = self._read(max(BLOCK, len(self._data) - (needed - self._base)))
        if not block:
            return False
        self._count(needed)
        keep = max(self._base, self._line_begin if needed - self._line_begin < _SHOWN else needed)
        self._data = self._data[keep - self._base :] + block
        self._base = keep
        return True

    def _count(self, position: int) -> None:
        """Count the lines before a position."""
        begin, end = self._counted - self._base, position - self._base
        if end <= begin:
            return
        lines = self._data.count(b"\n", begin, end)
        if lines:
            self._line += lines
            self._line_begin = self._base + self._data.rfind(b"\n", begin, end) + 1
        self._counted = position

    def _next(self) -> int | None:
        """Go to the next byte that is not white space, and return it; None at the end."""
        while True:
            self._at = self._base + _SPACE.match(self._data, self._at - self._base).end()  # type: ignore[union-attr]  # it matches anywhere
            if self._at - self._base < len(self._data):
                return self._data[self._at - self._base]
            if not self._fill(self._at):
                return None

    def _spot(self) -> Spot:
        """Return the place of the next byte."""
        self._count(self._at)
        at, begin = self._at - self._base, max(self._line_begin, self._base, self._at - _SHOWN)
        before = self._data[begin - self._base : at]
        return Spot(self._line, before, self._rest_of_line(self._at))

    def _rest_of_line(self, position: int) -> bytes:
        begin = position - self._base
        return self._data[begin : begin + _SHOWN].split(b"\n", 1)[0]

    def _is_followed(self) -> bool:
        """Return whether something comes after the value on its line."""
        while True:
            at = _REST_OF_LINE.match(self._data, self._at - self._base).end()  # type: ignore[union-attr]  # it matches anywhere
            if at < len(self._data):
                return self._data[at] != _NEWLINE
            if len(self._data) - (self._at - self._base) > BLOCK or not self._fill(self._at):
                return False

    def _end(self, byte: int) -> int | None:
        """Return the position after the value that begins here with this byte; None if it does not end.

        `_is_long` tells afterwards whether it is too long; its bytes are then gone.
        """
        self._is_long = False
        begin = self._at
        end = self._end_of_brackets() if byte in _OPENING else self._end_of_scalar()
        self._is_long = self._is_long or (end is not None and end - begin > self._longest)
        return end

    def _end_of_scalar(self) -> int:
        begin = self._at
        while True:
            scalar = _SCALAR.match(self._data, begin - self._base)
            end = self._base + (scalar.end() if scalar else begin - self._base + 1)
            if end < self._base + len(self._data):
                return end
            if end - begin > self._longest:
                self._is_long = True
                begin = end
            if not self._fill(begin):
                return end

    def _end_of_brackets(self, *, give_up: bool = False) -> int | None:
        """Return the position after the closing bracket, or None; with `give_up` also if the value is too long."""
        begin = position = self._at
        if whole := _SHALLOW.match(self._data, begin - self._base):
            return self._base + whole.end()
        depth = 0
        in_string = False  # one that goes on in the next block
        while True:
            data, at = self._data, position - self._base
            at = (_IN_STRING if in_string else _PLAIN).match(data, at).end()  # type: ignore[union-attr]  # both match anywhere
            if at < len(data) and not (in_string and data[at] != _QUOTE):
                byte = data[at]
                if byte == _QUOTE:
                    in_string = not in_string
                else:
                    depth += 1 if byte in _OPENING else -1
                position = self._base + at + 1
                if depth == 0 and not in_string:
                    return position
                continue
            position = self._base + at
            self._is_long = self._is_long or position - begin > self._longest
            if (give_up and self._is_long) or not self._fill(position if self._is_long else begin):
                return None


Value: TypeAlias = Piece | Trouble
