"""Eval expressions, compiled to closures over rows.

    Expression ──compile_expression──> Compiled ──row──> value

Types that show in the text are checked before a row is seen, as Splunk does; a field has the type of its value. Truth
is three-valued: a comparison with null is null, `NOT` null is null, and `where` and `if` take null for false.
"""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, assert_never

from converter.errors import suggest
from converter.readers.query_budget import made
from converter.targets.splunk.engine.functions import FUNCTIONS, UNSUPPORTED, like
from converter.targets.splunk.engine.language.expression_code import Compiled
from converter.targets.splunk.engine.language.run_context import current
from converter.targets.splunk.engine.language.syntax import (
    Binary,
    Call,
    Expression,
    Field,
    Logical,
    Number,
    String,
    Subsearch,
    Unary,
)
from converter.targets.splunk.engine.language.values import number_of, text_of, tidy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from converter.errors import QueryError
    from converter.readers.source import Source, Span
    from converter.targets.splunk.engine.language.expression_code import Kind, Run
    from converter.targets.splunk.engine.language.values import Row

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
# Functions that can make more than they are given.
_OF_JSON = ("json_append", "json_array", "json_extend", "json_object", "json_set", "json_set_exact")
_GROWING = frozenset((*_OF_JSON, "mvappend", "mvjoin", "mvmap", "mvrange", "mvzip", "printf", "replace", "split"))
_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": math.fmod,
}


def compile_expression(expression: Expression, source: Source[QueryError]) -> Compiled:
    """Return the closure of an expression.

    Args:
        expression: the tree.
        source: the search it was read from, for errors.

    Raises:
        QueryError: an unknown function, a wrong number of arguments, or types that cannot go together.
    """
    return _Compiler(source).compile(expression)


def compile_condition(expression: Expression, source: Source[QueryError], span: Span, what: str) -> Run:
    """Return the closure of a boolean expression.

    Raises:
        QueryError: the expression is not boolean, or as `compile_expression`.
    """
    compiled = compile_expression(expression, source)
    if compiled.kind != "bool":
        raise source.error(f"{what} needs a condition, and this is {_KINDS[compiled.kind]}", span)
    return compiled.run


_KINDS: dict[Kind, str] = {
    "number": "a number",
    "string": "a text",
    "bool": "a condition",
    "null": "null",
    "any": "a value",
}


