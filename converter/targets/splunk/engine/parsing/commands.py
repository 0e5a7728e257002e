"""The arguments of every command that is neither a search nor a statistic.

bin _time span=6m  ──>  Bin("_time", TimeSpan(6, "m"), "_time")
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from converter.targets.splunk.engine.language.eval_parser import parse_expression
from converter.targets.splunk.engine.language.lex import unescape
from converter.targets.splunk.engine.language.syntax import (
    Assignment,
    Bin,
    Dedup,
    Eval,
    Fields,
    FillNull,
    Head,
    HeadWhile,
    MakeMv,
    MvExpand,
    Regex,
    Rename,
    Reverse,
    Rex,
    Sort,
    SortKey,
    Span,
    Spath,
    Table,
    Tail,
    TimeSpan,
    Where,
)
from converter.targets.splunk.engine.language.time_spans import time_span
from converter.targets.splunk.engine.parsing.text import sed

if TYPE_CHECKING:
    from converter.targets.splunk.engine.language.lex import Scanner
    from converter.targets.splunk.engine.language.syntax import Expression, Sed, SortKind, Transliterate

_DEFAULT_ROWS = 10
_SORT_TYPE = re.compile(r"(auto|str|ip|num)\s*\(")


def where(scanner: Scanner, span: Span) -> Where:
    """Read `where <expression>`."""
    if scanner.at_command_end():
        raise scanner.error("where without a condition", span)
    return Where(parse_expression(scanner), span)


def evaluate(scanner: Scanner, span: Span) -> Eval:
    """Read `eval a=..., b=...`."""
    if scanner.at_command_end():
        raise scanner.error("eval without an assignment", span)
    assignments: list[Assignment] = []
    while True:
        scanner.skip()
        start = scanner.pos
        name = unescape(scanner.quoted("'"), "'") if scanner.peek() == "'" else scanner.name("the field to assign to")
        target = scanner.span_from(start)
        if not name or "*" in name:
            raise scanner.error(f"a field name with a wildcard or without letters: {name!r}", target)
        scanner.expect("=", "after the field to assign to")
        if scanner.text.startswith("=", scanner.pos):
            raise scanner.error("== where a value is assigned", scanner.pos - 1, "write =")
        assignments.append(Assignment(name, parse_expression(scanner), target))
        if not scanner.accept(","):
            return Eval(tuple(assignments))


def bins(scanner: Scanner, span: Span) -> Bin:
    """Read `bin field span=... as name`."""
    field = target = ""
    size: TimeSpan | int | None = None
    while not scanner.at_command_end():
        start = scanner.pos
        match scanner.option():
            case "":
                if field and not target and scanner.accept_word("as"):
                    target = scanner.name("a name")
                elif field:
                    raise scanner.error(f"unexpected {scanner.found()} in bin")
                else:
                    field = scanner.name("a field")
            case "span":
                size = _bin_size(scanner)
            case option:
                raise scanner.unknown_option("bin", option, start)
    if not field:
        raise scanner.error("bin without a field", span)
    if size is None:
        raise scanner.error("bin without a span", span, "for example: bin _time span=5m")
    if field == "_time":
        size = TimeSpan(size, "s") if isinstance(size, int) else size
        if size.unit in ("mon", "q", "y") and size.count != 1:
            raise scanner.error(f"bins of {size.count} months, quarters or years", span, "how they align is not known")
        if size.unit in ("us", "ms", "cs", "ds") and _per_second(size) % size.count:
            raise scanner.error("a span below a second that does not divide a second", span)
    return Bin(field, size, target or field, span)


def _per_second(size: TimeSpan) -> int:
    return {"us": 1_000_000, "ms": 1000, "cs": 100, "ds": 10}[size.unit]


def _bin_size(scanner: Scanner) -> TimeSpan | int:
    size = scanner.leading_number()
    if size is None:
        return time_span(scanner)
    if size == 0:
        raise scanner.error("a span of zero", scanner.pos - 1)
    return size


def sort(scanner: Scanner, span: Span) -> Sort:
    """Read `sort 0 -a, +num(b) desc`."""
    limit: int | None = None
    scanner.skip()
    start = scanner.pos
    if scanner.option() == "limit":
        limit = scanner.integer("a number of rows")
    else:
        scanner.pos = start
        limit = scanner.leading_number()
    keys, flipped = _sort_keys(scanner)
    if not keys:
        raise scanner.error("sort without a field", span)
    return Sort(limit, keys, flipped)


def _sort_keys(scanner: Scanner) -> tuple[tuple[SortKey, ...], bool]:
    """Read the fields to sort by up to the end of the command, and whether the order is turned round at last."""
    keys: list[SortKey] = []
    descending = False
    while not scanner.at_command_end():
        here = scanner.peek()
        own = descending
        if here in "+-":
            scanner.pos += 1
            own = here == "-"
            # A sign with a space after it holds for the fields that follow, too.
            if scanner.text[scanner.pos : scanner.pos + 1].isspace():
                descending = own
        scanner.skip()
        at = scanner.pos
        if keys and scanner.accept_word("d", "desc"):
            if not scanner.at_command_end():
                raise scanner.error("desc before the end of sort", scanner.span_from(at))
            return tuple(keys), True
        keys.append(_sort_key(scanner, descending=own))
        scanner.accept(",")
    return tuple(keys), False


def _sort_key(scanner: Scanner, *, descending: bool) -> SortKey:
    scanner.skip()
    start = scanner.pos
    if match := _SORT_TYPE.match(scanner.text, start):
        scanner.pos = match.end()
        field = scanner.name("a field to sort by")
        scanner.expect(")", "after the field")
        return SortKey(field, descending, cast("SortKind", match.group(1)), scanner.span_from(start))
    field = scanner.name("a field to sort by")
    return SortKey(field, descending, "auto", scanner.span_from(start))


def head(scanner: Scanner, span: Span) -> Head | HeadWhile:
    """Read `head N`, `head limit=N` or `head (condition) limit=N null=... keeplast=...`."""
    limit: int | None = None
    condition: Expression | None = None
    at = span
    flags = {"null": False, "keeplast": False}
    while not scanner.at_command_end():
        start = scanner.pos
        match scanner.option():
            case "" if scanner.peek() == "(" and condition is None:
                start = scanner.pos
                scanner.pos += 1
                condition = parse_expression(scanner)
                scanner.expect(")", "to close the condition")
                at = scanner.span_from(start)
            case "" | "limit":
                limit = scanner.integer("a number of rows")
            case "null" | "keeplast" as option:
                flags[option] = scanner.boolean(option)
            case option:
                raise scanner.unknown_option("head", option, start)
    if condition is not None:
        return HeadWhile(condition, limit, flags["null"], flags["keeplast"], at)
    if flags["null"] or flags["keeplast"]:
        raise scanner.error("null or keeplast in head without a condition", span)
    return Head(_DEFAULT_ROWS if limit is None else limit)


def tail(scanner: Scanner, _span: Span) -> Tail:
    """Read `tail N`."""
    return Tail(_DEFAULT_ROWS if scanner.at_command_end() else scanner.integer("a number of rows"))


def reverse(_scanner: Scanner, _span: Span) -> Reverse:
    """Read `reverse`."""
    return Reverse()


def dedup(scanner: Scanner, span: Span) -> Dedup:
    """Read `dedup N fields keepempty=... consecutive=...`."""
    names: list[str] = []
    keep_empty = consecutive = keep_events = False
    order: tuple[SortKey, ...] = ()
    count = scanner.leading_number()
    if count == 0:
        raise scanner.error("dedup 0", scanner.pos - 1, "the number must be positive")
    while not scanner.at_command_end():
        start = scanner.pos
        match scanner.option():
            case "":
                if names and scanner.accept_word("sortby"):
                    order, flipped = _sort_keys(scanner)
                    if not order or flipped:
                        raise scanner.error("sortby without a field, or with desc", scanner.span_from(start))
                    continue
                names.append(scanner.name("a field"))
                scanner.accept(",")
            case "keepempty":
                keep_empty = scanner.boolean("keepempty")
            case "consecutive":
                consecutive = scanner.boolean("consecutive")
            case "keepevents":
                keep_events = scanner.boolean("keepevents")
            case option:
                raise scanner.unknown_option("dedup", option, start)
    if not names:
        raise scanner.error("dedup without a field", span)
    return Dedup(1 if count is None else count, tuple(names), keep_empty, consecutive, keep_events, order)


def fields(scanner: Scanner, span: Span) -> Fields:
    """Read `fields + list` or `fields - list`."""
    keep = True
    if scanner.accept("-"):
        keep = False
    else:
        scanner.accept("+")
    return Fields(keep, _names(scanner, span, "fields"))


def table(scanner: Scanner, span: Span) -> Table:
    """Read `table list`."""
    return Table(_names(scanner, span, "table"))


def _names(scanner: Scanner, span: Span, command: str) -> tuple[str, ...]:
    names: list[str] = []
    while not scanner.at_command_end():
        names.append(scanner.name("a field"))
        scanner.accept(",")
    if not names:
        raise scanner.error(f"{command} without a field", span)
    return tuple(names)


def rename(scanner: Scanner, span: Span) -> Rename:
    """Read `rename a as b, c as d`."""
    pairs: list[tuple[str, str]] = []
    while not scanner.at_command_end():
        start = scanner.pos
        source = scanner.name("a field to rename")
        if not scanner.accept_word("as"):
            raise scanner.error(f"expected as after the field to rename, found {scanner.found()}")
        target = scanner.name("the new name")
        stars = (source.count("*"), target.count("*"))
        if stars not in ((0, 0), (1, 1)):
            raise scanner.error(
                "a rename with wildcards that are not one on each side", scanner.span_from(start), "rename a* as b*"
            )
        names = {name for pair in pairs for name in pair}
        if source in names or target in names:
            raise scanner.error("one field twice in a rename", scanner.span_from(start), "use two renames")
        pairs.append((source, target))
        scanner.accept(",")
    if not pairs:
        raise scanner.error("rename without a field", span)
    return Rename(tuple(pairs))


def regex(scanner: Scanner, span: Span) -> Regex:
    """Read `regex field="..."`, `regex field!="..."` or `regex "..."`."""
    if scanner.at_command_end():
        raise scanner.error("regex without an expression", span)
    start = scanner.pos
    if scanner.peek() == '"':
        pattern = unescape(scanner.quoted())
        if scanner.peek() not in ("=", "!"):
            return Regex("_raw", pattern, negated=False, span=scanner.span_from(start))
        field = pattern
    else:
        field = scanner.name("a field or an expression in quotes")
    if scanner.accept("!="):
        negated = True
    elif scanner.accept("="):
        negated = False
    else:
        raise scanner.error(f"expected = or != after the field, found {scanner.found()}", hint="quote the expression")
    if scanner.peek() != '"':
        raise scanner.error(f"expected an expression in quotes, found {scanner.found()}")
    at = scanner.pos
    pattern = unescape(scanner.quoted())
    return Regex(field, pattern, negated, scanner.span_from(at))


def rex(scanner: Scanner, span: Span) -> Rex | Sed | Transliterate:
    """Read `rex field=name "(?<group>...)" max_match=N`, or `rex mode=sed field=name "s/a/b/g"`."""
    field = "_raw"
    pattern: str | None = None
    at = span
    max_match = 1
    is_sed = False
    while not scanner.at_command_end():
        start = scanner.pos
        match scanner.option():
            case "":
                if scanner.peek() != '"' or pattern is not None:
                    raise scanner.error(f"expected one expression in quotes, found {scanner.found()}")
                pattern = unescape(scanner.quoted())
                at = scanner.span_from(start)
            case "field":
                field = scanner.name("a field")
            case "max_match":
                max_match = scanner.integer("a number of matches")
            case "mode":
                if (mode := scanner.value("a mode").lower()) != "sed":
                    raise scanner.error(f"mode={mode} of rex is not supported", scanner.span_from(start), "mode=sed")
                is_sed = True
            case option:
                raise scanner.unknown_option("rex", option, start)
    if pattern is None:
        raise scanner.error("rex without an expression", span)
    if is_sed:
        return sed(scanner, field, pattern, at)
    return Rex(field, pattern, max_match, at)


def fillnull(scanner: Scanner, _span: Span) -> FillNull:
    """Read `fillnull value=... fields`."""
    value = "0"
    names: list[str] = []
    while not scanner.at_command_end():
        start = scanner.pos
        match scanner.option():
            case "":
                name = scanner.name("a field")
                if "*" in name:
                    raise scanner.error("a wildcard in fillnull", scanner.span_from(start))
                names.append(name)
                scanner.accept(",")
            case "value":
                value = scanner.value("a value")
            case option:
                raise scanner.unknown_option("fillnull", option, start)
    return FillNull(value, tuple(names))


def mvexpand(scanner: Scanner, span: Span) -> MvExpand:
    """Read `mvexpand field limit=N`."""
    field = ""
    limit = 0
    while not scanner.at_command_end():
        start = scanner.pos
        match scanner.option():
            case "" if not field:
                field = scanner.name("a field")
            case "":
                raise scanner.error(f"unexpected {scanner.found()} in mvexpand", hint="it takes one field")
            case "limit":
                limit = scanner.integer("a number of values")
            case option:
                raise scanner.unknown_option("mvexpand", option, start)
    if not field:
        raise scanner.error("mvexpand without a field", span)
    return MvExpand(field, limit)


def makemv(scanner: Scanner, span: Span) -> MakeMv:
    """Read `makemv delim="..." allowempty=... field`."""
    field = ""
    delimiter = " "
    allow_empty = False
    tokenizer: str | None = None
    place = span
    while not scanner.at_command_end():
        start = scanner.pos
        match scanner.option():
            case "" if not field:
                field = scanner.name("a field")
            case "":
                raise scanner.error(f"unexpected {scanner.found()} in makemv", hint="it takes one field")
            case "delim":
                delimiter = scanner.value("a delimiter")
                if not delimiter:
                    raise scanner.error("an empty delimiter", scanner.span_from(start))
            case "allowempty":
                allow_empty = scanner.boolean("allowempty")
            case "tokenizer":
                scanner.skip()
                at = scanner.pos
                tokenizer = scanner.value("an expression")
                place = scanner.span_from(at)
            case "setsv":
                if scanner.boolean("setsv"):
                    raise scanner.error("setsv=t of makemv is not supported", scanner.span_from(start))
            case option:
                raise scanner.unknown_option("makemv", option, start)
    if not field:
        raise scanner.error("makemv without a field", span)
    return MakeMv(field, delimiter, allow_empty, tokenizer, place)


def spath(scanner: Scanner, span: Span) -> Spath:
    """Read `spath input=... path=... output=...`; a bare word is the path."""
    source = "_raw"
    path: str | None = None
    output: str | None = None
    while not scanner.at_command_end():
        start = scanner.pos
        match scanner.option():
            case "" if path is None:
                path = scanner.name("a path")
            case "":
                raise scanner.error(f"unexpected {scanner.found()} in spath", hint="it takes one path")
            case "input":
                source = scanner.name("a field")
            case "path":
                path = scanner.value("a path")
            case "output":
                output = scanner.name("a field")
            case option:
                raise scanner.unknown_option("spath", option, start)
    if output is not None and path is None:
        raise scanner.error("spath with an output and no path", span)
    if path is not None and any(character in path for character in "@*"):
        raise scanner.error(f"the path {path!r} is not supported", span, "a path is a.b{}.c")
    return Spath(source, path, output, span)
