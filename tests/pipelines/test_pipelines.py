"""The built-in mappings, their facts, and how pipelines are chosen and applied."""

from __future__ import annotations

import copy
import gzip
import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from sigma.collection import SigmaCollection

from converter.errors import ConfigurationError, RefusedError
from converter.pipelines.apply import Applied, apply, finalize
from converter.pipelines.choose import builtin_mappings, installed_pipelines, logsources_of, select
from converter.pipelines.fields import AnyRule, fields_of, unmapped
from converter.pipelines.read import load_pipeline
from converter.products.core import get_product
from converter.products.field_facts import Facts, load_facts, parse_facts
from converter.readers.log_source import LogSource
from tests.support.paths import SHARED

if TYPE_CHECKING:
    from pathlib import Path

SHARED = SHARED / "cloudtrail"
CLOUDTRAIL = LogSource("aws", None, "cloudtrail")
PRODUCTS: tuple[str, ...] = ("splunk", "elastic")

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


def rules(text: str) -> SigmaCollection:
    return SigmaCollection.from_yaml(text)


def detection(fields: dict[str, Any], condition: str = "selection", **extra: Any) -> dict[str, Any]:
    return {
        "title": "A rule",
        "name": "a_rule",
        "logsource": {"product": "aws", "service": "cloudtrail"},
        "detection": {"selection": fields, "condition": condition},
        **extra,
    }


def correlation(group_by: list[str], **extra: Any) -> dict[str, Any]:
    return {
        "title": "A correlation",
        "name": "a_correlation",
        "correlation": {
            "type": "event_count",
            "rules": ["a_rule"],
            "group-by": group_by,
            "timespan": "6m",
            "condition": {"gte": 25},
            **extra,
        },
    }


def collection(*documents: dict[str, Any]) -> SigmaCollection:
    return rules(yaml.safe_dump_all(documents, sort_keys=False))


def applied(product: str, *documents: dict[str, Any]) -> Applied:
    given = collection(*documents)
    return apply(given, select(product, logsources_of(given.rules)))


def rule_of(result: Applied, name: str) -> AnyRule:
    return next(rule for rule in result.collection.rules if rule.name == name)


def mapped_fields(product: str, *fields: str) -> list[str]:
    result = applied(product, detection(dict.fromkeys(fields, "x")))
    return fields_of(rule_of(result, "a_rule"))[:-1]  # the last is the data set's


# --------------------------------------------------------------------------------------------------- the mappings


@pytest.mark.parametrize(("raw", "ecs"), ELASTIC.items())
def test_field_is_mapped_for_elastic(raw: str, ecs: str) -> None:
    assert mapped_fields("elastic", raw) == [ecs]


@pytest.mark.parametrize(("raw", "ecs"), ELASTIC.items())
def test_group_by_of_a_correlation_is_mapped_for_elastic(raw: str, ecs: str) -> None:
    result = applied("elastic", detection({"eventName": "x"}), correlation([raw]))
    assert fields_of(rule_of(result, "a_correlation")) == [ecs]


def test_every_elastic_mapping_is_tested() -> None:
    pipeline = yaml.safe_load(builtin_mappings()["cloudtrail_elastic"].read_text("utf-8"))
    plain, prefixes = (item["mapping"] for item in pipeline["transformations"] if "mapping" in item)
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
    assert fields_of(rule_of(result, "a_correlation")) == ["user.name", "source.address"]


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


def test_unknown_log_source_has_no_facts() -> None:
    facts = load_facts("elastic", LogSource("windows", "process_creation"))
    assert facts == Facts()
    assert not facts
    assert not facts.known
    assert facts.field("event.action") is None


