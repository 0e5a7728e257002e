"""STATS and INLINE STATS: rows into groups, groups into rows.

    rows ──keys──> groups: dict of key to rows ──aggregations──> result rows ──expressions──> columns

A key reads the columns before the command; an aggregation and its filter read the keys as well, by their names. Of
several keys of one name the last counts. A row whose key is a multivalue is in the group of each of its values; null is
a group of its own. Without BY there is one group even without rows. Sources: NOTES.md, "Commands".
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from converter.readers.query_budget import combinations
from converter.targets.esql.engine.functions.bind import Binder, ResultBinder, column
from converter.targets.esql.engine.language import syntax
from converter.targets.esql.engine.language.bound import Context, Getter, Row, expect
from converter.targets.esql.engine.language.scope import Entry, Scope
from converter.targets.esql.engine.language.types import Type

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from converter.targets.esql.engine.commands.base import Step
    from converter.targets.esql.engine.functions.base import Compute
    from converter.targets.esql.engine.language.bound import Bound

INLINE_BY_MULTIVALUE = "INLINE STATS by multivalues whose groups have equal, several or no results"
RENAMED_AND_SHADOWED = "a group key that renames a column whose name another key takes"


@dataclass(frozen=True, slots=True)
class _Keys:
    """The keys of the groups.

    Attributes:
        groups: the keys that count, in order.
        scope: the columns that aggregations and filters read: those before the command, and over them the keys.
        computed: what is computed of a row and put at its end, before it is grouped.
    """

    groups: tuple[syntax.Named, ...]
    scope: Scope
    computed: tuple[Getter, ...]

    @property
    def entries(self) -> list[Entry]:
        """Where the row has each key."""
        return [self.scope.columns[group.name] for group in self.groups]

    @property
    def results(self) -> dict[str, Entry]:
        """Where the row of results has each key: they come first."""
        return {group.name: replace(entry, slot=slot) for slot, (group, entry) in self._numbered()}

    def _numbered(self) -> Iterator[tuple[int, tuple[syntax.Named, Entry]]]:
        return iter(enumerate(zip(self.groups, self.entries, strict=True)))

    def getters(self) -> tuple[Getter, ...]:
        """Return how each key is had from a row."""
        return tuple(column(entry, group.span).get for _, (group, entry) in self._numbered())


@dataclass(frozen=True, slots=True)
class _Output:
    """A column of the result: how it is had from the row of keys and aggregations, and the filter of its rows."""

    name: str
    type: Type
    get: Getter
    computes: tuple[Compute, ...]
    where: Getter | None


# --- binding --------------------------------------------------------------------------------------------------------


def bind_stats(context: Context, scope: Scope, command: syntax.Stats) -> tuple[Step, Scope]:
    """Return the step of STATS, and the columns after it."""
    keys = _bind_keys(context, scope, command)
    return _plain(keys, _bind_outputs(context, keys, command))


def bind_inline_stats(context: Context, scope: Scope, command: syntax.InlineStats) -> Step:
    """Return the step of INLINE STATS, which adds columns to the scope."""
    keys = _bind_keys(context, scope, command)
    return _inline(context, scope, keys, _bind_outputs(context, keys, command))


def _bind_keys(context: Context, scope: Scope, command: syntax.Stats | syntax.InlineStats) -> _Keys:
    """Return the keys that count: of several of one name the last, where it stands."""
    bound: dict[str, tuple[syntax.Named, Bound]] = {}
    for group in command.groups:
        value = _bind_key(context, scope, group)
        bound.pop(group.name, None)
        bound[group.name] = (group, value)
    inner = copy(scope)
    inner.columns = dict(scope.columns)
    inner.removed = set(scope.removed)
    computed: list[Getter] = []
    for group, value in bound.values():
        present = scope.columns.get(_column_of(group))
        if present is not None:
            inner.put(group.name, present)
        else:
            inner.add(group.name, value.type)
            computed.append(value.get)
    groups = tuple(group for group, _ in bound.values())
    _check_names(context, groups)
    return _Keys(groups, inner, tuple(computed))


def _bind_key(context: Context, scope: Scope, group: syntax.Named) -> Bound:
    bound = Binder(context, scope).bind(group.value)
    if bound.type.temporal:
        raise context.error("STATS cannot group by a span of time", group.span)
    return bound


def _check_names(context: Context, groups: Sequence[syntax.Named]) -> None:
    """Refuse `BY z = a, a = a + 1`: the product cannot plan it, or can, as the keys are ordered."""
    computed = {group.name for group in groups if not _column_of(group)}
    for group in groups:
        renamed = _column_of(group)
        if renamed in computed and renamed != group.name:
            raise context.refused(RENAMED_AND_SHADOWED, group.span, f"rename [{renamed}] before the command")


def _column_of(group: syntax.Named) -> str:
    """Return the name of the column that a key is, or an empty string for one that is computed."""
    return group.value.name if isinstance(group.value, syntax.Column) else ""


def _bind_outputs(context: Context, keys: _Keys, command: syntax.Stats | syntax.InlineStats) -> list[_Output]:
    """Return the results of the aggregations."""
    binder = Binder(context, keys.scope)
    declared = {
        part.name: group
        for group in keys.groups
        for part in syntax.walk(group.value)
        if isinstance(part, syntax.Column)
    }
    outputs: list[_Output] = []
    slot = len(keys.groups)
    for aggregate in command.aggregates:
        result = ResultBinder(context, keys.scope, keys.results, slot, declared)
        bound = result.bind_result(aggregate)
        where = None
        if aggregate.where is not None:
            condition = binder.bind(aggregate.where)
            expect(context, "WHERE", condition, (Type.BOOLEAN,), "a boolean")
            where = condition.get
        computes = tuple(aggregation.compute for aggregation in result.aggregations)
        outputs.append(_Output(aggregate.name, bound.type, bound.get, computes, where))
        slot += len(computes)
    return outputs


# --- running --------------------------------------------------------------------------------------------------------


def _plain(keys: _Keys, outputs: list[_Output]) -> tuple[Step, Scope]:
    scope = Scope()
    width = len(keys.groups)
    for index, output in enumerate(outputs):
        scope.put(output.name, Entry(width + index, output.type))
    for name, entry in keys.results.items():
        scope.put(name, entry)  # a group key has priority over a result of its name
    scope.width = width + len(outputs)
    getters = keys.getters()

    def step(rows: Iterator[Row]) -> Iterator[Row]:
        for key, members in _group(_with_keys(rows, keys.computed), getters).items():
            yield [*key, *_results(key, members, outputs)]

    return step, scope


def _inline(context: Context, scope: Scope, keys: _Keys, outputs: list[_Output]) -> Step:
    """Add the results of a row's group to the row, where null is a group too; a row of several groups has them all."""
    entries = keys.entries
    first = keys.scope.width
    for index, output in enumerate(outputs):
        scope.put(output.name, Entry(first + index, output.type))
    for group, entry in zip(keys.groups, entries, strict=True):
        scope.put(group.name, entry)
    scope.width = first + len(outputs)
    getters = keys.getters()

    def step(rows: Iterator[Row]) -> Iterator[Row]:
        seen = list(_with_keys(rows, keys.computed))
        row_keys = [tuple([get(row) for get in getters]) for row in seen]
        results = {key: _results(key, members, outputs) for key, members in _group(iter(seen), getters).items()}
        for row, key in zip(seen, row_keys, strict=True):
            multivalued = [index for index, part in enumerate(key) if part.__class__ is list]
            if not multivalued:
                row.extend(results[key])
            else:
                added = _together([results[way] for way in _ways(key)]) if len(multivalued) == 1 else None
                if added is None:
                    raise context.refused(INLINE_BY_MULTIVALUE, keys.groups[multivalued[-1]].span)
                row.extend(added)
            yield row

    return step


