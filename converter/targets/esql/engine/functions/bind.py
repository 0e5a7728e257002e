"""Expressions to closures, once the columns of the rows are known.

    Expression + Scope ──Binder──> Bound

STATS binds its results twice over: aggregations over the rows of a group, and around them an expression over the row
that holds their results.
"""

from __future__ import annotations

from dataclasses import replace
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Literal, assert_never

from converter.targets.esql.engine.functions import (
    AGGREGATIONS,
    FUNCTIONS,
    build_aggregation,
    build_call,
    unknown_function,
)
from converter.targets.esql.engine.functions.convert import cast
from converter.targets.esql.engine.language import arithmetic, operators, syntax
from converter.targets.esql.engine.language.bound import Bound, Context, constant, null
from converter.targets.esql.engine.language.times import DURATION_UNITS, PERIOD_UNITS, Period
from converter.targets.esql.engine.language.types import INTEGER_MAX, INTEGER_MIN, LONG_MAX, LONG_MIN, Type

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from converter.readers.source import Span
    from converter.targets.esql.engine.functions.base import Aggregation
    from converter.targets.esql.engine.language.scope import Entry, Scope

_MOST_DAYS = 3_652_059


class Binder:
    """Binds expressions over the rows of one scope."""

    def __init__(self, context: Context, scope: Scope) -> None:
        self._context = context
        self._scope = scope

    def bind(self, node: syntax.Expression) -> Bound:
        """Return an expression that is ready to run.

        Raises:
            QueryError: an unknown column or function, or types that do not fit.
        """
        node = self._plain(node)
        context, span = self._context, node.span
        match node:
            case syntax.Literal():
                return self._literal(node)
            case syntax.TimeSpan():
                return self._time_span(node)
            case syntax.Column():
                return self._column(node)
            case syntax.Call():
                return self._call(node)
            case syntax.Cast():
                return cast(context, span, self.bind(node.value), node.type_name)
            case syntax.Negative():
                return arithmetic.negative(context, self.bind(node.value), span)
            case syntax.Arithmetic():
                return arithmetic.arithmetic(context, node.operator, self.bind(node.left), self.bind(node.right), span)
            case syntax.Comparison():
                return self._comparison(node)
            case syntax.Logical():
                # A term that is there twice counts once, so `b AND b` is b, also where b has many values.
                terms = {term: self.bind(term) for term in node.terms}
                single = all(map(_single, terms))
                return operators.logical(context, node.operator, list(terms.values()), span, single=single)
            case syntax.Not():
                return self._not(node)
            case syntax.In():
                options = [self.bind(option) for option in node.options]
                return operators.membership(context, self.bind(node.value), options, span)
            case syntax.IsNull():
                return operators.is_null(self.bind(node.value), span, negated=node.negated)
            case syntax.Pattern():
                return operators.pattern(context, node, self.bind(node.value))
            case _:
                assert_never(node)

    def _plain(self, node: syntax.Expression) -> syntax.Expression:
        """Return IN of one option, and LIKE or RLIKE of a plain text, as the comparison that they are planned as."""
        if isinstance(node, syntax.In) and all(option == node.options[0] for option in node.options):
            return syntax.Comparison("==", node.value, node.options[0], node.span)
        exact = operators.exact_text(node) if isinstance(node, syntax.Pattern) else None
        if isinstance(node, syntax.Pattern) and exact is not None:
            value = self.bind(node.value)
            operators.pattern(self._context, node, value)  # for its errors
            if value.type is not Type.NULL:
                text = syntax.Literal(exact, node.patterns[0].span)
                return syntax.Comparison("==", node.value, text, node.span)
        return node

    def _not(self, node: syntax.Not) -> Bound:
        """Return NOT. That of == is !=, and that of NOT is what it is of: it matters where TO_LOWER is compared."""
        inner = self._plain(node.value)
        match inner:
            case syntax.Comparison(operator="==" | "!=" as operator):
                flipped: Literal["==", "!="] = "!=" if operator == "==" else "=="
                return self._comparison(syntax.Comparison(flipped, inner.left, inner.right, node.span))
            case syntax.Not():
                operators.negation(self._context, self.bind(inner), node.span)
                return self.bind(inner.value)
            case syntax.In() if None in map(_constant_of, map(self.bind, inner.options)):
                self.bind(inner)
                return null(Type.BOOLEAN, node.span)  # with a null in the list it is neither true nor false
            case _:
                return operators.negation(self._context, self.bind(inner), node.span)

    def _comparison(self, node: syntax.Comparison) -> Bound:
        """Return a comparison; that of TO_LOWER or TO_UPPER with a constant text is one without regard to case."""
        left, right = self.bind(node.left), self.bind(node.right)
        result = operators.comparison(self._context, node.operator, left, right, node.span)
        if node.operator in {"==", "!="}:
            for side, changed, text in ((node.left, left, right), (node.right, right, left)):
                inner, case = _uncased(side)
                if case and not changed.constant and isinstance(_constant_of(text), str):
                    possible = case(text.value) == text.value
                    return operators.equal_in_any_case(
                        self._context, self.bind(inner), possible, text.value, node.operator, node.span
                    )
        return result

    def _literal(self, node: syntax.Literal) -> Bound:
        value = node.value
        if isinstance(value, tuple):
            type_ = self._literal_type(node, value[0])
            if type_.whole:
                types = {self._literal_type(node, item) for item in value}
                type_ = Type.LONG if Type.LONG in types else Type.INTEGER
            many = list(value) if len(value) > 1 else value[0]
            return replace(constant(type_, many, node.span), literal=True)
        return replace(constant(self._literal_type(node, value), value, node.span), literal=True)

    def _literal_type(self, node: syntax.Literal, value: bool | float | str | None) -> Type:  # noqa: FBT001
        match value:
            case None:
                return Type.NULL
            case bool():
                return Type.BOOLEAN
            case int():
                if INTEGER_MIN <= value <= INTEGER_MAX:
                    return Type.INTEGER
                if LONG_MIN <= value <= LONG_MAX:
                    return Type.LONG
                raise self._context.refused("a number beyond the range of long", node.span)
            case float():
                return Type.DOUBLE
            case str():
                return Type.KEYWORD
            case _:
                assert_never(value)

    def _time_span(self, node: syntax.TimeSpan) -> Bound:
        unit = node.unit.lower()
        if unit in DURATION_UNITS:
            return constant(Type.DURATION, node.amount * DURATION_UNITS[unit], node.span)
        if unit in PERIOD_UNITS:
            unit_length = PERIOD_UNITS[unit]
            if abs(node.amount) > _MOST_DAYS:
                raise self._context.error("a span of time is too long", node.span)
            return constant(
                Type.PERIOD, Period(unit_length.months * node.amount, unit_length.days * node.amount), node.span
            )
        hint = "such as seconds, minutes, hours, days, weeks, months or years"
        raise self._context.error(f"unknown unit of time [{node.unit}]", node.span, hint)

    def _column(self, node: syntax.Column) -> Bound:
        entry = self._scope.find(self._context, node.name, node.span)
        if entry is None:
            return null(Type.NULL, node.span)
        return column(entry, node.span)

    def _call(self, node: syntax.Call) -> Bound:
        if node.name in AGGREGATIONS:
            hint = "only STATS aggregates"
            raise self._context.error(f"the aggregation {node.name.upper()} cannot stand here", node.span, hint)
        if node.star:
            raise self._context.error(f"{node.name.upper()} does not take '*'", node.span)
        if node.name not in FUNCTIONS:
            raise unknown_function(self._context, node.name, node.span)
        arguments = [self.bind(argument) for argument in node.arguments]
        return build_call(self._context, node.name, node.span, arguments)


