"""Events of a correlation over several log sources: each goes through the view of the log source of its rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from converter.errors import ConfigurationError
from converter.harness.event_sources import logsource_of, logsources_of
from converter.harness.replay import Log
from converter.logsources import sigma_view
from converter.rules.load import parse_rules

if TYPE_CHECKING:
    from converter.readers.log_source import LogSource

RULES = """
title: Both
name: both
correlation: {type: temporal, rules: [call, process], group-by: [user], timespan: 1m}
---
title: Call
name: call
logsource: {product: aws, service: cloudtrail}
detection: {selection: {user: ann}, condition: selection}
---
title: Process
name: process
logsource: {product: windows, category: process_creation}
detection: {selection: {Image: a.exe}, condition: selection}
"""
PLAN = parse_rules(RULES).plans[0]
AWS, WINDOWS = logsources_of(PLAN)
CLOUDTRAIL = {
    "eventVersion": "1.11",
    "eventSource": "iam.amazonaws.com",
    "eventName": "x",
    "eventTime": "2026-01-01T00:00:00Z",
}
SYSMON = {"Channel": "Microsoft-Windows-Sysmon/Operational", "EventID": 1, "Image": "b.exe"}


@pytest.mark.parametrize(
    ("event", "logsource"),
    [
        (CLOUDTRAIL, AWS),
        (SYSMON, WINDOWS),
        ({**SYSMON, "user": "ann"}, WINDOWS),  # the format says more than the rule that matches
        ({"user": "ann"}, AWS),
        ({"Image": "a.exe"}, WINDOWS),
        ({"Image": "b.exe"}, AWS),  # an event of neither rule
    ],
)
def test_the_log_source_of_an_event(event: dict[str, Any], logsource: LogSource) -> None:
    assert logsource_of({"_id": "1", **event}, sigma_view(event), PLAN) == logsource


def test_an_event_that_rules_of_two_log_sources_match_is_asked_about() -> None:
    event = {"_id": "7", "user": "ann", "Image": "a.exe"}
    with pytest.raises(ConfigurationError, match="event 7 matches rules of aws/cloudtrail and windows") as caught:
        logsource_of(event, event, PLAN)
    assert "logsource: aws/cloudtrail" in caught.value.hint


def test_each_event_goes_through_its_view() -> None:
    seen = Log([CLOUDTRAIL, SYSMON]).seen("elastic", PLAN)
    assert seen[0]["event"]["action"] == "x"
    assert seen[1]["Image"] == "b.exe"
    assert "eventName" in Log([CLOUDTRAIL], "unknown").seen("elastic", PLAN)[0]
