"""AWS CloudTrail in Elasticsearch: what the ingest pipeline of Elastic's AWS integration makes of one raw event.

    raw event ── clean: no null, "", "-", "none", {} or [] ──> user, source, cloud, event, aws.cloudtrail.* ──> document

Written processor by processor from elastic/integrations, packages/aws/data_stream/cloudtrail (see `docs/ingest.md` for
the versions and for what is left out: geoip, user-agent parsing, digests, the actor and target entities). The order of
the functions below is the order of the processors.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from converter.products.elastic.ingest.cloudtrail_categories import CATEGORIES
from converter.products.elastic.ingest.java_strings import java_text, scalars_as_text
from converter.products.event_time import event_time, iso, parse_time

if TYPE_CHECKING:
    from collections.abc import Mapping

_JsonObject = dict[str, Any]

_DROPPED_TEXTS = frozenset({"", "-", "none"})
_MAX_DEPTH = 200
_MAX_FLATTENED_TEXT = 32_766  # longer than this and the flattened copy is not made
_SESSION = re.compile(r"arn:(?:aws|aws-us-gov):sts:.*/(.*)")
_SESSION_TYPES = ("AssumedRole", "FederatedUser")  # a tuple: a type may be a list, which has no hash
_AWS_SUFFIX = ".amazonaws.com"
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}")

# Raw name -> name under aws.cloudtrail, for plain renames.
_PLAIN: tuple[tuple[str, str], ...] = (
    ("eventVersion", "event_version"),
    ("eventCategory", "event_category"),
    ("errorCode", "error_code"),
    ("errorMessage", "error_message"),
    ("requestID", "request_id"),
    ("eventType", "event_type"),
    ("apiVersion", "api_version"),
    ("readOnly", "read_only"),
    ("recipientAccountId", "recipient_account_id"),
    # The pipeline looks for `sharedEventId`; AWS writes `sharedEventID`, so this one is never set from real events.
    ("sharedEventId", "shared_event_id"),
    ("vpcEndpointId", "vpc_endpoint_id"),
    ("sessionCredentialFromConsole", "session_credential_from_console"),
)
_FLATTENED: tuple[tuple[str, str], ...] = (
    ("requestParameters", "request_parameters"),
    ("responseElements", "response_elements"),
    ("additionalEventData", "additional_eventdata"),
    ("serviceEventDetails", "service_event_details"),
)
_SESSION_ISSUER: tuple[tuple[str, str], ...] = (
    ("type", "type"),
    ("principalId", "principal_id"),
    ("arn", "arn"),
    ("accountId", "account_id"),
)
_BOOLEANS = ("read_only", "console_login")  # under aws.cloudtrail, what is not mapped as text
_OWN_FIELDS = ("_id", "_index")


def view(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ECS document of one raw CloudTrail event, nested; `_id` and `_index` are kept.

    Numbers and booleans in fields of the types keyword and flattened are texts, as the index has them and queries see
    them; the stored source has them as they came.

    `event.ingested` is there only if the raw event brings it (as `event.ingested`): Elasticsearch sets it from its own
    clock, which a replay does not have.
    """
    document: dict[str, Any] = {name: raw[name] for name in _OWN_FIELDS if name in raw}
    micros = event_time(raw)
    if micros is not None:
        document["@timestamp"] = iso(micros)
    event: _JsonObject = {"dataset": "aws.cloudtrail", "module": "aws"}
    if isinstance(ingested := raw.get("event.ingested"), str):
        event["ingested"] = ingested
    cleaned = _clean_object(raw, 0)
    trail: _JsonObject = {}
    user = _user(cleaned, trail)
    cloud = _cloud(cleaned)
    _event(cleaned, event)
    if event.get("action") == "UserAuthentication" and "name" not in user:
        _take_user_name(cleaned, user)
    source = _source(cleaned)
    _trail(cleaned, trail)
    _outcome(cleaned, event)
    related = _related(cleaned, user, source)
    document.update(
        (name, part)
        for name, part in (
            ("ecs", {"version": "8.11.0"}),
            ("data_stream", {"type": "logs", "dataset": "aws.cloudtrail", "namespace": "default"}),
            ("event", event),
            ("cloud", cloud),
            ("user", user),
            ("group", _group(cleaned)),
            ("source", source),
            ("user_agent", _user_agent(cleaned)),
            ("tls", _tls(cleaned)),
            ("related", related),
        )
        if part
    )
    for name, part in document.items():
        if isinstance(part, dict):
            document[name] = scalars_as_text(part)
    if trail:
        typed = {name: trail[name] for name in _BOOLEANS if name in trail}
        document["aws"] = {"cloudtrail": {**scalars_as_text(trail), **typed}}
    return document


