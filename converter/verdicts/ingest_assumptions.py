"""Assumptions about ingestion, which drops and changes values before a query runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from converter.plan import nodes as ir
from converter.verdicts.event_assumptions import is_address, precise_times
from converter.verdicts.predicates import is_true, leaf_fields, values_of
from converter.verdicts.verdict import Assumption

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from converter.products.core import Product
    from converter.products.field_facts import Facts
    from converter.verdicts.verdict import Event

_DROPPED: dict[str, str | None] = {"null": None, "empty": ""}
_NULLS = frozenset({"null"})  # neither product has a field for a JSON null


def ingest_assumptions(
    rule: ir.Plan, facts: Facts, fields: Mapping[str, Sequence[str]], product: Product
) -> tuple[Assumption, ...]:
    """Return what ingestion must leave intact for the rule to mean the same on the product's events.

    Args:
        rule: the plan over Sigma's fields, which the reference evaluates.
        facts: of the product's fields.
        fields: Sigma's field to the product's fields: several if the mapping tells its uses apart.
        product: the product; for fields without facts, its general treatment of JSON is assumed.
    """
    assumptions: dict[str, Assumption] = {}
    leaves = [leaf for detection in _detections(rule) for leaf in ir.leaves_of(detection)]
    groups = _correlated(rule)
    if isinstance(rule, ir.Correlation) and not facts:
        precise = precise_times(product.time_digits)
        assumptions[precise.message] = precise
    used = dict.fromkeys([*(name for leaf in leaves for name in leaf_fields(leaf)), *groups])
    for field, name in [(old, new) for old in used for new in fields.get(old, (old,))]:
        fact = facts.field(name)
        mine = [leaf for leaf in leaves if field in leaf_fields(leaf)]
        if fact is None:
            for assumption in _without_facts(field, name, product, known=bool(facts)):
                assumptions.setdefault(assumption.message, assumption)
        if (fact is None or not fact.single) and any(isinstance(leaf, ir.Exists | ir.IsNull) for leaf in mine):
            hollow = _not_hollow(field)
            assumptions.setdefault(hollow.message, hollow)
        # To a comparison with addresses, a field without a value says as little as one with another text.
        exact = fact is None or (fact.type == "ip" and field not in groups and all(map(_asks_for_address, mine)))
        for known in fact.assumptions if fact is not None and not exact else ():
            if known.raw in {"", field}:
                assumptions.setdefault(known.message, _from_fact(known.message, known.broken_when))
        lost = fact.drops if fact is not None else _NULLS
        values = {_DROPPED.get(name, name) for name in lost}
        seen = [v for v in values if any(_sees(leaf, v) for leaf in mine) or (v is not None and field in groups)]
        if seen:
            words = ", ".join(sorted("null" if v is None else "empty" if v == "" else repr(v) for v in seen))
            message = f"{field} is never {words} (the product drops such a value)"
            assumptions[message] = _never(message, field, seen)
        longest = product.longest if fact is None else fact.longest
        if longest is not None and (field in groups or any(map(_reads_strings, mine))):
            short = _short(field, longest, product.title)
            assumptions[short.message] = short
        if product.nulls_are_text and (fact is None or fact.nulls) and (field in groups or any(map(_reads_null, mine))):
            message = f"{field} is never JSON null ({product.title} may have it as the string null)"
            assumptions[message] = _never(message, field, [None])
    return tuple(assumptions.values())


def _short(field: str, longest: int, title: str) -> Assumption:
    """No string in a field is too long for the product's index. Java counts UTF-16 code units."""
    return Assumption(
        f"no string in {field} is longer than {longest:,} characters ({title}'s mappings do not index longer ones)",
        lambda raw, _view: any(
            isinstance(value, str)
            and len(value) > longest // 2
            and len(value.encode("utf-16-le", "surrogatepass")) > 2 * longest
            for value in values_of(raw, field)
        ),
    )


def _asks_for_address(leaf: ir.Leaf) -> bool:
    """Return whether a leaf is true of some addresses, and of nothing else."""
    match leaf:
        case ir.Cidr():
            return True
        case ir.StringMatch(pattern=pattern) if pattern.literal is not None:
            return is_address(pattern.literal)
        case _:
            return False


def _reads_strings(leaf: ir.Leaf) -> bool:
    """Return whether a long string in its field may matter to a leaf."""
    return not isinstance(leaf, ir.NumberMatch | ir.NumberCompare | ir.BoolMatch | ir.Cidr | ir.TimePart)


