"""The hint of a refusal names only targets that convert the rule."""

from __future__ import annotations

import pytest

from converter.conversion import convert_rules
from converter.errors import RefusedError
from converter.rules.load import parse_rules
from converter.targets.core.elsewhere import revised
from converter.targets.core.registry import get_target

RULE = """
title: One
name: one
logsource: {{category: test}}
detection: {{s: {detection}, condition: s}}
"""
TEMPORAL = """
---
title: Both
correlation: {type: temporal, rules: [one], group-by: [user], timespan: 5m}
"""


@pytest.mark.parametrize(
    ("hint", "converting", "expected"),
    [
        ("convert to esql or splunk", {"esql", "splunk"}, "convert to esql or splunk"),
        ("convert to elastic-toml, esql or splunk", {"splunk"}, "convert to splunk"),
        ("name a field, or convert to splunk", set(), "name a field"),
        ("name a field, or convert to splunk", {"eql"}, "name a field, or convert to eql"),
        ("convert to splunk", set(), ""),
        ("convert to esql, and run it", {"esql"}, "convert to esql, and run it"),
        (
            "give a pipeline; or convert to the format default",
            set(),
            "give a pipeline; or convert to the format default",
        ),
        ("convert to a target of our own", set(), "convert to a target of our own"),
        ("split the rule", {"splunk"}, "split the rule"),
    ],
)
def test_only_converting_targets_are_named(hint: str, converting: set[str], expected: str) -> None:
    assert revised(hint, "kql", converting.__contains__) == expected


@pytest.mark.parametrize(
    ("detection", "more", "target", "allow", "hint"),
    [
        ("{user|re: foo}", "", "kql", True, "convert to esql or splunk"),
        ("{user|re: foo}", "", "kql", False, "convert to splunk"),
        ("{user: foo}", TEMPORAL, "kql", True, "convert to splunk"),
        ("[word]", "", "kql", True, "convert to splunk"),
        ("""{"a'b|re": foo}""", "", "kql", True, "convert to esql"),
    ],
)
def test_each_target_is_asked(detection: str, more: str, target: str, allow: bool, hint: str) -> None:  # noqa: FBT001  a case
    with pytest.raises(RefusedError) as refusal:
        convert_rules(parse_rules(RULE.format(detection=detection) + more), get_target(target), allow_unmapped=allow)
    assert refusal.value.hint == hint
