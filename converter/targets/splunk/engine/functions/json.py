"""Functions of JSON: `json_extract`, `json_object`, `json_set`, `json_keys`, `isobject`, `spath` ...

    arguments ──document──> Python values ──json_values──> ... ──dumps──> text

A field holds JSON as text. What goes into an object or an array keeps its type: a condition is a truth value, a number
a number, and a text that is the JSON of an object or array is that object or array.
"""

from __future__ import annotations

from copy import deepcopy
from functools import partial
from typing import TYPE_CHECKING, Any

from converter.targets.splunk.engine.functions.base import (
    Function,
    packed,
    prepared,
    text_argument,
)
from converter.targets.splunk.engine.language.expression_code import Compiled
from converter.targets.splunk.engine.language.json_values import (
    NOTHING,
    PathError,
    Step,
    TooDeepError,
    change,
    container,
    delete,
    dumps,
    follow,
    loads,
    native,
    steps,
)
from converter.targets.splunk.engine.language.syntax import String
from converter.targets.splunk.engine.language.values import number_of, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from converter.targets.splunk.engine.functions.base import Build
    from converter.targets.splunk.engine.language.expression_code import Compiler, Kind, Run
    from converter.targets.splunk.engine.language.syntax import Call
    from converter.targets.splunk.engine.language.values import Row


def safe(build: Build) -> Build:
    """Return a build whose closures tell of documents that are nested too deeply."""

    def build_safely(compiler: Compiler, call: Call) -> Compiled:
        compiled = build(compiler, call)
        inner = compiled.run

        def run(row: Row) -> Any:
            try:
                return inner(row)
            except (TooDeepError, RecursionError):
                raise compiler.error(f"{call.function}() of JSON that is nested too deeply", call.span) from None

        return Compiled(run, compiled.kind, compiled.constant)

    return build_safely


def _text(compiler: Compiler, call: Call, index: int = 0) -> Run:
    return text_argument(compiler, call, compiler.compile(call.arguments[index]))


def _value(compiler: Compiler, call: Call, index: int) -> Run:
    """Return a closure that gives an argument as a JSON value.

    Raises:
        QueryError: a written text that is the JSON of an object or array: whether it stays a text is not documented.
    """
    argument = call.arguments[index]
    compiled = compiler.compile(argument)
    get = compiled.run
    if isinstance(argument, String):
        if container(argument.value) is not NOTHING:
            raise compiler.error(
                "a written text that is JSON as a value", argument.span, "say which is meant with json()"
            )
        return get
    if compiled.kind in ("bool", "number", "null"):
        return get

    def run(row: Row) -> Any:
        value = get(row)
        return [_typed(item) for item in value] if type(value) is list else _typed(value)

    return run


def _typed(value: Any) -> Any:
    if type(value) is not str:
        return value
    document = container(value)
    if document is not NOTHING:
        return document
    number = number_of(value)
    return number if number is not None and text_of(number) == value else value


def _path(compiler: Compiler, call: Call, index: int) -> Callable[[Row], tuple[Step, ...] | None]:
    def prepare(text: str) -> tuple[Step, ...]:
        try:
            return steps(text)
        except PathError as problem:
            raise compiler.error(str(problem), call.arguments[index].span, "a path is a.b{}.c{2}") from None

    return prepared(compiler, call, index, prepare)


def _key(compiler: Compiler, call: Call, index: int) -> Callable[[Row], tuple[Step, ...] | None]:
    return prepared(compiler, call, index, lambda text: (text,))


# --- reading ---


def _extract(read: Callable[[Compiler, Call, int], Callable[[Row], tuple[Step, ...] | None]]) -> Function:
    def build(compiler: Compiler, call: Call) -> Compiled:
        get = _text(compiler, call)
        paths = [read(compiler, call, index) for index in range(1, len(call.arguments))]

        def run(row: Row) -> Any:
            text = get(row)
            document = NOTHING if text is None else loads(text)
            if document is NOTHING:
                return None
            values = [path(row) for path in paths]
            if not values:
                return native(document)
            if len(values) == 1:
                return None if values[0] is None else native(_at(document, values[0]))
            return dumps([None if path is None else _at(document, path) for path in values])

        return Compiled(run, "any")

    return Function(1, None, safe(build))


