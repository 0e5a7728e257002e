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

from converter.targets.esql.engine import source, syntax
from converter.targets.esql.engine.bound import Context, Row
from converter.targets.esql.engine.commands.base import Bindery, Step
from converter.targets.esql.engine.parse import parse
from converter.targets.esql.engine.scope import LATE, Entry, Scope
from converter.targets.esql.engine.types import TYPE_NAMES, Type, to_output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

DEFAULT_LIMIT = 1_000
MOST_ROWS = 10_000
_DOCUMENT_SLOT = 0


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
        events: the documents of every index that FROM names, except those that `tables` has by that very name.
        tables: indices by name.
        mapping: field to type (`keyword`, `long`, `date`, `ip`, ...), where it is known.
        warnings: a list to which the warnings of the run are added.

    Raises:
        QueryError: the query is not ES|QL, is not supported, or does not fit the types of the documents.
    """
    return compile_query(parse(text), text, mapping=mapping, warnings=warnings)(events, tables or {})


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
    """
    program = _Program(tree, text, {name: kind for name, kind in (mapping or {}).items() if kind in TYPE_NAMES})
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


@dataclass(frozen=True, slots=True)
class _Plan:
    """A query whose types are known."""

    context: Context
    steps: tuple[Step, ...]
    scope: Scope
    constants: Row
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

    def check(self) -> None:
        """Bind over fields of unknown type, to find errors before there are documents."""
        self._bind({}, ())

    def run(
        self,
        events: Iterable[Mapping[str, Any]],
        tables: Mapping[str, Sequence[Mapping[str, Any]]],
    ) -> tuple[list[dict[str, Any]], list[str]]:
        """Return the rows, and the warnings."""
        if isinstance(self._tree.source, syntax.Row):
            plan = self._bind({}, ())
            documents: list[Mapping[str, Any]] = []
            rows: Iterator[Row] = iter([list(plan.constants)])
        else:
            documents = self._documents(self._tree.source, events, tables)
            late = source.field_names(documents) if self._all_fields else []
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

    def _documents(
        self,
        command: syntax.From,
        events: Iterable[Mapping[str, Any]],
        tables: Mapping[str, Sequence[Mapping[str, Any]]],
    ) -> list[Mapping[str, Any]]:
        documents: list[Mapping[str, Any]] = []
        rest = [index for index in command.indices if index not in tables]
        for name in dict.fromkeys(index for index in command.indices if index in tables):
            documents.extend({"_index": name, **row} for row in tables[name])
        if any(not index.startswith("-") for index in rest):
            documents.extend(source.select(events, rest))
        return documents

    def _planned(self, types: dict[str, Type], late: tuple[str, ...]) -> _Plan:
        key = (*types.items(), *((name, Type.NULL) for name in late))
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = self._bind(types, late)
        return plan

    def _bind(self, types: dict[str, Type], late: Sequence[str]) -> _Plan:
        context = Context(self._text)
        bindery = Bindery(context, self._source_scope(context, types, late))
        constants: Row = []
        if isinstance(self._tree.source, syntax.Row):
            constants = bindery.constants(self._tree.source)
        steps = [step for command in self._tree.commands if (step := bindery.bind(command)) is not None]
        return _Plan(context, tuple(steps), bindery.scope, constants, tuple(context.warnings))

    def _source_scope(self, context: Context, types: dict[str, Type], late: Sequence[str]) -> Scope:
        command = self._tree.source
        if isinstance(command, syntax.Row):
            return Scope()
        for column in command.metadata:
            if column.name not in source.METADATA:
                hint = f"known: {', '.join(source.METADATA)}"
                raise context.error(f"the metadata field [{column.name}] is not supported", column.span, hint)
        metadata = [column.name for column in command.metadata]
        scope = Scope(open=True, width=1)
        slots = {name: slot for slot, name in enumerate(types, _DOCUMENT_SLOT + 1)}
        scope.width += len(slots)
        for name in [*sorted({*types, *late} - set(metadata)), *metadata]:
            if name in slots:
                known = name in self._mapping or name in source.KNOWN or name in source.METADATA
                scope.columns[name] = Entry(slots[name], types[name], observed=not known)
            elif name in late:
                scope.columns[name] = Entry(LATE, Type.NULL, late=name)
            else:
                scope.columns[name] = Entry(scope.width, Type.NULL)  # a query that is only checked has no documents
        return scope


def _fields_used(tree: syntax.Query) -> tuple[tuple[str, ...], bool]:
    """Return the fields that the query names, and whether others reach the result too."""
    names: dict[str, None] = {}
    if isinstance(tree.source, syntax.Row):
        return (), False
    names.update((column.name, None) for column in tree.source.metadata)
    for command in tree.commands:
        for expression in _expressions(command):
            names.update((node.name, None) for node in syntax.walk(expression) if isinstance(node, syntax.Column))
        match command:
            case syntax.MvExpand():
                names[command.column.name] = None
            case syntax.Rename():
                names.update((old.name, None) for old, _ in command.pairs)
            case syntax.Keep() if all(len(pattern.parts) == 1 for pattern in command.patterns):
                names.update((pattern.parts[0], None) for pattern in command.patterns)
                return _fields_only(names, tree.source), False
            case syntax.Stats(inline=False):
                return _fields_only(names, tree.source), False
            case _:
                pass
    return _fields_only(names, tree.source), True


def _fields_only(names: Iterable[str], command: syntax.From) -> tuple[str, ...]:
    """Leave out metadata that the query did not ask for."""
    wanted = {column.name for column in command.metadata}
    return tuple(name for name in names if name not in source.METADATA or name in wanted)


def _expressions(command: syntax.Command) -> Iterator[syntax.Expression]:
    match command:
        case syntax.Where():
            yield command.condition
        case syntax.Eval():
            yield from (field.value for field in command.fields)
        case syntax.Stats():
            for aggregate in command.aggregates:
                yield aggregate.value
                if aggregate.where is not None:
                    yield aggregate.where
            yield from (group.value for group in command.groups)
        case syntax.Sort():
            yield from (key.value for key in command.keys)
        case _:
            pass


def _output(rows: list[Row], scope: Scope, mapping: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return rows as dicts; the fields that no command named are read from the documents only now."""
    columns: list[list[Any]] = []
    documents = [row[_DOCUMENT_SLOT] for row in rows] if any(e.slot == LATE for e in scope.columns.values()) else []
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