def _together(results: list[list[Any]]) -> list[Any] | None:
    """Return the results of several groups as multivalues; None where the product is not known to put them so."""
    added = [list(values) for values in zip(*results, strict=True)]
    settled = all(None not in values and len(set(map(repr, values))) == len(values) for values in added)
    return added if settled and not any(value.__class__ is list for values in added for value in values) else None


def _ways(key: tuple[Any, ...]) -> Iterable[tuple[Any, ...]]:
    """Return the keys of the groups that a row is in; its key may hold several values."""
    return combinations([tuple(dict.fromkeys(part)) if part.__class__ is list else (part,) for part in key])


def _with_keys(rows: Iterator[Row], computed: tuple[Getter, ...]) -> Iterator[Row]:
    """Put the computed keys at the end of each row; one is computed from the columns before, not from another key."""
    if not computed:
        yield from rows
        return
    for row in rows:
        row.extend([get(row) for get in computed])
        yield row


def _results(key: tuple[Any, ...], members: Sequence[Row], outputs: list[_Output]) -> list[Any]:
    """Return the results of a group; expressions around aggregations see keys and aggregations in one row."""
    row: Row = list(key)
    for output in outputs:
        where = output.where
        chosen = members if where is None else [member for member in members if where(member) is True]
        row.extend(compute(chosen) for compute in output.computes)
    return [output.get(row) for output in outputs]


def _group(rows: Iterator[Row], getters: tuple[Getter, ...]) -> dict[tuple[Any, ...], list[Row]]:
    """Return the rows of each group, groups in order of their first row."""
    if not getters:
        return {(): list(rows)}
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        key = tuple([get(row) for get in getters])
        if any(part.__class__ is list for part in key):
            for way in _ways(key):
                groups.setdefault(way, []).append(row)
            continue
        members = groups.get(key)
        if members is None:
            groups[key] = [row]
        else:
            members.append(row)
    return groups
