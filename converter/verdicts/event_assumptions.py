"""What must be true of a log for a query to mean what its rule means, as predicates that replay can check.

Two sources: an emitter names what its language cannot see (`single_value`, `same_case`, `mapped_as`), and the product's
ingestion loses things before any query runs (`ingest_assumptions`: what the facts say is dropped or changed).
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from converter.plan import nodes as ir
from converter.verdicts.verdict import Assumption

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from ipaddress import IPv6Network

    from converter.products.core import Product
    from converter.products.field_facts import Facts
    from converter.verdicts.verdict import Event


_DROPPED: dict[str, str | None] = {"null": None, "empty": ""}
_STRANGE = frozenset("\u212a\u017f\u0130\u0131")
_LEAST_PLAIN, _FIRST_SCIENTIFIC = 0.001, 10_000_000  # Java's Double.toString
_PARTS_OF_A_SECOND = {3: "milliseconds", 6: "microseconds", 9: "nanoseconds"}
_NULLS = frozenset({"null"})  # neither product has a field for a JSON null


def single_value(field: str) -> Assumption:
    """An event has at most one value of the field (as the product has it)."""
    return Assumption(f"{field} holds at most one value", lambda _raw, view: len(_values(view, field)) > 1)


def same_case(field: str, leaf: ir.StringMatch) -> Assumption:
    """Values that match the rule ignoring case also match it with case."""
    ignoring = ir.StringMatch(field, leaf.pattern, cased=False)
    exactly = ir.StringMatch(field, leaf.pattern, cased=True)

    def broken(_raw: Event, view: Event) -> bool:
        return _true(ignoring, view) and not _true(exactly, view)

    return Assumption(f"the values of {field} have the case of the rule: {leaf.pattern}", broken)


def letters_as_written(leaf: ir.FieldRef) -> Assumption:
    """Neither field has a letter outside ASCII that has another case: products differ in how they write that one."""
    fields = (leaf.field, leaf.other)

    def broken(_raw: Event, view: Event) -> bool:
        from converter.plan.casefold import has_foreign_case  # noqa: PLC0415  only replay needs it

        return any(isinstance(one, str) and has_foreign_case(one) for field in fields for one in _values(view, field))

    return Assumption(f"{leaf.field} and {leaf.other} hold no letters outside ASCII that have case", broken)


def standing(rule: ir.Plan) -> tuple[Assumption, ...]:
    """Return what stands behind every verdict (docs/semantics.md), so that none names it; replay does."""
    last = (_SINCE_1970,) if isinstance(rule, ir.Correlation) else ()
    return (_no_strange_letters(rule), _no_exponents(rule), *last)


def _no_strange_letters(rule: ir.Plan) -> Assumption:
    """No value that the rule reads has a letter that is one of ASCII to some products."""
    leaves = [leaf for detection in ir.detections_of(rule) for leaf in ir.leaves_of(detection.expr)]
    return _no_value(
        "no value holds U+212A, U+017F, U+0130 or U+0131 (K, S, I to some products)",
        leaves,
        {field for leaf in leaves for field in leaf_fields(leaf)},
        lambda value: isinstance(value, str) and not _STRANGE.isdisjoint(value),
    )


def _no_exponents(rule: ir.Plan) -> Assumption:
    """No number that the rule compares as text is one that Java writes with an exponent and others do not."""
    leaves = [leaf for detection in ir.detections_of(rule) for leaf in ir.leaves_of(detection.expr)]
    compared = (leaf_fields(leaf) for leaf in leaves if isinstance(leaf, ir.StringMatch | ir.Regex))
    grouped = (one.group_by for plan in ir.correlations_of(rule) for one in plan.rules)
    return _no_value(
        "no number with a fraction, compared as text, is beyond 10,000,000 or below 0.001 (some products write 1.0E7)",
        leaves,
        {field for fields in (*compared, *grouped) for field in fields},
        lambda value: type(value) is float and value != 0 and not _LEAST_PLAIN <= abs(value) < _FIRST_SCIENTIFIC,
    )


def _no_value(
    says: str, leaves: Sequence[ir.Leaf], fields: Collection[str], wrong: Callable[[Any], bool]
) -> Assumption:
    """No value in these fields, or anywhere if the rule has keywords, is wrong."""
    everywhere = any(isinstance(leaf, ir.Keyword | ir.KeywordRegex) for leaf in leaves)

    def broken(raw: Event, _view: Event) -> bool:
        from converter.reference.values import every_value  # noqa: PLC0415  only replay needs it

        return any(
            map(wrong, every_value(raw) if everywhere else [one for field in fields for one in _values(raw, field)])
        )

    return Assumption(says, broken)


def _before_1970(raw: Event, _view: Event) -> bool:
    from converter.reference.time import event_time  # noqa: PLC0415  only replay needs it

    return (event_time(raw) or 0) < 0


_SINCE_1970 = Assumption("no event is from before 1970", _before_1970)


def mapped_as(field: str, kind: MappedType) -> Assumption:
    """The product's index maps the field to this type, and its values are JSON of that type."""
    right = _TYPES[kind]
    return Assumption(
        f"{field} is mapped as {kind}, and its values are written as such",
        lambda _raw, view: not all(right(value) for value in _values(view, field) if value is not None),
    )


