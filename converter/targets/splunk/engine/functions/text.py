"""Functions of texts: `lower`, `substr`, `replace`, `match`, `like`, `cidrmatch`, hashes ..."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from converter.readers.query_budget import check_size
from converter.targets.splunk.engine.functions.base import (
    Function,
    arguments,
    packed,
    prepared,
    refuse,
    single,
    text_argument,
    text_function,
)
from converter.targets.splunk.engine.language.expression_code import Compiled
from converter.targets.splunk.engine.language.regexes import clean, finder, searcher
from converter.targets.splunk.engine.language.search_predicate import inside, parse_network
from converter.targets.splunk.engine.language.syntax import String
from converter.targets.splunk.engine.language.values import number_of, text_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from converter.errors import QueryError
    from converter.readers.source import Span
    from converter.targets.splunk.engine.language.expression_code import Compiler, Run
    from converter.targets.splunk.engine.language.syntax import Call
    from converter.targets.splunk.engine.language.values import Row

_BLANKS = " \t"


def _any_value(get: Run, test: Callable[[str], bool]) -> Run:
    """Return a test that holds if it holds for any value of a field; null for null."""

    def run(row: Row) -> bool | None:
        value = get(row)
        if type(value) is str:
            return test(value)
        if value is None:
            return None
        if type(value) is list:
            return any(test(text_of(item)) for item in value)
        return test(text_of(value))

    return run


def _subject(compiler: Compiler, name: str, argument: Compiled, span: Span) -> Run:
    if argument.kind in ("bool", "null"):
        raise compiler.error(f"{name}() does not take a {argument.kind} argument here", span)
    return argument.run


def _match(compiler: Compiler, call: Call) -> Compiled:
    get = _subject(compiler, "match", compiler.compile(call.arguments[0]), call.span)
    pattern = prepared(compiler, call, 1, lambda text: searcher(text, _failing(compiler, call, 1)))

    def run(row: Row) -> bool | None:
        search = pattern(row)
        return None if search is None else _holds(get(row), search)

    return Compiled(run, "bool")


def _holds(value: Any, search: Callable[[str], Any]) -> bool | None:
    """Tell whether a search finds something in any value of a field; None for null."""
    if type(value) is str:
        return search(value) is not None
    if value is None:
        return None
    if type(value) is list:
        return any(search(text_of(item)) is not None for item in value)
    return search(text_of(value)) is not None


def _failing(compiler: Compiler, call: Call, index: int) -> Callable[[str], QueryError]:
    return lambda message: compiler.error(message, call.arguments[index].span)


def like(compiler: Compiler, compiled: tuple[Compiled, Compiled], span: Span) -> Compiled:
    """Compile `x LIKE pattern`: `%` is any text, `_` is any character, case counts.

    Raises:
        QueryError: an argument is a condition or null.
    """
    get = _subject(compiler, "like", compiled[0], span)
    pattern = _subject(compiler, "like", compiled[1], span)

    def run(row: Row) -> bool | None:
        form = single(compiler, pattern(row), "like", span)
        if form is None:
            return None
        result: bool | None = _any_value(get, _like_test(text_of(form)))(row)
        return result

    return Compiled(run, "bool")


@lru_cache(maxsize=512)
def _like_test(pattern: str) -> Callable[[str], bool]:
    import re2  # noqa: PLC0415 -- seldom needed

    body = "".join(
        "(?:.*)" if character == "%" else "." if character == "_" else re2.escape(character)
        for character in clean(pattern)
    )
    matches = re2.compile(rf"(?s)\A{body}\z").search
    return lambda text: matches(clean(text)) is not None


def _like(compiler: Compiler, call: Call) -> Compiled:
    subject, pattern = arguments(compiler, call)
    return like(compiler, (subject, pattern), call.span)


def _cidrmatch(compiler: Compiler, call: Call) -> Compiled:
    written = call.arguments[0]

    def network(text: str) -> Callable[[str], bool]:
        parsed = parse_network(text)
        if parsed is not None:
            return lambda address: inside(address, parsed)
        if isinstance(written, String):
            raise compiler.error(f"{text!r} is not a network", written.span, "for example: 10.0.0.0/8")
        return lambda _: False

    within = prepared(compiler, call, 0, network)
    get = _subject(compiler, "cidrmatch", compiler.compile(call.arguments[1]), call.span)

    def run(row: Row) -> bool | None:
        test = within(row)
        if test is None:
            return None
        result: bool | None = _any_value(get, test)(row)
        return result

    return Compiled(run, "bool")


def _replace(compiler: Compiler, call: Call) -> Compiled:
    get = text_argument(compiler, call, compiler.compile(call.arguments[0]), numbers=False)
    pattern = prepared(compiler, call, 1, lambda text: finder(text, _failing(compiler, call, 1)))
    replacement = prepared(compiler, call, 2, _replacement)
    missing = _failing(compiler, call, 2)

    def run(row: Row) -> str | None:
        text, find, parts = get(row), pattern(row), replacement(row)
        if text is None or find is None or parts is None:
            return None
        out: list[str] = []
        position = size = 0
        for match in find(text):
            out.append(text[position : match.start()])
            put = [part if isinstance(part, str) else _group(match, part, missing) for part in parts]
            size += sum(map(len, put))
            check_size(size, missing)
            out.extend(put)
            position = match.end()
        out.append(text[position:])
        return "".join(out)

    return Compiled(run, "string")


def _group(match: Any, number: int, missing: Callable[[str], QueryError]) -> str:
    if number > match.re.groups:
        raise missing(f"the replacement names the group \\{number}, which does not exist")
    return match.group(number) or ""


def _replacement(text: str) -> list[str | int]:
    r"""Split a replacement into literal texts and the numbers of groups (`\1`)."""
    pieces = re.split(r"\\(\d)", text)
    return [int(piece) if index % 2 else piece for index, piece in enumerate(pieces)]


def _substr(compiler: Compiler, call: Call) -> Compiled:
    compiled = arguments(compiler, call)
    get = text_argument(compiler, call, compiled[0], numbers=False)
    numbers = [argument.run for argument in compiled[1:]]

    def run(row: Row) -> str | None:
        text = get(row)
        positions = [number_of(single(compiler, number(row), "substr", call.span)) for number in numbers]
        if text is None or None in positions:
            return None
        whole = [int(position) for position in positions if position is not None]
        return _slice(text, whole[0], whole[1] if len(whole) > 1 else None)

    return Compiled(run, "string")


def _slice(text: str, start: int, length: int | None) -> str | None:
    """Return a part of a text: positions begin at 1, negative ones count from the end, as in SQLite."""
    if length is not None and length < 0:
        return None
    if start > 0:
        begin = start - 1
    elif start < 0:
        begin = len(text) + start
    else:
        begin = -1
    end = len(text) if length is None else begin + length
    return text[max(0, begin) : max(0, end)]


def _unquote(text: str) -> str | None:
    """Undo percent encoding; bytes that are not UTF-8 give null."""
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        return None


def _trim(left: bool, right: bool) -> Function:  # noqa: FBT001
    def compute(text: str, characters: str = _BLANKS) -> str:
        text = text.lstrip(characters) if left else text
        return text.rstrip(characters) if right else text

    return text_function(1, 2, "string", compute)


def _hash(name: str) -> Function:
    def compute(text: str) -> str:
        digest = hashlib.new(name, text.encode("utf-8", "surrogatepass"), usedforsecurity=False)
        return digest.hexdigest()

    return text_function(1, 1, "string", compute, numbers=False)


def _each(compute: Callable[[str], str]) -> Function:
    """Return a function of a text that takes a multivalue field, too, and then gives one."""

    def build(compiler: Compiler, call: Call) -> Compiled:
        argument = compiler.compile(call.arguments[0])
        refuse(compiler, call, argument, ("bool", "null", "number") if argument.constant else ("bool", "null"))
        get = argument.run

        def run(row: Row) -> Any:
            value = get(row)
            if type(value) is str:
                return compute(value)
            if value is None:
                return None
            if type(value) is list:
                return [compute(text_of(item)) for item in value]
            return compute(text_of(value))

        return Compiled(run, "string", argument.constant)

    return Function(1, 1, build)


def _split(compiler: Compiler, call: Call) -> Compiled:
    compiled = arguments(compiler, call)
    get = _subject(compiler, "split", compiled[0], call.span)
    get_delimiter = text_argument(compiler, call, compiled[1], numbers=False)

    def run(row: Row) -> Any:
        value = get(row)
        delimiter = get_delimiter(row)
        if value is None or delimiter is None:
            return None
        values = value if type(value) is list else [value]
        parts = [part for item in values for part in (text_of(item).split(delimiter) if delimiter else text_of(item))]
        return packed(parts)

    return Compiled(run, "any")


FUNCTIONS: dict[str, Function] = {
    "len": text_function(1, 1, "number", len, numbers=False),
    "length": text_function(1, 1, "number", len, numbers=False),
    "lower": _each(str.lower),
    "upper": _each(str.upper),
    "urldecode": text_function(1, 1, "string", _unquote, numbers=False),
    "trim": _trim(left=True, right=True),
    "ltrim": _trim(left=True, right=False),
    "rtrim": _trim(left=False, right=True),
    "substr": Function(2, 3, _substr),
    "replace": Function(3, 3, _replace),
    "match": Function(2, 2, _match),
    "like": Function(2, 2, _like),
    "cidrmatch": Function(2, 2, _cidrmatch),
    "split": Function(2, 2, _split),
    "md5": _hash("md5"),
    "sha1": _hash("sha1"),
    "sha256": _hash("sha256"),
    "sha512": _hash("sha512"),
}