def _constant_of(bound: Bound) -> Any:
    """Return the value of a constant; what is none is not None, nor any value."""
    return bound.value if bound.constant else bound


def _single(node: syntax.Expression) -> bool:
    """Whether a boolean expression is of a kind that never has several values."""
    match node:
        case syntax.Comparison() | syntax.Not() | syntax.In() | syntax.IsNull() | syntax.Pattern():
            return True
        case syntax.Literal():
            return not isinstance(node.value, tuple)
        case syntax.Logical():
            return all(map(_single, node.terms))
        case syntax.Call(name):
            function = FUNCTIONS.get(name)
            if function is None or function.single == "not known":
                return False
            return function.single == "always" or all(map(_single, node.arguments))
        case _:
            return False


def _uncased(node: syntax.Expression) -> tuple[syntax.Expression, Callable[[str], str] | None]:
    """Return what TO_LOWER or TO_UPPER is of, without further ones inside, and the outermost; None: it is neither."""
    case: Callable[[str], str] | None = None
    while isinstance(node, syntax.Call) and len(node.arguments) == 1:
        function = FUNCTIONS.get(node.name)
        if function is None or function.case is None:
            break
        case = case or function.case
        node = node.arguments[0]
    return node, case


def column(entry: Entry, span: Span) -> Bound:
    """Return a column as an expression; one without a type has no values, and perhaps no slot."""
    if entry.type is Type.NULL:
        return null(Type.NULL, span)
    return Bound(entry.type, itemgetter(entry.slot), span, observed=entry.observed, narrow=entry.narrow)


