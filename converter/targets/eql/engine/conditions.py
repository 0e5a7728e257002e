"""Compile a condition to a test of documents.

    Expression ──check──> ──condition──> closure(document) -> bool

A condition has two values. Each leaf asks whether any value of a field passes, so a leaf on a missing field is false
and its negation true; `!=` is the negation of `==`. A leaf on a plain field is what the product asks Lucene; a leaf
with a function or arithmetic in it is a script, run for each combination of the fields' values, a missing field being
null.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, assert_never

from converter.products.elastic.casefold import fold_ascii
from converter.products.elastic.field_types import ecs_type
from converter.products.elastic.lucene_regex import compile_regex
from converter.products.elastic.patterns import PatternError, Test, located
from converter.products.elastic.values import java_text
from converter.products.elastic.wildcards import matcher, plain_pieces
from converter.readers.query_budget import combinations
from converter.targets.eql.engine.field_tests import NotADateError, field_test, reader
from converter.targets.eql.engine.functions import FUNCTIONS
from converter.targets.eql.engine.functions.base import FunctionError
from converter.targets.eql.engine.language import syntax as tree
from converter.targets.eql.engine.scalar_expressions import Values
from converter.targets.eql.engine.typecheck import Checker, foldable

if TYPE_CHECKING:
    from collections.abc import Callable

    from converter.products.elastic.documents import Document, Getter

Condition: TypeAlias = "Callable[[Document], bool]"

# The default of the setting index.max_regex_length; the product joins a list of expressions with |.
_MAX_REGEX_LENGTH = 1_000
_OPERATORS = frozenset('.?+*|()[]{}"~<>&@#')
_CLASS_ESCAPES = frozenset("dDsSwW")
_MIRRORED: dict[tree.ComparisonOperator, tree.ComparisonOperator] = {
    "==": "==",
    "!=": "!=",
    "<": ">",
    "<=": ">=",
    ">": "<",
    ">=": "<=",
}


class Conditions:
    """Compiles the conditions of one query; fields are looked up once per name."""

    def __init__(self, text: str, timestamp_field: str) -> None:
        self._checker = Checker(text, timestamp_field)
        self._values = Values(text)
        self._timestamp_field = timestamp_field
        self._getters: dict[str, Getter] = {}

    def getter(self, name: str) -> Getter:
        """Return the function that lists the values of field `name`, as an index holds them."""
        getter = self._getters.get(name)
        if getter is None:
            getter = self._getters[name] = reader(name)
        return getter

    def condition(self, node: tree.Expression) -> Condition:
        """Return the test of a condition.

        Raises:
            QueryError: the condition cannot be right, or uses what is not supported.
        """
        self._checker.condition(node)
        return self._condition(node)

    def _condition(self, node: tree.Expression) -> Condition:
        if foldable(node):
            verdict = self._folded(node)
            return lambda _document: verdict
        match node:
            case tree.Not(operand):
                return _negated(self._condition(operand))
            case tree.And(operands):
                return _all([self._condition(operand) for operand in operands])
            case tree.Or(operands):
                return _any([self._condition(operand) for operand in operands])
            case tree.Field(name):
                return self._boolean_field(node, name)
            case tree.Comparison():
                return self._comparison(node)
            case tree.InList():
                return self._membership(node)
            case tree.TextMatch():
                return self._text_match(node)
            case tree.Call():
                return self._call(node)
            case tree.Literal() | tree.Negate() | tree.Arithmetic():
                raise AssertionError(node)  # the checker refused it, or it is foldable
        assert_never(node)

    def _folded(self, node: tree.Expression) -> bool:
        """Return the truth of a condition without fields; null is false."""
        match node:
            case tree.Not(operand):
                return not self._folded(operand)
            case tree.And(operands):
                return all(self._folded(operand) for operand in operands)
            case tree.Or(operands):
                return any(self._folded(operand) for operand in operands)
            case tree.InList(negated=True):
                return not self._folded(_plain(node))
            case tree.Comparison("!=", left, right):
                return not self._folded(tree.Comparison("==", left, right, node.span))
            case _:
                return self._values.constant(node) is True

    def _boolean_field(self, node: tree.Field, name: str) -> Condition:
        def test(value: Any) -> bool:
            if value is True or value == "true":
                return True
            if value is not False and value != "false":
                self._checker.refuse(f"a condition must be boolean; {name} holds {java_text(value)!r}", node)
            return False

        return _some(self.getter(name), test)

    # comparisons

    def _comparison(self, node: tree.Comparison) -> Condition:
        if node.operator == "!=":
            return _negated(self._comparison(tree.Comparison("==", node.left, node.right, node.span)))
        operator: tree.ComparisonOperator = node.operator
        operand, other = node.left, node.right
        if foldable(operand):
            operator, operand, other = _MIRRORED[operator], other, operand
        value = self._values.constant(other)
        if value is None:
            return self._is_null(operand) if operator == "==" else lambda _document: False
        if isinstance(operand, tree.Field):
            return _some(self.getter(operand.name), self._field_test(operator, operand.name, value, node))
        if operator == "==" and isinstance(value, bool) and self._checker.kind_of(operand) == "boolean":
            truth = self._condition(operand)
            return truth if value else _negated(truth)
        return self._script(tree.Comparison(operator, operand, tree.Literal(value, other.span), node.span))

    def _is_null(self, operand: tree.Expression) -> Condition:
        if isinstance(operand, tree.Field):
            read = self.getter(operand.name)
            return lambda document: not read(document)
        return self._script(tree.Comparison("==", operand, tree.Literal(None, operand.span), operand.span))

    def _field_test(
        self, operator: tree.ComparisonOperator, name: str, value: Any, node: tree.Expression
    ) -> Callable[[Any], bool]:
        """Return the test of one value of a field against a constant."""
        try:
            return field_test(operator, name, value, is_date=name == self._timestamp_field)
        except NotADateError:
            self._checker.refuse(
                f"{name} is compared with something that is not a time",
                node,
                'write a time such as "2024-05-01T00:00:00Z"; date math and names of zones are not supported',
            )

    # lists and texts

    def _membership(self, node: tree.InList) -> Condition:
        if node.negated:
            return _negated(self._membership(_plain(node)))
        if not isinstance(node.operand, tree.Field):
            return self._script(node)
        constants = [self._values.constant(item) for item in node.items]
        read = self.getter(node.operand.name)
        if node.insensitive:
            folded = frozenset(fold_ascii(item) for item in constants)
            return _some(read, lambda value: fold_ascii(java_text(value)) in folded)
        tests = [self._field_test("==", node.operand.name, item, node) for item in constants if item is not None]
        texts = frozenset(item for item in constants if isinstance(item, str))
        if len(texts) == len(tests) and not self._is_typed(node.operand.name):
            return _some(
                read,
                lambda value: value in texts if isinstance(value, str) else any(test(value) for test in tests),
            )
        return _some(read, lambda value: any(test(value) for test in tests))

    def _is_typed(self, name: str) -> bool:
        """Return whether texts in a field are not compared as texts."""
        return name == self._timestamp_field or ecs_type(name) in {"date", "ip"}

    def _text_match(self, node: tree.TextMatch) -> Condition:
        if not isinstance(node.operand, tree.Field):
            return self._script(node)
        if node.operator in {"regex", "regex~"}:
            length = sum(len(java_text(pattern.value)) + 1 for pattern in node.patterns) - 1
            if length > _MAX_REGEX_LENGTH:
                self._checker.refuse(f"the expression has {length} characters, of {_MAX_REGEX_LENGTH} allowed", node)
        tests = [self._pattern(node, pattern) for pattern in node.patterns]
        read = self.getter(node.operand.name)
        if node.operator == "regex~" and len(tests) == 1:
            # The product asks for the text that is the only one to match, and that ignores case in its own way.
            only = _only_text(java_text(node.patterns[0].value))
            if only is not None:
                folded = fold_ascii(only)
                return _some_text(read, lambda text: fold_ascii(text) == folded)
        if len(tests) == 1:
            return _some_text(read, tests[0])
        return _some_text(read, lambda text: any(test(text) for test in tests))

    def _pattern(self, node: tree.TextMatch, pattern: tree.Literal) -> Test:
        text = java_text(pattern.value)
        match node.operator:
            case ":" if not text:
                return lambda value: not value  # without wildcards it is a term, which like is not
            case ":" | "like~" | "like":
                return matcher(plain_pieces(text), ignore_case=node.operator != "like")
            case "regex" | "regex~":
                return self._regex(text, pattern, ignore_case=node.operator == "regex~")
        assert_never(node.operator)

    def _regex(self, text: str, pattern: tree.Literal, *, ignore_case: bool) -> Test:
        hint = "the expression is Lucene's, and all of its operators are on: & ~ # @ < > and double quotes"
        try:
            test = compile_regex(text, ignore_case=ignore_case)
        except PatternError as error:
            self._checker.refuse(f"not a regular expression: {error}", pattern, hint)

        def guarded(value: str) -> bool:
            try:
                return test(value)
            except PatternError as error:
                raise located(error, self._checker.error(str(error), pattern)) from None

        return guarded

    # functions

    def _call(self, node: tree.Call) -> Condition:
        subject, *others = node.arguments
        ask = FUNCTIONS[node.name].on_field
        if ask is None or not isinstance(subject, tree.Field) or not all(map(foldable, others)):
            return self._script(node)
        constants = [self._values.constant(other) for other in others]
        if None in constants:
            return lambda _document: False
        try:
            test = ask(constants, node.insensitive)
        except FunctionError as error:
            self._checker.refuse(str(error), others[0])
        return _some_text(self.getter(subject.name), test)

    def _script(self, node: tree.Expression) -> Condition:
        """Return the test whether any combination of the fields' values makes `node` true."""
        slots: dict[str, int] = {}
        evaluate = self._values.value(node, slots)
        getters = [self.getter(name) for name in slots]
        if len(getters) == 1:
            read = getters[0]

            def single(document: Document) -> bool:
                return any(evaluate((value,)) is True for value in read(document) or (None,))

            return single

        def several(document: Document) -> bool:
            rows = combinations([tuple(read(document)) or (None,) for read in getters])
            return any(evaluate(row) is True for row in rows)

        return several


