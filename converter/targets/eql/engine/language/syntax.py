"""The tree of an EQL query.

    text ──lex──> tokens ──parse──> Query ──compile──> closures

Every node is frozen and compares without its span, so that equal stages of a sequence are recognised as equal.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal as Either
from typing import TypeAlias

from converter.readers.source import NOWHERE, Span

Constant: TypeAlias = bool | int | float | str | None
ComparisonOperator: TypeAlias = Either["==", "!=", "<", "<=", ">", ">="]
ArithmeticOperator: TypeAlias = Either["+", "-", "*", "/", "%"]
TextOperator: TypeAlias = Either[":", "like", "like~", "regex", "regex~"]


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant: null, a boolean, a number or a string."""

    value: Constant
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Field:
    """A field by its full dotted name; `optional` is true for `?name`."""

    name: str
    optional: bool = False
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A function call; `name` is lower-case and without the `~` that sets `insensitive`."""

    name: str
    arguments: tuple[Expression, ...]
    insensitive: bool = False
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Negate:
    """Arithmetic minus."""

    operand: Expression
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """A binary arithmetic operation."""

    operator: ArithmeticOperator
    left: Expression
    right: Expression
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A comparison of two expressions."""

    operator: ComparisonOperator
    left: Expression
    right: Expression
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class InList:
    """`operand [not] in[~] (items)`."""

    operand: Expression
    items: tuple[Expression, ...]
    insensitive: bool = False
    negated: bool = False
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class TextMatch:
    """`operand : patterns`, `like`, `like~`, `regex` or `regex~`; one pattern is enough."""

    operator: TextOperator
    operand: Expression
    patterns: tuple[Literal, ...]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Not:
    """Logical negation."""

    operand: Expression
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class And:
    """Conjunction of two or more conditions."""

    operands: tuple[Expression, ...]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Or:
    """Disjunction of two or more conditions."""

    operands: tuple[Expression, ...]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


Expression: TypeAlias = Literal | Field | Call | Negate | Arithmetic | Comparison | InList | TextMatch | Not | And | Or


@dataclass(frozen=True, slots=True)
class EventFilter:
    """`category where condition`; category None stands for `any`."""

    category: str | None
    condition: Expression
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Stage:
    """One bracket of a sequence. `keys` are those of the sequence followed by its own; `missing` is `![ ]`."""

    filter: EventFilter
    keys: tuple[Field, ...] = ()
    runs: int = 1
    missing: bool = False
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Sequence:
    """A sequence of stages; `maxspan` in milliseconds, None for no limit."""

    stages: tuple[Stage, ...]
    maxspan: int | None = None
    until: Stage | None = None
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Pipe:
    """`| name count`, such as `| head 5`."""

    name: str
    count: int
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Query:
    """A whole query."""

    body: EventFilter | Sequence
    pipes: tuple[Pipe, ...] = ()
