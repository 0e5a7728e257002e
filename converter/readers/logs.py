"""Read logs: newline-delimited JSON, a JSON array, or JSON objects one after the other, each plain or gzipped.

    path ──> blocks of bytes, unpacked ──lines, or values of a stream──> JSON values ──envelopes──> events

Every event knows its line. A line that is not an event raises `LogError` with its place, or is reported and skipped. A
log that is not JSON at all is one error that says what it looks like. Envelopes around events, such as CloudTrail's
`Records` or a response of Elasticsearch, are opened. Nothing is held in memory but the event that is read.
"""

from __future__ import annotations

import gzip
import io
import os
import stat
import sys
import zlib
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, cast

import orjson

from converter.errors import LogError, Place, UnreadableLogError
from converter.readers.envelopes import Opener
from converter.readers.envelopes.envelope import strings
from converter.readers.json.stream import BLOCK, Spot, Trouble, ValueStream
from converter.readers.json.values import JsonError, Read, may_have_long_number, read_value
from converter.readers.limits import DEFAULTS, bytes_of, current, raises
from converter.readers.log_text import look_of
from converter.readers.scope import ScopeError, check_named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from converter.readers.envelopes import Stays

_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_SPACE = b" \t\r\n\0"
_LINES = "each line is one JSON object"
_MOST_NESTING = 1_024  # what orjson reads
_ITEMS = "the log is one JSON array of objects"


class LogEvent(NamedTuple):
    """One event of a log.

    Attributes:
        data: the event.
        path: the log.
        line: the line in which it begins, from 1.
        item: its number in the array that it is an item of, from 1; None if it is in none.
        part: its number among the events of the line, or of the item, if that has several; from 1.
    """

    data: dict[str, Any]
    path: str
    line: int
    item: int | None = None
    part: int | None = None

    @property
    def position(self) -> int | str:
        """What an event without `_id` is called: its line, or its item in an array; `7:2` is the second on line 7."""
        return position_of(self.line if self.item is None else self.item, self.part)


class Change(NamedTuple):
    """What was changed in an event to read it: the log, the line, and a sentence for each kind of change."""

    path: str
    line: int
    sentences: tuple[str, ...]


def position_of(number: int, part: int | None) -> int | str:
    """Return how a position is written: the number of a line or item, and of the event in it, if there are several."""
    return number if part is None else f"{number}:{part}"


def read_events(
    path: str | Path, on_error: Callable[[LogError], None] | None = None, *, raw: bool = False
) -> Iterator[dict[str, Any]]:
    """Yield the events of a log. See `read_log`."""
    for event in read_log(path, on_error, raw=raw):
        yield event.data


def read_logs(
    paths: Iterable[str | Path],
    on_error: Callable[[LogError], None] | None = None,
    *,
    raw: bool = False,
    stays: Stays | None = None,
    on_opened: Callable[[str, Sequence[str]], None] | None = None,
    on_change: Callable[[Change], None] | None = None,
) -> Iterator[LogEvent]:
    """Yield the events of several logs, one after the other. See `read_log`."""
    for path in paths:
        yield from read_log(path, on_error, raw=raw, stays=stays, on_opened=on_opened, on_change=on_change)