@pytest.mark.parametrize("logsource", [LogSource("../aws", None, "cloudtrail"), LogSource("aws", None, "../../x")])
def test_log_source_of_a_stranger_is_no_path(logsource: LogSource) -> None:
    assert get_product("splunk").mapping_file(logsource) is None


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("fields:\n  a: {typ: keyword}\n", "unknown key 'typ'", 2),
        ("fields:\n  a: {type: keywrd}\n", "fields.a.type must be keyword, text, wildcard, ip,", 2),
        ("fields:\n  a: {single: maybe}\n", "fields.a.single must be true or false", 2),
        ("fields:\n  a: {drops: null_values}\n", "fields.a.drops must be a list", 2),
        (
            "fields:\n  a:\n    assumptions: [{broken_when: {a: b}}]\n",
            "'says' is missing in an item of fields.a.assumptions",
            3,
        ),
        (
            "fields:\n  a:\n    assumptions: [{says: x, broken_when: 1}]\n",
            "broken_when must be a mapping or a list of mappings",
            3,
        ),
        ("fields:\n  a:\n    assumptions: {says: x}\n", "assumptions must be a list", 3),
        ("fields: [a]\n", "fields must be a mapping", 1),
        ("prefixes:\n  a: {}\n", "ends in a dot", 2),
        ("prefixes:\n  a.: {raw: b}\n", "ends in a dot", 2),
        ("filds: {}\n", "unknown key 'filds'", 1),
        ("defaults: {assumptions: []}\n", "unknown key 'assumptions'", 1),
        ("fields: {a: [\n", "not valid YAML", 2),
    ],
)
def test_bad_facts_are_shown_with_their_place(text: str, message: str, line: int) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_facts(text.encode(), "facts.yml")
    assert message in caught.value.message
    assert caught.value.place is not None
    assert (caught.value.place.name, caught.value.place.line) == ("facts.yml", line)


# --------------------------------------------------------------------------------------------------------- choosing


def pipeline_file(folder: Path, file: str, **data: Any) -> str:
    path = folder / file
    path.write_text(yaml.safe_dump(data), "utf-8")
    return str(path)


def rename(source: str, target: str) -> dict[str, Any]:
    return {"type": "field_name_mapping", "mapping": {source: target}}


def test_log_source_chooses_the_mapping() -> None:
    assert select("splunk", [CLOUDTRAIL]).items
    assert not select("splunk", [LogSource("windows", None, "security")]).items
    assert not select("splunk", []).items
    assert len(select("splunk", [CLOUDTRAIL, CLOUDTRAIL]).items) == len(select("splunk", [CLOUDTRAIL]).items)


def test_without_a_pipeline_nothing_is_mapped() -> None:
    assert not select("elastic", [CLOUDTRAIL], without=True).items
    assert not select("elastic", [CLOUDTRAIL], names=["cloudtrail_elastic"], without=True).items


def test_a_named_file_replaces_the_mapping(tmp_path: Path) -> None:
    name = pipeline_file(tmp_path, "own.yml", name="own", transformations=[rename("eventName", "action")])
    given = collection(detection({"eventName": "x", "errorCode": "y"}))
    result = apply(given, select("elastic", [CLOUDTRAIL], names=[name]))
    assert fields_of(rule_of(result, "a_rule")) == ["action", "errorCode"]


def test_pipelines_are_chained_by_priority(tmp_path: Path) -> None:
    late = pipeline_file(tmp_path, "a.yml", priority=30, transformations=[rename("middle", "last")])
    early = pipeline_file(tmp_path, "b.yml", priority=10, transformations=[rename("eventName", "middle")])
    given = collection(detection({"eventName": "x"}))
    for names in ([late, early], [early, late], [str(tmp_path)]):
        result = apply(given, select("splunk", [CLOUDTRAIL], names=names))
        assert fields_of(rule_of(result, "a_rule")) == ["last"]


@pytest.mark.parametrize(("product", "name"), [("splunk", "splunk_windows"), ("elastic", "ecs_windows")])
def test_installed_pipeline_is_found_by_name(product: str, name: str) -> None:
    assert name in installed_pipelines()
    assert select(product, [], names=[name]).items


