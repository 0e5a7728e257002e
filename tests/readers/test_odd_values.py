"""Values that JSON leaves open or forbids: `odd_values.toml` has what each is read as, and what is said of it."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import converter
from converter.errors import LogError
from converter.readers.limits import changed, using
from converter.readers.logs import read_log
from converter.readers.nesting import is_nested_deeper
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from converter.readers.logs import Change

CASES: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("odd_values.toml").read_text(encoding="utf-8"))[
    "case"
]


def read(path: Path) -> tuple[list[Any], list[str], list[str]]:
    """Return the events of a log, what is said of changes, and the errors."""
    changes: list[Change] = []
    errors: list[LogError] = []
    events = [event.data for event in read_log(path, errors.append, raw=True, on_change=changes.append)]
    said = [f"{change.line}: {'; '.join(change.sentences)}" for change in changes]
    return events, said, [f"{error.place.line if error.place else 0}: {error.message}" for error in errors]


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in CASES])
def test_odd_values(tmp_path: Path, case: dict[str, Any]) -> None:
    assert not set(case) - {"name", "log", "bytes", "events", "changes", "errors"}
    path = tmp_path / "log"
    path.write_bytes(bytes.fromhex(case["bytes"]) if "bytes" in case else case["log"].encode())
    events, changes, errors = read(path)
    assert repr(events) == repr([json.loads(line) for line in case["events"].splitlines() if line.strip()])
    assert changes == case.get("changes", [])
    assert errors == case.get("errors", [])


@pytest.mark.parametrize("digits", [309, 5_000, 100_000])
def test_a_whole_number_that_no_double_can_hold_is_text(tmp_path: Path, digits: int) -> None:
    path = tmp_path / "log"
    path.write_text('{"a": ' + "9" * digits + "}")
    events, changes, errors = read(path)
    assert events == [{"a": "9" * digits}]
    assert len(changes) == 1
    assert errors == []


NESTED = [
    pytest.param("[", "]", id="arrays"),
    pytest.param('{"a":', "}", id="objects"),
]


@pytest.mark.parametrize(("opening", "closing"), NESTED)
@pytest.mark.parametrize("levels", [199, 200, 300, 1_100, 100_000])
def test_nesting(tmp_path: Path, opening: str, closing: str, levels: int) -> None:
    path = tmp_path / "log"
    deep = '{"x": ' + opening * levels + "1" + closing * levels + "}"
    path.write_text('{"a": 1}\n' + deep + '\n{"a": 2}\n')
    events, _, errors = read(path)
    assert len(events) == (3 if levels == 199 else 2)
    assert events[-1] == {"a": 2}
    assert errors == ([] if levels == 199 else ["2: the event is nested deeper than 200 levels"])
    path.write_text(f'[{{"a": 1}},\n{deep},\n{{"a": 2}}]')
    events, _, errors = read(path)
    assert events[-1] == {"a": 2}
    assert errors == ([] if levels == 199 else ["2: item 2 is nested deeper than 200 levels"])


def test_brackets_that_are_not_closed_are_one_error(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text('{"a": 1}\n' + "[" * 100_000 + '\n{"a": ' * 100_000 + '\n{"a": 2}\n')
    events, _, errors = read(path)
    assert events == [{"a": 1}, {"a": 2}]
    assert errors[0] == "2: the event is nested deeper than 200 levels"


def test_the_limit_of_nesting_can_be_raised(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text('{"x": ' + "[" * 900 + "]" * 900 + "}\n")
    with using(changed({"nesting": 1_000})):
        events, _, errors = read(path)
    assert len(events) == 1
    assert errors == []


def test_nesting_in_a_string_does_not_count(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text(json.dumps({"x": "[" * 1_000}) + "\n" + json.dumps({"x": [[]] * 1_000}) + "\n")
    events, changes, errors = read(path)
    assert len(events) == 2
    assert changes == errors == []


def test_the_page_names_each_case() -> None:
    page = (ROOT / "docs/semantics.md").read_text(encoding="utf-8")
    named = re.findall(r"`odd_values: ([^`]+)`", page)
    names = [case["name"] for case in CASES]
    assert sorted(set(named) - set(names)) == []
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("language", ["kql", "eql", "esql", "spl"])
def test_the_python_functions_name_an_event_that_is_nested_too_deep(language: str) -> None:
    deep: object = 1
    for _ in range(300):
        deep = {"a": [deep]}
    query = {"kql": "*:*", "eql": "any where true", "esql": "FROM x", "spl": "*"}[language]
    with pytest.raises(LogError, match="event 7 is nested deeper than 200 levels") as caught:
        converter.run_query(query, language, [{"a": 1}, {"_id": "7", "x": deep}])
    assert caught.value.hint == 'budget={"nesting": 400} raises the limit'


@pytest.mark.parametrize(("levels", "is_deeper"), [(1, False), (2, True), (3, True)])
def test_levels_are_counted_as_in_logs(tmp_path: Path, levels: int, is_deeper: bool) -> None:  # noqa: FBT001  a parameter
    event: dict[str, object] = {"a": []} if levels > 1 else {}
    if levels > 2:
        event = {"b": [event]}
    assert is_nested_deeper(event, 1) is is_deeper
    path = tmp_path / "log"
    path.write_text(json.dumps(event))
    with using(changed({"nesting": 1})):
        assert bool(read(path)[2]) is is_deeper
