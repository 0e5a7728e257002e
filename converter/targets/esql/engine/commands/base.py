"""Commands to steps: each takes an iterator of rows and gives one.

    Command + Scope ──Bindery.bind──> Step, and the scope after it

KEEP, DROP and RENAME change the scope only. Source: Elasticsearch docs "ES|QL commands"; vendor cases `keep.csv-spec`,
`drop.csv-spec`, `rename.csv-spec`, `mv_expand.csv-spec`, `stats.csv-spec`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias, assert_never

from converter.targets.esql.engine import syntax
from converter.targets.esql.engine.bind import Binder
from converter.targets.esql.engine.bound import Bound, Context, Getter, Row, expect
from converter.targets.esql.engine.commands.grouping import bind_stats
from converter.targets.esql.engine.scope import LATE, Entry
from converter.targets.esql.engine.types import Type

if TYPE_CHECKING:
    from converter.targets.esql.engine.scope import Scope

Step: TypeAlias = Callable[[Iterator[Row]], Iterator[Row]]
_MOST_ROWS = 10_000


class Bindery:
    """Binds commands one after the other; `scope` is the columns after the last."""

    def __init__(self, context: Context, scope: Scope) -> None:
        self._context = context
        self.scope = scope

    def constants(self, command: syntax.Row) -> Row:
        """Bind ROW and return its row."""
        values: Row = []
        binder = Binder(self._context, self.scope)
        for field in command.fields:
            bound = binder.bind(field.value)
            if not bound.constant:
                raise self._context.error("ROW takes constants only", field.value.span)
            self._no_time_span(field, bound)
            values.append(bound.value)
        for field, value in zip(command.fields, values, strict=True):
            slot = self.scope.add(field.name, binder.bind(field.value).type)
            assert values[slot] is value  # noqa: S101  # one slot a field, in order
        return values

    def _no_time_span(self, field: syntax.Named, bound: Bound) -> None:
        if bound.type.temporal:
            message = f"a column cannot hold a span of time [{self._context.source(field.value.span)}]"
            raise self._context.error(message, field.value.span)

    def bind(self, command: syntax.Command) -> Step | None:
        """Return the step of a command, or None if rows pass unchanged.

        Raises:
            QueryError: an unknown column or function, or types that do not fit.
        """
        match command:
            case syntax.Where():
                return self._where(command)
            case syntax.Eval():
                return self._eval(command)
            case syntax.Stats():
                step, self.scope = bind_stats(self._context, self.scope, command)
                return step
            case syntax.Keep():
                self._keep(command)
                return None
            case syntax.Drop():
                self._drop(command)
                return None
            case syntax.Rename():
                self._rename(command)
                return None
            case syntax.Sort():
                return self._sort(command)
            case syntax.Limit():
                count = min(command.count, _MOST_ROWS)
                return lambda rows: islice(rows, count)
            case syntax.MvExpand():
                return self._mv_expand(command)
            case _:
                assert_never(command)

    def _where(self, command: syntax.Where) -> Step:
        condition = Binder(self._context, self.scope).bind(command.condition)
        expect(self._context, "WHERE", condition, (Type.BOOLEAN,), "a boolean")
        test = condition.get
        if condition.constant:
            return (lambda rows: rows) if condition.value is True else lambda _rows: iter(())

        def step(rows: Iterator[Row]) -> Iterator[Row]:
            return (row for row in rows if test(row) is True)

        return step

    def _eval(self, command: syntax.Eval) -> Step | None:
        getters: list[Getter] = []
        for field in command.fields:
            bound = Binder(self._context, self.scope).bind(field.value)
            self._no_time_span(field, bound)
            entry = self.scope.columns.get(field.value.name) if isinstance(field.value, syntax.Column) else None
            if entry is not None:
                self.scope.put(field.name, entry)  # another name for the same slot
                continue
            self.scope.add(field.name, bound.type)
            getters.append(bound.get)
        if not getters:
            return None
        many = tuple(getters)

        def step(rows: Iterator[Row]) -> Iterator[Row]:
            for row in rows:
                for get in many:
                    row.append(get(row))
                yield row

        return step

    def _keep(self, command: syntax.Keep) -> None:
        """Keep columns in the order of the patterns; an exact name goes where it stands, over any pattern."""
        scope = self.scope
        exact = {pattern.parts[0] for pattern in command.patterns if len(pattern.parts) == 1}
        kept: dict[str, Entry] = {}
        rank: dict[str, int] = {}
        for pattern in command.patterns:
            if len(pattern.parts) == 1:
                name = pattern.parts[0]
                entry = scope.find(self._context, name, pattern.span)
                kept.pop(name, None)
                kept[name] = entry or Entry(scope.width, Type.NULL)
                continue
            names = [name for name in scope.matching(pattern) if name not in exact]
            if not names and not scope.open and not scope.matching(pattern):
                raise self._context.error(f"no column matches [{pattern.text}]", pattern.span)
            # Between patterns the narrower one places a column: `*` is the widest.
            narrow = 0 if pattern.text == "*" else 1
            for name in names:
                if rank.get(name, -1) <= narrow:
                    kept.pop(name, None)
                    kept[name] = scope.columns[name]
                    rank[name] = narrow
        scope.columns = kept
        patterns = tuple(pattern.parts for pattern in command.patterns if len(pattern.parts) > 1)
        scope.open = scope.open and bool(patterns)
        scope.within.append(patterns)

    def _drop(self, command: syntax.Drop) -> None:
        scope = self.scope
        for pattern in command.patterns:
            if len(pattern.parts) == 1:
                scope.find(self._context, pattern.parts[0], pattern.span)
                names = [pattern.parts[0]]
            else:
                names = scope.matching(pattern)
                if not names and not scope.open:
                    raise self._context.error(f"no column matches [{pattern.text}]", pattern.span)
            for name in names:
                scope.columns.pop(name, None)
                scope.removed.add(name)

    def _rename(self, command: syntax.Rename) -> None:
        scope = self.scope
        for old, new in command.pairs:
            entry = scope.find(self._context, old.name, old.span) or Entry(scope.width, Type.NULL)
            if old.name == new.name:
                continue
            columns = {}
            for name, present in scope.columns.items():
                if name == old.name:
                    columns[new.name] = entry
                elif name != new.name:
                    columns[name] = present
            columns.setdefault(new.name, entry)
            scope.columns = columns
            scope.removed.discard(new.name)
            scope.removed.add(old.name)

    def _sort(self, command: syntax.Sort) -> Step:
        keys = []
        for key in command.keys:
            bound = Binder(self._context, self.scope).bind(key.value)
            if bound.type is not Type.NULL:
                keys.append((_sort_value(bound.get, descending=key.descending), key.descending, key.nulls_first))

        def step(rows: Iterator[Row]) -> Iterator[Row]:
            ordered = list(rows)
            for get, descending, nulls_first in reversed(keys):  # stable: the last key first
                nulls = [row for row in ordered if get(row) is None]
                others = [row for row in ordered if get(row) is not None] if nulls else ordered
                others.sort(key=get, reverse=descending)
                ordered = [*nulls, *others] if nulls_first else [*others, *nulls]
            return iter(ordered)

        return step

    def _mv_expand(self, command: syntax.MvExpand) -> Step | None:
        column = command.column
        entry = self.scope.find(self._context, column.name, column.span)
        if entry is None or entry.type is Type.NULL:
            return None
        slot = entry.slot
        assert slot != LATE  # noqa: S101  # a field that a command names is read early
        position = list(self.scope.columns).index(column.name)
        names = list(self.scope.columns)
        new = Entry(self.scope.width, entry.type)
        self.scope.width += 1
        self.scope.columns = {
            name: new if index == position else self.scope.columns[name] for index, name in enumerate(names)
        }

        def step(rows: Iterator[Row]) -> Iterator[Row]:
            for row in rows:
                value = row[slot]
                if value.__class__ is list:
                    for one in value:
                        yield [*row, one]
                else:
                    row.append(value)
                    yield row

        return step


def _sort_value(get: Getter, *, descending: bool) -> Getter:
    """A multivalue sorts by its least value, or by its greatest when descending."""
    choose = max if descending else min

    def value_of(row: Row) -> Any:
        value = get(row)
        return choose(value) if value.__class__ is list else value

    return value_of
