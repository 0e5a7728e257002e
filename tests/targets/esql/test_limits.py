"""Limits of ES|QL: rows of a query, names, numbers. What every target has is in tests/targets/test_limits.py."""

from __future__ import annotations

from dataclasses import replace

import pytest

from converter.errors import RefusedError
from converter.harness.replay import Log, replay
from converter.harness.target_spec import TargetName
from tests.support.counting import counting, detection, event, rules_of
from tests.support.targets import convert, target_of

ESQL = TargetName("esql")


def test_a_query_states_its_limit() -> None:
    for rules in (rules_of(detection()), counting(["g"])):
        (query,) = convert(rules, ESQL)
        assert query.verdict.limit is not None
        assert query.verdict.limit.alerts == 10_000


def test_every_query_has_its_limit() -> None:
    """Without one Elasticsearch gives 1,000 rows."""
    for rules in (rules_of(detection()), counting(["g"], count=1), counting(["g"]), counting(["g"], count=3)):
        (query,) = convert(rules, ESQL)
        assert "| LIMIT 10000" in query.text


def test_a_limit_excuses_nothing_where_no_run_reaches_it() -> None:
    """A query that misses one event of two is wrong, whatever limit its verdict states."""
    rules = rules_of(detection())
    (query,) = convert(rules, ESQL)
    broken = replace(query, text=query.text.replace("LIMIT 10000", "LIMIT 1"))
    outcome, _ = replay(rules.plans[0], broken, target_of(ESQL), Log([event(0), event(1)]))
    assert outcome.kind == "disagree"


@pytest.mark.parametrize("name", ["_id", "_index", "_version", "_source"])
def test_metadata_is_no_group(name: str) -> None:
    with pytest.raises(RefusedError, match="metadata field") as caught:
        convert(counting([name]), ESQL)
    assert caught.value.place is not None


@pytest.mark.parametrize("name", ["_", "@"])
def test_a_name_of_one_sign_is_quoted(name: str) -> None:
    """The language has no such name: `UNQUOTED_IDENTIFIER` of its grammar wants a letter, or more behind the sign."""
    (query,) = convert(counting([name]), ESQL)
    assert f"`{name}` IS NOT NULL" in query.text


@pytest.mark.parametrize(("op", "count"), [("lt", 2**64), ("eq", 2**63)])
def test_a_count_that_the_product_cannot_hold(op: str, count: int) -> None:
    with pytest.raises(RefusedError, match=str(count)[:4]):
        convert(counting(["g"], op, count), ESQL)
