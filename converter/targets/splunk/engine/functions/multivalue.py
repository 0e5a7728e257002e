"""Functions of multivalue fields: `mvfilter`, `mvindex`, `mvappend`, `mvjoin` ..."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any, assert_never

from converter.readers.query_budget import SIZE_IN_LIST, check_size, size_of
from converter.targets.splunk.engine.functions.base import (
    Function,
    arguments,
    condition_argument,
    literal,
    number_argument,
    packed,
    prepared,
    refuse,
    text_argument,
)
from converter.targets.splunk.engine.language.expression_code import Compiled
from converter.targets.splunk.engine.language.regexes import searcher
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
from converter.targets.splunk.engine.language.values import text_of, values_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from converter.targets.splunk.engine.language.expression_code import Compiler
    from converter.targets.splunk.engine.language.values import Row


_TIMESPAN = re.compile(r"([0-9]{0,9})(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|weeks?)", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def _fields(expression: Expression) -> set[str]:
    """Return the names of the fields that an expression reads."""
    match expression:
        case Field(name=name):
            return {name}
        case Number() | String() | Subsearch():
            return set()
        case Call(arguments=parts) | Logical(operands=parts):
            return set().union(*map(_fields, parts)) if parts else set()
        case Unary(operand=operand):
            return _fields(operand)
        case Binary(left=left, right=right):
            return _fields(left) | _fields(right)
        case _:
            assert_never(expression)


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
        return packed([item for item in value if test({name: item})])

    return Compiled(run, "any")


def _mvmap(compiler: Compiler, call: Call) -> Compiled:
    name = _mapped_field(compiler, call)
    source = compiler.compile(call.arguments[0])
    refuse(compiler, call, source, ("bool", "null"))
    each = compiler.compile(call.arguments[1])
    if each.kind == "bool":
        raise compiler.error("mvmap() gives values, not conditions", call.span)
    get, compute = source.run, each.run
    fail = partial(compiler.error, span=call.span)

    def run(row: Row) -> Any:
        results: list[Any] = []
        size = 0
        for item in values_of(get(row)):
            values = values_of(compute({**row, name: item}))
            size += size_of(values)
            check_size(size, fail)
            results += values
        return packed(results)

    return Compiled(run, "any")


def _mapped_field(compiler: Compiler, call: Call) -> str:
    """Return the name that stands for each value in the expression of `mvmap`: the one field of its first argument."""
    if len(call.arguments) > 2:  # noqa: PLR2004
        return literal(call, 2, compiler, "the name of the value")
    names = _fields(call.arguments[0])
    if len(names) != 1:
        raise compiler.error(
            f"mvmap() over an expression of {len(names) or 'no'} fields",
            call.span,
            'name the value: mvmap(..., x, "x")',
        )
    return names.pop()


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
        return packed(values[whole[0] : whole[1] + 1])

    return Compiled(run, "any")


def _values(compiler: Compiler, call: Call, argument: Compiled) -> Callable[[Row], list[Any]]:
    refuse(compiler, call, argument, ("bool", "null"))
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
    return Compiled(lambda row: packed([value for get in runs for value in values_of(get(row))]), "any")


def _mvjoin(compiler: Compiler, call: Call) -> Compiled:
    get = _values(compiler, call, compiler.compile(call.arguments[0]))
    get_delimiter = text_argument(compiler, call, compiler.compile(call.arguments[1]), numbers=False)
    fail = partial(compiler.error, span=call.span)

    def run(row: Row) -> str | None:
        values, delimiter = get(row), get_delimiter(row)
        if not values or delimiter is None:
            return None
        check_size(len(delimiter) * (len(values) - 1), fail)
        joined: str = delimiter.join(map(text_of, values))
        return joined

    return Compiled(run, "string")


def _mvfind(compiler: Compiler, call: Call) -> Compiled:
    get = _values(compiler, call, compiler.compile(call.arguments[0]))
    pattern = prepared(
        compiler,
        call,
        1,
        lambda text: searcher(text, lambda message: compiler.error(message, call.arguments[1].span)),
    )

    def run(row: Row) -> int | None:
        search = pattern(row)
        if search is None:
            return None
        return next((index for index, value in enumerate(get(row)) if search(text_of(value)) is not None), None)

    return Compiled(run, "number")


def _distinct(values: list[Any]) -> Any:
    seen: dict[str, Any] = {}
    for value in values:
        seen.setdefault(text_of(value), value)
    return packed(list(seen.values()))


def _mvzip(compiler: Compiler, call: Call) -> Compiled:
    compiled = arguments(compiler, call)
    left, right = (_values(compiler, call, argument) for argument in compiled[:2])
    get_delimiter = text_argument(compiler, call, compiled[2], numbers=False) if len(compiled) > 2 else lambda _: ","  # noqa: PLR2004

    fail = partial(compiler.error, span=call.span)

    def run(row: Row) -> Any:
        delimiter = get_delimiter(row)
        if delimiter is None:
            return None
        # As zip of Python does, which the documentation names: the shorter field ends it.
        lefts, rights = left(row), right(row)
        check_size(len(delimiter) * min(len(lefts), len(rights)), fail)
        pairs = zip(lefts, rights, strict=False)
        return packed([f"{text_of(a)}{delimiter}{text_of(b)}" for a, b in pairs])

    return Compiled(run, "any")


def _mvrange(compiler: Compiler, call: Call) -> Compiled:
    start, end = (number_argument(compiler, call, compiler.compile(argument)) for argument in call.arguments[:2])
    step: Callable[[Row], Any] = lambda _: 1  # noqa: E731
    if len(call.arguments) > 2:  # noqa: PLR2004
        argument = call.arguments[2]
        if isinstance(argument, String):
            seconds = _span_seconds(argument.value)
            if seconds is None:
                raise compiler.error(
                    f"{argument.value!r} is not a step of fixed length", argument.span, 'for example: "7d"'
                )
            step = lambda _: seconds  # noqa: E731
        else:
            step = number_argument(compiler, call, compiler.compile(argument))

    fail = partial(compiler.error, span=call.span)

    def run(row: Row) -> Any:
        first, last, by = start(row), end(row), step(row)
        if first is None or last is None or by is None:
            return None
        if by <= 0:
            raise compiler.error("mvrange() with a step that is not above 0", call.span)
        check_size(SIZE_IN_LIST * (last - first) / by, fail)
        values = []
        index = 0
        while (value := first + index * by) < last:
            values.append(value)
            index += 1
        return packed(values)

    return Compiled(run, "any")


def _span_seconds(text: str) -> int | None:
    match = _TIMESPAN.fullmatch(text)
    return int(match.group(1) or 1) * _SECONDS[match.group(2)[0]] if match else None


FUNCTIONS: dict[str, Function] = {
    "mvfilter": Function(1, 1, _mvfilter),
    "mvmap": Function(2, 3, _mvmap),
    "mvzip": Function(2, 3, _mvzip),
    "mvrange": Function(2, 3, _mvrange),
    "mvindex": Function(2, 3, _mvindex),
    "mvcount": _of_values(len),
    "mvdedup": _of_values(_distinct),
    "mvsort": _of_values(lambda values: packed(sorted(values, key=text_of))),
    "mvreverse": _of_values(lambda values: packed(values[::-1])),
    "mvappend": Function(1, None, _mvappend),
    "mvjoin": Function(2, 2, _mvjoin),
    "mvfind": Function(2, 2, _mvfind),
}
