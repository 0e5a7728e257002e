"""Record what each item of a pipeline does to a rule, for people and for verdicts.

rule ──shape──> Shape ──item.apply(rule)──> Shape ──compare──> Change: renamed, dropped, values, condition, ...

The rule is compared before and after each item, so that any transformation is told, one of a Python package included.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from converter.pipelines.growth import check_item
from converter.pipelines.shape import Branch, Leaf, shape_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sigma.processing.pipeline import ProcessingPipeline

    from converter.pipelines.fields import AnyRule
    from converter.pipelines.shape import Shape, Tree

ChangeKind: TypeAlias = Literal[
    "renamed", "expanded", "case", "written", "logsource", "lookup", "dropped", "values", "condition", "replaced"
]
_KEEP_MEANING: frozenset[ChangeKind] = frozenset({"renamed", "expanded", "case", "written", "logsource", "lookup"})
_OWN_ID = re.compile(r"[0-9a-f]{16}")  # pySigma makes up such an id for an item without one
_SHOWN_VALUES = 3


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that a pipeline has put before those of a rule.

    Attributes:
        name: its search identifier in the rule.
        shown: the condition, for people.
        negated: whether the rule matches only events for which it is false.
        for_logsource: whether the item applies to certain log sources only, so that it tells how to find their events.
        item: the id of the item.
    """

    name: str
    shown: str
    negated: bool
    for_logsource: bool
    item: str


@dataclass(frozen=True, slots=True)
class Change:
    """What one item of a pipeline did to a rule.

    Attributes:
        kind: `renamed` fields, `expanded` placeholders, values that differ only in `case`, where case is ignored,
            numbers that are compared as they are `written`, another `logsource`, a placeholder that the product is to
            `lookup`; and what changes the meaning of a rule: a `dropped` item, other `values`, an added `condition`,
            items that are `replaced` by others.
        what: the change in words, such as "drops Hashes".
        by: the type of the transformation, and the item's id if it has one.
        renames: for `renamed`, the old names and the new ones.
        condition: for `condition`, what is added.
        numbers: for `written`, a field and a number each.
    """

    kind: ChangeKind
    what: str
    by: str
    renames: tuple[tuple[str, tuple[str, ...]], ...] = ()
    condition: Condition | None = None
    numbers: tuple[tuple[str, str], ...] = ()

    @property
    def keeps_meaning(self) -> bool:
        """Whether the rule still means the same, apart from the names of its fields."""
        return self.kind in _KEEP_MEANING

    def __str__(self) -> str:
        return f"{self.what} ({self.by})"


def renames_of(changes: Iterable[Change]) -> dict[str, tuple[str, ...]]:
    """Return the names that fields have after all changes, by their names before, of fields with other names."""
    names: dict[str, tuple[str, ...]] = {}
    for old, new in (pair for change in changes for pair in change.renames):
        again = [first for first, now in names.items() if old in now]
        for first in again:
            names[first] = tuple(name for now in names[first] for name in (new if now == old else (now,)))
        if not again:
            names[old] = new
    return {old: new for old, new in names.items() if new != (old,)}


@dataclass(slots=True)
class Record:
    """What a pipeline has done to one rule.

    Attributes:
        changes: in the order of the items.
        applied: the items whose conditions were met.
    """

    changes: list[Change] = field(default_factory=list)
    applied: list[Any] = field(default_factory=list)


@contextmanager
def recorded(pipeline: ProcessingPipeline, rule: AnyRule) -> Iterator[Record]:
    """Record what the items of a pipeline do to a rule while the context lasts, those inside `nest` included."""
    record = Record()
    with _observed(pipeline, rule, record):
        yield record


@contextmanager
def _observed(pipeline: Any, rule: AnyRule, record: Record) -> Iterator[None]:
    items = pipeline.items
    pipeline.items = [_Observed(item, rule, record) for item in items]
    try:
        yield
    finally:
        pipeline.items = items


class _Observed:
    """Stands for an item of a pipeline while the pipeline is applied."""

    def __init__(self, item: Any, rule: AnyRule, record: Record) -> None:
        self._item = item
        self._rule = rule
        self._record = record

    def __getattr__(self, name: str) -> Any:
        return getattr(self._item, name)

    def apply(self, rule: AnyRule) -> bool:
        nested = getattr(self._item.transformation, "_nested_pipeline", None)
        if nested is not None:
            with _observed(nested, rule, self._record):
                applied = bool(self._item.apply(rule))
        else:
            check_item(self._item, rule)
            before = shape_of(rule)
            applied = bool(self._item.apply(rule))
            if applied:
                self._record.changes += _changes(before, shape_of(rule), self._item)
        if applied:
            self._record.applied.append(self._item)
        return applied


