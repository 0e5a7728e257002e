"""What no single conformance case shows: logs larger than a product's limits, schedules, and names that collide.

Each rule is converted without a pipeline and replayed, so that the verdict is compared with what the query finds.
"""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from converter.conversion import convert_rules
from converter.errors import ConfigurationError, RefusedError
from converter.harness.replay import Log, replay
from converter.rules.load import parse_rules
from converter.targets.core.registry import get_target
from converter.targets.elastic_toml.emitter.write import rule_name
from converter.targets.elastic_toml.engine.rule import parse as parse_file
from converter.targets.splunk.saved_search.conf import parse as parse_conf

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from converter.harness.replay import Outcome
    from converter.rules.collection import Rules
    from converter.targets.core.target import Query

START = datetime(2026, 1, 1, tzinfo=UTC)
Variant = tuple[str, str, dict[str, str]]
SPLUNK: Variant = ("splunk", "default", {})
SAVED: Variant = ("splunk", "savedsearches", {})
ESQL: Variant = ("esql", "default", {})
EQL: Variant = ("eql", "default", {})
FILE: Variant = ("elastic-toml", "default", {})
FILE_EQL: Variant = ("elastic-toml", "default", {"rule_type": "eql"})
FILE_ESQL: Variant = ("elastic-toml", "default", {"rule_type": "esql"})
FILES = (FILE, FILE_EQL, FILE_ESQL)


def shown(variant: Variant) -> str:
    name, form, options = variant
    return "-".join([name, *([form] if form != "default" else []), *options.values()])


def detection(title: str = "Base rule", **more: Any) -> dict[str, Any]:
    body = {"selection": {"a": "4711"}, "condition": "selection"}
    return {"title": title, "logsource": {"category": "test"}, "detection": body, **more}


def rules_of(*documents: Mapping[str, Any]) -> Rules:
    return parse_rules(yaml.safe_dump_all(documents, allow_unicode=True))


def counting(group_by: Sequence[str], op: str = "gte", count: int = 2, timespan: str = "1m") -> Rules:
    correlation = {
        "type": "event_count",
        "rules": ["base"],
        "group-by": list(group_by),
        "timespan": timespan,
        "condition": {op: count},
    }
    return rules_of(detection(name="base"), {"title": "Count", "name": "count", "correlation": correlation})


def convert(rules: Rules, variant: Variant, pipelines: Sequence[str] = ()) -> list[Query]:
    name, form, options = variant
    return convert_rules(
        rules,
        get_target(name),
        pipelines=pipelines,
        without_pipeline=not pipelines,
        format=form,
        options=options,
    )


def event(seconds: float, **fields: Any) -> dict[str, Any]:
    return {"@timestamp": (START + timedelta(seconds=seconds)).isoformat(), "a": "4711", **fields}


def replayed(rules: Rules, variant: Variant, events: Sequence[Mapping[str, Any]]) -> tuple[Query, Outcome]:
    (query,) = convert(rules, variant)
    outcome, _ = replay(rules.plans[-1], query, get_target(variant[0]), Log(events))
    return query, outcome


# -------------------------------------------------------------------------------------------------- limits of a run


@pytest.mark.parametrize(
    ("variant", "limit", "lost"), [(ESQL, 10_000, 50), *((variant, 1_000, 9_050) for variant in FILES)], ids=str
)
def test_a_log_with_more_events_than_a_run_gives(variant: Variant, limit: int, lost: int) -> None:
    query, outcome = replayed(rules_of(detection()), variant, [event(0)] * 10_050)
    assert query.verdict.limit is not None
    assert query.verdict.limit.alerts == limit
    assert query.verdict.limit.message in query.verdict.notes
    # Runs that see the same events again give more of those that are left.
    assert outcome.kind == "bounded"
    assert 0 < len(outcome.bounded) <= lost


