"""What the ingestion of a product must not have lost: it drops and changes values before any query runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from converter.plan import nodes as ir
from converter.verdicts.event_assumptions import precise_times
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
    rule: ir.Plan, facts: Facts, fields: Mapping[str, str], product: Product
) -> tuple[Assumption, ...]:
    """Return what the product's ingestion must not have lost for the rule to see the same events.

    Args:
        rule: the plan over Sigma fields (the reference reads it).
        facts: of the product's fields.
        fields: Sigma field to product field.
        product: whose ingestion; for fields without facts its treatment of JSON in general is assumed.
    """
    found: dict[str, Assumption] = {}
    leaves = [leaf for detection in _detections(rule) for leaf in ir.leaves_of(detection)]
    groups = _correlated(rule)
    if isinstance(rule, ir.Correlation) and not facts:
        precise = precise_times(product.time_digits)
        found[precise.message] = precise
    for field in dict.fromkeys([*(name for leaf in leaves for name in leaf_fields(leaf)), *groups]):
        fact = facts.field(fields.get(field, field))
        mine = [leaf for leaf in leaves if field in leaf_fields(leaf)]
        if fact is None:
            for assumption in _without_facts(field, fields.get(field, field), product, known=bool(facts)):
                found.setdefault(assumption.message, assumption)
        if (fact is None or not fact.single) and any(isinstance(leaf, ir.Exists | ir.IsNull) for leaf in mine):
            hollow = _not_hollow(field)
            found.setdefault(hollow.message, hollow)
        for known in fact.assumptions if fact is not None else ():
            if known.raw in {"", field}:
                found.setdefault(known.message, _from_fact(known.message, known.broken_when))
        lost = fact.drops if fact is not None else _NULLS
        values = {_DROPPED.get(name, name) for name in lost}
        seen = [v for v in values if any(_sees(leaf, v) for leaf in mine) or (v is not None and field in groups)]
        if seen:
            words = ", ".join(sorted("null" if v is None else "empty" if v == "" else repr(v) for v in seen))
            says = f"{field} is never {words} (the product drops such a value)"
            found[says] = _never(says, field, seen)
        longest = product.longest if fact is None else fact.longest
        if longest is not None and (field in groups or any(map(_reads_text, mine))):
            short = _short(field, longest, product.title)
            found[short.message] = short
        if product.nulls_are_text and (fact is None or fact.nulls) and (field in groups or any(map(_reads_null, mine))):
            says = f"{field} is never JSON null ({product.title} may have it as the text null)"
            found[says] = _never(says, field, [None])
    return tuple(found.values())


def _short(field: str, longest: int, title: str) -> Assumption:
    """No text in a field is longer than the product keeps. Java counts halves of surrogate pairs."""
    return Assumption(
        f"no text in {field} is longer than {longest:,} characters ({title}'s mappings leave it out of the index)",
        lambda raw, _view: any(
            isinstance(one, str)
            and len(one) > longest // 2
            and len(one.encode("utf-16-le", "surrogatepass")) > 2 * longest
            for one in values_of(raw, field)
        ),
    )


def _reads_text(leaf: ir.Leaf) -> bool:
    """Return whether a long text in its field may matter to a leaf."""
    return not isinstance(leaf, ir.NumberMatch | ir.NumberCompare | ir.BoolMatch | ir.Cidr | ir.TimePart)


def _correlated(rule: ir.Plan) -> tuple[str, ...]:
    """Return the fields of events that correlations group by or measure."""
    events = (
        one for plan in ir.correlations_of(rule) for one in plan.rules if not isinstance(one.plan, ir.Correlation)
    )
    return tuple(dict.fromkeys(name for one in events for name in (*one.group_by, *one.fields)))


def _without_facts(field: str, name: str, product: Product, *, known: bool) -> Iterator[Assumption]:
    """Yield what must be true of a field whose place in the product nothing is known of.

    Args:
        field: Sigma's name.
        name: the product's, as far as the mapping goes.
        product: whose ingestion.
        known: whether the log source is: its ingestion may drop or rename what is not mapped.
    """
    steps = field.split(".")
    if known:
        says = f"ingestion keeps {field}, which no mapping knows, under the name {name}"
        yield Assumption(says, lambda raw, view: bool(values_of(raw, field)) and not values_of(view, name))
    if product.marks_arrays:
        says = f"{field} is no array, nor inside one ({product.title} adds {{}} to the name of such a field)"
        yield Assumption(says, lambda raw, _view: _has_array(raw, steps))


def _not_hollow(field: str) -> Assumption:
    """A field that a rule asks for the presence of has a value."""
    says = f"{field} is not an object, an empty array or an array with null (no product has a field for these)"
    return Assumption(says, lambda raw, _view: _is_hollow(raw, field.split(".")))


def _has_array(value: Any, steps: Sequence[str]) -> bool:
    """Whether the path to a field leads to or through an array."""
    if isinstance(value, list):
        return True
    if not isinstance(value, dict):
        return False
    keys = ((".".join(steps[:used]), steps[used:]) for used in range(1, len(steps) + 1))
    return any(key in value and _has_array(value[key], rest) for key, rest in keys)


def _is_hollow(value: Any, steps: Sequence[str]) -> bool:
    """Whether a field holds an object, or an array without elements."""
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
    return [one.expr for one in rule.rules] if isinstance(rule, ir.Correlation) else [rule.expr]


def _sees(leaf: ir.Leaf, value: str | None) -> bool:
    """Whether the leaf tells a field with this value from a missing field."""
    if isinstance(leaf, ir.FieldRef):
        return value is not None
    if isinstance(leaf, ir.Unexpanded):  # what a pipeline makes of it is not known here
        return True
    field = leaf_fields(leaf)[0]
    return is_true(leaf, {field: value}) != is_true(leaf, {})


def _reads_null(leaf: ir.Leaf) -> bool:
    """Whether the leaf tells the text `null` from a field that is null."""
    if isinstance(leaf, ir.FieldRef | ir.Unexpanded):
        return True
    field = leaf_fields(leaf)[0]
    return is_true(leaf, {field: "null"}) != is_true(leaf, {field: None})


def _never(says: str, field: str, values: Sequence[str | None]) -> Assumption:
    from converter.reference.values import find  # noqa: PLC0415  only replay needs it

    return Assumption(says, lambda raw, _view: any(one in values for one in find(raw, field)))


def _from_fact(says: str, broken_when: Mapping[str, Any] | Sequence[Any]) -> Assumption:
    """Compile the Sigma detection of a fact, over raw fields, when replay first asks."""
    compiled: list[ir.Expr] = []

    def broken(raw: Event, _view: Event) -> bool:
        if not broken_when:
            return False
        if not compiled:
            compiled.append(_detection(broken_when))
        return is_true(compiled[0], raw)

    return Assumption(says, broken)


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
