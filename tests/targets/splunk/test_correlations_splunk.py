"""Correlations in SPL, run by the engine: rows are the episodes of the reference, in time and number of events.

`test_agreement.py` asks whether alerts overlap; here groups, first and last times and counts are equal, on random logs
with few times, many of them twice, arrays, nulls and numbers as text.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from converter.errors import RefusedError
from converter.plan.simplify import simplified
from converter.products.field_facts import Facts, parse_facts
from converter.reference.evaluate import evaluate_plans
from converter.targets.core.registry import get_target
from converter.targets.core.target import Context
from converter.targets.splunk.emitter import stages as emit_stages
from converter.targets.splunk.emitter import windows as emit_windows
from converter.targets.splunk.engine.execute import run
from tests.support import correlation_laws as laws

Log = list[dict[str, Any]]
# Few times, groups and values, so that windows hold much and events of one time are common.
EVENTS = laws.events(
    14,
    1,
    {
        "u": ["x", "x", "y", ["x", "y"], ["x", "x"], None],
        "n": [0, 1, 2, 3, 3, -1, -4, 5, 0.5, "2", "x", None, True, [1, 4], [1, 1], [0.5, "3", "x"]],
    },
    {"w": laws.optional(["x", "y", ["x", "y"]]), "m": laws.optional(laws.NUMBERS)},
)
LOGS = st.lists(EVENTS, min_size=3, max_size=14) | laws.LOGS
SINGLE = parse_facts(b"fields: {u: {single: true}, w: {single: true}, n: {single: true}, t: {single: false}}", "facts")


def query(rule: str, facts: Facts) -> tuple[Any, str]:
    plan = laws.plan_of(rule)
    return plan, get_target("splunk").emit(simplified(plan), Context(facts)).text


def found(plan: Any, text: str, log: Log) -> list[tuple[Any, ...]]:
    events = [
        {"_time": event["time"], **{key: value for key, value in event.items() if key != "time"}} for event in log
    ]
    rows = []
    for row in run(text, events):
        group = tuple(str(row[name]) for name in plan.group_by)
        first, last = (round(float(row[name]) * 1e6) for name in ("first_seen", "last_seen"))
        rows.append((group, first, last, row.get("event_count")))
    return sorted(rows, key=repr)


def expected(plan: Any, log: Log, *, counted: bool) -> list[tuple[Any, ...]]:
    rows = []
    for alert in evaluate_plans([plan], log):
        group = tuple(value for _, value in alert.group or ())
        count = len(alert.events) if counted else None
        rows.append((group, (alert.first or 0) // 1000, (alert.last or 0) // 1000, count))
    return sorted(rows, key=repr)


def check(parts: list[dict[str, Any]], log: Log, facts: Facts = Facts(), *, counted: bool = True) -> None:  # noqa: B008
    plan, text = query(laws.joined(parts), facts)
    assert found(plan, text, log) == expected(plan, log, counted=counted), text


def single(log: Log) -> Log:
    """Return a log without arrays but for the letters of the rules."""
    return [
        {key: value[0] if isinstance(value, list) and value and key != "t" else value for key, value in event.items()}
        for event in log
    ]


@settings(max_examples=600)
@given(laws.CORRELATIONS, LOGS)
def test_rows_are_the_episodes(correlation: dict[str, Any], log: Log) -> None:
    check(laws.documents(correlation), log)


@settings(max_examples=300)
@given(laws.CORRELATIONS, LOGS)
def test_rows_are_the_episodes_where_fields_are_known_to_be_single(correlation: dict[str, Any], log: Log) -> None:
    check(laws.documents(correlation), single(log), SINGLE)


@settings(max_examples=400)
@given(laws.ORDERED, LOGS)
def test_orders_are_those_of_the_reference(correlation: dict[str, Any], log: Log) -> None:
    check(laws.documents(correlation), log)


@settings(max_examples=150)
@given(laws.ORDERED, LOGS)
def test_orders_of_many_stages_take_for_granted_that_no_event_is_two(correlation: dict[str, Any], log: Log) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(emit_stages, "_MOST_COUNTED", 0)
        check(laws.documents(correlation), [{**event, "t": event["t"][:1]} for event in log])


def many(condition: str = "") -> str:
    rules = [f"r{number}" for number in range(8)]
    counted = [
        f"title: {rule}\nname: {rule}\nlogsource: {{category: test}}\ndetection: {{s: {{t: {rule}}}, condition: s}}\n"
        for rule in rules
    ]
    outer = (
        f"title: Outer\nname: outer\ncorrelation: {{type: temporal_ordered, rules: {rules}, timespan: 10s{condition}}}"
    )
    return "---\n".join([*counted, outer])


def test_an_event_of_two_of_many_stages_breaks_an_assumption() -> None:
    query = get_target("splunk").emit(simplified(laws.plan_of(many())), Context(Facts()))
    (assumption,) = (
        assumption
        for assumption in query.verdict.assumptions
        if assumption.message == "no event matches two of the stages"
    )
    log: Log = [{"t": "r1"}, {"t": ["r1", "r2"]}, {"t": "r2"}]
    assert assumption.breaking(log, log) == {1}


def test_too_many_orders_are_refused() -> None:
    with pytest.raises(RefusedError) as caught:
        query(many(", condition: {gte: 4}"), Facts())
    assert caught.value.construct == "temporal_ordered with a number of many rules"
    assert caught.value.place is not None


@settings(max_examples=300)
@given(laws.IN_WORDS, LOGS)
def test_conditions_in_words(correlation: dict[str, Any], log: Log) -> None:
    check(laws.documents(correlation), log)


@settings(max_examples=300)
@given(laws.CORRELATIONS | laws.ORDERED, LOGS, st.sampled_from([3, 10, 1000, 1_000_000]))
def test_fractions_of_seconds_are_exact(correlation: dict[str, Any], log: Log, per: int) -> None:
    """Times lie on the edges of windows of whole seconds, and a millionth next to them."""
    base = 1_767_225_600_123_456
    times = [base + event["time"] % 3 * 2_000_000 + event["time"] * 1_000_000 // per for event in log]
    check(laws.documents(correlation), [{**event, "time": at / 1e6} for event, at in zip(log, times, strict=True)])


@settings(max_examples=200)
@given(laws.COUNTS, laws.RULES, laws.GROUPINGS, LOGS)
def test_counts_beyond_a_window_of_rows_look_back(
    counted: dict[str, Any], rules: list[str], grouping: dict[str, Any], log: Log
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(emit_windows, "MAX_WINDOW", 0)
        check(laws.documents(laws.with_rules(rules, grouping, counted)), log)


LIMITS = st.sampled_from([0, 1, 2, 3, 0.1, 0.5, 1.5, 2.75, -1, -0.3, 1.1])


@settings(max_examples=400)
@given(
    st.sampled_from(["value_avg", "value_median", "value_sum", "value_percentile"]),
    st.dictionaries(st.sampled_from(laws.OPERATORS), LIMITS, min_size=1, max_size=2),
    st.sampled_from([0, 1, 25, 33, 50, 62.5, 75, 100]),
    LOGS,
    laws.SPANS,
)
def test_limits_that_are_fractions(kind: str, limits: dict[str, Any], percentile: float, log: Log, span: int) -> None:
    more = {"percentile": percentile} if kind == "value_percentile" else {}
    correlation = {"type": kind, "rules": ["a"], "timespan": f"{span}s", "condition": {"field": "n", **limits, **more}}
    check(laws.documents(correlation), [event for event in log if event.get("n") not in (0.5, 2.5)])


# ------------------------------------------------------------------------------------------------------------- chains

NAMES = ["a", "b", "c"]
INNER = laws.CORRELATIONS | laws.ORDERED
OUTER = st.builds(
    lambda kind, rules, grouping, span, limits: {
        "type": kind,
        "rules": rules,
        **grouping,
        "timespan": f"{span}s",
        **({"condition": limits} if kind == "event_count" or limits.get("gte") == 1 else {}),
    },
    st.sampled_from(["event_count", "temporal", "temporal_ordered"]),
    st.lists(st.sampled_from(["inner", "other", "a", "b"]), min_size=1, max_size=3, unique=True),
    st.sampled_from([{}, {"group-by": ["u"]}, {"group-by": ["v"], "aliases": {"v": {"inner": "u"}}}]),
    laws.SPANS,
    st.dictionaries(st.sampled_from(["gte", "lt", "eq"]), st.integers(1, 3), min_size=1, max_size=2),
)


def chain(outer: dict[str, Any], inner: dict[str, Any], other: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the documents of a correlation that counts others; what is not counted is left out."""
    if "aliases" in outer and "inner" not in outer["rules"]:
        outer = {key: value for key, value in outer.items() if key != "aliases"}
    found: dict[str, dict[str, Any]] = {"outer": {"title": "Outer", "name": "outer", "correlation": outer}}
    for name, below in (("inner", inner), ("other", other)):
        if name in outer["rules"]:
            whole, *counted = laws.documents(below)
            found[name] = {**whole, "name": name}
            found.update({part["name"]: part for part in counted})
    for rule in outer["rules"]:
        if rule in NAMES:
            for part in laws.documents({"type": "event_count", "rules": [rule], "condition": {"gte": 1}})[1:]:
                found.setdefault(part["name"], part)
    for name, part in found.items():
        part["title"] = name
    return list(found.values())


@settings(max_examples=400)
@given(OUTER, INNER, INNER, LOGS)
def test_chains(outer: dict[str, Any], inner: dict[str, Any], other: dict[str, Any], log: Log) -> None:
    parts = chain(outer, inner, other)
    check(parts, log, counted="inner" not in outer["rules"] and "other" not in outer["rules"])
