"""What an expression becomes once its columns and types are known, and the helpers that build it.

    Expression ──bind──> Bound(type, get) ──get(row)──> value

A row is a list; a column is a slot in it. `get` is a closure over the getters of the arguments: nothing is looked up by
name while rows run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from converter.errors import Place, QueryError
from converter.readers.source import Source
from converter.targets.esql.engine.language.types import NullifiedError, Type

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from converter.readers.source import Span

Row: TypeAlias = list[Any]
Getter: TypeAlias = "Callable[[Row], Any]"
_MOST_WARNINGS = 20
_NO_ROW: Row = []
STRINGS = (Type.KEYWORD,)
NUMBERS = (Type.INTEGER, Type.LONG, Type.DOUBLE)
WHOLE = (Type.INTEGER, Type.LONG)


@dataclass(frozen=True, slots=True)
class Bound:
    """An expression that is ready to run.

    `constant`: it is the same for every row, and `value` is it. `observed`: it is a field whose type is known only from
    the documents at hand, not from a mapping. `literal`: it stands in the query as a constant, not as a computed one.
    `narrow`: it is a field of this type, which holds only some of the doubles.
    """

    type: Type
    get: Getter
    span: Span
    constant: bool = False
    value: Any = None
    observed: bool = False
    literal: bool = False
    narrow: str = ""


class Context:
    """The query's text, for errors, and the warnings of a run."""

    def __init__(self, text: str) -> None:
        self._source = Source(text, QueryError)
        self.warnings: list[str] = []

    def error(self, message: str, span: Span, hint: str = "") -> QueryError:
        """Return an error at a span of the query."""
        return self._source.error(message, span, hint)

    def refused(self, what: str, span: Span, hint: str = "") -> QueryError:
        """Return the error for what the language has and this engine has not."""
        return self.error(f"{what} is not supported", span, hint)

    def source(self, span: Span) -> str:
        """The text of a span."""
        return self._source.text[span.start : span.end]

    def warn(self, message: str) -> None:
        """Add a warning; as in the product, at most twenty, each once."""
        if message not in self.warnings and len(self.warnings) < _MOST_WARNINGS:
            self.warnings.append(message)

    def warn_at(self, span: Span, message: str) -> None:
        """Add a warning about an expression."""
        place = Place.at_offset(self._source.text, span.start)
        self.warn(f"Line {place.line}:{place.column}: evaluation of [{self.source(span)}] failed: {message}")

    def warn_multivalue(self, span: Span) -> None:
        """Add the warning that a multivalue became null."""
        self.warn_at(span, "single-value function encountered multi-value")


def constant(type_: Type, value: Any, span: Span) -> Bound:
    """Return a constant."""
    return Bound(type_, lambda _row: value, span, constant=True, value=value)


def null(type_: Type, span: Span) -> Bound:
    """Return a null of a type."""
    return constant(type_, None, span)


def finish(type_: Type, get: Getter, span: Span, arguments: Sequence[Bound]) -> Bound:
    """Return an expression over its arguments, computed at once when all of them are constants."""
    if all(argument.constant for argument in arguments):
        return constant(type_, get(_NO_ROW), span)
    return Bound(type_, get, span)


def lift(
    context: Context,
    span: Span,
    arguments: Sequence[Bound],
    result: Type,
    function: Callable[..., Any],
) -> Bound:
    """Return a function of single values: null if any argument is null; null and a warning if any is a multivalue.

    `function` may raise NullifiedError: null and that warning.
    """
    if any(argument.type is Type.NULL for argument in arguments):
        return null(result, span)
    if len(arguments) == 1:
        get = _lift_one(context, span, arguments[0].get, function)
    elif len(arguments) == 2:  # noqa: PLR2004
        get = _lift_two(context, span, arguments[0], arguments[1], function)
    else:
        get = _lift_many(context, span, tuple(argument.get for argument in arguments), function)
    return finish(result, get, span, arguments)


def _lift_one(context: Context, span: Span, first: Getter, function: Callable[..., Any]) -> Getter:
    def get(row: Row) -> Any:
        a = first(row)
        if a is None:
            return None
        if a.__class__ is list:
            context.warn_multivalue(span)
            return None
        try:
            return function(a)
        except NullifiedError as warning:
            context.warn_at(span, str(warning))
            return None

    return get