def _plain(node: tree.InList) -> tree.InList:
    return tree.InList(node.operand, node.items, node.insensitive, negated=False, span=node.span)


def _negated(condition: Condition) -> Condition:
    return lambda document: not condition(document)


def _all(conditions: list[Condition]) -> Condition:
    def run(document: Document) -> bool:
        for condition in conditions:  # noqa: SIM110 - all() with a generator costs twice as much per event
            if not condition(document):
                return False
        return True

    return run


def _any(conditions: list[Condition]) -> Condition:
    def run(document: Document) -> bool:
        for condition in conditions:  # noqa: SIM110
            if condition(document):
                return True
        return False

    return run


def _some(read: Getter, test: Callable[[Any], bool]) -> Condition:
    def run(document: Document) -> bool:
        for value in read(document):  # noqa: SIM110
            if test(value):
                return True
        return False

    return run


def _some_text(read: Getter, test: Test) -> Condition:
    def run(document: Document) -> bool:
        for value in read(document):  # noqa: SIM110
            if test(value if isinstance(value, str) else java_text(value)):
                return True
        return False

    return run


def _only_text(expression: str) -> str | None:
    """Return the text of an expression of literal characters, or None if it has operators."""
    text, escaped = [], False
    for char in expression:
        if escaped:
            if char in _CLASS_ESCAPES:
                return None
            escaped = False
        elif char == "\\":
            escaped = True
            continue
        elif char in _OPERATORS:
            return None
        text.append(char)
    return "".join(text)
