"""What an emitter does not say is refused by its name, at its place, and what it says is replayed.

Doubts about references and filters are warnings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from converter.conversion import convert_rules
from converter.errors import RefusedError
from converter.harness.compare import CompareError
from converter.harness.generate.log import events_for
from converter.harness.replay import Log, replay
from converter.rules.load import parse_rules
from converter.targets.core.registry import list_targets
from tests.support.targets import VARIANTS, converted, declared_refusals, target_of

if TYPE_CHECKING:
    from converter.harness.target_spec import TargetName

RULES = """\
title: A
name: a
logsource: {category: test}
detection:
  selection: {t: a}
  condition: selection
---
title: B
name: b
logsource: {category: test}
detection:
  selection: {t: b}
  condition: selection
---
title: Inner
name: inner
correlation:
  type: event_count
  rules: [a]
  group-by: [u]
  timespan: 5m
  condition: {gte: 2}
---
title: Outer
name: outer
correlation:
  type: %s
  rules: [%s]
  group-by: [u]
  timespan: 5m
"""
CONSTRUCTS = {
    "value_count": (RULES % ("value_count", "a") + "  condition: {field: v, gte: 2}\n", 27),
    "value_sum": (RULES % ("value_sum", "a") + "  condition: {field: v, gte: 2}\n", 27),
    "value_avg": (RULES % ("value_avg", "a") + "  condition: {field: v, gte: 2}\n", 27),
    "value_median": (RULES % ("value_median", "a") + "  condition: {field: v, gte: 2}\n", 27),
    "value_percentile": (RULES % ("value_percentile", "a") + "  condition: {field: v, percentile: 9, gte: 2}\n", 27),
    "temporal": (RULES % ("temporal", "a, b"), 27),
    "temporal_ordered": (RULES % ("temporal_ordered", "a, b"), 27),
    "range condition": (RULES % ("event_count", "a") + "  condition: {gte: 2, lt: 5}\n", 31),
    "chained correlation": (RULES % ("event_count", "inner") + "  condition: {gte: 2}\n", 28),
    "aliases": (RULES % ("event_count", "a") + "  condition: {gte: 2}\n  aliases: {u: {a: v}}\n", 32),
}


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
@pytest.mark.parametrize("construct", CONSTRUCTS)
def test_no_emitter_takes_it_for_an_event_count(construct: str, variant: TargetName) -> None:
    """It is refused as the target declares, by its name at its place; else the query is replayed."""
    text, line = CONSTRUCTS[construct]
    rules = parse_rules(text)
    (plan,) = (plan for plan in rules.plans if plan.meta.key == "outer")
    declared = declared_refusals(variant)
    query = converted(rules.only(plan), variant)
    if isinstance(query, RefusedError):
        assert query.construct in declared
        assert query.place is not None
        if construct in declared:
            assert (query.construct, query.place.line) == (construct, line)
        return
    assert construct not in declared
    outcome, _ = replay(plan, query, target_of(variant), Log(events_for(plan, 0, 24), "unknown"))
    assert not outcome.contradicts, outcome.differences


def test_a_value_count_of_pysigma_is_judged_by_its_groups() -> None:
    rules = parse_rules(CONSTRUCTS["value_count"][0])
    (plan,) = (plan for plan in rules.plans if plan.meta.key == "outer")
    target = list_targets()["pysigma:splunk"]
    (query,) = convert_rules(rules.only(plan), target, without_pipeline=True)
    log = [{"t": "a", "u": "x", "v": value, "time": 1_700_000_100 + value} for value in range(3)]
    outcome, _ = replay(plan, query, target, Log(log, "unknown"))
    assert outcome.kind == "agree"
    apart = [{"t": "a", "u": "x", "v": value, "time": 1_700_000_350 + 200 * value} for value in (0, 1)]
    outcome, _ = replay(plan, query, target, Log(apart, "unknown"))
    assert outcome.kind == "disagree"  # its windows are buckets


def test_a_chain_of_which_pysigma_writes_two_queries_is_refused() -> None:
    rules = parse_rules(CONSTRUCTS["chained correlation"][0])
    (plan,) = (plan for plan in rules.plans if plan.meta.key == "outer")
    with pytest.raises(RefusedError, match="writes 2 queries"):
        convert_rules(rules.only(plan), list_targets()["pysigma:splunk"], without_pipeline=True)


@pytest.mark.parametrize("construct", ["temporal", "aliases"])
def test_other_correlations_of_pysigma_are_not_judged(construct: str) -> None:
    rules = parse_rules(CONSTRUCTS[construct][0])
    (plan,) = (plan for plan in rules.plans if plan.meta.key == "outer")
    target = list_targets()["pysigma:splunk"]
    (query,) = convert_rules(rules.only(plan), target, without_pipeline=True)
    with pytest.raises(CompareError, match="does not identify its alerts"):
        replay(plan, query, target, Log([{"t": "a", "time": 0}], "unknown"))


def test_doubts_are_warnings_with_places() -> None:
    text = RULES % ("event_count", "A") + "  condition: {gte: 2}\n  aliases: {w: {a: v}}\n"
    text += "---\ntitle: F\nlogsource: {category: test}\nfilter:\n  rules: [a, z]\n  s: {u: x}\n  condition: s\n"
    rules = parse_rules(text, "rule.yml")
    assert [(one.code, one.place.line if one.place else None) for one in rules.warnings] == [
        ("reference-by-title", 28),
        ("unused-alias", 32),
        ("filter-without-rule", 37),
        ("filter-without-not", 39),
    ]
