"""The tree of an ES|QL query: frozen nodes, spans left out of equality.

    text ──lex──> tokens ──parse──> Query ──execute──> rows

Source: grammar of Elasticsearch, `x-pack/plugin/esql/src/main/antlr/EsqlBaseParser.g4` and `parser/Expression.g4`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, assert_never
from typing import Literal as Fixed

from converter.readers.source import NOWHERE, Span

if TYPE_CHECKING:
    from collections.abc import Iterator

ArithmeticOperator: TypeAlias = Fixed["+", "-", "*", "/", "%"]
ComparisonOperator: TypeAlias = Fixed["==", "!=", "<", "<=", ">", ">="]
LogicalOperator: TypeAlias = Fixed["and", "or"]
PatternOperator: TypeAlias = Fixed["like", "rlike"]


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant: null, a boolean, a number, a string, or a list of one of these (a tuple)."""

    value: bool | int | float | str | tuple[bool | int | float | str, ...] | None
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """A number with a unit of time, such as `6 minutes`; the unit is as written."""

    amount: int
    unit: str
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Column:
    """A column by its full name, quotes removed."""

    name: str
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A function call; `star` for `COUNT(*)`. The name is in lower case."""

    name: str
    arguments: tuple[Expression, ...]
    star: bool = False
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Cast:
    """`value::type`; the type is in lower case."""

    value: Expression
    type_name: str
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Negative:
    """Unary minus."""

    value: Expression
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """`left + right` and its like."""

    operator: ArithmeticOperator
    left: Expression
    right: Expression
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Comparison:
    """`left == right` and its like."""

    operator: ComparisonOperator
    left: Expression
    right: Expression
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Logical:
    """AND or OR of two or more terms; chains are flat."""

    operator: LogicalOperator
    terms: tuple[Expression, ...]
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Not:
    """NOT."""

    value: Expression
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class In:
    """`value IN (options)`; NOT IN is a `Not` around it."""

    value: Expression
    options: tuple[Expression, ...]
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class IsNull:
    """`value IS NULL`, or IS NOT NULL when `negated`. Never null itself."""

    value: Expression
    negated: bool
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Pattern:
    """`value LIKE patterns` or RLIKE; NOT LIKE is a `Not` around it."""

    kind: PatternOperator
    value: Expression
    patterns: tuple[Literal, ...]
    span: Span = field(default=NOWHERE, compare=False)


Expression: TypeAlias = (
    Literal
    | TimeSpan
    | Column
    | Call
    | Cast
    | Negative
    | Arithmetic
    | Comparison
    | Logical
    | Not
    | In
    | IsNull
    | Pattern
)


def children(node: Expression) -> tuple[Expression, ...]:
    """The expressions directly below a node."""
    match node:
        case Literal() | TimeSpan() | Column():
            return ()
        case Call():
            return node.arguments
        case Cast() | Negative() | Not() | IsNull() | Pattern():
            return (node.value,)
        case Arithmetic() | Comparison():
            return (node.left, node.right)
        case Logical():
            return node.terms
        case In():
            return (node.value, *node.options)
        case _:
            assert_never(node)


def walk(node: Expression) -> Iterator[Expression]:
    """Yield a node and all below it, without recursion."""
    stack = [node]
    while stack:
        top = stack.pop()
        yield top
        stack.extend(children(top))


def height(node: Expression) -> int:
    """The number of levels of a tree, found without recursion."""
    level: tuple[Expression, ...] = (node,)
    levels = 0
    while level:
        levels += 1
        level = tuple(child for parent in level for child in children(parent))
    return levels


@dataclass(frozen=True, slots=True)
class Named:
    """An expression and the name of the column that holds it: the alias, else the text as written."""

    name: str
    value: Expression
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One output of STATS: a named expression over aggregations, with its `WHERE` filter if any."""

    name: str
    value: Expression
    where: Expression | None = None
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class NamePattern:
    """A column name in KEEP or DROP: `parts` are literal pieces, between which any text may stand.

    One part: the exact name. `a.*` is ("a.", "").
    """

    parts: tuple[str, ...]
    span: Span = field(default=NOWHERE, compare=False)

    @property
    def text(self) -> str:
        """The pattern as a person writes it."""
        return "*".join(self.parts)


@dataclass(frozen=True, slots=True)
class From:
    """`FROM indices METADATA fields`."""

    indices: tuple[str, ...]
    metadata: tuple[Column, ...] = ()
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Row:
    """`ROW a = 1, b = 2`: one row of constants."""

    fields: tuple[Named, ...]
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Where:
    """Keep the rows for which the condition is true (not null)."""

    condition: Expression
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Eval:
    """Add or replace columns, from left to right."""

    fields: tuple[Named, ...]
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Stats:
    """Aggregate by groups: one row for each."""

    aggregates: tuple[Aggregate, ...]
    groups: tuple[Named, ...]
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class InlineStats:
    """Aggregate by groups, and add the results to each row."""

    aggregates: tuple[Aggregate, ...]
    groups: tuple[Named, ...]
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Keep:
    """Keep the named columns, in that order."""

    patterns: tuple[NamePattern, ...]
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Drop:
    """Remove columns."""

    patterns: tuple[NamePattern, ...]
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Rename:
    """Rename columns: pairs of old and new."""

    pairs: tuple[tuple[Column, Column], ...]
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class SortKey:
    """One key of SORT."""

    value: Expression
    descending: bool
    nulls_first: bool
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Sort:
    """Sort the rows."""

    keys: tuple[SortKey, ...]
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Limit:
    """Pass on the first rows only."""

    count: int
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class MvExpand:
    """One row for each value of a column."""

    column: Column
    span: Span = field(default=NOWHERE, compare=False)


Command: TypeAlias = Where | Eval | Stats | InlineStats | Keep | Drop | Rename | Sort | Limit | MvExpand
Source: TypeAlias = From | Row


@dataclass(frozen=True, slots=True)
class Query:
    """A source command and the processing commands after it."""

    source: Source
    commands: tuple[Command, ...] = ()