def plain_numbers(field: str) -> Assumption:
    """Text in the field is a number to Java exactly when it is one to Sigma: no blanks, no suffix, no NaN."""

    def broken(_raw: Event, view: Event) -> bool:
        texts = (value for value in _values(view, field) if isinstance(value, str))
        return any(_JAVA_NUMBER.fullmatch(text.strip()) and not _SIGMA_NUMBER.fullmatch(text) for text in texts)

    return Assumption(
        f"text in {field} is no number with blanks around it, a suffix or the words NaN or Infinity", broken
    )


def no_mapped_address(field: str, network: IPv4Network | IPv6Network) -> Assumption | None:
    """No address is in both families: Elasticsearch takes 192.0.2.1 and ::ffff:192.0.2.1 for the same.

    Returns:
        None for a network of IPv6 that has none of these.
    """
    if isinstance(network, IPv4Network):
        says = f"{field} holds no IPv4 address written as IPv6 (::ffff:192.0.2.1)"
        return Assumption(says, lambda _raw, view: any(map(_is_mapped, _values(view, field))))
    if not network.overlaps(_MAPPED):
        return None
    says = f"{field} holds no IPv4 address, nor one written as IPv6 (::ffff:192.0.2.1)"
    return Assumption(says, lambda _raw, view: any(_is_mapped(v) or _is_ipv4(v) for v in _values(view, field)))


def precise_times(digits: int) -> Assumption:
    """The times of events are whole milliseconds or microseconds: the product keeps no more."""
    step = 10 ** (9 - digits)

    def broken(raw: Event, _view: Event) -> bool:
        from converter.reference.time import event_time  # noqa: PLC0415  only replay needs it

        time = event_time(raw)
        return time is not None and time % step != 0

    return Assumption(f"the times of events are whole {_PARTS_OF_A_SECOND[digits]} (the product keeps no more)", broken)


def no_zone(field: str, network: IPv4Network | IPv6Network) -> Assumption | None:
    """No address of IPv6 has a zone (`fe80::1%eth0`): products differ in what it is inside.

    Returns:
        None for a network of IPv4.
    """
    if isinstance(network, IPv4Network):
        return None
    says = f"{field} holds no address with a zone (fe80::1%eth0)"
    return Assumption(says, lambda _raw, view: any(isinstance(v, str) and "%" in v for v in _values(view, field)))


_MAPPED = ip_network("::ffff:0:0/96")


def _is_mapped(value: object) -> bool:
    address = _address(value)
    return isinstance(address, IPv6Address) and address.ipv4_mapped is not None


def _is_ipv4(value: object) -> bool:
    return isinstance(_address(value), IPv4Address)


def _address(value: object) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_address(value: object) -> bool:
    return _address(value) is not None