def _lift_two(context: Context, span: Span, left: Bound, right: Bound, function: Callable[..., Any]) -> Getter:
    first, second, fixed = left.get, right.get, right.value

    def get_both(row: Row) -> Any:
        a, b = first(row), second(row)
        if a is None or b is None:
            return None
        if a.__class__ is list or b.__class__ is list:
            context.warn_multivalue(span)
            return None
        try:
            return function(a, b)
        except NullifiedError as warning:
            context.warn_at(span, str(warning))
            return None

    def get_first(row: Row) -> Any:
        a = first(row)
        if a is None:
            return None
        if a.__class__ is list:
            context.warn_multivalue(span)
            return None
        try:
            return function(a, fixed)
        except NullifiedError as warning:
            context.warn_at(span, str(warning))
            return None

    return get_first if right.constant and fixed is not None and fixed.__class__ is not list else get_both


def _lift_many(context: Context, span: Span, getters: tuple[Getter, ...], function: Callable[..., Any]) -> Getter:
    def get(row: Row) -> Any:
        values = [getter(row) for getter in getters]
        if None in values:
            return None
        if any(value.__class__ is list for value in values):
            context.warn_multivalue(span)
            return None
        try:
            return function(*values)
        except NullifiedError as warning:
            context.warn_at(span, str(warning))
            return None

    return get


def each(context: Context, span: Span, argument: Bound, result: Type, function: Callable[[Any], Any]) -> Bound:
    """Return a function that takes a multivalue's values one by one; one that fails is dropped, with a warning."""
    if argument.type is Type.NULL:
        return null(result, span)
    first = argument.get

    def one(value: Any) -> Any:
        try:
            return function(value)
        except NullifiedError as warning:
            context.warn_at(span, str(warning))
            return None

    def get(row: Row) -> Any:
        a = first(row)
        if a is None:
            return None
        if a.__class__ is list:
            values = [value for value in map(one, a) if value is not None]
            return values if len(values) > 1 else values[0] if values else None
        return one(a)

    return finish(result, get, span, (argument,))


def whole(span: Span, argument: Bound, result: Type, function: Callable[[Any], Any]) -> Bound:
    """Return a function of all the values of its argument at once; `function` is not called with null."""
    if argument.type is Type.NULL:
        return null(result, span)
    first = argument.get

    def get(row: Row) -> Any:
        a = first(row)
        return None if a is None else function(a)

    return finish(result, get, span, (argument,))


def expect(context: Context, function: str, argument: Bound, types: Collection[Type], what: str) -> None:
    """Raise unless an argument has one of the types; null always fits.

    Raises:
        QueryError: it has another, as the product says when it plans the query.
    """
    if argument.type is Type.NULL or argument.type in types:
        return
    message = f"{function} needs {what}, but [{context.source(argument.span)}] is {argument.type.value}"
    hint = "compare it with a value" if Type.BOOLEAN in types else "convert it, for example with TO_STRING or TO_LONG"
    raise context.error(message, argument.span, hint)


def expect_constant(context: Context, function: str, argument: Bound, what: str) -> Any:
    """Return the value of an argument that must be a constant.

    Raises:
        QueryError: it is none.
    """
    if not argument.constant:
        raise context.error(f"{function} needs a constant {what}", argument.span)
    return argument.value


def common_type(context: Context, function: str, arguments: Sequence[Bound]) -> Type:
    """Return the type of the first argument; later numbers may be narrower, nulls fit anything.

    Raises:
        QueryError: they have no common type.
    """
    result = Type.NULL
    for argument in arguments:
        type_ = argument.type
        if type_ is Type.NULL or type_ is result:
            continue
        if result is Type.NULL:
            result = type_
        elif not (type_.numeric and result.numeric and NUMBERS.index(type_) < NUMBERS.index(result)):
            message = f"{function} mixes {result.value} and {type_.value}"
            raise context.error(message, argument.span, f"[{context.source(argument.span)}] must be {result.value}")
    return result


def widened(argument: Bound, type_: Type) -> Getter:
    """Return the getter of an argument as a wider number; other types stay as they are."""
    get = argument.get
    if type_ is not Type.DOUBLE or argument.type is Type.DOUBLE or argument.type is Type.NULL:
        return get

    def get_double(row: Row) -> Any:
        a = get(row)
        if a is None:
            return None
        return [float(value) for value in a] if a.__class__ is list else float(a)

    return get_double
