"""Recognise logs of cloud services, and of the programs that run there.

Rules for them mostly use the events' own field names. Azure names the same event in three ways: Azure Monitor exports
it in `camelCase` with most fields under `properties`, tables of Log Analytics have columns in `PascalCase`, and
Microsoft Graph has no `properties`. Rules use all three, so an event gets the names of all three.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from converter.logsources.formats.event_format import (
    EventFormat,
    EventSource,
    Recogniser,
    add_time,
    inner,
    own_names,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


def cloudtrail(event: Mapping[str, Any]) -> EventFormat | None:
    """Recognise an event of AWS CloudTrail, plain or as EventBridge wraps it."""
    if "detail-type" in event and isinstance(event.get("detail"), dict):
        event, event_format = event["detail"], _CLOUDTRAIL_DETAIL
    else:
        event_format = _CLOUDTRAIL
    if "eventSource" not in event or "eventName" not in event:
        return None
    return event_format if "awsRegion" in event or "userIdentity" in event or "eventVersion" in event else None


def okta(event: Mapping[str, Any]) -> EventFormat | None:
    """Recognise an event of Okta's system log."""
    if not isinstance(event.get("eventType"), str) or not isinstance(event.get("actor"), dict):
        return None
    return _OKTA if "published" in event or "debugContext" in event or "legacyEventType" in event else None


def kubernetes(event: Mapping[str, Any]) -> EventFormat | None:
    """Recognise an event of the audit log of Kubernetes."""
    version = event.get("apiVersion")
    audit = isinstance(version, str) and version.startswith("audit.k8s.io/")
    return _KUBERNETES if audit and event.get("kind") == "Event" else None


def github(event: Mapping[str, Any]) -> EventFormat | None:
    """Recognise an event of GitHub's audit log."""
    action = event.get("action")
    if not isinstance(action, str) or "." not in action:
        return None
    if "_document_id" in event or (
        "actor" in event and "created_at" in event and not event.keys().isdisjoint(_GITHUB_BY)
    ):
        return _GITHUB
    return None


def bitbucket(event: Mapping[str, Any]) -> EventFormat | None:
    """Recognise an event of Bitbucket's audit log."""
    kind = event.get("auditType")
    named = "auditType.category" in event or (isinstance(kind, dict) and "category" in kind)
    return _BITBUCKET if named else None


def gcp(event: Mapping[str, Any]) -> EventFormat | None:
    """Recognise an audit log entry of Google Cloud or Google Workspace, plain or wrapped in `data`."""
    payload = inner(event, "protoPayload")
    event_format = _GCP
    if payload is None:
        payload, event_format = inner(event, "data", "protoPayload"), _GCP_DATA
    if not isinstance(payload, dict) or ("methodName" not in payload and "serviceName" not in payload):
        return None
    service = payload.get("serviceName")
    if isinstance(service, str) and service in _WORKSPACE:
        return _WORKSPACE[service] if event_format is _GCP else _WORKSPACE_DATA[service]
    return event_format


def m365(event: Mapping[str, Any]) -> EventFormat | None:
    """Recognise an event of the Microsoft 365 unified audit log."""
    if "Workload" not in event or "Operation" not in event:
        return None
    if "RecordType" not in event and "CreationTime" not in event and "UserType" not in event:
        return None
    return _EXCHANGE if event["Workload"] == "Exchange" else _M365


def azure(event: Mapping[str, Any]) -> EventFormat | None:
    """Recognise an event of Azure or Entra ID: exported, a row of Log Analytics, or from Microsoft Graph."""
    for name, beside in (
        ("category", "operationName"),
        ("Category", "OperationName"),
        ("CategoryValue", "OperationNameValue"),
    ):
        category = event.get(name)
        if isinstance(category, str) and beside in event:
            known = _AZURE_CATEGORIES.get(category.lower())
            if known is not None:
                return known
    if isinstance(event.get("Type"), str) and "TimeGenerated" in event:
        return _AZURE_TABLES.get(event["Type"].lower())
    for names, event_format in _GRAPH:
        if all(name in event for name in names):
            return event_format
    return None


def _time_in(field: str) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """Return the names of a format that only adds its time, from this field."""

    def names(event: Mapping[str, Any]) -> dict[str, Any]:
        added: dict[str, Any] = {}
        add_time(added, event, event.get(field))
        return added

    return names


def _detail_names(event: Mapping[str, Any]) -> dict[str, Any]:
    return dict(event["detail"])


def _kubernetes_names(event: Mapping[str, Any]) -> dict[str, Any]:
    names: dict[str, Any] = {}
    add_time(names, event, event.get("requestReceivedTimestamp") or event.get("stageTimestamp"))
    return names


def _gcp_names(event: Mapping[str, Any]) -> dict[str, Any]:
    """Add the names `data.*`, as Pub/Sub wraps an entry, and `gcp.audit.method_name`, as Elastic names its method."""
    return _entry_names(event) | {"data": event}


