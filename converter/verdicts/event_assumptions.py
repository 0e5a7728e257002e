"""Assumptions about single events, each with a predicate that replay checks.

An emitter states what its language cannot express: `single_value`, `same_case`, `mapped_as` and so on.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from converter.plan import nodes as ir
from converter.verdicts.predicates import is_true, leaf_fields, values_of, with_values
from converter.verdicts.verdict import Assumption, Repair

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from ipaddress import IPv6Network

    from converter.verdicts.verdict import Event


_LOOKALIKES = frozenset("\u212a\u017f\u0130\u0131")
_LEAST_PLAIN, _FIRST_SCIENTIFIC = 0.001, 10_000_000  # Java's Double.toString
_PARTS_OF_A_SECOND = {3: "milliseconds", 6: "microseconds", 9: "nanoseconds"}


def single_value(field: str) -> Assumption:
    """An event, as the product has it, holds at most one value of the field."""
    return Assumption(f"{field} holds at most one value", lambda _raw, view: len(values_of(view, field)) > 1)


def same_case(field: str, leaf: ir.StringMatch) -> Assumption:
    """Values that match the rule ignoring case also match it exactly."""
    ignoring = ir.StringMatch(field, leaf.pattern, cased=False)
    exactly = ir.StringMatch(field, leaf.pattern, cased=True)

    def broken(_raw: Event, view: Event) -> bool:
        return is_true(ignoring, view) and not is_true(exactly, view)

    return Assumption(
        f"the values of {field} have the case of the rule: {leaf.pattern}",
        broken,
        repair=Repair(view=lambda view: with_values(view, field, lambda value: _in_case_of(leaf.pattern, value))),
        advice=f"give the rule the value of {field} as the log has it, beside its own",
    )


def _in_case_of(pattern: ir.Pattern, value: Any) -> Any:
    """Return a string that a pattern matches ignoring case with the pattern's case; any other value as it is."""
    if not isinstance(value, str):
        return value
    groups = (re.escape(part) if isinstance(part, str) else _WILDCARDS[part] for part in pattern.parts)
    match = re.fullmatch("".join(f"({group})" for group in groups), value, re.IGNORECASE | re.DOTALL)
    if match is None:
        return value
    pairs = zip(pattern.parts, match.groups(), strict=True)
    return "".join(part if isinstance(part, str) else matched for part, matched in pairs)


_WILDCARDS = {ir.Wildcard.ANY: ".*", ir.Wildcard.ONE: "."}


def logsource_condition(rule: ir.Detection, shown: str, condition: ir.Expr) -> Assumption:
    """Events of a log source that match a rule meet a condition that a pipeline adds for the log source.

    Args:
        rule: the rule as it is written.
        shown: the condition, for people.
        condition: the condition, with the product's names.
    """
    parts = (rule.logsource.product, rule.logsource.category, rule.logsource.service)
    source = "/".join(part for part in parts if part)
    return Assumption(
        f"events of {source} have {shown} (the pipeline adds this condition)",
        lambda raw, view: is_true(rule.expr, raw) and not is_true(condition, view),
    )


def number_as_written(field: str, number: str) -> Assumption:
    """A value that is a number is written as the rule has it, because a pipeline compares it as a string."""

    def broken(raw: Event, view: Event) -> bool:
        from converter.reference.values import number_of, string_of  # noqa: PLC0415  only replay needs it

        values = (*values_of(raw, field), *values_of(view, field))
        return any(number_of(value) == number_of(number) and string_of(value) != number for value in values)

    return Assumption(f"{field} writes the number {number} in no other way (the pipeline compares strings)", broken)


def letters_as_written(leaf: ir.FieldRef) -> Assumption:
    """Neither field holds a letter outside ASCII that has case: products fold the case of such letters differently."""
    fields = (leaf.field, leaf.other)

    def broken(_raw: Event, view: Event) -> bool:
        from converter.plan.casefold import has_foreign_case  # noqa: PLC0415  only replay needs it

        return any(
            isinstance(value, str) and has_foreign_case(value) for field in fields for value in values_of(view, field)
        )

    return Assumption(f"{leaf.field} and {leaf.other} hold no letters outside ASCII that have case", broken)