def is_indexable_ip(text: str) -> bool:
    """Return whether a text becomes `source.ip`: grok's IP pattern takes it and the field type `ip` accepts it.

    Grok alone would take `255.18.064.253`; the field type refuses leading zeros, so such an event has no `source.ip`.
    """
    return _IPV4.fullmatch(text) is not None or (":" in text and _is_ipv6(text))


@lru_cache(maxsize=4096)
def _is_ipv6(text: str) -> bool:
    import ipaddress  # noqa: PLC0415 - rare, and slow to import

    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return "%" not in text


def _clean_object(value: Mapping[str, Any], depth: int) -> _JsonObject:
    """Return the object without nulls, empty texts, `-`, `none` and what is then empty."""
    cleaned: _JsonObject = {}
    for key, item in value.items():
        if isinstance(item, str):
            if item not in _DROPPED_TEXTS:
                cleaned[key] = item
        elif isinstance(item, (dict, list)):
            if inner := _clean(item, depth + 1):
                cleaned[key] = inner
        elif item is not None:
            cleaned[key] = item
    return cleaned


def _clean(value: dict[str, Any] | list[Any], depth: int) -> _JsonObject | list[Any]:
    if depth > _MAX_DEPTH:
        return value
    if isinstance(value, dict):
        return _clean_object(value, depth)
    items: list[Any] = []
    for item in value:
        if isinstance(item, str):
            if item not in _DROPPED_TEXTS:
                items.append(item)
        elif isinstance(item, (dict, list)):
            if inner := _clean(item, depth + 1):
                items.append(inner)
        elif item is not None:
            items.append(item)
    return items


def _object(value: object) -> _JsonObject:
    return value if isinstance(value, dict) else {}


def _user(cleaned: _JsonObject, trail: _JsonObject) -> _JsonObject:
    """Return `user`, and put what is said of the identity into aws.cloudtrail.user_identity."""
    raw = _object(cleaned.get("userIdentity"))
    if not raw:
        return {}
    identity: _JsonObject = {}
    user: _JsonObject = {}
    for name, target in (
        ("type", "type"),
        ("arn", "arn"),
        ("accessKeyId", "access_key_id"),
        ("invokedBy", "invoked_by"),
    ):
        if name in raw:
            identity[target] = raw[name]
    if "userName" in raw:
        user["name"] = raw["userName"]
    if "principalId" in raw:
        user["id"] = raw["principalId"]
    session = _object(raw.get("sessionContext"))
    if session:
        context = _session_context(session)
        if context:
            identity["session_context"] = context
        issuer = _object(session.get("sessionIssuer"))
        if identity.get("type") in _SESSION_TYPES and "userName" in issuer:
            user["name"] = issuer["userName"]
    if identity.get("type") == "IdentityCenterUser" and "id" not in user:
        behalf = _object(raw.get("onBehalfOf"))
        if "userId" in behalf:
            user["id"] = behalf["userId"]
    if identity:
        trail["user_identity"] = identity
    return user


