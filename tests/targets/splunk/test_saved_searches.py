"""Limits, schedules and names of saved searches, and of plain ones. What every target has is in tests/targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from converter.errors import ConfigurationError, RefusedError
from converter.harness.target_spec import TargetName
from converter.targets.splunk.saved_search.conf import parse
from tests.support.counting import EMBED, counting, detection, rules_of
from tests.support.hostile import HOSTILE
from tests.support.targets import convert, with_options

if TYPE_CHECKING:
    from pathlib import Path

    from converter.rules.collection import Rules

PLAIN = TargetName("splunk")
SAVED = TargetName("splunk", "savedsearches")


@pytest.mark.parametrize(("rules", "limit"), [(counting(["g"]), 500), (rules_of(detection()), 500_000)])
def test_a_saved_search_states_its_limit_and_stays_exact(rules: Rules, limit: int) -> None:
    (query,) = convert(rules, SAVED)
    assert query.verdict.limit is not None
    assert query.verdict.limit.alerts == limit


def test_a_look_back_of_decades_is_a_mistake() -> None:
    with pytest.raises(ConfigurationError, match="each run would look back"):
        convert(counting(["g"]), with_options(SAVED, earliest="999999d"))


@pytest.mark.parametrize("variant", [PLAIN, SAVED], ids=str)
def test_a_star_in_a_by_is_many_fields(variant: TargetName) -> None:
    with pytest.raises(RefusedError, match="stands for many fields"):
        convert(counting(["g*"]), variant)


@pytest.mark.parametrize("name", ["a,b", "a b", "a\u00a0b"])
def test_a_list_with_commas_takes_plain_names_only(name: str) -> None:
    with pytest.raises(RefusedError, match=r"alert\.suppress\.fields"):
        convert(counting([name]), SAVED)
    assert convert(counting([name]), PLAIN)


@pytest.mark.parametrize(
    "titles", [("Same", "Same"), ("Same", "SAME"), ("Sa[me", "Sa me"), ("x" * 120, "x" * 119 + "y"), ("default", "A")]
)
def test_saved_searches_of_one_conversion_have_titles_of_their_own(titles: tuple[str, str]) -> None:
    documents = [detection(title, name=f"n{number}") for number, title in enumerate(titles)]
    queries = convert(rules_of(*documents), SAVED)
    saved = parse("\n".join(query.text for query in queries))
    assert len({search.name.casefold() for search in saved}) == len(titles)
    assert all(len(search.name) <= 100 for search in saved)


def test_a_title_that_no_other_rule_has_stays() -> None:
    queries = convert(rules_of(detection("One", name="a"), detection("Two", name="b")), SAVED)
    assert [parse(query.text)[0].name for query in queries] == ["One", "Two"]


def test_postprocessing_is_about_the_search_in_a_file(tmp_path: Path) -> None:
    pipeline = tmp_path / "embed.yml"
    pipeline.write_text(EMBED)
    (query,) = convert(counting(["g"]), SAVED, pipelines=[str(pipeline)])
    text = parse(query.text)[0].search.strip()
    assert text.startswith("/* ")
    assert text.split("\n| addinfo")[0].rstrip().endswith(" */")  # what follows is the schedule's


@pytest.mark.parametrize("text", HOSTILE, ids=repr)
def test_a_title_stays_in_its_stanza(text: str) -> None:
    rule = detection(
        f"{text}]\n[other]\nsearch = | delete\\",
        detection={"selection": {"field": "value"}, "condition": "selection"},
    )
    (query,) = convert(rules_of(rule), SAVED)
    (stanza,) = parse(query.text)
    assert stanza.search == 'field="value"'
    assert "[" not in stanza.name
