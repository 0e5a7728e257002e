"""Texts that Elastic's mappings leave out of the index: every verdict of a rule that reads text says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from converter.conversion import convert_rules
from converter.rules.load import parse_rules
from converter.targets.core.registry import get_target

if TYPE_CHECKING:
    from converter.verdicts.verdict import Assumption

RULE = """
title: A text
id: 0b4a0f0a-54c1-4a3b-9a3c-4a55a5f8b8b1
status: test
logsource: {{category: process_creation, product: windows}}
detection:
  found: {{{0}}}
  condition: found
"""
CLOUDTRAIL = RULE.replace("category: process_creation, product: windows", "product: aws, service: cloudtrail")


def about_length(text: str, target: str) -> list[Assumption]:
    (query,) = convert_rules(parse_rules(text, "rule.yml"), get_target(target))
    return [one for one in query.verdict.assumptions if " is longer than " in one.message]


@pytest.mark.parametrize("target", ["kql", "esql", "eql", "elastic-toml"])
def test_a_long_text_breaks_the_verdict(target: str) -> None:
    (assumption,) = about_length(RULE.format("CommandLine|contains: x"), target)
    assert assumption.message.startswith("no string in CommandLine is longer than 1,024 characters")
    for text, breaks in (
        ("x" * 1_024, False),
        ("x" * 1_025, True),
        ("\U0001f600" * 512, False),
        ("\U0001f600" * 513, True),
    ):
        event = {"CommandLine": text}
        assert assumption.broken(event, event) is breaks


def test_splunk_keeps_them() -> None:
    assert not about_length(RULE.format("CommandLine|contains: x"), "splunk")


def test_numbers_have_no_length() -> None:
    assert not about_length(RULE.format("ProcessId: 4"), "esql")


def test_the_facts_know_which_fields_may_be_longer() -> None:
    assert not about_length(CLOUDTRAIL.format("eventName: x"), "esql")
    (assumption,) = about_length(CLOUDTRAIL.format("requestParameters.policyDocument: x"), "kql")
    assert "8,191" in assumption.message