@pytest.mark.parametrize(
    ("variant", "groups"), [(FILE, 1_200), (FILE_EQL, 1_200), (FILE_ESQL, 1_200), (ESQL, 10_001)], ids=str
)
def test_more_groups_than_a_run_gives(variant: Variant, groups: int) -> None:
    events = [event(second, g=f"g{number}") for number in range(groups) for second in (0, 5)]
    rules = counting(["g"])
    query, outcome = replayed(rules, variant, events)
    assert query.verdict.limit is not None
    assert outcome.kind == "bounded", outcome.differences[:3]
    few, fitting = replayed(rules, variant, events[:300])
    assert few.verdict == query.verdict
    assert not [one for one in fitting.bounded if one.side == "missed"]
    assert not fitting.differences


@pytest.mark.parametrize("variant", [ESQL, FILE_ESQL], ids=shown)
def test_every_query_of_esql_has_its_limit(variant: Variant) -> None:
    """Without one Elasticsearch gives 1,000 rows."""
    for rules in (rules_of(detection()), counting(["g"], count=1), counting(["g"]), counting(["g"], count=3)):
        (query,) = convert(rules, variant)
        assert "| LIMIT 10000" in query.text


def test_a_limit_excuses_nothing_where_no_run_reaches_it() -> None:
    """A query that misses one event of two is wrong, whatever limit its verdict states."""
    from dataclasses import replace  # noqa: PLC0415

    rules = rules_of(detection())
    (query,) = convert(rules, ESQL)
    broken = replace(query, text=query.text.replace("LIMIT 10000", "LIMIT 1"))
    outcome, _ = replay(rules.plans[0], broken, get_target("esql"), Log([event(0), event(1)]))
    assert outcome.kind == "disagree"


@pytest.mark.parametrize("variant", FILES, ids=shown)
def test_a_rule_file_asks_for_as_many_alerts_as_kibana_gives(variant: Variant) -> None:
    (query,) = convert(counting(["g"]), variant)
    assert tomllib.loads(query.text)["rule"]["max_signals"] == 1_000


@pytest.mark.parametrize(("rules", "limit"), [(counting(["g"]), 500), (rules_of(detection()), 500_000)])
def test_a_saved_search_states_its_limit_and_stays_exact(rules: Rules, limit: int) -> None:
    (query,) = convert(rules, SAVED)
    assert query.verdict.limit is not None
    assert query.verdict.limit.alerts == limit


# ------------------------------------------------------------------------------------------------------- schedules


@pytest.mark.parametrize("op", ["lt", "lte", "eq", "neq"])
@pytest.mark.parametrize("variant", FILES, ids=shown)
def test_a_schedule_cannot_have_fixed_windows(variant: Variant, op: str) -> None:
    with pytest.raises(RefusedError, match="a schedule cuts the fixed windows") as caught:
        convert(counting(["g"], op), variant)
    assert "rule_type" not in caught.value.hint


@pytest.mark.parametrize("variant", [FILE, FILE_EQL, FILE_ESQL, SAVED], ids=shown)
def test_a_long_timespan_takes_no_longer_to_replay(variant: Variant) -> None:
    events = [event(second, g=group) for second in (0, 86_413, 17_280_029) for group in ("x", "y")]
    started = perf_counter()
    _, outcome = replayed(counting(["g"], count=3, timespan="1y"), variant, events)
    assert not outcome.differences
    assert perf_counter() - started < 5  # it took minutes


@pytest.mark.parametrize(
    ("variant", "options"),
    [(FILE, {"from": "now-9999d"}), (FILE, {"lag": "999999d"}), (SAVED, {"earliest": "999999d"})],
    ids=str,
)
def test_a_look_back_of_decades_is_a_mistake(variant: Variant, options: dict[str, str]) -> None:
    name, form, _ = variant
    with pytest.raises(ConfigurationError, match="each run would look back"):
        convert(counting(["g"]), (name, form, options))


# ------------------------------------------------------------------------------------------------ names that collide

HELPERS = (
    *("sigma_time", "sigma_start", "sigma_window", "sigma_times", "event_count", "first_seen", "last_seen"),
    *("sigma_count", "sigma_first", "sigma_previous", "sigma_new", "sigma_episode", "run", "group", "first", "last"),
    *("by", "as", "over", "Where", "host", "a b"),
)
OF_TWO_GROUPS = [(1, "p"), (30, "q"), (301, "p"), (331, "p"), (400, "q")]


