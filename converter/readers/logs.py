"""Read logs: newline-delimited JSON, a JSON array, or JSON objects one after the other, each plain or gzipped.

    path ──> bytes (gunzipped while reading) ──> JSON values, with their lines ──envelopes──> events

A line that is not an event raises `LogError` with its place, or is reported and skipped. A log that is not JSON at all
is one error that says what it looks like. Envelopes around events, such as CloudTrail's `Records` or a response of
Elasticsearch, are opened.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import sys
import zlib
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, cast

import orjson

from converter.errors import LogError, Place, UnreadableLogError
from converter.readers.envelopes import Opener
from converter.readers.log_text import look_of
from converter.readers.scope import ScopeError, check_named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from converter.readers.envelopes import Stays

MAX_LINE = 64 * 1024 * 1024
_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


class LogEvent(NamedTuple):
    """One event of a log: its data, the file, and its 1-based line (or position in an array)."""

    data: dict[str, Any]
    path: str
    line: int


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
) -> Iterator[LogEvent]:
    """Yield the events of several logs, one after the other. See `read_log`."""
    for path in paths:
        yield from read_log(path, on_error, raw=raw, stays=stays, on_opened=on_opened)


def read_log(
    path: str | Path,
    on_error: Callable[[LogError], None] | None = None,
    *,
    raw: bool = False,
    stays: Stays | None = None,
    on_opened: Callable[[str, Sequence[str]], None] | None = None,
) -> Iterator[LogEvent]:
    """Yield the events of a log with their lines, without the envelopes around them.

    Args:
        path: a file, or `-` for standard input.
        on_error: called with each error; reading goes on with the next line. Without it the first error is raised.
        raw: read events as their source wrote them, also where a product's document holds them as a string.
        stays: with `raw`: told of a product's document and the event in it, whether the document is asked for.
        on_opened: called at the end with the name of the log and the names of the envelopes in it, if there are any.

    Raises:
        LogError: a line that is not a JSON object.
        UnreadableLogError: a damaged gzip, a file that cannot be read or is not JSON at all, a link out of its
            repository.
    """

    def fail(error: LogError) -> None:
        if on_error is None:
            raise error
        on_error(error)

    name = log_name(path)
    opener = Opener(raw, stays)
    try:
        check_named(path)
        with ExitStack() as opened:
            stream = sys.stdin.buffer if str(path) == "-" else opened.enter_context(Path(path).open("rb"))
            yield from _Log(_unpacked(stream, opened), name, opener, fail).events()
    except ScopeError as error:
        fail(UnreadableLogError(f"the log {name} {error}", hint=error.hint))
    except (OSError, EOFError, zlib.error) as error:
        fail(UnreadableLogError(f"cannot read {name}: {getattr(error, 'strerror', None) or error}"))
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


@dataclass(slots=True)
class _Log:
    """A log that is being read: `fail` is called with each error."""

    stream: IO[bytes]
    name: str
    opener: Opener
    fail: Callable[[LogError], None]

    def events(self) -> Iterator[LogEvent]:
        line = 0
        started = False
        while raw := self.stream.readline(MAX_LINE + 1):
            line += 1
            if len(raw) > MAX_LINE:
                place = Place(self.name, line, 1, "")
                self.fail(LogError(f"the line is longer than {MAX_LINE} bytes", place, "one event a line"))
                while raw and not raw.endswith(b"\n"):
                    raw = self.stream.readline(MAX_LINE)
                continue
            if line == 1:
                if raw.startswith(_UTF16):  # what PowerShell writes
                    place = Place(self.name, 1, 1, "")
                    self.fail(LogError("the log is UTF-16, not UTF-8", place, "save it as UTF-8"))
                    return
                raw = raw.removeprefix(_BOM)
            first = raw.lstrip()[:1]
            if not first:
                continue
            if not started and first == b"[":
                yield from self._array(raw + self.stream.read(), line)
                return
            try:
                event = orjson.loads(raw.rstrip())
            except orjson.JSONDecodeError as error:
                if not started and first == b"{":  # perhaps an object over several lines
                    yield from self._objects(raw, line, error)
                    return
                look = None if started or first in b"{[" else look_of(raw)
                if look is not None:
                    place = _begin(raw, self.name, line)
                    self.fail(UnreadableLogError(f"the log is {look.what}, not JSON", place, look.hint))
                    return
                yield from self._line(raw, line, error)
                started = started or first == b"{"
                continue
            started = True
            yield from self._opened(event, raw, line)

    def _line(self, raw: bytes, line: int, error: orjson.JSONDecodeError) -> Iterator[LogEvent]:
        """Yield the objects of a line that is not one JSON value; what is not an object is an error."""
        values = _values(raw)
        if values is None:
            self.fail(_not_json(error, raw, self.name, line))
            return
        for _, value in values:
            yield from self._opened(value, raw, line)

    def _opened(self, value: object, raw: bytes, line: int) -> Iterator[LogEvent]:
        """Yield a value's events."""
        for event in self.opener.open(value):
            if isinstance(event, dict):
                yield LogEvent(event, self.name, line)
                continue
            place = Place.at_offset(raw.decode("utf-8", "replace"), 0, self.name)
            source = place.source_line
            self.fail(
                LogError(
                    f"an event is a JSON object, not {_kind(event)}",
                    Place(self.name, line, 1, source, len(source.strip()) or 1),
                    "one object a line",
                )
            )

    def _array(self, raw: bytes, first_line: int) -> Iterator[LogEvent]:
        try:
            items = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            if error.pos >= len(raw.decode("utf-8", "replace").rstrip()):  # where it begins says more than its end
                place = _begin(raw, self.name, first_line)
                self.fail(LogError("this array is not closed", place, "a JSON array ends with `]`"))
            else:
                self.fail(_not_json(error, raw, self.name, first_line, "the log is one JSON array of objects"))
            return
        begin = raw.split(b"\n", 1)[0].rstrip().decode("utf-8", "replace")
        for position, item in enumerate(items, 1):
            for event in self.opener.open(item):
                if isinstance(event, dict):
                    yield LogEvent(event, self.name, position)
                    continue
                message = f"item {position} of the array is {_kind(event)}, not a JSON object"
                self.fail(LogError(message, Place(self.name, first_line, 1, begin)))

    def _objects(self, first: bytes, line: int, error: orjson.JSONDecodeError) -> Iterator[LogEvent]:
        """The first line is not JSON by itself: read all as values one after the other, or go on line by line."""
        rest = self.stream.read()
        values = _values(first + rest)
        if values is not None:
            for below, value in values:
                yield from self._opened(value, first, line + below)
            return
        self.fail(_not_json(error, first, self.name, line))
        for number, raw in enumerate(rest.splitlines(keepends=True), line + 1):
            if not raw.strip():
                continue
            try:
                event = orjson.loads(raw.rstrip())
            except orjson.JSONDecodeError as worse:
                yield from self._line(raw, number, worse)
                continue
            yield from self._opened(event, raw, number)