def standing(rule: ir.Plan) -> tuple[Assumption, ...]:
    """Return the assumptions of every verdict (docs/semantics.md). Replay checks them; no verdict lists them."""
    last = (_SINCE_1970,) if isinstance(rule, ir.Correlation) else ()
    return (_no_lookalikes(rule), _no_exponents(rule), _names_with_their_spaces(rule), *last)


def _no_lookalikes(rule: ir.Plan) -> Assumption:
    """No value that the rule reads has a letter outside ASCII that some products fold into ASCII."""
    leaves = [leaf for detection in ir.detections_of(rule) for leaf in ir.leaves_of(detection.expr)]
    return _no_value(
        "no value holds U+212A, U+017F, U+0130 or U+0131 (some products take them for K, S or I)",
        leaves,
        {field for leaf in leaves for field in leaf_fields(leaf)},
        lambda value: isinstance(value, str) and not _LOOKALIKES.isdisjoint(value),
    )


def _no_exponents(rule: ir.Plan) -> Assumption:
    """No number that the rule compares as a string is one that Java writes with an exponent, and others without."""
    leaves = [leaf for detection in ir.detections_of(rule) for leaf in ir.leaves_of(detection.expr)]
    compared = (leaf_fields(leaf) for leaf in leaves if isinstance(leaf, ir.StringMatch | ir.Regex))
    grouped = (below.group_by for plan in ir.correlations_of(rule) for below in plan.rules)
    return _no_value(
        "numbers with a fraction, compared as strings, lie between 0.001 and 10,000,000 (some products write 1.0E7)",
        leaves,
        {field for fields in (*compared, *grouped) for field in fields},
        lambda value: type(value) is float and value != 0 and not _LEAST_PLAIN <= abs(value) < _FIRST_SCIENTIFIC,
    )


def _names_with_their_spaces(rule: ir.Plan) -> Assumption:
    """No field that the rule reads has a name that differs from the rule's by spaces: products do not ignore them."""
    fields = ir.fields_of_plan(rule)

    def broken(raw: Event, _view: Event) -> bool:
        from converter.reference.values import find  # noqa: PLC0415  only replay needs it

        return any(find(raw, field) != find(raw, field, exact=True) for field in fields)

    return Assumption(
        "names of fields have the spaces that the rule gives them (a pipeline can map the others)", broken
    )


def _no_value(
    message: str, leaves: Sequence[ir.Leaf], fields: Collection[str], wrong: Callable[[Any], bool]
) -> Assumption:
    """No value in these fields is wrong; if the rule has keywords, no value in any field."""
    everywhere = any(isinstance(leaf, ir.Keyword | ir.KeywordRegex) for leaf in leaves)

    def broken(raw: Event, _view: Event) -> bool:
        from converter.reference.values import every_value  # noqa: PLC0415  only replay needs it

        return any(
            map(
                wrong,
                every_value(raw) if everywhere else [value for field in fields for value in values_of(raw, field)],
            )
        )

    return Assumption(message, broken)


def _before_1970(raw: Event, _view: Event) -> bool:
    from converter.reference.time import event_time  # noqa: PLC0415  only replay needs it

    return (event_time(raw) or 0) < 0


_SINCE_1970 = Assumption("no event is dated before 1970", _before_1970)


def mapped_as(field: str, kind: MappedType) -> Assumption:
    """The product's index maps the field to this type, and the events' JSON values have that type."""
    right = _TYPES[kind]
    return Assumption(
        f"{field} is mapped as {kind}, and its values have that JSON type",
        lambda _raw, view: not all(right(value) for value in values_of(view, field) if value is not None),
    )


