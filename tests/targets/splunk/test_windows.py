"""A window that slides must give what `stats` gives over the rows in it: two paths through the engine, one answer."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from converter.targets.splunk.engine.execute import run

FUNCTIONS = (
    "count",
    "count(v)",
    "dc(v)",
    "sum(v)",
    "sumsq(v)",
    "avg(v)",
    "min(v)",
    "max(v)",
    "range(v)",
    "values(v)",
    "list(v)",
    "first(v)",
    "last(v)",
    "earliest(v)",
    "latest(v)",
    "earliest_time(v)",
    "latest_time(v)",
    "median(v)",
    "perc90(v)",
    "stdev(v)",
    "stdevp(v)",
    "var(v)",
    "varp(v)",
)
STATISTICS = ", ".join(f"{function} as s{number}" for number, function in enumerate(FUNCTIONS))

values = st.one_of(
    st.integers(-3, 3), st.sampled_from([0.5, 2.5, -0.25]), st.sampled_from(["a", "B", "", "2"]), st.none()
)
logs = st.lists(
    st.fixed_dictionaries({"_time": st.integers(0, 30), "g": st.sampled_from(["x", "y"]), "v": values}), max_size=25
)


def over(rows: list[dict[str, Any]]) -> dict[str, Any]:
    found = run(f"* | stats {STATISTICS}", rows)
    return found[0] if found else {}


def added(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name.startswith("s")}


@settings(max_examples=60)
@given(logs, st.integers(1, 6), st.booleans())
def test_a_window_of_rows(log: list[dict[str, Any]], window: int, current: bool) -> None:  # noqa: FBT001
    query = f"* | streamstats window={window} current={current} global=f {STATISTICS} by g"
    for position, row in enumerate(run(query, log)):
        before = [other for other in log[: position + current] if other["g"] == row["g"]]
        assert added(row) == over(before[-window:])


@settings(max_examples=60)
@given(logs, st.integers(1, 6))
def test_a_window_of_rows_over_all_groups(log: list[dict[str, Any]], window: int) -> None:
    for position, row in enumerate(run(f"* | streamstats window={window} {STATISTICS} by g", log)):
        recent = log[max(0, position + 1 - window) : position + 1]
        assert added(row) == over([other for other in recent if other["g"] == row["g"]])


@settings(max_examples=60)
@given(logs, st.integers(1, 20), st.booleans())
def test_a_window_of_time(log: list[dict[str, Any]], length: int, late_first: bool) -> None:  # noqa: FBT001
    log = sorted(log, key=lambda row: row["_time"], reverse=late_first)
    for position, row in enumerate(run(f"* | streamstats time_window={length}s {STATISTICS} by g", log)):
        inside = [
            other
            for other in log[: position + 1]
            if other["g"] == row["g"] and abs(other["_time"] - row["_time"]) < length
        ]
        assert added(row) == over(inside)


@settings(max_examples=60)
@given(logs)
def test_eventstats_and_stats_agree(log: list[dict[str, Any]]) -> None:
    groups = {row["g"]: added(row) for row in run(f"* | stats {STATISTICS} by g", log)}
    for row in run(f"* | eventstats {STATISTICS} by g", log):
        assert added(row) == groups[row["g"]]
