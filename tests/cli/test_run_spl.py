"""`sigma-convert run --language spl`: tables, macros, the clock, notes; and the same from Python."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import converter
from converter.cli import main
from converter.cli.common import BAD_INPUT, OK, WRONG_USAGE
from converter.errors import ConfigurationError, LogError, QueryError
from converter.readers.lookup_tables import read_table

if TYPE_CHECKING:
    from pathlib import Path

EVENTS = '{"_id": "1", "_time": 1714561200, "a": 1}\n{"_id": "2", "_time": 1714564000, "a": 1}\n'
MACROS = "[ours]\ndefinition = a=1\n[broken]\ndefinition = head head\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "log.ndjson").write_text(EVENTS, encoding="utf-8")
    (tmp_path / "macros.conf").write_text(MACROS, encoding="utf-8")
    (tmp_path / "users.csv").write_text("user,mail\nann,a@x\n", encoding="utf-8")
    return tmp_path


def run(folder: Path, query: str, *arguments: str) -> int:
    return main(["run", "--language", "spl", query, "--logs", str(folder / "log.ndjson"), *arguments])


def ids(text: str) -> list[str]:
    return [json.loads(line)["_id"] for line in text.splitlines()]


def test_macros_of_a_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "`ours` | head 1", "--macros", str(folder / "macros.conf")) == OK
    assert ids(capsys.readouterr().out) == ["1"]


def test_a_later_file_of_macros_wins(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "more.conf").write_text("[ours]\ndefinition = a=2\n", encoding="utf-8")
    files = ("--macros", str(folder / "macros.conf"), "--macros", str(folder / "more.conf"))
    assert run(folder, "`ours`", *files) == OK
    assert not capsys.readouterr().out


def test_an_error_in_a_macro_is_shown_at_its_call(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "a=1 | `broken`", "--macros", str(folder / "macros.conf")) == BAD_INPUT
    shown = capsys.readouterr().err
    assert "<query>:1:7: " in shown
    assert "in the expansion of the macro broken" in shown


def test_an_error_in_a_file_of_macros_names_the_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "bad.conf"
    path.write_text("[ours]\nwhat\n", encoding="utf-8")
    assert run(folder, "`ours`", "--macros", str(path)) == BAD_INPUT
    assert f"{path}:2:1: " in capsys.readouterr().err


def test_a_file_of_macros_that_is_not_there(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "`ours`", "--macros", str(folder / "none.conf")) == BAD_INPUT
    assert "cannot read" in capsys.readouterr().err


@pytest.mark.parametrize(
    "now", ["2024-05-01T12:00:00Z", "2024-05-01T12:00:00", "2024-05-01T14:00:00+02:00", "1714564800"]
)
def test_the_time_of_the_search(folder: Path, capsys: pytest.CaptureFixture[str], now: str) -> None:
    assert run(folder, "earliest=-30m", "--now", now) == OK
    assert ids(capsys.readouterr().out) == ["2"]


def test_without_the_time_of_the_search(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "earliest=-30m") == BAD_INPUT
    assert "--now" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [("--now", "noon"), ("--table", "users"), ("--table", "=x.csv"), ("--table", "a=x.csv", "--table", "a=y.csv")],
)
def test_wrong_usage(folder: Path, arguments: tuple[str, ...]) -> None:
    (folder / "x.csv").write_text("a\n1\n", encoding="utf-8")
    named = [argument.replace("x.csv", str(folder / "x.csv")) for argument in arguments]
    assert run(folder, "a=1", *named) == WRONG_USAGE


def test_a_limit_that_was_touched_is_a_warning_and_can_be_switched_off(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    query = "a=1 [search a=1 | eval a=mvrange(2, 10003) | mvexpand a | append [search a=1] | fields a]"
    assert run(folder, query) == OK
    shown = capsys.readouterr()
    assert not shown.out
    assert "warning: a subsearch gave more than 10000 results" in shown.err
    assert run(folder, query, "--no-limits") == OK
    shown = capsys.readouterr()
    assert ids(shown.out) == ["1", "2"]
    assert "warning" not in shown.err


def test_a_language_without_macros(folder: Path) -> None:
    log = str(folder / "log.ndjson")
    macros = str(folder / "macros.conf")
    assert main(["run", "--language", "kql", "a: 1", "--macros", macros, "--logs", log]) == WRONG_USAGE


def test_from_python() -> None:
    events = [{"_id": "1", "a": 1, "_time": 10}, {"_id": "2", "a": 2, "_time": 20}]
    notes: list[str] = []
    rows = converter.run_query(
        "`ours` earliest=-5s", "spl", events, macros=MACROS, now=12, limits=False, on_note=notes.append
    )
    assert [row["_id"] for row in rows] == ["1"]
    assert notes == []
    assert converter.parse_query("`ours`", "spl", macros=MACROS) == converter.parse_query("a=1", "spl")
    with pytest.raises(QueryError, match="has no definition"):
        converter.parse_query("`ours`", "spl")
    with pytest.raises(ConfigurationError, match="the engine of eql has no macros"):
        converter.parse_query("any where true", "eql", macros=MACROS)
    with pytest.raises(ConfigurationError, match="the engine of kql has no now"):
        converter.run_query("a: 1", "kql", events, now=1)


def test_a_table_of_csv_or_json(folder: Path) -> None:
    assert read_table(folder / "users.csv") == [{"user": "ann", "mail": "a@x"}]
    assert [row["_id"] for row in read_table(folder / "log.ndjson")] == ["1", "2"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no line of column names"),
        ("a,a\n1,2\n", "two columns of one name"),
        ("a,b\n1\n", "1 values in a table of 2 columns"),
        ('a,b\n"1,2\n', "not valid CSV"),
        ("a\n" + "x" * 200_000, "not valid CSV"),
    ],
)
def test_a_table_that_is_none(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(LogError, match=message):
        read_table(path)


def test_a_table_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="cannot read"):
        read_table(tmp_path / "none.csv")
    (tmp_path / "bytes.csv").write_bytes(b"a\n\xff\xfe\n")
    with pytest.raises(LogError, match="cannot read"):
        read_table(tmp_path / "bytes.csv")
