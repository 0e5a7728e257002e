"""Functions between multivalue fields and JSON arrays: `json_array_to_mv`, `mv_to_json_array`, `toarray`, `tomv`.

    ["a",1]  <──>  a, 1

Values of a field are texts; whether an array gets texts or what they read as, a flag says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from converter.targets.splunk.engine.functions.base import Function, condition_argument, packed, refuse, text_argument
from converter.targets.splunk.engine.functions.json import safe
from converter.targets.splunk.engine.language.expression_code import Compiled
from converter.targets.splunk.engine.language.json_values import container, dumps, inferred, shown
from converter.targets.splunk.engine.language.values import text_of, values_of

if TYPE_CHECKING:
    from converter.targets.splunk.engine.language.expression_code import Compiler
    from converter.targets.splunk.engine.language.syntax import Call
    from converter.targets.splunk.engine.language.values import Row


def _flag(compiler: Compiler, call: Call) -> bool:
    """Return the second argument, which must be `true()` or `false()`; false if it is not there."""
    if len(call.arguments) < 2:  # noqa: PLR2004
        return False
    argument = compiler.compile(call.arguments[1])
    condition = condition_argument(compiler, call, argument)
    if not argument.constant:
        raise compiler.error(f"{call.function}() takes true() or false() here", call.arguments[1].span)
    return bool(condition({}))


def _from_array(document: Any, *, quoted: bool) -> Any:
    if not isinstance(document, list):
        return None
    return packed([dumps(item) if quoted and isinstance(item, str) else shown(item) for item in document])


def _array_to_mv(compiler: Compiler, call: Call) -> Compiled:
    get = text_argument(compiler, call, compiler.compile(call.arguments[0]))
    quoted = _flag(compiler, call)

    def run(row: Row) -> Any:
        text = get(row)
        return None if text is None else _from_array(container(text), quoted=quoted)

    return Compiled(run, "any")


def _tomv(compiler: Compiler, call: Call) -> Compiled:
    argument = compiler.compile(call.arguments[0])
    refuse(compiler, call, argument, ("bool", "null"))
    get = argument.run

    def run(row: Row) -> Any:
        value = get(row)
        return value if type(value) is list else _from_array(container(value), quoted=True)

    return Compiled(run, "any")


def _to_array(values: list[Any], *, infer: bool) -> str:
    texts = [text_of(value) for value in values]
    return dumps([inferred(text) for text in texts] if infer else texts)


def _mv_to_array(compiler: Compiler, call: Call) -> Compiled:
    argument = compiler.compile(call.arguments[0])
    refuse(compiler, call, argument, ("bool", "null"))
    get = argument.run
    infer = _flag(compiler, call)

    def run(row: Row) -> str | None:
        values = values_of(get(row))
        return _to_array(values, infer=infer) if values else None

    return Compiled(run, "string")


def _toarray(compiler: Compiler, call: Call) -> Compiled:
    argument = compiler.compile(call.arguments[0])
    refuse(compiler, call, argument, ("bool", "null"))
    get = argument.run

    def run(row: Row) -> str | None:
        value = get(row)
        if type(value) is list:
            return _to_array(value, infer=True)
        document = container(value)
        return dumps(document) if isinstance(document, list) else None

    return Compiled(run, "string")


FUNCTIONS: dict[str, Function] = {
    "json_array_to_mv": Function(1, 2, safe(_array_to_mv)),
    "mv_to_json_array": Function(1, 2, safe(_mv_to_array)),
    "toarray": Function(1, 1, safe(_toarray)),
    "tomv": Function(1, 1, safe(_tomv)),
}
