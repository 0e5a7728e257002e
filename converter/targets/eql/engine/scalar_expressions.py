"""Compile an expression to a function from the values of its fields to its value.

    Expression, slots {field: index} ──value──> closure(values of the fields) -> value

This is the half of EQL that the product runs as scripts: null is a value that goes through, comparisons with it are
null, and `and`, `or` follow three-valued logic. What a condition makes of the result is decided in conditions.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, assert_never

from converter.errors import QueryError
from converter.products.elastic.java_regex import full_matcher
from converter.products.elastic.patterns import PatternError, Test, located
from converter.products.elastic.values import java_text
from converter.products.elastic.wildcards import java_matcher, plain_pieces
from converter.readers.source import Source
from converter.targets.eql.engine.functions import FUNCTIONS
from converter.targets.eql.engine.functions.base import FunctionError, Implementation
from converter.targets.eql.engine.functions.numbers import arithmetic
from converter.targets.eql.engine.functions.text import same_in_any_case
from converter.targets.eql.engine.language import syntax as tree

if TYPE_CHECKING:
    from collections.abc import Callable

Row: TypeAlias = tuple[Any, ...]
NOT_INSIDE = "inside a function or a comparison"
NOT_IN_INSIDE = "inside a function"


class Values:
    """Compiles expressions of one query to closures over rows of field values."""

    def __init__(self, text: str) -> None:
        self._source = Source(text, QueryError)

    def value(self, node: tree.Expression, slots: dict[str, int]) -> Callable[[Row], Any]:
        """Return the closure of a checked expression; `slots` gets a place for each field it reads.

        Raises:
            QueryError: a construct that the product cannot run inside a function or a comparison.
        """
        match node:
            case tree.Literal(value):
                return lambda _row: value
            case tree.Field(name):
                slot = slots.setdefault(name, len(slots))
                return lambda row: row[slot]
            case tree.Call():
                return self._call(node, slots)
            case tree.Negate(operand):
                return self._guarded(lambda value: arithmetic("-", 0, value), [self.value(operand, slots)], node)
            case tree.Arithmetic(operator, left, right):
                parts = [self.value(left, slots), self.value(right, slots)]
                return self._guarded(lambda first, second: arithmetic(operator, first, second), parts, node)
            case tree.Comparison():
                return self._comparison(node, slots)
            case tree.InList():
                return self._membership(node, slots)
            case tree.TextMatch():
                return self._text_match(node, slots)
            case tree.And(operands):
                return _three_valued([self.value(operand, slots) for operand in operands], decisive=False)
            case tree.Or(operands):
                return _three_valued([self.value(operand, slots) for operand in operands], decisive=True)
            case tree.Not():
                raise self._source.error(
                    f"not is not supported {NOT_INSIDE}",
                    node.span,
                    "the product has no defined place for it there; move not to the outside",
                )
        assert_never(node)

    def constant(self, node: tree.Expression) -> Any:
        """Return the value of an expression without fields."""
        return self.value(node, {})(())

    def _guarded(
        self, function: Implementation, parts: list[Callable[[Row], Any]], node: tree.Expression
    ) -> Callable[[Row], Any]:
        """Return `function` of `parts`, with its failures raised as errors of the query at `node`."""

        def run(row: Row) -> Any:
            try:
                return function(*[part(row) for part in parts])
            except FunctionError as error:
                raise self._source.error(str(error), node.span) from None
            except OverflowError:
                raise self._source.error("a number is too large here", node.span) from None

        return run

    def _call(self, node: tree.Call, slots: dict[str, int]) -> Callable[[Row], Any]:
        implementation = FUNCTIONS[node.name].make(node.insensitive)
        return self._guarded(implementation, [self.value(part, slots) for part in node.arguments], node)

    def _comparison(self, node: tree.Comparison, slots: dict[str, int]) -> Callable[[Row], Any]:
        left, right = self.value(node.left, slots), self.value(node.right, slots)
        literal_null = any(isinstance(side, tree.Literal) and side.value is None for side in (node.left, node.right))
        if literal_null and node.operator in {"==", "!="}:
            equal = node.operator == "=="
            return lambda row: (left(row) is None and right(row) is None) is equal
        operator = node.operator
        return lambda row: compare(operator, left(row), right(row))

    def _membership(self, node: tree.InList, slots: dict[str, int]) -> Callable[[Row], Any]:
        if node.negated:
            raise self._source.error(f"not in is not supported {NOT_IN_INSIDE}", node.span)
        operand = self.value(node.operand, slots)
        items = [item for item in map(self.constant, node.items) if item is not None]
        if node.insensitive:
            folded = {same_in_any_case(item) for item in items}
            return _of_text(operand, lambda text: same_in_any_case(text) in folded)

        def run(row: Row) -> bool | None:
            value = operand(row)
            return None if value is None else any(compare("==", value, item) is True for item in items)

        return run

    def _text_match(self, node: tree.TextMatch, slots: dict[str, int]) -> Callable[[Row], Any]:
        operand = self.value(node.operand, slots)
        tests = [self._pattern(node, pattern) for pattern in node.patterns]
        return _of_text(operand, lambda text: any(test(text) for test in tests))

    def _pattern(self, node: tree.TextMatch, pattern: tree.Literal) -> Test:
        """Return the test of a pattern, which the product runs as a Java expression once it has a wildcard."""
        text = java_text(pattern.value)
        match node.operator:
            case ":" | "like~" | "like":
                if not set("*?") & set(text):
                    return _equality(text, insensitive=node.operator != "like")
                return java_matcher(plain_pieces(text), ignore_case=node.operator != "like")
            case "regex" | "regex~":
                return self._regex(text, pattern, ignore_case=node.operator == "regex~")
        assert_never(node.operator)

    def _regex(self, text: str, pattern: tree.Literal, *, ignore_case: bool) -> Test:
        hint = "on the result of a function the product runs a Java expression; on a field, a Lucene one"
        try:
            test = full_matcher(text, ignore_case=ignore_case)
        except PatternError as error:
            message = f"not a regular expression: {error}"
            raise located(error, self._source.error(message, pattern.span, hint)) from None

        def guarded(value: str) -> bool:
            try:
                return test(value)
            except PatternError as error:
                raise located(error, self._source.error(str(error), pattern.span)) from None

        return guarded


def _equality(expected: str, *, insensitive: bool) -> Test:
    if not insensitive:
        return lambda text: text == expected
    folded = same_in_any_case(expected)
    return lambda text: same_in_any_case(text) == folded


def _of_text(operand: Callable[[Row], Any], test: Callable[[str], bool]) -> Callable[[Row], bool | None]:
    def run(row: Row) -> bool | None:
        value = operand(row)
        return None if value is None else test(java_text(value))

    return run


def _three_valued(parts: list[Callable[[Row], Any]], *, decisive: bool) -> Callable[[Row], bool | None]:
    def run(row: Row) -> bool | None:
        values = [part(row) for part in parts]
        if any(value is decisive for value in values):
            return decisive
        return None if None in values else not decisive

    return run


def compare(operator: tree.ComparisonOperator, left: Any, right: Any) -> bool | None:
    """Return a comparison of two values as a script makes it: null with null, false for kinds that do not mix."""
    if left is None or right is None:
        return None
    if isinstance(left, str) != isinstance(right, str) or isinstance(left, bool) != isinstance(right, bool):
        return operator == "!="
    match operator:
        case "==":
            return bool(left == right)
        case "!=":
            return bool(left != right)
        case "<":
            return bool(left < right)
        case "<=":
            return bool(left <= right)
        case ">":
            return bool(left > right)
        case ">=":
            return bool(left >= right)
    assert_never(operator)
