"""Run an EQL query over documents.

    text ──parse──> Query ──compile_query──> closure(events) -> rows

An event query returns the matching documents in the order of time. A sequence query returns one row per sequence, in
the order in which they complete: {"join_keys": [...], "events": [document, ...]}.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from converter.errors import LogError
from converter.products.elastic import dates
from converter.products.elastic.documents import Document, Getter, getter
from converter.readers.query_budget import combinations
from converter.targets.eql.engine.conditions import Condition, Conditions
from converter.targets.eql.engine.join_keys import with_key_conditions
from converter.targets.eql.engine.language import syntax as tree
from converter.targets.eql.engine.parse import parse
from converter.targets.eql.engine.pipes import PIPES, Rows
from converter.targets.eql.engine.sequence import Hit, Key, Match, Plan, match_sequences

Tables: TypeAlias = Mapping[str, Sequence[Mapping[str, Any]]]
Runner: TypeAlias = Callable[[Iterable[Mapping[str, Any]], Tables], Rows]

_BEFORE_ALL = -(2**63)


def run(
    text: str,
    events: Iterable[Mapping[str, Any]],
    *,
    tables: Tables | None = None,
    timestamp_field: str = "@timestamp",
    event_category_field: str = "event.category",
    size: int | None = None,
    on_error: Callable[[LogError], None] | None = None,
) -> Rows:
    """Run a query over documents.

    Args:
        text: the query.
        events: documents, nested or with dotted keys; the given dicts are returned, not copies.
        tables: not used; EQL reads one set of documents.
        timestamp_field: field that orders events.
        event_category_field: field that the category before `where` is compared with.
        size: most rows to return where the query has no pipe, the latest ones kept; None for all.
        on_error: called with the error of each event that has no usable time; it is left out.

    Returns:
        documents, or for a sequence rows of `join_keys` and `events`.

    Raises:
        QueryError: the query is not EQL, or uses what is not supported.
        LogError: without `on_error`: an event has no usable time.
    """
    compiled = compile_query(
        parse(text),
        text,
        timestamp_field=timestamp_field,
        event_category_field=event_category_field,
        size=size,
        on_error=on_error,
    )
    return compiled(events, tables or {})


def check(text: str) -> None:
    """Refuse a query that does not parse, or that no mapping of its fields could make right. Raises QueryError."""
    compile_query(parse(text), text)


def compile_query(
    query: tree.Query,
    text: str,
    *,
    timestamp_field: str = "@timestamp",
    event_category_field: str = "event.category",
    size: int | None = None,
    on_error: Callable[[LogError], None] | None = None,
) -> Runner:
    """Return the function that runs `query`, the tree of `text`; for the options see `run`.

    Raises:
        QueryError: the query cannot be right, or uses what is not supported.
    """
    compiler = _Compiler(text, timestamp_field, event_category_field, on_error)
    match query.body:
        case tree.EventFilter():
            rows = compiler.event_query(query.body)
        case tree.Sequence():
            rows = compiler.sequence_query(query.body)

    def runner(events: Iterable[Mapping[str, Any]], _tables: Tables) -> Rows:
        results = rows(events)
        if not query.pipes and size is not None:
            return results[max(0, len(results) - size) :]
        for pipe in query.pipes:
            results = PIPES[pipe.name](results, pipe.count)
        return results

    return runner


class _Compiler:
    def __init__(
        self,
        text: str,
        timestamp_field: str,
        event_category_field: str,
        on_error: Callable[[LogError], None] | None,
    ) -> None:
        self._conditions = Conditions(text, timestamp_field)
        self._timestamp_field = timestamp_field
        self._event_category_field = event_category_field
        self._on_error = on_error

    def _fail(self, error: LogError) -> None:
        """Tell of an event that is left out, or raise the error."""
        if self._on_error is None:
            raise error
        self._on_error(error)

    def event_query(self, node: tree.EventFilter) -> Callable[[Iterable[Document]], Rows]:
        passes = self._filter(node)
        clock = self._clock()

        def rows(events: Iterable[Document]) -> Rows:
            hits: list[tuple[int, int, Document]] = []
            for position, event in enumerate(events):
                if passes(event):
                    try:
                        time = clock(event, position)
                    except LogError as error:
                        self._fail(error)
                        continue
                    hits.append((_BEFORE_ALL if time is None else time, position, event))
            hits.sort(key=_time_and_position)
            return [_row(event) for _, _, event in hits]

        return rows

    def sequence_query(self, node: tree.Sequence) -> Callable[[Iterable[Document]], Rows]:
        sources: dict[tuple[tree.EventFilter, tuple[tree.Field, ...]], int] = {}

        def source_of(stage: tree.Stage) -> int:
            return sources.setdefault((stage.filter, stage.keys), len(sources))

        stages = tuple(
            (source_of(stage), stage.missing) for stage in with_key_conditions(node.stages) for _ in range(stage.runs)
        )
        until = None if node.until is None else source_of(node.until)
        plan = Plan(stages, node.maxspan, until)
        compiled = [
            (index, self._filter(event_filter), self._keys(keys)) for (event_filter, keys), index in sources.items()
        ]
        clock = self._clock()

        def hit(event: Document, position: int) -> tuple[int, int, Hit] | None:
            matched = tuple(
                (index, keys) for index, passes, keys_of in compiled if passes(event) and (keys := keys_of(event))
            )
            if not matched:
                return None
            try:
                time = clock(event, position)
            except LogError as error:
                self._fail(error)
                return None
            if time is None:
                what = f"has no {self._timestamp_field}, which a sequence needs"
                self._fail(LogError(f"{_name(event, position)} {what}"))
                return None
            return time, position, Hit(time, _row(event), matched)

        def rows(events: Iterable[Document]) -> Rows:
            hits = [row for position, event in enumerate(events) if (row := hit(event, position)) is not None]
            hits.sort(key=_time_and_position)
            return [_sequence_row(match) for match in match_sequences(plan, (row for _, _, row in hits))]

        return rows

    def _filter(self, node: tree.EventFilter) -> Condition:
        condition = self._conditions.condition(node.condition)
        if node.category is None:
            return condition
        category = node.category
        read = self._conditions.getter(self._event_category_field)
        return lambda event: category in read(event) and condition(event)

    def _keys(self, keys: tuple[tree.Field, ...]) -> Callable[[Document], tuple[Key, ...]]:
        """Return the function that lists the join keys of an event: one for each combination of the fields' values.

        A field without a value gives no key, unless it is optional: then null.
        """
        if not keys:
            return lambda _event: ((),)
        readers: list[tuple[Getter, bool]] = [(self._conditions.getter(key.name), key.optional) for key in keys]

        def read(event: Document) -> tuple[Key, ...]:
            choices: list[list[Any]] = []
            for values_of, optional in readers:
                values = values_of(event)
                if not values and not optional:
                    return ()
                choices.append(list(values) or [None])
            if all(len(values) == 1 for values in choices):
                return (tuple([_hashed(values[0]) for values in choices]),)
            # dict.fromkeys drops repeated combinations and keeps their order.
            return tuple(dict.fromkeys(tuple(map(_hashed, combination)) for combination in combinations(choices)))

        return read

    def _clock(self) -> Callable[[Document, int], int | None]:
        """Return the function that reads an event's time, None if it has none."""
        name = self._timestamp_field
        read = getter(name)  # as it stands, so that what is not a time can be told

        def clock(event: Document, position: int) -> int | None:
            values = read(event)
            if not values:
                return None
            time = dates.indexed(values[0])
            if time is None or len(values) > 1:
                raise LogError(f"{_name(event, position)} has no usable time in {name}: {repr(values[0])[:80]}")
            return time

        return clock


class _Boolean:
    """A boolean as a part of a join key, apart from the numbers 0 and 1, which Python takes for equal to it."""

    __slots__ = ("value",)

    def __init__(self, *, value: bool) -> None:
        self.value = value


_TRUE, _FALSE = _Boolean(value=True), _Boolean(value=False)


def _hashed(value: Any) -> Any:
    if isinstance(value, bool):
        return _TRUE if value else _FALSE
    return value


def _name(event: Document, position: int) -> str:
    """Return what an error calls an event: by its id, else by its position."""
    identifier = event.get("_id")
    return f"event {identifier if isinstance(identifier, str | int) else position + 1}"


def _time_and_position(row: tuple[int, int, Any]) -> tuple[int, int]:
    return row[0], row[1]


def _row(event: Document) -> dict[str, Any]:
    return event if isinstance(event, dict) else dict(event)


def _sequence_row(match: Match) -> dict[str, Any]:
    """Return the row of a sequence; a missing event is shown as the product shows it."""
    return {
        "join_keys": [part.value if isinstance(part, _Boolean) else part for part in match.key],
        "events": [{"_id": "", "missing": True} if event is None else event for event in match.events],
    }
