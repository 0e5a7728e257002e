"""STATS and INLINE STATS: rows into groups, groups into rows.

    rows ──keys──> groups: dict of key to rows ──aggregations──> result rows ──expressions──> columns

A row whose key is a multivalue is in the group of each of its values; null is a group of its own. Without BY there
is one group even without rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

from converter.targets.esql.engine.functions import AGGREGATIONS
from converter.targets.esql.engine.functions.bind import Binder, ResultBinder
from converter.targets.esql.engine.language import syntax
from converter.targets.esql.engine.language.bound import Context, Getter, Row, expect
from converter.targets.esql.engine.language.scope import Entry, Scope
from converter.targets.esql.engine.language.types import Type

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from converter.targets.esql.engine.commands.base import Step
    from converter.targets.esql.engine.functions.base import Compute

INLINE_BY_MULTIVALUE = "INLINE STATS by a column that holds a multivalue"


@dataclass(frozen=True, slots=True)
class _Output:
    """A column of the result: how it is had from the row of keys and aggregations, and the filter of its rows."""

    name: str
    type: Type
    get: Getter
    computes: tuple[Compute, ...]
    where: Getter | None


def bind_stats(context: Context, scope: Scope, command: syntax.Stats) -> tuple[Step, Scope]:
    """Return the step of STATS, and the columns after it."""
    return _plain(*_bound(context, scope, command))


def bind_inline_stats(context: Context, scope: Scope, command: syntax.InlineStats) -> Step:
    """Return the step of INLINE STATS, which adds columns to the scope."""
    _, getters, outputs = _bound(context, scope, command)
    return _inline(context, scope, command, getters, outputs)


def _bound(
    context: Context, scope: Scope, command: syntax.Stats | syntax.InlineStats
) -> tuple[dict[str, Entry], tuple[Getter, ...], list[_Output]]:
    """Return the group keys, how each is had from a row, and the results."""
    binder = Binder(context, scope)
    groups = [(group.name, binder.bind(group.value), group) for group in command.groups]
    for _, bound, group in groups:
        for node in syntax.walk(group.value):
            if isinstance(node, syntax.Call) and node.name in AGGREGATIONS:
                raise context.error(f"an aggregation cannot stand in BY: [{node.name.upper()}]", node.span)
        if bound.type.temporal:
            raise context.error("STATS cannot group by a span of time", group.span)
    keys = {name: Entry(slot, bound.type) for slot, (name, bound, _) in enumerate(groups)}
    outputs: list[_Output] = []
    slot = len(groups)
    for aggregate in command.aggregates:
        result = ResultBinder(context, scope, keys, slot)
        bound = result.bind(aggregate.value)
        if not result.aggregations and not isinstance(aggregate.value, syntax.Column):
            hint = "such as COUNT(*) or MAX(field)"
            raise context.error(f"[{context.source(aggregate.value.span)}] aggregates nothing", aggregate.span, hint)
        where = None
        if aggregate.where is not None:
            condition = binder.bind(aggregate.where)
            expect(context, "WHERE", condition, (Type.BOOLEAN,), "a boolean")
            where = condition.get
        computes = tuple(aggregation.compute for aggregation in result.aggregations)
        outputs.append(_Output(aggregate.name, bound.type, bound.get, computes, where))
        slot += len(computes)
    return keys, tuple(bound.get for _, bound, _ in groups), outputs


def _plain(keys: dict[str, Entry], getters: tuple[Getter, ...], outputs: list[_Output]) -> tuple[Step, Scope]:
    scope = Scope()
    width = len(getters)
    for index, output in enumerate(outputs):
        scope.put(output.name, Entry(width + index, output.type))
    for name, entry in keys.items():
        scope.put(name, entry)  # a group key has priority over a result of its name
    scope.width = width + len(outputs)

    def step(rows: Iterator[Row]) -> Iterator[Row]:
        for key, members in _group(rows, getters).items():
            yield [*key, *_results(key, members, outputs)]

    return step, scope


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
            ways = [dict.fromkeys(part) if part.__class__ is list else (part,) for part in key]
            for way in product(*ways):
                groups.setdefault(way, []).append(row)
            continue
        members = groups.get(key)
        if members is None:
            groups[key] = [row]
        else:
            members.append(row)
    return groups


def _inline(
    context: Context,
    scope: Scope,
    command: syntax.InlineStats,
    getters: tuple[Getter, ...],
    outputs: list[_Output],
) -> Step:
    """Add the results of a row's group to the row; null is a group too. A key that is a multivalue is refused."""
    first = scope.width
    for index, output in enumerate(outputs):
        scope.put(output.name, Entry(first + index, output.type))
    scope.width = first + len(outputs)
    computed: list[Getter] = []
    for group, get in zip(command.groups, getters, strict=True):
        present = scope.columns.get(group.name) if isinstance(group.value, syntax.Column) else None
        if present is not None:
            scope.put(group.name, present)
        else:
            scope.add(group.name, Binder(context, scope).bind(group.value).type)
            computed.append(get)
    added = tuple(computed)

    def step(rows: Iterator[Row]) -> Iterator[Row]:
        seen = list(rows)
        keys = [tuple([get(row) for get in getters]) for row in seen]
        for key in keys:
            for value, group in zip(key, command.groups, strict=True):
                if value.__class__ is list:
                    raise context.refused(INLINE_BY_MULTIVALUE, group.span)
        results = {key: _results(key, members, outputs) for key, members in _group(iter(seen), getters).items()}
        for row, key in zip(seen, keys, strict=True):
            values = [get(row) for get in added]
            row.extend(results[key])
            row.extend(values)
            yield row

    return step