@dataclass(frozen=True, slots=True)
class _Compiler:
    """Compiles the expressions of one search."""

    source: Source[QueryError]

    def error(self, message: str, span: Span, hint: str = "") -> QueryError:
        return self.source.error(message, span, hint)

    def compile(self, expression: Expression) -> Compiled:
        match expression:
            case Number(value=value):
                return Compiled(lambda _: value, "number", constant=True)
            case String(value=value):
                return Compiled(lambda _: value, "string", constant=True)
            case Field(name=name):
                return Compiled(lambda row: row.get(name), "any")
            case Call():
                return self._call(expression)
            case Unary():
                return self._unary(expression)
            case Logical():
                return self._logical(expression)
            case Binary():
                return self._binary(expression)
            case Subsearch(span=span):
                raise self.error("a subsearch is not supported here", span)
            case _:
                assert_never(expression)

    def _call(self, call: Call) -> Compiled:
        name = call.function.lower()
        function = FUNCTIONS.get(name)
        if function is None:
            if name in UNSUPPORTED:
                raise self.error(f"the function {name}() is not supported", call.span, UNSUPPORTED[name])
            raise self.error(f"unknown function {call.function!r}", call.span, suggest(name, FUNCTIONS))
        given = len(call.arguments)
        if given < function.least or (function.most is not None and given > function.most):
            raise self.error(f"{name}() takes {function.arity()}, not {given}", call.span)
        compiled = function.build(self, call)
        return self._limited(compiled, call.span) if name in _GROWING else compiled

    def _limited(self, compiled: Compiled, span: Span) -> Compiled:
        """Return the closure with a limit on the size of what it makes."""
        compute = compiled.run
        fail = partial(self.error, span=span)
        return replace(compiled, run=lambda row: made(compute(row), fail))

    def _unary(self, expression: Unary) -> Compiled:
        operand = self.compile(expression.operand)
        run = operand.run
        match expression.operator:
            case "NOT":
                self._require_bool(operand, "NOT", expression.span)

                def negate(row: Row) -> bool | None:
                    value = run(row)
                    return None if value is None else not value

                return Compiled(negate, "bool")
            case "-":
                self._require_number(operand, "-", expression.span)

                def minus(row: Row) -> Any:
                    number = number_of(self._single(run(row), "-", expression.span))
                    return None if number is None else -number

                return Compiled(minus, "number", operand.constant)
            case other:
                assert_never(other)

    def _require_bool(self, operand: Compiled, sign: str, span: Span) -> None:
        if operand.kind != "bool":
            raise self.error(f"{sign} needs a condition, and this is {_KINDS[operand.kind]}", span)

    def _require_number(self, operand: Compiled, sign: str, span: Span) -> None:
        # A function that gives text may give the text of a number; a text that is written down is a text.
        if operand.kind in ("bool", "null") or (operand.kind == "string" and operand.constant):
            raise self.error(f"{sign} takes numbers, and this is {_KINDS[operand.kind]}", span)

    def _single(self, value: Any, sign: str, span: Span) -> Any:
        """Return a value that is not multivalue.

        Raises:
            QueryError: it is; no source says what Splunk makes of it.
        """
        if type(value) is list:
            raise self.error(
                f"{sign} on a multivalue field", span, "pick a value with mvindex, or join them with mvjoin"
            )
        return value

    def _logical(self, expression: Logical) -> Compiled:
        runs: list[Run] = []
        for operand in expression.operands:
            compiled = self.compile(operand)
            self._require_bool(compiled, expression.operator, expression.span)
            runs.append(compiled.run)
        match expression.operator:
            case "AND":
                return Compiled(_decide(runs, deciding=False), "bool")
            case "OR":
                return Compiled(_decide(runs, deciding=True), "bool")
            case "XOR":
                return Compiled(_exclusive(runs), "bool")
            case other:
                assert_never(other)

    def _binary(self, expression: Binary) -> Compiled:
        left = self.compile(expression.left)
        right = self.compile(expression.right)
        sign, span = expression.operator, expression.span
        match sign:
            case "=" | "!=" | "<" | "<=" | ">" | ">=":
                return self._comparison(sign, left, right, span)
            case "LIKE":
                return like(self, (left, right), span)
            case ".":
                return self._concatenation(left, right, span)
            case "+":
                return self._addition(left, right, span)
            case "-" | "*" | "/" | "%":
                self._require_number(left, sign, span)
                self._require_number(right, sign, span)
                computed = self._arithmetic(sign, left, right, span)
                if sign in ("*", "/") and (_has_decimals(expression.left) or _has_decimals(expression.right)):
                    return _noting_digits(computed)
                return computed
            case other:
                assert_never(other)

    def _comparison(self, sign: str, left: Compiled, right: Compiled, span: Span) -> Compiled:
        kinds = {left.kind, right.kind}
        written = left.constant and right.constant and kinds == {"number", "string"}
        if "null" in kinds or written or ("bool" in kinds and kinds != {"bool"}):
            raise self.error(
                f"{sign} compares {_KINDS[left.kind]} with {_KINDS[right.kind]}", span, "use isnull() to test for null"
            )
        if kinds == {"bool"} and sign not in ("=", "!="):
            raise self.error(f"{sign} compares conditions", span)
        compare = comparator(sign, textual="string" in kinds)
        get_left, get_right = left.run, right.run

        def run(row: Row) -> bool | None:
            a = get_left(row)
            b = get_right(row)
            if a is None or b is None:
                return None
            if type(a) is list or type(b) is list:
                return self._any_pair(sign, compare, a, b, span)
            return compare(a, b)

        return Compiled(run, "bool")

    def _any_pair(self, sign: str, compare: Callable[[Any, Any], bool], a: Any, b: Any, span: Span) -> bool:
        lefts = a if type(a) is list else [a]
        rights = b if type(b) is list else [b]
        results = {compare(left, right) for left in lefts for right in rights}
        if sign == "!=" and len(results) > 1:
            raise self.error(
                "!= on a multivalue field: some of its values are equal and some are not",
                span,
                "say which is meant with mvfilter",
            )
        return True in results

    def _concatenation(self, left: Compiled, right: Compiled, span: Span) -> Compiled:
        for side in (left, right):
            if side.kind in ("bool", "null"):
                raise self.error(f". takes texts and numbers, and this is {_KINDS[side.kind]}", span)
        get_left, get_right = left.run, right.run

        def run(row: Row) -> str | None:
            a = self._single(get_left(row), ".", span)
            b = self._single(get_right(row), ".", span)
            return None if a is None or b is None else text_of(a) + text_of(b)

        return self._limited(Compiled(run, "string", left.constant and right.constant), span)

    def _addition(self, left: Compiled, right: Compiled, span: Span) -> Compiled:
        kinds = {left.kind, right.kind}
        if kinds & {"bool", "null"} or (left.constant and right.constant and kinds == {"number", "string"}):
            raise self.error("+ takes two texts or two numbers", span)
        if "string" in kinds:
            return self._concatenation(left, right, span)
        add = self._arithmetic("+", left, right, span)
        if kinds == {"number"}:
            return add
        get_left, get_right = left.run, right.run

        def run(row: Row) -> Any:
            a, b = get_left(row), get_right(row)
            if type(a) is str and type(b) is str and number_of(a) is None and number_of(b) is None:
                return a + b
            return add.run(row)

        return self._limited(Compiled(run, "any"), span)

    def _arithmetic(self, sign: str, left: Compiled, right: Compiled, span: Span) -> Compiled:
        compute = _ARITHMETIC[sign]
        get_left, get_right = left.run, right.run

        def run(row: Row) -> int | float | None:
            a = number_of(self._single(get_left(row), sign, span))
            b = number_of(self._single(get_right(row), sign, span))
            if a is None or b is None:
                return None
            try:
                return tidy(compute(a, b))
            except (ZeroDivisionError, OverflowError, ValueError):
                return None

        return Compiled(run, "number", left.constant and right.constant)


