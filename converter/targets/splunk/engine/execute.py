"""A search, compiled once and run over events.

    text ──parse──> Pipeline ──compile_query──> events -> rows
                                 each command, by COMMANDS: rows -> rows, chained; only sorting and statistics hold
                                 rows back

Rows leave in the order in which they came unless a command orders them. Splunk itself hands the newest event first; a
search that depends on that depends on the order of the events given here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from converter.errors import LogError, QueryError
from converter.readers.query_budget import made_rows
from converter.readers.source import NOWHERE, Source
from converter.targets.splunk.engine import deferred
from converter.targets.splunk.engine.commands import COMMANDS
from converter.targets.splunk.engine.commands.add_fields import Eval
from converter.targets.splunk.engine.commands.base import SearchContext
from converter.targets.splunk.engine.commands.filter import Search, Where
from converter.targets.splunk.engine.language.run_context import Environment, Limits, running
from converter.targets.splunk.engine.language.syntax import Pipeline, Subsearch
from converter.targets.splunk.engine.language.values import check_time, ingest
from converter.targets.splunk.engine.parse import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from converter.targets.splunk.engine.commands.base import Commands, Stage
    from converter.targets.splunk.engine.language.syntax import CommandNode
    from converter.targets.splunk.engine.language.values import Row
    from converter.targets.splunk.engine.macros import Macros

DEFAULT_LIMITS = Limits()


class CompiledSearch(Protocol):
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


def compile_query(tree: Pipeline, text: str) -> CompiledSearch:
    """Return the function that runs a search over events.

    Args:
        tree: the search, from `parse`.
        text: what it was parsed from, for errors.

    Raises:
        QueryError: an unknown function, a wrong number of arguments, or types that cannot go together; and when run,
            what can only be seen then.
    """
    stage = _Engine(COMMANDS).compile(tree, Source(text, QueryError))
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
    on_error: Callable[[LogError], None] | None = None,
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

        on_error: called with the error of each event whose `_time` is not a time; it is left out.

    Raises:
        QueryError: the search is wrong, or uses what this engine does not know; with the place.
        LogError: without `on_error`: an event has a `_time` that is not a time.
    """
    events = events if on_error is None else usable(events, on_error)
    return compile_query(parse(text, macros), text)(events, tables or {}, now=now, limits=limits, on_note=on_note)


def check(text: str) -> None:
    """Refuse a search that does not parse, or that no event could make right. Raises QueryError."""
    compile_query(parse(text), text)


def reads_again(tree: Pipeline, commands: Commands = COMMANDS) -> bool:
    """Tell whether a search reads its events more than once, so that they must be kept."""
    return any(
        commands.of(node).rereads
        or any(isinstance(part, Subsearch) for part in deferred.parts_of(node))
        or any(reads_again(inner, commands) for inner in deferred.pipelines_of(node))
        for node in tree.commands
    )


def usable(events: Iterable[Mapping[str, Any]], on_error: Callable[[LogError], None]) -> Iterator[Mapping[str, Any]]:
    """Yield the events but those whose `_time` is not a time; `on_error` is called with the error of each of these."""
    for position, event in enumerate(events, 1):
        try:
            check_time(event, position)
        except LogError as error:
            on_error(error)
        else:
            yield event


def _ingested(events: Iterable[Mapping[str, Any]]) -> Iterator[Row]:
    return (ingest(event, position) for position, event in enumerate(events, 1))


def _counted(stage: Stage, node: CommandNode, source: Source[QueryError]) -> Stage:
    """Return a stage that counts the rows it makes: those that it gives beyond those that it has taken."""
    if isinstance(node, Search | Where | Eval):  # a row for a row, and at most one
        return stage

    def fail(message: str) -> QueryError:
        return source.error(message, getattr(node, "span", NOWHERE))

    def run(rows: Iterable[Row]) -> Iterator[Row]:
        surplus = 0

        def taken() -> Iterator[Row]:
            nonlocal surplus
            for row in rows:
                surplus -= 1
                yield row

        for row in stage(taken()):
            surplus += 1
            if surplus > 0:
                surplus = 0
                made_rows(1, fail)
            yield row

    return run


class _Source:
    """Events that can be read more than once, each time as fresh rows, since commands change the rows they get."""

    def __init__(self, events: Iterable[Mapping[str, Any]]) -> None:
        self.events = list(events)

    def rows(self) -> Iterator[Row]:
        return _ingested(self.events)


class _Engine:
    """Compiles pipelines of the commands of a table."""

    def __init__(self, commands: Commands) -> None:
        self.commands = commands

    def parse(self, text: str) -> Pipeline:
        """Return the tree of a search without macros. Raises QueryError."""
        return parse(text, commands=self.commands)

    def compile(self, pipeline: Pipeline, source: Source[QueryError]) -> Stage:
        """Return the stage of a pipeline that was read from a source. Raises QueryError."""
        for node in pipeline.commands[1:]:
            if check_later := self.commands.of(node).check_later:
                check_later(node, SearchContext(source, first=False, engine=self))
        stages = [
            _counted(self._settled_stage(node, source, first=not index), node, source)
            for index, node in enumerate(pipeline.commands)
        ]

        def run(rows: Iterable[Row]) -> Iterable[Row]:
            for stage in stages:
                rows = stage(rows)
            return rows

        return run

    def _settled_stage(self, node: CommandNode, source: Source[QueryError], *, first: bool) -> Stage:
        """Return the stage of a command; what is known only when the search runs is settled, and compiled, then."""
        if not deferred.may_have_parts(source.text) or not deferred.parts_of(node):
            return self._stage(node, source, first=first)
        deferred.check(node, source, first=first)
        stages = deferred.stages_of(node, lambda pipeline: self.compile(pipeline, source))

        def run(rows: Iterable[Row]) -> Iterable[Row]:
            return self._stage(deferred.settle(node, stages, source), source, first=first)(rows)

        return run

    def _stage(self, node: CommandNode, source: Source[QueryError], *, first: bool) -> Stage:
        return self.commands.of(node).compile(node, SearchContext(source, first, self))
