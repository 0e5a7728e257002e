"""The tree of a KQL (kuery) query.

    text ──lex──> literals and signs ──parse──> this tree ──execute──> closures

A node keeps the offset of its text (`start`, `end`) for error messages; offsets are no part of equality.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

RangeOperator: TypeAlias = Literal["<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class Text:
    """A literal word, several words, or a quoted phrase; escapes are already resolved."""

    text: str
    quoted: bool = False
    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Constant:
    """The unquoted word `true`, `false` or `null`."""

    value: bool | None
    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Wildcard:
    """An unquoted literal with at least one `*`: the texts between the stars, so a lone `*` is `("", "")`."""

    parts: tuple[str, ...]
    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)

    @property
    def lone(self) -> bool:
        """Whether this is exactly `*`."""
        return self.parts == ("", "")


Value: TypeAlias = Text | Constant | Wildcard


@dataclass(frozen=True, slots=True)
class MatchAll:
    """The empty query."""


@dataclass(frozen=True, slots=True)
class Is:
    """`field: value`, or a value alone (`field` is None): then any field may hold it."""

    field: Value | None
    value: Value


@dataclass(frozen=True, slots=True)
class Range:
    """`field >= value` and its like."""

    field: Value
    operator: RangeOperator
    value: Value


@dataclass(frozen=True, slots=True)
class Not:
    """`not query`."""

    query: Query


@dataclass(frozen=True, slots=True)
class And:
    """`a and b and c`: at least two queries."""

    queries: tuple[Query, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """`a or b or c`: at least two queries."""

    queries: tuple[Query, ...]


@dataclass(frozen=True, slots=True)
class Nested:
    """`path: { query }`: one object of the array at `path` satisfies the whole inner query."""

    path: Value
    query: Query


Query: TypeAlias = MatchAll | Is | Range | Not | And | Or | Nested
