"""Outcomes are counted over a whole run, and a target must agree more often than its verdict excuses it."""

from __future__ import annotations

import pytest

from tests.support.outcomes import Outcomes, record


def counted(*kinds: str, cases: int) -> Outcomes:
    outcomes = Outcomes()
    for number, kind in enumerate(kinds):
        properties: list[tuple[str, object]] = []
        record(lambda name, value: properties.append((name, value)), "toy", kind, cases)  # noqa: B023  called at once
        outcomes.pytest_runtest_logreport(
            pytest.TestReport(f"test[{number}]", ("", 0, ""), {}, "passed", None, "call", user_properties=properties)
        )
    return outcomes


@pytest.mark.parametrize(
    ("kinds", "cases", "count"),
    [
        (["agree", "agree", "assumption"], 3, 0),
        (["agree", "assumption"], 2, 1),
        (["agree", "bounded", "refused"], 3, 1),
        (["refused"], 1, 1),
        (["agree", "nothing left"], 2, 1),
        (["assumption"], 2, 0),  # half of its cases were not run
    ],
)
def test_a_target_that_mostly_does_not_agree_is_a_problem(kinds: list[str], cases: int, count: int) -> None:
    assert len(counted(*kinds, cases=cases).problems()) == count