def _at(document: Any, path: tuple[Step, ...]) -> Any:
    """Return the value at a path: one value, or an array of them if the path asks for every element."""
    values = follow(document, path)
    if None in path:
        return values or None
    return values[0] if values else None


def _spath(compiler: Compiler, call: Call) -> Compiled:
    get = _text(compiler, call)
    get_path = _path(compiler, call, 1)

    def run(row: Row) -> Any:
        text, path = get(row), get_path(row)
        if text is None or path is None:
            return None
        if text.lstrip()[:1] == "<":
            raise compiler.error("spath() of XML is not supported", call.span)
        document = loads(text)
        if document is NOTHING:
            return None
        return packed([native(value) for value in follow(document, path) if value is not None])

    return Compiled(run, "any")


def _test(compute: Callable[[Any], bool], *, null: bool | None) -> Function:
    """Return a test of the document of a text, which is `NOTHING` if it is not JSON; `null` is the answer for null."""

    def build(compiler: Compiler, call: Call) -> Compiled:
        get = compiler.compile(call.arguments[0]).run

        def run(row: Row) -> bool | None:
            value = get(row)
            if value is None:
                return null
            return type(value) not in (list, bool) and compute(loads(text_of(value)))

        return Compiled(run, "bool")

    return Function(1, 1, build)


def _has_key(compiler: Compiler, call: Call) -> Compiled:
    get, get_key = _text(compiler, call), _text(compiler, call, 1)

    def run(row: Row) -> bool | None:
        text, key = get(row), get_key(row)
        document = NOTHING if text is None else loads(text)
        return key in document if isinstance(document, dict) and key is not None else None

    return Compiled(run, "bool")


def _of_document(compute: Callable[[str, Any], Any], kind: Kind = "any") -> Function:
    """Return a function of one text and its document; null if it is not JSON."""

    def build(compiler: Compiler, call: Call) -> Compiled:
        get = _text(compiler, call)

        def run(row: Row) -> Any:
            text = get(row)
            document = NOTHING if text is None else loads(text)
            return None if text is None or document is NOTHING else compute(text, document)

        return Compiled(run, kind)

    return Function(1, 1, safe(build))


def _json(text: str, document: Any) -> str:
    return dumps(document) if isinstance(document, (dict, list)) else text


def _keys(_text: str, document: Any) -> str | None:
    return dumps(list(document)) if isinstance(document, dict) else None


def _entries(_text: str, document: Any) -> str | None:
    if not isinstance(document, dict):
        return None
    return dumps([{"key": name, "value": value} for name, value in document.items()])


def _only(kind: type) -> Callable[[str, Any], str | None]:
    return lambda _text, document: dumps(document) if isinstance(document, kind) else None


# --- making and changing ---


def _object(compiler: Compiler, call: Call) -> Compiled:
    if len(call.arguments) % 2:
        raise compiler.error("json_object() takes pairs of a key and a value", call.span)
    pairs = [
        (
            text_argument(compiler, call, compiler.compile(call.arguments[index]), numbers=False),
            _value(compiler, call, index + 1),
        )
        for index in range(0, len(call.arguments), 2)
    ]

    def run(row: Row) -> str | None:
        members: dict[str, Any] = {}
        for get_key, get_value in pairs:
            key = get_key(row)
            if key is None:
                return None
            members[key] = get_value(row)
        return dumps(members)

    return Compiled(run, "string")


def _array(compiler: Compiler, call: Call) -> Compiled:
    gets = [_value(compiler, call, index) for index in range(len(call.arguments))]
    return Compiled(lambda row: dumps([get(row) for get in gets]), "string")