def _values(raw: bytes) -> list[tuple[int, object]] | None:
    """Return the JSON objects that bytes consist of, each with the number of lines before it; None if they do not."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return None
    values: list[tuple[int, object]] = []
    position = counted = below = 0
    while (start := _SPACE.match(text, position).end()) < len(text):  # type: ignore[union-attr]  # it matches anywhere
        if text[start] != "{":
            return None
        below += text.count("\n", counted, start)
        counted = start
        try:
            _, position = _DECODER.raw_decode(text, start)
            values.append((below, orjson.loads(text[start:position])))
        except (ValueError, RecursionError):
            return None
    return values


def _begin(raw: bytes, name: str, line: int) -> Place:
    """Return the place of the first character that is not white space."""
    first = raw.split(b"\n", 1)[0].rstrip().decode("utf-8", "replace")
    return Place(name, line, len(first) - len(first.lstrip()) + 1, first)


def _not_json(
    decode_error: orjson.JSONDecodeError, raw: bytes, name: str, line: int, hint: str = "each line is one JSON object"
) -> LogError:
    text = raw.decode("utf-8", "replace")
    inside = Place.at_offset(text, decode_error.pos, name)
    place = Place(name, line + inside.line - 1, inside.column, inside.source_line)
    problem = decode_error.msg.split(":", 1)[0]
    return LogError(f"not JSON: {problem}", place, hint)


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
