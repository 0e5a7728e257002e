"""The pipes of EQL as one table: what each makes of the rows of a query.

| name count ──PIPES──> (rows, count) -> rows
| name       ──UNSUPPORTED──> an error that names it
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Rows: TypeAlias = list[dict[str, Any]]


def _head(rows: Rows, count: int) -> Rows:
    return rows[:count]


def _tail(rows: Rows, count: int) -> Rows:
    return rows[max(0, len(rows) - count) :]


PIPES: Mapping[str, Callable[[Rows, int], Rows]] = {"head": _head, "tail": _tail}

# Elasticsearch's own, and those that only Endgame's EQL has. Source: docs "EQL pipe reference", and "EQL syntax
# reference", section "Differences from Endgame EQL syntax".
_NAMES = ("count", "filter", "head", "sort", "tail", "unique", "unique_count")
UNSUPPORTED = tuple(name for name in _NAMES if name not in PIPES)
