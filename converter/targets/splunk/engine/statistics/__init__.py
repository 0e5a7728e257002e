"""The statistics of `stats` and its kin, by name.

dc ──STATISTICS──> Statistic("dc", make=...)        perc95, p95 ──percentile_statistic──> Statistic("percentile", ...)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.targets.splunk.engine.statistics import accumulators

if TYPE_CHECKING:
    from converter.targets.splunk.engine.statistics.accumulators import Statistic

STATISTICS: dict[str, Statistic] = {
    name: statistic for statistic in accumulators.STATISTICS for name in (statistic.name, *statistic.aliases)
}
# What stands before the number of a percentile.
PERCENTILES = ("perc", "p", "exactperc", "upperperc")
# Statistics that Splunk has and this engine has not.
UNSUPPORTED = frozenset(
    {"estdc_error", "per_day", "per_hour", "per_minute", "per_second", "rate_avg", "rate_sum", "sparkline"}
)
