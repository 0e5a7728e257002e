"""Run the vendor's own ES|QL cases (csv-spec) where they are at hand; they are not part of the project.

    ../shared/data/elastic/esql_csv_spec/{*.csv-spec, *.csv}  ──>  query, expected table  ──>  our engine

A case that fails is in `KNOWN_FAILURES` with the reason; a case in that list that passes fails the test.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from converter.errors import QueryError
from converter.targets.esql.engine.execute import run
from tests.support.paths import SHARED

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = SHARED / "elastic/esql_csv_spec"
KNOWN_FAILURES: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Case:
    """A vendor case."""

    name: str
    query: str
    header: str
    rows: tuple[str, ...]
    any_order: bool


def parse_cases(path: Path) -> list[Case]:
    """Return the cases of one file: a name, a query up to `;`, a table up to `;`."""
    cases = []
    lines = iter(path.read_text(encoding="utf-8").splitlines())
    for line in lines:
        if not line.strip() or line.startswith(("//", "#")):
            continue
        name = line.strip()
        query: list[str] = []
        for text in lines:
            if text.startswith("required_capability:"):
                continue
            query.append(text)
            if text.rstrip().endswith(";"):
                break
        table: list[str] = []
        any_order = False
        for text in lines:
            stripped = text.strip()
            if stripped == ";":
                break
            if stripped.startswith(("warning", "ignoreOrder", "//")):
                any_order = any_order or stripped == "ignoreOrder:true"
            elif stripped:
                table.append(stripped)
        case = Case(
            f"{path.name.removesuffix('.csv-spec')}.{name}",
            "\n".join(query).rstrip().removesuffix(";"),
            table[0],
            tuple(table[1:]),
            any_order,
        )
        cases.append(case)
    return cases


def load_table(path: Path) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return the documents of a CSV file, and the types in its header."""
    with path.open(encoding="utf-8", newline="") as stream:
        lines = [protect(line) for line in stream]
    reader = csv.reader(lines, skipinitialspace=True)
    header = [(name, kind) for name, _, kind in (cell.strip().partition(":") for cell in next(reader))]
    documents = []
    for row in reader:
        document: dict[str, Any] = {}
        for (name, _), cell in zip(header, row, strict=True):
            text = cell.strip()
            if text.startswith("["):
                document[name] = [part.strip() for part in text[1:-1].split("\x00") if part.strip()]
            elif text:
                document[name] = text
        documents.append(document)
    return documents, dict(header)


def protect(line: str) -> str:
    """Hide the commas of `[a,b]` from the CSV reader."""
    return re.sub(r"\[[^\]]*\]", lambda found: found[0].replace(",", "\x00"), line)


def expected_value(text: str, kind: str) -> Any:
    text = text.strip()
    if text == "null":
        return None
    if text.startswith("[") and text.endswith("]"):
        return [expected_value(part, kind) for part in text[1:-1].split(",")]
    match kind:
        case "integer" | "i" | "long" | "l" | "short" | "byte":
            return int(text)
        case "double" | "d" | "float":
            return float(text)
        case "boolean":
            return text == "true"
        case _:
            return text


def sort_key(row: list[Any]) -> str:
    return repr([sorted(map(repr, value)) if isinstance(value, list) else value for value in row])


CASES = [case for path in sorted(FOLDER.glob("*.csv-spec")) for case in parse_cases(path)] if FOLDER.is_dir() else []
TABLES = {path.stem: load_table(path) for path in FOLDER.glob("*.csv")} if FOLDER.is_dir() else {}


def outcome(case: Case) -> str:
    """Return an empty string if a case passes, else what went wrong."""
    columns = [cell.strip().rsplit(":", 1) for cell in case.header.split("|")]
    mapping = {name: kind for _, kinds in TABLES.values() for name, kind in kinds.items()}
    try:
        rows = run(case.query, [], tables={name: rows for name, (rows, _) in TABLES.items()}, mapping=mapping)
    except QueryError as error:
        return f"raised {error.message}"
    expected = [
        [expected_value(cell, kind) for cell, (_, kind) in zip(line.split("|"), columns, strict=True)]
        for line in case.rows
    ]
    got = [list(row.values()) for row in rows]
    names = [name.strip() for name, _ in columns]
    if got and list(rows[0]) != names:
        return f"columns {list(rows[0])}, expected {names}"
    if case.any_order:
        expected, got = sorted(expected, key=sort_key), sorted(got, key=sort_key)
    return "" if got == expected else f"rows {got}, expected {expected}"


@pytest.mark.skipif(not CASES, reason=f"the vendor's cases are not at {FOLDER}")
def test_vendor_cases(capsys: pytest.CaptureFixture[str]) -> None:
    outcomes = {case.name: outcome(case) for case in CASES}
    passed = [name for name, problem in outcomes.items() if not problem]
    with capsys.disabled():
        print(f"\nvendor ES|QL cases: {len(passed)} of {len(outcomes)} pass")  # noqa: T201
    unexpected = {name: problem for name, problem in outcomes.items() if problem and name not in KNOWN_FAILURES}
    assert not unexpected, "\n".join(f"{name}: {problem}" for name, problem in unexpected.items())
    assert not set(KNOWN_FAILURES) & set(passed), "listed as failing, but passes"
    assert not set(KNOWN_FAILURES) - set(outcomes), "listed, but there is no such case"
