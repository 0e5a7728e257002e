"""A tree to a function over documents, and that function's run.

    Query ──compile_query──> run(documents, tables) ──> rows
    documents ──FROM: columns──> rows as lists ──commands, one generator each──> rows as dicts

Expressions become closures when the types of the columns are known, which is when documents arrive; the result is kept
for documents of the same shape. Compiling checks everything that does not depend on types.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from converter.products.elastic.documents import field_names
from converter.products.elastic.field_types import ecs_type
from converter.targets.esql.engine.commands import command_of
from converter.targets.esql.engine.commands.base import Pipeline, Step
from converter.targets.esql.engine.commands.source import DOCUMENT_SLOT, columns_of, constants, documents_of
from converter.targets.esql.engine.language import source, syntax
from converter.targets.esql.engine.language.bound import Context, Row
from converter.targets.esql.engine.language.scope import LATE, Scope
from converter.targets.esql.engine.language.types import Type, to_output, type_named
from converter.targets.esql.engine.parse import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

DEFAULT_LIMIT = 1_000
MOST_ROWS = 10_000


def run(
    text: str,
    events: Iterable[Mapping[str, Any]],
    *,
    tables: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    mapping: Mapping[str, str] | None = None,
    warnings: list[str] | None = None,
) -> list[dict[str, Any]]:
    """Parse a query, run it over documents, and return its rows.

    Args:
        text: the query.
        events: the documents of every index that FROM names, but those of `tables`; an event may say its `_index`.
        tables: indices by name.
        mapping: field to type (`keyword`, `long`, `date`, `ip`, `scaled_float(100)`, ...), where it is known.
        warnings: a list to which the warnings of the run are added.

    Raises:
        QueryError: the query is not ES|QL, is not supported, or does not fit the types of the documents.
    """
    return compile_query(parse(text), text, mapping=mapping, warnings=warnings)(events, tables or {})


def check(text: str, *, type_of: Callable[[str], str | None] | None = None) -> None:
    """Refuse a query that does not parse, or does not fit the types of its fields, as far as they are known.

    Args:
        text: the query.
        type_of: returns the type to which a field is mapped; where it gives None, the Elastic Common Schema counts.

    Raises:
        QueryError: see `run`.
    """
    _Program(parse(text), text, {}).check(type_of)


def compile_query(
    tree: syntax.Query,
    text: str,
    *,
    mapping: Mapping[str, str] | None = None,
    warnings: list[str] | None = None,
) -> Callable[[Iterable[Mapping[str, Any]], Mapping[str, Sequence[Mapping[str, Any]]]], list[dict[str, Any]]]:
    """Return a function of documents and tables that gives the rows of a query.

    Raises:
        QueryError: see `run`; errors that depend on the types of the documents are raised when they come.
        ValueError: a scaled_float of the mapping is without its scaling factor.
    """
    program = _Program(tree, text, _known_mapping(mapping or {}))
    program.check()

    def execute(
        events: Iterable[Mapping[str, Any]],
        tables: Mapping[str, Sequence[Mapping[str, Any]]],
    ) -> list[dict[str, Any]]:
        rows, said = program.run(events, tables)
        if warnings is not None:
            warnings.extend(said)
        return rows

    return execute


def _known_mapping(mapping: Mapping[str, str]) -> dict[str, str]:
    """Return the fields whose types have columns."""
    for name, kind in mapping.items():
        if kind == "scaled_float" and ecs_type(name) != kind:
            raise ValueError(f"{name} is a scaled_float: write its scaling factor, such as scaled_float(100)")
    return {name: kind for name, kind in mapping.items() if type_named(kind) is not None}


@dataclass(frozen=True, slots=True)
class _Plan:
    """A query whose types are known; `first_row` is that of ROW."""

    context: Context
    steps: tuple[Step, ...]
    scope: Scope
    first_row: Row
    warnings: tuple[str, ...]  # of constants, which are computed only once


class _Program:
    """A query with what does not depend on the documents settled."""

    def __init__(self, tree: syntax.Query, text: str, mapping: Mapping[str, str]) -> None:
        self._tree = tree
        self._text = text
        self._mapping = mapping
        self._names, self._all_fields = _fields_used(tree)
        self._plans: dict[tuple[tuple[str, Type], ...], _Plan] = {}
        limited = any(isinstance(command, syntax.Limit) for command in tree.commands)
        self._limit = MOST_ROWS if limited else DEFAULT_LIMIT

    def check(self, type_of: Callable[[str], str | None] | None = None) -> None:
        """Bind over fields of known types, or of unknown type, to find errors before there are documents."""
        types: dict[str, Type] = {}
        if type_of is not None:
            for name in self._names:
                kind = source.METADATA.get(name) or type_named(type_of(name) or "") or source.known_type(name)
                if kind is not None:
                    types[name] = kind
        self._bind(types, ())

    def run(
        self,
        events: Iterable[Mapping[str, Any]],
        tables: Mapping[str, Sequence[Mapping[str, Any]]],
    ) -> tuple[list[dict[str, Any]], list[str]]:
        """Return the rows, and the warnings."""
        if isinstance(self._tree.source, syntax.Row):
            plan = self._bind({}, ())
            documents: list[Mapping[str, Any]] = []
            rows: Iterator[Row] = iter([list(plan.first_row)])
        else:
            documents = documents_of(Context(self._text), self._tree.source, events, tables)
            late = field_names(documents) if self._all_fields else []
            columns = {name: source.read_column(name, documents, self._mapping) for name in self._names}
            columns = {name: column for name, column in columns.items() if column.type is not Type.NULL}
            plan = self._planned({name: column.type for name, column in columns.items()}, tuple(late))
            values = [column.values for column in columns.values()]
            rows = map(list, zip(documents, *values, strict=True))
        plan.context.warnings[:] = plan.warnings
        for step in plan.steps:
            rows = step(rows)
        survivors = list(islice(rows, self._limit + 1))
        if len(survivors) > self._limit:
            survivors.pop()
            plan.context.warn(f"the result is cut to {self._limit} rows")
        return _output(survivors, plan.scope, self._mapping), list(plan.context.warnings)

    def _planned(self, types: dict[str, Type], late: tuple[str, ...]) -> _Plan:
        key = (*types.items(), *((name, Type.NULL) for name in late))
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = self._bind(types, late)
        return plan

    def _bind(self, types: dict[str, Type], late: Sequence[str]) -> _Plan:
        context = Context(self._text)
        command = self._tree.source
        row: Row = []
        if isinstance(command, syntax.Row):
            pipeline = Pipeline(context, Scope())
            row = constants(pipeline, command)
        else:
            pipeline = Pipeline(context, columns_of(context, command, types, late, self._mapping))
        steps = [command_of(node).bind(pipeline, node) for node in self._tree.commands]
        running = tuple(step for step in steps if step is not None)
        return _Plan(context, running, pipeline.scope, row, tuple(context.warnings))


def _fields_used(tree: syntax.Query) -> tuple[tuple[str, ...], bool]:
    """Return the fields that the query names, and whether others reach the result too."""
    names: dict[str, None] = {}
    if isinstance(tree.source, syntax.Row):
        return (), False
    names.update((column.name, None) for column in tree.source.metadata)
    for node in tree.commands:
        command = command_of(node)
        for expression in command.expressions(node):
            names.update((part.name, None) for part in syntax.walk(expression) if isinstance(part, syntax.Column))
        names.update((name, None) for name in command.fields(node))
        if command.closes(node):
            return _fields_only(names, tree.source), False
    return _fields_only(names, tree.source), True


def _fields_only(names: Iterable[str], command: syntax.From) -> tuple[str, ...]:
    """Leave out metadata that the query did not ask for."""
    fetched = {column.name for column in command.metadata}
    return tuple(name for name in names if name not in source.METADATA or name in fetched)


def _output(rows: list[Row], scope: Scope, mapping: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return rows as dicts; the fields that no command named are read from the documents only now."""
    columns: list[list[Any]] = []
    documents = [row[DOCUMENT_SLOT] for row in rows] if any(e.slot == LATE for e in scope.columns.values()) else []
    for entry in scope.columns.values():
        if entry.slot == LATE:
            column = source.read_column(entry.late, documents, mapping)
            type_, values = column.type, column.values
        elif entry.type is Type.NULL:
            type_, values = Type.NULL, [None] * len(rows)
        else:
            type_, values = entry.type, [row[entry.slot] for row in rows]
        columns.append([to_output(type_, value) for value in values])
    names = list(scope.columns)
    if not columns:
        return [{} for _ in rows]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]
