"""Commands that order rows, or keep some by their place: `sort`, `head`, `tail`, `reverse`, `dedup`.

sort 0 -a, +num(b) desc  ──>  Sort(0, (SortKey("a", descending), SortKey("b", kind="num")), flipped)
"""

from __future__ import annotations

import dataclasses
import ipaddress
import re
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, assert_never, cast

from converter.readers.source import NOWHERE
from converter.targets.splunk.engine.commands.base import Command
from converter.targets.splunk.engine.functions.evaluate import compile_condition
from converter.targets.splunk.engine.language.eval_parser import parse_expression
from converter.targets.splunk.engine.language.run_context import current
from converter.targets.splunk.engine.language.syntax import CommandNode
from converter.targets.splunk.engine.language.values import number_of, text_of, values_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from converter.readers.source import Span
    from converter.targets.splunk.engine.commands.base import SearchContext, Stage
    from converter.targets.splunk.engine.language.lex import Scanner
    from converter.targets.splunk.engine.language.syntax import Expression
    from converter.targets.splunk.engine.language.values import Row

SortKind: TypeAlias = Literal["auto", "num", "str", "ip"]
_DEFAULT_ROWS = 10
_SORT_TYPE = re.compile(r"(auto|str|ip|num)\s*\(")


@dataclass(frozen=True, slots=True)
class SortKey:
    """One field of a sort."""

    field: str
    descending: bool
    kind: SortKind
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Sort(CommandNode):
    """`sort`; `limit` 0 keeps every row, None as many as the limits say; `flipped` is the trailing `desc`."""

    limit: int | None
    keys: tuple[SortKey, ...]
    flipped: bool


@dataclass(frozen=True, slots=True)
class Head(CommandNode):
    """`head N`."""

    count: int


@dataclass(frozen=True, slots=True)
class HeadWhile(CommandNode):
    """`head (condition) limit=N null=... keeplast=...`; no limit keeps every row for as long as the condition holds."""

    condition: Expression
    limit: int | None
    null: bool
    keep_last: bool
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Tail(CommandNode):
    """`tail N`: the last rows, last first."""

    count: int


@dataclass(frozen=True, slots=True)
class Reverse(CommandNode):
    """`reverse`."""


@dataclass(frozen=True, slots=True)
class Dedup(CommandNode):
    """`dedup N fields`: the first N rows of each combination of values."""

    count: int
    fields: tuple[str, ...]
    keep_empty: bool
    consecutive: bool
    keep_events: bool = False
    order: tuple[SortKey, ...] = ()


def _read_sort(scanner: Scanner, span: Span) -> Sort:
    """Read `sort 0 -a, +num(b) desc`."""
    limit: int | None = None
    scanner.skip()
    start = scanner.offset
    if scanner.option() == "limit":
        limit = scanner.integer("a number of rows")
    else:
        scanner.offset = start
        limit = scanner.leading_number()
    keys, flipped = _read_sort_keys(scanner)
    if not keys:
        raise scanner.error("sort without a field", span)
    return Sort(limit, keys, flipped)


def _read_sort_keys(scanner: Scanner) -> tuple[tuple[SortKey, ...], bool]:
    """Read the fields to sort by up to the end of the command, and whether the order is turned round at last."""
    keys: list[SortKey] = []
    descending = False
    while not scanner.at_command_end():
        here = scanner.peek()
        own = descending
        if here in "+-":
            scanner.offset += 1
            own = here == "-"
            # A sign with a space after it holds for the fields that follow, too.
            if scanner.text[scanner.offset : scanner.offset + 1].isspace():
                descending = own
        scanner.skip()
        at = scanner.offset
        if keys and scanner.accept_word("d", "desc"):
            if not scanner.at_command_end():
                raise scanner.error("desc before the end of sort", scanner.span(at))
            return tuple(keys), True
        keys.append(_read_sort_key(scanner, descending=own))
        scanner.accept(",")
    return tuple(keys), False