def _correlated(rule: ir.Plan) -> tuple[str, ...]:
    """Return the events' fields that correlations group by or measure."""
    counted = (
        below for plan in ir.correlations_of(rule) for below in plan.rules if not isinstance(below.plan, ir.Correlation)
    )
    return tuple(dict.fromkeys(name for below in counted for name in (*below.group_by, *below.fields)))


def _without_facts(field: str, name: str, product: Product, *, known: bool) -> Iterator[Assumption]:
    """Yield the assumptions about a field that has no facts.

    Args:
        field: Sigma's name.
        name: the product's name, as far as the mapping gives one.
        product: the product.
        known: whether the log source has facts; its ingestion may then drop or rename fields without a mapping.
    """
    steps = field.split(".")
    if known:
        yield Assumption(
            f"ingestion keeps {field}, which has no mapping, under the name {name}"
            if name == field
            else f"ingestion writes {field} to {name}, to which it is mapped",
            lambda raw, view: bool(values_of(raw, field)) and not values_of(view, name),
            advice=f"map {field} to the field that {product.title} writes it to, or leave it out of the rule",
        )
    if product.marks_arrays:
        message = f"{field} is neither an array nor inside one ({product.title} adds {{}} to the names of such fields)"
        yield Assumption(message, lambda raw, _view: _has_array(raw, steps))


def _not_hollow(field: str) -> Assumption:
    """A field whose presence a rule tests holds a value, if it is present."""
    message = f"{field} is not an object, an empty array or an array with null (no product has a field for these)"
    return Assumption(message, lambda raw, _view: _is_hollow(raw, field.split(".")))


def _has_array(value: Any, steps: Sequence[str]) -> bool:
    """Return whether the path to a field leads to or through an array."""
    if isinstance(value, list):
        return True
    if not isinstance(value, dict):
        return False
    keys = ((".".join(steps[:used]), steps[used:]) for used in range(1, len(steps) + 1))
    return any(key in value and _has_array(value[key], rest) for key, rest in keys)


def _is_hollow(value: Any, steps: Sequence[str]) -> bool:
    """Return whether a field holds an object, an empty array, or an array with null or another array."""
    if not steps:
        items = value if isinstance(value, list) else [value]
        return not items or any(isinstance(item, dict | list) or (item is None and len(items) > 1) for item in items)
    if isinstance(value, list):
        return any(_is_hollow(item, steps) for item in value)
    if not isinstance(value, dict):
        return False
    keys = ((".".join(steps[:used]), steps[used:]) for used in range(1, len(steps) + 1))
    return any(key in value and _is_hollow(value[key], rest) for key, rest in keys)


def _detections(rule: ir.Plan) -> list[ir.Expr]:
    return [below.expr for below in rule.rules] if isinstance(rule, ir.Correlation) else [rule.expr]


def _sees(leaf: ir.Leaf, value: str | None) -> bool:
    """Return whether the leaf distinguishes a field with this value from a missing field."""
    if isinstance(leaf, ir.FieldRef):
        return value is not None
    if isinstance(leaf, ir.Unexpanded):  # what a pipeline expands it to is not known here
        return True
    field = leaf_fields(leaf)[0]
    return is_true(leaf, {field: value}) != is_true(leaf, {})


def _reads_null(leaf: ir.Leaf) -> bool:
    """Return whether the leaf distinguishes the string `null` from a null field."""
    if isinstance(leaf, ir.FieldRef | ir.Unexpanded):
        return True
    field = leaf_fields(leaf)[0]
    return is_true(leaf, {field: "null"}) != is_true(leaf, {field: None})


def _never(message: str, field: str, values: Sequence[str | None]) -> Assumption:
    from converter.reference.values import find  # noqa: PLC0415  only replay needs it

    return Assumption(message, lambda raw, _view: any(value in values for value in find(raw, field)))


def _from_fact(message: str, broken_when: Mapping[str, Any] | Sequence[Any]) -> Assumption:
    """Return the assumption of a fact; its Sigma detection over raw fields is compiled when replay first needs it."""
    compiled: list[ir.Expr] = []

    def broken(raw: Event, _view: Event) -> bool:
        if not broken_when:
            return False
        if not compiled:
            compiled.append(_detection(broken_when))
        return is_true(compiled[0], raw)

    return Assumption(message, broken)


def _detection(definition: Mapping[str, Any] | Sequence[Any]) -> ir.Expr:
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
    assert not isinstance(plan, ir.Correlation)  # noqa: S101  a detection was given
    return plan.expr
