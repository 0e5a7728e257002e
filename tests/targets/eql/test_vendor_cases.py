"""Run the vendor's EQL cases, where the shared data is present, and hold the failing ones to a strict list.

The cases are Elastic's and Endgame's, under their licences, so they stay outside the repository. A case that fails and
is not listed fails the test; so does a listed one that passes.
"""

from __future__ import annotations

import gzip
import json
import re
import tomllib
from dataclasses import dataclass
from typing import Any

import pytest

from converter.errors import QueryError
from converter.targets.eql.engine.execute import run
from tests.support.paths import SHARED

DATA = SHARED / "elastic" / "eql"
FILETIME_EPOCH_MS = 11_644_473_600_000

OLD_COLON = "`:` with a number, a boolean, null or a field; it compares text only, and the vendor now writes =="
NULL_VALUE = "the mapping of the case gives the field a null_value, which the documents alone do not show"
UNMAPPED = "compares two fields, which the product takes here because neither is mapped: both are null"
PIPE = "a pipe of Endgame's that Elasticsearch refuses"
CASE = "Endgame ignores case in == and in functions; Elasticsearch does not"
WILDCARD = "Endgame expands wildcards in ==; Elasticsearch does not"
FIELDS = "compares two fields, which Elasticsearch refuses"
ARRAY = "an array function or an array index, which Elasticsearch refuses"
RELATION = "a process relationship or a join, which Elasticsearch refuses"
KEY = "a join key that is not a field, which Elasticsearch refuses"
MATCH = "matchLite, which Elasticsearch does not have"
NULL = "Endgame negates null to null; Elasticsearch negates in two values, so a missing field passes"

KNOWN: dict[str, str] = {
    "test_extra:optionalDefaultNullValueFieldEqualNull": NULL_VALUE,
    "test_extra:optionalDefaultNullValueFieldEqualDefaultValue": NULL_VALUE,
    "test_extra:sequenceOptionalFieldAsQueryKeysOnly": UNMAPPED,
    "additional_test_queries:cidrMatchAdditional4": OLD_COLON,
    "additional_test_queries:cidrMatchAdditional3": OLD_COLON,
    "additional_test_queries:concatWithCondition2": OLD_COLON,
    "additional_test_queries:moduloEqualsField": OLD_COLON,
    "additional_test_queries:additionalMathWithFields1": OLD_COLON,
    "additional_test_queries:twoSequencesAdditional1": OLD_COLON,
    "endgame:6": PIPE,
    "endgame:7": PIPE,
    "endgame:17": FIELDS,
    "endgame:19": FIELDS,
    "endgame:20": FIELDS,
    "endgame:23": CASE,
    "endgame:24": CASE,
    "endgame:25": PIPE,
    "endgame:26": PIPE,
    "endgame:27": PIPE,
    "endgame:28": PIPE,
    "endgame:29": PIPE,
    "endgame:30": PIPE,
    "endgame:31": PIPE,
    "endgame:32": PIPE,
    "endgame:33": ARRAY,
    "endgame:34": WILDCARD,
    "endgame:35": RELATION,
    "endgame:36": RELATION,
    "endgame:37": FIELDS,
    "endgame:38": PIPE,
    "endgame:39": PIPE,
    "endgame:40": PIPE,
    "endgame:41": PIPE,
    "endgame:55": KEY,
    "endgame:56": KEY,
    "endgame:63": RELATION,
    "endgame:64": RELATION,
    "endgame:65": RELATION,
    "endgame:66": RELATION,
    "endgame:67": RELATION,
    "endgame:69": NULL,
    "endgame:70": NULL,
    "endgame:73": PIPE,
    "endgame:74": RELATION,
    "endgame:75": RELATION,
    "endgame:76": RELATION,
    "endgame:77": RELATION,
    "endgame:78": RELATION,
    "endgame:79": PIPE,
    "endgame:81": RELATION,
    "endgame:85": WILDCARD,
    "endgame:86": WILDCARD,
    "endgame:87": PIPE,
    "endgame:88": PIPE,
    "endgame:89": ARRAY,
    "endgame:90": ARRAY,
    "endgame:91": ARRAY,
    "endgame:92": ARRAY,
    "endgame:93": ARRAY,
    "endgame:94": ARRAY,
    "endgame:95": ARRAY,
    "endgame:96": MATCH,
    "endgame:97": MATCH,
    "endgame:98": PIPE,
    "endgame:99": FIELDS,
    "endgame:100": FIELDS,
    "endgame:121": FIELDS,
    "endgame:124": CASE,
    "endgame:125": ARRAY,
    "endgame:126": ARRAY,
    "endgame:127": ARRAY,
    "endgame:128": ARRAY,
    "endgame:129": ARRAY,
    "endgame:130": ARRAY,
    "endgame:132": ARRAY,
}


