"""The built-in mappings of CloudTrail, and their facts, on real events."""

from __future__ import annotations

import copy
import gzip
import json
import re
from functools import cache
from typing import Any

import pytest
import yaml

from converter.pipelines.apply import apply
from converter.pipelines.choose import builtin_mappings, select
from converter.pipelines.fields import fields_of
from converter.products.core import get_product
from converter.products.field_facts import load_facts
from tests.support.paths import SHARED
from tests.support.pipelines import (
    CLOUDTRAIL,
    PRODUCTS,
    applied,
    collection,
    correlation,
    detection,
    mapped_fields,
    rule_of,
)

SHARED = SHARED / "cloudtrail"
GROUPED = {"sourceIPAddress": "source.ip"}
ELASTIC = {
    "apiVersion": "aws.cloudtrail.api_version",
    "awsRegion": "cloud.region",
    "errorCode": "aws.cloudtrail.error_code",
    "errorMessage": "aws.cloudtrail.error_message",
    "eventCategory": "aws.cloudtrail.event_category",
    "eventID": "event.id",
    "eventName": "event.action",
    "eventSource": "event.provider",
    "eventTime": "@timestamp",
    "eventType": "aws.cloudtrail.event_type",
    "eventVersion": "aws.cloudtrail.event_version",
    "managementEvent": "aws.cloudtrail.management_event",
    "readOnly": "aws.cloudtrail.read_only",
    "recipientAccountId": "aws.cloudtrail.recipient_account_id",
    "requestID": "aws.cloudtrail.request_id",
    "resources.ARN": "aws.cloudtrail.resources.arn",
    "resources.accountId": "aws.cloudtrail.resources.account_id",
    "resources.type": "aws.cloudtrail.resources.type",
    "sessionCredentialFromConsole": "aws.cloudtrail.session_credential_from_console",
    "sourceIPAddress": "source.address",
    "tlsDetails.cipherSuite": "tls.cipher",
    "tlsDetails.clientProvidedHostHeader": "tls.client.server_name",
    "userAgent": "user_agent.original",
    "userIdentity.accessKeyId": "aws.cloudtrail.user_identity.access_key_id",
    "userIdentity.accountId": "cloud.account.id",
    "userIdentity.arn": "aws.cloudtrail.user_identity.arn",
    "userIdentity.invokedBy": "aws.cloudtrail.user_identity.invoked_by",
    "userIdentity.principalId": "user.id",
    "userIdentity.sessionContext.attributes.creationDate": (
        "aws.cloudtrail.user_identity.session_context.creation_date"
    ),
    "userIdentity.sessionContext.attributes.mfaAuthenticated": (
        "aws.cloudtrail.user_identity.session_context.mfa_authenticated"
    ),
    "userIdentity.sessionContext.sessionIssuer.accountId": (
        "aws.cloudtrail.user_identity.session_context.session_issuer.account_id"
    ),
    "userIdentity.sessionContext.sessionIssuer.arn": "aws.cloudtrail.user_identity.session_context.session_issuer.arn",
    "userIdentity.sessionContext.sessionIssuer.principalId": (
        "aws.cloudtrail.user_identity.session_context.session_issuer.principal_id"
    ),
    "userIdentity.sessionContext.sessionIssuer.type": (
        "aws.cloudtrail.user_identity.session_context.session_issuer.type"
    ),
    "userIdentity.sessionContext.sessionIssuer.userName": "user.name",
    "userIdentity.type": "aws.cloudtrail.user_identity.type",
    "userIdentity.userName": "user.name",
    "vpcEndpointId": "aws.cloudtrail.vpc_endpoint_id",
    "requestParameters.roleName": "aws.cloudtrail.flattened.request_parameters.roleName",
    "requestParameters.a.b.c": "aws.cloudtrail.flattened.request_parameters.a.b.c",
    "responseElements.ConsoleLogin": "aws.cloudtrail.flattened.response_elements.ConsoleLogin",
    "additionalEventData.MFAUsed": "aws.cloudtrail.flattened.additional_eventdata.MFAUsed",
    "serviceEventDetails.snapshotId": "aws.cloudtrail.flattened.service_event_details.snapshotId",
    "insightDetails.state": "aws.cloudtrail.flattened.insight_details.state",
}
"""What each field is called in Elastic: written out here a second time, so that a slip in the mapping shows."""

