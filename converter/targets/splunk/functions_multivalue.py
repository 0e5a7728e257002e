"""Functions of multivalue fields: `mvfilter`, `mvindex`, `mvappend`, `mvjoin` ..."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_never

from converter.targets.splunk.compiled import Compiled
from converter.targets.splunk.functions_base import (
    Function,
    arguments,
    condition_argument,
    literal,
    number_argument,
)
from converter.targets.splunk.regexes import searcher
from converter.targets.splunk.syntax import Binary, Call, Expression, Field, Logical, Number, String, Unary
from converter.targets.splunk.values import text_of, values_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from converter.targets.splunk.compiled import Compiler
    from converter.targets.splunk.values import Row


def _fields(expression: Expression) -> set[str]:
    """Return the names of the fields that an expression reads."""
    match expression:
        case Field(name=name):
            return {name}
        case Number() | String():
            return set()
        case Call(arguments=parts) | Logical(operands=parts):
            return set().union(*map(_fields, parts)) if parts else set()
        case Unary(operand=operand):
            return _fields(operand)
        case Binary(left=left, right=right):
            return _fields(left) | _fields(right)
        case _:
            assert_never(expression)


def _packed(values: list[Any]) -> Any:
    """Return values as a row would hold them: none, the one, or a list."""
    return values if len(values) > 1 else values[0] if values else None


def _mvfilter(compiler: Compiler, call: Call) -> Compiled:
    names = _fields(call.arguments[0])
    if len(names) != 1:
        raise compiler.error(
            f"mvfilter() must read exactly one field, and this reads {len(names) or 'none'}", call.span
        )
    name = names.pop()
    test = condition_argument(compiler, call, compiler.compile(call.arguments[0]))

    def run(row: Row) -> Any:
        value = row.get(name)
        if value is None:
            return None
        if type(value) is not list:
            return value if test({name: value}) else None
        return _packed([item for item in value if test({name: item})])

    return Compiled(run, "any")


def _mvmap(compiler: Compiler, call: Call) -> Compiled:
    field = call.arguments[0]
    if not isinstance(field, Field):
        raise compiler.error("mvmap() over something other than a field is not supported", call.span)
    each = compiler.compile(call.arguments[1])
    if each.kind == "bool":
        raise compiler.error("mvmap() gives values, not conditions", call.span)

    def run(row: Row) -> Any:
        mapped = (each.run({**row, field.name: item}) for item in values_of(row.get(field.name)))
        return _packed([result for one in mapped for result in values_of(one)])

    return Compiled(run, "any")


def _mvindex(compiler: Compiler, call: Call) -> Compiled:
    compiled = arguments(compiler, call)
    get = _values(compiler, call, compiled[0])
    positions = [number_argument(compiler, call, argument) for argument in compiled[1:]]

    def run(row: Row) -> Any:
        values = get(row)
        numbers = [position(row) for position in positions]
        if not values or None in numbers:
            return None
        size = len(values)
        whole = [int(number) + (size if number < 0 else 0) for number in numbers if number is not None]
        if not 0 <= whole[0] < size:
            return None
        if len(whole) == 1:
            return values[whole[0]]
        if whole[1] >= size:
            raise compiler.error("mvindex() with a range that ends after the last value", call.span)
        return _packed(values[whole[0] : whole[1] + 1])

    return Compiled(run, "any")


def _values(compiler: Compiler, call: Call, argument: Compiled) -> Callable[[Row], list[Any]]:
    if argument.kind in ("bool", "null"):
        raise compiler.error(f"{call.function}() does not take a {argument.kind} argument here", call.span)
    get = argument.run
    return lambda row: values_of(get(row))


def _of_values(compute: Callable[[list[Any]], Any]) -> Function:
    """Return a function of the values of one field; null if there are none."""

    def build(compiler: Compiler, call: Call) -> Compiled:
        get = _values(compiler, call, compiler.compile(call.arguments[0]))

        def run(row: Row) -> Any:
            values = get(row)
            return compute(values) if values else None

        return Compiled(run, "any")

    return Function(1, 1, build)


def _mvappend(compiler: Compiler, call: Call) -> Compiled:
    compiled = arguments(compiler, call)
    if any(argument.kind == "bool" for argument in compiled):
        raise compiler.error("mvappend() takes values, not conditions", call.span)
    runs = [argument.run for argument in compiled]
    return Compiled(lambda row: _packed([value for get in runs for value in values_of(get(row))]), "any")


def _mvjoin(compiler: Compiler, call: Call) -> Compiled:
    get = _values(compiler, call, compiler.compile(call.arguments[0]))
    delimiter = literal(call, 1, compiler, "a delimiter")

    def run(row: Row) -> str | None:
        values = get(row)
        return delimiter.join(map(text_of, values)) if values else None

    return Compiled(run, "string")


def _mvfind(compiler: Compiler, call: Call) -> Compiled:
    get = _values(compiler, call, compiler.compile(call.arguments[0]))
    search = searcher(
        literal(call, 1, compiler, "a regular expression"),
        lambda message: compiler.error(message, call.arguments[1].span),
    )

    def run(row: Row) -> int | None:
        return next((index for index, value in enumerate(get(row)) if search(text_of(value)) is not None), None)

    return Compiled(run, "number")


def _distinct(values: list[Any]) -> Any:
    seen: dict[str, Any] = {}
    for value in values:
        seen.setdefault(text_of(value), value)
    return _packed(list(seen.values()))


FUNCTIONS: dict[str, Function] = {
    "mvfilter": Function(1, 1, _mvfilter),
    "mvmap": Function(2, 2, _mvmap),
    "mvindex": Function(2, 3, _mvindex),
    "mvcount": _of_values(len),
    "mvdedup": _of_values(_distinct),
    "mvsort": _of_values(lambda values: _packed(sorted(values, key=text_of))),
    "mvreverse": _of_values(lambda values: _packed(values[::-1])),
    "mvappend": Function(1, None, _mvappend),
    "mvjoin": Function(2, 2, _mvjoin),
    "mvfind": Function(2, 2, _mvfind),
}