def rounded_alone(field: str, number: float, stored: Callable[[float], float | None]) -> Assumption:
    """Of the values that the product's index rounds as it does this number, there is none but the number itself."""
    nearest = stored(number)

    def broken(_raw: Event, view: Event) -> bool:
        numbers = (value for value in values_of(view, field) if isinstance(value, int | float))
        return any(value != number and stored(value) == nearest for value in numbers)

    return Assumption(f"no value of {field} is so near to {number} that the index stores them as one", broken)


def plain_numbers(field: str) -> Assumption:
    """Strings in the field are numbers to Java exactly when they are numbers to Sigma: no blanks, suffixes or NaN."""

    def broken(_raw: Event, view: Event) -> bool:
        strings = (value for value in values_of(view, field) if isinstance(value, str))
        return any(_JAVA_NUMBER.fullmatch(item.strip()) and not _SIGMA_NUMBER.fullmatch(item) for item in strings)

    return Assumption(
        f"strings in {field} are not numbers with blanks around them or a suffix, nor NaN or Infinity", broken
    )


def numbers_as_written(field: str, numbers: Mapping[float, str]) -> Assumption:
    """A value that is one of the numbers is written as given: a language compares it as a string."""
    number, written = next(iter(numbers.items()))
    zeros = f"{written}.0" if number == int(number) else f"{written}0"

    def broken(_raw: Event, view: Event) -> bool:
        from converter.reference.values import number_of, string_of  # noqa: PLC0415  only replay needs it

        return any(
            (value := number_of(item)) is not None and value in numbers and string_of(item) != numbers[value]
            for item in values_of(view, field)
        )

    return Assumption(f"numbers in {field} are written plainly: {written}, not {_zero(written)} or {zeros}", broken)


def numbers_in_digits(field: str, comparisons: Sequence[ir.NumberCompare], written: str) -> Assumption:
    """A value that satisfies one of the comparisons is written in digits, as any language reads a number.

    Args:
        field: the field.
        comparisons: with numbers.
        written: the number of one of them, as it should be written.
    """

    def broken(_raw: Event, view: Event) -> bool:
        from converter.reference.values import string_of  # noqa: PLC0415  only replay needs it

        odd = [item for item in values_of(view, field) if not _DIGITS.fullmatch(string_of(item) or "0")]
        return any(is_true(comparison, {field: item}) for item in odd for comparison in comparisons)

    return Assumption(f"numbers in {field} are written plainly: {written}, not {_zero(written)} or {written}e0", broken)


def _zero(written: str) -> str:
    """Return a number with a leading zero."""
    return f"-0{written[1:]}" if written.startswith("-") else f"0{written}"


def no_mapped_address(field: str, network: IPv4Network | IPv6Network) -> Assumption | None:
    """No address is written in both families: to Elasticsearch, 192.0.2.1 and ::ffff:192.0.2.1 are the same address.

    Returns:
        None for an IPv6 network without addresses mapped from IPv4.
    """
    if isinstance(network, IPv4Network):
        message = f"{field} holds no IPv4 address written as IPv6 (::ffff:192.0.2.1)"
        return Assumption(message, lambda _raw, view: any(map(_is_mapped, values_of(view, field))))
    if not network.overlaps(_MAPPED):
        return None
    message = f"{field} holds no IPv4 address, written as such or as IPv6 (::ffff:192.0.2.1)"
    return Assumption(message, lambda _raw, view: any(_is_mapped(v) or _is_ipv4(v) for v in values_of(view, field)))


def shortest_addresses(field: str) -> Assumption:
    """Each address is written as the product shows it, so that equal addresses are equal texts."""

    def broken(_raw: Event, view: Event) -> bool:
        texts = (value for value in values_of(view, field) if isinstance(value, str) and is_address(value))
        return any(_is_mapped(text) or str(_address(text)) != text.lower() for text in texts)

    message = f"addresses in {field} are in their shortest form (2001:db8::1), and none is IPv4 written as IPv6"
    return Assumption(message, broken)