def _read_sort_key(scanner: Scanner, *, descending: bool) -> SortKey:
    scanner.skip()
    start = scanner.offset
    if match := _SORT_TYPE.match(scanner.text, start):
        scanner.offset = match.end()
        field = scanner.name("a field to sort by")
        scanner.expect(")", "after the field")
        return SortKey(field, descending, cast("SortKind", match.group(1)), scanner.span(start))
    field = scanner.name("a field to sort by")
    return SortKey(field, descending, "auto", scanner.span(start))


def _compile_sort(command: Sort, context: SearchContext) -> Stage:
    """Sort by several fields; rows without a field come last; equal rows keep their order."""

    def run(rows: Iterable[Row]) -> list[Row]:
        ordered = list(rows)
        for key in reversed(command.keys):
            ordered = _sorted(ordered, key, context)
        if command.flipped:
            ordered.reverse()
        limit = command.limit
        if limit is None:
            limit = current().limits.sort or 0
            if limit and len(ordered) > limit:
                current().note(f"sort kept {limit} of {len(ordered)} rows; sort 0 keeps all")
        return ordered[:limit] if limit else ordered

    return run


def _sorted(rows: list[Row], key: SortKey, context: SearchContext) -> list[Row]:
    present: list[Row] = []
    absent: list[Row] = []
    for row in rows:
        (present if key.field in row else absent).append(row)
    values = [row[key.field] for row in present]
    if any(type(value) is list for value in values):
        raise context.error(f"sort by the multivalue field {key.field!r}", key.span, "use mvexpand first")
    keys = _sort_keys(values, key)
    order = sorted(range(len(present)), key=keys.__getitem__, reverse=key.descending)
    return [present[index] for index in order] + absent


def _sort_keys(values: Sequence[Any], key: SortKey) -> list[Any]:
    """Return what the values compare by: numbers if all are, addresses if all are, else texts."""
    if key.kind in ("auto", "num"):
        numbers = [number_of(value) for value in values]
        if None not in numbers:
            return numbers
        if key.kind == "num":
            return [(0, number) if number is not None else (1, 0) for number in numbers]
    texts = [text_of(value) for value in values]
    if key.kind in ("auto", "ip"):
        addresses = [_address(value) for value in texts]
        if None not in addresses:
            return addresses
    return texts


def _address(text: str) -> tuple[int, int] | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return (address.version, int(address))


def _read_head(scanner: Scanner, span: Span) -> Head | HeadWhile:
    """Read `head N`, `head limit=N` or `head (condition) limit=N null=... keeplast=...`."""
    limit: int | None = None
    condition: Expression | None = None
    at = span
    flags = {"null": False, "keeplast": False}
    while not scanner.at_command_end():
        start = scanner.offset
        match HEAD.option(scanner):
            case "" if scanner.peek() == "(" and condition is None:
                start = scanner.offset
                scanner.offset += 1
                condition = parse_expression(scanner)
                scanner.expect(")", "to close the condition")
                at = scanner.span(start)
            case "" | "limit":
                limit = scanner.integer("a number of rows")
            case "null" | "keeplast" as option:
                flags[option] = scanner.boolean(option)
    if condition is not None:
        return HeadWhile(condition, limit, flags["null"], flags["keeplast"], at)
    if flags["null"] or flags["keeplast"]:
        raise scanner.error("null or keeplast in head without a condition", span)
    return Head(_DEFAULT_ROWS if limit is None else limit)


def _compile_head(command: Head | HeadWhile, context: SearchContext) -> Stage:
    """Keep the first rows, or the first ones for as long as a condition holds.

    Raises:
        QueryError: the expression is not a condition.
    """
    match command:
        case Head(count=count):
            return lambda rows: islice(rows, count)
        case HeadWhile():
            return _compile_head_while(command, context)
        case _:
            assert_never(command)


