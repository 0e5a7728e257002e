"""Check an expression before it is compiled, and say what kind of value it has.

    Expression ──kind_of──> "null" | "boolean" | "number" | "text" | "unknown", or the QueryError of what cannot be

A field is "unknown": its type is in the index's mapping, which the engine does not have. Only what no mapping could
make right is an error here: two fields compared, a number given to `:`, a function that gets too few arguments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NoReturn, TypeAlias, assert_never

from converter.errors import QueryError, suggest
from converter.readers.source import Source
from converter.targets.eql.engine.functions import FUNCTIONS, UNSUPPORTED
from converter.targets.eql.engine.language import syntax as tree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from converter.targets.eql.engine.functions.base import Function

Kind: TypeAlias = Literal["null", "boolean", "number", "text", "unknown"]

_ORDINALS = ("first", "second", "third", "fourth")


class Checker:
    """Checks expressions of one query; `text` is the query, for error messages."""

    def __init__(self, text: str, timestamp_field: str) -> None:
        self._source = Source(text, QueryError)
        self._timestamp_field = timestamp_field

    def error(self, message: str, node: tree.Expression, hint: str = "") -> QueryError:
        """Return the error that points at `node`."""
        return self._source.error(message, node.span, hint)

    def refuse(self, message: str, node: tree.Expression, hint: str = "") -> NoReturn:
        """Raise the QueryError that points at `node`."""
        raise self.error(message, node, hint)

    def shown(self, node: tree.Expression) -> str:
        """Return the text of `node`, shortened, for a message."""
        text = " ".join(self._source.text[node.span.start : node.span.end].split())
        return text if len(text) <= 60 else text[:57] + "..."  # noqa: PLR2004 - a readable width

    def condition(self, node: tree.Expression) -> None:
        """Check that `node` can stand where a condition is needed."""
        kind = self.kind_of(node)
        if kind not in {"boolean", "null", "unknown"}:
            self.refuse(f"a condition must be boolean; {self.shown(node)} is a {kind}", node)
        if isinstance(node, tree.Field):
            self._not_timestamp(node)

    def kind_of(self, node: tree.Expression) -> Kind:
        """Return the kind of `node`.

        Raises:
            QueryError: what no mapping of the index could make right.
        """
        match node:
            case tree.Literal(value):
                return _kind_of_constant(value)
            case tree.Field():
                return "unknown"
            case tree.Call():
                return self._call(node)
            case tree.Negate(operand):
                self._needs(operand, "number", "the sign -")
                return "number"
            case tree.Arithmetic(operator, left, right):
                self._needs(left, "number", operator)
                self._needs(right, "number", operator)
                return "number"
            case tree.Comparison():
                return self._comparison(node)
            case tree.InList():
                return self._membership(node)
            case tree.TextMatch():
                return self._text_match(node)
            case tree.Not(operand):
                self.condition(operand)
                return "boolean"
            case tree.And(operands) | tree.Or(operands):
                for operand in operands:
                    self.condition(operand)
                return "boolean"
        assert_never(node)

    def _needs(self, node: tree.Expression, expected: Kind, user: str) -> None:
        kind = self.kind_of(node)
        if kind not in {expected, "unknown", "null"}:
            hint = "a field name with - in it goes between backticks" if user == "-" else ""
            self.refuse(f"{user} needs a {expected}; {self.shown(node)} is a {kind}", node, hint)
        self._not_timestamp(node)

    def _not_timestamp(self, node: tree.Expression) -> None:
        if isinstance(node, tree.Field) and node.name == self._timestamp_field:
            self.refuse(f"{node.name} is a date; it can only be compared", node)

    def _comparison(self, node: tree.Comparison) -> Kind:
        left, right = self.kind_of(node.left), self.kind_of(node.right)
        if not foldable(node.left) and not foldable(node.right):
            culprit = next(fields_of(node.right))
            self.refuse(
                "EQL cannot compare a field with another field",
                culprit,
                f"{culprit.name} is a field; compare with a constant",
            )
        kinds = {left, right} - {"null", "unknown"}
        if len(kinds) > 1:
            self.refuse(f"{node.operator} cannot compare a {left} with a {right}", node)
        if node.operator not in {"==", "!="} and "boolean" in kinds:
            self.refuse(f"{node.operator} cannot compare booleans", node)
        return "boolean"

    def _membership(self, node: tree.InList) -> Kind:
        operator = "in~" if node.insensitive else "in"
        kinds: set[Kind] = {self.kind_of(node.operand)}
        if node.insensitive:
            self._needs(node.operand, "text", "in~")
        for item in node.items:
            if not foldable(item):
                culprit = next(fields_of(item))
                self.refuse(f"the list of {operator} holds constants only; {culprit.name} is a field", culprit)
            kind = self.kind_of(item)
            if node.insensitive and kind != "text":
                self.refuse(f"in~ compares text; {self.shown(item)} is a {kind}", item, "use in")
            kinds.add(kind)
            if len(kinds - {"null", "unknown"}) > 1:
                self.refuse(f"the list of in mixes kinds; {self.shown(item)} is a {kind}", item)
        return "boolean"

    def _text_match(self, node: tree.TextMatch) -> Kind:
        self._needs(node.operand, "text", node.operator)
        for pattern in node.patterns:
            kind = _kind_of_constant(pattern.value)
            # The product reads a pattern of like from any constant, but : and regex only from text.
            if kind == "null" or (kind != "text" and node.operator not in {"like", "like~"}):
                hint = "use == instead" if node.operator == ":" else 'write the pattern in quotes: "..."'
                self.refuse(f"{node.operator} compares text; {self.shown(pattern)} is a {kind}", pattern, hint)
        return "boolean"

    def _call(self, node: tree.Call) -> Kind:
        function = FUNCTIONS.get(node.name)
        if function is None:
            if node.name in UNSUPPORTED:
                self.refuse(f"the function {UNSUPPORTED[node.name]} is not supported by Elasticsearch", node)
            self.refuse(f"there is no function {node.name}", node, suggest(node.name, FUNCTIONS))
        if node.insensitive and not function.tilde:
            self.refuse(f"{function.name} has no case-insensitive form", node, f"write {function.name} without ~")
        self._count(node, function)
        for index, argument in enumerate(node.arguments):
            parameter = function.parameters[min(index, len(function.parameters) - 1)]
            ordinal = _ORDINALS[index] if index < len(_ORDINALS) else f"{index + 1}th"
            kind = self.kind_of(argument)
            expected: Kind | None = None if parameter == "any" else "number" if parameter == "integer" else parameter
            if expected is not None and kind not in {expected, "unknown", "null"}:
                message = f"the {ordinal} argument of {function.name} must be a {parameter}"
                self.refuse(f"{message}; {self.shown(argument)} is a {kind}", argument)
            self._not_timestamp(argument)
        self._constants(node, function)
        match function.returns:
            case "integer" | "number":
                return "number"
            case "text" | "boolean":
                return function.returns
            case "any":
                return "unknown"
        assert_never(function.returns)

    def _count(self, node: tree.Call, function: Function) -> None:
        most = len(function.parameters)
        least = most - function.optional
        count = len(node.arguments)
        if count < least or (count > most and not function.variadic):
            self.refuse(f"{function.name} takes {function.arity()} arguments, not {count}", node)

    def _constants(self, node: tree.Call, function: Function) -> None:
        """Check arguments that must be constants, and constants that the function cannot take."""
        for argument in () if function.constants is None else node.arguments[function.constants :]:
            if not foldable(argument):
                self.refuse(f"{self.shown(argument)} must be a constant in {function.name}", argument)
        for position, argument in enumerate(node.arguments[1:], 1):
            if isinstance(argument, tree.Literal) and (problem := function.check(position, argument.value)):
                self.refuse(problem[0], argument, problem[1])


def _kind_of_constant(value: tree.Constant) -> Kind:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "text"
    assert_never(value)


def fields_of(node: tree.Expression) -> Iterator[tree.Field]:
    """Yield the fields in `node`, from left to right."""
    match node:
        case tree.Literal():
            return
        case tree.Field():
            yield node
        case tree.Call(_, arguments):
            for argument in arguments:
                yield from fields_of(argument)
        case tree.Negate(operand) | tree.Not(operand) | tree.TextMatch(_, operand):
            yield from fields_of(operand)
        case tree.Arithmetic(_, left, right) | tree.Comparison(_, left, right):
            yield from fields_of(left)
            yield from fields_of(right)
        case tree.InList(operand, items):
            for part in (operand, *items):
                yield from fields_of(part)
        case tree.And(operands) | tree.Or(operands):
            for part in operands:
                yield from fields_of(part)
        case _:
            assert_never(node)


def foldable(node: tree.Expression) -> bool:
    """Return whether `node` has no field, so that its value is known before any event."""
    return next(fields_of(node), None) is None
