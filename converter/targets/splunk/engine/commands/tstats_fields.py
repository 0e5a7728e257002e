"""The fields that a `tstats` names: which there are, and what reads them of an event.

event ──its data set, or the index──> row with the fields of where, by and the statistics
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from converter.readers.source import NOWHERE
from converter.targets.splunk.engine.commands.data_sets import BASE_FIELDS, UncomputedError, tree_of
from converter.targets.splunk.engine.commands.datamodel import find_data_set
from converter.targets.splunk.engine.language.syntax import (
    CommandNode,
    Comparison,
    Keyword,
    Membership,
    SearchAnd,
    SearchNot,
    SearchOr,
    Subsearch,
    TimeBound,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from converter.readers.source import Span
    from converter.targets.splunk.engine.commands.aggregates import Aggregate
    from converter.targets.splunk.engine.commands.base import SearchContext
    from converter.targets.splunk.engine.commands.data_sets import Reader, Tree
    from converter.targets.splunk.engine.commands.datamodel import DataModel
    from converter.targets.splunk.engine.language.syntax import SearchExpression
    from converter.targets.splunk.engine.language.time_spans import TimeSpan
    from converter.targets.splunk.engine.language.values import Row


@dataclass(frozen=True, slots=True)
class Named:
    """A name as written, and where."""

    name: str
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Tstats(CommandNode):
    """`tstats ... from datamodel=... where ... by ...`; without a source it is over the fields of the index."""

    aggregates: tuple[Aggregate, ...]
    source: DataModel | None
    where: SearchExpression | None
    by: tuple[Named, ...]
    size: TimeSpan | None
    fillnull: str | None
    summaries_only: bool
    prestats: bool
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


def event_reader(command: Tstats, context: SearchContext) -> Reader:
    """Return what reads the fields that a tstats names of an event, or None if the event is not in its data set.

    Raises:
        QueryError: an unknown data model or field; when run: see `UncomputedError`.
    """
    names = _names(command)
    if command.source is None:
        return _index_reader(names, context)
    return _model_reader(command, command.source, names, context)


def _names(command: Tstats) -> dict[str, Span]:
    """Return every field that a tstats names, with the place where it does first."""
    names: dict[str, Span] = {}
    if command.where is not None:
        for name, span in _searched(command.where):
            names.setdefault(name, span)
    for aggregate in command.aggregates:
        if isinstance(aggregate.argument, str):
            names.setdefault(aggregate.argument, aggregate.span)
    for named in command.by:
        names.setdefault(named.name, named.span)
    return names


def _searched(expression: SearchExpression) -> Iterator[tuple[str, Span]]:
    match expression:
        case SearchAnd(items=items) | SearchOr(items=items):
            for item in items:
                yield from _searched(item)
        case SearchNot(item=item):
            yield from _searched(item)
        case Comparison(field=name, span=span) | Membership(field=name, span=span):
            yield name, span
        case Keyword(span=span):
            yield "", span
        case Subsearch() | TimeBound():
            return  # what they stand for is put in before the command is compiled
        case _:
            assert_never(expression)


def _index_reader(names: Mapping[str, Span], context: SearchContext) -> Reader:
    known = {*BASE_FIELDS, ""}
    for name, span in names.items():
        if name not in known:
            raise context.error(
                f"tstats without a data model sees only fields of the index, and {name!r} is none",
                span,
                f"fields of the index: {', '.join(BASE_FIELDS)}",
            )
    indexed = (*BASE_FIELDS, "_raw")
    return lambda event: {name: event[name] for name in indexed if name in event}


def _model_reader(command: Tstats, source: DataModel, names: Mapping[str, Span], context: SearchContext) -> Reader:
    data_set = find_data_set(source, context)
    tree = tree_of(data_set)
    for name, span in names.items():
        _check(name, tree, span, context)
    inner = tree.reader(tuple(names), data_set)

    def read(event: Row) -> Row | None:
        try:
            return inner(event)
        except UncomputedError as missing:
            name = str(missing)
            raise context.error(
                f"an event has no {name}, which the data model works out of other fields",
                names.get(name, command.span),
                "this engine does not: give the event that field",
            ) from None

    return read


def _check(name: str, tree: Tree, span: Span, context: SearchContext) -> None:
    if not name:
        raise context.error(
            "a keyword in the where of tstats over a data model, which has no raw text", span, "name a field"
        )
    if not tree.knows(name):
        raise context.error(f"the data model {tree.root.model} has no field {name!r}", span, tree.hint(name))
