"""What no single conformance case shows: logs larger than a product's limits, schedules, and names that collide.

Each rule is converted without a pipeline and replayed, so that the verdict is compared with what the query finds. What
only one target has is tested in its folder.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any

import pytest

from converter.errors import RefusedError
from tests.support.constructs import takes
from tests.support.counting import EMBED, OF_TWO_GROUPS, counting, detection, event, replayed, rules_of
from tests.support.targets import VARIANTS, convert, converted, declared_refusals

if TYPE_CHECKING:
    from pathlib import Path

    from converter.harness.target_spec import TargetName

COUNTING = [variant for variant in VARIANTS if takes("`event_count` `gte`, `gt`", variant)]
FIXED = [variant for variant in VARIANTS if takes("`event_count` `lt`, `lte`, `eq`, `neq`", variant)]

# -------------------------------------------------------------------------------------------------- limits of a run


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_a_log_with_more_events_than_a_run_gives(variant: TargetName) -> None:
    events = 10_050
    query, outcome, _ = replayed(rules_of(detection()), variant, [event(0)] * events)
    limit = query.verdict.limit
    if limit is None or limit.alerts >= events:
        assert outcome.kind == "agree"
        return
    assert limit.message in query.verdict.notes
    # Runs that see the same events again give more of those that are left.
    assert outcome.kind == "bounded"
    assert 0 < len(outcome.bounded) <= events - limit.alerts


@pytest.mark.parametrize("variant", COUNTING, ids=str)
def test_more_groups_than_a_run_gives(variant: TargetName) -> None:
    rules = counting(["g"])
    (query,) = convert(rules, variant)
    limit = query.verdict.limit
    groups = 1_200 if limit is None else limit.alerts + 200
    events = [event(second, g=f"g{number}") for number in range(groups) for second in (0, 5)]
    query, outcome, runs = replayed(rules, variant, events)
    lost = any(len({alert.group for alert in run.alerts}) < groups for run in runs)
    assert outcome.kind == ("bounded" if lost else "agree"), outcome.differences[:3]
    assert any(run.full for run in runs) == (limit is not None)
    few, fitting, _ = replayed(rules, variant, events[:300])
    assert few.verdict == query.verdict
    assert not [difference for difference in fitting.bounded if difference.side == "missed"]
    assert not fitting.differences


# ------------------------------------------------------------------------------------------------------- schedules


@pytest.mark.parametrize("timespan", ["1y", "9y"])
@pytest.mark.parametrize("variant", COUNTING, ids=str)
def test_a_long_timespan_takes_no_longer_to_replay(variant: TargetName, timespan: str) -> None:
    events = [event(second, g=group) for second in (0, 86_413, 17_280_029) for group in ("x", "y")]
    started = perf_counter()
    _, outcome, _ = replayed(counting(["g"], count=3, timespan=timespan), variant, events)
    assert not outcome.differences
    assert perf_counter() - started < 5  # it took minutes


# ------------------------------------------------------------------------------------------------ names that collide

HELPERS = (
    *("sigma_time", "sigma_start", "sigma_window", "sigma_times", "event_count", "first_seen", "last_seen"),
    *("sigma_count", "sigma_first", "sigma_previous", "sigma_new", "sigma_episode", "run", "group", "first", "last"),
    *("by", "as", "over", "Where", "host", "a b"),
)


@pytest.mark.parametrize("variant", COUNTING, ids=str)
@pytest.mark.parametrize("name", HELPERS)
def test_a_group_by_field_may_be_called_as_a_column_of_ours(name: str, variant: TargetName) -> None:
    check_group(name, "gte", 2, variant)


@pytest.mark.parametrize("variant", FIXED, ids=str)
@pytest.mark.parametrize("name", HELPERS)
def test_the_same_on_fixed_windows(name: str, variant: TargetName) -> None:
    check_group(name, "eq", 1, variant)


def check_group(name: str, op: str, count: int, variant: TargetName) -> None:
    rules = counting([name], op, count)
    query = converted(rules, variant)
    if isinstance(query, RefusedError):
        assert name == "a b"
        assert query.construct in declared_refusals(variant)
        return
    _, outcome, _ = replayed(rules, variant, [event(second, **{name: value}) for second, value in OF_TWO_GROUPS])
    assert not outcome.differences


@pytest.mark.parametrize("variant", COUNTING, ids=str)
def test_two_fields_that_would_collide(variant: TargetName) -> None:
    rules = counting(["first_seen", "first_seen_2"])
    events = [event(second, first_seen=value, first_seen_2="z") for second, value in OF_TWO_GROUPS]
    query, outcome, _ = replayed(rules, variant, events)
    (other,) = convert(counting(["g"]), variant)
    assert ("first_seen_3" in query.text) == ("first_seen" in other.text)
    assert not outcome.differences


# --------------------------------------------------------------------------------------------------- postprocessing


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_postprocessing_is_about_the_query_in_a_file(variant: TargetName, tmp_path: Path) -> None:
    pipeline = tmp_path / "embed.yml"
    pipeline.write_text(EMBED)
    for rules in (rules_of(detection()), counting(["g"])):
        plain = converted(rules, variant)
        if isinstance(plain, RefusedError):
            assert plain.construct in declared_refusals(variant)
            continue
        (query,) = convert(rules, variant, pipelines=[str(pipeline)])
        if plain.wrap is None:
            assert query.text == f"/* {plain.text} */"
        else:
            assert query.text == plain.wrap(f"/* {plain.inner} */")
        assert query.verdict.kind == "unjudged"
        assert any("unjudged" in warning for warning in query.warnings)
        assert len(query.warnings) == 1 + any("no mapping" in warning for warning in query.warnings)


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_a_finalizer_that_changes_the_text_is_told(variant: TargetName, tmp_path: Any) -> None:
    pipeline = tmp_path / "concat.yml"
    pipeline.write_text("name: c\npriority: 10\nfinalizers:\n  - {type: concat, prefix: '# ours '}\n")
    for rules in (rules_of(detection()), rules_of(detection(name="a"), detection("Other", name="b"))):
        (query,) = convert(rules, variant, pipelines=[str(pipeline)])
        assert query.text.startswith("# ours ")
        assert query.verdict.kind == "unjudged"
        assert any("unjudged" in warning for warning in query.warnings)
