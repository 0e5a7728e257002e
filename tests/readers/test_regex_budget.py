"""The time of regular expressions: who pays for what, and which patterns are too large to compile."""

from __future__ import annotations

from time import process_time

import pytest
import regex

from converter.readers.limits import changed, using
from converter.readers.regex_budget import (
    OutOfBudgetError,
    RegexBudget,
    TooLargeError,
    budget,
    compile_backtracking,
    spending,
)

SLOW = regex.compile("(?>a+)+b")
LONG = "a" * 50_000

TOO_LARGE = [
    "(?:" * 16 + "a" + "){2}" * 16,
    "(" * 17 + "a" + ")+" * 17,
    "(?:(?:(?:ab){100}){100}){100}",
    "(?x)(?:(?:(?:ab # )\n){100}){100}){100}",
    "[a]]{70000}" + "a" * 70_000,
]
NOT_TOO_LARGE = [
    "(?:" * 16 + "a" + "){0,3}" * 16,
    r"\d{1,3}(?:\.\d{1,3}){3}(?<!0)",
    r"[(\]{9}]{9}" * 20,
    r"\({2}" * 20,
    "(?x) a{2} # (((\n b{3}",
]


def spend(of: RegexBudget) -> None:
    with pytest.raises(OutOfBudgetError):
        of.slow(SLOW.search, LONG, length=len(LONG))


def test_a_query_pays_for_all_its_values_together() -> None:
    started = process_time()
    of = RegexBudget(0.2)
    for _ in range(50):
        spend(of)
    assert process_time() - started < 2
    with pytest.raises(OutOfBudgetError) as caught:
        of.slow(SLOW.search, "ab", length=2)
    assert caught.value.message("took") == "the regular expression took 0.2 s"


def test_slow_values_of_a_rule_leave_time_for_the_others() -> None:
    of = RegexBudget(0.4, shared=True)
    for _ in range(20):
        spend(of)
        assert of.slow(SLOW.search, "ab", length=2) is not None


def test_in_the_end_all_is_spent() -> None:
    of = RegexBudget(0.05, shared=True)
    for _ in range(2_000):
        spend(of)
    with pytest.raises(OutOfBudgetError):
        of.slow(SLOW.search, "ab", length=2)


def test_time_that_grows_with_the_length_is_not_charged() -> None:
    of = RegexBudget(0.01)
    pattern = regex.compile("(?<!a)b")
    for _ in range(20_000):
        assert of.slow(pattern.search, "a" * 100, length=100) is None


def test_the_budget_is_that_of_the_block() -> None:
    assert budget() is not budget()
    with spending():
        outer = budget()
        with spending():
            assert budget() is outer
        inner = RegexBudget(1)
        with spending(inner):
            assert budget() is inner
        assert budget() is outer


def test_a_longer_value_than_the_limit_is_not_tried() -> None:
    with using(changed({"regex-bytes": 10})), pytest.raises(OutOfBudgetError) as caught:
        budget().slow(SLOW.search, "b" * 11, length=11)
    assert caught.value.hint == "--limit regex-bytes=VALUE raises the limit"


@pytest.mark.parametrize("pattern", TOO_LARGE, ids=lambda pattern: pattern[:20])
def test_a_pattern_that_is_too_large_is_not_compiled(pattern: str) -> None:
    with pytest.raises(TooLargeError):
        compile_backtracking(pattern, regex.V1)


@pytest.mark.parametrize("pattern", NOT_TOO_LARGE, ids=lambda pattern: pattern[:20])
def test_a_pattern_with_repeats_is_compiled(pattern: str) -> None:
    assert compile_backtracking(pattern, regex.V1).pattern == pattern
