"""Correlations in SPL, as one search: the events of any rule, then windows and episodes of each group.

    Correlation ──> SEARCH ──rows──> windows ──> episodes ──> | stats: one row an episode
                       └── a correlation below: its episodes become rows at their end, in the same search

No subsearch is needed, so none of its limits applies. See NOTES.md for the sources.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from converter.plan import nodes as ir
from converter.targets.core.emission import condition_of, refused
from converter.targets.core.target import free_column
from converter.targets.splunk.emitter.base import base_lines
from converter.targets.splunk.emitter.episodes import close_fixed, close_sliding, fixed_statistic, number_sliding
from converter.targets.splunk.emitter.limits import met
from converter.targets.splunk.emitter.rows import Search, is_plain, plain_rows, shown_fields
from converter.targets.splunk.emitter.rule_rows import Part, open_parts, part_rows
from converter.targets.splunk.emitter.windows import judged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from converter.targets.core.emission import Emission
    from converter.targets.splunk.emitter.rows import Rows

_MOST_PARTS = 100


def correlation_lines(plan: ir.Correlation, emission: Emission) -> list[str]:
    """Return the lines of the search of a correlation.

    Raises:
        RefusedError: what SPL cannot say exactly.
    """
    search = Search(plan, emission, base_lines(condition_of(plan), emission))
    shown = shown_fields(plan)
    rows = plain_rows(plan, search, shown) if is_plain(plan) else _chain(plan, search, shown)
    if plan.sliding:
        by, measure = number_sliding(plan, rows, judged(plan, rows, search), search)
        _stats(plan, rows, search, by, shown, _of_episode(plan, rows), measure)
    else:
        _fixed(plan, rows, search, shown)
    return search.lines


def _chain(plan: ir.Correlation, search: Search, shown: Sequence[str]) -> Rows:
    """Write rows for every rule at any depth, then the correlations below, innermost first; return the plan's own."""
    parts = _Parts()
    tree = parts.of(plan)
    if len(parts.detections) > _MOST_PARTS:
        raise refused(
            f"the correlation counts {len(parts.detections)} rules at all its depths",
            "many rules",
            plan.places.get("rules"),
            f"at most {_MOST_PARTS}",
        )
    read = [name for part in parts.detections for name in (*part.rule.group_by, *part.rule.fields)]
    columns = open_parts(parts.detections, search, [*read, *shown], chained=bool(parts.below))
    for part, own in parts.below:
        below = part.rule.plan
        assert isinstance(below, ir.Correlation)  # noqa: S101  `_Parts` sorted them
        rows = part_rows(below, own, search, columns, others=True)
        if below.sliding:
            close_sliding(below, rows, judged(below, rows, search), search, columns.use, part.use)
        else:
            close_fixed(below, rows, search, columns.use, part.use)
        part.columns.update(zip(below.group_by, rows.keys, strict=False))
    return part_rows(plan, tree, search, columns, others=False)


class _Parts:
    """The parts of a correlation at any depth, numbered: first all detections, then what they make."""

    def __init__(self) -> None:
        self.detections: list[Part] = []
        self.below: list[tuple[Part, list[Part]]] = []

    def of(self, plan: ir.Correlation) -> list[Part]:
        """Return the parts of a correlation, in the order of its rules; the same one for a rule that is there twice."""
        parts: dict[tuple[int, tuple[str, ...], tuple[str, ...]], Part] = {}
        return [self._part(rule, parts) for rule in plan.rules]

    def _part(self, rule: ir.Referenced, parts: dict[tuple[int, tuple[str, ...], tuple[str, ...]], Part]) -> Part:
        key = (id(rule.plan), rule.group_by, rule.fields)
        if key in parts:
            return parts[key]
        if isinstance(rule.plan, ir.Correlation):
            own = self.of(rule.plan)
            part = Part(f"c{len(self.below) + 1}", rule)
            self.below.append((part, own))
        else:
            part = Part(str(len(self.detections) + 1), rule)
            self.detections.append(part)
        parts[key] = part
        return part