def read_log(
    path: str | Path,
    on_error: Callable[[LogError], None] | None = None,
    *,
    raw: bool = False,
    stays: Stays | None = None,
    on_opened: Callable[[str, Sequence[str]], None] | None = None,
    on_change: Callable[[Change], None] | None = None,
    size_limit: str = "log-bytes",
) -> Iterator[LogEvent]:
    """Yield the events of a log with their places, without the envelopes around them.

    Args:
        path: a file, or `-` for standard input.
        on_error: called with each error; reading goes on with the next line. Without it the first error is raised.
        raw: read events as their source wrote them, also where a product's document holds them as a string.
        stays: with `raw`: told of a product's document and the event in it, whether the document is asked for.
        on_opened: called at the end with the name of the log and the names of the envelopes in it, if there are any.
        on_change: called with what was changed in an event, so that it could be read.
        size_limit: the name of the limit of its size.

    Raises:
        LogError: a line that is not a JSON object.
        UnreadableLogError: a damaged gzip, a log that is too large, cannot be read or is not JSON at all, a link out of
            its repository.
    """

    def fail(error: LogError) -> None:
        if on_error is None:
            raise error
        on_error(error)

    name = log_name(path)
    limits = current()
    opener = Opener(raw, stays)
    strings.nesting = limits.nesting
    if limits.nesting > DEFAULTS.nesting:  # readers of nested values take a few frames for each level
        sys.setrecursionlimit(max(sys.getrecursionlimit(), 1_000 + 5 * min(limits.nesting, _MOST_NESTING)))
    try:
        check_named(path)
        with ExitStack() as opened:
            stream = sys.stdin.buffer if str(path) == "-" else opened.enter_context(Path(path).open("rb"))
            _check_size(stream, name, size_limit)
            source = _Source(_unpacked(stream, opened), name, bytes_of(size_limit), size_limit)
            yield from _Log(source, name, opener, fail, on_change, limits.event_bytes, limits.nesting).events()
    except ScopeError as error:
        fail(UnreadableLogError(f"the log {name} {error}", hint=error.hint))
    except (OSError, EOFError, zlib.error) as error:
        fail(UnreadableLogError(f"cannot read {name}: {getattr(error, 'strerror', None) or error}"))
    except UnreadableLogError as error:
        fail(error)
    if opener.opened and on_opened is not None:
        on_opened(name, tuple(opener.opened))


def log_name(path: str | Path) -> str:
    """Return what messages call a log."""
    return "<stdin>" if str(path) == "-" else str(path)


def _unpacked(raw: IO[bytes], opened: ExitStack) -> IO[bytes]:
    """Return the stream itself, or what it unpacks to if it is gzipped."""
    buffered = raw if isinstance(raw, io.BufferedReader) else io.BufferedReader(cast("io.RawIOBase", raw))
    if buffered.peek(2)[:2] == _GZIP:
        return cast("IO[bytes]", opened.enter_context(gzip.open(buffered)))
    return buffered


def _check_size(file: IO[bytes], name: str, limit: str) -> None:
    """Look at the size of a file before it is read. Raises UnreadableLogError."""
    try:
        status = os.fstat(file.fileno())
    except OSError:  # not a file of the system: its size shows when it is read
        return
    if stat.S_ISREG(status.st_mode) and status.st_size > bytes_of(limit):
        raise _too_large(name, f"has {status.st_size:,} bytes, more than {bytes_of(limit):,}", limit)


def _too_large(name: str, problem: str, limit: str) -> UnreadableLogError:
    return UnreadableLogError(f"the log {problem}", Place(name, 1, 1, ""), raises(limit))


@dataclass(slots=True)
class _Source:
    """The bytes of a log, unpacked, of which some can be given back; it ends with an error at the limit of a log."""

    stream: IO[bytes]
    name: str
    most: int
    limit: str
    _size: int = 0
    _returned: bytes = b""

    def read(self, size: int = 0) -> bytes:
        """Return the next bytes; none at the end. Without a size, do not wait for more than what a pipe has.

        Raises:
            UnreadableLogError: the log is larger than its limit.
        """
        if self._returned:
            block, self._returned = self._returned, b""
            return block
        if not size and isinstance(self.stream, io.BufferedReader):
            block = self.stream.read1(BLOCK)
        else:
            block = self.stream.read(size or BLOCK)
        self._size += len(block)
        if self._size > self.most:
            raise _too_large(self.name, f"has more than {self.most:,} bytes, unpacked", self.limit)
        return block

    def give_back(self, data: bytes) -> None:
        """Have these bytes read again."""
        self._returned = data + self._returned


