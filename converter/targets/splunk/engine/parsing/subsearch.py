"""The commands that hold searches in square brackets, and those that turn results into a search.

append maxout=10 [search a | stats count]  ──>  Append(Pipeline(...), 10)

What stands between the brackets is read by `parse.pipeline`, which also reads the commands of this file: the two
grammars contain each other.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from converter.errors import suggest
from converter.targets.splunk.engine.commands.unsupported import unsupported
from converter.targets.splunk.engine.language.syntax import (
    Append,
    AppendCols,
    AppendPipe,
    Format,
    Join,
    MultiSearch,
    Return,
    Returned,
    SetOperation,
    Span,
    Subsearch,
    Union,
    Unsupported,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal

    from converter.errors import QueryError
    from converter.targets.splunk.engine.language.lex import Scanner
    from converter.targets.splunk.engine.language.syntax import Command, Pipeline

_SUBSEARCH_OPTIONS = ("maxout", "maxtime", "timeout", "extendtimerange")
_MARKS = 6
_DATASET = re.compile(r"(?:datamodel|lookup|savedsearch)\s*:", re.IGNORECASE)
_RETURNED = re.compile(r"""(?:([^\s,|\[\]()"'`=<>!$]+)=)?(\$?)""")


def bracketed(scanner: Scanner, kind: Literal["search", "streaming", "commands"] = "search") -> Pipeline:
    """Read a search in square brackets, of which the first stands next.

    Args:
        scanner: where.
        kind: `search` begins with a command that makes events; so does `streaming`, and no command in it may hold
            rows back; `commands` work on rows that are there.

    Raises:
        QueryError: the text is no such search, or the bracket is not closed.
    """
    from converter.targets.splunk.engine.parse import pipeline  # noqa: PLC0415  the two grammars contain each other

    scanner.expect("[", "before a search")
    # A level of searches costs more of the stack than a level of round brackets.
    with scanner.nested(), scanner.nested():
        inner = pipeline(scanner, kind)
    scanner.expect("]", "to close the search")
    return inner


def subsearch(scanner: Scanner) -> Subsearch:
    """Read a search in square brackets that stands in an expression.

    Raises:
        QueryError: as `bracketed`.
    """
    start = scanner.pos
    inner = bracketed(scanner)
    return Subsearch(inner, scanner.span_from(start))


def append(scanner: Scanner, _span: Span) -> Append:
    """Read `append maxout=N [...]`."""
    limit = _subsearch_options(scanner, "append")
    return Append(bracketed(scanner), limit)


def appendpipe(scanner: Scanner, _span: Span) -> AppendPipe:
    """Read `appendpipe run_in_preview=... [...]`."""
    while not scanner.at_command_end() and scanner.peek() != "[":
        start = scanner.pos
        if (option := scanner.option()) != "run_in_preview":
            raise _unexpected(scanner, "appendpipe", option, start, ("run_in_preview",))
        scanner.boolean("run_in_preview")
    return AppendPipe(bracketed(scanner, "commands"))


def appendcols(scanner: Scanner, span: Span) -> AppendCols:
    """Read `appendcols override=... [...]`."""
    override = False
    limit: int | None = None
    while not scanner.at_command_end() and scanner.peek() != "[":
        start = scanner.pos
        option = scanner.option()
        if option == "override":
            override = scanner.boolean("override")
        else:
            limit = _subsearch_option(scanner, "appendcols", option, start, limit, ("override",))
    return AppendCols(bracketed(scanner), override, limit, span)


def union(scanner: Scanner, span: Span) -> Union | Unsupported:
    """Read `union maxout=N [...] [...]`; data sets by name are not supported."""
    begin = scanner.pos
    limit = _subsearch_options(scanner, "union", stop=_at_dataset)
    searches: list[Pipeline] = []
    while not scanner.at_command_end():
        if scanner.peek() != "[":
            scanner.pos = begin
            return unsupported(scanner, span, "union", "union of a data set that is named")
        searches.append(bracketed(scanner))
        scanner.accept(",")
    if not searches:
        raise scanner.error("union without a search", span, "put searches in square brackets")
    return Union(tuple(searches), limit)


def multisearch(scanner: Scanner, span: Span) -> MultiSearch:
    """Read `multisearch [...] [...]`."""
    searches: list[Pipeline] = []
    while scanner.peek() == "[":
        searches.append(bracketed(scanner, "streaming"))
    if len(searches) < 2:  # noqa: PLR2004
        raise scanner.error("multisearch needs at least two searches in square brackets", span)
    return MultiSearch(tuple(searches))


def set_operation(scanner: Scanner, span: Span) -> SetOperation:
    """Read `set union|diff|intersect [...] [...]`."""
    word = scanner.word()
    if word.lower() not in ("union", "diff", "intersect"):
        raise scanner.error(f"expected union, diff or intersect after set, found {scanner.found()}", span)
    scanner.pos += len(word)
    operation = cast("Literal['union', 'diff', 'intersect']", word.lower())
    return SetOperation(operation, bracketed(scanner), bracketed(scanner))


def join(scanner: Scanner, span: Span) -> Join | Unsupported:
    """Read `join type=... max=N fields [...]`; options and fields may be mixed."""
    begin = scanner.pos
    names: list[str] = []
    outer = by_time = False
    overwrite = True
    matches = 1
    while not scanner.at_command_end() and scanner.peek() != "[":
        if _at_dataset(scanner):
            scanner.pos = begin
            return unsupported(scanner, span, "join", "join with a data set that is named")
        start = scanner.pos
        match scanner.option():
            case "":
                names.append(scanner.name("a field to join by"))
                scanner.accept(",")
            case "type":
                outer = _join_type(scanner)
            case "max":
                matches = scanner.integer("a number of matches")
            case "overwrite":
                overwrite = scanner.boolean("overwrite")
            case "usetime":
                by_time = scanner.boolean("usetime")
            case "earlier":
                scanner.boolean("earlier")
            case "left" | "right":
                scanner.pos = begin
                return unsupported(scanner, span, "join", "join with left=, right= and where")
            case option:
                known = ("type", "max", "overwrite", "usetime", "earlier", "left", "right")
                raise _unexpected(scanner, "join", option, start, known)
    if any("*" in name for name in names):
        raise scanner.error("a wildcard as a field of join", span, "name the fields")
    return Join(tuple(names), bracketed(scanner), outer, matches, overwrite, by_time, span)


def _join_type(scanner: Scanner) -> bool:
    scanner.skip()
    start = scanner.pos
    match scanner.value("inner, outer or left").lower():
        case "inner":
            return False
        case "outer" | "left":
            return True
        case other:
            raise scanner.error(f"expected inner, outer or left, found {other!r}", scanner.span_from(start))


def format_command(scanner: Scanner, span: Span) -> Format:
    """Read `format mvsep=... maxresults=N emptystr=... "(" "(" "AND" ")" "OR" ")"`."""
    marks: list[str] = []
    default = Format()
    values, limit, empty, quote = default.values, default.limit, default.empty, default.quote
    while not scanner.at_command_end():
        start = scanner.pos
        match scanner.option():
            case "":
                if scanner.peek() != '"':
                    raise scanner.error(f"expected a text in quotes, found {scanner.found()}")
                marks.append(scanner.value("a text"))
            case "mvsep":
                values = scanner.value("a separator")
            case "maxresults":
                limit = scanner.integer("a number of rows")
            case "emptystr":
                empty = scanner.value("a text")
            case "quote":
                quote = scanner.boolean("quote")
            case option:
                raise _unexpected(scanner, "format", option, start, ("mvsep", "maxresults", "emptystr", "quote"))
    if len(marks) not in (0, _MARKS):
        raise scanner.error(f"format takes six texts for rows and columns, or none; here are {len(marks)}", span)
    chosen = cast("tuple[str, str, str, str, str, str]", tuple(marks)) if marks else default.marks
    return Format(chosen, values, limit, empty, quote, span)


def return_command(scanner: Scanner, span: Span) -> Return:
    """Read `return N field alias=field $field`."""
    count = scanner.leading_number()
    items: list[Returned] = []
    while not scanner.at_command_end():
        match = _RETURNED.match(scanner.text, scanner.pos)
        alias, dollar = match.groups() if match else (None, "")
        scanner.pos = match.end() if match else scanner.pos
        if alias and dollar:
            raise scanner.error("a name for a value that is returned alone", hint="write alias=field or $field")
        field = scanner.name("a field to return")
        items.append(Returned(field, None if dollar else alias or field))
        scanner.accept(",")
    if not items:
        raise scanner.error("return without a field", span, "for example: return 10 user")
    return Return(1 if count is None else count, tuple(items), span)


def _at_dataset(scanner: Scanner) -> bool:
    scanner.skip()
    return _DATASET.match(scanner.text, scanner.pos) is not None


def _subsearch_options(scanner: Scanner, command: str, stop: Callable[[Scanner], bool] = lambda _: False) -> int | None:
    """Read the options before the brackets, and return the one that matters to a list of events, maxout."""
    limit: int | None = None
    while not scanner.at_command_end() and scanner.peek() != "[" and not stop(scanner):
        start = scanner.pos
        limit = _subsearch_option(scanner, command, scanner.option(), start, limit, ())
    return limit


def _subsearch_option(
    scanner: Scanner, command: str, option: str, start: int, limit: int | None, more: tuple[str, ...]
) -> int | None:
    match option:
        case "maxout":
            return scanner.integer("a number of results")
        case "maxtime" | "timeout":
            scanner.integer("a number of seconds")
        case "extendtimerange":
            scanner.boolean("extendtimerange")
        case _:
            raise _unexpected(scanner, command, option, start, (*_SUBSEARCH_OPTIONS, *more))
    return limit


def _unexpected(scanner: Scanner, command: str, option: str, start: int, known: tuple[str, ...]) -> QueryError:
    if not option:
        return scanner.error(f"expected a search in square brackets after {command}, found {scanner.found()}")
    return scanner.error(
        f"the option {option} of {command} is not supported", Span(start, len(option)), suggest(option, known)
    )


COMMANDS: dict[str, Callable[[Scanner, Span], Command]] = {
    "append": append,
    "appendpipe": appendpipe,
    "appendcols": appendcols,
    "union": union,
    "set": set_operation,
    "join": join,
    "format": format_command,
    "return": return_command,
}
