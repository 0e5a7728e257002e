"""What an alert says besides its events: its times as Python has them, and what is left out for want of a time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from converter.reference.evaluate import evaluate_plans
from converter.rules.load import parse_rules

if TYPE_CHECKING:
    from collections.abc import Mapping

RULE = """
title: Base
name: base
logsource: {category: test}
detection:
  selection: {a: x}
  condition: selection
"""
MANY = """
---
title: Many
name: many
correlation:
  type: event_count
  rules: base
  timespan: 10s
  condition: {gte: 1}
"""


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ("2024-03-01T12:00:00.123456789Z", datetime(2024, 3, 1, 12, 0, 0, 123456, UTC)),
        ("1969-12-31T23:59:59.5Z", datetime(1969, 12, 31, 23, 59, 59, 500000, UTC)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59.999999999Z", datetime(9999, 12, 31, 23, 59, 59, 999999, UTC)),
        (None, None),
    ],
)
def test_times_of_a_detection(time: str | None, expected: datetime | None) -> None:
    (alert,) = evaluate_plans(parse_rules(RULE).plans, [{"a": "x", "time": time}])
    assert (alert.first_time, alert.last_time) == (expected, expected)


def test_times_of_a_correlation() -> None:
    events = [{"a": "x", "time": 5}, {"a": "x", "time": 7.25}]
    (alert,) = evaluate_plans(parse_rules(RULE + MANY).plans, events)
    assert alert.first_time == datetime(1970, 1, 1, 0, 0, 5, tzinfo=UTC)
    assert alert.last_time == datetime(1970, 1, 1, 0, 0, 7, 250000, UTC)


def test_an_event_without_a_time_is_told_once_for_all_correlations() -> None:
    told: list[tuple[int, Mapping[str, Any]]] = []
    another = MANY.replace("many", "more").replace("Many", "More")
    events: list[dict[str, Any]] = [{"a": "x", "time": 5}, {"a": "x"}, {"a": "y"}, {"a": "x", "time": "noon"}]
    plans = parse_rules(RULE + MANY + another).plans
    alerts = evaluate_plans(plans, events, on_timeless=lambda position, event: told.append((position, event)))
    assert told == [(2, events[1]), (4, events[3])]
    assert [alert.events for alert in alerts if alert.group is not None] == [(1,), (1,)]


def test_what_is_tried_on_an_event_is_what_the_caller_selects() -> None:
    plans = parse_rules(RULE + "---" + RULE.replace("base", "other").replace("Base", "Other")).plans
    events = [{"b": "x"}, {"b": "y"}]
    alerts = evaluate_plans(plans, events, select=lambda rules: lambda event: ({"a": event["b"]}, rules[1:]))
    assert [(alert.rule, alert.events) for alert in alerts] == [("other", (1,))]


def test_an_id_that_is_no_text_and_no_number_is_no_id() -> None:
    events: list[dict[str, Any]] = [
        {"a": "x", "_id": "k"},
        {"a": "x", "_id": 7},
        {"a": "x", "_id": 1.5},
        {"a": "x", "_id": None},
    ]
    assert [alert.events for alert in evaluate_plans(parse_rules(RULE).plans, events)] == [("k",), (7,), (3,), (4,)]
