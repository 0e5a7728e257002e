"""The shape of one of pySigma's rules: a copy of what a pipeline may change, to compare two versions of the rule."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field as attribute
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from converter.pipelines.fields import AnyRule

Operator: TypeAlias = Literal["and", "or"]
_CUT = 60


@dataclass(frozen=True, slots=True)
class Leaf:
    """A detection item.

    Attributes:
        field: its field; None: its values are keywords.
        values: what they are, for comparison.
        texts: what they are, for people.
        references: the fields that its values refer to.
        folded: the values in lower case, if all of them are ASCII strings whose case is ignored.
        operator: how the values are joined.
        negated: whether the item is.
        source: pySigma's object.
    """

    field: str | None
    values: tuple[Any, ...]
    texts: tuple[str, ...]
    references: tuple[str, ...]
    folded: tuple[str, ...] | None
    operator: Operator
    negated: bool
    source: Any = attribute(compare=False, repr=False)

    @property
    def name(self) -> str:
        """The field, or a word for the keywords."""
        return self.field if self.field is not None else "keywords"

    def leaves(self) -> Iterator[Leaf]:
        """Yield the item."""
        yield self

    def shown(self) -> str:
        """Return the item for people."""
        joined = f" {self.operator} ".join(self.texts)
        values = joined if len(joined) <= _CUT else f"{joined[:_CUT]}…"
        return f"{'not ' if self.negated else ''}{self.name}={values}"


@dataclass(frozen=True, slots=True)
class Branch:
    """A detection: items, and how they are joined."""

    items: tuple[Tree, ...]
    operator: Operator
    source: Any = attribute(compare=False, repr=False)

    def leaves(self) -> Iterator[Leaf]:
        """Yield the items at any depth."""
        for item in self.items:
            yield from item.leaves()

    def shown(self) -> str:
        """Return the detection for people."""
        joined = f" {self.operator} ".join(item.shown() for item in self.items)
        return f"({joined})" if len(self.items) > 1 else joined or "nothing"


Tree: TypeAlias = Leaf | Branch


@dataclass(frozen=True, slots=True)
class Shape:
    """What a pipeline may change in a rule.

    Attributes:
        logsource: product, category and service of a detection rule.
        searches: the trees of its search identifiers.
        conditions: its conditions.
        names: the fields that a correlation groups by, measures, or finds by an alias.
    """

    logsource: tuple[str | None, ...] | None = None
    searches: Mapping[str, Branch] = attribute(default_factory=dict)
    conditions: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


def shape_of(rule: AnyRule) -> Shape:
    """Return the shape of a rule."""
    given: Any = rule
    if not hasattr(given, "detection"):
        reference = getattr(given.condition, "fieldref", None)
        measured = [reference] if isinstance(reference, str) else list(reference or ())
        aliased = [str(name) for alias in given.aliases or () for name in alias.mapping.values()]
        return Shape(names=tuple(map(str, (*(given.group_by or ()), *aliased, *measured))))
    source = given.logsource
    return Shape(
        (source.product, source.category, source.service),
        {name: _branch(detection) for name, detection in given.detection.detections.items()},
        tuple(condition.condition for condition in given.detection.parsed_condition),
    )


def _branch(detection: Any) -> Branch:
    return Branch(tuple(map(_tree, detection.detection_items)), _operator(detection.item_linking), detection)


def _tree(item: Any) -> Tree:
    if hasattr(item, "detection_items"):
        return _branch(item)
    return Leaf(
        item.field,
        tuple(map(_key, item.value)),
        tuple(map(_text, item.value)),
        tuple(str(value.field) for value in item.value if type(value).__name__ == "SigmaFieldReference"),
        _folded(item),
        _operator(item.value_linking),
        bool(getattr(item, "negated", False)),
        item,
    )


def _operator(linking: Any) -> Operator:
    return "and" if getattr(linking, "__name__", "") == "ConditionAND" else "or"


def _key(value: Any) -> tuple[str, str]:
    """Return what a value of pySigma means, for comparison; of a reference to a field all but the field's name."""
    match name := type(value).__name__:
        case "SigmaNull":
            return name, ""
        case "SigmaFieldReference":
            return name, f"{value.starts_with}/{value.ends_with}"
        case "SigmaTimestampPart":
            return name, f"{value.timestamp_part}/{value.number}"
        case _:
            return name, repr(value)


def _text(value: Any) -> str:
    """Return a value of pySigma as a rule would write it."""
    match type(value).__name__:
        case "SigmaString" | "SigmaCasedString":
            return str(value) or "''"
        case "SigmaNumber":
            return str(value.number)
        case "SigmaBool":
            return str(value.boolean).lower()
        case "SigmaNull":
            return "null"
        case "SigmaRegularExpression":
            string = value.regexp
            pattern = "".join(part if isinstance(part, str) else "%" for part in getattr(string, "s", (string,)))
            return f"/{pattern}/{''.join(sorted(flag.name[0].lower() for flag in value.flags))}"
        case "SigmaExists":
            return "present" if value.exists else "absent"
        case "SigmaCompareExpression":
            return f"{value.op.name.lower()} {value.number}"
        case "SigmaCIDRExpression":
            return str(value.cidr)
        case "SigmaExpansion":
            return " or ".join(map(_text, value.values))
        case "SigmaQueryExpression":
            return f"{value.id} by {value.expr}"
        case "SigmaFieldReference":
            return f"the field {value.field}"
        case _:
            return str(value)


def _folded(item: Any) -> tuple[str, ...] | None:
    cased = "cased" in getattr(item.modifiers, "names", ())
    strings = [str(value) for value in item.value if type(value).__name__ == "SigmaString"]
    if cased or len(strings) != len(item.value) or not all(map(str.isascii, strings)):
        return None
    return tuple(map(str.lower, strings))
