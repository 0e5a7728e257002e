"""Run every engine case: a query of a product's language, events as that product has them, expected rows.

No Sigma here. Each `tests/targets/<target>/engine/*.toml` holds `[[case]]` tables with

    name     what the case shows, in plain words, unique in its file
    query    the text of the query
    events   newline-delimited JSON
    rows     newline-delimited JSON: the exact rows expected, in order           (one of rows, ids, error)
    ids      list of the expected `_id` values, in order
    error    table with line, column and message (a substring)
    source   a link or document that says so; optional
    tables   table of tables by name, each newline-delimited JSON; optional
    options  table of arguments of the engine's `run`: now, macros, limits by name (spl); optional
    notes    list of the sentences that the run says beside its rows; optional
"""

from __future__ import annotations

import importlib
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from converter.errors import QueryError

HERE = Path(__file__).parent
ENGINES = {"spl": "splunk", "esql": "esql", "eql": "eql", "kql": "kql"}
LANGUAGES = {folder: language for language, folder in ENGINES.items()}


def load() -> list[Any]:
    params = []
    for path in sorted(HERE.glob("*/engine/*.toml")):
        for case in tomllib.loads(path.read_text(encoding="utf-8"))["case"]:
            language = LANGUAGES[path.parent.parent.name]
            params.append(pytest.param(language, case, id=f"{language}/{path.stem}: {case['name']}"))
    return params


def ndjson(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize(("language", "case"), load())
def test_engine_case(language: str, case: dict[str, Any]) -> None:
    known = {"name", "query", "events", "rows", "ids", "error", "source", "tables", "options", "notes"}
    assert not set(case) - known, f"unknown keys {set(case) - known}"
    assert len({"rows", "ids", "error"} & set(case)) == 1, "exactly one of rows, ids, error"
    run = importlib.import_module(f"converter.targets.{ENGINES[language]}.engine.execute").run
    events = ndjson(case.get("events", ""))
    tables = {name: ndjson(text) for name, text in case.get("tables", {}).items()}
    options: dict[str, Any] = dict(case.get("options", {}))
    if "limits" in options:
        limits = importlib.import_module(f"converter.targets.{ENGINES[language]}.engine.run_context").Limits
        options["limits"] = limits(**options["limits"])
    notes: list[str] = []
    if "notes" in case:
        options["on_note"] = notes.append
    if "error" in case:
        with pytest.raises(QueryError) as caught:
            run(case["query"], events, tables=tables, **options)
        error = caught.value
        assert error.place is not None
        assert (error.place.line, error.place.column) == (case["error"]["line"], case["error"]["column"])
        assert case["error"]["message"] in error.message
        return
    rows = run(case["query"], events, tables=tables, **options)
    assert notes == case.get("notes", [])
    if "ids" in case:
        assert [row["_id"] for row in rows] == case["ids"]
    else:
        assert rows == ndjson(case["rows"])
