"""Stages in order: at each row, the latest time at which so many stages have begun.

    rows, back in time ──matches of each time──> rows, forth in time ──begun before this time──> begun by now

Events of one time have no order, so all rows of a time are looked at together, at the first of them: some stages are
events of that time, and those before them are earlier events. Different rows can be some stages if for every part of
these stages at least as many rows match a stage of the part (Hall's theorem).
"""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from typing import TYPE_CHECKING

from converter.plan import nodes as ir
from converter.targets.core.emission import refused
from converter.targets.splunk.emitter.limits import at_least, met
from converter.verdicts.log_assumptions import apart

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from converter.targets.splunk.emitter.rows import Rows, Search

    Chosen: TypeAlias = tuple[int, ...]

_MOST_COUNTED = 5
_MOST_ORDERS = 64


def in_order(plan: ir.Correlation, rows: Rows, search: Search, stages: Sequence[Sequence[int]]) -> str:
    """Write when stages have begun, and return the condition that a window meets the limits.

    Raises:
        RefusedError: too many choices of stages.
    """
    conditions = [" OR ".join(dict.fromkeys(rows.flags[rule] for rule in stage)) for stage in stages]
    different = list(dict.fromkeys(conditions))
    if len(different) > _MOST_COUNTED:
        search.emission.assume(apart(plan, [set(stages[conditions.index(condition)]) for condition in different]))
    levels = _levels(plan, len(stages))
    if not levels:
        return "1=0"
    orders = {level: list(combinations(range(len(stages)), level)) for level in levels}
    begun = _begun(plan, rows, search, conditions, orders)
    tests = [
        " OR ".join(f"round(_time-{begun[order]},6)<={plan.timespan}" for order in orders[level]) for level in levels
    ]
    if ir.rising(plan.limits):
        return tests[0]
    total = search.column("found")
    search.add(f"eval {total}={'+'.join(f'if({test},1,0)' for test in tests)}")
    return met(total, plan.limits, plan.places.get("condition"))


def _levels(plan: ir.Correlation, stages: int) -> list[int]:
    """Return the numbers of stages that a limit tells apart: one if there are only lower limits."""
    if ir.rising(plan.limits):
        least = at_least(plan.limits)
        return [least] if least <= stages else []
    return list(range(1, stages + 1))


def _begun(
    plan: ir.Correlation,
    rows: Rows,
    search: Search,
    conditions: Sequence[str],
    orders: dict[int, list[Chosen]],
) -> dict[Chosen, str]:
    """Write the latest beginning of each order of stages, and return the columns."""
    ends = [order for level in orders.values() for order in level]
    prefixes = list(dict.fromkeys(order[:length] for order in ends for length in range(1, len(order) + 1)))
    if len(prefixes) > _MOST_ORDERS:
        raise refused(
            f"the query would follow {len(prefixes)} orders of some of the stages, at most {_MOST_ORDERS}",
            "temporal_ordered with a number of many rules",
            plan.places.get("condition"),
            "leave out the condition, so that all rules are needed, or name fewer rules",
        )
    time, row, first = (search.column(name) for name in ("at", "row", "first_row"))
    matches = _Matches(conditions, search)
    written: list[str] = []
    after: dict[Chosen, str] = {}
    begun: dict[Chosen, str] = {}
    for length in range(1, max(orders) + 1):
        own = [prefix for prefix in prefixes if len(prefix) == length]
        level = {prefix: search.column("level") for prefix in own}
        texts = (f"{name}={_level(prefix, matches, after, first)}" for prefix, name in level.items())
        written.append(f"eval {', '.join(texts)}")
        longer = {prefix[:length] for prefix in prefixes if len(prefix) > length}
        after |= {prefix: search.column("after") for prefix in own if prefix in longer}
        if seen := [f"max({level[prefix]}) as {after[prefix]}" for prefix in own if prefix in longer]:
            written.append(f"streamstats window=0 current=f {', '.join(seen)}{rows.by}")
        if length in orders:
            begun |= {order: search.column("begun") for order in orders[length]}
            seen = [f"max({level[order]}) as {begun[order]}" for order in orders[length]]
            written.append(f"streamstats window=0 {', '.join(seen)}{rows.by}")
    by = rows.by_with(time)
    counts = ", ".join(f"count(eval({test})) as {name}" for test, name in matches.columns())
    search.add(
        f"eval {time}=round(_time,6)",
        f"sort 0 -{time}",
        f"streamstats window=0 count as {row}",
        # On the way back, the last row of a time has seen all rows of that time; on the way forth, it is the first.
        f"streamstats window=0 {counts}{by}",
        f"sort 0 -{row}",
        f"streamstats window=0 count as {first}{by}",
        *written,
    )
    return begun


def _level(order: Chosen, matches: _Matches, after: dict[Chosen, str], first: str) -> str:
    """Return when these stages have begun if the last of them are of this time; the more of them, the later."""
    if len(order) == 1:
        return f"if({first}=1 AND {matches.can_be(order)},_time,null())"
    cases = (
        f"{matches.can_be(order[earlier:])},{after[order[:earlier]] if earlier else '_time'}"
        for earlier in range(len(order))
    )
    return f"if({first}=1,case({','.join(cases)}),null())"


class _Matches:
    """How many rows of one time match any of some stages, as far as it is asked for."""

    def __init__(self, conditions: Sequence[str], search: Search) -> None:
        self._conditions = conditions
        self._different = list(dict.fromkeys(conditions))
        self._search = search
        self._columns: dict[Chosen, str] = {}

    def can_be(self, stages: Chosen) -> str:
        """Return the condition that different rows of one time match these stages."""
        needed = Counter(self._different.index(self._conditions[stage]) for stage in stages)
        # Where no row matches two stages, those of each stage are enough.
        largest = len(needed) if len(self._different) <= _MOST_COUNTED else 1
        parts = [part for size in range(1, largest + 1) for part in combinations(sorted(needed), size)]
        return " AND ".join(f"{self._count(part)}>={sum(needed[stage] for stage in part)}" for part in parts)

    def columns(self) -> list[tuple[str, str]]:
        """Return the conditions whose rows are counted, each with its column."""
        return [(" OR ".join(self._different[at] for at in part), name) for part, name in self._columns.items()]

    def _count(self, part: Chosen) -> str:
        if part not in self._columns:
            self._columns[part] = self._search.column("matches")
        return self._columns[part]
