"""What a rule file says about its rule: the id."""

from __future__ import annotations

import tomllib
from typing import Any
from uuid import UUID

import pytest

from converter.conversion import convert_rules
from converter.rules.load import parse_rules
from converter.targets.core.registry import get_target

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


def test_derived_ids_differ() -> None:
    assert len({rule_file(f"id: {number}")["rule_id"] for number in range(3)}) == 3