def precise_times(digits: int) -> Assumption:
    """Event times are whole milli-, micro- or nanoseconds, the finest unit that the product stores."""
    step = 10 ** (9 - digits)

    def broken(raw: Event, _view: Event) -> bool:
        from converter.reference.time import event_time  # noqa: PLC0415  only replay needs it

        time = event_time(raw)
        return time is not None and time % step != 0

    unit = _PARTS_OF_A_SECOND[digits]
    return Assumption(
        f"event times are whole {unit} (the product stores nothing finer)",
        broken,
        repair=Repair(raw=lambda raw: _with_times(raw, lambda time: time - time % step)),
        advice=f"cut the times of the log to {unit}, as the product does",
    )


def _with_times(raw: Event, change: Callable[[int], int]) -> Event:
    """Return a copy of a raw event in which `change(time)` stands for each time, in nanoseconds."""
    from converter.reference.time import SECOND, TIME_FIELDS, format_time, parse_time  # noqa: PLC0415

    def changed(value: Any) -> Any:
        before = parse_time(value)
        if before is None or (after := change(before)) == before:
            return value
        return format_time(after) if isinstance(value, str) else after / SECOND

    for path in TIME_FIELDS:
        raw = with_values(raw, ".".join(path), changed)
    return raw


def _timeless(_raw: Event, view: Event) -> bool:
    from converter.reference.time import event_time  # noqa: PLC0415  only replay needs it

    return event_time(view) is None


HAS_TIME = Assumption(
    "every event has a time (no schedule can see an event without one)",
    _timeless,
    repair=Repair(raw=lambda raw: {**raw, "@timestamp": "2026-01-01T00:00:00Z"}),
    advice="give each event a time, for example in the field @timestamp",
)
"""The assumption of every scheduled query about a detection rule. Replay checks it; no verdict lists it."""


def no_zone(field: str, network: IPv4Network | IPv6Network) -> Assumption | None:
    """No IPv6 address has a zone (`fe80::1%eth0`): products disagree on which networks contain it.

    Returns:
        None for an IPv4 network.
    """
    if isinstance(network, IPv4Network):
        return None
    message = f"{field} holds no address with a zone (fe80::1%eth0)"
    return Assumption(message, lambda _raw, view: any(isinstance(v, str) and "%" in v for v in values_of(view, field)))


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


def is_address(value: object) -> bool:
    """Return whether a value is the text of an IP address."""
    return _address(value) is not None


MappedType: TypeAlias = Literal["keyword", "wildcard", "a number", "a boolean", "an ip"]
_TYPES: dict[MappedType, Callable[[object], bool]] = {
    "keyword": lambda value: isinstance(value, str),
    "wildcard": lambda value: isinstance(value, str),
    "a number": _is_number,
    "a boolean": lambda value: isinstance(value, bool),
    "an ip": is_address,
}
_JAVA_NUMBER = re.compile(
    r"[+-]?(NaN|Infinity|((\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|0[xX][\da-fA-F.]+[pP][+-]?\d+)[dDfF]?)"
)
_DIGITS = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
_SIGMA_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


def raw_text_like_values(
    leaf: ir.Keyword | ir.KeywordRegex, shown: str, written: ir.KeywordRegex | None = None
) -> Assumption:
    """The raw text contains the keyword exactly when a value does.

    Args:
        leaf: the keyword.
        shown: the keyword as the message names it.
        written: the keyword that is searched in the raw text, if it is another one.
    """

    def broken(_raw: Event, view: Event) -> bool:
        raw_only = {"_raw": view.get("_raw", "")}
        values = {key: value for key, value in view.items() if key != "_raw"}
        return is_true(written or leaf, raw_only) != is_true(leaf, values)

    return Assumption(f"the raw text contains {shown} exactly when a value of the event does", broken)