def _fixed(plan: ir.Correlation, rows: Rows, search: Search, shown: Sequence[str]) -> None:
    """Windows aligned to the epoch, by arithmetic: `bin` snaps spans of a day and more to the user's midnight."""
    window = search.column("window")
    search.add(f"eval {window}=floor(_time/{plan.timespan})*{plan.timespan}")
    _stats(plan, rows, search, window, shown, fixed_statistic(plan, rows, search, window))


def _of_episode(plan: ir.Correlation, rows: Rows) -> str:
    """Return the statistic that an episode of sliding windows is shown with; of combinations there is none."""
    match plan.measure:
        case ir.ValueCount() if len(rows.values) == 1:
            return f"dc({rows.values[0]})"
        case ir.ValueSum():
            return f"sum({rows.values[0]})"
        case ir.ValueAvg():
            return f"avg({rows.values[0]})"
        case (
            ir.EventCount()
            | ir.ValueCount()
            | ir.ValueMedian()
            | ir.ValuePercentile()
            | ir.Temporal()
            | ir.TemporalOrdered()
        ):
            return ""
        case _:
            assert_never(plan.measure)


def _measured(parts: list[str], what: str, name: str) -> str:
    """Add the statistic that is the measure, if there is one; return its column, else an empty string."""
    if not what:
        return ""
    parts.append(f"{what} as {name}")
    return name


def _stats(
    plan: ir.Correlation, rows: Rows, search: Search, by: str, shown: Sequence[str], what: str, of_window: str = ""
) -> None:
    """Write one row an episode, with what an analyst needs, under names that no group-by field has.

    Args:
        plan: the correlation.
        rows: its members.
        search: what is written.
        by: the column that tells the episodes of a group apart.
        shown: fields whose values are shown.
        what: the statistic that is the measure of all members together; empty where there is none.
        of_window: of a range, the column with the measure of a window; else empty.
    """
    taken = [*plan.group_by]
    names: dict[str, str] = {}
    for name in ("first_seen", "last_seen", "event_count", "value_count", "value_sum", "value_avg", "rules"):
        names[name] = free_column(name, taken)
    used = {*taken, *names.values()}
    chained = bool(rows.first)
    parts = [
        f"min({rows.first or '_time'}) as {names['first_seen']}",
        f"max(_time) as {names['last_seen']}",
    ]
    if not chained:
        parts.append(f"{f'dc({rows.event})' if rows.event else 'count'} as {names['event_count']}")
    measure = ""
    match plan.measure:
        case ir.EventCount():
            measure = names["event_count"]
        case ir.ValueCount():
            measure = _measured(parts, what, names["value_count"])
        case ir.ValueSum():
            measure = _measured(parts, what, names["value_sum"])
        case ir.ValueAvg():
            measure = _measured(parts, what, names["value_avg"])
        case ir.ValueMedian() | ir.ValuePercentile() | ir.Temporal() | ir.TemporalOrdered():
            pass
        case _:
            assert_never(plan.measure)
    if rows.names:
        parts.append(f"values({rows.names}) as {names['rules']}")
    parts += [f"values({name}) as {name}" for name in shown if name not in used]
    if not plan.sliding and chained and isinstance(plan.measure, ir.EventCount):
        measure = search.column("count")
        parts.append(f"count as {measure}")
    if of_window:
        measure = search.column("peak")
        parts.append(f"max({of_window}) as {measure}")
    search.add(f"stats {' '.join(parts)}{rows.by_with(by)}")
    dropped = [by]
    limits = plan.peak_limits if plan.sliding else plan.limits
    if limits:
        search.add(f"where {met(measure, limits, plan.places.get('condition'))}")
        if measure not in names.values():
            dropped.append(measure)
    search.add(f"fields - {', '.join(dropped)}")
    if rows.renamed:
        search.add("rename " + ", ".join(f"{column} as {name}" for column, name in rows.renamed))
