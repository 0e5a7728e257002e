"""Functions of multivalues: MV_*.

A single value counts as a multivalue of one. Source: Elasticsearch docs "ES|QL multivalue functions"; classes
`MvSlice`, `MvAppend`, `MvSort`, `MvContains`; vendor cases `string.csv-spec`, `ints.csv-spec`.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

from converter.readers.query_budget import check_size, made
from converter.targets.esql.engine.functions.base import Function
from converter.targets.esql.engine.language.bound import (
    NUMBERS,
    STRINGS,
    WHOLE,
    Bound,
    Context,
    Row,
    expect,
    expect_constant,
    finish,
    null,
    whole,
)
from converter.targets.esql.engine.language.types import NullifiedError, Type, collapse, in_range

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from converter.readers.source import Span


def _of_all(compute: Callable[[list[Any]], Any], result: Type | None = None) -> Function:
    """Return a function of all values at once; `result` None keeps the type."""

    def build(_context: Context, span: Span, arguments: Sequence[Bound]) -> Bound:
        argument = arguments[0]
        type_ = result or argument.type
        return whole(span, argument, type_, lambda value: compute(value if value.__class__ is list else [value]))

    return Function(build, 1, 1)


def _numbers(
    context: Context, name: str, span: Span, argument: Bound, compute: Callable[[list[Any]], Any], to: Type
) -> Bound:
    expect(context, name, argument, NUMBERS, "numbers")

    def all_values(value: Any) -> Any:
        try:
            return compute(value if value.__class__ is list else [value])
        except NullifiedError as warning:
            context.warn_at(span, str(warning))
            return None

    return whole(span, argument, to, all_values)


def _mv_sum(context: Context, span: Span, arguments: Sequence[Bound]) -> Bound:
    type_ = arguments[0].type
    compute: Callable[[list[Any]], Any] = _sum_double if type_ is Type.DOUBLE else lambda v: _sum(v, type_)
    return _numbers(context, "MV_SUM", span, arguments[0], compute, type_)


def _sum_double(values: list[Any]) -> float:
    return math.fsum(values) if len(values) > 1 else float(values[0])  # so -0.0 alone keeps its sign


def _sum(values: list[int], type_: Type) -> int:
    """Return the sum of whole numbers; each partial sum must be in range."""
    total = 0
    for value in values:
        total = in_range(total + value, type_)
    return total


def _mv_avg(context: Context, span: Span, arguments: Sequence[Bound]) -> Bound:
    return _numbers(context, "MV_AVG", span, arguments[0], lambda v: _sum_double(v) / len(v), Type.DOUBLE)


def _mv_append(context: Context, span: Span, arguments: Sequence[Bound]) -> Bound:
    """Put the values of two columns together; null if either is null."""
    left, right = arguments
    if Type.NULL in {left.type, right.type}:
        return null(right.type if left.type is Type.NULL else left.type, span)
    if left.type is not right.type:
        message = f"MV_APPEND needs two columns of one type, not {left.type.value} and {right.type.value}"
        raise context.error(message, right.span, "convert one of them")
    first, second = left.get, right.get
    fail = partial(context.error, span=span)

    def get(row: Row) -> Any:
        a, b = first(row), second(row)
        if a is None or b is None:
            return None
        if a.__class__ is not list:
            return [a, *b] if b.__class__ is list else [a, b]
        return made(a + b if b.__class__ is list else [*a, b], fail)

    return finish(left.type, get, span, arguments)


def _mv_concat(context: Context, span: Span, arguments: Sequence[Bound]) -> Bound:
    values, delimiter = arguments
    expect(context, "MV_CONCAT", values, STRINGS, "strings")
    expect(context, "MV_CONCAT", delimiter, STRINGS, "a string")
    if Type.NULL in {values.type, delimiter.type}:
        return null(Type.KEYWORD, span)
    first, second = values.get, delimiter.get
    fail = partial(context.error, span=span)

    def get(row: Row) -> Any:
        a, b = first(row), second(row)
        if a is None or b is None:
            return None
        if b.__class__ is list:
            context.warn_multivalue(span)
            return None
        if a.__class__ is not list:
            return a
        check_size(len(b) * (len(a) - 1), fail)
        return made(b.join(a), fail)

    return finish(Type.KEYWORD, get, span, arguments)


def _mv_contains(context: Context, span: Span, arguments: Sequence[Bound]) -> Bound:
    """Whether all values of the second column are among those of the first; null counts as an empty list."""
    left, right = arguments
    if left.type is not right.type and Type.NULL not in {left.type, right.type}:
        message = f"MV_CONTAINS needs two columns of one type, not {left.type.value} and {right.type.value}"
        raise context.error(message, right.span, "convert one of them")
    first, second = left.get, right.get

    def get(row: Row) -> bool:
        return _as_set(second(row)) <= _as_set(first(row))

    return finish(Type.BOOLEAN, get, span, arguments)


def _as_set(value: Any) -> set[Any]:
    if value is None:
        return set()
    return set(value) if value.__class__ is list else {value}


def _mv_slice(context: Context, span: Span, arguments: Sequence[Bound]) -> Bound:
    """Return values by position, from 0, both ends included; negative positions count from the end."""
    values, start = arguments[0], arguments[1]
    end = arguments[-1]
    for bound in (start, end):
        expect(context, "MV_SLICE", bound, WHOLE, "a whole number")
        if bound.constant and not (bound.value is None or isinstance(bound.value, int)):
            raise context.error("MV_SLICE needs a single number", bound.span)
    if Type.NULL in {values.type, start.type, end.type}:
        return null(values.type, span)
    if start.constant and end.constant and isinstance(start.value, int) and isinstance(end.value, int):
        fixed_start, fixed_end = start.value, end.value
        problem = _slice_problem(fixed_start, fixed_end)
        if problem:
            raise context.error(problem, span)
        return whole(span, values, values.type, lambda value: _slice(value, fixed_start, fixed_end))
    get_values, get_start, get_end = values.get, start.get, end.get

    def get(row: Row) -> Any:
        value, first, last = get_values(row), get_start(row), get_end(row)
        if value is None or first is None or last is None:
            return None
        if first.__class__ is list or last.__class__ is list:
            context.warn_multivalue(span)
            return None
        problem = _slice_problem(first, last)
        if problem:
            context.warn_at(span, problem)
            return None
        return _slice(value, first, last)

    return finish(values.type, get, span, arguments)


def _slice_problem(start: int, end: int) -> str:
    if start > end:
        return "MV_SLICE: the start is after the end"
    return "MV_SLICE: start and end have different signs" if start < 0 <= end else ""


def _slice(value: Any, start: int, end: int) -> Any:
    many = value.__class__ is list
    count = len(value) if many else 1
    first = max(0, start + count if start < 0 else start)
    last = min(count - 1, end + count if end < 0 else end)
    if first > last:
        return None
    if first == last:
        return value[first] if many else value
    return value[first : last + 1]


def _mv_sort(context: Context, span: Span, arguments: Sequence[Bound]) -> Bound:
    descending = False
    if len(arguments) > 1:
        order = expect_constant(context, "MV_SORT", arguments[1], "order")
        if not isinstance(order, str) or order.lower() not in {"asc", "desc"}:
            raise context.error('MV_SORT orders "asc" or "desc"', arguments[1].span)
        descending = order.lower() == "desc"
    values = arguments[0]

    def ordered(value: Any) -> Any:
        return sorted(value, reverse=descending) if value.__class__ is list else value

    return whole(span, values, values.type, ordered)


FUNCTIONS = {
    "mv_append": Function(_mv_append, 2, 2),
    "mv_avg": Function(_mv_avg, 1, 1),
    "mv_concat": Function(_mv_concat, 2, 2),
    "mv_contains": Function(_mv_contains, 2, 2, single="always"),
    "mv_count": _of_all(len, Type.INTEGER),
    "mv_dedupe": _of_all(lambda values: collapse(list(dict.fromkeys(values)))),
    "mv_first": _of_all(lambda values: values[0]),
    "mv_last": _of_all(lambda values: values[-1]),
    "mv_max": _of_all(max),
    "mv_min": _of_all(min),
    "mv_slice": Function(_mv_slice, 2, 3),
    "mv_sort": Function(_mv_sort, 1, 2),
    "mv_sum": Function(_mv_sum, 1, 1),
}
