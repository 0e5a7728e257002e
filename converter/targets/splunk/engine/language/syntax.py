"""The tree of an SPL search: search expressions, eval expressions, and the pipeline of commands around them.

    text ──parse──> Pipeline(commands) ──execute──> rows

What a command has of its own is a node in the file of its family, see `engine/commands`.

Every node knows the `Span` of text that it came from. Spans take no part in equality, so that two texts that differ
only in spacing give equal trees.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal, TypeAlias

from converter.readers.source import NOWHERE, Span

ComparisonOperator: TypeAlias = Literal["=", "!=", "<", "<=", ">", ">="]
LogicalOperator: TypeAlias = Literal["AND", "OR", "XOR"]
BinaryOperator: TypeAlias = Literal["=", "!=", "<", "<=", ">", ">=", "LIKE", "+", "-", "*", "/", "%", "."]


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
class SearchAnd:
    """All of the items; no item at all is always true."""

    items: tuple[SearchExpression, ...]


@dataclass(frozen=True, slots=True)
class SearchOr:
    """Any of the items."""

    items: tuple[SearchExpression, ...]


@dataclass(frozen=True, slots=True)
class SearchNot:
    """Not the item."""

    item: SearchExpression


@dataclass(frozen=True, slots=True)
class TimeBound:
    """`earliest=...` or `latest=...`: a bound of `_time`, as written; what it is depends on when the search runs."""

    edge: Literal["earliest", "latest"]
    modifier: str
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Subsearch:
    """`[search ...]` in an expression: stands for the text that its results are formatted to."""

    pipeline: Pipeline
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


SearchExpression: TypeAlias = (
    Keyword | Comparison | Membership | SearchAnd | SearchOr | SearchNot | TimeBound | Subsearch
)


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


Expression: TypeAlias = Number | String | Field | Call | Unary | Binary | Logical | Subsearch


# --- commands -------------------------------------------------------------------------------------------------------


class CommandNode:
    """What was read of a command: each kind is a frozen dataclass in the file of its family."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Unsupported(CommandNode):
    """A command of Splunk that this engine parses and does not run: its name and the text of its arguments.

    `construct` says what is not supported if that is less than the command.
    """

    name: str
    arguments: str
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)
    construct: str = ""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Commands in the order in which they run."""

    commands: tuple[CommandNode, ...]
