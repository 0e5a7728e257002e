"""Aggregations: the functions that STATS computes over the rows of a group.

    Call(name, arguments) + bound arguments ──build──> Aggregation(type, compute) ──compute(rows)──> value

Nulls are left out; the values of a multivalue all count. Source: Elasticsearch docs "ES|QL aggregation functions";
vendor cases `stats.csv-spec`, `stats_count_distinct.csv-spec`, `stats_top.csv-spec`.
"""

from __future__ import annotations

import heapq
import math
from typing import TYPE_CHECKING, Any

from converter.targets.esql.engine.functions.base import Aggregation, AggregationFunction
from converter.targets.esql.engine.language.bound import NUMBERS, Bound, Context, Getter, Row, expect, expect_constant
from converter.targets.esql.engine.language.types import NullifiedError, Type, collapse, in_range

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from converter.readers.source import Span

_RANKED = (Type.BOOLEAN, Type.INTEGER, Type.LONG, Type.DOUBLE, Type.KEYWORD, Type.IP, Type.DATETIME)
_ORDERED = (*_RANKED, Type.VERSION)
_MOST_PERCENT = 100.0
_DEFAULT_PRECISION = 3_000
ESTIMATED = "COUNT_DISTINCT of more values than its precision"


def _values(get: Getter, rows: Sequence[Row]) -> list[Any]:
    """Return all values that are not null, multivalues spread."""
    values: list[Any] = []
    for value in map(get, rows):
        if value is None:
            continue
        if value.__class__ is list:
            values.extend(value)
        else:
            values.append(value)
    return values


def _count(_context: Context, _span: Span, arguments: Sequence[Bound]) -> Aggregation:
    get = arguments[0].get

    def compute(rows: Sequence[Row]) -> int:
        count = 0
        for value in map(get, rows):
            if value is not None:
                count += len(value) if value.__class__ is list else 1
        return count

    return Aggregation(Type.LONG, compute)


def _count_distinct(context: Context, span: Span, arguments: Sequence[Bound]) -> Aggregation:
    """Count exactly. The product estimates beyond the precision: that is refused if it is given, else a warning."""
    precision = None
    if len(arguments) > 1:
        precision = expect_constant(context, "COUNT_DISTINCT", arguments[1], "precision")
        expect(context, "COUNT_DISTINCT", arguments[1], NUMBERS, "a precision that is a number")
        if precision is not None and precision < 0:
            raise context.error("the precision of COUNT_DISTINCT is negative", arguments[1].span)
    get = arguments[0].get

    def compute(rows: Sequence[Row]) -> int:
        count = len(set(_values(get, rows)))
        if precision is not None and count > precision:
            hint = "its number is an estimate: ask for a greater precision, up to 40000"
            raise context.refused(ESTIMATED, span, hint)
        if count > _DEFAULT_PRECISION and precision is None:
            context.warn_at(span, f"more than {_DEFAULT_PRECISION} values are not counted exactly by the product")
        return count

    return Aggregation(Type.LONG, compute)


def _extreme(name: str, choose: Callable[[list[Any]], Any]) -> Callable[[Context, Span, Sequence[Bound]], Aggregation]:
    def build(context: Context, _span: Span, arguments: Sequence[Bound]) -> Aggregation:
        expect(context, name, arguments[0], _ORDERED, "values that have an order")
        get = arguments[0].get

        def compute(rows: Sequence[Row]) -> Any:
            values = _values(get, rows)
            return choose(values) if values else None

        return Aggregation(arguments[0].type, compute)

    return build


def _sum(context: Context, span: Span, arguments: Sequence[Bound]) -> Aggregation:
    expect(context, "SUM", arguments[0], NUMBERS, "numbers")
    get, type_ = arguments[0].get, arguments[0].type
    result = Type.LONG if type_ is Type.INTEGER else type_

    def compute(rows: Sequence[Row]) -> Any:
        values = _values(get, rows)
        if not values:
            return None
        if type_ is Type.DOUBLE:
            return _double_sum(values)
        try:
            return in_range(sum(values), Type.LONG)
        except NullifiedError as warning:
            context.warn_at(span, str(warning))
            return None

    return Aggregation(result, compute)


