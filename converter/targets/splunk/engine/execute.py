"""A search, compiled once and run over events.

    text ──parse──> Pipeline ──compile_query──> events -> rows
                                 each command: rows -> rows, chained; only sorting and statistics hold rows back

Rows leave in the order in which they came unless a command orders them. Splunk itself hands the newest event first; a
search that depends on that depends on the order of the events given here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from converter.targets.splunk.engine import deferred as late
from converter.targets.splunk.engine.commands import basic as commands
from converter.targets.splunk.engine.commands import joins
from converter.targets.splunk.engine.commands.addinfo import addinfo
from converter.targets.splunk.engine.commands.format import format_stage, return_stage
from converter.targets.splunk.engine.commands.spath import spath
from converter.targets.splunk.engine.commands.stats import compile_eventstats, compile_stats, compile_streamstats
from converter.targets.splunk.engine.commands.tstats import check_first, compile_from, compile_tstats
from converter.targets.splunk.engine.language.expression_code import error_at
from converter.targets.splunk.engine.language.run_context import Environment, Limits, running
from converter.targets.splunk.engine.language.search_predicate import compile_search
from converter.targets.splunk.engine.language.syntax import (
    AddInfo,
    Append,
    AppendCols,
    AppendPipe,
    Bin,
    Command,
    Dedup,
    Eval,
    EventStats,
    Fields,
    FillNull,
    Format,
    FromDataModel,
    Head,
    HeadWhile,
    Join,
    MakeMv,
    MultiSearch,
    MvExpand,
    Pipeline,
    Regex,
    Rename,
    Return,
    Reverse,
    Rex,
    Search,
    SetOperation,
    Sort,
    Spath,
    Stats,
    StreamStats,
    Subsearch,
    Table,
    Tail,
    TimeSpan,
    Tstats,
    Union,
    Unsupported,
    Where,
)
from converter.targets.splunk.engine.language.values import ingest
from converter.targets.splunk.engine.parse import parse
from converter.targets.splunk.engine.stages import makes_rows, why_not
from converter.targets.splunk.engine.stages import stage as more_stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from converter.targets.splunk.engine.language.values import Row
    from converter.targets.splunk.engine.macros import Macros

Stage: TypeAlias = "Callable[[Iterable[Row]], Iterable[Row]]"
DEFAULT_LIMITS = Limits()


class Query(Protocol):
    """A compiled search: events and tables to rows.

    The options are those of `run`, and `window`: the time range of a scheduled run, for `addinfo`.
    """

    def __call__(
        self,
        events: Iterable[Mapping[str, Any]],
        tables: Mapping[str, Sequence[Mapping[str, Any]]],
        *,
        now: float | None = None,
        window: tuple[float, float] | None = None,
        limits: Limits = DEFAULT_LIMITS,
        on_note: Callable[[str], None] | None = None,
    ) -> list[dict[str, Any]]:
        """Run the search."""
        ...


def compile_query(tree: Pipeline, text: str) -> Query:
    """Return the function that runs a search over events.

    Args:
        tree: the search, from `parse`.
        text: what it was parsed from, for errors.

    Raises:
        QueryError: an unknown function, a wrong number of arguments, or types that cannot go together; and when run,
            what can only be seen then.
    """
    stage = _pipeline(tree, text)
    again_needed = reads_again(tree)

    def run(
        events: Iterable[Mapping[str, Any]],
        tables: Mapping[str, Sequence[Mapping[str, Any]]],
        *,
        now: float | None = None,
        window: tuple[float, float] | None = None,
        limits: Limits = DEFAULT_LIMITS,
        on_note: Callable[[str], None] | None = None,
    ) -> list[dict[str, Any]]:
        source = _Source(events) if again_needed else None
        again = source.rows if source is not None else Environment().events
        environment = Environment(again, tables, now, limits, window=window)
        with running(environment):
            rows = list(stage(source.rows() if source is not None else _ingested(events)))
        if on_note is not None:
            for sentence in environment.notes:
                on_note(sentence)
        return rows

    return run


def run(
    text: str,
    events: Iterable[Mapping[str, Any]],
    *,
    tables: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    now: float | None = None,
    limits: Limits = DEFAULT_LIMITS,
    on_note: Callable[[str], None] | None = None,
    macros: Macros | str | Mapping[str, str] | None = None,
) -> list[dict[str, Any]]:
    """Run a search over events and return its rows.

    Args:
        text: the search.
        events: events as Splunk has them: flat fields, or nested JSON, which is flattened as Splunk does; `_time` is
            epoch seconds or an ISO 8601 text; `_raw` is what keywords are looked for in.
        tables: lookups, by name.
        now: the time of the run, in seconds since the epoch.
        limits: how much is kept; `run_context.NO_LIMITS` switches them off.
        on_note: called with each sentence that the reader of the rows should know, such as a limit that was touched.
        macros: the text of a macros.conf with the macros that the search may call; or several, by name of file.

    Raises:
        QueryError: the search is wrong, or uses what this engine does not know; with the place.
        LogError: an event has a `_time` that is no time.
    """
    return compile_query(parse(text, macros), text)(events, tables or {}, now=now, limits=limits, on_note=on_note)


def reads_again(tree: Pipeline) -> bool:
    """Tell whether a search reads its events more than once, so that they must be kept."""
    return any(_reads_again(command) for command in tree.commands)


def _reads_again(command: Command) -> bool:
    match command:
        case MultiSearch() | Append() | AppendCols() | Union() | SetOperation() | Join():
            return True
        case AppendPipe(pipeline=pipeline):
            return reads_again(pipeline)
        case _:
            return any(isinstance(part, Subsearch) for part in late.parts_of(command))


def _ingested(events: Iterable[Mapping[str, Any]]) -> Iterator[Row]:
    return (ingest(event, position) for position, event in enumerate(events, 1))


class _Source:
    """Events that can be read more than once, each time as fresh rows, since commands change the rows they get."""

    def __init__(self, events: Iterable[Mapping[str, Any]]) -> None:
        self.events = list(events)

    def rows(self) -> Iterator[Row]:
        return _ingested(self.events)


def _pipeline(pipeline: Pipeline, text: str) -> Stage:
    check_first(pipeline.commands, text)
    begins = makes_rows(pipeline.commands, text)
    stages = [_settled_stage(command, text, first=not index) for index, command in enumerate(pipeline.commands)]

    def run(rows: Iterable[Row]) -> Iterable[Row]:
        if begins:
            rows = ()
        for stage in stages:
            rows = stage(rows)
        return rows

    return run


def _settled_stage(command: Command, text: str, *, first: bool) -> Stage:
    """Return the stage of a command; what in it is known only when the search runs is settled, and compiled, then."""
    if not late.may_have_parts(text) or not late.parts_of(command):
        return _stage(command, text, first=first)
    late.check(command, text, first=first)
    stages = late.stages_of(command, lambda pipeline: _pipeline(pipeline, text))

    def run(rows: Iterable[Row]) -> Iterable[Row]:
        return _stage(late.settle(command, stages, text), text, first=first)(rows)

    return run


def _stage(command: Command, text: str, *, first: bool) -> Stage:
    match command:
        case Search(expression=expression):
            test = compile_search(expression, text)
            return lambda rows: filter(test, rows)
        case AddInfo():
            return addinfo(command, text)
        case Where():
            return commands.where(command, text)
        case Eval():
            return commands.evaluate(command, text)
        case Stats():
            return compile_stats(command, text)
        case EventStats():
            return compile_eventstats(command, text)
        case StreamStats():
            return compile_streamstats(command, text)
        case Bin(field=field, size=size, span=span):
            if isinstance(size, TimeSpan) and field != "_time":
                raise error_at(text, span, f"a span of time for the field {field!r}", "only _time holds times")
            return commands.bins(command)
        case Sort():
            return commands.sort(command, text)
        case Head(count=count):
            return commands.head(count)
        case HeadWhile():
            return commands.head_while(command, text)
        case Tail(count=count):
            return commands.tail(count)
        case Reverse():
            return commands.reverse
        case Dedup():
            return commands.dedup(command, text)
        case Fields(keep=keep, names=names):
            return commands.keep_fields(names) if keep else commands.drop_fields(names)
        case Table(names=names):
            return commands.table(names)
        case Rename():
            return commands.rename(command)
        case Regex():
            return commands.regex(command, text)
        case Rex():
            return commands.rex(command, text)
        case FillNull():
            return commands.fillnull(command)
        case MvExpand():
            return commands.mvexpand(command)
        case MakeMv():
            return commands.makemv(command, text)
        case Spath():
            return spath(command, text)
        case Tstats():
            return compile_tstats(command, text)
        case FromDataModel():
            return compile_from(command, text)
        case MultiSearch(searches=searches):
            return _multisearch([_pipeline(search, text) for search in searches])
        case Append(pipeline=inner, limit=limit):
            return joins.append([_pipeline(inner, text)], limit, "append")
        case AppendPipe(pipeline=inner):
            return joins.appendpipe(_pipeline(inner, text))
        case AppendCols(pipeline=inner):
            return joins.appendcols(command, _pipeline(inner, text), text)
        case Union(searches=searches, limit=limit):
            return joins.append([_pipeline(search, text) for search in searches], limit, "union", first=first)
        case SetOperation(left=left, right=right):
            return joins.set_operation(command, _pipeline(left, text), _pipeline(right, text))
        case Join(pipeline=inner):
            return joins.join(command, _pipeline(inner, text), text)
        case Format():
            return format_stage(command, text)
        case Return():
            return return_stage(command, text)
        case Unsupported(name=name, span=span, construct=construct):
            raise error_at(text, span, f"{construct or f'the command {name}'} is not supported", why_not(name))
        case _:
            return more_stage(command, text, _pipeline)


def _multisearch(stages: Sequence[Stage]) -> Stage:
    """Return the results of every search over the same events, one search after the other."""

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        events = list(rows)
        for stage in stages:
            yield from stage(dict(event) for event in events)

    return run