@dataclass(frozen=True)
class Case:
    """A vendor case: rows are compared by the `sequence` of their events, -1 for a missing one."""

    name: str
    query: str
    expected: list[int]
    join_keys: list[str] | None
    data: str


def cases() -> list[Case]:
    found = []
    for stem, data in (
        ("test_missing_events", "missing-events"),
        ("test_extra", "extra"),
        ("additional_test_queries", "endgame_test_data"),
    ):
        path = DATA / f"{stem}.toml"
        if path.exists():
            found += [
                Case(f"{stem}:{one['name']}", one["query"], one["expected_event_ids"], one.get("join_keys"), data)
                for one in tomllib.loads(path.read_text(encoding="utf-8"))["queries"]
            ]
    path = DATA / "endgame_test_queries.jsonl.gz"
    if path.exists():
        lines = gzip.decompress(path.read_bytes()).decode("utf-8").splitlines()
        for number, line in enumerate(lines, 1):
            one = json.loads(line)
            name, query = f"endgame:{number}", respelled(one["query"], insensitive=one.get("case_insensitive", False))
            found.append(Case(name, query, one["expected_event_ids"], None, "endgame_test_data"))
    return found


def respelled(query: str, *, insensitive: bool) -> str:
    """Return an Endgame query with Elasticsearch's == for =, its quotes, and its ~ where case is to be ignored."""
    if insensitive:
        query = re.sub(r"\b(between|endsWith|indexOf|startsWith)\(", r"\1~(", query)
        query = re.sub(r"\bin (?=\([\"'])", "in~ ", query)
    query = re.sub(r"[?]'([^']*)'", r'"""\1"""', query)
    query = re.sub(r"'([^']*)'", r'"\1"', query)
    return query if "maxspan" in query else re.sub(r"(?<![=!<>])=(?!=)", "==", query)


def documents(name: str) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
    for event in events:
        if "timestamp" in event:
            event["@timestamp"] = event["timestamp"] // 10_000 - FILETIME_EPOCH_MS
            event["sequence"] = event["serial_event_id"]
    return events


def outcome(case: Case, events: list[dict[str, Any]]) -> str:
    """Return an empty string if the case passes, else how it fails."""
    try:
        rows = run(case.query, events, event_category_field="event_type")
    except QueryError as error:
        return error.message
    ids: list[int] = []
    keys: list[str] = []
    for row in rows:
        ids += [event.get("sequence", -1) for event in row.get("events", [row])]
        keys += ["null" if key is None else str(key) for key in row.get("join_keys", [])]
    if ids != case.expected:
        return f"events {ids} instead of {case.expected}"
    if case.join_keys is not None and keys != case.join_keys:
        return f"join keys {keys} instead of {case.join_keys}"
    return ""


@pytest.mark.skipif(not DATA.exists(), reason=f"no vendor cases at {DATA}")
def test_vendor_cases() -> None:
    loaded: dict[str, list[dict[str, Any]]] = {}
    failing: dict[str, str] = {}
    everything = cases()
    for case in everything:
        if case.data not in loaded:
            loaded[case.data] = documents(case.data)
        if problem := outcome(case, loaded[case.data]):
            failing[case.name] = f"{problem}\n    {' '.join(case.query.split())}"
    print(f"{len(everything) - len(failing)} of {len(everything)} vendor cases pass")  # noqa: T201 - shown by pytest -s
    unknown = [f"{name}: {problem}" for name, problem in failing.items() if name not in KNOWN]
    assert not unknown, "vendor cases fail that are not listed:\n" + "\n".join(unknown)
    passing = sorted(set(KNOWN) - set(failing))
    assert not passing, f"listed as failing, but they pass: {passing}"