Change = tuple[tuple[Step, ...] | None, Any]


def _changing(
    read: Callable[[Compiler, Call, int], Callable[[Row], tuple[Step, ...] | None]],
    apply: Callable[[Any, Sequence[Change], Callable[[str], Exception]], Any],
) -> Function:
    """Return a function of a document and pairs of a place and a value, which are applied from left to right."""

    def build(compiler: Compiler, call: Call) -> Compiled:
        if not len(call.arguments) % 2:
            raise compiler.error(f"{call.function}() takes pairs of a place and a value after the JSON", call.span)
        get = _text(compiler, call)
        pairs = [
            (read(compiler, call, index), _value(compiler, call, index + 1))
            for index in range(1, len(call.arguments), 2)
        ]

        def run(row: Row) -> str | None:
            text = get(row)
            document = NOTHING if text is None else container(text)
            if document is NOTHING:
                return None
            changes = [(path(row), value(row)) for path, value in pairs]
            return dumps(apply(document, changes, lambda message: compiler.error(message, call.span)))

        return Compiled(run, "string")

    return Function(3, None, safe(build))


def _set(document: Any, changes: Sequence[Change], _fail: Callable[[str], Exception]) -> Any:
    for path, value in changes:
        if path is not None:
            document = change(document, path, partial(_replaced, value), create=True)
    return document


def _append(document: Any, changes: Sequence[Change], _fail: Callable[[str], Exception]) -> Any:
    for path, value in changes:
        if path is not None:
            document = change(document, path, partial(_extended, [value]), create=False)
    return document


def _extend(document: Any, changes: Sequence[Change], fail: Callable[[str], Exception]) -> Any:
    for path, values in changes:
        if not isinstance(values, list):
            raise fail("json_extend() takes arrays as values")
        if path is not None:
            document = change(document, path, partial(_extended, values), create=False)
    return document


def _replaced(value: Any, _old: Any) -> Any:
    return deepcopy(value)


def _extended(values: list[Any], old: Any) -> list[Any]:
    return [*(old if isinstance(old, list) else [old]), *deepcopy(values)]


def _delete(compiler: Compiler, call: Call) -> Compiled:
    get = _text(compiler, call)
    gets = [_text(compiler, call, index) for index in range(1, len(call.arguments))]

    def run(row: Row) -> str | None:
        text = get(row)
        document = NOTHING if text is None else loads(text)
        if not isinstance(document, dict):
            return None
        for get_key in gets:
            key = get_key(row)
            listed = container(key)
            for name in listed if isinstance(listed, list) else [key]:
                if isinstance(name, str) and "{" in name:
                    raise compiler.error("json_delete() does not take elements of arrays", call.span)
                if isinstance(name, str):
                    delete(document, tuple(name.split(".")))
        return dumps(document)

    return Compiled(run, "string")


_ANY = None
FUNCTIONS: dict[str, Function] = {
    "json": _of_document(_json),
    "json_array": Function(0, _ANY, safe(_array)),
    "json_object": Function(0, _ANY, safe(_object)),
    "json_valid": _test(lambda document: document is not NOTHING, null=None),
    "json_keys": _of_document(_keys, "string"),
    "json_entries": _of_document(_entries, "string"),
    "json_extract": _extract(_path),
    "json_extract_exact": _extract(_key),
    "json_has_key_exact": Function(2, 2, _has_key),
    "json_set": _changing(_path, _set),
    "json_set_exact": _changing(_key, _set),
    "json_append": _changing(_path, _append),
    "json_extend": _changing(_path, _extend),
    "json_delete": Function(2, _ANY, safe(_delete)),
    "toobject": _of_document(_only(dict), "string"),
    "isarray": _test(lambda document: isinstance(document, list), null=False),
    "isobject": _test(lambda document: isinstance(document, dict), null=False),
    "spath": Function(2, 2, safe(_spath)),
}
