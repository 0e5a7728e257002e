"""Read logs with envelopes around the events, and logs that are not JSON.

`envelopes.toml` holds `[[case]]` tables with

    name     what the case shows, in plain words, unique in its file
    log      the content of the log
    raw      newline-delimited JSON: the events for a reader of raw events, in order
    stored   the same for a reader of events as a product has them; optional
    opened   list of the names of the envelopes that are opened for raw events; optional

`log_text.toml` holds the same with `log`, `message` and `hint` of the only error.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from converter.errors import LogError, UnreadableLogError
from converter.readers.envelopes import envelopes
from converter.readers.logs import read_events, read_log

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = Path(__file__).parent


def load(name: str) -> list[Any]:
    cases = tomllib.loads((HERE / name).read_text(encoding="utf-8"))["case"]
    return [pytest.param(case, id=case["name"]) for case in cases]


def ndjson(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize("case", load("envelopes.toml"))
def test_envelope(tmp_path: Path, case: dict[str, Any]) -> None:
    assert not set(case) - {"name", "log", "raw", "stored", "opened"}
    path = tmp_path / "log"
    path.write_text(case["log"], encoding="utf-8")
    names: list[str] = []

    def opened(_log: str, envelopes: Sequence[str]) -> None:
        names.extend(envelopes)

    assert [event.data for event in read_log(path, raw=True, on_opened=opened)] == ndjson(case["raw"])
    assert list(read_events(path)) == ndjson(case.get("stored", case["raw"]))
    if "opened" in case:
        assert names == case["opened"]


@pytest.mark.parametrize("case", load("log_text.toml"))
def test_log_that_is_not_json(tmp_path: Path, case: dict[str, Any]) -> None:
    assert not set(case) - {"name", "log", "bytes", "message", "hint"}
    path = tmp_path / "log"
    path.write_bytes(bytes.fromhex(case["bytes"]) if "bytes" in case else case["log"].encode())
    errors: list[LogError] = []
    assert list(read_events(path, errors.append)) == []
    (error,) = errors
    assert isinstance(error, UnreadableLogError)
    assert error.message == f"the log is {case['message']}, not JSON"
    assert case["hint"] in error.hint


def test_every_envelope_has_a_case() -> None:
    logs = " ".join(param.values[0]["log"] for param in load("envelopes.toml"))
    assert all(f'"{envelope.key}"' in logs for envelope in envelopes(raw=True))


def test_a_line_of_no_known_format_is_one_error_a_line(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("%%%\n%%%\n", encoding="utf-8")
    errors: list[LogError] = []
    assert list(read_events(path, errors.append)) == []
    assert [error.message.split(":")[0] for error in errors] == ["not JSON", "not JSON"]


def test_envelopes_in_envelopes_end(tmp_path: Path) -> None:
    text = '{"a": 1}'
    for _ in range(20):
        text = json.dumps({"_raw": text})
    path = tmp_path / "log"
    path.write_text(text, encoding="utf-8")
    (event,) = read_events(path, raw=True)
    assert "_raw" in event
