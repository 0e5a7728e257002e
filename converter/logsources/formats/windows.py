"""Recognise events of Windows: EVTX as JSON, Winlogbeat, and flat events such as NXLog's.

    {"Event": {"System": {...}, "EventData": {...}}}      evtx_dump, and other converters of the event's XML to JSON
    {"winlog": {"channel": ..., "event_data": {...}}}     Winlogbeat 7 and later; dots in keys or nested
    {"log_name": ..., "event_data": {...}}                Winlogbeat 6
    {"Channel": ..., "EventID": ..., "Image": ...}        NXLog, and events that have Sigma's names

Sigma names an attribute of the header `Element_Attribute` (`Provider_Name`). Fields of the data keep their names, and
win over the header: in event 104, `Channel` is the log that was cleared.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from converter.logsources.formats.event_format import EventFormat, EventSource, Recogniser, add, add_time, inner
from converter.logsources.formats.windows_names import ONLY_CHANNEL, PERHAPS, POWERSHELL, SERVICES, SYSMON

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

# The names in Sigma's taxonomy of what Sysmon writes into one field: `Hashes`, and `Hash` in events 15 and older ones.
_HASHES = re.compile(r"(?:^|,)\s*(MD5|SHA1|SHA256|IMPHASH)=([0-9A-F]+)", re.IGNORECASE | re.ASCII)
_ATTRIBUTES = ("#attributes", "@attributes")
_NONE: frozenset[str] = frozenset()
# Sysmon's names for fields of events 4688 and 4657: `windows_audit_pipeline` of pysigma-pipeline-windows 2.0.1.
_AUDIT: dict[str, tuple[tuple[str, str], ...]] = {
    "4688": (("Image", "NewProcessName"), ("ParentImage", "ParentProcessName"), ("LogonId", "SubjectLogonId")),
    "4657": (
        ("Image", "ProcessName"),
        ("TargetObject", "ObjectName"),
        ("Details", "NewValue"),
        ("LogonId", "SubjectLogonId"),
    ),
}
# Categories by `OperationType` of event 4657; EVTX has the number of a message, rendered events its text.
_OPERATIONS: dict[str, frozenset[str]] = {
    "%%1904": frozenset({"registry_event", "registry_add"}),
    "new registry value created": frozenset({"registry_event", "registry_add"}),
    "%%1905": frozenset({"registry_event", "registry_set"}),
    "existing registry value modified": frozenset({"registry_event", "registry_set"}),
}


def evtx(event: Mapping[str, Any]) -> EventFormat | None:
    """Recognise an event with the structure of its XML."""
    root = event.get("Event", event)
    system = inner(root, "System")
    if not isinstance(system, dict) or ("EventID" not in system and "Channel" not in system):
        return None
    number = _number(system.get("EventID"))
    operation = _operation(dict(_data(root.get("EventData")))) if number == "4657" else ""
    return _format(_evtx_names, _string(system.get("Channel")), number, _provider(system), operation)


def winlogbeat(event: Mapping[str, Any]) -> EventFormat | None:
    """Recognise an event of Winlogbeat 7 and later."""
    channel, provider = _winlog(event, "channel"), _winlog(event, "provider_name")
    number = _number(_winlog(event, "event_id"))
    if not channel and not provider:
        return None
    operation = _operation(_winlog_names(event)) if number == "4657" else ""
    return _format(_winlog_names, _string(channel), number, _string(provider), operation)


def winlogbeat_6(event: Mapping[str, Any]) -> EventFormat | None:
    """Recognise an event of Winlogbeat 6."""
    if not isinstance(event.get("log_name"), str):
        return None
    number = _number(event.get("event_id"))
    operation = _operation(_winlog_6_names(event)) if number == "4657" else ""
    return _format(_winlog_6_names, event["log_name"], number, _string(event.get("source_name")), operation)


def flat(event: Mapping[str, Any]) -> EventFormat | None:
    """Recognise an event whose fields are all at the top level."""
    channel, provider = _string(event.get("Channel")), ""
    for name in ("Provider_Name", "SourceName", "ProviderName", "Provider"):
        provider = provider or _string(event.get(name))
    if not channel and provider.lower() not in ONLY_CHANNEL:
        return None
    number = _number(event.get("EventID"))
    return _format(_flat_names, channel, number, provider, _operation(event) if number == "4657" else "")


def _format(
    names: Callable[[Mapping[str, Any]], dict[str, Any]], channel: str, number: str, provider: str, operation: str
) -> EventFormat:
    if number not in _AUDIT:
        operation = ""
    return _made(names, channel.lower(), number, provider.lower(), operation)


@lru_cache(maxsize=8192)
def _made(
    names: Callable[[Mapping[str, Any]], dict[str, Any]], channel: str, number: str, provider: str, operation: str
) -> EventFormat:
    channel = channel or ONLY_CHANNEL.get(provider, "")
    return _interned(
        names,
        _source(channel, number, provider, operation),
        number if channel == "security" and number in _AUDIT else "",
    )


@lru_cache(maxsize=1024)
def _interned(names: Callable[[Mapping[str, Any]], dict[str, Any]], source: EventSource, number: str) -> EventFormat:
    def hashed(event: Mapping[str, Any]) -> dict[str, Any]:
        added = names(event)
        _add_hashes(added, event)
        return added

    audit = _AUDIT.get(number)
    if audit is None:
        return EventFormat(source, hashed)

    def audited(event: Mapping[str, Any]) -> dict[str, Any]:
        added = hashed(event)
        for name, own in audit:
            value = added.get(own, event.get(own))
            if value is not None and name not in added:
                added[name] = value
        return added

    return EventFormat(source, audited)


def _add_hashes(names: dict[str, Any], event: Mapping[str, Any]) -> None:
    """Add each hash of a list such as `SHA1=...,MD5=...` by its own name, unless the event has that name."""
    for field in ("Hashes", "Hash"):
        listed = names.get(field, event.get(field))
        if isinstance(listed, str) and "=" in listed:
            for algorithm, value in _HASHES.findall(listed):
                names.setdefault(algorithm.lower(), value)


def _source(channel: str, number: str, provider: str, operation: str) -> EventSource:
    if channel == "linux-sysmon/operational":
        return EventSource("linux", frozenset({"sysmon"}), SYSMON.get(number, _NONE))
    services = SERVICES.get(channel) or SERVICES.get(channel.partition("/")[0]) or _NONE
    categories = _NONE.union(
        *(POWERSHELL.get((service, number), _NONE) for service in services),
        SYSMON.get(number, _NONE) if "sysmon" in services else _NONE,
        {"process_creation"} if "security" in services and number == "4688" else _NONE,
        _OPERATIONS.get(operation, _NONE) if "security" in services and number == "4657" else _NONE,
        {"file_access", "file_rename"} if provider == "microsoft-windows-kernel-file" else _NONE,
    )
    perhaps = _NONE.union(*(PERHAPS.get(service, _NONE) for service in services))
    if not channel:  # only the provider is known, and it may write to any channel
        return EventSource("windows", None, categories or None)
    return EventSource("windows", services, categories, perhaps)


def _operation(fields: Mapping[str, Any]) -> str:
    return _string(fields.get("OperationType")).lower()


def _evtx_names(event: Mapping[str, Any]) -> dict[str, Any]:
    root = event.get("Event", event)
    system = root["System"]
    names: dict[str, Any] = {}
    for name, value in system.items():
        if name.endswith("_attributes"):
            names.update(_attributes(name.removesuffix("_attributes"), value))
        elif not isinstance(value, dict):
            if value is not None:
                names[name] = value
        else:
            if "#text" in value:
                names[name] = value["#text"]
            names.update(_attributes(name, value))
    message = inner(root, "RenderingInfo", "Message")
    if message is not None:
        names["Message"] = message
    sections = [root[section] for section in ("EventData", "UserData") if root.get(section)]
    if len(sections) == 1 and _is_plain(sections[0]):
        names.update(sections[0])
    else:
        data: dict[str, Any] = {}
        for section in sections:
            for name, value in _data(section):
                add(data, name, value)
        names.update(data)
    add_time(names, event, names.get("TimeCreated_SystemTime"))
    return names


def _attributes(element: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        return {}
    for key in _ATTRIBUTES:
        if key in value and isinstance(value[key], dict):
            return {f"{element}_{name}": inside for name, inside in value[key].items()}
    return {
        f"{element}_{name.removeprefix('@')}": inside
        for name, inside in value.items()
        if name != "#text" and not isinstance(inside, dict)
    }


def _is_plain(section: Any) -> bool:
    """Return whether a section holds only fields with scalar values, as most do."""
    return isinstance(section, dict) and not any(
        isinstance(value, dict | list) or _is_attribute(name) for name, value in section.items()
    )


def _data(section: Any) -> Iterator[tuple[str, Any]]:
    """Yield the fields of EventData or UserData; an element without a name is called `Data`, as in the XML."""
    stack: list[tuple[str, Any]] = [("", section)]
    while stack:
        name, value = stack.pop()
        if isinstance(value, list):
            unnamed = [item for item in value if not isinstance(item, dict)]
            if unnamed:
                yield name or "Data", unnamed if len(unnamed) > 1 else unnamed[0]
            stack.extend((name, item) for item in reversed(value) if isinstance(item, dict))
        elif not isinstance(value, dict):
            if name:
                yield name, value
            elif value is not None:
                yield "Data", value
        else:
            own = _own_name(value)
            if own is not None:
                yield own, value.get("#text")
            elif "#text" in value:
                stack.append((name or "Data", value["#text"]))
            else:
                stack.extend((key, value[key]) for key in reversed(value) if not _is_attribute(key))


def _own_name(element: Mapping[str, Any]) -> str | None:
    """Return the attribute `Name` of an element: `<Data Name="Image">`."""
    if "@Name" in element:
        return _string(element["@Name"])
    for key in _ATTRIBUTES:
        name = inner(element, key, "Name")
        # The root element of EventData may have a name too (of its template), but then it contains elements.
        if isinstance(name, str) and element.keys() <= {key, "#text"}:
            return name
    return None


def _is_attribute(key: str) -> bool:
    return key[:1] in "#@" or key.endswith("_attributes") or key == "xmlns"


def _provider(system: Mapping[str, Any]) -> str:
    attributes = _attributes("", system.get("Provider")) or _attributes(
        "", {"#attributes": system.get("Provider_attributes")}
    )
    return _string(attributes.get("_Name"))


_WINLOG = (
    ("EventID", "event_id"),
    ("Channel", "channel"),
    ("Provider_Name", "provider_name"),
    ("Provider_Guid", "provider_guid"),
    ("Computer", "computer_name"),
    ("EventRecordID", "record_id"),
    ("Task", "task"),
    ("Opcode", "opcode"),
    ("Keywords", "keywords"),
    ("Version", "version"),
)
_WINLOG_6 = (
    ("EventID", "event_id"),
    ("Channel", "log_name"),
    ("Provider_Name", "source_name"),
    ("Provider_Guid", "provider_guid"),
    ("Computer", "computer_name"),
    ("EventRecordID", "record_number"),
    ("Level", "level"),
    ("Task", "task"),
    ("Opcode", "opcode"),
    ("Keywords", "keywords"),
    ("Version", "version"),
)


def _winlog(event: Mapping[str, Any], name: str) -> Any:
    value = inner(event, "winlog", name)
    return event.get(f"winlog.{name}") if value is None else value


def _winlog_names(event: Mapping[str, Any]) -> dict[str, Any]:
    names = {name: value for name, own in _WINLOG if (value := _winlog(event, own)) is not None}
    _message(names, event)
    for section in ("event_data", "user_data"):
        names.update((name, value) for name, value in _data(_winlog(event, section)) if name != "xml_name")
        prefix = f"winlog.{section}."
        names.update((name.removeprefix(prefix), event[name]) for name in event if name.startswith(prefix))
    return names


def _winlog_6_names(event: Mapping[str, Any]) -> dict[str, Any]:
    names = {name: value for name, own in _WINLOG_6 if (value := event.get(own)) is not None}
    _message(names, event)
    for section in ("event_data", "user_data"):
        names.update((name, value) for name, value in _data(event.get(section)) if name != "xml_name")
    return names


def _message(names: dict[str, Any], event: Mapping[str, Any]) -> None:
    if event.get("message") is not None:
        names["Message"] = event["message"]


_FLAT = (
    ("Provider_Name", ("SourceName", "ProviderName", "Provider")),
    ("Provider_Guid", ("ProviderGuid",)),
    ("Computer", ("Hostname", "ComputerName")),
    ("EventRecordID", ("RecordNumber", "RecordID")),
)


def _flat_names(event: Mapping[str, Any]) -> dict[str, Any]:
    names: dict[str, Any] = {}
    for name, others in _FLAT:
        for other in others:
            if name not in names and isinstance(event.get(other), str | int):
                names[name] = event[other]
    add_time(names, event, event.get("EventTime"))
    channel = ONLY_CHANNEL.get(_string(event.get("Provider_Name", names.get("Provider_Name"))).lower())
    if "Channel" not in event and channel is not None:
        names["Channel"] = _SPELLED[channel]
    return names


_SPELLED = {
    "microsoft-windows-sysmon/operational": "Microsoft-Windows-Sysmon/Operational",
    "security": "Security",
    "linux-sysmon/operational": "Linux-Sysmon/Operational",
}


def _number(value: Any) -> str:
    """Return the number of an event as a string; its element may have attributes."""
    if isinstance(value, dict):
        value = value.get("#text")
    return _string(value).strip()


def _string(value: Any) -> str:
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


RECOGNISERS = (
    Recogniser(10, "Event", evtx),
    Recogniser(20, "System", evtx),
    Recogniser(30, "winlog", winlogbeat),
    Recogniser(40, "winlog.event_id", winlogbeat),
    Recogniser(50, "log_name", winlogbeat_6),
    Recogniser(150, "Channel", flat),
    Recogniser(160, "EventID", flat),
)