# ---------------------------------------------------------------------------------------------------------- compare


def _changes(before: Shape, after: Shape, item: Any) -> Iterator[Change]:
    """Yield what an item has done to a rule: renames as one change, and one change for each kind of all others."""
    by = _by(item)
    finder = _Finder(expands=_expands(item))
    if before.logsource != after.logsource:
        what = f"changes the log source {_logsource(before)} to {_logsource(after)}"
        yield Change("logsource", what, by)
    for name, tree in before.searches.items():
        if name in after.searches:
            finder.compare(tree, after.searches[name])
        else:
            finder.dropped += [leaf.name for leaf in tree.leaves()]
    for old, new in zip(before.names, after.names, strict=False):
        finder.rename(old, new)
    if len(before.names) != len(after.names):
        finder.replaced.append((", ".join(before.names), ", ".join(after.names)))
    yield from finder.changes(by)
    yield from _conditions(before, after, item, by)


def _conditions(before: Shape, after: Shape, item: Any, by: str) -> Iterator[Change]:
    added = [name for name in after.searches if name not in before.searches]
    for old, new in zip(before.conditions, after.conditions, strict=False):
        if old == new:
            continue
        name = next((name for name in added if new in {f"{name} and ({old})", f"not {name} and ({old})"}), None)
        if name is None:
            yield Change("replaced", f"changes the condition {old!r} to {new!r}", by)
            continue
        negated = new.startswith("not ")
        shown = f"{'not ' if negated else ''}{after.searches[name].shown()}"
        what = f"adds the condition {shown}"
        condition = Condition(name, shown, negated, _for_logsource(item), str(item.identifier or ""))
        yield Change("condition", what, by, condition=condition)
        return  # the same search is added to every condition of the rule


class _Finder:
    """Collects the differences between two versions of a rule's detections."""

    def __init__(self, *, expands: bool) -> None:
        self.expands = expands
        self.renames: dict[str, tuple[str, ...]] = {}
        self.dropped: list[str] = []
        self.values: list[tuple[str, Leaf, Leaf]] = []
        self.cased: list[str] = []
        self.numbers: list[tuple[str, str]] = []
        self.expanded: list[str] = []
        self.lookups: list[str] = []
        self.keywords: list[str] = []
        self.replaced: list[tuple[str, str]] = []

    def compare(self, before: Tree, after: Tree) -> None:
        """Compare two versions of an item or a detection."""
        match before, after:
            case Leaf(), Leaf():
                self.items(before, after)
            case Branch(), Branch():
                self.branches(before, after)
            case Leaf(), Branch() if _is_alternatives(before, after):
                self.rename(before.name, *(leaf.name for leaf in after.leaves()))
            case _:
                self.replaced.append((before.shown(), after.shown()))

    def branches(self, before: Branch, after: Branch) -> None:
        """Compare two lists of items; of lists of different lengths, only the same objects are compared."""
        if before.operator != after.operator and len(before.items) > 1:
            self.replaced.append((before.shown(), after.shown()))
        elif len(before.items) == len(after.items):
            for old, new in zip(before.items, after.items, strict=True):
                self.compare(old, new)
        else:
            left = {id(item.source): item for item in after.items}
            for old in before.items:
                if id(old.source) in left:
                    self.compare(old, left.pop(id(old.source)))
                else:
                    self.dropped += [leaf.name for leaf in old.leaves()]
            self.replaced += [("nothing", new.shown()) for new in left.values()]

    def items(self, before: Leaf, after: Leaf) -> None:
        """Compare two versions of an item."""
        if before.field is None and after.field is not None:
            self.keywords.append(after.field)
            return
        if before.field != after.field:
            self.rename(before.name, after.name)
        for old, new in zip(before.references, after.references, strict=False):
            self.rename(old, new)
        if (before.operator, before.negated) != (after.operator, after.negated):
            self.replaced.append((before.shown(), after.shown()))
        elif before.values == after.values:
            return
        elif any(kind == "SigmaQueryExpression" for kind, _ in after.values):
            self.lookups.append(f"{before.name} in {_values(after)}")
        elif self.expands:
            self.expanded.append(before.name)
        elif before.folded is not None and before.folded == after.folded:
            self.cased.append(before.name)
        elif before.field is not None and (numbers := _written(before, after)):
            self.numbers += [(before.field, number) for number in numbers]
        else:
            self.values.append((before.name, before, after))

    def rename(self, old: str, *new: str) -> None:
        """Note that a field has other names."""
        if new != (old,):
            self.renames[old] = new

    def changes(self, by: str) -> Iterator[Change]:
        """Yield the differences, in words."""
        if self.renames:
            shown = ", ".join(f"{old} to {' or '.join(new)}" for old, new in self.renames.items())
            yield Change("renamed", f"renames {shown}", by, tuple(self.renames.items()))
        if self.dropped:
            yield Change("dropped", f"drops {_names(self.dropped)}", by)
        if self.expanded:
            yield Change("expanded", f"expands placeholders in {_names(self.expanded)}", by)
        if self.lookups:
            yield Change("lookup", f"looks up {_names(self.lookups)}", by)
        if self.cased:
            yield Change("case", f"changes the case of values of {_names(self.cased)}, which is ignored", by)
        if self.numbers:
            names = _names(name for name, _ in self.numbers)
            what = f"compares numbers in {names} as they are written"
            yield Change("written", what, by, numbers=tuple(self.numbers))
        if self.keywords:
            yield Change("values", f"searches for keywords in {_names(self.keywords)} only", by)
        for name, before, after in self.values:
            yield Change("values", f"changes {name} from {_values(before)} to {_values(after)}", by)
        for items in self.replaced:
            yield Change("replaced", f"replaces {' by '.join(items)}", by)