class ResultBinder(Binder):
    """Binds a result of STATS: a scalar expression over aggregations and group keys.

    `keys` are the slots of the group keys in the row of results; aggregations get the slots after them. `declared` are
    the columns that the keys are made of: outside of aggregations the key stands for them.
    """

    def __init__(
        self,
        context: Context,
        rows: Scope,
        keys: Mapping[str, Entry],
        first_slot: int,
        declared: Mapping[str, syntax.Named],
    ) -> None:
        super().__init__(context, rows)
        self._inner = Binder(context, rows)
        self._keys = keys
        self._slot = first_slot
        self._declared = declared
        self._uses_key = False
        self.aggregations: list[Aggregation] = []

    def bind_result(self, aggregate: syntax.Aggregate) -> Bound:
        """Return a result that is ready to run.

        Raises:
            QueryError: it is a key as it stands, or neither aggregates nor has a key in it.
        """
        node = aggregate.value
        if isinstance(node, syntax.Column) and node.name in self._keys:
            raise self._context.error(f"the group key [{node.name}] is in the result already", node.span)
        bound = self.bind(node)
        if not self.aggregations and not self._uses_key:
            message = f"[{self._context.source(node.span)}] aggregates nothing"
            raise self._context.error(message, aggregate.span, "such as COUNT(*) or MAX(field)")
        return bound

    def _column(self, node: syntax.Column) -> Bound:
        if node.name in self._keys:
            self._uses_key = True
            return column(self._keys[node.name], node.span)
        self._scope.find(self._context, node.name, node.span)
        if node.name in self._declared:
            key = self._declared[node.name]
            message = f"the column [{node.name}] is in the group key [{self._context.source(key.span)}]"
            hint = f"write the key itself, [{key.name}]"
        else:
            message = f"the column [{node.name}] is neither aggregated nor in BY"
            hint = f"such as VALUES({node.name}) or COUNT({node.name})"
        raise self._context.error(message, node.span, hint)

    def _call(self, node: syntax.Call) -> Bound:
        if node.name not in AGGREGATIONS:
            return super()._call(node)
        arguments = [self._inner.bind(argument) for argument in node.arguments]
        aggregation = build_aggregation(self._context, node.name, node.span, arguments, star=node.star)
        self.aggregations.append(aggregation)
        slot = self._slot
        self._slot += 1
        return Bound(aggregation.type, itemgetter(slot), node.span)
