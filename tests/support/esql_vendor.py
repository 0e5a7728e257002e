"""The vendor's own cases of ES|QL, which are not part of the project: read from a folder, run by our engine, judged.

    FOLDER/*.csv-spec, *.txt  ──parse──> Case(query, header, rows)     FOLDER/*.csv  ──> tables with their types
    Case ──judge──> passes | refused (the engine names what it does not run) | wrong (anything else)

A `.csv-spec` file is the vendor's format. A `.txt` file has the same cases retyped: `=== name`, the query, `---`, the
typed header, the rows.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from converter.errors import QueryError
from converter.targets.esql.engine.execute import run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

Outcome = Literal["passes", "refused", "wrong"]
_FROM = re.compile(r"^\s*(?:from|FROM|From)\s+([^|\n]+?)(?:\s+(?:metadata|METADATA)\b.*)?\s*(?:\||$)", re.MULTILINE)
_SCALED = {"height.scaled_float": "scaled_float(100)"}
"""Fields whose scaling factor the CSV files do not have; the vendor's mapping does."""


@dataclass(frozen=True, slots=True)
class Case:
    """A query, and the table that it results in."""

    name: str
    query: str
    header: str
    rows: tuple[str, ...]
    any_order: bool


class Table(NamedTuple):
    """The documents of an index, and the types of its fields."""

    documents: list[dict[str, Any]]
    mapping: dict[str, str]


class Judgement(NamedTuple):
    """What became of a case, and why."""

    outcome: Outcome
    reason: str = ""


def read_cases(folders: Iterable[Path]) -> list[Case]:
    """Return the cases of all files in some folders."""
    cases: list[Case] = []
    for folder in folders:
        for path in sorted(folder.glob("*.csv-spec")):
            cases.extend(_original_cases(path))
        for path in sorted(folder.glob("*.txt")):
            cases.extend(_retyped_cases(path))
    return cases


def read_tables(folders: Iterable[Path]) -> dict[str, Table]:
    """Return the tables in some folders by their names."""
    return {path.stem: _read_table(path) for folder in folders for path in sorted(folder.glob("*.csv"))}


def judge(case: Case, tables: Mapping[str, Table]) -> Judgement:
    """Run a case, and compare the rows with those that the vendor expects."""
    indices = {name: table.documents for name, table in tables.items()}
    try:
        rows = run(case.query, [], tables=indices, mapping=_mapping_for(case.query, tables))
    except QueryError as error:
        named = "not supported" in error.message
        return Judgement("refused" if named else "wrong", error.message)
    columns = [cell.strip().rsplit(":", 1) for cell in case.header.split("|")]
    kinds = [kind.strip() for _, kind in columns]
    expected = [[_value(cell, kind) for cell, kind in zip(line.split("|"), kinds, strict=True)] for line in case.rows]
    result = [[_comparable(value, kind) for value, kind in zip(row.values(), kinds, strict=False)] for row in rows]
    names = [name.strip().strip("`") for name, _ in columns]
    if rows and list(rows[0]) != names:
        return Judgement("wrong", f"columns {list(rows[0])}, expected {names}")
    if case.any_order or "sort" not in case.query.lower():
        expected, result = sorted(expected, key=_sort_key), sorted(result, key=_sort_key)
    return Judgement("passes") if result == expected else Judgement("wrong", f"rows {result}, expected {expected}")


# --- reading --------------------------------------------------------------------------------------------------------


def _original_cases(path: Path) -> Iterator[Case]:
    """Yield the cases of a file of the vendor: a name, a query up to `;`, a table up to `;`."""
    lines = iter(path.read_text(encoding="utf-8").splitlines())
    for line in lines:
        if not line.strip() or line.startswith(("//", "#")):
            continue
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
        name = f"{path.name}: {line.strip()}"
        yield Case(name, "\n".join(query).rstrip().removesuffix(";"), table[0], tuple(table[1:]), any_order)


def _retyped_cases(path: Path) -> Iterator[Case]:
    """Yield the cases of a retyped file."""
    for part in re.split(r"^=== ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        title, body = part.split("\n", 1)
        query, table = body.split("\n---\n", 1)
        header, *rows = [line for line in table.splitlines() if line.strip()]
        yield Case(f"{path.name}: {title.split()[0]}", query, header, tuple(rows), any_order=False)


def _read_table(path: Path) -> Table:
    with path.open(encoding="utf-8", newline="") as stream:
        lines = [_with_commas_hidden(line) for line in stream]
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
    return Table(documents, dict(header))


def _with_commas_hidden(line: str) -> str:
    """Hide the commas of `[a,b]` from the CSV reader."""
    return re.sub(r"\[[^\]]*\]", lambda match: match[0].replace(",", "\x00"), line)


# --- comparing ------------------------------------------------------------------------------------------------------


def _mapping_for(query: str, tables: Mapping[str, Table]) -> dict[str, str]:
    """Return the types of the fields of the indices that a query names; of all of them if none is named in full."""
    match = _FROM.search(query)
    names = [name.strip() for name in match[1].split(",")] if match else []
    chosen = [tables[name] for name in names if name in tables] or list(tables.values())
    mapping: dict[str, str] = {}
    for table in chosen:
        mapping.update(table.mapping)
    return {name: _SCALED.get(name, kind) for name, kind in mapping.items()}


def _value(text: str, kind: str) -> Any:
    """Return a cell of an expected table as the engine gives it."""
    text = text.strip()
    if text == "null":
        return None
    if text.startswith("[") and text.endswith("]"):
        return [_value(part, kind) for part in text[1:-1].split(",")]
    match kind:
        case "integer" | "i" | "long" | "l" | "short" | "byte" | "unsigned_long":
            return int(text)
        case "double" | "d" | "float":
            return float(text)
        case "boolean":
            return text == "true"
        case "date" | "datetime":
            return _moment(text)
        case _:
            return text


def _comparable(value: Any, kind: str) -> Any:
    if kind in {"date", "datetime"} and isinstance(value, str):
        return _moment(value)
    return value


def _moment(text: str) -> str:
    """Return a moment with its time and milliseconds, which a table may leave out."""
    day, _, time = text.removesuffix("Z").partition("T")
    clock, _, fraction = (time or "00:00:00").partition(".")
    return f"{day}T{clock}.{fraction or '000'}Z"


def _sort_key(row: list[Any]) -> str:
    return repr([sorted(map(repr, value)) if isinstance(value, list) else value for value in row])
