"""What a rule file says about its rule: the id and the threats."""

from __future__ import annotations

import time
import tomllib
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from converter.conversion import convert_rules
from converter.errors import ConfigurationError
from converter.rules.load import load_rules, parse_rules
from converter.targets.core.registry import get_target

if TYPE_CHECKING:
    from pathlib import Path

RULE = """\
title: T
{extra}
logsource: {{category: c}}
detection:
  s: {{EventID: 1}}
  condition: s
"""


def rule_file(extra: str, **options: str) -> dict[str, Any]:
    """Return the rule file of a rule with one more line."""
    rules = parse_rules(RULE.format(extra=extra))
    (query,) = convert_rules(rules, get_target("elastic-toml"), options=options)
    loaded: dict[str, Any] = tomllib.loads(query.text)["rule"]
    return loaded


def test_an_id_that_is_a_uuid_is_kept() -> None:
    written = "929A690E-bef0-4204-a928-ef5e620d6fcc"
    assert rule_file(f"id: {written}")["rule_id"] == written.lower()


@pytest.mark.parametrize("extra", ["id: lab-0002", "id: 200100", "name: x", "author: x"])
def test_an_id_that_is_not_a_uuid_becomes_one_that_stays_the_same(extra: str) -> None:
    first, second = (rule_file(extra)["rule_id"] for _ in range(2))
    assert first == second
    assert UUID(first).version == 5


def test_the_time_for_a_guide_does_not_grow_with_the_square_of_its_length(tmp_path: Path) -> None:
    rule = tmp_path / "rule.yml"
    rule.write_text(RULE.format(extra="level: low"), encoding="utf-8")
    rule.with_suffix(".md").write_text("C:\\temp\n" * 60_000, encoding="utf-8")
    start = time.process_time()
    (query,) = convert_rules(load_rules([rule]), get_target("elastic-toml"))
    assert time.process_time() - start < 10  # half a minute, if it does
    assert tomllib.loads(query.text)["rule"]["note"].count("\\") == 60_000


def test_derived_ids_differ() -> None:
    assert len({rule_file(f"id: {number}")["rule_id"] for number in range(3)}) == 3


@pytest.mark.parametrize(
    ("options", "tactic", "technique"),
    [
        ({}, "Defense Evasion", "T1562"),
        ({"attack": "18"}, "Defense Evasion", "T1562"),
        ({"attack": "19"}, "Defense Impairment", "T1685"),
    ],
)
def test_threats_are_of_the_version_of_the_option(options: dict[str, str], tactic: str, technique: str) -> None:
    rule = rule_file("tags: [attack.defense-impairment, attack.t1685]", **options)
    (threat,) = rule["threat"]
    assert (threat["tactic"]["name"], threat["technique"][0]["id"]) == (tactic, technique)
    assert rule["tags"] == [f"Tactic: {tactic}"]


def test_a_version_that_is_not_there() -> None:
    with pytest.raises(ConfigurationError, match="attack is '17'"):
        rule_file("level: low", attack="17")