def _has_decimals(expression: Expression) -> bool:
    return isinstance(expression, Number) and type(expression.value) is float and not expression.value.is_integer()


def _noting_digits(computed: Compiled) -> Compiled:
    """Tell when a result has more digits than Splunk shows: as many as the operand with the fewest, 8.25*0.2 is 2."""
    compute = computed.run

    def run(row: Row) -> Any:
        number = compute(row)
        if type(number) is float:
            current().note(
                "Splunk rounds products and quotients to the digits of the least precise operand; these keep all digits"
            )
        return number

    return Compiled(run, computed.kind, computed.constant)


def comparator(sign: str, *, textual: bool) -> Callable[[Any, Any], bool]:
    """Return a comparison of two values: as numbers if both are, unless a side is text by the way it is written."""
    compare = _COMPARE[sign]

    def run(a: Any, b: Any) -> bool:
        if type(a) is bool or type(b) is bool:
            return compare(a, b)
        if not textual and (x := number_of(a)) is not None and (y := number_of(b)) is not None:
            return compare(x, y)
        return compare(text_of(a), text_of(b))

    return run


def _decide(runs: Sequence[Run], *, deciding: bool) -> Run:
    """Return AND (decided by False) or OR (decided by True); null if null leaves it open."""

    def run(row: Row) -> bool | None:
        result: bool | None = not deciding
        for part in runs:
            value: bool | None = part(row)
            if value is deciding:
                return deciding
            if value is None:
                result = None
        return result

    return run


def _exclusive(runs: Sequence[Run]) -> Run:
    def run(row: Row) -> bool | None:
        values: list[bool | None] = [part(row) for part in runs]
        return None if None in values else values.count(True) % 2 == 1

    return run