def _double_sum(values: list[Any]) -> float:
    try:
        return math.fsum(values)
    except OverflowError:
        return math.inf


def _avg(context: Context, _span: Span, arguments: Sequence[Bound]) -> Aggregation:
    expect(context, "AVG", arguments[0], NUMBERS, "numbers")
    get, type_ = arguments[0].get, arguments[0].type

    def compute(rows: Sequence[Row]) -> float | None:
        values = _values(get, rows)
        if not values:
            return None
        return (_double_sum(values) if type_ is Type.DOUBLE else sum(values)) / len(values)

    return Aggregation(Type.DOUBLE, compute)


def _quantile(values: list[Any], fraction: float) -> float | None:
    """Return a quantile by linear interpolation between the nearest ranks, as a t-digest of few values gives it."""
    if not values:
        return None
    values.sort()
    rank = fraction * (len(values) - 1)
    low = math.floor(rank)
    high = min(low + 1, len(values) - 1)
    return float(values[low] + (values[high] - values[low]) * (rank - low))


def _median(context: Context, _span: Span, arguments: Sequence[Bound]) -> Aggregation:
    expect(context, "MEDIAN", arguments[0], NUMBERS, "numbers")
    get = arguments[0].get
    return Aggregation(Type.DOUBLE, lambda rows: _quantile(_values(get, rows), 0.5))


def _percentile(context: Context, span: Span, arguments: Sequence[Bound]) -> Aggregation:
    expect(context, "PERCENTILE", arguments[0], NUMBERS, "numbers")
    expect(context, "PERCENTILE", arguments[1], NUMBERS, "a percentage")
    percent = expect_constant(context, "PERCENTILE", arguments[1], "percentage")
    if percent is None or isinstance(percent, list):
        raise context.error("PERCENTILE needs one percentage", arguments[1].span)
    if not 0 <= percent <= _MOST_PERCENT:
        context.warn_at(span, "Percentile parameter must be a number between 0 and 100")
        return Aggregation(Type.DOUBLE, lambda _rows: None)
    get, fraction = arguments[0].get, percent / _MOST_PERCENT
    return Aggregation(Type.DOUBLE, lambda rows: _quantile(_values(get, rows), fraction))


def _collect(_context: Context, _span: Span, arguments: Sequence[Bound]) -> Aggregation:
    """VALUES: each value once; their order is not defined, here it is that of the rows."""
    get = arguments[0].get
    return Aggregation(arguments[0].type, lambda rows: collapse(list(dict.fromkeys(_values(get, rows)))))


def _top(context: Context, _span: Span, arguments: Sequence[Bound]) -> Aggregation:
    """TOP: the greatest or least values, in order, with their repeats."""
    expect(context, "TOP", arguments[0], _RANKED, "values that have an order")
    limit = expect_constant(context, "TOP", arguments[1], "limit")
    if arguments[1].type not in {Type.INTEGER, Type.LONG} or not isinstance(limit, int) or limit < 1:
        raise context.error("the limit of TOP is a whole number above 0", arguments[1].span)
    order = expect_constant(context, "TOP", arguments[2], "order") if len(arguments) > 2 else "asc"  # noqa: PLR2004
    if not isinstance(order, str) or order.lower() not in {"asc", "desc"}:
        raise context.error('TOP orders "asc" or "desc"', arguments[2].span)
    get = arguments[0].get
    best = heapq.nsmallest if order.lower() == "asc" else heapq.nlargest
    return Aggregation(arguments[0].type, lambda rows: collapse(best(limit, _values(get, rows))))


AGGREGATIONS = {
    "avg": AggregationFunction(_avg, 1, 1),
    "count": AggregationFunction(_count, 1, 1, rows=Aggregation(Type.LONG, len)),
    "count_distinct": AggregationFunction(_count_distinct, 1, 2, refuses=(ESTIMATED,)),
    "max": AggregationFunction(_extreme("MAX", max), 1, 1),
    "median": AggregationFunction(_median, 1, 1),
    "min": AggregationFunction(_extreme("MIN", min), 1, 1),
    "percentile": AggregationFunction(_percentile, 2, 2),
    "sum": AggregationFunction(_sum, 1, 1),
    "top": AggregationFunction(_top, 3, 3),
    "values": AggregationFunction(_collect, 1, 1),
}
