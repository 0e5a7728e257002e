"""Read logs: newline-delimited JSON, a JSON array, CloudTrail's own {"Records": [...]}, each plain or gzipped.

    path ──> bytes (gunzipped while reading) ──> one JSON object after another, with its line

A line that is not an event raises `LogError` with its place, or is reported and skipped.
"""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from contextlib import ExitStack
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, cast

import orjson

from converter.errors import LogError, Place, UnreadableLogError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

MAX_LINE = 64 * 1024 * 1024
_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class LogEvent(NamedTuple):
    """One event of a log: its data, the file, and its 1-based line (or position in an array)."""

    data: dict[str, Any]
    path: str
    line: int


def read_events(path: str | Path, on_error: Callable[[LogError], None] | None = None) -> Iterator[dict[str, Any]]:
    """Yield the events of a log. See `read_log`."""
    for event in read_log(path, on_error):
        yield event.data


def read_logs(paths: Iterable[str | Path], on_error: Callable[[LogError], None] | None = None) -> Iterator[LogEvent]:
    """Yield the events of several logs, one after the other. See `read_log`."""
    for path in paths:
        yield from read_log(path, on_error)


def read_log(path: str | Path, on_error: Callable[[LogError], None] | None = None) -> Iterator[LogEvent]:
    """Yield the events of a log with their lines.

    Args:
        path: a file, or `-` for standard input.
        on_error: called with each error; reading goes on with the next line. Without it the first error is raised.

    Raises:
        LogError: a line that is not a JSON object.
        UnreadableLogError: a damaged gzip, a file that cannot be read.
    """

    def fail(error: LogError) -> None:
        if on_error is None:
            raise error
        on_error(error)

    name = "<stdin>" if str(path) == "-" else str(path)
    try:
        with ExitStack() as opened:
            raw = sys.stdin.buffer if str(path) == "-" else opened.enter_context(Path(path).open("rb"))
            yield from _events(_unpacked(raw, opened), name, fail)
    except (OSError, EOFError, zlib.error) as bad:
        fail(UnreadableLogError(f"cannot read {name}: {getattr(bad, 'strerror', None) or bad}"))


def _unpacked(raw: IO[bytes], opened: ExitStack) -> IO[bytes]:
    """Return the stream itself, or what it unpacks to if it is gzipped."""
    buffered = raw if isinstance(raw, io.BufferedReader) else io.BufferedReader(cast("io.RawIOBase", raw))
    if buffered.peek(2)[:2] == _GZIP:
        return cast("IO[bytes]", opened.enter_context(gzip.open(buffered)))
    return buffered


def _events(stream: IO[bytes], name: str, fail: Callable[[LogError], None]) -> Iterator[LogEvent]:
    line = 0
    started = False
    while raw := stream.readline(MAX_LINE + 1):
        line += 1
        if len(raw) > MAX_LINE:
            fail(LogError(f"the line is longer than {MAX_LINE} bytes", Place(name, line, 1, ""), "one event a line"))
            while raw and not raw.endswith(b"\n"):
                raw = stream.readline(MAX_LINE)
            continue
        if line == 1:
            if raw.startswith(_UTF16):  # what PowerShell writes
                fail(LogError("the log is UTF-16, not UTF-8", Place(name, 1, 1, ""), "save it as UTF-8"))
                return
            raw = raw.removeprefix(_BOM)
        first = raw.lstrip()[:1]
        if not first:
            continue
        if not started and first == b"[":
            yield from _array(raw + stream.read(), name, line, fail)
            return
        try:
            event = orjson.loads(raw.rstrip())
        except orjson.JSONDecodeError as error:
            if not started and first == b"{":  # perhaps one object over several lines
                yield from _object(raw, stream, name, line, error, fail)
                return
            fail(_not_json(error, raw, name, line))
            continue
        started = True
        yield from _checked(event, raw, name, line, fail)


def _checked(event: object, raw: bytes, name: str, line: int, fail: Callable[[LogError], None]) -> Iterator[LogEvent]:
    """Yield an object as an event, or its `Records` if that is all it holds."""
    if isinstance(event, dict):
        records = event.get("Records")
        if len(event) == 1 and isinstance(records, list):
            for record in records:
                yield from _checked(record, raw, name, line, fail)
            return
        yield LogEvent(event, name, line)
        return
    place = Place.at_offset(raw.decode("utf-8", "replace"), 0, name)
    fail(
        LogError(
            f"an event is a JSON object, not {_kind(event)}",
            Place(name, line, 1, place.source_line, len(place.source_line.strip()) or 1),
            "one object a line",
        )
    )


def _array(raw: bytes, name: str, first_line: int, fail: Callable[[LogError], None]) -> Iterator[LogEvent]:
    try:
        items = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        if error.pos >= len(raw.decode("utf-8", "replace").rstrip()):  # where it begins says more than where it ends
            fail(LogError("this array is not closed", _begin(raw, name, first_line), "a JSON array ends with `]`"))
        else:
            fail(_not_json(error, raw, name, first_line, "the log is one JSON array of objects"))
        return
    begin = raw.split(b"\n", 1)[0].rstrip().decode("utf-8", "replace")
    for position, item in enumerate(items, 1):
        if isinstance(item, dict):
            yield LogEvent(item, name, position)
        else:
            message = f"item {position} of the array is {_kind(item)}, not a JSON object"
            fail(LogError(message, Place(name, first_line, 1, begin)))


def _object(
    first: bytes,
    stream: IO[bytes],
    name: str,
    line: int,
    decode_error: orjson.JSONDecodeError,
    fail: Callable[[LogError], None],
) -> Iterator[LogEvent]:
    """The first line is not JSON by itself: read all as one object, or go on line by line."""
    rest = stream.read()
    try:
        event = orjson.loads(first + rest)
    except orjson.JSONDecodeError:
        fail(_not_json(decode_error, first, name, line))
        for number, raw in enumerate(rest.splitlines(keepends=True), line + 1):
            if not raw.strip():
                continue
            try:
                event = orjson.loads(raw.rstrip())
            except orjson.JSONDecodeError as worse:
                fail(_not_json(worse, raw, name, number))
                continue
            yield from _checked(event, raw, name, number, fail)
        return
    yield from _checked(event, first, name, line, fail)


def _begin(raw: bytes, name: str, line: int) -> Place:
    """Return the place of the first character that is no white space."""
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
