r"""Commands that take fields out of texts, and rewrite texts by expressions: `rex` with `mode=sed`, `spath`.

rex mode=sed "s/(\d+)-/\1_/g"  ──>  Sed(pattern, replacement=(1, "_"), occurrence=0)
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, assert_never

import orjson

from converter.readers.query_budget import check_size, made
from converter.readers.source import NOWHERE
from converter.targets.splunk.engine.commands.base import Command
from converter.targets.splunk.engine.language.lex import unescape
from converter.targets.splunk.engine.language.regexes import clean, finder, group_names
from converter.targets.splunk.engine.language.syntax import CommandNode
from converter.targets.splunk.engine.language.values import leaves, put, text_of, values_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from converter.errors import QueryError
    from converter.readers.source import Span
    from converter.targets.splunk.engine.commands.base import SearchContext, Stage
    from converter.targets.splunk.engine.language.lex import Scanner
    from converter.targets.splunk.engine.language.values import Row

_FLAGS = re.compile(r"\s*(g|[1-9][0-9]{0,5})?\s*")
_MAX_GROUP_NAME = 32
_STEP = re.compile(r"([^{}]+)((?:\{\})*)")


@dataclass(frozen=True, slots=True)
class Rex(CommandNode):
    """`rex field=... "(?<name>...)"`; `max_match` 0 means no limit."""

    field: str
    pattern: str
    max_match: int
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Sed(CommandNode):
    """`rex mode=sed "s/pattern/replacement/flags"`; `occurrence` 0 is every match, N the Nth only."""

    field: str
    pattern: str
    replacement: tuple[str | int, ...]
    occurrence: int
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Transliterate(CommandNode):
    """`rex mode=sed "y/abc/xyz/"`: each character of the first becomes the one of the second at its place."""

    field: str
    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Spath(CommandNode):
    """`spath input=... path=... output=...`; no path means every leaf."""

    source: str
    path: str | None
    output: str | None
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


def _read_rex(scanner: Scanner, span: Span) -> Rex | Sed | Transliterate:
    """Read `rex field=name "(?<group>...)" max_match=N`, or `rex mode=sed field=name "s/a/b/g"`."""
    field = "_raw"
    pattern: str | None = None
    at = span
    max_match = 1
    is_sed = False
    while not scanner.at_command_end():
        start = scanner.offset
        match REX.option(scanner):
            case "":
                if scanner.peek() != '"' or pattern is not None:
                    raise scanner.error(f"expected one expression in quotes, found {scanner.describe()}")
                pattern = unescape(scanner.quoted())
                at = scanner.span(start)
            case "field":
                field = scanner.name("a field")
            case "max_match":
                max_match = scanner.integer("a number of matches")
            case "mode":
                if (mode := scanner.value("a mode").lower()) != "sed":
                    raise scanner.error(f"mode={mode} of rex is not supported", scanner.span(start), "mode=sed")
                is_sed = True
    if pattern is None:
        raise scanner.error("rex without an expression", span)
    if is_sed:
        return _read_sed(scanner, field, pattern, at)
    return Rex(field, pattern, max_match, at)


def _read_sed(scanner: Scanner, field: str, expression: str, span: Span) -> Sed | Transliterate:
    """Read a sed expression: `s/pattern/replacement/flags` or `y/abc/xyz/`.

    Raises:
        QueryError: it is none of the two, or has flags that Splunk does not know.
    """
    kind = expression[0:1]
    if kind not in ("s", "y") or expression[1:2] != "/":
        raise scanner.error("a sed expression that is neither s/// nor y///", span)
    parts = _slashed(expression[2:])
    if len(parts) != 3:  # noqa: PLR2004
        raise scanner.error("a sed expression without three slashes", span, r"write \/ for a slash in it")
    first, second, flags = parts
    if kind == "y":
        source, target = (part.replace("\\/", "/") for part in (first, second))
        if len(source) != len(target) or flags.strip() or "\\" in source + target:
            raise scanner.error("y/// with two texts of different lengths, flags or escapes", span)
        return Transliterate(field, source, target)
    match = _FLAGS.fullmatch(flags)
    if match is None:
        raise scanner.error(f"the flags {flags[:40]!r} of s/// are not supported", span, "g, or the number of a match")
    flag = match.group(1)
    occurrence = 1 if flag is None else 0 if flag == "g" else int(flag)
    return Sed(field, first.replace("\\/", "/"), _replacement(scanner, second, span), occurrence, span)


def _slashed(text: str) -> list[str]:
    """Split at the slashes that no backslash stands before."""
    parts = [""]
    position = 0
    while position < len(text):
        if text[position] == "\\":
            parts[-1] += text[position : position + 2]
            position += 2
        elif text[position] == "/":
            parts.append("")
            position += 1
        else:
            parts[-1] += text[position]
            position += 1
    return parts


def _replacement(scanner: Scanner, text: str, span: Span) -> tuple[str | int, ...]:
    r"""Split a replacement into texts and numbers of groups (`\1`)."""
    parts: list[str | int] = []
    piece = ""
    position = 0
    while position < len(text):
        character = text[position]
        following = text[position + 1 : position + 2]
        if character == "&":
            raise scanner.error(
                "& in the replacement of s///", span, r"whether it is the match is not documented; use \1"
            )
        if character != "\\":
            piece += character
            position += 1
            continue
        if following.isdecimal() and following.isascii():
            parts += [piece, int(following)]
            piece = ""
        elif following in ("/", "\\", "&"):
            piece += following
        elif following in ("n", "t"):
            piece += "\n" if following == "n" else "\t"
        else:
            raise scanner.error(f"an escape of {following!r} in the replacement of s///", span)
        position += 2
    return tuple(part for part in (*parts, piece) if part != "")


def _compile_rex(command: Rex | Sed | Transliterate, context: SearchContext) -> Stage:
    """Set fields from the groups of an expression, or rewrite a field.

    Raises:
        QueryError: the expression cannot be run.
    """
    match command:
        case Rex():
            return _compile_groups(command, context)
        case Sed():
            return _compile_sed(command, context)
        case Transliterate():
            return _compile_transliterate(command)
        case _:
            assert_never(command)


def _compile_groups(command: Rex, context: SearchContext) -> Stage:
    """Set a field for each named group of the matches; rows that do not match stay as they are.

    Raises:
        QueryError: the expression has no named group, or one with a name that PCRE does not allow.
    """

    def fail(message: str) -> QueryError:
        return context.error(message, command.span)

    find = finder(command.pattern, fail)
    groups = group_names(command.pattern, fail)
    if not groups:
        raise context.error("rex with an expression that names no group", command.span, "for example: (?<user>.+)")
    if long := next((name for name in groups if len(name) > _MAX_GROUP_NAME), ""):
        raise context.error(f"the group name {long!r} is longer than {_MAX_GROUP_NAME} characters", command.span)
    limit = command.max_match

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            matches = [
                match
                for value in values_of(row.get(command.field))
                for match in (find(text_of(value))[:limit] if limit else find(text_of(value)))
            ]
            for name in groups:
                captured = [group for match in matches if (group := match.group(name)) is not None]
                if captured:
                    put(row, name, captured)
            yield row

    return run


def _compile_sed(command: Sed, context: SearchContext) -> Stage:
    """Replace the first match, every match, or the one of a number, in each value of a field.

    Raises:
        QueryError: the pattern is not a regular expression; when run: the replacement has a group that it has not.
    """
    fail = partial(context.error, span=command.span)
    find = finder(command.pattern, fail)

    def replaced(value: str) -> str:
        pieces: list[str] = []
        end = size = 0
        for number, match in enumerate(find(value), 1):
            if command.occurrence not in (0, number):
                continue
            pieces.append(value[end : match.start()])
            put = [part if isinstance(part, str) else _group(match, part) for part in command.replacement]
            size += sum(map(len, put))
            check_size(size, fail)
            pieces += put
            end = match.end()
        return made("".join((*pieces, value[end:])), fail)

    def _group(match: Any, number: int) -> str:
        try:
            return match.group(number) or ""
        except (IndexError, KeyError):
            raise context.error(
                rf"the replacement has \{number}, and the expression no such group", command.span
            ) from None

    return _rewriting(command.field, lambda value: replaced(clean(value)))


def _rewriting(name: str, function: Callable[[str], str]) -> Stage:
    def run(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            if name in row:
                put(row, name, [function(text_of(value)) for value in values_of(row[name])])
            yield row

    return run


def _compile_transliterate(command: Transliterate) -> Stage:
    """Replace characters of a field by others, one for one."""
    characters = str.maketrans(dict(reversed(list(zip(command.source, command.target, strict=True)))))
    return _rewriting(command.field, lambda value: value.translate(characters))


def _read_spath(scanner: Scanner, span: Span) -> Spath:
    """Read `spath input=... path=... output=...`; a bare word is the path."""
    source = "_raw"
    path: str | None = None
    output: str | None = None
    while not scanner.at_command_end():
        match SPATH.option(scanner):
            case "" if path is None:
                path = scanner.name("a path")
            case "":
                raise scanner.error(f"unexpected {scanner.describe()} in spath", hint="it takes one path")
            case "input":
                source = scanner.name("a field")
            case "path":
                path = scanner.value("a path")
            case "output":
                output = scanner.name("a field")
    if output is not None and path is None:
        raise scanner.error("spath with an output and no path", span)
    if path is not None and any(character in path for character in "@*"):
        raise scanner.error(f"the path {path!r} is not supported", span, "a path is a.b{}.c")
    return Spath(source, path, output, span)


def _compile_spath(command: Spath, context: SearchContext) -> Stage:
    """Return the stage of `spath`.

    Raises:
        QueryError: the path holds what this engine does not know, such as the number of an element.
    """
    read = leaves if command.path is None else _one_path(command, context)

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            for value in values_of(row.get(command.source)):
                try:
                    document = orjson.loads(text_of(value))
                except orjson.JSONDecodeError:
                    continue
                for name, leaf in read(document).items():
                    put(row, name, leaf)
            yield row

    return run


def _one_path(command: Spath, context: SearchContext) -> Callable[[Any], dict[str, Any]]:
    path = command.path or ""
    steps: list[tuple[str, int]] = []
    for part in path.split("."):
        match = _STEP.fullmatch(part)
        if match is None:
            raise context.error(f"the path {path!r} is not supported", command.span, "a path is a.b{}.c")
        steps.append((match.group(1), len(match.group(2)) // 2))
    target = command.output or path

    def read(document: Any) -> dict[str, Any]:
        leaves_there = _follow(document, steps)
        return {target: [_shown(value) for value in leaves_there]} if leaves_there else {}

    return read


def _follow(document: Any, steps: list[tuple[str, int]]) -> list[Any]:
    values = [document]
    for name, levels in steps:
        values = [value[name] for value in values if isinstance(value, dict) and name in value]
        for _ in range(levels):
            values = [item for value in values if isinstance(value, list) for item in value]
    return [value for value in values if value is not None]


def _shown(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return orjson.dumps(value).decode()
    if isinstance(value, bool):
        return "true" if value else "false"
    return text_of(value)


REX: Command[Rex | Sed | Transliterate] = Command(
    "rex",
    _read_rex,
    _compile_rex,
    (Rex, Sed, Transliterate),
    arguments="an expression with named groups, or one of sed",
    options=("field", "max_match", "mode"),
    streaming=True,
    row_by_row=True,
)
SPATH = Command(
    "spath",
    _read_spath,
    _compile_spath,
    (Spath,),
    arguments="a path such as `a.b{}.c`",
    options=("input", "path", "output"),
    streaming=True,
)

COMMANDS: tuple[Command[Any], ...] = (REX, SPATH)