def _gcp_data_names(event: Mapping[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = event["data"]
    names = _entry_names(entry) | entry
    add_time(names, event, entry.get("timestamp"))
    return names


def _entry_names(entry: Mapping[str, Any]) -> dict[str, Any]:
    payload = entry["protoPayload"]
    names: dict[str, Any] = {}
    if "methodName" in payload:
        names["gcp.audit.method_name"] = payload["methodName"]
    service = payload.get("serviceName")
    if isinstance(service, str) and service in _WORKSPACE:
        names["eventService"] = service
        events = inner(payload, "metadata", "event")
        event_names = [inner(event, "eventName") for event in (events if isinstance(events, list) else [events])]
        if any(event_names):
            names["eventName"] = [name for name in event_names if name is not None]
    return names


def _azure_names(event: Mapping[str, Any]) -> dict[str, Any]:
    names: dict[str, Any] = {}
    properties = event.get("properties", event.get("Properties"))
    for part in (properties if isinstance(properties, dict) else {}, event):
        for name, value in part.items():
            names[name] = value
            names[name[:1].upper() + name[1:]] = value
            if not name.isupper():
                names[name[:1].lower() + name[1:]] = value
    for field in ("createdDateTime", "activityDateTime", "detectedDateTime", "TimeGenerated"):
        add_time(names, event, event.get(field))
    return names


def _azure(service: str, perhaps: Iterable[str] = ()) -> EventFormat:
    return EventFormat(EventSource("azure", frozenset({service}), perhaps=frozenset(perhaps)), _azure_names)


_CLOUDTRAIL = EventFormat(EventSource("aws", frozenset({"cloudtrail"})), own_names)
_CLOUDTRAIL_DETAIL = EventFormat(EventSource("aws", frozenset({"cloudtrail"})), _detail_names)
_OKTA = EventFormat(
    EventSource("okta", frozenset({"okta"}), perhaps=frozenset({"authentication"})), _time_in("published")
)
_KUBERNETES = EventFormat(
    EventSource("kubernetes", frozenset({"audit"}), frozenset({"application"})), _kubernetes_names
)
_GITHUB = EventFormat(EventSource("github", frozenset({"audit"})), _time_in("created_at"))
_GITHUB_BY = frozenset({"org", "business", "repo", "user_id", "actor_id"})
_BITBUCKET = EventFormat(EventSource("bitbucket", frozenset({"audit"})), own_names)
_GCP = EventFormat(EventSource("gcp", frozenset({"gcp.audit"})), _gcp_names)
_GCP_DATA = EventFormat(EventSource("gcp", frozenset({"gcp.audit"})), _gcp_data_names)
_WORKSPACE_SERVICES = {
    "admin.googleapis.com": frozenset({"gcp.audit", "google_workspace.admin"}),
    "login.googleapis.com": frozenset({"gcp.audit", "google_workspace.login"}),
}
_WORKSPACE = {
    name: EventFormat(EventSource("gcp", services), _gcp_names) for name, services in _WORKSPACE_SERVICES.items()
}
_WORKSPACE_DATA = {
    name: EventFormat(EventSource("gcp", services), _gcp_data_names) for name, services in _WORKSPACE_SERVICES.items()
}
# Rules for threat_management and threat_detection use the field names of another product's alerts.
_THREATS = frozenset({"threat_detection", "threat_management"})
_M365 = EventFormat(EventSource("m365", frozenset({"audit"}), perhaps=_THREATS), _time_in("CreationTime"))
_EXCHANGE = EventFormat(
    EventSource("m365", frozenset({"audit", "exchange"}), perhaps=_THREATS), _time_in("CreationTime")
)
_SIGNIN = _azure("signinlogs", {"authentication"})
# Alerts of Privileged Identity Management look like those of Identity Protection; its actions are in the audit log.
_AUDIT = _azure("auditlogs", {"pim"})
_RISK = _azure("riskdetection", {"pim"})
_ACTIVITY = _azure("activitylogs")
_AZURE_CATEGORIES = {
    **dict.fromkeys(
        words(
            """
    signinlogs noninteractiveusersigninlogs serviceprincipalsigninlogs managedidentitysigninlogs
    adfssigninlogs
    """
        ),
        _SIGNIN,
    ),
    "auditlogs": _AUDIT,
    **dict.fromkeys(words("userriskevents riskyusers serviceprincipalriskevents riskyserviceprincipals"), _RISK),
    **dict.fromkeys(words("administrative servicehealth resourcehealth autoscale recommendation policy"), _ACTIVITY),
}
_AZURE_TABLES = {
    **dict.fromkeys(
        words(
            """
    signinlogs aadnoninteractiveusersigninlogs aadserviceprincipalsigninlogs
    aadmanagedidentitysigninlogs adfssigninlogs
    """
        ),
        _SIGNIN,
    ),
    "auditlogs": _AUDIT,
    **dict.fromkeys(words("aaduserriskevents aadriskyusers aadserviceprincipalriskevents"), _RISK),
    "azureactivity": _ACTIVITY,
}
_GRAPH: tuple[tuple[tuple[str, ...], EventFormat], ...] = (
    (("createdDateTime", "userPrincipalName", "appDisplayName", "status"), _SIGNIN),
    (("activityDateTime", "activityDisplayName", "initiatedBy"), _AUDIT),
    (("riskEventType", "riskState"), _RISK),
)


RECOGNISERS = (
    Recogniser(60, "eventSource", cloudtrail),
    Recogniser(70, "detail-type", cloudtrail),
    Recogniser(90, "apiVersion", kubernetes),
    Recogniser(100, "protoPayload", gcp),
    Recogniser(110, "data", gcp),
    Recogniser(120, "Workload", m365),
    Recogniser(130, "auditType", bitbucket),
    Recogniser(140, "auditType.category", bitbucket),
    Recogniser(170, "category", azure),
    Recogniser(180, "Category", azure),
    Recogniser(190, "CategoryValue", azure),
    Recogniser(200, "Type", azure),
    Recogniser(210, "createdDateTime", azure),
    Recogniser(220, "activityDateTime", azure),
    Recogniser(230, "riskEventType", azure),
    Recogniser(240, "eventType", okta),
    Recogniser(250, "action", github),
)
