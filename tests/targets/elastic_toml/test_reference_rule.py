"""Our rule file for the first rule, field by field against the facts of Elastic's own rule of that name.

Facts of rule ea248a02-bc47-4043-8e94-2885b19b2636 in the public repository elastic/detection-rules. Where ours differs
on purpose, the reason stands beside the value.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from converter.conversion import convert_rules
from converter.harness.target_spec import TargetName
from converter.rules.load import load_rules
from converter.targets.core.registry import get_target
from tests.support.golden import check_golden
from tests.support.paths import RULES

if TYPE_CHECKING:
    from converter.targets.core.target import Query

RULE = RULES / "aws" / "aws_iam_principal_enumeration_update_assume_role_policy.yml"


def convert(**options: str) -> Query:
    (query,) = convert_rules(
        load_rules([RULE]), get_target("elastic-toml"), options={k.rstrip("_"): v for k, v in options.items()}
    )
    return query


@pytest.fixture
def rule() -> dict[str, Any]:
    """The rule with the schedule of the reference rule."""
    loaded: dict[str, Any] = tomllib.loads(convert(interval="5m", from_="now-6m").text)["rule"]
    return loaded


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("type", "threshold"),
        ("language", "kuery"),
        ("from", "now-6m"),
        ("index", ["filebeat-*", "logs-aws.cloudtrail-*"]),
        ("name", "AWS IAM Principal Enumeration via UpdateAssumeRolePolicy"),
        ("risk_score", 47),
        ("severity", "medium"),
        ("timestamp_override", "event.ingested"),
    ],
)
def test_the_same_as_the_reference(rule: dict[str, Any], key: str, value: object) -> None:
    assert rule[key] == value


def test_the_threshold(rule: dict[str, Any]) -> None:
    assert rule["threshold"] == {"field": ["cloud.account.id", "user.name", "source.ip"], "value": 25}


def test_it_raises_as_many_alerts_as_a_run_can(rule: dict[str, Any]) -> None:
    # The reference leaves it at the default of 100. Ours must not lose a group that is not the first of many.
    assert rule["max_signals"] == 1_000
    assert "a run raises at most 1,000 alerts" in convert().verdict.notes


def test_the_query_has_the_conditions_of_the_reference(rule: dict[str, Any]) -> None:
    for condition in (
        'event.dataset: "aws.cloudtrail"',
        'event.provider: "iam.amazonaws.com"',
        'event.action: "UpdateAssumeRolePolicy"',
        'aws.cloudtrail.error_code: "MalformedPolicyDocumentException"',
    ):
        assert condition in rule["query"]
    # event.outcome: failure follows from the error code. Role sessions have a rule of their own: Elastic puts the name
    # of their role into user.name, and CloudTrail's userIdentity.userName is absent.
    kinds = ('aws.cloudtrail.user_identity.type: "AssumedRole"', 'aws.cloudtrail.user_identity.type: "FederatedUser"')
    assert f"not ({' or '.join(kinds)})" in rule["query"]


def test_the_threats(rule: dict[str, Any]) -> None:
    found = [
        (
            threat["tactic"]["id"],
            threat["tactic"]["name"],
            [(technique["id"], technique["name"]) for technique in threat["technique"]],
            [
                (one["id"], one["name"])
                for technique in threat["technique"]
                for one in technique.get("subtechnique", [])
            ],
        )
        for threat in rule["threat"]
    ]
    assert found == [
        ("TA0007", "Discovery", [("T1087", "Account Discovery")], [("T1087.004", "Cloud Account")]),
        ("TA0006", "Credential Access", [("T1110", "Brute Force")], []),
    ]
    assert {threat["framework"] for threat in rule["threat"]} == {"MITRE ATT&CK"}
    assert rule["threat"][0]["technique"][0]["subtechnique"][0]["reference"] == (
        "https://attack.mitre.org/techniques/T1087/004/"
    )


def test_ours_is_related_to_it_and_not_it(rule: dict[str, Any]) -> None:
    assert rule["rule_id"] != "ea248a02-bc47-4043-8e94-2885b19b2636"
    assert "ea248a02-bc47-4043-8e94-2885b19b2636" in RULE.read_text(encoding="utf-8")
    assert "Triage and analysis" in rule["note"]
    assert {"Tactic: Discovery", "Tactic: Credential Access", "Data Source: AWS"} <= set(rule["tags"])


def test_the_schedule_of_the_reference_misses_bursts_and_says_so() -> None:
    bound = convert(interval="5m", from_="now-6m").verdict.bound
    assert bound is not None
    assert (bound.narrowest, bound.widest) == (60, None)
    assert "misses bursts that straddle two runs" in bound.message


def test_the_default_schedule_misses_none_and_says_what_it_adds() -> None:
    query = convert()
    assert query.verdict.kind == "bounded"
    assert query.verdict.bound is not None
    assert (query.verdict.bound.narrowest, query.verdict.bound.widest) == (None, 660)
    rule = tomllib.loads(query.text)["rule"]
    assert (rule["from"], rule["interval"]) == ("now-11m", "5m")


@pytest.mark.parametrize("rule_type", ["eql", "esql"])
def test_the_exact_forms_have_no_bound(rule_type: str) -> None:
    query = convert(rule_type=rule_type)
    assert query.verdict.bound is None
    rule = tomllib.loads(query.text)["rule"]
    assert rule["type"] == rule["language"] == rule_type
    assert ("index" in rule) == (rule_type == "eql")  # Kibana refuses an index with ES|QL
    assert ("timestamp_override" in rule) == (rule_type == "esql")  # and an override with an EQL sequence


def test_the_golden_text_with_the_schedule_of_the_reference() -> None:
    variant = TargetName("elastic-toml", options=(("from", "now-6m"), ("interval", "5m")))
    check_golden("elastic-toml-as-the-reference-rule", variant)