# Raw fields for which the view of a real event says something else than the raw event, and why; each must be met.
EXCEPTIONS: dict[tuple[str, str], str] = {
    ("elastic", "eventTime"): "Elastic writes milliseconds",
    ("elastic", "userIdentity.sessionContext.attributes.creationDate"): "Elastic writes milliseconds",
    ("elastic", "managementEvent"): "the pipeline writes the boolean as text",
    ("elastic", "userIdentity.accountId"): "newer versions fill in recipientAccountId",
    ("elastic", "userIdentity.userName"): "the role of a session is put into user.name",
    ("elastic", "userIdentity.sessionContext.sessionIssuer.userName"): "users are put into user.name",
    ("elastic", "userIdentity.accessKeyId"): "empty values are dropped",
}

# --------------------------------------------------------------------------------------------------- the mappings


@pytest.mark.parametrize(("raw", "ecs"), ELASTIC.items())
def test_field_is_mapped_for_elastic(raw: str, ecs: str) -> None:
    assert mapped_fields("elastic", raw) == [ecs]


@pytest.mark.parametrize(("raw", "ecs"), ELASTIC.items())
def test_group_by_of_a_correlation_is_mapped_for_elastic(raw: str, ecs: str) -> None:
    result = applied("elastic", detection({"eventName": "x"}), correlation([raw]))
    assert fields_of(rule_of(result, "a_correlation")) == [GROUPED.get(raw, ecs)]


def test_every_elastic_mapping_is_tested() -> None:
    pipeline = yaml.safe_load(builtin_mappings()["cloudtrail_elastic"].read_text("utf-8"))
    *addresses, plain, prefixes = (item["mapping"] for item in pipeline["transformations"] if "mapping" in item)
    assert addresses == [GROUPED, GROUPED]
    assert plain.items() <= ELASTIC.items()
    for prefix, target in prefixes.items():
        assert any(raw.startswith(prefix) and ecs.startswith(target) for raw, ecs in ELASTIC.items()), prefix


def test_raw_fields_keep_their_names_in_splunk() -> None:
    kept = [name for name in ELASTIC if not name.startswith("resources.")]
    assert mapped_fields("splunk", *kept) == kept


def splunk_mapping() -> dict[str, str | list[str]]:
    pipeline = yaml.safe_load(builtin_mappings()["cloudtrail_splunk"].read_text("utf-8"))
    plain, prefixes = (item["mapping"] for item in pipeline["transformations"][:2])
    mapping: dict[str, str | list[str]] = dict(plain)
    for raw, target in prefixes.items():
        mapping[f"{raw}leaf"] = f"{target}leaf" if isinstance(target, str) else [f"{one}leaf" for one in target]
    return mapping


@pytest.mark.parametrize(("raw", "target"), splunk_mapping().items())
def test_list_is_named_with_braces_in_splunk(raw: str, target: str | list[str]) -> None:
    targets = [target] if isinstance(target, str) else target
    assert mapped_fields("splunk", raw) == targets
    for name in targets:
        assert name.replace("{}", "") == raw
        assert name == raw or mapped_fields("splunk", name) == [name], "a mapped name is mapped again"


@pytest.mark.parametrize(
    ("product", "field", "value"),
    [("elastic", "event.dataset", "aws.cloudtrail"), ("splunk", "sourcetype", "aws:cloudtrail")],
)
def test_detection_rules_ask_for_the_data_set_and_correlations_do_not(product: str, field: str, value: str) -> None:
    result = applied(product, detection({"eventName": "x"}, "1 of them"), correlation(["awsRegion"]))
    rule: Any = rule_of(result, "a_rule")
    (added,) = [item for name, item in rule.detection.detections.items() if name != "selection"]
    assert [(item.field, [str(one) for one in item.value]) for item in added.detection_items] == [(field, [value])]
    (name,) = set(rule.detection.detections) - {"selection"}
    assert rule.detection.condition == ["1 of them"]
    assert [one.condition for one in rule.detection.parsed_condition] == [f"{name} and (1 of them)"]
    assert name.startswith("_"), "`1 of them` would count the data set"
    assert fields_of(rule_of(result, "a_correlation"))


def test_elastic_knows_its_indices() -> None:
    result = applied("elastic", detection({"eventName": "x"}), correlation(["awsRegion"]))
    for name in ("a_rule", "a_correlation"):
        state = result.state(rule_of(result, name))
        assert state == {"index": ["filebeat-*", "logs-aws.cloudtrail-*"], "integration": "aws"}


