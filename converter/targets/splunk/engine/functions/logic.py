"""Functions about conditions, null and types: `if`, `case`, `coalesce`, `isnull`, `in`, `searchmatch` ..."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from converter.errors import QueryError
from converter.readers.source import Source
from converter.targets.splunk.engine.functions.base import Function, arguments, condition_argument, literal
from converter.targets.splunk.engine.language.expression_code import Compiled
from converter.targets.splunk.engine.language.search_parser import parse_search_text
from converter.targets.splunk.engine.language.search_predicate import compile_search
from converter.targets.splunk.engine.language.values import number_of, text_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from converter.targets.splunk.engine.language.expression_code import Compiler, Kind
    from converter.targets.splunk.engine.language.syntax import Call
    from converter.targets.splunk.engine.language.values import Row


def _joint_kind(branches: list[Compiled], compiler: Compiler, call: Call) -> Kind:
    """Return the kind of a value that comes from one of several branches."""
    kinds = {branch.kind for branch in branches} - {"null"}
    if "bool" in kinds and kinds != {"bool"}:
        raise compiler.error(f"{call.function}() gives a condition or a value", call.span, "give the same in each case")
    if not kinds:
        return "null"
    return kinds.pop() if len(kinds) == 1 else "any"


def _if(compiler: Compiler, call: Call) -> Compiled:
    condition, yes, no = arguments(compiler, call)
    test = condition_argument(compiler, call, condition)
    then, otherwise = yes.run, no.run
    kind = _joint_kind([yes, no], compiler, call)
    return Compiled(lambda row: then(row) if test(row) else otherwise(row), kind)


def _pairs(compiler: Compiler, call: Call, *, name: str, deciding: bool) -> Compiled:
    compiled = arguments(compiler, call)
    if len(compiled) % 2:
        raise compiler.error(f"{name}() takes pairs of a condition and a value", call.span)
    pairs = [
        (condition_argument(compiler, call, condition), value.run)
        for condition, value in zip(compiled[::2], compiled[1::2], strict=True)
    ]

    def run(row: Row) -> Any:
        for test, value in pairs:
            if bool(test(row)) is deciding:
                return value(row)
        return None

    return Compiled(run, _joint_kind(compiled[1::2], compiler, call))


_case = partial(_pairs, name="case", deciding=True)
_validate = partial(_pairs, name="validate", deciding=False)


def _coalesce(compiler: Compiler, call: Call) -> Compiled:
    compiled = arguments(compiler, call)
    runs = [argument.run for argument in compiled]

    def run(row: Row) -> Any:
        for get in runs:
            if (value := get(row)) is not None:
                return value
        return None

    return Compiled(run, _joint_kind(compiled, compiler, call))


def _nullif(compiler: Compiler, call: Call) -> Compiled:
    first, second = arguments(compiler, call)
    same = _equals(textual="string" in (first.kind, second.kind))
    if "bool" in (first.kind, second.kind):
        raise compiler.error("nullif() takes values, not conditions", call.span)
    get, other = first.run, second.run

    def run(row: Row) -> Any:
        a, b = get(row), other(row)
        if type(a) is list or type(b) is list:
            raise compiler.error("nullif() on a multivalue field", call.span)
        return None if a is not None and b is not None and same(a, b) else a

    return Compiled(run, first.kind)


def _equals(*, textual: bool) -> Callable[[Any, Any], bool]:
    def run(a: Any, b: Any) -> bool:
        if not textual and (x := number_of(a)) is not None and (y := number_of(b)) is not None:
            return x == y
        return text_of(a) == text_of(b)

    return run


def _in(compiler: Compiler, call: Call) -> Compiled:
    subject, *members = arguments(compiler, call)
    if "bool" in (subject.kind, *(member.kind for member in members)):
        raise compiler.error("in() takes values, not conditions", call.span)
    tests = [(member.run, _equals(textual="string" in (subject.kind, member.kind))) for member in members]
    get = subject.run

    def run(row: Row) -> bool | None:
        value = get(row)
        if value is None:
            return None
        # A multivalue field is in the list if any of its values is, as = would have it.
        values = value if type(value) is list else [value]
        for member, same in tests:
            members = member(row)
            for item_of_list in members if type(members) is list else [members]:
                if item_of_list is not None and any(same(item, item_of_list) for item in values):
                    return True
        return False

    return Compiled(run, "bool")


def _about(test: Callable[[Any], bool]) -> Function:
    """Return a function of one value that is about the value itself, and so answers for null, too."""

    def build(compiler: Compiler, call: Call) -> Compiled:
        get = arguments(compiler, call)[0].run
        return Compiled(lambda row: test(get(row)), "bool")

    return Function(1, 1, build)


def _about_type(name: str, test: Callable[[Any], bool]) -> Function:
    def build(compiler: Compiler, call: Call) -> Compiled:
        argument = arguments(compiler, call)[0]
        get = argument.run
        written_text = argument.kind == "string" and argument.constant

        def run(row: Row) -> bool:
            value = get(row)
            if type(value) is list:
                raise compiler.error(f"{name}() on a multivalue field", call.span)
            if written_text:
                return name == "isstr"
            return test(value)

        return Compiled(run, "bool")

    return Function(1, 1, build)


def _is_number(value: Any) -> bool:
    return type(value) is not bool and number_of(value) is not None


def _is_whole(value: Any) -> bool:
    number = None if type(value) is bool else number_of(value)
    return number is not None and (type(number) is int or float(number).is_integer())


def _is_text(value: Any) -> bool:
    return type(value) is str and number_of(value) is None


def _constant(value: Any, kind: Kind) -> Function:
    return Function(0, 0, lambda _compiler, _call: Compiled(lambda _row: value, kind, constant=True))


def _typeof(compiler: Compiler, call: Call) -> Compiled:
    argument = arguments(compiler, call)[0]
    get = argument.run
    written_text = argument.kind == "string" and argument.constant

    def run(row: Row) -> str:
        match get(row):
            case None:
                return "Invalid"
            case bool():
                return "Bool"
            case list():
                return "Multivalue"
            case value:
                return "Number" if not written_text and number_of(value) is not None else "String"

    return Compiled(run, "string")


def _searchmatch(compiler: Compiler, call: Call) -> Compiled:
    text = literal(call, 0, compiler, "a search")
    try:
        predicate = compile_search(parse_search_text(text), Source(text, QueryError))
    except QueryError as problem:
        raise compiler.error(f"in the search of searchmatch(): {problem.message}", call.span, problem.hint) from None
    return Compiled(predicate, "bool")


FUNCTIONS: dict[str, Function] = {
    "if": Function(3, 3, _if),
    "case": Function(2, None, _case),
    "validate": Function(2, None, _validate),
    "coalesce": Function(1, None, _coalesce),
    "ifnull": Function(1, None, _coalesce),
    "nullif": Function(2, 2, _nullif),
    "in": Function(2, None, _in),
    "isnull": _about(lambda value: value is None),
    "isnotnull": _about(lambda value: value is not None),
    "ismv": _about(lambda value: type(value) is list),
    "isnum": _about_type("isnum", _is_number),
    "isint": _about_type("isint", _is_whole),
    "isdouble": _about_type("isdouble", lambda value: _is_number(value) and not _is_whole(value)),
    "isstr": _about_type("isstr", _is_text),
    "isbool": _about(lambda value: type(value) is bool),
    "null": _constant(None, "null"),
    "true": _constant(value=True, kind="bool"),
    "false": _constant(value=False, kind="bool"),
    "typeof": Function(1, 1, _typeof),
    "searchmatch": Function(1, 1, _searchmatch),
}