def _session_context(session: _JsonObject) -> _JsonObject:
    context: _JsonObject = {}
    attributes = _object(session.get("attributes"))
    if "mfaAuthenticated" in attributes:
        context["mfa_authenticated"] = attributes["mfaAuthenticated"]
    created = attributes.get("creationDate")
    # The pipeline reads ISO 8601 with hyphens only; AWS's older compact form is left out there as well.
    if isinstance(created, str) and "-" in created and (micros := parse_time(created)) is not None:
        context["creation_date"] = iso(micros)
    issuer = _object(session.get("sessionIssuer"))
    renamed = {target: issuer[name] for name, target in _SESSION_ISSUER if name in issuer}
    if renamed:
        context["session_issuer"] = renamed
    return context


def _cloud(cleaned: _JsonObject) -> _JsonObject:
    cloud: _JsonObject = {"provider": "aws"}
    identity = _object(cleaned.get("userIdentity"))
    account = identity.get("accountId", cleaned.get("recipientAccountId"))
    if account is not None:
        cloud["account"] = {"id": account}
    if "awsRegion" in cleaned:
        cloud["region"] = cleaned["awsRegion"]
    provider = cleaned.get("eventSource")
    if isinstance(provider, str) and provider.endswith(_AWS_SUFFIX):
        cloud["service"] = {"name": provider.removesuffix(_AWS_SUFFIX)}
    return cloud


def _event(cleaned: _JsonObject, event: _JsonObject) -> None:
    if "eventSource" in cleaned:
        event["provider"] = cleaned["eventSource"]
    if "eventName" in cleaned:
        event["action"] = java_text(cleaned["eventName"])
    if "eventID" in cleaned:
        event["id"] = cleaned["eventID"]


def _take_user_name(cleaned: _JsonObject, user: _JsonObject) -> None:
    """Move the name of a UserAuthentication event out of additionalEventData, which loses it."""
    data = _object(cleaned.get("additionalEventData"))
    if "UserName" in data:
        user["name"] = data.pop("UserName")
        if not data:
            del cleaned["additionalEventData"]


def _source(cleaned: _JsonObject) -> _JsonObject:
    address = cleaned.get("sourceIPAddress")
    if address is None:
        return {}
    if isinstance(address, str) and is_indexable_ip(address):
        return {"address": address, "ip": address}
    return {"address": address}


def _user_agent(cleaned: _JsonObject) -> _JsonObject:
    return {"original": cleaned["userAgent"]} if "userAgent" in cleaned else {}


def _trail(cleaned: _JsonObject, trail: _JsonObject) -> None:
    """Fill aws.cloudtrail: plain renames, the objects as text and flattened, resources, console logins."""
    for name, target in _PLAIN:
        if name in cleaned:
            trail[target] = cleaned[name]
    flattened: _JsonObject = {}
    for name, target in _FLATTENED:
        if name in cleaned:
            value = cleaned[name]
            text = java_text(value)
            trail[target] = text
            if len(text) < _MAX_FLATTENED_TEXT:
                flattened[target] = value
    if "insightDetails" in cleaned:
        flattened["insight_details"] = cleaned["insightDetails"]
    if flattened:
        trail["flattened"] = flattened
    if "managementEvent" in cleaned:
        trail["management_event"] = java_text(cleaned["managementEvent"])
    if "resources" in cleaned:
        trail["resources"] = _resources(cleaned["resources"])
    if cleaned.get("eventName") == "ConsoleLogin":
        login = _console_login(_object(cleaned.get("additionalEventData")))
        if login:
            trail["console_login"] = {"additional_eventdata": login}


def _resources(resources: object) -> object:
    """Rename keys, and keep one of several resources of the same ARN, account and type (the last)."""
    if not isinstance(resources, list):
        return resources
    unique: dict[tuple[str, ...], _JsonObject] = {}
    for resource in resources:
        if isinstance(resource, dict):
            renamed: _JsonObject = dict(resource)
            for name, target in _RESOURCE_KEYS:
                if name in renamed:
                    renamed[target] = renamed.pop(name)
            unique[tuple(java_text(renamed.get(key, "")) for key in ("arn", "account_id", "type"))] = renamed
    return list(unique.values())


