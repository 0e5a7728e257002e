"""What the function tables share: the description of a function, and helpers that build common kinds of calls."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from converter.targets.splunk.engine.language.expression_code import Compiled
from converter.targets.splunk.engine.language.syntax import String
from converter.targets.splunk.engine.language.values import number_of, text_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from converter.readers.source import Span
    from converter.targets.splunk.engine.language.expression_code import Compiler, Kind, Run
    from converter.targets.splunk.engine.language.syntax import Call
    from converter.targets.splunk.engine.language.values import Row

Prepared = TypeVar("Prepared")
Build: TypeAlias = "Callable[[Compiler, Call], Compiled]"


@dataclass(frozen=True, slots=True)
class Function:
    """A function: how many arguments it takes (`most` None is any number), and how a call of it is compiled."""

    least: int
    most: int | None
    build: Build

    def arity(self) -> str:
        """Say how many arguments the function takes."""
        if self.most is None:
            return f"at least {self.least} argument{'' if self.least == 1 else 's'}"
        if self.least == self.most:
            return f"{self.least or 'no'} argument{'' if self.least == 1 else 's'}"
        return f"{self.least} to {self.most} arguments"


def arguments(compiler: Compiler, call: Call) -> list[Compiled]:
    """Compile the arguments of a call."""
    return [compiler.compile(argument) for argument in call.arguments]


def single(compiler: Compiler, value: Any, name: str, span: Span) -> Any:
    """Return a value that is not multivalue.

    Raises:
        QueryError: it is.
    """
    if type(value) is list:
        raise compiler.error(
            f"{name}() on a multivalue field", span, "pick a value with mvindex, or use mvfilter or mvmap"
        )
    return value


def text_argument(compiler: Compiler, call: Call, argument: Compiled, *, numbers: bool = True) -> Run:
    """Return a closure that gives the text of an argument, or None.

    Args:
        compiler: the compiler of the call.
        call: the call.
        argument: the argument.
        numbers: whether Splunk takes a number that is written down as a text.

    Raises:
        QueryError: the argument is a condition or a written null; when run: it is multivalue.
    """
    refuse(compiler, call, argument, ("bool", "null"))
    if not numbers and argument.constant:
        refuse(compiler, call, argument, ("number",))
    get, name, span = argument.run, call.function, call.span

    def run(row: Row) -> str | None:
        value = get(row)
        if type(value) is str or value is None:
            return value
        return text_of(single(compiler, value, name, span))

    return run


def number_argument(compiler: Compiler, call: Call, argument: Compiled) -> Run:
    """Return a closure that gives the number of an argument, or None if it is none.

    Raises:
        QueryError: the argument is a condition, a written text or a written null; when run: it is multivalue.
    """
    refuse(compiler, call, argument, ("bool", "null", "string") if argument.constant else ("bool", "null"))
    get, name, span = argument.run, call.function, call.span

    def run(row: Row) -> int | float | None:
        return number_of(single(compiler, get(row), name, span))

    return run


def refuse(compiler: Compiler, call: Call, argument: Compiled, kinds: tuple[Kind, ...]) -> None:
    """Refuse an argument of one of some kinds.

    Raises:
        QueryError: the argument is of such a kind.
    """
    if argument.kind in kinds:
        raise compiler.error(f"{call.function}() does not take a {argument.kind} argument here", call.span)


def condition_argument(compiler: Compiler, call: Call, argument: Compiled) -> Run:
    """Return the closure of an argument that must be a condition.

    Raises:
        QueryError: it is none.
    """
    if argument.kind != "bool":
        raise compiler.error(f"{call.function}() needs a condition where a {argument.kind} value stands", call.span)
    return argument.run


def text_function(least: int, most: int, kind: Kind, compute: Callable[..., Any], *, numbers: bool = True) -> Function:
    """Return a function of texts: null if any argument is null; `numbers` as in `text_argument`."""

    def build(compiler: Compiler, call: Call) -> Compiled:
        compiled = arguments(compiler, call)
        gets = [text_argument(compiler, call, argument, numbers=numbers) for argument in compiled]
        return Compiled(_strict(gets, compute), kind, all(argument.constant for argument in compiled))

    return Function(least, most, build)


def number_function(least: int, most: int, compute: Callable[..., Any], kind: Kind = "number") -> Function:
    """Return a function of numbers: null if any argument is not a number."""

    def build(compiler: Compiler, call: Call) -> Compiled:
        compiled = arguments(compiler, call)
        gets = [number_argument(compiler, call, argument) for argument in compiled]
        return Compiled(_strict(gets, compute), kind, all(argument.constant for argument in compiled))

    return Function(least, most, build)


def _strict(gets: list[Run], compute: Callable[..., Any]) -> Run:
    if len(gets) == 1:
        get = gets[0]

        def run_one(row: Row) -> Any:
            value = get(row)
            return None if value is None else compute(value)

        return run_one

    def run(row: Row) -> Any:
        values = [get(row) for get in gets]
        return None if None in values else compute(*values)

    return run


def prepared(compiler: Compiler, call: Call, index: int, prepare: Callable[[str], Prepared]) -> Callable[[Row], Any]:
    """Return a closure that gives what is made of a text argument, such as a pattern or a format; None for null.

    What is written down is prepared once, and its errors show when compiling; other texts are prepared when they come.

    Raises:
        QueryError: the argument is not a text; or what `prepare` raises.
    """
    argument = call.arguments[index]
    if isinstance(argument, String):
        made = prepare(argument.value)
        return lambda _: made
    get = text_argument(compiler, call, compiler.compile(argument), numbers=False)
    cached = lru_cache(maxsize=256)(prepare)

    def run(row: Row) -> Prepared | None:
        text = get(row)
        return None if text is None else cached(text)

    return run


def packed(values: list[Any]) -> Any:
    """Return values as a row would hold them: none, the one, or a list."""
    return values if len(values) > 1 else values[0] if values else None


def literal(call: Call, index: int, compiler: Compiler, what: str) -> str:
    """Return the text that is written as an argument.

    Raises:
        QueryError: the argument is not a text in double quotes.
    """
    argument = call.arguments[index]
    if not isinstance(argument, String):
        raise compiler.error(f"{call.function}() needs {what} in double quotes here", call.span)
    return argument.value
