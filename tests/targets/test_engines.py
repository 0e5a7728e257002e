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

from typing import TYPE_CHECKING

import pytest

from converter.errors import QueryError
from tests.support.engine_cases import ndjson, query_cases

if TYPE_CHECKING:
    from tests.support.engine_cases import QueryCase

KNOWN = {"name", "query", "events", "rows", "ids", "error", "source", "tables", "options", "notes"}


@pytest.mark.parametrize("case", query_cases(), ids=str)
def test_engine_case(case: QueryCase) -> None:
    keys = case.keys
    assert not set(keys) - KNOWN, f"unknown keys {set(keys) - KNOWN}"
    assert len({"rows", "ids", "error"} & set(keys)) == 1, "exactly one of rows, ids, error"
    notes: list[str] = []
    on_note = notes.append if "notes" in keys else None
    if "error" in keys:
        with pytest.raises(QueryError) as caught:
            case.run(on_note)
        error = caught.value
        assert error.place is not None
        assert (error.place.line, error.place.column) == (keys["error"]["line"], keys["error"]["column"])
        assert keys["error"]["message"] in error.message
        return
    rows = case.run(on_note)
    assert notes == keys.get("notes", [])
    if "ids" in keys:
        assert [row["_id"] for row in rows] == keys["ids"]
    else:
        assert rows == ndjson(keys["rows"])