@pytest.mark.parametrize("variant", [SPLUNK, SAVED, ESQL, EQL, *FILES], ids=shown)
@pytest.mark.parametrize("name", HELPERS)
def test_a_group_by_field_may_be_called_as_a_column_of_ours(name: str, variant: Variant) -> None:
    events = [event(second, **{name: value}) for second, value in OF_TWO_GROUPS]
    try:
        _, outcome = replayed(counting([name]), variant, events)
    except RefusedError as error:
        assert (variant, name) == (SAVED, "a b"), error.message  # noqa: PT017  which one is refused
        return
    assert not outcome.differences


@pytest.mark.parametrize("variant", [SPLUNK, ESQL], ids=shown)
@pytest.mark.parametrize("name", HELPERS)
def test_the_same_on_fixed_windows(name: str, variant: Variant) -> None:
    events = [event(second, **{name: value}) for second, value in OF_TWO_GROUPS]
    _, outcome = replayed(counting([name], "eq", 1), variant, events)
    assert not outcome.differences


def test_two_fields_that_would_collide() -> None:
    rules = counting(["first_seen", "first_seen_2"])
    events = [event(second, first_seen=value, first_seen_2="z") for second, value in OF_TWO_GROUPS]
    for variant in (SPLUNK, SAVED, ESQL):
        query, outcome = replayed(rules, variant, events)
        assert "first_seen_3" in query.text
        assert not outcome.differences


@pytest.mark.parametrize("name", ["_id", "_index", "_version", "_source"])
def test_metadata_is_no_group(name: str) -> None:
    with pytest.raises(RefusedError, match="metadata field") as caught:
        convert(counting([name]), ESQL)
    assert caught.value.place is not None


@pytest.mark.parametrize("variant", [SPLUNK, SAVED], ids=shown)
def test_a_star_in_a_by_is_many_fields(variant: Variant) -> None:
    with pytest.raises(RefusedError, match="stands for many fields"):
        convert(counting(["g*"]), variant)


@pytest.mark.parametrize("name", ["a,b", "a b", "a\u00a0b"])
def test_a_list_with_commas_takes_plain_names_only(name: str) -> None:
    with pytest.raises(RefusedError, match=r"alert\.suppress\.fields"):
        convert(counting([name]), SAVED)
    assert convert(counting([name]), SPLUNK)


@pytest.mark.parametrize("values", [(["p", "q"], "q", "q"), (5, 5.0, "5")])
def test_a_threshold_rule_says_what_it_assumes_of_its_groups(values: tuple[Any, ...]) -> None:
    events = [event(second, g=value) for second, value in zip((0, 170, 175), values, strict=True)]
    query, outcome = replayed(counting(["g"], timespan="3m"), FILE, events)
    assert "g holds at most one value" in query.verdict.notes
    assert "g is mapped as keyword, and its values are written as such" in query.verdict.notes
    assert outcome.kind != "disagree"


# ------------------------------------------------------------------------------------------------------------- files

TITLES = {
    "Ünïcode rule": "Unicode rule",
    "[Test] rule": "Test rule",
    "Foo bar.": "Foo bar",
    "Foo!": "Foo",
    '"quoted"': "quoted",
    "1": "Sigma rule 1 (abcdef01)",
    "Ends with dash -": "Ends with dash",
    "検出": "Sigma rule 検出 (abcdef01)",
    "検出 rule": "Sigma rule 検出 rule (abcdef01)",
    "Fine (as it is)": "Fine (as it is)",
    "Fine [it is]": "Fine [it is]",
}


@pytest.mark.parametrize("title", TITLES)
def test_a_title_is_made_to_fit_the_format(title: str) -> None:
    assert rule_name(title, "abcdef01-0000") == TITLES[title]
    (query,) = convert(rules_of(detection(title)), FILE)
    assert parse_file(query.text).name.split(" (")[0] == TITLES[title].split(" (")[0]


