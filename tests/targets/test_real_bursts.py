"""Real bursts of failed calls, through the reference and every target: the first rules with another call and error.

The files are public logs under other licences, so they are not in the project; where they are absent the tests are
skipped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from converter.conversion import convert_rules
from converter.harness.replay import Log, replay
from converter.plan.nodes import Correlation
from converter.readers.logs import read_events
from converter.reference.evaluate import evaluate_plans
from converter.rules.load import load_rules, parse_rules
from tests.support.constructs import takes
from tests.support.paths import RULES, SHARED
from tests.support.targets import VARIANTS, product_of, target_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from converter.harness.replay import Outcome
    from converter.harness.target_spec import TargetName
    from converter.rules.collection import Rules

DATA = SHARED / "cloudtrail"
RULE = """
title: Burst
name: burst
logsource: {{product: aws, service: cloudtrail}}
detection:
  selection: {{eventName: {call}, errorCode: {error}}}
  role_session: {{userIdentity.type: [AssumedRole, FederatedUser]}}
  condition: {condition}
---
title: Burst of failures
name: burst_of_failures
correlation:
  type: event_count
  rules: [burst]
  group-by: [userIdentity.accountId, {user}, sourceIPAddress]
  timespan: 6m
  condition: {{gte: 25}}
"""
USERS = {"condition": "selection and not role_session", "user": "userIdentity.userName"}
SESSIONS = {
    "condition": "selection and role_session",
    "user": "userIdentity.sessionContext.sessionIssuer.userName",
}
# (file, whose calls) to the number of episodes. The calls of GetPasswordData were made with the session of a role.
BURSTS = {
    ("invictus__DeleteParameter__ThrottlingException__38.ndjson.gz", "users"): 1,
    ("invictus__DeleteParameter__ThrottlingException__38.ndjson.gz", "sessions"): 0,
    ("invictus__DescribeInstanceAttribute__Client_UnauthorizedOperation__15.ndjson.gz", "users"): 0,
    ("invictus__DescribeInstanceAttribute__Client_UnauthorizedOperation__15.ndjson.gz", "sessions"): 0,
    ("invictus__DescribeParameters__ThrottlingException__39.ndjson.gz", "users"): 1,
    ("invictus__DescribeParameters__ThrottlingException__39.ndjson.gz", "sessions"): 0,
    ("invictus__GetPasswordData__Client_UnauthorizedOperation__29.ndjson.gz", "users"): 0,
    ("invictus__GetPasswordData__Client_UnauthorizedOperation__29.ndjson.gz", "sessions"): 1,
    ("invictus__PutParameter__ThrottlingException__25.ndjson.gz", "users"): 1,
    ("invictus__PutParameter__ThrottlingException__25.ndjson.gz", "sessions"): 0,
}
COUNTING = [variant for variant in VARIANTS if takes("`event_count` `gte`, `gt`", variant)]
# Elastic writes the name of a role into the field for the name of a user.
MIXING = "elastic"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the public CloudTrail logs are not beside the project")


def rules_for(file: str, whose: Mapping[str, str]) -> Rules:
    _, call, error, _ = file.split("__")
    return parse_rules(RULE.format(call=call, error=error.replace("_", "."), **whose))


def outcome_of(rules: Rules, name: TargetName, log: Log) -> Outcome:
    target = target_of(name)
    (query,) = convert_rules(rules, target, format=name.format, options=dict(name.options))
    outcome, runs = replay(rules.plans[0], query, target, log)
    if outcome.kind == "agree":
        assert all(bool(run.alerts) == bool(log.alerts(rules.plans[0])) for run in runs)
    return outcome


@pytest.mark.parametrize("name", COUNTING, ids=str)
@pytest.mark.parametrize(("file", "whose"), BURSTS, ids=str)
def test_every_target_agrees_on_a_real_burst(file: str, whose: str, name: TargetName) -> None:
    rules = rules_for(file, USERS if whose == "users" else SESSIONS)
    log = Log(list(read_events(DATA / "bursts" / file)))
    assert len(log.alerts(rules.plans[0])) == BURSTS[file, whose]
    assert outcome_of(rules, name, log).kind == "agree"


@pytest.mark.parametrize("name", COUNTING, ids=str)
def test_a_rule_that_mixes_users_and_role_sessions_is_told_so(name: TargetName) -> None:
    """Without the filter, Elastic counts a session under the name of its role; the verdict assumes none."""
    file = "invictus__GetPasswordData__Client_UnauthorizedOperation__29.ndjson.gz"
    rules = rules_for(file, {**USERS, "condition": "selection"})
    outcome = outcome_of(rules, name, Log(list(read_events(DATA / "bursts" / file))))
    if product_of(name) == MIXING:
        assert outcome.doubt == "nothing left"  # all calls of this file are of sessions
        assert any("role session" in broken.message for broken in outcome.broken)
    else:
        assert outcome.kind == "agree"


def test_a_file_of_exactly_25_needs_all_of_them() -> None:
    file = "invictus__PutParameter__ThrottlingException__25.ndjson.gz"
    (plan,) = rules_for(file, USERS).plans
    events = list(read_events(DATA / "bursts" / file))
    assert len(events) == 25
    assert isinstance(plan, Correlation)
    (alert,) = evaluate_plans([plan], events)
    assert len(alert.events) == 25
    for left_out in range(25):
        assert evaluate_plans([plan], events[:left_out] + events[left_out + 1 :]) == []


def test_no_alert_on_real_events() -> None:
    events = list(read_events(DATA / "events.ndjson.gz"))
    assert len(events) == 3214
    assert evaluate_plans(load_rules([RULES]).plans, events) == []
