"""Comparison of alerts with the reference, bounds, and the shrinker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from converter.harness.compare import CompareError, Judgement, count_alerts, groups_of, judge
from converter.harness.shrink import shrink
from converter.reference.evaluate import evaluate_plans
from converter.rules.load import parse_rules
from converter.targets.core.target import Run, TargetAlert
from converter.verdicts.verdict import Bound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from converter.harness.compare import Difference
    from converter.plan.nodes import Plan
    from converter.reference.evaluate import Alert

SECOND = 1_000_000_000
START = 1_767_225_600  # 2026-01-01T00:00:00Z

BASE = """
title: Base
name: base
logsource: {product: test}
detection:
    selection: {kind: bad}
    condition: selection
"""
BURST = (
    BASE
    + """
---
title: Burst
name: burst
correlation:
    type: event_count
    rules: [base]
    group-by: [user]
    timespan: 1m
    condition: {gte: 3}
"""
)
DETECTION: Plan = parse_rules(BASE).plans[0]
CORRELATION: Plan = parse_rules(BURST).plans[0]


def log(*bursts: tuple[str, Sequence[int]]) -> list[dict[str, object]]:
    """Events of users at seconds after the start."""
    return [
        {"_id": f"{user}{at}", "timestamp": START + at, "kind": "bad", "user": user}
        for user, times in bursts
        for at in times
    ]


def alert(user: str, first: int, last: int) -> TargetAlert:
    return TargetAlert((user,), (START + first) * SECOND, (START + last) * SECOND)


@dataclass(frozen=True)
class Comparison:
    """Events by user, alerts of the query, and the differences as `side user first-last`."""

    name: str
    events: Sequence[tuple[str, Sequence[int]]]
    alerts: Sequence[TargetAlert]
    expected: Sequence[str]
    bound: Bound | None = None
    within_bound: Sequence[str] = ()


COMPARISONS = [
    Comparison("the same episode", [("ann", [0, 10, 20])], [alert("ann", 0, 20)], []),
    Comparison("ranges need only touch", [("ann", [0, 10, 20])], [alert("ann", 20, 90)], []),
    Comparison(
        "several alerts may meet one episode", [("ann", [0, 1, 2])], [alert("ann", 0, 1), alert("ann", 2, 2)], []
    ),
    Comparison("a missed episode", [("ann", [0, 10, 20])], [], ["missed ann 0-20"]),
    Comparison(
        "an alert a second after the episode",
        [("ann", [0, 1, 2])],
        [alert("ann", 3, 4)],
        ["missed ann 0-2", "extra ann 3-4"],
    ),
    Comparison(
        "the alert of another group", [("ann", [0, 1, 2])], [alert("bob", 0, 2)], ["missed ann 0-2", "extra bob 0-2"]
    ),
    Comparison(
        "group values compare with their case",
        [("ann", [0, 1, 2])],
        [alert("Ann", 0, 2)],
        ["missed ann 0-2", "extra Ann 0-2"],
    ),
    Comparison(
        "two bursts of which one is missed",
        [("ann", [0, 1, 2, 500, 501, 502])],
        [alert("ann", 0, 2)],
        ["missed ann 500-502"],
    ),
    Comparison(
        "extra rows of one burst are one difference", [], [alert("ann", 0, 2), alert("ann", 1, 3)], ["extra ann 0-3"]
    ),
    Comparison("nothing on either side", [("ann", [0, 1])], [], []),
    Comparison(
        "an extra alert within the widest timespan",
        [("ann", [0, 50, 100])],
        [alert("ann", 0, 100)],
        [],
        Bound("up to 2m", widest=120),
        ["extra ann 0-100"],
    ),
    Comparison(
        "an extra alert beyond the widest timespan",
        [("ann", [0, 50, 121])],
        [alert("ann", 0, 121)],
        ["extra ann 0-121"],
        Bound("up to 2m", widest=120),
    ),
    Comparison(
        "a bound without widest allows no extra alert",
        [("ann", [0, 50, 100])],
        [alert("ann", 0, 100)],
        ["extra ann 0-100"],
        Bound("misses", narrowest=10),
    ),
    Comparison(
        "a miss of what is not narrow enough",
        [("ann", [0, 20, 40])],
        [],
        [],
        Bound("sure within 30s", narrowest=30),
        ["missed ann 0-40"],
    ),
    Comparison(
        "a miss of what is narrow enough",
        [("ann", [0, 10, 30])],
        [],
        ["missed ann 0-30"],
        Bound("sure within 30s", narrowest=30),
    ),
    Comparison(
        "a bound without narrowest allows no miss",
        [("ann", [0, 20, 40])],
        [],
        ["missed ann 0-40"],
        Bound("up to 2m", widest=120),
    ),
    Comparison(
        "narrowest of 0: only simultaneous events are sure",
        [("ann", [0, 0, 0]), ("bob", [0, 0, 1])],
        [],
        ["missed ann 0-0"],
        Bound("simultaneous", narrowest=0),
        ["missed bob 0-1"],
    ),
    Comparison(
        "a narrow burst of another group excuses nothing",
        [("ann", [0, 20, 40]), ("bob", [0, 1, 2])],
        [alert("bob", 0, 2)],
        [],
        Bound("sure within 30s", narrowest=30),
        ["missed ann 0-40"],
    ),
]


def compare(comparison: Comparison) -> Judgement:
    events = log(*comparison.events)

    def reference(plan: Plan) -> list[Alert]:
        return evaluate_plans([plan], events)

    runs = [Run("", tuple(comparison.alerts))]
    return judge(CORRELATION, reference(CORRELATION), runs, comparison.bound, reference)


def texts(differences: Sequence[Difference]) -> list[str]:
    found = []
    for difference in differences:
        assert difference.first is not None
        assert difference.last is not None
        first, last = difference.first // SECOND - START, difference.last // SECOND - START
        found.append(f"{difference.side} {'/'.join(difference.group or ())} {first}-{last}")
    return found


@pytest.mark.parametrize("comparison", COMPARISONS, ids=lambda comparison: comparison.name)
def test_comparison_of_a_correlation(comparison: Comparison) -> None:
    judged = compare(comparison)
    assert texts(judged.differences) == list(comparison.expected)
    assert texts(judged.bounded) == list(comparison.within_bound)
    assert judged.agrees is (not comparison.expected)


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (["a1", "b2"], []),
        (["a1", "a1", "b2"], []),
        (["a1"], ["missed b2"]),
        (["a1", "b2", "c3"], ["extra c3"]),
        ([], ["missed a1", "missed b2"]),
    ],
)
def test_comparison_of_a_detection(ids: list[str], expected: list[str]) -> None:
    reference = evaluate_plans([DETECTION], log(("a", [1]), ("b", [2])))
    judged = judge(DETECTION, reference, [Run("", tuple(TargetAlert(None, None, None, (one,)) for one in ids))])
    assert [f"{difference.side} {difference.events[0]}" for difference in judged.differences] == expected


def test_an_alert_that_depends_on_the_phase_is_a_difference() -> None:
    reference = evaluate_plans([CORRELATION], log(("ann", [0, 1, 2])))
    seen = (alert("ann", 0, 2),)
    judged = judge(CORRELATION, reference, [Run("0s", seen), Run("60s", ()), Run("120s", ()), Run("180s", seen)])
    (difference,) = judged.differences
    assert (difference.side, difference.phases, difference.of_phases) == ("missed", ("60s", "120s"), 4)
    assert (difference.reference, difference.query) == (1, 0)


def test_what_phases_see_of_one_extra_alert_is_one_difference() -> None:
    runs = [Run("0s", (alert("ann", 0, 9),)), Run("5s", (alert("ann", 5, 12),)), Run("9s", (alert("ann", 60, 61),))]
    one, other = judge(CORRELATION, [], runs).differences
    assert (texts([one, other]), one.phases, other.phases) == (
        ["extra ann 0-12", "extra ann 60-61"],
        ("0s", "5s"),
        ("9s",),
    )


@pytest.mark.parametrize(
    ("plan", "bad", "message"),
    [
        (CORRELATION, TargetAlert(("ann",), None, 5), "has no time"),
        (CORRELATION, TargetAlert(("ann",), 5, None), "has no time"),
        (CORRELATION, TargetAlert(None, 5, 5), "group-by values"),
        (CORRELATION, TargetAlert(("ann", "bob"), 5, 5), "group-by values"),
        (DETECTION, TargetAlert(None, 5, 5), "name its event"),
    ],
)
def test_an_alert_that_does_not_say_enough_is_an_error(plan: Plan, bad: TargetAlert, message: str) -> None:
    with pytest.raises(CompareError, match=message):
        judge(plan, [], [Run("", (bad,))])


def test_a_query_that_was_not_run_is_an_error() -> None:
    with pytest.raises(CompareError, match="not run"):
        judge(DETECTION, [], [])


@pytest.mark.parametrize(
    ("alerts", "count"),
    [
        ([], 0),
        ([alert("ann", 0, 5), alert("ann", 3, 9), alert("ann", 9, 12)], 1),
        ([alert("ann", 0, 5), alert("ann", 6, 9)], 2),
        ([alert("ann", 0, 5), alert("bob", 0, 5)], 2),
    ],
)
def test_alerts_of_a_query_are_counted_as_episodes(alerts: list[TargetAlert], count: int) -> None:
    assert count_alerts(CORRELATION, Run("", tuple(alerts))) == count


def test_groups_of_a_run_have_the_names_of_the_rule() -> None:
    assert groups_of(CORRELATION, Run("", (alert("ann", 0, 1), alert("ann", 1, 2)))) == [{"user": "ann"}]


# ---------------------------------------------------------------------------------------------------------- shrinker


@pytest.mark.parametrize(
    ("size", "needed"),
    [(1, {0}), (10, {3}), (1000, {17, 500, 999}), (64, set(range(20, 45))), (33, {0, 32})],
)
def test_the_shrinker_finds_a_smallest_log(size: int, needed: set[int]) -> None:
    assert set(shrink(range(size), lambda part: needed <= set(part))) == needed


def test_any_enough_of_many_shrinks_to_just_enough() -> None:
    assert len(shrink(range(1000), lambda part: len(part) >= 25)) == 25


def test_a_good_start_saves_tries() -> None:
    tries = 0

    def shows(part: Sequence[int]) -> bool:
        nonlocal tries
        tries += 1
        return {40_001, 40_002} <= set(part)

    assert shrink(range(100_000), shows, [[1, 2], [40_000, 40_001, 40_002]]) == (40_001, 40_002)
    assert tries < 12


def test_tries_are_bounded_and_what_is_left_still_shows_it() -> None:
    tries = 0
    needed = set(range(0, 4000, 7))

    def shows(part: Sequence[int]) -> bool:
        nonlocal tries
        tries += 1
        return needed <= set(part)

    assert needed <= set(shrink(range(4000), shows, tries=50))
    assert tries <= 50


def test_time_is_bounded() -> None:
    assert shrink(range(50), lambda part: 3 in part, seconds=0) == tuple(range(50))


def test_order_is_kept() -> None:
    found = shrink(range(100), lambda part: {70, 20, 90} <= set(part))
    assert found == (20, 70, 90)