def test_a_long_title_stays_on_one_line() -> None:
    title = "word " * 40 + "end"
    (query,) = convert(rules_of(detection(title)), FILE)
    assert parse_file(query.text).name == title


@pytest.mark.parametrize("variant", [*FILES], ids=shown)
def test_only_threshold_rules_need_a_new_stack(variant: Variant) -> None:
    (query,) = convert(counting(["g", "h", "i", "j"]), variant)
    assert ("min_stack_version" in tomllib.loads(query.text)["metadata"]) == (variant == FILE)


@pytest.mark.parametrize(
    "titles", [("Same", "Same"), ("Same", "SAME"), ("Sa[me", "Sa me"), ("x" * 120, "x" * 119 + "y"), ("default", "A")]
)
def test_saved_searches_of_one_conversion_have_titles_of_their_own(titles: tuple[str, str]) -> None:
    documents = [detection(title, name=f"n{number}") for number, title in enumerate(titles)]
    queries = convert(rules_of(*documents), SAVED)
    saved = parse_conf("\n".join(query.text for query in queries))
    assert len({one.name.casefold() for one in saved}) == len(titles)
    assert all(len(one.name) <= 100 for one in saved)


def test_a_title_that_no_other_rule_has_stays() -> None:
    queries = convert(rules_of(detection("One", name="a"), detection("Two", name="b")), SAVED)
    assert [parse_conf(query.text)[0].name for query in queries] == ["One", "Two"]


# --------------------------------------------------------------------------------------------------- postprocessing

EMBED = "name: embed\npriority: 10\npostprocessing:\n  - {type: embed, prefix: '/* ', suffix: ' */'}\n"


@pytest.mark.parametrize("variant", [*FILES, SAVED], ids=shown)
def test_postprocessing_is_about_the_query_in_a_file(variant: Variant, tmp_path: Any) -> None:
    pipeline = tmp_path / "embed.yml"
    pipeline.write_text(EMBED)
    (query,) = convert(counting(["g"]), variant, [str(pipeline)])
    text = parse_conf(query.text)[0].search if variant == SAVED else parse_any(query.text)
    assert text.strip().startswith("/* ")
    assert text.strip().split("\n| addinfo")[0].rstrip().endswith(" */")  # what follows is the schedule's
    assert query.verdict.kind == "unjudged"
    assert any("unjudged" in warning for warning in query.warnings)


def parse_any(text: str) -> str:
    found: str = tomllib.loads(text)["rule"]["query"]
    return found


def test_postprocessing_of_a_plain_query_is_told(tmp_path: Any) -> None:
    pipeline = tmp_path / "embed.yml"
    pipeline.write_text(EMBED)
    (query,) = convert(rules_of(detection()), SPLUNK, [str(pipeline)])
    assert query.text.startswith("/* ")
    assert query.text.endswith(" */")
    assert query.verdict.kind == "unjudged"
    assert len(query.warnings) == 1 + any("no mapping" in warning for warning in query.warnings)


def test_a_finalizer_that_changes_the_text_is_told(tmp_path: Any) -> None:
    pipeline = tmp_path / "concat.yml"
    pipeline.write_text("name: c\npriority: 10\nfinalizers:\n  - {type: concat, prefix: '# ours '}\n")
    for rules in (rules_of(detection()), rules_of(detection(name="a"), detection("Other", name="b"))):
        (query,) = convert(rules, SPLUNK, [str(pipeline)])
        assert query.text.startswith("# ours ")
        assert query.verdict.kind == "unjudged"
        assert any("unjudged" in warning for warning in query.warnings)


@pytest.mark.parametrize(
    ("variant", "op", "count"), [(ESQL, "lt", 2**64), (ESQL, "eq", 2**63), (FILE, "gte", 2**53), (FILE, "gt", 10**30)]
)
def test_a_count_that_the_product_cannot_hold(variant: Variant, op: str, count: int) -> None:
    with pytest.raises(RefusedError, match=str(count)[:4]):
        convert(counting(["g"], op, count), variant)
