"""Limits and schedules of rule files, and what their format takes. What every target has is in tests/targets."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from converter.errors import ConfigurationError, RefusedError
from converter.harness.target_spec import TargetName
from converter.targets.elastic_toml.emitter.write import rule_name
from converter.targets.elastic_toml.engine.rule import parse
from tests.support.counting import EMBED, counting, detection, event, replayed, rules_of
from tests.support.hostile import HOSTILE
from tests.support.targets import VARIANTS, convert, with_options

if TYPE_CHECKING:
    from pathlib import Path

FILE = TargetName("elastic-toml")
FILES = [variant for variant in VARIANTS if variant.name == FILE.name]


def query_in(text: str) -> str:
    query: str = tomllib.loads(text)["rule"]["query"]
    return query


# -------------------------------------------------------------------------------------------------- limits of a run


@pytest.mark.parametrize("variant", FILES, ids=str)
def test_a_rule_file_asks_for_as_many_alerts_as_kibana_gives(variant: TargetName) -> None:
    for rules in (rules_of(detection()), counting(["g"])):
        (query,) = convert(rules, variant)
        assert tomllib.loads(query.text)["rule"]["max_signals"] == 1_000
        assert query.verdict.limit is not None
        assert query.verdict.limit.alerts == 1_000


def test_every_query_of_esql_has_its_limit() -> None:
    """Without one Elasticsearch gives 1,000 rows."""
    for rules in (rules_of(detection()), counting(["g"], count=1), counting(["g"]), counting(["g"], count=3)):
        (query,) = convert(rules, with_options(FILE, rule_type="esql"))
        assert "| LIMIT 10000" in query.text


@pytest.mark.parametrize(("op", "count"), [("gte", 2**53), ("gt", 10**30)])
def test_a_count_that_the_product_cannot_hold(op: str, count: int) -> None:
    with pytest.raises(RefusedError, match=str(count)[:4]):
        convert(counting(["g"], op, count), FILE)


# ------------------------------------------------------------------------------------------------------- schedules


@pytest.mark.parametrize("op", ["lt", "lte", "eq", "neq"])
@pytest.mark.parametrize("variant", FILES, ids=str)
def test_a_schedule_cannot_have_fixed_windows(variant: TargetName, op: str) -> None:
    with pytest.raises(RefusedError, match="a schedule cuts the fixed windows") as caught:
        convert(counting(["g"], op), variant)
    assert "rule_type" not in caught.value.hint


@pytest.mark.parametrize("options", [{"from": "now-9999d"}, {"lag": "999999d"}], ids=str)
def test_a_look_back_of_decades_is_a_mistake(options: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="each run would look back"):
        convert(counting(["g"]), with_options(FILE, **options))


@pytest.mark.parametrize("values", [(["p", "q"], "q", "q"), (5, 5.0, "5")])
def test_a_threshold_rule_says_what_it_assumes_of_its_groups(values: tuple[Any, ...]) -> None:
    events = [event(second, g=value) for second, value in zip((0, 170, 175), values, strict=True)]
    query, outcome, _ = replayed(counting(["g"], timespan="3m"), FILE, events)
    assert "g holds at most one value" in query.verdict.notes
    assert "g is mapped as keyword, and its values have that JSON type" in query.verdict.notes
    assert not outcome.contradicts


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
    assert parse(query.text).name.split(" (")[0] == TITLES[title].split(" (")[0]


def test_a_long_title_stays_on_one_line() -> None:
    title = "word " * 40 + "end"
    (query,) = convert(rules_of(detection(title)), FILE)
    assert parse(query.text).name == title


@pytest.mark.parametrize("variant", FILES, ids=str)
def test_only_threshold_rules_need_a_new_stack(variant: TargetName) -> None:
    (query,) = convert(counting(["g", "h", "i", "j"]), variant)
    assert ("min_stack_version" in tomllib.loads(query.text)["metadata"]) == (variant == FILE)


@pytest.mark.parametrize("variant", FILES, ids=str)
def test_postprocessing_is_about_the_query_in_a_file(variant: TargetName, tmp_path: Path) -> None:
    pipeline = tmp_path / "embed.yml"
    pipeline.write_text(EMBED)
    (query,) = convert(counting(["g"]), variant, pipelines=[str(pipeline)])
    text = query_in(query.text).strip()
    assert text.startswith("/* ")
    assert text.endswith(" */")


@pytest.mark.parametrize("text", HOSTILE, ids=repr)
def test_a_title_stays_in_its_key(text: str) -> None:
    (query,) = convert(rules_of(detection(text)), FILE)
    loaded = tomllib.loads(query.text)
    assert set(loaded) == {"metadata", "rule"}
    assert loaded["rule"]["type"] == "query"
    assert loaded["rule"]["query"].strip() == 'a: "4711"'
    assert parse(query.text).name == loaded["rule"]["name"]
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9 ]+[A-Za-z0-9]", text):  # what the format takes is taken as it is
        assert loaded["rule"]["name"] == text
