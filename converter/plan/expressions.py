"""The expressions of a plan: conditions on a single event.

    And | Or | Not over leaves; a leaf tests one field (FieldNode) or searches all values (Keyword, KeywordRegex)

Negation is two-valued: a node is true or false for an event, and a comparison on a missing field is false.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from dataclasses import field as attribute
from enum import Enum
from typing import TYPE_CHECKING, Literal, TypeAlias

from converter.errors import RefusedError, RuleError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from ipaddress import IPv4Network, IPv6Network

    from converter.errors import Place, SourceError


class Wildcard(Enum):
    """A wildcard in a pattern: any number of characters, or exactly one."""

    ANY = "*"
    ONE = "?"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A string with wildcards: `parts` are wildcards and non-empty literals; two literals are never adjacent."""

    parts: tuple[str | Wildcard, ...]

    @property
    def literal(self) -> str | None:
        """The string if it has no wildcards, else None."""
        if not self.parts:
            return ""
        (first, *rest) = self.parts
        return first if not rest and isinstance(first, str) else None

    def __str__(self) -> str:
        written = []
        for part, following in zip(self.parts, (*self.parts[1:], None), strict=False):
            written.append(part.value if isinstance(part, Wildcard) else _escaped(part, open_end=following is not None))
        return "".join(written)


def _escaped(literal: str, *, open_end: bool) -> str:
    """Return a literal as Sigma writes it: wildcards escaped, and backslashes doubled where one would escape."""
    before_wildcard = r"(\\+)(?=[*?]|$)" if open_end else r"(\\+)(?=[*?])"
    doubled = re.sub(rf"{before_wildcard}|(\\{{2,}})", lambda run: run[0] * 2, literal)
    return re.sub(r"[*?]", lambda wildcard: "\\" + wildcard[0], doubled)


