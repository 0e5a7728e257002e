"""The plan: what a rule means, with modifiers, references and field mapping resolved; frozen.

    pySigma rule ──lower──> Detection | Correlation ──┬─> reference evaluator (on events)
                                                      └─> emitters (to text)

Semantics of each node are those of docs/semantics.md. Negation is two-valued: a node is true or false of an event,
and a comparison on a missing field is false.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from dataclasses import field as attribute
from enum import Enum
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

    from converter.errors import Place


class Wildcard(Enum):
    """A wildcard in a pattern: any number of characters, or exactly one."""

    ANY = "*"
    ONE = "?"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A string with wildcards; `parts` are non-empty literals and wildcards, two literals are never adjacent."""

    parts: tuple[str | Wildcard, ...]

    @property
    def literal(self) -> str | None:
        """The whole text if there is no wildcard in it, else None."""
        if not self.parts:
            return ""
        (first, *rest) = self.parts
        return first if not rest and isinstance(first, str) else None

    def __str__(self) -> str:
        texts = []
        for part, following in zip(self.parts, (*self.parts[1:], None), strict=False):
            texts.append(part.value if isinstance(part, Wildcard) else _escaped(part, open_end=following is not None))
        return "".join(texts)


def _escaped(text: str, *, open_end: bool) -> str:
    """Return a literal as Sigma writes it: wildcards escaped, and backslashes where a single one would escape."""
    before_wildcard = r"(\\+)(?=[*?]|$)" if open_end else r"(\\+)(?=[*?])"
    doubled = re.sub(rf"{before_wildcard}|(\\{{2,}})", lambda run: run[0] * 2, text)
    return re.sub(r"[*?]", lambda wildcard: "\\" + wildcard[0], doubled)


@dataclass(frozen=True, slots=True)
class And:
    """True if every item is; an empty one is true."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """True if at least one item is; an empty one is false."""

    items: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """True if the item is false."""

    item: Expr


@dataclass(frozen=True, slots=True)
class StringMatch:
    """The whole text of the field's value matches the pattern; case is ignored unless `cased`."""

    field: str
    pattern: Pattern
    cased: bool = False
    place: Place | None = attribute(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class NumberMatch:
    """The value equals the number; text that is a number counts."""

    field: str
    number: int | float
    place: Place | None = attribute(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class BoolMatch:
    """The value is this boolean, or the text `true` or `false` in any case."""

    field: str
    value: bool
    place: Place | None = attribute(default=None, compare=False, repr=False)


Comparison: TypeAlias = Literal["lt", "lte", "gt", "gte"]


@dataclass(frozen=True, slots=True)
class NumberCompare:
    """The value, a number or text that is a number, compares so with the number."""

    field: str
    op: Comparison
    number: int | float
    place: Place | None = attribute(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Regex:
    """The regular expression is found anywhere in the text of the value (unanchored); flags from `ims`."""

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
    """The text of the field stands in the relation to the text of the other field; case is ignored."""

    field: str
    other: str
    relation: FieldRelation = "equals"
    place: Place | None = attribute(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Keyword:
    """The pattern is found in a value of any field, or in the raw text; case is ignored unless `cased`."""

    pattern: Pattern
    cased: bool = False
    place: Place | None = attribute(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class KeywordRegex:
    """The regular expression is found in a value of any field, or in the raw text."""

    pattern: str
    flags: frozenset[str] = frozenset()
    place: Place | None = attribute(default=None, compare=False, repr=False)


FieldNode: TypeAlias = StringMatch | NumberMatch | BoolMatch | NumberCompare | Regex | Cidr | IsNull | Exists | FieldRef
Leaf: TypeAlias = FieldNode | Keyword | KeywordRegex
Expr: TypeAlias = And | Or | Not | Leaf


@dataclass(frozen=True, slots=True)
class LogSource:
    """What the rule is about: product, category, service; each may be absent."""

    product: str | None = None
    category: str | None = None
    service: str | None = None


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a rule says about itself. `key` is its `name`, else its `id`, else its title; `path` is its file."""

    key: str
    title: str
    id: str | None = None
    name: str | None = None
    description: str = ""
    level: str | None = None
    status: str | None = None
    author: str | None = None
    date: str | None = None
    modified: str | None = None
    references: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    falsepositives: tuple[str, ...] = ()
    related: tuple[tuple[str, str], ...] = ()
    path: str = "<rule>"


@dataclass(frozen=True, slots=True)
class Detection:
    """A detection rule: an event is an alert if `expr` is true of it."""

    meta: Metadata
    logsource: LogSource
    expr: Expr
    place: Place | None = attribute(default=None, compare=False, repr=False)


CountOperator: TypeAlias = Literal["lt", "lte", "gt", "gte", "eq", "neq"]


@dataclass(frozen=True, slots=True)
class Correlation:
    """An event_count rule: so many events that match any of `rules`, of one group, within `timespan` seconds.

    `generate` says that alerts of the referenced rules are wanted as well.
    """

    meta: Metadata
    rules: tuple[Detection, ...]
    group_by: tuple[str, ...]
    timespan: int
    op: CountOperator
    count: int
    generate: bool = False
    place: Place | None = attribute(default=None, compare=False, repr=False)
    group_places: tuple[Place | None, ...] = attribute(default=(), compare=False, repr=False)

    @property
    def sliding(self) -> bool:
        """Whether the condition is judged on a trailing window at each event (else on fixed windows)."""
        return self.op in {"gt", "gte"}

    @property
    def at_least(self) -> int:
        """The smallest satisfying count of a sliding rule; a window that is looked at holds at least one event."""
        return max(1, self.count + 1 if self.op == "gt" else self.count)


Plan: TypeAlias = Detection | Correlation


def fields_of(expr: Expr) -> tuple[str, ...]:
    """Return every field that the expression reads, in order, each once."""
    found: dict[str, None] = {}
    stack: list[Expr] = [expr]
    while stack:
        match stack.pop():
            case And(items) | Or(items):
                stack.extend(reversed(items))
            case Not(item):
                stack.append(item)
            case FieldRef(field=name, other=other):
                found.update({name: None, other: None})
            case Keyword() | KeywordRegex():
                pass
            case leaf:
                found[leaf.field] = None
    return tuple(found)


def fields_of_plan(plan: Plan) -> tuple[str, ...]:
    """Return every field that a plan reads, group-by fields last, each once."""
    if isinstance(plan, Detection):
        return fields_of(plan.expr)
    read = [name for rule in plan.rules for name in fields_of(rule.expr)]
    return tuple(dict.fromkeys([*read, *plan.group_by]))
