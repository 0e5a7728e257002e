"""Properties of EQL sequences on random logs, which a list of cases cannot state."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from converter.targets.eql.execute import run

EVENTS = st.lists(
    st.fixed_dictionaries(
        {"@timestamp": st.integers(0, 40), "k": st.sampled_from(["x", "y"]), "t": st.sampled_from(["a", "b", "c"])}
    ),
    max_size=30,
)


def in_time_order(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(({**event, "_id": str(number)} for number, event in enumerate(events)), key=lambda e: e["@timestamp"])


def found(query: str, events: list[dict[str, Any]]) -> set[tuple[str, ...]]:
    return {tuple(event["_id"] for event in row["events"]) for row in run(query, events)}


@given(EVENTS, st.integers(2, 6), st.integers(1, 30))
def test_runs_find_every_window_of_consecutive_events(events: list[dict[str, Any]], runs: int, span: int) -> None:
    log = in_time_order(events)
    expected = set()
    for key in ("x", "y"):
        own = [event for event in log if event["k"] == key]
        for start in range(len(own) - runs + 1):
            window = own[start : start + runs]
            if window[-1]["@timestamp"] - window[0]["@timestamp"] <= span:
                expected.add(tuple(event["_id"] for event in window))
    assert found(f"sequence by k with maxspan={span}ms [any where true] with runs={runs}", log) == expected


@given(EVENTS, st.lists(st.sampled_from("abc"), min_size=2, max_size=5), st.integers(1, 40))
def test_a_sequence_is_the_documented_state_machine(events: list[dict[str, Any]], tags: list[str], span: int) -> None:
    log = in_time_order(events)
    expected = set()
    pending: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for event in log:
        for stage in reversed(range(len(tags))):
            if event["t"] != tags[stage]:
                continue
            before = pending.pop((event["k"], stage - 1), None) if stage else []
            if before is None or (before and event["@timestamp"] - before[0]["@timestamp"] > span):
                continue
            if stage == len(tags) - 1:
                expected.add(tuple(one["_id"] for one in [*before, event]))
            else:
                pending[event["k"], stage] = [*before, event]
    stages = " ".join(f'[any where t == "{tag}"]' for tag in tags)
    assert found(f"sequence by k with maxspan={span}ms {stages}", log) == expected


@given(EVENTS)
def test_the_order_of_the_log_matters_only_in_ties(events: list[dict[str, Any]]) -> None:
    log = in_time_order(events)
    query = 'sequence by k with maxspan=20ms [any where t == "a"] [any where t != "a"] with runs=2'
    assert found(query, sorted(log, key=lambda event: int(event["_id"]))) == found(query, log)
