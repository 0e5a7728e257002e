"""The functions of ES|QL, one table of scalar functions and one of aggregations: the binder knows no others.

name ──FUNCTIONS──> Function        where an expression stands
name ──AGGREGATIONS──> AggregationFunction        in STATS and INLINE STATS
name ──UNSUPPORTED──> an error that names it
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.errors import suggest
from converter.targets.esql.engine.functions import (
    addresses,
    aggregations,
    conditional,
    convert,
    dates,
    multivalue,
    names,
    numbers,
    strings,
)
from converter.targets.esql.engine.functions.base import Aggregation, check_count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from converter.errors import QueryError
    from converter.readers.source import Span
    from converter.targets.esql.engine.functions.base import AggregationFunction, Function
    from converter.targets.esql.engine.language.bound import Bound, Context

FUNCTIONS: Mapping[str, Function] = {
    **numbers.FUNCTIONS,
    **strings.FUNCTIONS,
    **addresses.FUNCTIONS,
    **dates.FUNCTIONS,
    **multivalue.FUNCTIONS,
    **conditional.FUNCTIONS,
    **convert.FUNCTIONS,
}
AGGREGATIONS: Mapping[str, AggregationFunction] = aggregations.AGGREGATIONS
UNSUPPORTED = (names.SCALARS | names.AGGREGATIONS) - FUNCTIONS.keys() - AGGREGATIONS.keys()
"""The functions that ES|QL has and this engine has not."""


def build_call(context: Context, name: str, span: Span, arguments: Sequence[Bound]) -> Bound:
    """Return a bound call of a scalar function; `name` is one of FUNCTIONS.

    Raises:
        QueryError: wrong arguments.
    """
    function = FUNCTIONS[name]
    check_count(context, name, span, len(arguments), function.least, function.most)
    return function.build(context, span, arguments)


def build_aggregation(
    context: Context, name: str, span: Span, arguments: Sequence[Bound], *, star: bool
) -> Aggregation:
    """Return a bound aggregation; `name` is one of AGGREGATIONS.

    Raises:
        QueryError: wrong arguments.
    """
    function = AGGREGATIONS[name]
    if star and function.rows is None:
        raise context.error(f"{name.upper()} does not take '*'", span)
    if function.rows is not None and not arguments:
        return function.rows
    check_count(context, name, span, len(arguments), function.least, function.most)
    return function.build(context, span, arguments)


def unknown_function(context: Context, name: str, span: Span) -> QueryError:
    """Return the error for a name that is not in a table."""
    if name in UNSUPPORTED:
        hint = names.WHY_NOT.get(name, "")
        return context.error(f"the function {name.upper()} is not supported by this engine", span, hint)
    return context.error(f"unknown function [{name}]", span, suggest(name, [*FUNCTIONS, *AGGREGATIONS]))