_RESOURCE_KEYS = (("ARN", "arn"), ("accountId", "account_id"))


def _console_login(data: _JsonObject) -> _JsonObject:
    login: _JsonObject = {}
    if "MobileVersion" in data:
        login["mobile_version"] = data["MobileVersion"] != "No"
    if "LoginTo" in data:
        login["login_to"] = data["LoginTo"]
    if "MFAUsed" in data:
        login["mfa_used"] = data["MFAUsed"] != "No"
    return login


def _outcome(cleaned: _JsonObject, event: _JsonObject) -> None:
    """Set kind, type, category and outcome; a ConsoleLogin says its outcome itself."""
    event["kind"] = "event"
    event["type"] = ["info"]
    event["outcome"] = "failure" if "errorCode" in cleaned or "errorMessage" in cleaned else "success"
    action = event.get("action")
    if action is None:
        return
    if action == "ConsoleLogin":
        result = _object(cleaned.get("responseElements")).get("ConsoleLogin")
        if isinstance(result, str):
            event["outcome"] = result.lower()
    known = CATEGORIES.get(action)
    if known is not None:
        category, types = known
        event["category"] = [category]
        if types:
            event["type"] = list(types)
        else:
            del event["type"]


def _related(cleaned: _JsonObject, user: _JsonObject, source: _JsonObject) -> _JsonObject:
    """Return `related`, and give `user` its e-mail address, target and changes on the way."""
    request = _object(cleaned.get("requestParameters"))
    response = _object(cleaned.get("responseElements"))
    users: list[Any] = []
    _add_session(cleaned, user, users)
    created = _object(response.get("user")).get("userId")
    users += [request.get("userName"), request.get("newUserName"), created]
    target: _JsonObject = {}
    if created is not None:
        target["id"] = created
    if "userName" in request:
        target["name"] = request["userName"]
    if target:
        user["target"] = target
    if "newUserName" in request:
        user["changes"] = {"name": request["newUserName"]}
    name = user.get("name")
    if "email" not in user and isinstance(name, str) and name.find("@") > 0:
        user["email"] = name
    users += [user.get("id"), name]
    related: _JsonObject = {}
    texts = dict.fromkeys(java_text(item) for item in users if item is not None)
    texts.pop("", None)
    if texts:
        related["user"] = list(texts)
    if "ip" in source:
        related["ip"] = [source["ip"]]
    return related


def _add_session(cleaned: _JsonObject, user: _JsonObject, users: list[Any]) -> None:
    """Read the session's name from the ARN of an assumed role: an e-mail address there is the user's."""
    identity = _object(cleaned.get("userIdentity"))
    arn = identity.get("arn")
    if identity.get("type") not in _SESSION_TYPES or not isinstance(arn, str):
        return
    match = _SESSION.search(arn)
    if match is None:
        return
    session = match[1]
    users.append(session)
    if "@" in session:
        users.append(session.partition("@")[0])
        user["email"] = session


def _group(cleaned: _JsonObject) -> _JsonObject:
    group: _JsonObject = {}
    created = _object(_object(cleaned.get("responseElements")).get("group")).get("groupId")
    if created is not None:
        group["id"] = created
    name = _object(cleaned.get("requestParameters")).get("groupName")
    if name is not None:
        group["name"] = name
    return group


def _tls(cleaned: _JsonObject) -> _JsonObject:
    details = _object(cleaned.get("tlsDetails"))
    tls: _JsonObject = {}
    version = details.get("tlsVersion")
    if version == "tlsVersion":  # a placeholder that AWS sometimes writes: the pipeline drops the whole object
        return {}
    if isinstance(version, str):
        protocol, marker, number = version.partition("v")
        if marker:
            tls["version_protocol"] = protocol.lower()
            tls["version"] = number
        else:
            tls["version"] = version
    if "cipherSuite" in details:
        tls["cipher"] = details["cipherSuite"]
    if "clientProvidedHostHeader" in details:
        tls["client"] = {"server_name": details["clientProvidedHostHeader"]}
    return tls
