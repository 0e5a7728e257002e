"""The commands that put results one after the other: `append`, `appendpipe`, `appendcols`, `union`, `multisearch`.

    append maxout=10 [search a | stats count]  ──>  Append(Pipeline(...), 10)

The searches read the events of the run (`current().events`), whatever became of them in the rows so far; only
`appendpipe` works on the rows, and `multisearch` on the events that come.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from converter.readers.source import NOWHERE
from converter.targets.splunk.engine.commands.base import Command
from converter.targets.splunk.engine.commands.inner_searches import at_dataset, expected_search, inner_results
from converter.targets.splunk.engine.commands.unsupported import read_unsupported
from converter.targets.splunk.engine.language.subsearch import bracketed
from converter.targets.splunk.engine.language.syntax import CommandNode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from converter.readers.source import Span
    from converter.targets.splunk.engine.commands.base import SearchContext, Stage
    from converter.targets.splunk.engine.language.lex import Scanner
    from converter.targets.splunk.engine.language.syntax import Pipeline, Unsupported
    from converter.targets.splunk.engine.language.values import Row

_SUBSEARCH_OPTIONS = ("maxout", "maxtime", "timeout", "extendtimerange")
_A_SEARCH = "a search in square brackets"
_DATASET_IN_UNION = "union of a data set that is named"


@dataclass(frozen=True, slots=True)
class Append(CommandNode):
    """`append maxout=N [...]`: the results of a search after the rows."""

    pipeline: Pipeline
    limit: int | None


@dataclass(frozen=True, slots=True)
class AppendPipe(CommandNode):
    """`appendpipe [...]`: the rows, and what commands make of them."""

    pipeline: Pipeline


@dataclass(frozen=True, slots=True)
class AppendCols(CommandNode):
    """`appendcols override=... maxout=N [...]`: the fields of the Nth result go to the Nth row."""

    pipeline: Pipeline
    override: bool
    limit: int | None
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Union(CommandNode):
    """`union maxout=N [...] [...]`: the results of all searches; after other commands, behind the rows."""

    searches: tuple[Pipeline, ...]
    limit: int | None


@dataclass(frozen=True, slots=True)
class MultiSearch(CommandNode):
    """`multisearch [search ...] [search ...]`: the results of all of them."""

    searches: tuple[Pipeline, ...]


def _read_append(scanner: Scanner, _span: Span) -> Append:
    """Read `append maxout=N [...]`."""
    limit: int | None = None
    while not scanner.at_command_end() and scanner.peek() != "[":
        limit = _read_option(scanner, APPEND, APPEND.option(scanner), limit)
    return Append(bracketed(scanner), limit)


def _read_option(scanner: Scanner, command: Command[Any], option: str, limit: int | None) -> int | None:
    """Read the value of an option before the brackets; return the limit, which is all that matters to a list of events.

    Raises:
        QueryError: what stands here is not an option.
    """
    match option:
        case "maxout":
            return scanner.integer("a number of results")
        case "maxtime" | "timeout":
            scanner.integer("a number of seconds")
        case "extendtimerange":
            scanner.boolean("extendtimerange")
        case _:
            raise expected_search(scanner, command)
    return limit


def _compile_append(command: Append, context: SearchContext) -> Stage:
    """Yield the rows, and then the results of the search."""
    return _appended([context.stage(command.pipeline)], command.limit, "append")


def _appended(stages: Sequence[Stage], limit: int | None, what: str, *, first: bool = False) -> Stage:
    """Return the stage that yields the rows, and then the results of each search.

    Args:
        stages: the searches.
        limit: results of each; None is the limit of the run, 0 is none.
        what: the name of the command, for notes.
        first: the command begins the search, so there are no rows.
    """

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        if not first:
            yield from rows
        for stage in stages:
            yield from inner_results(stage, limit, f"a search of {what}")

    return run


def _read_appendpipe(scanner: Scanner, _span: Span) -> AppendPipe:
    """Read `appendpipe run_in_preview=... [...]`."""
    while not scanner.at_command_end() and scanner.peek() != "[":
        if not APPENDPIPE.option(scanner):
            raise expected_search(scanner, APPENDPIPE)
        scanner.boolean("run_in_preview")
    return AppendPipe(bracketed(scanner, "commands"))


def _compile_appendpipe(command: AppendPipe, context: SearchContext) -> Stage:
    """Return the stage that yields the rows, and then what commands make of them."""
    stage = context.stage(command.pipeline)

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        everything = list(rows)
        copies = [dict(row) for row in everything]
        yield from everything
        yield from stage(copies)

    return run


def _read_appendcols(scanner: Scanner, span: Span) -> AppendCols:
    """Read `appendcols override=... [...]`."""
    override = False
    limit: int | None = None
    while not scanner.at_command_end() and scanner.peek() != "[":
        option = APPENDCOLS.option(scanner)
        if option == "override":
            override = scanner.boolean("override")
        else:
            limit = _read_option(scanner, APPENDCOLS, option, limit)
    return AppendCols(bracketed(scanner), override, limit, span)


def _compile_appendcols(command: AppendCols, context: SearchContext) -> Stage:
    """Return the stage that gives the Nth row the fields of the Nth result, internal ones left out.

    Raises:
        QueryError: when run: there are more results than rows.
    """
    stage = context.stage(command.pipeline)

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        results = iter(list(inner_results(stage, command.limit, "the search of appendcols")))
        for row in rows:
            for name, value in next(results, {}).items():
                if not name.startswith("_") and (command.override or row.get(name) is None):
                    row[name] = value
            yield row
        if next(results, None) is not None:
            raise context.error(
                "appendcols whose search has more results than there are rows",
                command.span,
                "what becomes of them is not documented",
            )

    return run


def _read_union(scanner: Scanner, span: Span) -> Union | Unsupported:
    """Read `union maxout=N [...] [...]`; data sets by name are not supported."""
    begin = scanner.offset
    limit: int | None = None
    while not (scanner.at_command_end() or scanner.peek() == "[" or at_dataset(scanner)):
        limit = _read_option(scanner, UNION, UNION.option(scanner), limit)
    searches: list[Pipeline] = []
    while not scanner.at_command_end():
        if scanner.peek() != "[":
            scanner.offset = begin
            return read_unsupported(scanner, span, "union", _DATASET_IN_UNION)
        searches.append(bracketed(scanner))
        scanner.accept(",")
    if not searches:
        raise scanner.error("union without a search", span, "put searches in square brackets")
    return Union(tuple(searches), limit)


def _compile_union(command: Union, context: SearchContext) -> Stage:
    """Yield the rows, unless the command begins the search, and then the results of each search."""
    stages = [context.stage(search) for search in command.searches]
    return _appended(stages, command.limit, "union", first=context.first)


def _read_multisearch(scanner: Scanner, span: Span) -> MultiSearch:
    """Read `multisearch [...] [...]`."""
    searches: list[Pipeline] = []
    while scanner.peek() == "[":
        searches.append(bracketed(scanner, "streaming"))
    if len(searches) < 2:  # noqa: PLR2004
        raise scanner.error("multisearch needs at least two searches in square brackets", span)
    return MultiSearch(tuple(searches))


def _compile_multisearch(command: MultiSearch, context: SearchContext) -> Stage:
    """Return the results of every search over the same events, one search after the other."""
    stages = [context.stage(search) for search in command.searches]

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        events = list(rows)
        for stage in stages:
            yield from stage(dict(event) for event in events)

    return run


APPEND = Command(
    "append", _read_append, _compile_append, (Append,), arguments=_A_SEARCH, options=_SUBSEARCH_OPTIONS, rereads=True
)
APPENDPIPE = Command(
    "appendpipe",
    _read_appendpipe,
    _compile_appendpipe,
    (AppendPipe,),
    arguments="commands in square brackets",
    options=("run_in_preview",),
)
APPENDCOLS = Command(
    "appendcols",
    _read_appendcols,
    _compile_appendcols,
    (AppendCols,),
    arguments=_A_SEARCH,
    options=(*_SUBSEARCH_OPTIONS, "override"),
    rereads=True,
)
UNION = Command(
    "union",
    _read_union,
    _compile_union,
    (Union,),
    arguments="searches in square brackets",
    options=_SUBSEARCH_OPTIONS,
    refuses=(_DATASET_IN_UNION,),
    generating=True,
    rereads=True,
)
MULTISEARCH = Command(
    "multisearch",
    _read_multisearch,
    _compile_multisearch,
    (MultiSearch,),
    arguments="two searches or more in square brackets, of streaming commands",
    generating=True,
    only_first=True,
    rereads=True,
)

COMMANDS: tuple[Command[Any], ...] = (APPEND, APPENDPIPE, APPENDCOLS, UNION, MULTISEARCH)
