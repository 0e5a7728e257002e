"""Read a field as an index holds it, and compile a comparison of it with a constant to a test of one value.

    name ──reader──> document -> values          operator, name, constant ──field_test──> value -> bool

The type of a field is that of the Elastic Common Schema, else the JSON type of the value stands for it: a text is a
keyword, a number numeric. The field of the timestamp is a date, whatever it is called.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, assert_never

from converter.products.elastic import addresses, dates
from converter.products.elastic.documents import getter
from converter.products.elastic.field_types import ecs_type
from converter.products.elastic.floats import is_narrow, queried
from converter.products.elastic.values import holder, java_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from converter.products.elastic.documents import Getter
    from converter.targets.eql.engine.language import syntax as tree


class NotADateError(Exception):
    """A date is compared with something that is not one."""


def reader(name: str) -> Getter:
    """Return the function that lists the values that an index holds of a field: dates and addresses as texts."""
    read = getter(name)
    kind = ecs_type(name) or ""
    held = holder(kind)
    match kind:
        case "date":
            return lambda document: [scalar for scalar in read(document) if held(scalar) is not None]
        case "ip":
            return lambda document: [
                addresses.shown(value) for scalar in read(document) if (value := held(scalar)) is not None
            ]
        case "boolean" | "long" | "integer" | "float" | "double" | "half_float" | "scaled_float":
            return lambda document: [value for scalar in read(document) if (value := held(scalar)) is not None]
        case _:
            return read


def field_test(operator: tree.ComparisonOperator, name: str, value: Any, *, is_date: bool) -> Callable[[Any], bool]:
    """Return the test of one value of a field against a constant.

    Raises:
        NotADateError: the field is a date, and the constant is not.
    """
    kind = ecs_type(name)
    if is_date or kind == "date":
        return _date_test(operator, value)
    if kind == "ip" and isinstance(value, str):
        return _address_test(operator, value)
    if is_narrow(kind or "") and _is_number(value):
        value = queried(float(value), kind or "", equal=operator in {"==", "!="})
    if operator == "==":
        return _equals(value)
    if isinstance(value, str):
        return lambda actual: _ordered_text(operator, actual, value)
    return lambda actual: _ordered_number(operator, actual, value)


def _date_test(operator: tree.ComparisonOperator, value: Any) -> Callable[[Any], bool]:
    """Return the test of a time against what a date stands for, which may be a whole second, hour or day.

    The product rounds a date of a query down or up as its place in a range asks for. A number is milliseconds since the
    epoch; a string of four digits is a year.
    """
    span = dates.span(value) if isinstance(value, str) else _span_of_number(value)
    if span is None:
        raise NotADateError
    first, last = span

    def test(actual: Any) -> bool:
        time = dates.indexed(actual)
        if time is None:
            return False
        if operator in {"==", "!="}:
            return first <= time <= last
        return in_order(operator, time, last if operator in {">", "<="} else first)

    return test


def _span_of_number(value: Any) -> dates.Span | None:
    return (math.floor(value), math.floor(value)) if _is_number(value) else None


def _address_test(operator: tree.ComparisonOperator, text: str) -> Callable[[Any], bool]:
    """Return the test of an address against one, or for `==` a block of them; a text that is neither passes none."""
    try:
        block = addresses.block(text)
    except ValueError:
        return lambda _found: False
    if operator == "==":
        return lambda actual: addresses.inside(actual, (block,))
    bound, _ = block
    return lambda actual: (address := addresses.packed(actual)) is not None and in_order(operator, address, bound)


def _equals(constant: Any) -> Callable[[Any], bool]:
    """Return the test whether a document's value equals a constant.

    A text equals the text of the constant; a number a constant that spells it.
    """
    text = java_text(constant)
    number = constant if _is_number(constant) else _number(text)

    def test(value: Any) -> bool:
        if isinstance(value, str):
            return value == text
        if isinstance(value, bool):
            return java_text(value) == text
        return number is not None and bool(value == number)

    return test


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _ordered_text(operator: tree.ComparisonOperator, value: Any, constant: str) -> bool:
    if isinstance(value, str):
        return in_order(operator, value, constant)
    number = _number(constant)
    return number is not None and _is_number(value) and in_order(operator, value, number)


def _ordered_number(operator: tree.ComparisonOperator, value: Any, constant: float) -> bool:
    if isinstance(value, str):  # a keyword field orders as text, even against a number
        return in_order(operator, value, java_text(constant))
    return _is_number(value) and in_order(operator, value, constant)


def in_order(operator: tree.ComparisonOperator, left: Any, right: Any) -> bool:
    """Return whether two values of one kind stand in a relation."""
    match operator:
        case "<":
            return bool(left < right)
        case "<=":
            return bool(left <= right)
        case ">":
            return bool(left > right)
        case ">=":
            return bool(left >= right)
        case "==":
            return bool(left == right)
        case "!=":
            return bool(left != right)
    assert_never(operator)
