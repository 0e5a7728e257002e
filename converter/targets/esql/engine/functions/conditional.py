"""Functions that choose among their arguments: CASE, COALESCE, GREATEST, LEAST.

Source: Elasticsearch docs "CASE", "COALESCE", "GREATEST", "LEAST"; vendor cases `math.csv-spec`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from converter.targets.esql.engine.functions.base import Function
from converter.targets.esql.engine.language.bound import Bound, Context, Row, common_type, expect, finish, lift, widened
from converter.targets.esql.engine.language.types import Type

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from converter.readers.source import Span


def _coalesce(_context: Context, span: Span, arguments: Sequence[Bound]) -> Bound:
    """Return the first value that is not null; a multivalue counts as one."""
    type_ = common_type(_context, "COALESCE", arguments)
    getters = tuple(widened(argument, type_) for argument in arguments if argument.type is not Type.NULL)

    def get(row: Row) -> Any:
        for getter in getters:
            value = getter(row)
            if value is not None:
                return value
        return None

    return finish(type_, get, span, arguments)


def _case(context: Context, span: Span, arguments: Sequence[Bound]) -> Bound:
    """Return the value of the first condition that is true; a last argument alone is the default."""
    conditions, values = list(arguments[0:-1:2]), list(arguments[1::2])
    default = arguments[-1] if len(arguments) % 2 else None
    for condition in conditions:
        expect(context, "CASE", condition, (Type.BOOLEAN,), "a boolean condition")
    results = [*values, default] if default else values
    type_ = common_type(context, "CASE", results)
    branches = tuple((c.get, widened(v, type_)) for c, v in zip(conditions, values, strict=True))
    otherwise = widened(default, type_) if default else None

    def get(row: Row) -> Any:
        for test, result in branches:
            value = test(row)
            if value is True:
                return result(row)
            if value.__class__ is list:
                context.warn_multivalue(span)
        return otherwise(row) if otherwise else None

    return finish(type_, get, span, arguments)


def _extreme(name: str, choose: Callable[..., Any]) -> Function:
    def build(context: Context, span: Span, arguments: Sequence[Bound]) -> Bound:
        """Choose among columns; a multivalue counts with its own extreme, any null makes null."""
        type_ = common_type(context, name, arguments)
        reduced = [Bound(a.type, _reduced(widened(a, type_), choose), a.span) for a in arguments]
        compute = choose if len(arguments) > 1 else _same
        return lift(context, span, reduced, type_, compute)

    return Function(build, 1, None)


def _reduced(get: Callable[[list[Any]], Any], choose: Callable[..., Any]) -> Callable[[list[Any]], Any]:
    def reduce(row: list[Any]) -> Any:
        value = get(row)
        return choose(value) if value.__class__ is list else value

    return reduce


def _same(value: Any) -> Any:
    return value


FUNCTIONS = {
    "case": Function(_case, 2, None, single="if its arguments are"),
    "coalesce": Function(_coalesce, 1, None, single="if its arguments are"),
    "greatest": _extreme("GREATEST", max),
    "least": _extreme("LEAST", min),
}
