"""Properties of EQL sequences on random logs, which a list of cases cannot state."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from converter.targets.eql.engine.execute import run

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


def stage_by_stage(
    log: list[dict[str, Any]], stages: list[tuple[str, bool]], span: int, until: str
) -> set[tuple[str, ...]]:
    """Return what the product's way through the events finds: one stage after another, each over the whole log.

    The engine goes from event to event. Sources: SequenceMatcher.java (match), OrdinalGroup.java (trimBefore),
    TumblingWindow.java (prepareQueryForMissingEvents, doCheckMissingEvents) of elastic/elasticsearch.
    """
    found: set[tuple[str, ...]] = set()
    for key in sorted({event["k"] for event in log}):
        own = [(position, event) for position, event in enumerate(log) if event["k"] == key]
        tags = [tag for tag, missing in stages if not missing]
        waiting = [[one] for one in own if one[1]["t"] == tags[0]]
        for tag in tags[1:]:
            advanced = []
            for position, event in own:
                before = [chain for chain in waiting if chain[-1][0] < position]
                if event["t"] != tag or not before:
                    continue
                chain, waiting = before[-1], waiting[len(before) :]
                ends = [at for at, other in own if other["t"] == until and chain[-1][0] <= at < position]
                if event["@timestamp"] - chain[0][1]["@timestamp"] <= span and not ends:
                    advanced.append([*chain, (position, event)])
            waiting = advanced
        found |= {
            named(chain, stages)
            for chain in waiting
            if not occurs([event for _, event in own], [event["@timestamp"] for _, event in chain], stages, span)
        }
    return found


def named(chain: list[tuple[int, dict[str, Any]]], stages: list[tuple[str, bool]]) -> tuple[str, ...]:
    left = iter(chain)
    return tuple("" if missing else next(left)[1]["_id"] for _, missing in stages)


def occurs(own: list[dict[str, Any]], times: list[int], stages: list[tuple[str, bool]], span: int) -> bool:
    """Return whether an event that must be missing is there, by time alone."""
    last_leading: int | None = None
    first_trailing: int | None = None
    passed = 0
    for tag, missing in stages:
        if not missing:
            passed += 1
            continue
        there = [event["@timestamp"] for event in own if event["t"] == tag]
        if passed == 0:
            last_leading = max([*there_before(there, times[0]), *there_before([last_leading], times[0])], default=None)
        elif passed == len(times):
            after = [time for time in [*there, first_trailing] if time is not None and time > times[-1]]
            first_trailing = min(after, default=None)
        elif any(times[passed - 1] < time < times[passed] for time in there):
            return True
    leading, trailing = stages[0][1], stages[-1][1]
    if (leading and last_leading is None) or (trailing and first_trailing is None):
        return False
    start = times[0] if last_leading is None else last_leading
    end = times[-1] if first_trailing is None else first_trailing
    return (leading or trailing) and end - start <= span


def there_before(times: list[Any], moment: int) -> list[int]:
    return [time for time in times if time is not None and time < moment]


STAGES = st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), min_size=2, max_size=5).filter(
    lambda stages: not all(missing for _, missing in stages)
)


@given(EVENTS, STAGES, st.integers(1, 40), st.sampled_from("abcd"))
def test_event_by_event_finds_what_stage_by_stage_does(
    events: list[dict[str, Any]], stages: list[tuple[str, bool]], span: int, until: str
) -> None:
    log = in_time_order(events)
    text = " ".join(f'{"!" if missing else ""}[any where t == "{tag}"]' for tag, missing in stages)
    query = f'sequence by k with maxspan={span}ms {text} until [any where t == "{until}"]'
    assert found(query, log) == stage_by_stage(log, stages, span, until)


@given(EVENTS)
def test_the_order_of_the_log_matters_only_in_ties(events: list[dict[str, Any]]) -> None:
    log = in_time_order(events)
    query = 'sequence by k with maxspan=20ms [any where t == "a"] [any where t != "a"] with runs=2'
    assert found(query, sorted(log, key=lambda event: int(event["_id"]))) == found(query, log)
