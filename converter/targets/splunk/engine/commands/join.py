"""The commands that compare the results of searches: `join`, `set`.

rows, other results ──join──> side by side, where fields are equal
                    ──set───> each once
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from converter.readers.source import NOWHERE
from converter.targets.splunk.engine.commands.base import Command
from converter.targets.splunk.engine.commands.inner_searches import at_dataset, inner_results
from converter.targets.splunk.engine.commands.unsupported import read_unsupported
from converter.targets.splunk.engine.language.subsearch import bracketed
from converter.targets.splunk.engine.language.syntax import CommandNode
from converter.targets.splunk.engine.language.values import text_of, values_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from converter.readers.source import Span
    from converter.targets.splunk.engine.commands.base import SearchContext, Stage
    from converter.targets.splunk.engine.language.lex import Scanner
    from converter.targets.splunk.engine.language.syntax import Pipeline, Unsupported
    from converter.targets.splunk.engine.language.values import Row

_OWN = "_id"

_WITHOUT_FIELDS = "join without fields"
_DATASET_IN_JOIN = "join with a data set that is named"
_JOIN_WHERE = "join with left=, right= and where"
_USETIME = "the option usetime of join"


@dataclass(frozen=True, slots=True)
class SetOperation(CommandNode):
    """`set union|diff|intersect [...] [...]`: two sets of results, in which equal rows are one."""

    operation: Literal["union", "diff", "intersect"]
    left: Pipeline
    right: Pipeline


@dataclass(frozen=True, slots=True)
class Join(CommandNode):
    """`join type=... max=N overwrite=... fields [...]`.

    Attributes:
        fields: what must be equal; none is refused when compiling.
        pipeline: the search whose results are joined.
        keep_unmatched: type left, or outer: a row without a match stays.
        matches: results that one row joins with; 0 is all.
        overwrite: fields of the results win.
        by_time: usetime, which is refused when compiling.
    """

    fields: tuple[str, ...]
    pipeline: Pipeline
    keep_unmatched: bool
    matches: int
    overwrite: bool
    by_time: bool
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


def _read_join(scanner: Scanner, span: Span) -> Join | Unsupported:
    """Read `join type=... max=N fields [...]`; options and fields may be mixed."""
    begin = scanner.offset
    names: list[str] = []
    outer = by_time = False
    overwrite = True
    matches = 1
    while not scanner.at_command_end() and scanner.peek() != "[":
        if at_dataset(scanner):
            scanner.offset = begin
            return read_unsupported(scanner, span, "join", _DATASET_IN_JOIN)
        match JOIN.option(scanner):
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
                scanner.offset = begin
                return read_unsupported(scanner, span, "join", _JOIN_WHERE)
    if any("*" in name for name in names):
        raise scanner.error("a wildcard as a field of join", span, "name the fields")
    return Join(tuple(names), bracketed(scanner), outer, matches, overwrite, by_time, span)


def _join_type(scanner: Scanner) -> bool:
    scanner.skip()
    start = scanner.offset
    match scanner.value("inner, outer or left").lower():
        case "inner":
            return False
        case "outer" | "left":
            return True
        case other:
            raise scanner.error(f"expected inner, outer or left, found {other!r}", scanner.span(start))


def _compile_join(command: Join, context: SearchContext) -> Stage:
    """Return the stage of `join`.

    Raises:
        QueryError: no field to join by, or usetime; when run: a field with several values.
    """
    stage = context.stage(command.pipeline)
    if not command.fields:
        raise context.error(
            f"{_WITHOUT_FIELDS}, which joins by all that both sides have, is not supported",
            command.span,
            "name the fields",
        )
    if command.by_time:
        raise context.error(f"{_USETIME} is not supported", command.span)
    limit = command.matches or None

    def key_of(row: Row) -> tuple[str, ...] | None:
        key: list[str] = []
        for name in command.fields:
            values = values_of(row.get(name))
            if len(values) > 1:
                raise context.error(
                    f"join by the multivalue field {name!r} is not supported", command.span, "use mvexpand first"
                )
            if not values:
                return None
            key.append(text_of(values[0]))
        return tuple(key)

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        index: dict[tuple[str, ...], list[Row]] = {}
        for result in inner_results(stage, None, "the search of join", "subsearch_maxout of [join]"):
            if (key := key_of(result)) is not None:
                index.setdefault(key, []).append(result)
        for row in rows:
            key = key_of(row)
            partners = index.get(key, ())[:limit] if key is not None else ()
            for result in partners:
                yield _joined(row, result, overwrite=command.overwrite)
            if not partners and command.keep_unmatched:
                yield row

    return run


def _joined(row: Row, result: Row, *, overwrite: bool) -> Row:
    joined = dict(row)
    for name, value in result.items():
        if value is not None and name != _OWN and (overwrite or joined.get(name) is None):
            joined[name] = value
    return joined


def _read_set(scanner: Scanner, span: Span) -> SetOperation:
    """Read `set union|diff|intersect [...] [...]`."""
    word = scanner.word()
    if word.lower() not in ("union", "diff", "intersect"):
        raise scanner.error(f"expected union, diff or intersect after set, found {scanner.describe()}", span)
    scanner.offset += len(word)
    operation = cast("Literal['union', 'diff', 'intersect']", word.lower())
    return SetOperation(operation, bracketed(scanner), bracketed(scanner))


def _compile_set(command: SetOperation, context: SearchContext) -> Stage:
    """Return the stage of `set`. Rows are equal if all of their fields are."""
    stages = (context.stage(command.left), context.stage(command.right))

    def run(_: Iterable[Row]) -> Iterator[Row]:
        ours, theirs = (
            {_identity(row): row for row in inner_results(stage, None, "a search of set", "maxresultrows of [set]")}
            for stage in stages
        )
        for key, row in ours.items():
            if command.operation == "union" or (key in theirs) == (command.operation == "intersect"):
                yield row
        if command.operation != "intersect":
            yield from (row for key, row in theirs.items() if key not in ours)

    return run


def _identity(row: Row) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple(sorted((name, tuple(map(text_of, values_of(value)))) for name, value in row.items() if name != _OWN))


JOIN = Command(
    "join",
    _read_join,
    _compile_join,
    (Join,),
    arguments="fields, and a search in square brackets",
    options=("type", "max", "overwrite", "earlier"),
    refused_options=("usetime", "left", "right"),
    refuses=(_WITHOUT_FIELDS, _DATASET_IN_JOIN, _JOIN_WHERE, _USETIME),
    rereads=True,
)
SET = Command(
    "set",
    _read_set,
    _compile_set,
    (SetOperation,),
    arguments="`union`, `diff` or `intersect`, and two searches in square brackets",
    generating=True,
    only_first=True,
    rereads=True,
)

COMMANDS: tuple[Command[Any], ...] = (JOIN, SET)