MappedType: TypeAlias = Literal["keyword", "a number", "a boolean", "an ip"]
_TYPES: dict[MappedType, Callable[[object], bool]] = {
    "keyword": lambda value: isinstance(value, str),
    "a number": _is_number,
    "a boolean": lambda value: isinstance(value, bool),
    "an ip": _is_address,
}
_JAVA_NUMBER = re.compile(
    r"[+-]?(NaN|Infinity|((\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|0[xX][\da-fA-F.]+[pP][+-]?\d+)[dDfF]?)"
)
_SIGMA_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


def raw_text_like_values(
    leaf: ir.Keyword | ir.KeywordRegex, shown: str, written: ir.KeywordRegex | None = None
) -> Assumption:
    """The raw text holds the words exactly when a value does.

    Args:
        leaf: the keyword.
        shown: how the sentence calls it.
        written: what is looked for in the raw text, if that is something else.
    """

    def broken(_raw: Event, view: Event) -> bool:
        raw_only = {"_raw": view.get("_raw", "")}
        values = {key: value for key, value in view.items() if key != "_raw"}
        return _true(written or leaf, raw_only) != _true(leaf, values)

    return Assumption(f"the raw text holds {shown} exactly when a value of the event does", broken)


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
        found[precise.says] = precise
    for field in dict.fromkeys([*(name for leaf in leaves for name in leaf_fields(leaf)), *groups]):
        fact = facts.field(fields.get(field, field))
        mine = [leaf for leaf in leaves if field in leaf_fields(leaf)]
        if fact is None:
            for assumption in _without_facts(field, fields.get(field, field), product, known=bool(facts)):
                found.setdefault(assumption.says, assumption)
        if (fact is None or not fact.single) and any(isinstance(leaf, ir.Exists | ir.IsNull) for leaf in mine):
            hollow = _not_hollow(field)
            found.setdefault(hollow.says, hollow)
        for known in fact.assumptions if fact is not None else ():
            if known.raw in {"", field}:
                found.setdefault(known.says, _from_fact(known.says, known.broken_when))
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
            found[short.says] = short
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
            for one in _values(raw, field)
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
        yield Assumption(says, lambda raw, view: bool(_values(raw, field)) and not _values(view, name))
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


def leaf_fields(leaf: ir.Leaf) -> tuple[str, ...]:
    """Return the fields that a leaf reads; none of a keyword, which reads them all."""
    match leaf:
        case ir.Keyword() | ir.KeywordRegex():
            return ()
        case ir.FieldRef(field=field, other=other):
            return (field, other)
        case (
            ir.StringMatch(field=field)
            | ir.NumberMatch(field=field)
            | ir.BoolMatch(field=field)
            | ir.NumberCompare(field=field)
            | ir.Regex(field=field)
            | ir.Cidr(field=field)
            | ir.IsNull(field=field)
            | ir.Exists(field=field)
            | ir.TimePart(field=field)
        ):
            return (field,)
        case ir.Unexpanded(field=field):
            return (field,) if field is not None else ()


def _sees(leaf: ir.Leaf, value: str | None) -> bool:
    """Whether the leaf tells a field with this value from a missing field."""
    if isinstance(leaf, ir.FieldRef):
        return value is not None
    if isinstance(leaf, ir.Unexpanded):  # what a pipeline makes of it is not known here
        return True
    field = leaf_fields(leaf)[0]
    return _true(leaf, {field: value}) != _true(leaf, {})


def _reads_null(leaf: ir.Leaf) -> bool:
    """Whether the leaf tells the text `null` from a field that is null."""
    if isinstance(leaf, ir.FieldRef | ir.Unexpanded):
        return True
    field = leaf_fields(leaf)[0]
    return _true(leaf, {field: "null"}) != _true(leaf, {field: None})


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
        return _true(compiled[0], raw)

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


def _true(expr: ir.Expr, event: Event) -> bool:
    from converter.reference.match import matches  # noqa: PLC0415  only replay needs it

    return matches(expr, event)


def _values(view: Event, field: str) -> list[Any]:
    from converter.reference.values import find  # noqa: PLC0415

    return find(view, field)


def unique(assumptions: Iterable[Assumption]) -> tuple[Assumption, ...]:
    """Return the assumptions, each sentence once, in order."""
    return tuple({assumption.says: assumption for assumption in assumptions}.values())
