"""Functions of texts: `lower`, `substr`, `replace`, `match`, `like`, `cidrmatch`, `tostring`, hashes ..."""

from __future__ import annotations

import hashlib
import re
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from converter.targets.splunk.compiled import Compiled
from converter.targets.splunk.functions_base import (
    Function,
    arguments,
    literal,
    single,
    text_argument,
    text_function,
)
from converter.targets.splunk.regexes import clean, finder, searcher
from converter.targets.splunk.search import inside, parse_network
from converter.targets.splunk.syntax import String
from converter.targets.splunk.values import number_of, text_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from converter.errors import QueryError
    from converter.targets.splunk.compiled import Compiler, Run
    from converter.targets.splunk.syntax import Call, Span
    from converter.targets.splunk.values import Row

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
    subject, expression = arguments(compiler, call)
    get = _subject(compiler, "match", subject, call.span)

    def fail(message: str) -> QueryError:
        return compiler.error(message, call.arguments[1].span)

    if isinstance(call.arguments[1], String):
        search = searcher(call.arguments[1].value, fail)
        return Compiled(_any_value(get, lambda text: search(text) is not None), "bool")
    pattern = text_argument(compiler, call, expression)

    def run(row: Row) -> bool | None:
        wanted = pattern(row)
        if wanted is None:
            return None
        search = searcher(wanted, fail)
        result: bool | None = _any_value(get, lambda text: search(text) is not None)(row)
        return result

    return Compiled(run, "bool")


def like(compiler: Compiler, compiled: tuple[Compiled, Compiled], span: Span) -> Compiled:
    """Compile `x LIKE pattern`: `%` is any text, `_` is any character, case counts.

    Raises:
        QueryError: an argument is a condition or null.
    """
    get = _subject(compiler, "like", compiled[0], span)
    pattern = _subject(compiler, "like", compiled[1], span)

    def run(row: Row) -> bool | None:
        wanted = single(compiler, pattern(row), "like", span)
        if wanted is None:
            return None
        result: bool | None = _any_value(get, _like_test(text_of(wanted)))(row)
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
    text = literal(call, 0, compiler, "a network")
    network = parse_network(text)
    if network is None:
        raise compiler.error(f"{text!r} is no network", call.arguments[0].span, "for example: 10.0.0.0/8")
    get = _subject(compiler, "cidrmatch", compiler.compile(call.arguments[1]), call.span)
    return Compiled(_any_value(get, lambda address: inside(address, network)), "bool")


def _replace(compiler: Compiler, call: Call) -> Compiled:
    compiled = arguments(compiler, call)
    get = text_argument(compiler, call, compiled[0])
    find = finder(
        literal(call, 1, compiler, "a regular expression"),
        lambda message: compiler.error(message, call.arguments[1].span),
    )
    parts = _replacement(literal(call, 2, compiler, "a replacement"))

    def run(row: Row) -> str | None:
        text = get(row)
        if text is None:
            return None
        out: list[str] = []
        position = 0
        for found in find(text):
            out.append(text[position : found.start()])
            for part in parts:
                if isinstance(part, str):
                    out.append(part)
                elif part > found.re.groups:
                    raise compiler.error(
                        f"the replacement names the group \\{part}, which does not exist", call.arguments[2].span
                    )
                else:
                    out.append(found.group(part) or "")
            position = found.end()
        out.append(text[position:])
        return "".join(out)

    return Compiled(run, "string")


def _replacement(text: str) -> list[str | int]:
    r"""Split a replacement into literal texts and the numbers of groups (`\1`)."""
    pieces = re.split(r"\\(\d)", text)
    return [int(piece) if index % 2 else piece for index, piece in enumerate(pieces)]


def _substr(compiler: Compiler, call: Call) -> Compiled:
    compiled = arguments(compiler, call)
    get = text_argument(compiler, call, compiled[0])
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


