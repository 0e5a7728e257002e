"""Correlations in SPL: the search that finds the events of any rule, then the windows and episodes of each group.

Correlation ──> SEARCH | sort 0 _time | streamstats window=N | where span <= T | one row an episode
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.emitting import check_supported, condition_of, placed_groups, refused
from converter.target import free_column
from converter.targets.splunk.emit import _base, _by, _eval_field

if TYPE_CHECKING:
    from converter.emitting import Emission
    from converter.plan.nodes import Correlation

MAX_WINDOW = 10_000


def correlation_lines(plan: Correlation, emission: Emission) -> list[str]:
    """Return the lines of the search of a correlation.

    Raises:
        RefusedError: what SPL cannot say exactly.
    """
    check_supported(plan)
    return _base(condition_of(plan), emission) + _correlation(plan)


def _correlation(plan: Correlation) -> list[str]:
    placed = placed_groups(plan)
    groups = [_by(name, place) for name, place in placed]
    lines = []
    if groups:
        guards = [f"isnotnull({_eval_field(name, place)})" for name, place in placed]
        lines.append("| where " + " AND ".join(guards))
    return lines + (_sliding(plan, groups) if plan.sliding else _fixed(plan, groups))


def _sliding(plan: Correlation, groups: list[str]) -> list[str]:
    """At each event, the count and the start of the last N events of its group; then one row for each episode.

    `streamstats window=N` looks back N events whatever their times, so the window is exact and closed at both ends,
    which `time_window` is not. The times are rounded to microseconds: `_time` is a float.
    """
    count, span = plan.at_least, plan.timespan
    if count > MAX_WINDOW:
        raise refused(
            f"streamstats keeps at most {MAX_WINDOW} events in a window, the rule counts {count}",
            "count above 10000",
            plan.place,
            "lower the count",
        )
    by = f" by {' '.join(groups)}" if groups else ""
    taken = plan.group_by
    counted, first, previous = (free_column(f"sigma_{name}", taken) for name in ("count", "first", "previous"))
    new, episode = (free_column(f"sigma_{name}", taken) for name in ("new", "episode"))
    first_seen, last_seen = (free_column(name, taken) for name in ("first_seen", "last_seen"))
    return [
        "| sort 0 _time",
        f"| streamstats window={count} global=f count as {counted} min(_time) as {first}{by}",
        f"| where {counted}={count} AND round(_time-{first},6)<={span}",
        f"| streamstats window=1 current=f global=f last(_time) as {previous}{by}",
        f"| eval {new}=if(isnull({previous}) OR round(_time-{previous},6)>{span},1,0)",
        f"| streamstats sum({new}) as {episode}{by}",
        f"| stats min({first}) as {first_seen} max(_time) as {last_seen} by {' '.join([*groups, episode])}",
        f"| fields - {episode}",
    ]


def _fixed(plan: Correlation, groups: list[str]) -> list[str]:
    """Windows aligned to the epoch, by arithmetic: `bin` snaps spans of a day and more to the user's midnight."""
    operator = {"lt": "<", "lte": "<=", "eq": "=", "neq": "!="}[plan.op]
    taken = plan.group_by
    window, counted = (free_column(f"sigma_{name}", taken) for name in ("window", "count"))
    first_seen, last_seen = (free_column(name, taken) for name in ("first_seen", "last_seen"))
    return [
        f"| eval {window}=floor(_time/{plan.timespan})*{plan.timespan}",
        f"| stats count as {counted} min(_time) as {first_seen} max(_time) as {last_seen} by "
        + " ".join([*groups, window]),
        f"| where {counted}{operator}{plan.count}",
        f"| fields - {window}",
    ]