def _compile_head_while(command: HeadWhile, context: SearchContext) -> Stage:
    """Keep the first rows, for as long as a condition holds.

    Raises:
        QueryError: the expression is not a condition.
    """
    test = compile_condition(command.condition, context.source, command.span, "head")

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        for row in islice(rows, command.limit):
            truth = test(row)
            if not (command.null if truth is None else truth):
                if command.keep_last:
                    yield row
                return
            yield row

    return run


def _read_tail(scanner: Scanner, _span: Span) -> Tail:
    """Read `tail N`."""
    return Tail(_DEFAULT_ROWS if scanner.at_command_end() else scanner.integer("a number of rows"))


def _compile_tail(command: Tail, _context: SearchContext) -> Stage:
    """Keep the last rows, last first."""
    return lambda rows: list(rows)[::-1][: command.count]


def _read_reverse(_scanner: Scanner, _span: Span) -> Reverse:
    return Reverse()


def _compile_reverse(_command: Reverse, _context: SearchContext) -> Stage:
    """Turn the order round."""
    return lambda rows: list(rows)[::-1]


def _read_dedup(scanner: Scanner, span: Span) -> Dedup:
    """Read `dedup N fields keepempty=... consecutive=...`."""
    names: list[str] = []
    keep_empty = consecutive = keep_events = False
    order: tuple[SortKey, ...] = ()
    count = scanner.leading_number()
    if count == 0:
        raise scanner.error("dedup 0", scanner.offset - 1, "the number must be positive")
    while not scanner.at_command_end():
        start = scanner.offset
        match DEDUP.option(scanner):
            case "":
                if names and scanner.accept_word("sortby"):
                    order, flipped = _read_sort_keys(scanner)
                    if not order or flipped:
                        raise scanner.error("sortby without a field, or with desc", scanner.span(start))
                    continue
                names.append(scanner.name("a field"))
                scanner.accept(",")
            case "keepempty":
                keep_empty = scanner.boolean("keepempty")
            case "consecutive":
                consecutive = scanner.boolean("consecutive")
            case "keepevents":
                keep_events = scanner.boolean("keepevents")
    if not names:
        raise scanner.error("dedup without a field", span)
    return Dedup(1 if count is None else count, tuple(names), keep_empty, consecutive, keep_events, order)


def _compile_dedup(command: Dedup, context: SearchContext) -> Stage:
    """Keep the first rows of each combination of values; or every row, and the fields in the first rows only."""
    order = _compile_sort(Sort(0, command.order, flipped=False), context) if command.order else None

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        seen: Counter[tuple[tuple[str, ...], ...]] = Counter()
        for row in rows if order is None else order(rows):
            if any(name not in row for name in command.fields):
                if command.keep_empty or command.keep_events:
                    yield row
                continue
            key = tuple(tuple(map(text_of, values_of(row[name]))) for name in command.fields)
            if command.consecutive and key not in seen:
                seen.clear()
            seen[key] += 1
            if seen[key] <= command.count:
                yield row
            elif command.keep_events:
                yield {name: value for name, value in row.items() if name not in command.fields}

    return run


SORT = Command(
    "sort",
    _read_sort,
    _compile_sort,
    (Sort,),
    arguments="a number of rows, and fields such as `-num(size)`",
    options=("limit",),
)
HEAD: Command[Head | HeadWhile] = Command(
    "head",
    _read_head,
    _compile_head,
    (Head, HeadWhile),
    arguments="a number of rows, or a condition in brackets",
    options=("limit", "null", "keeplast"),
)
TAIL = Command("tail", _read_tail, _compile_tail, (Tail,), arguments="a number of rows")
REVERSE = Command("reverse", _read_reverse, _compile_reverse, (Reverse,))
DEDUP = Command(
    "dedup",
    _read_dedup,
    _compile_dedup,
    (Dedup,),
    arguments="a number of rows, fields, and `sortby` with fields",
    options=("keepempty", "keepevents", "consecutive"),
)

COMMANDS: tuple[Command[Any], ...] = (SORT, HEAD, TAIL, REVERSE, DEDUP)
