"""What a data case cannot hold: texts of thousands of words, broken characters, time."""

from __future__ import annotations

import time
from typing import Any

import pytest

from converter.errors import LogError, QueryError
from converter.targets.splunk.engine.execute import run
from converter.targets.splunk.engine.parse import parse

DEEP = 5000


@pytest.mark.parametrize(
    "query",
    [
        "(" * DEEP + "a=1" + ")" * DEEP,
        "NOT " * DEEP + "a=1",
        "* | where " + "(" * DEEP + "a=1" + ")" * DEEP,
        "* | where " + "NOT " * DEEP + "a=1",
        "* | where " + "!" * DEEP + "a=1",
        "* | eval x=" + "-" * DEEP + "1",
        "* | eval x=" + "abs(" * DEEP + "1" + ")" * DEEP,
        "* | stats sum(eval(" + "(" * DEEP + "1" + ")" * DEEP + "))",
    ],
)
def test_deep_nesting_is_an_error_with_a_place(query: str) -> None:
    with pytest.raises(QueryError, match="nested deeper") as caught:
        parse(query)
    assert caught.value.place is not None


def test_long_arithmetic_is_an_error_with_a_place() -> None:
    with pytest.raises(QueryError, match="operators in a row"):
        parse("* | eval x=1" + "+1" * DEEP)


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        (" OR ".join(f"a={n}" for n in range(DEEP)), ["1"]),
        (" ".join(f"NOT a={n}" for n in range(DEEP)), ["2", "3"]),
        ("a IN (" + ", ".join(f'"v{n}"' for n in range(DEEP)) + ")", ["3"]),
        ("* | where " + " OR ".join(f"a={n}" for n in range(DEEP)), ["1"]),
        ("* | where a IN (" + ", ".join(map(str, range(DEEP))) + ")", ["1"]),
    ],
)
def test_wide_searches_run(query: str, ids: list[str]) -> None:
    events: list[dict[str, Any]] = [
        {"_id": "1", "a": DEEP - 1},
        {"_id": "2", "a": DEEP},
        {"_id": "3", "a": f"v{DEEP - 1}"},
    ]
    assert [row["_id"] for row in run(query, events)] == ids


def test_an_event_may_nest_deeper_than_the_stack() -> None:
    event: dict[str, Any] = {"leaf": "x"}
    for _ in range(DEEP):
        event = {"a": event}
    name = "a." * DEEP + "leaf"
    assert run(f'"{name}"=x', [event]) == [{name: "x"}]


def test_a_regular_expression_that_backtracks_for_ever_is_stopped() -> None:
    with pytest.raises(QueryError, match="took longer") as caught:
        run('* | regex a="^(?:(a|aa|aaa)+)+(?=c)"', [{"a": "a" * 60 + "!"}])
    assert caught.value.place is not None


def test_wildcards_take_linear_time() -> None:
    began = time.perf_counter()
    assert run('a="' + "*a" * 40 + '*b"', [{"a": "a" * 200_000}]) == []
    assert time.perf_counter() - began < 5


def test_half_a_surrogate_pair_is_text_in_an_event_and_an_error_in_a_search() -> None:
    event = {"_id": "1", "a": "x\ud800y", "_raw": "x \ud800 y"}
    assert len(run(r'y a="x*y" | regex a="^x.y$" | where match(a,"x.y") AND like(a,"x_y")', [event])) == 1
    with pytest.raises(QueryError, match="surrogate"):
        run('a="\ud800"', [event])


@pytest.mark.parametrize("bad", ["yesterday", "2026-13-01T00:00:00Z", [1, 2], {"a": 1}, True])
def test_a_time_that_is_none_names_the_event(bad: object) -> None:
    events: list[dict[str, Any]] = [{"_time": 1}, {"_time": bad}]
    if isinstance(bad, dict):
        # An object is flattened to _time.a, and leaves no _time at all.
        assert run("*", events)[1] == {"_time.a": 1}
        return
    with pytest.raises(LogError, match="event 2"):
        run("*", events)


def test_events_that_are_given_are_not_changed() -> None:
    event = {"a": ["x", "y"], "b": {"c": 1}, "_time": "2026-01-01T00:00:00Z"}
    run("* | eval a=1, d=2 | rename b.c as e | fields - _time", [event])
    assert event == {"a": ["x", "y"], "b": {"c": 1}, "_time": "2026-01-01T00:00:00Z"}


def test_an_exact_window_over_twenty_thousand_events_is_quick() -> None:
    events = [
        {"_id": str(n), "_time": 1_787_500_000 + n * 7 % 86_400, "a": "x", "g": f"g{n % 50}", "pad": "p" * 50}
        for n in range(20_000)
    ]
    began = time.perf_counter()
    rows = run(
        'a="x*" | where isnotnull(g) | sort 0 _time'
        " | streamstats window=25 global=f count as n min(_time) as start by g | where n=25 AND _time-start<=7200"
        " | streamstats window=1 current=f global=f last(_time) as previous by g"
        " | eval new=if(isnull(previous) OR _time-previous>7200,1,0) | streamstats sum(new) as episode by g"
        " | stats min(start) as first max(_time) as last by g episode",
        events,
    )
    assert rows
    # About half a second on a small machine; the limit only catches work that grows with the square of the log.
    assert time.perf_counter() - began < 10


def test_sort_keeps_ten_thousand_rows_unless_told_otherwise() -> None:
    events = [{"n": n} for n in range(10_005)]
    assert len(run("* | sort n", events)) == 10_000
    assert len(run("* | sort 0 n", events)) == 10_005
    assert len(run("* | sort 10001 n", events)) == 10_001


def test_a_time_window_holds_ten_thousand_rows() -> None:
    events = [{"_time": n // 100} for n in range(10_005)]
    assert [row["count"] for row in run("* | streamstats time_window=1d count", events)][-3:] == [10_000] * 3
