"""Laws of correlations of every type, against an evaluator that is too simple to be wrong, and too slow to be used.

Each event has the letters of the rules that it matches in `t`, so that one event may match several. The judge looks at
every window by itself, at every pair of windows, and at every way to pick stages; it shares nothing with the reference.
"""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from converter.reference.evaluate import evaluate_plans
from converter.rules.load import parse_rules
from tests.support.correlation_laws import (
    CORRELATIONS,
    EVENTS,
    FIELDS,
    GROUPINGS,
    IN_WORDS,
    LOGS,
    LOWER,
    ORDERED,
    RULES,
    SPANS,
    Log,
    alerts,
    documents,
    joined,
    judge,
    plan_of,
    typed,
    with_rules,
)


@settings(max_examples=1000)
@given(CORRELATIONS, LOGS)
def test_episodes_are_those_of_the_judge(correlation: dict[str, Any], log: Log) -> None:
    assert alerts(correlation, log) == judge(correlation, log)


@settings(max_examples=500)
@given(ORDERED, LOGS)
def test_orders_are_those_of_the_judge(correlation: dict[str, Any], log: Log) -> None:
    assert alerts(correlation, log) == judge(correlation, log)


@settings(max_examples=500)
@given(IN_WORDS, LOGS)
def test_conditions_in_words_are_those_of_python(correlation: dict[str, Any], log: Log) -> None:
    assert alerts(correlation, log) == judge(correlation, log)


MONOTONE = st.one_of(
    st.builds(
        with_rules, RULES, GROUPINGS, st.builds(typed, st.sampled_from(["event_count", "temporal"]), LOWER, SPANS)
    ),
    st.builds(
        lambda rules, grouping, condition, field, span: with_rules(
            rules, grouping, typed("value_count", {**condition, "field": field}, span)
        ),
        RULES,
        GROUPINGS,
        LOWER,
        FIELDS,
        SPANS,
    ),
    st.builds(
        lambda rules, grouping, condition, span: with_rules(
            rules, grouping, {"type": "temporal_ordered", "timespan": f"{span}s", "condition": condition}
        ),
        st.lists(st.sampled_from("abc"), min_size=1, max_size=4),
        GROUPINGS,
        LOWER,
        SPANS,
    ),
    IN_WORDS.filter(lambda correlation: "not" not in correlation["condition"]),
)


@settings(max_examples=500)
@given(MONOTONE, LOGS, EVENTS)
def test_one_more_event_never_removes_an_alert(correlation: dict[str, Any], log: Log, event: dict[str, Any]) -> None:
    after = alerts(correlation, [*log, event])
    for group, _, _, events in alerts(correlation, log):
        assert any(group == other[0] and set(events) <= set(other[3]) for other in after)


@given(CORRELATIONS | ORDERED | IN_WORDS, LOGS, st.randoms(use_true_random=False))
def test_the_order_of_the_log_does_not_matter(correlation: dict[str, Any], log: Log, rng: Any) -> None:
    order = list(range(len(log)))
    rng.shuffle(order)
    ids = {position: at + 1 for position, at in enumerate(order, 1)}
    straight = {position: position for position in range(1, len(log) + 1)}
    assert alerts(correlation, [log[at] for at in order], ids) == alerts(correlation, log, straight)


@given(CORRELATIONS | ORDERED, LOGS, st.integers(1, 1000))
def test_later_logs_give_later_alerts(correlation: dict[str, Any], log: Log, windows_later: int) -> None:
    shift = windows_later * int(correlation["timespan"][:-1])  # whole windows, for those that are fixed
    moved = alerts(correlation, [{**event, "time": event["time"] + shift} for event in log])
    assert [(group, events) for group, _, _, events in moved] == [
        (group, events) for group, _, _, events in alerts(correlation, log)
    ]


@settings(max_examples=30)
@given(CORRELATIONS | ORDERED, LOGS, st.randoms(use_true_random=False))
def test_the_order_of_documents_does_not_matter(correlation: dict[str, Any], log: Log, rng: Any) -> None:
    parts = documents(correlation)
    rng.shuffle(parts)
    (plan,) = parse_rules(joined(parts)).plans
    assert plan == plan_of(joined(documents(correlation)))
    assert evaluate_plans([plan], log) == evaluate_plans([plan_of(joined(documents(correlation)))], log)


@settings(max_examples=200)
@given(LOGS, SPANS, SPANS, st.integers(1, 3))
def test_a_chain_is_a_correlation_of_its_episodes(log: Log, inner: int, outer: int, count: int) -> None:
    """What the outer one sees can be written down as a log of its own: an event at the end of each episode."""
    below = with_rules(["a", "b"], {"group-by": ["u"]}, typed("event_count", {"gte": 2}, inner))
    ends: list[dict[str, Any]] = [
        {"time": last // 10**9, "t": ["c"], "u": group[0], "parts": events}
        for group, _, last, events in alerts(below, log)
    ]
    above = with_rules(["c"], {"group-by": ["u"]}, typed("event_count", {"gte": count}, outer))
    expected = [
        (group, sorted({part for event in events for part in ends[event - 1]["parts"]}))
        for group, _, _, events in alerts(above, ends)
    ]
    chain = [
        {"title": "Chain", "name": "chain", "correlation": {**above, "rules": ["outer"]}},
        *documents(below),
    ]
    (plan,) = parse_rules(joined(chain)).plans
    found = [
        (tuple(value for _, value in one.group or ()), sorted(int(event) for event in one.events))
        for one in evaluate_plans([plan], log)
    ]
    assert sorted(found) == sorted(expected)