@dataclass(slots=True)
class _Log:
    """A log that is being read: `fail` is called with each error, `changed` with each change; see `read_log`."""

    source: _Source
    name: str
    opener: Opener
    fail: Callable[[LogError], None]
    changed: Callable[[Change], None] | None
    longest: int
    nesting: int
    _line: int = 0

    def events(self) -> Iterator[LogEvent]:
        begin = self._begin()
        if begin.startswith(_UTF16):  # what PowerShell writes
            place = Place(self.name, 1, 1, "")
            self.fail(UnreadableLogError("the log is UTF-16, not UTF-8", place, "save it as UTF-8"))
            return
        first = begin.lstrip(_SPACE)[:1]
        if first == b"[" or (first == b"{" and self._spans_lines(begin)):
            yield from self._of_stream()
        elif (look := self._look(begin)) is not None:
            self.fail(look)
        else:
            yield from self._of_lines()

    def _begin(self) -> bytes:
        """Return the first line that is not blank, or the begin of an array; it is given back with all after it."""
        data = self.source.read().removeprefix(_BOM)
        while True:
            text = data.lstrip(_SPACE)
            skipped = data[: len(data) - len(text)]
            self._line += skipped.count(b"\n")
            data = data[skipped.rfind(b"\n") + 1 :]
            if b"\n" in text or text.startswith(b"[") or len(data) > self.longest:
                break
            block = self.source.read(max(BLOCK, len(data)))
            if not block:
                break
            data += block
        self.source.give_back(data)
        return data.split(b"\n", 1)[0]

    def _spans_lines(self, line: bytes) -> bool:
        """Return whether the log begins with an object over several lines; all that is read is given back."""
        if self._reads(line) is not None:
            return False
        stream = ValueStream(self.source.read, 1, self.longest)
        raw = stream.first()
        self.source.give_back(stream.taken())
        try:
            return raw is not None and b"\n" in raw and read_value(raw, self.nesting) is not None
        except JsonError:
            return False

    def _look(self, line: bytes) -> LogError | None:
        """Return the error of a log that is not JSON at all; None if nothing tells what else it is."""
        look = None if line.lstrip(_SPACE)[:1] in (b"", b"{") or self._reads(line) is not None else look_of(line)
        if look is None:
            return None
        text = line.rstrip().decode("utf-8", "replace")
        place = Place(self.name, self._line + 1, len(text) - len(text.lstrip()) + 1, text)
        return UnreadableLogError(f"the log is {look.what}, not JSON", place, look.hint)

    def _lines(self) -> Iterator[tuple[list[bytes], bool]]:
        """Yield the complete lines of each block, and whether one of them may have a number that orjson rounds."""
        read, longest, doubtful = self.source.read, self.longest, may_have_long_number
        rest: list[bytes] = []  # of a line whose end is in a later block
        size = 0
        while block := read():
            if size > longest:  # what is beyond is not held; only its end is looked for
                _, newline, after = block.partition(b"\n")
                if not newline:
                    continue
                block = newline + after
            lines = block.split(b"\n")
            last = lines.pop()
            if lines:
                if rest:
                    lines[0] = b"".join((*rest, lines[0]))
                yield lines, doubtful(block) or (bool(rest) and doubtful(lines[0]))
                rest, size = [], 0
            rest.append(last)
            size += len(last)
        if line := b"".join(rest):
            yield [line], doubtful(line)

    def _of_lines(self) -> Iterator[LogEvent]:
        """Yield the events of a log that has one value a line."""
        line, name, nesting, longest, opener = self._line, self.name, self.nesting, self.longest, self.opener
        loads, is_plain, new = orjson.loads, opener.keys.isdisjoint, tuple.__new__
        for lines, doubtful in self._lines():
            for raw in lines:
                line += 1
                # What `read_value` and an opener do to an event that is neither odd nor in an envelope, without calls.
                if not doubtful and raw.count(b"{") + raw.count(b"[") <= nesting and len(raw) <= longest:
                    try:
                        value = loads(raw)
                    except orjson.JSONDecodeError:
                        pass
                    else:
                        if type(value) is dict and is_plain(value) and opener.announced is None:  # opener.passes
                            yield new(LogEvent, (value, name, line, None, None))  # without a call of Python's
                        else:
                            yield from self._opened([Read(value)], Spot(line, b"", b""), raw)
                        continue
                yield from self._of_line(raw, line)

    def _of_line(self, raw: bytes, line: int) -> Iterator[LogEvent]:
        """Yield the events of a line of any kind; one that has none is an error."""
        spot = Spot(line, b"", b"")
        if len(raw) > self.longest:
            self._too_long(spot, "line")
        elif raw.strip(_SPACE):
            reads = self._reads(raw)
            if reads is not None:
                yield from self._opened(reads, spot, raw)
            else:
                self._not_json(raw, spot, _LINES)

    def _reads(self, line: bytes) -> list[Read] | None:
        """Return the value of a line, or several if they are all objects; None if anything else is there."""
        try:
            return [read_value(line, self.nesting)]
        except JsonError:
            pass
        blocks = [line]
        reads = []
        for piece in ValueStream(lambda _: blocks.pop() if blocks else b"", 1, self.longest).values():
            if isinstance(piece, Trouble) or not piece.raw.startswith(b"{"):
                return None
            try:
                reads.append(read_value(piece.raw, self.nesting))
            except JsonError:
                return None
        return reads or None

    def _of_stream(self) -> Iterator[LogEvent]:
        """Yield the events of a log whose values are items of an array, or span lines."""
        line = part = 0
        stream = ValueStream(self.source.read, self._line + 1, self.longest)
        for piece in stream.values():
            if isinstance(piece, Trouble):
                self._tell(piece)
                continue
            try:
                read = read_value(piece.raw, self.nesting)
            except JsonError:
                self._not_json(piece.raw, stream.spot(piece), _LINES if piece.item is None else _ITEMS, piece.item)
                continue
            if piece.item is not None and not read.changes and self.opener.passes(read.value):
                yield LogEvent(read.value, self.name, piece.line, piece.item)
                continue
            if piece.line != line:
                line, part = piece.line, 0
            spot = stream.spot(piece)
            for event in self._opened([read], spot, piece.raw, piece.item, part if piece.shares_line else None):
                part += 1
                yield event

    def _opened(
        self, reads: Sequence[Read], spot: Spot, raw: bytes, item: int | None = None, before: int | None = None
    ) -> Iterator[LogEvent]:
        """Yield the events of values without their envelopes.

        Args:
            reads: the values.
            spot: where they begin.
            raw: their bytes.
            item: their number in the array that they are an item of.
            before: how many events are before them on the line; None: they are all of it.
        """
        for read in reads:
            self._tell_changes(read.changes, spot)
        events = [event for read in reads for event in self.opener.open(read.value)]
        self._tell_changes(strings.take_changes(), spot)
        for number, event in enumerate(events, 1):
            if isinstance(event, dict):
                part = before + number if before is not None else number if len(events) > 1 else None
                yield LogEvent(event, self.name, spot.line, item, part)
            elif item is not None and len(events) == 1:
                message = f"item {item} of the array is {_kind(event)}, not a JSON object"
                text = (spot.before + raw + spot.after).decode("utf-8", "replace").split("\n", 1)[0].rstrip()
                self.fail(LogError(message, Place(self.name, spot.line, 1, text)))
            else:
                text = (spot.before + raw).decode("utf-8", "replace").split("\n", 1)[0].rstrip("\r")
                place = Place(self.name, spot.line, 1, text, len(text.strip()) or 1)
                self.fail(LogError(f"an event is a JSON object, not {_kind(event)}", place, "one object a line"))

    def _tell_changes(self, sentences: Sequence[str], spot: Spot) -> None:
        if sentences and self.changed is not None:
            self.changed(Change(self.name, spot.line, tuple(sentences)))

    def _tell(self, trouble: Trouble) -> None:
        if not trouble.problem:
            self._too_long(trouble.spot, "object" if trouble.item is None else f"item {trouble.item} of the array")
            return
        place = _place(trouble.spot, b"", 0, self.name)
        if trouble.is_end:
            hint = "a JSON array ends with `]`" if "array" in trouble.problem else "a JSON object ends with `}`"
            self.fail(UnreadableLogError(trouble.problem, place, hint))
        else:
            self.fail(LogError(f"not JSON: {trouble.problem}", place, _ITEMS))

    def _too_long(self, spot: Spot, what: str) -> None:
        name = what if what.startswith("item") else f"the {what}"
        message = f"{name} is longer than {self.longest:,} bytes"
        self.fail(LogError(message, Place(self.name, spot.line, 1, ""), raises("event-bytes")))

    def _not_json(self, raw: bytes, spot: Spot, hint: str, item: int | None = None) -> None:
        try:
            read_value(raw, self.nesting)
        except JsonError as error:
            place = _place(spot, raw, error.position, self.name)
            what = "" if item is None else f"item {item} is "
            if error.is_deep:
                self.fail(LogError(f"{what or 'the event is '}{error.problem}", place, raises("nesting")))
            else:
                self.fail(LogError(f"{what}not JSON: {error.problem}", place, hint))


def _place(spot: Spot, raw: bytes, position: int, name: str) -> Place:
    """Return the place of a character of a value that begins at a spot."""
    before = spot.before.decode("utf-8", "replace")
    text = before + (raw + spot.after).decode("utf-8", "replace")
    inside = Place.at_offset(text, len(before) + position, name)
    return Place(name, spot.line + inside.line - 1, inside.column, inside.source_line.rstrip())


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"
