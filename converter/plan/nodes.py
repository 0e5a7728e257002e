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

from converter.errors import RuleError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from ipaddress import IPv4Network, IPv6Network

    from converter.errors import Place
    from converter.readers.log_source import LogSource


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
    """The text of the field stands in the relation to the text of the other field; case is ignored unless `cased`."""

    field: str
    other: str
    relation: FieldRelation = "equals"
    cased: bool = False
    place: Place | None = attribute(default=None, compare=False, repr=False)


TimePartName: TypeAlias = Literal["minute", "hour", "day", "week", "month", "year"]


@dataclass(frozen=True, slots=True)
class TimePart:
    """The part of the time in the field, in UTC, is the number, or compares so with it; weeks are those of ISO 8601."""

    field: str
    part: TimePartName
    op: Literal["eq", "lt", "lte", "gt", "gte"]
    number: int | float
    place: Place | None = attribute(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Unexpanded:
    """A value with a placeholder that nothing has expanded: neither true nor false; whoever meets it raises `error`."""

    field: str | None
    placeholder: str
    place: Place | None = attribute(default=None, compare=False, repr=False)

    @property
    def error(self) -> RuleError:
        """The error of a rule that is needed before its placeholder is expanded."""
        return RuleError(
            f"nothing expands the placeholder %{self.placeholder}%",
            self.place,
            "give a pipeline with -p that has a transformation for it (value_placeholders, ...)",
        )


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


FieldNode: TypeAlias = (
    StringMatch | NumberMatch | BoolMatch | NumberCompare | Regex | Cidr | IsNull | Exists | FieldRef | TimePart
)
Leaf: TypeAlias = FieldNode | Keyword | KeywordRegex | Unexpanded
Expr: TypeAlias = And | Or | Not | Leaf


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a rule says about itself. `key` is its `name`, else its `id`, else its title; `path` is its file.

    `fields` are those that its author thinks worth looking at, by the product's names after a pipeline.
    """

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
    fields: tuple[str, ...] = ()
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
Limit: TypeAlias = tuple[CountOperator, int | float]


@dataclass(frozen=True, slots=True)
class EventCount:
    """How many events."""


@dataclass(frozen=True, slots=True)
class ValueCount:
    """How many different values of the field, or combinations of values of the fields."""

    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ValueSum:
    """The sum of the numbers in the field."""

    field: str


@dataclass(frozen=True, slots=True)
class ValueAvg:
    """The mean of the numbers in the field."""

    field: str


@dataclass(frozen=True, slots=True)
class ValuePercentile:
    """The percentile, from 0 to 100, of the numbers in the field; between two of them, linearly."""

    field: str
    percent: int | float


@dataclass(frozen=True, slots=True)
class ValueMedian:
    """The percentile 50 of the numbers in the field."""

    field: str


@dataclass(frozen=True, slots=True)
class Occurs:
    """An event matches the rule of this index in `Correlation.rules`."""

    rule: int


@dataclass(frozen=True, slots=True)
class AllOf:
    """Each item is true of the window."""

    items: tuple[Occurrence, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one item is true of the window."""

    items: tuple[Occurrence, ...]


@dataclass(frozen=True, slots=True)
class Absent:
    """The item is not true of the window."""

    item: Occurrence


Occurrence: TypeAlias = Occurs | AllOf | AnyOf | Absent


@dataclass(frozen=True, slots=True)
class Temporal:
    """How many of the rules occur in the window; with an expression, whether it is true of them (no limits then)."""

    expr: Occurrence | None = None


@dataclass(frozen=True, slots=True)
class TemporalOrdered:
    """How many of the stages occur in this order, each at an event of its own; a stage is any of its rules."""

    stages: tuple[tuple[int, ...], ...]


Measure: TypeAlias = (
    EventCount | ValueCount | ValueSum | ValueAvg | ValuePercentile | ValueMedian | Temporal | TemporalOrdered
)


@dataclass(frozen=True, slots=True)
class Referenced:
    """A rule that a correlation counts, and how its events call what the correlation groups by and measures.

    Attributes:
        plan: a detection, or a correlation whose episodes count.
        group_by: its names of `Correlation.group_by`, aliases resolved, in that order.
        fields: its names of the fields of the measure, in that order.
    """

    plan: Plan
    group_by: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()

    @property
    def meta(self) -> Metadata:
        """What the rule says about itself."""
        return self.plan.meta

    @property
    def expr(self) -> Expr:
        """What an event must meet to be counted; of a correlation, to be counted by it."""
        found = detections_of(self.plan)
        return found[0].expr if len(found) == 1 else Or(tuple(one.expr for one in found))


@dataclass(frozen=True, slots=True)
class Correlation:
    """Events of one group within `timespan` seconds, of which a measure meets every limit.

    Attributes:
        rules: whose events count. Only the stages of a TemporalOrdered may name one twice.
        group_by: names of fields and aliases.
        timespan: in seconds.
        measure: what is measured of the events in a window.
        limits: operators and numbers; all must hold.
        generate: alerts of the referenced rules are wanted as well.
        places: of `type`, `rules`, `aliases`, `condition`, `field`, as far as they are there.
    """

    meta: Metadata
    rules: tuple[Referenced, ...]
    group_by: tuple[str, ...]
    timespan: int
    measure: Measure
    limits: tuple[Limit, ...] = ()
    generate: bool = False
    place: Place | None = attribute(default=None, compare=False, repr=False)
    group_places: tuple[Place | None, ...] = attribute(default=(), compare=False, repr=False)
    places: Mapping[str, Place] = attribute(default_factory=dict, compare=False, repr=False)

    @property
    def sliding(self) -> bool:
        """Whether the measure is judged on a trailing window at each event (else on fixed windows)."""
        counted = isinstance(self.measure, EventCount | ValueCount | ValueSum)
        return not counted or rising(self.limits)

    @property
    def op(self) -> CountOperator:
        """The operator of an event_count that has one."""
        return self._limit[0]

    @property
    def count(self) -> int:
        """The number of an event_count that has one operator."""
        return int(self._limit[1])

    @property
    def at_least(self) -> int:
        """The smallest satisfying count of a sliding event_count; a window that is looked at holds an event."""
        return max(1, self.count + 1 if self.op == "gt" else self.count)

    @property
    def _limit(self) -> Limit:
        if not isinstance(self.measure, EventCount) or len(self.limits) != 1:
            raise TypeError(f"{type(self.measure).__name__} with {len(self.limits)} limits is not one count of events")
        return self.limits[0]


Plan: TypeAlias = Detection | Correlation


def rising(limits: Iterable[Limit]) -> bool:
    """Return whether more of what is measured never undoes the limits."""
    return all(op in {"gt", "gte"} for op, _ in limits)


def detections_of(plan: Plan) -> tuple[Detection, ...]:
    """Return the detections below a plan, at any depth, in order, each once; of a detection itself."""
    found: dict[int, Detection] = {}
    seen: set[int] = set()
    stack: list[Plan] = [plan]
    while stack:
        one = stack.pop()
        if isinstance(one, Detection):
            found.setdefault(id(one), one)
        elif id(one) not in seen:
            seen.add(id(one))
            stack.extend(rule.plan for rule in reversed(one.rules))
    return tuple(found.values())


def correlations_of(plan: Plan) -> tuple[Correlation, ...]:
    """Return the correlations of a plan, itself first, at any depth, each once."""
    found: dict[int, Correlation] = {}
    stack: list[Plan] = [plan]
    while stack:
        one = stack.pop()
        if isinstance(one, Correlation) and id(one) not in found:
            found[id(one)] = one
            stack.extend(rule.plan for rule in reversed(one.rules))
    return tuple(found.values())


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
    """Yield the values of an expression that hold a placeholder, in order."""
    return (leaf for leaf in leaves_of(expr) if isinstance(leaf, Unexpanded))


def notes_of(plan: Plan) -> tuple[str, ...]:
    """Return what a person should know of how the correlations of a plan are judged, one sentence each."""
    return tuple(
        f"{one.meta.key} is judged on fixed windows of {one.timespan} s, aligned to the epoch, that hold an event: "
        f"{' and '.join(op for op, _ in one.limits)} might hold at every first event of a trailing window"
        for one in correlations_of(plan)
        if not one.sliding
    )


def fields_of(expr: Expr) -> tuple[str, ...]:
    """Return every field that the expression reads, in order, each once."""
    found: dict[str, None] = {}
    for leaf in leaves_of(expr):
        match leaf:
            case FieldRef(field=name, other=other):
                found.update({name: None, other: None})
            case Keyword() | KeywordRegex() | Unexpanded(field=None):
                pass
            case _:
                found[str(leaf.field)] = None
    return tuple(found)


def fields_of_plan(plan: Plan) -> tuple[str, ...]:
    """Return every field that a plan reads, each once: those of detections, measured ones, those of groups."""
    if isinstance(plan, Detection):
        return fields_of(plan.expr)
    read = [name for one in detections_of(plan) for name in fields_of(one.expr)]
    rules = [rule for one in correlations_of(plan) for rule in one.rules]
    measured = [name for rule in rules for name in rule.fields]
    return tuple(dict.fromkeys([*read, *measured, *(name for rule in rules for name in rule.group_by)]))