@pytest.mark.parametrize("product", PRODUCTS)
def test_rules_of_another_log_source_stay_as_they_are(product: str) -> None:
    other = detection({"eventName": "x", "resources.ARN": "y"}) | {"logsource": {"product": "azure"}}
    result = apply(collection(other), select(product, [CLOUDTRAIL]))
    rule: Any = rule_of(result, "a_rule")
    assert fields_of(rule) == ["eventName", "resources.ARN"]
    assert list(rule.detection.detections) == ["selection"]
    assert result.state(rule) == {}


def test_values_that_refer_to_fields_are_mapped() -> None:
    result = applied("elastic", detection({"userIdentity.arn|fieldref": "requestParameters.roleArn"}))
    assert fields_of(rule_of(result, "a_rule"))[:2] == [
        "aws.cloudtrail.user_identity.arn",
        "aws.cloudtrail.flattened.request_parameters.roleArn",
    ]


def test_fields_of_aliases_and_conditions_are_mapped() -> None:
    document = correlation(
        ["who"],
        type="value_count",
        aliases={"who": {"a_rule": "userIdentity.userName"}},
        condition={"gte": 3, "field": "sourceIPAddress"},
    )
    given = collection(detection({"eventName": "x"}), document)
    assert fields_of(given.rules[-1]) == ["userIdentity.userName", "sourceIPAddress"]
    result = apply(given, select("elastic", [CLOUDTRAIL]))
    assert fields_of(rule_of(result, "a_correlation")) == ["user.name", "source.ip"]


@pytest.mark.parametrize(
    ("modifier", "value", "name"),
    [
        ("", "203.0.113.7", "source.ip"),
        ("", "2001:db8::1", "source.ip"),
        ("", ["203.0.113.7", "203.0.113.8"], "source.ip"),
        ("", ["203.0.113.7", "ec2.amazonaws.com"], "source.address"),
        ("", "ec2.amazonaws.com", "source.address"),
        ("", "203.0.113.*", "source.address"),
        ("", "203.0.113.256", "source.address"),
        ("", "203.0.113.07", "source.address"),
        ("", "203.0.113.7 ", "source.address"),
        ("", "a:b", "source.address"),
        ("", None, "source.address"),
        ("|startswith", "203.0.113.7", "source.address"),
        ("|contains", "203.0.113.7", "source.address"),
        ("|re", "203.0.113.7", "source.address"),
        ("|exists", True, "source.address"),
        ("|cidr", "203.0.113.0/24", "source.address"),  # the emitters compare source.ip, see the facts
    ],
)
def test_an_address_is_compared_as_an_address(modifier: str, value: object, name: str) -> None:
    result = applied("elastic", detection({f"sourceIPAddress{modifier}": value}))
    assert fields_of(rule_of(result, "a_rule"))[0] == name


# ------------------------------------------------------------------------------------------------------ real events


@cache
def real_events() -> list[dict[str, Any]]:
    path = SHARED / "events.ndjson.gz"
    if not path.is_file():
        pytest.skip(f"{path} is not here")
    with gzip.open(path) as log:
        return [json.loads(line) for line in log]


@cache
def real_views(product: str) -> list[dict[str, Any]]:
    shown = get_product(product).view(CLOUDTRAIL)
    return [shown(event) for event in real_events()]


def values(node: Any, path: list[str]) -> list[Any]:
    """Return the leaves at a path through objects and lists; a longer literal key is tried first."""
    if isinstance(node, list):
        return [leaf for item in node for leaf in values(item, path)]
    if not path:
        return [] if node is None or isinstance(node, dict) else [node]
    if not isinstance(node, dict):
        return []
    for length in range(len(path), 0, -1):
        key = ".".join(path[:length])
        if key in node:
            return values(node[key], path[length:])
    return []


def leaf_paths(node: Any, prefix: str = "") -> set[str]:
    if isinstance(node, list):
        return {path for item in node for path in leaf_paths(item, prefix)}
    if isinstance(node, dict):
        return {path for key, item in node.items() for path in leaf_paths(item, f"{prefix}.{key}" if prefix else key)}
    return set() if node is None or node == "" else {prefix}


