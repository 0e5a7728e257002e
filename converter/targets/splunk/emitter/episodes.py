"""Episodes: from rows at which a window is satisfied to the rows that each episode holds.

    judged rows, back in time ──nearest satisfied time──> members ──a gap of more than T between those──> episodes

A row is in an episode if a window that begins at it or before ends at a satisfied time; the nearest one at or after it
tells. Two of those that are further apart than the timespan are of two episodes. Of a range, each row also has the
measure of the window at that time, so that the largest in an episode can be compared with the upper limits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from converter.plan import nodes as ir
from converter.targets.splunk.emitter.limits import met
from converter.verdicts.log_assumptions import whole_numbers

if TYPE_CHECKING:
    from converter.targets.splunk.emitter.rows import Rows, Search
    from converter.targets.splunk.emitter.windows import Judged


def number_sliding(plan: ir.Correlation, rows: Rows, judged: Judged, search: Search) -> tuple[str, str]:
    """Write a number for the episode of each member, and drop all other rows.

    Returns:
        The column of the number, and the column with the measure of a window (empty if it is not a range).
    """
    members = _members(plan, rows, judged, search)
    episode = search.column("episode")
    search.add(f"streamstats window=0 sum({members.new}) as {episode}{rows.by}")
    return episode, members.measure


def close_sliding(plan: ir.Correlation, rows: Rows, judged: Judged, search: Search, use: str, mine: str) -> None:
    """Write one row for each episode of a correlation below another: its last member, with the time of its first."""
    members = _members(plan, rows, judged, search)
    episode = search.column("episode")
    statistics, ends = f"min({rows.first}) as {rows.first}", f"{members.new}=1"
    if members.measure:
        peak = search.column("peak")
        statistics += f" max({members.measure}) as {peak}"
        ends = f"({ends} AND {met(peak, plan.peak_limits, plan.places.get('condition'))})"
    search.add(
        f"streamstats window=0 sum({members.new}) as {episode}{rows.by}",
        f"sort 0 {members.row}",
        f"streamstats window=0 {statistics}{rows.by_with(episode)}",
        f"where {rows.mine(ends)}",
    )
    _rename_use(rows, search, members.row, use, mine)


def close_fixed(plan: ir.Correlation, rows: Rows, search: Search, use: str, mine: str) -> None:
    """Write one row for each satisfied fixed window of a correlation below another: its last member."""
    window, row, copy, measure = (search.column(name) for name in ("window", "row", "copy", "measure"))
    by = rows.by_with(window)
    search.add("sort 0 _time", f"eval {window}=floor(_time/{plan.timespan})*{plan.timespan}")
    what = fixed_statistic(plan, rows, search, window)
    satisfied = met(measure, plan.limits, plan.places.get("condition"))
    search.add(
        f"streamstats window=0 {what} as {measure} min({rows.first}) as {rows.first}{by}",
        f"streamstats window=0 count as {row}",
        f"sort 0 -{row}",
        f"streamstats window=0 count as {copy}{by}",
        f"where {rows.mine(f'({copy}=1 AND {satisfied})')}",
        f"sort 0 {row}",
    )
    _rename_use(rows, search, row, use, mine)


def fixed_statistic(plan: ir.Correlation, rows: Rows, search: Search, window: str) -> str:
    """Return the statistic of all rows of a fixed window that is the measure of the correlation."""
    match plan.measure:
        case ir.EventCount():
            return "count"
        case ir.ValueCount() if len(rows.values) > 1:
            # The first row of each combination; the order does not matter.
            first = search.column("copy")
            search.add(f"streamstats window=0 count as {first}{rows.by_with(window, *rows.values)}")
            return f"sum(eval(if({first}=1,1,0)))"
        case ir.ValueCount():
            return f"dc({rows.values[0]})"
        case _:
            search.emission.assume(whole_numbers(plan))
            return f"sum({rows.values[0]})"


@dataclass(frozen=True, slots=True)
class _Members:
    """Columns of the members of episodes: whether a row ends one, its number, and the measure if it is a range."""

    new: str
    row: str
    measure: str


def _members(plan: ir.Correlation, rows: Rows, judged: Judged, search: Search) -> _Members:
    """Write, back in time, which rows are members, and drop all others."""
    row, near, before, new = (search.column(name) for name in ("row", "near", "later", "new"))
    condition = judged.condition
    search.add(f"streamstats window=0 count as {row}", f"sort 0 -{row}")
    if not judged.every:
        following = search.column("following")
        search.add(f"streamstats window=1 current=f global=f last(_time) as {following}{rows.by}")
        condition = f"(isnull({following}) OR {following}>_time) AND {_bracketed(condition)}"
    inside = f"round({near}-_time,6)<={plan.timespan}"
    if judged.member:
        inside = f"{judged.member} AND {inside}"
    search.add(f"streamstats window=0 min(eval(if({condition},_time,null()))) as {near}{rows.by}")
    measure = ""
    if judged.measure:
        measure = search.column("measure")
        value = f"max(eval(if({condition},{judged.measure},null())))"
        search.add(f"streamstats window=0 {value} as {measure}{rows.by_with(near)}")
    search.add(
        f"where {rows.mine(f'({inside})' if rows.others and judged.member else inside)}",
        f"streamstats window=1 current=f global=f last({near}) as {before}{rows.by}",
        f"eval {new}=if(isnull({before}) OR round({before}-{near},6)>{plan.timespan},1,0)",
    )
    return _Members(new, row, measure)


def _bracketed(condition: str) -> str:
    return f"({condition})" if " OR " in condition else condition


def _rename_use(rows: Rows, search: Search, row: str, use: str, mine: str) -> None:
    """Write that the rows left are episodes: events of their own to the correlation above."""
    key = rows.keys[0]
    search.add(
        f'eval {use}=if(isnull({key}),{use},"{mine}"), {rows.event}=if(isnull({key}),{rows.event},"{mine}:".{row})'
    )