def _written(before: Leaf, after: Leaf) -> list[str]:
    """Return the numbers of an item that have become strings, if nothing else has changed."""
    numbers: list[str] = []
    if len(before.values) != len(after.values):
        return []
    for old, new, text, now in zip(before.values, after.values, before.texts, after.texts, strict=True):
        if old == new:
            continue
        if (old[0], new[0]) != ("SigmaNumber", "SigmaString") or text != now:
            return []
        numbers.append(text)
    return numbers


def _is_alternatives(before: Leaf, after: Branch) -> bool:
    """Return whether a branch is the same item for several fields, as a mapping to several fields makes it."""
    same = all(
        isinstance(item, Leaf)
        and item.field is not None
        and (item.values, item.operator, item.negated) == (before.values, before.operator, before.negated)
        for item in after.items
    )
    return same and bool(after.items) and before.field is not None and after.operator == "or"


def _names(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))


def _values(leaf: Leaf) -> str:
    """Return the values of an item for people, the first of them."""
    if not leaf.values:
        return "no value"
    more = len(leaf.texts) - _SHOWN_VALUES
    shown = ", ".join(leaf.texts[:_SHOWN_VALUES])
    return f"{shown} and {more} more" if more > 0 else shown


def _logsource(shape: Shape) -> str:
    return "/".join(part for part in shape.logsource or () if part) or "of anything"


# ------------------------------------------------------------------------------------------------------------ items


def _by(item: Any) -> str:
    """Return the type of an item's transformation, as a pipeline's file names it, and the item's id."""
    from sigma.processing.transformations import transformations  # noqa: PLC0415  slow to import

    kind = type(item.transformation)
    names = [name for name, known in transformations.items() if known is kind]
    name = names[0] if names else re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind.__name__).lower()
    identifier = str(item.identifier or "")
    return name if not identifier or _OWN_ID.fullmatch(identifier) else f"{name} {identifier}"


def _expands(item: Any) -> bool:
    """Return whether an item expands placeholders; the reference reads a rule with the same values in their place."""
    from sigma.processing.transformations.placeholder import BasePlaceholderTransformation  # noqa: PLC0415

    return isinstance(item.transformation, BasePlaceholderTransformation)


def _for_logsource(item: Any) -> bool:
    """Return whether an item applies to nothing but certain log sources."""
    from sigma.processing.conditions import LogsourceCondition  # noqa: PLC0415  slow to import

    conditions: Sequence[Any] = item.rule_conditions if isinstance(item.rule_conditions, list) else ()
    plain = not item.rule_condition_negation and item.rule_condition_expression is None
    return plain and bool(conditions) and all(isinstance(condition, LogsourceCondition) for condition in conditions)
