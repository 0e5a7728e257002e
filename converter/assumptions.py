"""What must be true of a log for a query to mean what its rule means, as predicates that replay can check.

Two sources: an emitter names what its language cannot see (`single_value`, `same_case`, `mapped_as`), and the product's
ingestion loses things before any query runs (`ingest_assumptions`: what the facts say is dropped or changed).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from converter.plan.nodes import (
    And,
    BoolMatch,
    Cidr,
    Correlation,
    Exists,
    FieldRef,
    IsNull,
    Keyword,
    KeywordRegex,
    Not,
    NumberCompare,
    NumberMatch,
    Or,
    Regex,
    StringMatch,
)
from converter.target import Assumption

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from converter.facts import Facts
    from converter.plan.nodes import Expr, Leaf, Plan
    from converter.target import Event


def single_value(field: str) -> Assumption:
    """An event has at most one value of the field (as the product has it)."""
    return Assumption(f"{field} holds at most one value", lambda _raw, view: len(_values(view, field)) > 1)


def same_case(field: str, leaf: StringMatch) -> Assumption:
    """Values that match the rule ignoring case also match it with case."""
    ignoring = StringMatch(field, leaf.pattern, cased=False)
    exactly = StringMatch(field, leaf.pattern, cased=True)

    def broken(_raw: Event, view: Event) -> bool:
        return _true(ignoring, view) and not _true(exactly, view)

    return Assumption(f"the values of {field} have the case of the rule: {leaf.pattern}", broken)


def mapped_as(field: str, what: str) -> Assumption:
    """The product's index maps the field to this type; no log can show otherwise."""
    return Assumption(f"{field} is mapped as {what}", lambda _raw, _view: False)


def raw_text_like_values(leaf: Keyword | KeywordRegex, shown: str) -> Assumption:
    """The raw text holds the words exactly when a value does."""

    def broken(_raw: Event, view: Event) -> bool:
        raw_only = {"_raw": view.get("_raw", "")}
        values = {key: value for key, value in view.items() if key != "_raw"}
        return _true(leaf, raw_only) != _true(leaf, values)

    return Assumption(f"the raw text holds {shown} exactly when a value of the event does", broken)


def ingest_assumptions(rule: Plan, facts: Facts, fields: Mapping[str, str]) -> tuple[Assumption, ...]:
    """Return what the product's ingestion must not have lost for the rule to see the same events.

    Args:
        rule: the plan over Sigma fields (the reference reads it).
        facts: of the product's fields.
        fields: Sigma field to product field.
    """
    found: dict[str, Assumption] = {}
    leaves = [leaf for detection in _detections(rule) for leaf in _leaves(detection)]
    groups = rule.group_by if isinstance(rule, Correlation) else ()
    for field in dict.fromkeys([*(name for leaf in leaves for name in _fields(leaf)), *groups]):
        fact = facts.field(fields.get(field, field))
        if fact is None:
            continue
        for assumption in fact.assumptions:
            if assumption.raw not in {"", field}:
                continue
            found.setdefault(assumption.says, _from_fact(assumption.says, assumption.broken_when))
        mine = [leaf for leaf in leaves if field in _fields(leaf)]
        for lost, value in (("empty", ""), ("null", None)):
            if lost in fact.drops and (
                any(_sees(leaf, value) for leaf in mine) or (lost == "empty" and field in groups)
            ):
                says = f"{field} is never {'an empty string' if lost == 'empty' else 'null'} (the product drops it)"
                found.setdefault(says, _never(says, field, value))
    return tuple(found.values())


def _detections(rule: Plan) -> list[Expr]:
    return [one.expr for one in rule.rules] if isinstance(rule, Correlation) else [rule.expr]


def _leaves(expr: Expr) -> Iterator[Leaf]:
    match expr:
        case And(items) | Or(items):
            for item in items:
                yield from _leaves(item)
        case Not(item):
            yield from _leaves(item)
        case _:
            yield expr


def _fields(leaf: Leaf) -> tuple[str, ...]:
    match leaf:
        case Keyword() | KeywordRegex():
            return ()
        case FieldRef(field=field, other=other):
            return (field, other)
        case (
            StringMatch(field=field)
            | NumberMatch(field=field)
            | BoolMatch(field=field)
            | NumberCompare(field=field)
            | Regex(field=field)
            | Cidr(field=field)
            | IsNull(field=field)
            | Exists(field=field)
        ):
            return (field,)


def _sees(leaf: Leaf, value: str | None) -> bool:
    """Whether the leaf tells a field with this value from a missing field."""
    if isinstance(leaf, FieldRef):
        return value is not None
    field = _fields(leaf)[0]
    return _true(leaf, {field: value}) != _true(leaf, {})


def _never(says: str, field: str, value: str | None) -> Assumption:
    from converter.reference.values import find  # noqa: PLC0415  only replay needs it

    return Assumption(says, lambda raw, _view: any(one == value for one in find(raw, field)))


def _from_fact(says: str, broken_when: Mapping[str, Any] | Sequence[Any]) -> Assumption:
    """Compile the Sigma detection of a fact, over raw fields, when replay first asks."""
    compiled: list[Expr] = []

    def broken(raw: Event, _view: Event) -> bool:
        if not broken_when:
            return False
        if not compiled:
            compiled.append(_detection(broken_when))
        return _true(compiled[0], raw)

    return Assumption(says, broken)


def _detection(definition: Mapping[str, Any] | Sequence[Any]) -> Expr:
    from sigma.rule import SigmaRule  # noqa: PLC0415  slow to import

    from converter.plan.lower import lower  # noqa: PLC0415

    rule = SigmaRule.from_dict(
        {
            "title": "assumption",
            "logsource": {"category": "any"},
            "detection": {"broken": definition, "condition": "broken"},
        }
    )
    plan = lower(rule)
    assert not isinstance(plan, Correlation)  # noqa: S101  a detection was given
    return plan.expr


def _true(expr: Expr, event: Event) -> bool:
    from converter.reference.match import matches  # noqa: PLC0415  only replay needs it

    return matches(expr, event)


def _values(view: Event, field: str) -> list[Any]:
    from converter.reference.values import find  # noqa: PLC0415

    return find(view, field)


def unique(assumptions: Iterable[Assumption]) -> tuple[Assumption, ...]:
    """Return the assumptions, each sentence once, in order."""
    return tuple({assumption.says: assumption for assumption in assumptions}.values())
