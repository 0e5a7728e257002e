"""The tree of an SPL search: commands of a pipeline, search expressions, eval expressions.

    text ──parse──> Pipeline(commands) ──execute──> rows

Every node knows the `Span` of text that it came from. Spans take no part in equality, so that two texts that differ
only in spacing give equal trees.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal, TypeAlias

ComparisonOperator: TypeAlias = Literal["=", "!=", "<", "<=", ">", ">="]
LogicalOperator: TypeAlias = Literal["AND", "OR", "XOR"]
BinaryOperator: TypeAlias = Literal["=", "!=", "<", "<=", ">", ">=", "LIKE", "+", "-", "*", "/", "%", "."]
SortKind: TypeAlias = Literal["auto", "num", "str", "ip"]
TimeUnit: TypeAlias = Literal["us", "ms", "cs", "ds", "s", "m", "h", "d", "mon", "q", "y"]


@dataclass(frozen=True, slots=True)
class Span:
    """Where a node stands: 0-based offset of its first character, and its length."""

    start: int
    length: int = 1


NOWHERE = Span(0, 0)


# --- search expressions ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pattern:
    """A value of a search: literal pieces with a wildcard between each two of them.

    `("a", "b")` is `a*b`; `("a",)` has no wildcard. `cased` is set by `CASE()`.
    """

    parts: tuple[str, ...]
    cased: bool = False


@dataclass(frozen=True, slots=True)
class Keyword:
    """A word or phrase that is looked for in `_raw`; `term` is set by `TERM()`."""

    pattern: Pattern
    term: bool = False
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Comparison:
    """`field=value`, `field!=value`, `field<value` ..."""

    field: str
    operator: ComparisonOperator
    value: Pattern
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Membership:
    """`field IN (value, ...)`."""

    field: str
    values: tuple[Pattern, ...]
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class And:
    """All of the items; no item at all is always true."""

    items: tuple[SearchExpression, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of the items."""

    items: tuple[SearchExpression, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Not the item."""

    item: SearchExpression


SearchExpression: TypeAlias = Keyword | Comparison | Membership | And | Or | Not


# --- eval expressions -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Number:
    """A number as written."""

    value: int | float
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class String:
    """A text in double quotes, its escapes resolved."""

    value: str
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Field:
    """A field: a bare name, or any name in single quotes."""

    name: str
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A function call; the name is as written."""

    function: str
    arguments: tuple[Expression, ...]
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Unary:
    """`NOT x` or `-x`."""

    operator: Literal["NOT", "-"]
    operand: Expression
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Binary:
    """Two operands and an operator; the span is the operator's."""

    operator: BinaryOperator
    left: Expression
    right: Expression
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Logical:
    """Two or more boolean operands of one operator; the span is the first operator's."""

    operator: LogicalOperator
    operands: tuple[Expression, ...]
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


Expression: TypeAlias = Number | String | Field | Call | Unary | Binary | Logical


# --- commands -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Search:
    """`search <expression>`, or the implied first command."""

    expression: SearchExpression


@dataclass(frozen=True, slots=True)
class Where:
    """`where <boolean expression>`."""

    expression: Expression
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Assignment:
    """`field=expression` of an eval."""

    name: str
    expression: Expression
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Eval:
    """`eval a=..., b=...`: from left to right, each seeing the ones before it."""

    assignments: tuple[Assignment, ...]


@dataclass(frozen=True, slots=True)
class Aggregate:
    """`function(argument) as name`; `percent` is the number of a percentile."""

    function: str
    argument: str | Expression | None
    name: str
    percent: float | None = None
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Stats:
    """`stats ... by ...`: one row a group."""

    aggregates: tuple[Aggregate, ...]
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EventStats:
    """`eventstats ... by ...`: every row keeps its fields and gains those of its group."""

    aggregates: tuple[Aggregate, ...]
    by: tuple[str, ...]
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class StreamStats:
    """`streamstats`: running statistics over a window of the rows so far; `window` 0 is no limit."""

    aggregates: tuple[Aggregate, ...]
    by: tuple[str, ...]
    window: int
    current: bool
    shared: bool
    time_window: float | None
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """A number of time units."""

    count: int
    unit: TimeUnit


@dataclass(frozen=True, slots=True)
class Bin:
    """`bin field span=... as target`; a plain number is a numeric span."""

    field: str
    size: TimeSpan | int
    target: str
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class SortKey:
    """One field of a sort."""

    field: str
    descending: bool
    kind: SortKind
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Sort:
    """`sort`; `limit` 0 keeps every row; `flipped` is the trailing `desc`."""

    limit: int
    keys: tuple[SortKey, ...]
    flipped: bool


@dataclass(frozen=True, slots=True)
class Head:
    """`head N`."""

    count: int


@dataclass(frozen=True, slots=True)
class Tail:
    """`tail N`: the last rows, last first."""

    count: int


@dataclass(frozen=True, slots=True)
class Reverse:
    """`reverse`."""


@dataclass(frozen=True, slots=True)
class Dedup:
    """`dedup N fields`: the first N rows of each combination of values."""

    count: int
    fields: tuple[str, ...]
    keep_empty: bool
    consecutive: bool


@dataclass(frozen=True, slots=True)
class Fields:
    """`fields + list` or `fields - list`; names may hold wildcards."""

    keep: bool
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """`table list`; names may hold wildcards."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rename:
    """`rename a as b, c as d`."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Regex:
    """`regex field="..."`; negated by `!=`."""

    field: str
    pattern: str
    negated: bool
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Rex:
    """`rex field=... "(?<name>...)"`; `max_match` 0 is no limit."""

    field: str
    pattern: str
    max_match: int
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class FillNull:
    """`fillnull value=... fields`; no fields means every field of the rows."""

    value: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MvExpand:
    """`mvexpand field limit=N`; 0 is no limit."""

    field: str
    limit: int


@dataclass(frozen=True, slots=True)
class MakeMv:
    """`makemv delim="..." field`."""

    field: str
    delimiter: str
    allow_empty: bool


@dataclass(frozen=True, slots=True)
class Spath:
    """`spath input=... path=... output=...`; no path means every leaf."""

    source: str
    path: str | None
    output: str | None
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class MultiSearch:
    """`multisearch [search ...] [search ...]`: the results of all of them."""

    searches: tuple[Pipeline, ...]


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A command of Splunk that this engine parses and does not run: its name and the text of its arguments."""

    name: str
    arguments: str
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


Command: TypeAlias = (
    Search
    | Where
    | Eval
    | Stats
    | EventStats
    | StreamStats
    | Bin
    | Sort
    | Head
    | Tail
    | Reverse
    | Dedup
    | Fields
    | Table
    | Rename
    | Regex
    | Rex
    | FillNull
    | MvExpand
    | MakeMv
    | Spath
    | MultiSearch
    | Unsupported
)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Commands in the order in which they run."""

    commands: tuple[Command, ...]
