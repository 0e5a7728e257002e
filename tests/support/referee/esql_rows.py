"""Queries of ES|QL over the same rows, by the vendor's code and by our engine.

    {column: type}, rows ──Node──> the vendor's parser, analyzer, optimizer, functions ──┐
    {column: type}, rows ──converter.targets.esql.engine.execute.run──> rows ───────────────────┴──> differences

What the vendor's classes cannot be asked here (`lacking`, such as STATS and SORT) counts as no answer. So does what our
engine refuses by name.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from converter.errors import QueryError
from converter.targets.esql.engine.execute import run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from referee import Node

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What our engine may say of a query that the vendor runs.
BY_NAME = re.compile(r"not supported|nested deeper than|more than \d+ deep|beyond the range of long|known: yyyy")

# What the vendor says of some functions of a null without a type; the product says it as well.
_OF_NULL = re.compile(r"data type \[null\]|type NULL|types \[NULL", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows as lists of values under the names of their columns; or an error; or what is lacking."""

    columns: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    error: str = ""
    lacking: str = ""


@dataclass(slots=True)
class Table:
    """Rows with typed columns; `rows` hold a value, None, or a list of values in ascending order."""

    columns: dict[str, str]
    rows: list[list[Any]]

    def vendor(self, node: Node, queries: Sequence[str]) -> list[Answer]:
        """Return the vendor's answers."""
        asked = {"columns": self.columns, "rows": self.rows, "queries": list(queries)}
        return [_answer(answer) for answer in node.call("POST", "/_referee/esql_run", asked)["answers"]]

    def ours(self, query: str) -> Answer:
        """Return the answer of our engine; its rows are named, so columns of one name are one."""
        events = [
            {name: _told(type_, value) for (name, type_), value in zip(self.columns.items(), row, strict=True)}
            for row in self.rows
        ]
        mapping = dict(self.columns)
        try:
            found = run(query, events, mapping=mapping)
        except QueryError as error:
            return Answer(error=error.message)
        return Answer(tuple(found[0]) if found else (), (), tuple(tuple(row.values()) for row in found))


def _told(type_: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_told(type_, one) for one in value]
    return _moment(value) if type_ == "date" and value is not None else value


def _moment(millis: int) -> Any:
    try:
        moment = EPOCH + timedelta(milliseconds=millis)
    except OverflowError:
        return str(millis)  # our engine writes no year beyond 9999
    return moment.strftime("%Y-%m-%dT%H:%M:%S.").zfill(20) + f"{moment.microsecond // 1000:03d}Z"


def _answer(said: Mapping[str, Any]) -> Answer:
    if "lacking" in said:
        return Answer(lacking=said["lacking"])
    if "error" in said:
        return Answer(error=said["error"])
    names, types = zip(*said["columns"], strict=True) if said["columns"] else ((), ())
    rows = tuple(tuple(_shown(type_, value) for type_, value in zip(types, row, strict=True)) for row in said["rows"])
    return Answer(tuple(names), tuple(types), rows)


def _shown(type_: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_shown(type_, one) for one in value]
    if type_ == "datetime" and value is not None:
        return _moment(value)
    return float(value) if type_ == "double" and value is not None else value


def difference(theirs: Answer, ours: Answer) -> str:
    """Return how two answers differ, empty if they do not or if one of them is none."""
    if theirs.lacking or _OF_NULL.search(theirs.error) or (ours.error and BY_NAME.search(ours.error)):
        return ""
    if theirs.error or ours.error:
        if bool(theirs.error) == bool(ours.error):
            return ""
        return f"vendor {theirs.error or theirs.rows}, ours {ours.error or ours.rows}"
    same = len(theirs.rows) == len(ours.rows) and (not theirs.rows or theirs.columns == ours.columns)
    if same and all(map(_equal, theirs.rows, ours.rows)):
        return ""
    return f"vendor {theirs.columns} {theirs.rows}, ours {ours.columns} {ours.rows}"


def _equal(left: Any, right: Any) -> bool:
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(_equal, left, right))
    if isinstance(left, float) and isinstance(right, float):
        return left == right and math.copysign(1, left) == math.copysign(1, right)
    return type(left) is type(right) and bool(left == right)