def _tostring(compiler: Compiler, call: Call) -> Compiled:
    argument = compiler.compile(call.arguments[0])
    get = argument.run
    style = literal(call, 1, compiler, "a format") if len(call.arguments) > 1 else ""
    if style not in ("", "hex", "commas"):
        raise compiler.error(
            f"the format {style!r} of tostring() is not supported", call.arguments[1].span, "hex or commas"
        )

    def run(row: Row) -> str | None:
        value = single(compiler, get(row), "tostring", call.span)
        if value is None:
            return "Null" if not style else None
        if type(value) is bool:
            return "True" if value else "False"
        number = number_of(value)
        if not style or number is None:
            return text_of(value)
        return _hex(number) if style == "hex" else _commas(number)

    return Compiled(run, "string", argument.constant)


def _hex(number: float) -> str | None:
    return f"0x{int(number):X}" if number >= 0 else None


def _commas(number: float) -> str:
    if isinstance(number, int):
        return f"{number:,}"
    return f"{Decimal(repr(number)).quantize(Decimal('0.01'), ROUND_HALF_UP):,}"


def _tonumber(compiler: Compiler, call: Call) -> Compiled:
    compiled = arguments(compiler, call)
    get = text_argument(compiler, call, compiled[0])
    if len(compiled) == 1:
        return Compiled(lambda row: number_of(get(row)), "number")
    base = compiled[1].run({}) if compiled[1].constant and compiled[1].kind == "number" else None
    if not isinstance(base, int) or not 2 <= base <= 36:  # noqa: PLR2004
        raise compiler.error("the base of tonumber() must be a number from 2 to 36", call.span)

    def run(row: Row) -> int | None:
        text = get(row)
        try:
            return None if text is None else int(text, base)
        except ValueError:
            return None

    return Compiled(run, "number")


def _trim(left: bool, right: bool) -> Function:  # noqa: FBT001
    def compute(text: str, characters: str = _BLANKS) -> str:
        text = text.lstrip(characters) if left else text
        return text.rstrip(characters) if right else text

    return text_function(1, 2, "string", compute)


def _hash(name: str) -> Function:
    def compute(text: str) -> str:
        digest = hashlib.new(name, text.encode("utf-8", "surrogatepass"), usedforsecurity=False)
        return digest.hexdigest()

    return text_function(1, 1, "string", compute)


def _split(compiler: Compiler, call: Call) -> Compiled:
    compiled = arguments(compiler, call)
    get = _subject(compiler, "split", compiled[0], call.span)
    get_delimiter = text_argument(compiler, call, compiled[1])

    def run(row: Row) -> Any:
        value = get(row)
        delimiter = get_delimiter(row)
        if value is None or delimiter is None:
            return None
        if not delimiter:
            raise compiler.error("split() with an empty delimiter", call.span)
        values = value if type(value) is list else [value]
        parts = [part for item in values for part in text_of(item).split(delimiter)]
        return parts if len(parts) > 1 else parts[0]

    return Compiled(run, "any")


FUNCTIONS: dict[str, Function] = {
    "len": text_function(1, 1, "number", len),
    "lower": text_function(1, 1, "string", str.lower),
    "upper": text_function(1, 1, "string", str.upper),
    "trim": _trim(left=True, right=True),
    "ltrim": _trim(left=True, right=False),
    "rtrim": _trim(left=False, right=True),
    "substr": Function(2, 3, _substr),
    "replace": Function(3, 3, _replace),
    "match": Function(2, 2, _match),
    "like": Function(2, 2, _like),
    "cidrmatch": Function(2, 2, _cidrmatch),
    "split": Function(2, 2, _split),
    "tostring": Function(1, 2, _tostring),
    "tonumber": Function(1, 2, _tonumber),
    "md5": _hash("md5"),
    "sha1": _hash("sha1"),
    "sha256": _hash("sha256"),
    "sha512": _hash("sha512"),
}