def as_text(value: Any) -> str:
    if isinstance(value, str) and re.fullmatch(r"\d\.\d+E\d", value):  # a double as Java writes it
        return str(float(value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def raw_fields() -> list[str]:
    return [name for name in ELASTIC if name not in {"requestParameters.a.b.c", "insightDetails.state"}]


@pytest.mark.parametrize("product", PRODUCTS)
@pytest.mark.parametrize("raw", raw_fields())
def test_mapped_field_holds_what_the_raw_field_holds(product: str, raw: str) -> None:
    """Over all real events; a known exception must still be one."""
    events = real_events()
    targets = mapped_fields(product, raw)
    different = 0
    for event, shown in zip(events, real_views(product), strict=True):
        expected = values(event, raw.split("."))
        found = [value for name in targets for value in values(shown, name.split("."))]
        if product == "splunk":
            expected = [as_text(value) for value in expected]
        different += sorted(map(repr, found)) != sorted(map(repr, expected))
    if (product, raw) in EXCEPTIONS:
        assert different, f"no exception any more: {EXCEPTIONS[product, raw]}"
    else:
        assert different == 0


@pytest.mark.parametrize("product", PRODUCTS)
def test_every_parameter_of_real_events_is_found_under_its_mapped_name(product: str) -> None:
    """All leaves of the objects whose members are not known in advance, lists included."""
    parts = ("requestParameters", "responseElements", "additionalEventData", "serviceEventDetails")
    events = real_events()
    paths = sorted({path for event in events for part in parts for path in leaf_paths(event.get(part), part)})
    assert len(paths) > 900
    result = apply(
        collection(*(detection({path: "x"}) | {"name": f"rule_{index}"} for index, path in enumerate(paths))),
        select(product, [CLOUDTRAIL]),
    )
    targets = {path: fields_of(rule_of(result, f"rule_{index}"))[:-1] for index, path in enumerate(paths)}
    wrong: dict[str, int] = {}
    for event, shown in zip(events, real_views(product), strict=True):
        for path in {path for part in parts for path in leaf_paths(event.get(part), part)}:
            expected = sorted(as_text(value) for value in values(event, path.split(".")) if value != "")
            found = sorted(
                as_text(value) for name in targets[path] for value in values(shown, name.split(".")) if value != ""
            )
            if found != expected:
                wrong[path] = wrong.get(path, 0) + 1
    assert not wrong


# ------------------------------------------------------------------------------------------------------------ facts


@pytest.mark.parametrize("product", PRODUCTS)
def test_facts_know_every_field_of_the_mapping(product: str) -> None:
    facts = load_facts(product, CLOUDTRAIL)
    for raw in ELASTIC:
        for name in mapped_fields(product, raw):
            assert facts.field(name) is not None, name


def test_facts_of_a_field() -> None:
    facts = load_facts("elastic", CLOUDTRAIL)
    action = facts.field("event.action")
    assert action is not None
    assert (action.type, action.single, action.canonical_case) == ("keyword", True, True)
    assert action.drops == {"null", "empty", "-", "none"}
    name = facts.field("user.name")
    assert name is not None
    assert not name.canonical_case
    assert any("@" in str(one.broken_when) for one in name.assumptions)
    ip = facts.field("source.ip")
    assert ip is not None
    assert ip.type == "ip"
    assert "user.name" in facts.known
    assert facts.field("user.nam") is None


def test_facts_of_a_prefix_name_the_raw_field() -> None:
    facts = load_facts("splunk", CLOUDTRAIL)
    fact = facts.field("requestParameters.roleName")
    assert fact is not None
    assert fact.name == "requestParameters.roleName"
    assert "requestParameters.roleName is not inside an unmapped list" in fact.assumptions[0].message
    flattened = load_facts("elastic", CLOUDTRAIL).field("aws.cloudtrail.flattened.request_parameters.x")
    assert flattened is not None
    assert flattened.type == "flattened"
    assert not flattened.single
    assert facts.field("requestParameters.") is None
    assert facts.field("requestParameters") is None


@pytest.mark.parametrize("product", PRODUCTS)
def test_every_assumption_is_a_sigma_detection(product: str) -> None:
    facts = load_facts(product, CLOUDTRAIL)
    checked = 0
    for name in (*facts.known, *(f"{prefix}leaf" for prefix in facts.prefixes)):
        fact = facts.field(name)
        assert fact is not None
        for assumption in fact.assumptions:
            if assumption.broken_when:
                document = detection(copy.deepcopy(assumption.broken_when))  # type: ignore[arg-type]
                assert not collection(document).errors
                checked += 1
    assert checked or product == "splunk"
