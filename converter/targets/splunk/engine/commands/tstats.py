"""`tstats`, `datamodel` and `from datamodel`, compiled: statistics over the events that are in a data set.

    events ──data_models──> rows of the data set ──where──> ──fillnull_value──> ──stats by──> rows

Nothing is accelerated here: every event counts as summarized, whatever `summariesonly` says, and a note says so. What
`where` may hold is what `search` may, with the field names of the data model; a keyword is refused, since a data model
has no raw text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, assert_never

from converter.errors import suggest
from converter.targets.splunk.engine.commands.basic import bins
from converter.targets.splunk.engine.commands.data_sets import (
    BASE_FIELDS,
    DataSet,
    Tree,
    UncomputedError,
    data_models,
    tree_of,
)
from converter.targets.splunk.engine.commands.stats import compile_stats
from converter.targets.splunk.engine.language.expression_code import error_at
from converter.targets.splunk.engine.language.run_context import current
from converter.targets.splunk.engine.language.search_predicate import compile_search
from converter.targets.splunk.engine.language.syntax import (
    And,
    Bin,
    Comparison,
    DataModel,
    FromDataModel,
    Keyword,
    Membership,
    Not,
    Or,
    Stats,
    Subsearch,
    TimeBound,
    Tstats,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from converter.targets.splunk.engine.commands.data_sets import Reader
    from converter.targets.splunk.engine.language.syntax import Command, SearchExpression, Span
    from converter.targets.splunk.engine.language.values import Row

Stage: TypeAlias = "Callable[[Iterable[Row]], Iterable[Row]]"

_BUCKET = "\0bucket"


def compile_tstats(command: Tstats, text: str) -> Stage:
    """Return the stage of `tstats`: events to one row a group.

    Raises:
        QueryError: an unknown data model or field, or what only files of an index could answer; when run: a field that
            the data model computes in a way that this engine does not.
    """
    if command.prestats:
        raise error_at(text, command.span, "prestats=true, which only Splunk's own commands can read, is not supported")
    if command.size is None and (times := [one for one in command.by if one.name == "_time"]):
        raise error_at(
            text, times[0].span, "tstats by _time without a span, which depends on the time range then", "add span=1h"
        )
    names = _names(command)
    read = _index_reader(names, text) if command.source is None else _model_reader(command, command.source, names, text)
    where = compile_search(command.where, text) if command.where is not None else None
    bucket = bins(Bin("_time", command.size, _BUCKET)) if command.size is not None else None
    by = tuple(one.name for one in command.by)
    group = tuple(_BUCKET if name == "_time" else name for name in by)
    stats = compile_stats(Stats(command.aggregates, group), text)
    filled = [name for name in by if name != "_time"] if command.fillnull is not None else []

    def selected(events: Iterable[Row]) -> Iterator[Row]:
        for event in events:
            row = read(event)
            if row is None or (where is not None and not where(row)):
                continue
            for name in filled:
                if row.get(name) is None:
                    row[name] = command.fillnull
            yield row

    def run(events: Iterable[Row]) -> Iterator[Row]:
        if command.summaries_only:
            current().note("summariesonly=true: every event counts as summarized here")
        rows: Iterable[Row] = selected(events)
        for row in stats(bucket(rows) if bucket is not None else rows):
            yield {"_time" if name == _BUCKET else name: value for name, value in row.items()}

    return run


def compile_from(command: FromDataModel, text: str) -> Stage:
    """Return the stage of `datamodel X Y search` and `from datamodel:X.Y`: events with the fields of the data set.

    Raises:
        QueryError: an unknown data model; when run: see `compile_tstats`.
    """
    wanted = find_data_set(command.source, text)
    tree = tree_of(wanted)
    inside = [one for one in tree.sets if wanted.path[: len(one.path)] == one.path]
    names = [one.prefix + field.name for one in inside for field in one.fields if "computed" not in field.kinds]
    computed = [one.prefix + field.name for one in inside for field in one.fields if "computed" in field.kinds]
    read = tree.reader([*names, *BASE_FIELDS], wanted)
    whole = [tree.reader([name], wanted) for name in computed]

    def run(events: Iterable[Row]) -> Iterator[Row]:
        for event in events:
            row = read(event)
            if row is None:
                continue
            for one in whole:
                try:
                    row.update(one(event) or {})
                except UncomputedError as missing:
                    current().note(f"{missing} is left out where the data model works it out of other fields")
            plain = {name.rpartition(".")[2]: value for name, value in row.items()} if command.flat else row
            kept = {name: value for name, value in event.items() if not command.strict or name.startswith("_")}
            yield {**kept, **plain}

    return run


def check_first(commands: Sequence[Command], text: str) -> None:
    """Refuse a command of this module that is not the first of its search: it reads events, not rows.

    Raises:
        QueryError: there is one.
    """
    for command in commands[1:]:
        if isinstance(command, Tstats | FromDataModel):
            name = "tstats" if isinstance(command, Tstats) else "a command that reads a data model"
            raise error_at(text, command.span, f"{name} must be the first command of a search")


def find_data_set(source: DataModel, text: str) -> DataSet:
    """Return the data set that a search names.

    Raises:
        QueryError: there is none of that name, or the model has several roots and none is named.
    """
    models = data_models()
    sets = models.get(source.model)
    if sets is None:
        hint = suggest(source.model, models) or f"known: {', '.join(models)}"
        raise error_at(text, source.span, f"unknown data model {source.model!r}", hint)
    if source.dataset is not None:
        for one in sets:
            if one.name == source.dataset:
                return one
        names = [one.name for one in sets]
        hint = suggest(source.dataset, names) or f"known: {', '.join(names)}"
        raise error_at(text, source.span, f"the data model {source.model} has no data set {source.dataset!r}", hint)
    roots = [one for one in sets if len(one.path) == 1]
    if len(roots) > 1:
        hint = f"write datamodel={source.model}.{roots[0].name}, or one of: {', '.join(one.name for one in roots)}"
        raise error_at(text, source.span, f"the data model {source.model} has several root data sets", hint)
    return roots[0]


def _names(command: Tstats) -> dict[str, Span]:
    """Return every field that a tstats names, with the place where it does first."""
    found: dict[str, Span] = {}
    if command.where is not None:
        for name, span in _searched(command.where):
            found.setdefault(name, span)
    for aggregate in command.aggregates:
        if isinstance(aggregate.argument, str):
            found.setdefault(aggregate.argument, aggregate.span)
    for one in command.by:
        found.setdefault(one.name, one.span)
    return found


def _searched(expression: SearchExpression) -> Iterator[tuple[str, Span]]:
    match expression:
        case And(items=items) | Or(items=items):
            for item in items:
                yield from _searched(item)
        case Not(item=item):
            yield from _searched(item)
        case Comparison(field=name, span=span) | Membership(field=name, span=span):
            yield name, span
        case Keyword(span=span):
            yield "", span
        case Subsearch() | TimeBound():
            return  # what they stand for is put in before the command is compiled
        case _:
            assert_never(expression)


def _index_reader(names: Mapping[str, Span], text: str) -> Reader:
    known = {*BASE_FIELDS, ""}
    for name, span in names.items():
        if name not in known:
            raise error_at(
                text,
                span,
                f"tstats without a data model sees only fields of the index, and {name!r} is none",
                f"fields of the index: {', '.join(BASE_FIELDS)}",
            )
    kept = (*BASE_FIELDS, "_raw")
    return lambda event: {name: event[name] for name in kept if name in event}


def _model_reader(command: Tstats, source: DataModel, names: Mapping[str, Span], text: str) -> Reader:
    wanted = find_data_set(source, text)
    tree = tree_of(wanted)
    for name, span in names.items():
        _check(name, tree, span, text)
    inner = tree.reader(tuple(names), wanted)

    def read(event: Row) -> Row | None:
        try:
            return inner(event)
        except UncomputedError as missing:
            name = str(missing)
            raise error_at(
                text,
                names.get(name, command.span),
                f"an event has no {name}, which the data model works out of other fields",
                "this engine does not: give the event that field",
            ) from None

    return read


def _check(name: str, tree: Tree, span: Span, text: str) -> None:
    if not name:
        raise error_at(
            text, span, "a keyword in the where of tstats over a data model, which has no raw text", "name a field"
        )
    if not tree.knows(name):
        raise error_at(text, span, f"the data model {tree.root.model} has no field {name!r}", tree.hint(name))