def test_builtin_mapping_is_found_by_name() -> None:
    assert sorted(builtin_mappings()) == ["cloudtrail_elastic", "cloudtrail_splunk"]
    assert select("elastic", [], names=["cloudtrail_elastic"]).items


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("ecs_windos", "no pipeline is called 'ecs_windos'", "did you mean 'ecs_windows'?"),
        ("zzz", "no pipeline is called 'zzz'", "cloudtrail_splunk"),
        ("no/such/file.yml", "there is no pipeline file", ""),
        ("splunk_windows", "is for splunk, splunk_spl2, not for elastic", ""),
    ],
)
def test_pipeline_that_cannot_be_used(name: str, message: str, hint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        select("elastic", [CLOUDTRAIL], names=[name])
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_misspelt_file_is_suggested(tmp_path: Path) -> None:
    pipeline_file(tmp_path, "mapping.yml", name="x")
    with pytest.raises(ConfigurationError) as caught:
        select("elastic", [], names=[str(tmp_path / "maping.yml")])
    assert "mapping.yml" in caught.value.hint


def test_folder_without_pipelines(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no pipeline"):
        select("elastic", [], names=[str(tmp_path)])


@pytest.mark.parametrize(
    ("text", "message", "line", "hint"),
    [
        ("transformations:\n  - type: field_name_maping\n", "field_name_maping", 2, "field_name_mapping"),
        ("transformations:\n  - id: a\n    type: field_name_mapping\n", "missing: 'mapping'", 2, ""),
        ("transformations:\n  - foo\n", "not a valid item", 2, "a mapping with a type"),
        ("transformations: {a: 1}\n", "transformations must be a list of items", 1, "hyphen"),
        ("transforms: []\n", "unknown key 'transforms'", 1, "transformations"),
        ("name: x\npriority: high\n", "priority must be a whole number", 2, ""),
        ("- 1\n", "the document must be a mapping", 1, ""),
        ("name: [\n", "not valid YAML", 2, ""),
        ("name: x\nname: y\n", "given twice", 2, ""),
        ("postprocessing:\n - type: embedd\n", "embedd", 2, ""),
        ("finalizers:\n - type: conct\n", "conct", 2, ""),
    ],
)
def test_bad_pipeline_is_shown_with_its_place(tmp_path: Path, text: str, message: str, line: int, hint: str) -> None:
    path = tmp_path / "bad.yml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_pipeline(path)
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.place is not None
    assert (caught.value.place.name, caught.value.place.line) == (str(path), line)


@pytest.mark.parametrize("text", ["", "name: x\n---\nname: y\n"])
def test_pipeline_is_one_document(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.yml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigurationError, match="YAML documents"):
        load_pipeline(path)


# --------------------------------------------------------------------------------------------------------- applying


def test_rules_that_are_given_stay_as_they_are() -> None:
    given = collection(detection({"eventName": "x"}), correlation(["awsRegion"]))
    before = [(rule.name, fields_of(rule)) for rule in given.rules]
    for _ in range(2):
        result = apply(given, select("elastic", [CLOUDTRAIL]))
        assert fields_of(rule_of(result, "a_rule")) == ["event.action", "event.dataset"]
    assert [(rule.name, fields_of(rule)) for rule in given.rules] == before
    assert not {id(rule) for rule in given.rules} & {id(rule) for rule in result.collection.rules}


def test_correlation_refers_to_the_mapped_copy() -> None:
    result = applied("elastic", correlation(["awsRegion"]), detection({"eventName": "x"}))
    base: Any = rule_of(result, "a_rule")
    whole: Any = rule_of(result, "a_correlation")
    assert whole.rules[0].rule is base


def test_rules_stand_behind_what_they_refer_to() -> None:
    """Also where sorting by "is referred to by" alone would leave them: an unrelated rule in between."""
    unrelated = detection({"eventName": "y"}) | {"name": "unrelated"}
    chained = correlation(["awsRegion"], rules=["a_correlation"]) | {"name": "chained"}
    result = applied("elastic", chained, correlation(["awsRegion"]), unrelated, detection({"eventName": "x"}))
    names = [rule.name for rule in result.collection.rules]
    assert names.index("a_rule") < names.index("a_correlation") < names.index("chained")
    assert set(names) == {"a_rule", "a_correlation", "chained", "unrelated"}
    assert fields_of(rule_of(result, "chained")) == ["cloud.region"]


def test_rule_that_the_pipeline_refuses_takes_its_correlation_along(tmp_path: Path) -> None:
    failing = {
        "type": "rule_failure",
        "message": "not here",
        "rule_conditions": [{"type": "contains_field", "field": "errorCode"}],
    }
    name = pipeline_file(tmp_path, "own.yml", transformations=[failing])
    fine = detection({"eventName": "y"}) | {"name": "fine"}
    given = collection(detection({"errorCode": "x"}), correlation(["awsRegion"]), fine)
    result = apply(given, select("splunk", [], names=[name]))
    assert [rule.name for rule in result.collection.rules] == ["fine"]
    assert set(result.failed) == {"a_rule", "a_correlation"}
    assert "not here" in str(result.failed["a_rule"])
    assert "'a_rule'" in str(result.failed["a_correlation"])
    assert all(isinstance(error, RefusedError) for error in result.failed.values())


def test_postprocessing_sees_what_was_noted_for_its_own_rule(tmp_path: Path) -> None:
    noted = [
        {
            "type": "set_state",
            "key": "kind",
            "val": kind,
            "rule_conditions": [{"type": "contains_field", "field": field}],
        }
        for kind, field in (("first", "eventName"), ("second", "errorCode"))
    ]
    wrapping = {
        "type": "embed",
        "prefix": "[",
        "suffix": "]",
        "rule_conditions": [{"type": "processing_state", "key": "kind", "val": "first"}],
    }
    name = pipeline_file(tmp_path, "own.yml", transformations=noted, postprocessing=[wrapping])
    given = collection(detection({"eventName": "x"}), detection({"errorCode": "x"}) | {"name": "other"})
    result = apply(given, select("splunk", [], names=[name]))
    assert result.postprocess(rule_of(result, "a_rule"), "q") == "[q]"
    assert result.postprocess(rule_of(result, "other"), "q") == "q"
    assert result.state(rule_of(result, "other")) == {"kind": "second"}


def test_finalizers_see_all_queries(tmp_path: Path) -> None:
    name = pipeline_file(tmp_path, "own.yml", finalizers=[{"type": "concat", "separator": " | "}])
    assert finalize(["a", "b"], select("splunk", [], names=[name])) == ["a | b"]
    assert finalize(["a", "b"], select("splunk", [])) == ["a", "b"]


def test_templates_know_the_backend(tmp_path: Path) -> None:
    template = {"type": "template", "template": "{{ pipeline.vars.backend }}/{{ rule.name }}: {{ query }}"}
    name = pipeline_file(tmp_path, "own.yml", postprocessing=[template])
    given = collection(detection({"eventName": "x"}))
    result = apply(given, select("splunk", [], names=[name]), backend="splunk")
    assert result.postprocess(rule_of(result, "a_rule"), "q") == "splunk/a_rule: q"


# ----------------------------------------------------------------------------------------------------------- fields


def not_mapped(product: str, *fields: str, names: tuple[str, ...] = ()) -> list[str]:
    given = collection(detection(dict.fromkeys(fields, "x")))
    result = apply(given, select(product, logsources_of(given.rules), names=names))
    rule = rule_of(result, "a_rule")
    return unmapped(fields_of(given.rules[0]), fields_of(rule), load_facts(product, CLOUDTRAIL), result.mapped(rule))


@pytest.mark.parametrize(
    ("product", "fields", "expected"),
    [
        ("elastic", ("eventName", "requestParameters.x"), []),
        ("elastic", ("eventname", "requestParameters", "tlsDetails.tlsVersion"), None),
        ("elastic", ("event.action", "source.ip"), []),
        ("elastic", ("sourcetype",), None),
        ("splunk", ("eventName", "requestParameters.x.y", "userIdentity.arn", "resources.ARN", "sourcetype"), []),
        ("splunk", ("eventname", "userIdentity.nam", "requestParameters", "event.action"), None),
    ],
)
def test_fields_that_no_mapping_knows(product: str, fields: tuple[str, ...], expected: list[str] | None) -> None:
    assert not_mapped(product, *fields) == (list(fields) if expected is None else expected)


def test_without_facts_only_renamed_fields_are_mapped() -> None:
    assert unmapped(["a", "b"], ["x", "b"], Facts()) == ["b"]


def test_a_mapping_may_keep_a_name(tmp_path: Path) -> None:
    name = pipeline_file(tmp_path, "own.yml", transformations=[rename("CommandLine", "CommandLine")])
    assert not_mapped("splunk", "CommandLine", "Image", names=(name,)) == ["Image"]


def test_log_sources_of_rules() -> None:
    given = collection(
        detection({"a": "b"}),
        detection({"a": "b"}) | {"name": "same"},
        detection({"a": "b"}) | {"name": "other", "logsource": {"category": "process_creation"}},
        correlation(["a"]),
    )
    found = [(one.product, one.category, one.service) for one in logsources_of(given.rules)]
    assert found == [("aws", None, "cloudtrail"), (None, "process_creation", None)]
