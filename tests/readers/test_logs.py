"""The log reader: every form a log comes in, and what it says of a bad one."""

from __future__ import annotations

import gzip
import io
import json
import re
import sys
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from converter.errors import LogError
from converter.readers.limits import changed, using
from converter.readers.logs import read_events, read_log, read_logs

if TYPE_CHECKING:
    from pathlib import Path

A, B = {"a": 1}, {"b": {"c": [2, None]}}
ARRAY_HINT = "  hint: the log is one JSON array of objects"
BOM = b"\xef\xbb\xbf"
PRETTY = json.dumps({"a": 1, "b": ["x", "y"]}, indent=2).encode()
RECORDS = json.dumps({"Records": [A, B]}).encode()


def write(folder: Path, content: bytes) -> Path:
    path = folder / "log"
    path.write_bytes(content)
    return path


def read(path: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the events and the errors, each rendered with the folder left out."""
    errors: list[LogError] = []
    events = list(read_events(path, errors.append))
    shown = [error.render().replace(str(path), "log") for error in errors]
    # What exactly is wrong is said in the words of the JSON library, which change with its version.
    return events, [re.sub(r"not JSON: .+", "not JSON: ...", text) for text in shown]


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(b'{"a": 1}\n{"b": {"c": [2, null]}}\n', [A, B], id="one object a line"),
        pytest.param(b'{"a": 1}\n{"b": {"c": [2, null]}}', [A, B], id="no line break at the end"),
        pytest.param(b'{"a": 1}\r\n{"b": {"c": [2, null]}}\r\n', [A, B], id="line breaks of Windows"),
        pytest.param(b'\n\n  {"a": 1}  \n\n\t{"b": {"c": [2, null]}}\n\n', [A, B], id="blank lines and space around"),
        pytest.param(BOM + b'{"a": 1}\n', [A], id="byte order mark"),
        pytest.param(BOM + b'[{"a": 1}]', [A], id="byte order mark before an array"),
        pytest.param(b'[{"a": 1}, {"b": {"c": [2, null]}}]', [A, B], id="array"),
        pytest.param(b'\n[\n{"a": 1},\n{"b": {"c": [2, null]}}\n]\n', [A, B], id="array over several lines"),
        pytest.param(b"[]", [], id="empty array"),
        pytest.param(RECORDS, [A, B], id="Records of CloudTrail"),
        pytest.param(RECORDS + b"\n" + RECORDS, [A, B, A, B], id="Records on each line"),
        pytest.param(json.dumps({"Records": [A, B]}, indent=1).encode(), [A, B], id="Records over several lines"),
        pytest.param(b'{"Records": []}', [], id="no Records"),
        pytest.param(b'{"Records": [{"a": 1}], "x": 1}', [{"Records": [A], "x": 1}], id="Records beside other keys"),
        pytest.param(b'{"Records": 5}', [{"Records": 5}], id="Records that are no array"),
        pytest.param(PRETTY, [{"a": 1, "b": ["x", "y"]}], id="one object over several lines"),
        pytest.param(PRETTY + b"\n" + PRETTY, [json.loads(PRETTY)] * 2, id="several objects over several lines"),
        pytest.param(
            b'{"a": 1}{"b": {"c": [2, null]}} {"a": 1}\n{"a": 1}', [A, B, A, A], id="several objects on a line"
        ),
        pytest.param(b'{"a": 1}\n{"a": 1}{"a": 1}\n', [A, A, A], id="several objects on a later line"),
        pytest.param(b"", [], id="empty"),
        pytest.param(b"\n \n", [], id="only blank lines"),
        pytest.param(b"{}", [{}], id="empty object"),
        pytest.param('{"ä": "😀"}'.encode(), [{"ä": "😀"}], id="UTF-8"),
    ],
)
def test_forms_of_logs(tmp_path: Path, content: bytes, expected: list[Any], *, compressed: bool) -> None:
    path = write(tmp_path, gzip.compress(content) if compressed else content)
    assert list(read_events(path)) == expected


@pytest.mark.parametrize(
    ("content", "expected", "errors"),
    [
        pytest.param(
            b'{"a": 1}\n{"b": }\n{"a": 1}\n',
            [A, A],
            ['log:2:7: log error: not JSON: ...\n  {"b": }\n        ^\n  hint: each line is one JSON object'],
            id="a bad line between good ones",
        ),
        pytest.param(
            b'{"a": 1}\n   {"b": }\n',
            [A],
            ['log:2:10: log error: not JSON: ...\n     {"b": }\n           ^\n  hint: each line is one JSON object'],
            id="space before a bad line",
        ),
        pytest.param(
            b'{"a": 1\n{"a": 1}\nnot json\n',
            [A],
            [
                'log:1:8: log error: not JSON: ...\n  {"a": 1\n         ^\n  hint: each line is one JSON object',
                "log:3:1: log error: not JSON: ...\n  not json\n  ^\n  hint: each line is one JSON object",
            ],
            id="a bad first line and a bad last line",
        ),
        pytest.param(
            b'{"a": 1}\n5\n"x"\nnull\n',
            [A],
            [
                f"log:{line}:1: log error: an event is a JSON object, not {kind}\n  {text}\n  {'^' * len(text)}\n"
                "  hint: one object a line"
                for line, kind, text in ((2, "a number", "5"), (3, "a string", '"x"'), (4, "null", "null"))
            ],
            id="values that are no objects",
        ),
        pytest.param(
            b'[{"a": 1}, 5, {"a": 1}]',
            [A, A],
            ['log:1:1: log error: item 2 of the array is a number, not a JSON object\n  [{"a": 1}, 5, {"a": 1}]\n  ^'],
            id="an item of an array that is no object",
        ),
        pytest.param(
            b'[{"a": 1},\n {"b": }]',
            [A],
            [f'log:2:8: log error: item 2 is not JSON: ...\n   {{"b": }}]\n         ^\n{ARRAY_HINT}'],
            id="an array that is not JSON",
        ),
        pytest.param(
            b'\n [{"a": 1},\n {"b": {"c": [2, null]}},\n',
            [A, B],
            ['log:2:2: log error: this array is not closed\n   [{"a": 1},\n   ^\n  hint: a JSON array ends with `]`'],
            id="an array that is not closed",
        ),
        pytest.param(
            b'[{"a": 1}, {"b": ',
            [A],
            [
                (
                    'log:1:1: log error: this array is not closed\n  [{"a": 1}, {"b": \n  ^\n'
                    "  hint: a JSON array ends with `]`"
                ).replace('"b": \n', '"b":\n')
            ],
            id="an array that ends in the middle of an object",
        ),
        pytest.param(
            b'{"Records": [{"a": 1}, true]}',
            [A],
            [
                (
                    "log:1:1: log error: an event is a JSON object, not a boolean\n"
                    '  {"Records": [{"a": 1}, true]}\n'
                    "  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n"
                    "  hint: one object a line"
                )
            ],
            id="a record that is no object",
        ),
        pytest.param(
            b'{"a": 1}\n{"a": nan}\n',
            [A],
            ['log:2:7: log error: not JSON: ...\n  {"a": nan}\n        ^\n  hint: each line is one JSON object'],
            id="a word that JSON does not know",
        ),
    ],
)
def test_bad_lines_are_placed_and_skipped(
    tmp_path: Path, content: bytes, expected: list[Any], errors: list[str]
) -> None:
    assert read(write(tmp_path, content)) == (expected, errors)


def test_a_log_in_utf16_is_named(tmp_path: Path) -> None:
    events, errors = read(write(tmp_path, '{"a": 1}\n{"a": 2}\n'.encode("utf-16")))
    assert events == []
    assert errors == ["log:1:1: log error: the log is UTF-16, not UTF-8\n  \n  ^\n  hint: save it as UTF-8"]


def test_deep_nesting_is_an_error_not_a_crash(tmp_path: Path) -> None:
    events, errors = read(write(tmp_path, b'{"a": 1}\n' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"\n"))
    assert events == [A]
    assert len(errors) == 1


def test_control_characters_of_a_log_stay_out_of_the_error(tmp_path: Path) -> None:
    _, errors = read(write(tmp_path, b'{"a": 1}\n{"a": \x1b[31m}\n'))
    assert "\x1b" not in errors[0]


def test_without_a_handler_the_first_error_is_raised(tmp_path: Path) -> None:
    reading = read_events(write(tmp_path, b'{"a": 1}\nbad\n'))
    assert next(reading) == A
    with pytest.raises(LogError) as caught:
        next(reading)
    assert caught.value.place is not None
    assert (caught.value.place.line, caught.value.place.column) == (2, 1)


def test_truncated_gzip_gives_what_it_holds_and_then_an_error(tmp_path: Path) -> None:
    lines = b"".join(b'{"a": %d}\n' % number for number in range(50_000))
    whole = gzip.compress(lines)
    events, errors = read(write(tmp_path, whole[: len(whole) // 2]))
    assert events[:3] == [{"a": 0}, {"a": 1}, {"a": 2}]
    assert len(events) < 50_000
    (error,) = errors
    assert error.startswith("log error: cannot read log: ")
    assert "end-of-stream" in error


@pytest.mark.parametrize("cut", [2, 5, 11])
def test_gzip_cut_in_its_header(tmp_path: Path, cut: int) -> None:
    events, errors = read(write(tmp_path, gzip.compress(b'{"a": 1}\n')[:cut]))
    assert events == []
    assert len(errors) == 1


def test_damaged_gzip(tmp_path: Path) -> None:
    damaged = bytearray(gzip.compress(b'{"a": 1}\n' * 1000))
    damaged[20:40] = b"\0" * 20
    _, errors = read(write(tmp_path, bytes(damaged)))
    assert errors[-1].startswith("log error: cannot read log: ")


def test_gzip_of_several_members(tmp_path: Path) -> None:
    content = gzip.compress(b'{"a": 1}\n') + gzip.compress(b'{"b": {"c": [2, null]}}\n')
    assert list(read_events(write(tmp_path, content))) == [A, B]


def test_lines_are_counted_from_one(tmp_path: Path) -> None:
    path = write(tmp_path, b'\n{"a": 1}\n\n{"a": 1}\n')
    assert [(event.path, event.line) for event in read_log(path)] == [(str(path), 2), (str(path), 4)]


@pytest.mark.parametrize(
    ("content", "positions"),
    [
        pytest.param(b'{"a": 1}\n\n[5]\n{"a": 1}', [1, 4], id="lines that are blank or bad count"),
        pytest.param(b'[{"a": 1}, 5,\n{"a": 1}]', [1, 3], id="items of an array, also bad ones"),
        pytest.param(b'[{"Records": [{"a": 1}, {"a": 1}]}]', ["1:1", "1:2"], id="several in an item"),
        pytest.param(b'\n{"Records": [{"a": 1}, 5, {"a": 1}]}', ["2:1", "2:3"], id="several in an envelope"),
        pytest.param(b'\n{"Records": [{"a": 1}]}', [2], id="one in an envelope"),
        pytest.param(b'{"a": 1}\n{"a": 1} {"a": 1}', [1, "2:1", "2:2"], id="several on a line"),
        pytest.param(
            b'{"a":\n 1}\n{"a": 1}\n{"a":\n1} {"a": 1}{"a":1}\n{"a": 1}',
            [1, 3, 4, "5:1", "5:2", 6],
            id="over several lines",
        ),
        pytest.param(b'{"a": 1}\r\n\r\n{"a": 1}', [1, 3], id="line breaks of Windows"),
        pytest.param('{"a": "\u2028"}\n{"a": "\x85"}'.encode(), [1, 2], id="line breaks of Unicode are none"),
        pytest.param(b'[{"a": 1}]\n[{"a": 1}]', [1, 1], id="several arrays"),
    ],
)
def test_positions(tmp_path: Path, content: bytes, positions: list[int | str]) -> None:
    events = list(read_log(write(tmp_path, content), lambda _: None))
    assert [event.position for event in events] == positions


def test_positions_after_many_blocks(tmp_path: Path) -> None:
    lines = [json.dumps({"line": number, "x": "y" * (number % 7_000)}) for number in range(1, 5_001)]
    plain = read_log(write(tmp_path, "\n".join(lines).encode()))
    assert all(event.line == event.data["line"] for event in plain)
    items = list(read_log(write(tmp_path, b"[" + ",\n".join(lines).encode() + b"]")))
    assert [event.line for event in items] == [event.item for event in items] == [*range(1, 5_001)]


def test_several_logs_one_after_the_other(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(b'{"a": 1}\n')
    two.write_bytes(gzip.compress(RECORDS))
    assert [event.data for event in read_logs([one, two])] == [A, A, B]


def test_a_missing_file(tmp_path: Path) -> None:
    path = tmp_path / "none"
    errors: list[LogError] = []
    assert list(read_events(path, errors.append)) == []
    assert [error.message for error in errors] == [f"cannot read {path}: No such file or directory"]


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="Is a directory"):
        next(read_events(tmp_path))


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"a": 1}\nbad\n')))
    errors: list[LogError] = []
    assert list(read_events("-", errors.append)) == [A]
    assert errors[0].render().startswith("<stdin>:2:1: ")


LONG = b'{"a": "' + b"x" * 100 + b'"}'


@pytest.mark.parametrize("name", ["a line", "an object over several lines", "an item"])
def test_an_event_longer_than_the_limit(tmp_path: Path, name: str) -> None:
    logs = {
        "a line": (b'{"a": 1}\n' + LONG + b'\n{"b": {"c": [2, null]}}\n', "log:2:1", "the line"),
        "an object over several lines": (
            b'{"a":\n 1}\n' + LONG.replace(b":", b":\n") + b'{"b": {"c": [2, null]}}\n',
            "log:3:1",
            "the object",
        ),
        "an item": (b'[{"a": 1},\n' + LONG + b', {"b": {"c": [2, null]}}]', "log:2:1", "item 2 of the array"),
    }
    content, place, what = logs[name]
    with using(changed({"event-bytes": 100})):
        events, errors = read(write(tmp_path, content))
    assert events == [A, B]
    hint = "--limit event-bytes=VALUE raises the limit"
    assert errors == [f"{place}: log error: {what} is longer than 100 bytes\n  \n  ^\n  hint: {hint}"]


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
def test_a_log_longer_than_the_limit(tmp_path: Path, *, compressed: bool) -> None:
    content = b'{"a": 1}\n' * 20_000
    path = write(tmp_path, gzip.compress(content) if compressed else content)
    with using(changed({"log-bytes": 150_000})):
        events, errors = read(path)
    size = "more than 150,000 bytes, unpacked" if compressed else "180,000 bytes, more than 150,000"
    hint = "--limit log-bytes=VALUE raises the limit"
    assert errors == [f"log:1:1: log error: the log has {size}\n  \n  ^\n  hint: {hint}"]
    assert (0 < len(events) < 20_000) if compressed else events == []


def test_gzip_of_zeros_without_end_is_not_held(tmp_path: Path) -> None:
    path = write(tmp_path, gzip.compress(b'{"a": 1}\n' + bytes(50_000_000)))
    with using(changed({"log-bytes": 20_000_000, "event-bytes": 1_000_000})):
        tracemalloc.start()
        events, errors = read(path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert events == [A]
    assert "the log has more than 20,000,000 bytes, unpacked" in errors[-1]
    assert peak < 5_000_000


@pytest.mark.parametrize("separator", [b", ", b",\n"], ids=["one line", "lines"])
def test_an_array_is_not_held(tmp_path: Path, separator: bytes) -> None:
    item = json.dumps({"a": ["]}[{,", {"b": "x" * 900}]}).encode()
    path = write(tmp_path, b"[" + separator.join([item] * 20_000) + b"]")
    tracemalloc.start()
    count = sum(1 for _ in read_log(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 20_000
    assert peak < 2_000_000


def test_a_log_is_read_as_it_is_needed(tmp_path: Path) -> None:
    reading = read_events(write(tmp_path, gzip.compress(b'{"a": 1}\n' * 100_000)))
    assert next(reading) == A
    reading.close()  # type: ignore[attr-defined]