@dataclass(frozen=True, slots=True)
class And:
    """True if every item is true; true without items."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """True if at least one item is true; false without items."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """True if the item is false."""

    item: Expr


@dataclass(frozen=True, slots=True)
class StringMatch:
    """The field's value, as a string, matches the whole pattern; case is ignored unless `cased`."""

    field: str
    pattern: Pattern
    cased: bool = False
    place: Place | None = attribute(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class NumberMatch:
    """The value, a number or a string that holds one, equals the number."""

    field: str
    number: int | float
    place: Place | None = attribute(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class BoolMatch:
    """The value is this boolean, or the string `true` or `false` in any case."""

    field: str
    value: bool
    place: Place | None = attribute(default=None, compare=False, repr=False)


Comparison: TypeAlias = Literal["lt", "lte", "gt", "gte"]


@dataclass(frozen=True, slots=True)
class NumberCompare:
    """The value, a number or a string that holds one, stands in the relation `op` to the number."""

    field: str
    op: Comparison
    number: int | float
    place: Place | None = attribute(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Regex:
    """The regular expression matches somewhere in the value as a string (unanchored); flags are among `i`, `m`, `s`."""

    field: str
    pattern: str
    flags: frozenset[str] = frozenset()
    place: Place | None = attribute(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Cidr:
    """The value is an address inside the network."""

    field: str
    network: IPv4Network | IPv6Network
    place: Place | None = attribute(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class IsNull:
    """The field is missing, or its value is null."""

    field: str
    place: Place | None = attribute(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Exists:
    """The field is present, whatever its value, null included."""

    field: str
    place: Place | None = attribute(default=None, compare=False, repr=False)


FieldRelation: TypeAlias = Literal["equals", "startswith", "endswith", "contains"]


@dataclass(frozen=True, slots=True)
class FieldRef:
    """The field's value stands in the relation to the other field's, as strings; case is ignored unless `cased`."""

    field: str
    other: str
    relation: FieldRelation = "equals"
    cased: bool = False
    place: Place | None = attribute(default=None, compare=False, repr=False)


TimePartName: TypeAlias = Literal["minute", "hour", "day", "week", "month", "year"]


@dataclass(frozen=True, slots=True)
class TimePart:
    """A part of the field's time, in UTC, stands in the relation `op` to the number; weeks are those of ISO 8601."""

    field: str
    part: TimePartName
    op: Literal["eq", "lt", "lte", "gt", "gte"]
    number: int | float
    place: Place | None = attribute(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Unexpanded:
    """A value whose placeholder is not expanded. It is neither true nor false: whoever needs it raises `error`.

    Attributes:
        field: the field; None: the value is a keyword.
        placeholder: the placeholder, or what the product is to look up in its place.
        place: of the value.
        expression: text of a query language in which the product looks the value up, with `{field}` and `{id}`; a
            pipeline has put it in the value's place.
    """

    field: str | None
    placeholder: str
    place: Place | None = attribute(default=None, compare=False, repr=False)
    expression: str | None = None

    @property
    def error(self) -> SourceError:
        """The error of a rule that is evaluated or converted before its placeholder is expanded."""
        if self.expression is not None:
            return RefusedError(
                f"a pipeline gives a query expression for %{self.placeholder}%, which cannot stand in this query",
                "query expression",
                self.place,
                "expand the placeholder to values (value_placeholders)",
            )
        return RuleError(
            f"there is no value for the placeholder %{self.placeholder}%",
            self.place,
            "give a pipeline with -p that has a transformation for it (value_placeholders, ...)",
        )

    def query(self, field: str | None) -> str:
        """Return the expression for a field whose name is quoted. Raises RefusedError if it cannot be filled in."""
        if field is None and "{field}" in (self.expression or ""):
            raise RefusedError(
                f"the query expression of a pipeline for %{self.placeholder}% needs a field, and a keyword has none",
                "query expression",
                self.place,
                "give the value a field",
            )
        try:
            return (self.expression or "").format(field=field, id=self.placeholder)
        except (KeyError, IndexError, ValueError):
            raise RefusedError(
                "the query expression of a pipeline holds a brace that belongs to neither {field} nor {id}",
                "query expression",
                self.place,
                "write {{ and }} for braces",
            ) from None


@dataclass(frozen=True, slots=True)
class Keyword:
    """The pattern occurs in a value of any field, or in the raw text; case is ignored unless `cased`."""

    pattern: Pattern
    cased: bool = False
    place: Place | None = attribute(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class KeywordRegex:
    """The regular expression matches somewhere in a value of any field, or in the raw text."""

    pattern: str
    flags: frozenset[str] = frozenset()
    place: Place | None = attribute(default=None, compare=False, repr=False)


FieldNode: TypeAlias = (
    StringMatch | NumberMatch | BoolMatch | NumberCompare | Regex | Cidr | IsNull | Exists | FieldRef | TimePart
)
Leaf: TypeAlias = FieldNode | Keyword | KeywordRegex | Unexpanded
Expr: TypeAlias = And | Or | Not | Leaf


def leaves_of(expr: Expr) -> Iterator[Leaf]:
    """Yield the leaves of an expression, in order."""
    stack: list[Expr] = [expr]
    while stack:
        match stack.pop():
            case And(items) | Or(items):
                stack.extend(reversed(items))
            case Not(item):
                stack.append(item)
            case leaf:
                yield leaf


def unexpanded(expr: Expr) -> Iterator[Unexpanded]:
    """Yield the values of an expression whose placeholders are not expanded, in order."""
    return (leaf for leaf in leaves_of(expr) if isinstance(leaf, Unexpanded))


def fields_of(expr: Expr) -> tuple[str, ...]:
    """Return every field that the expression reads, in order, each once."""
    fields: dict[str, None] = {}
    for leaf in leaves_of(expr):
        match leaf:
            case FieldRef(field=name, other=other):
                fields.update({name: None, other: None})
            case Keyword() | KeywordRegex() | Unexpanded(field=None):
                pass
            case _:
                fields[str(leaf.field)] = None
    return tuple(fields)
