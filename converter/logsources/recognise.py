"""Recognise the shape of an event: ask each recogniser whose key the event has.

Most events are of a shape with a key that hardly any other log has, so the first look costs a lookup or two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from converter.logsources.formats import cloud, linux, windows, zeek

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from converter.logsources.event_format import Shape

# A key, and what may be recognised by it. The first answer counts, so what is surer stands first.
_BY_KEY: tuple[tuple[str, Callable[[Mapping[str, Any]], Shape | None]], ...] = (
    ("Event", windows.evtx),
    ("System", windows.evtx),
    ("winlog", windows.winlogbeat),
    ("winlog.event_id", windows.winlogbeat),
    ("log_name", windows.winlogbeat_6),
    ("eventSource", cloud.cloudtrail),
    ("detail-type", cloud.cloudtrail),
    ("_path", zeek.zeek),
    ("apiVersion", cloud.kubernetes),
    ("protoPayload", cloud.gcp),
    ("data", cloud.gcp),
    ("Workload", cloud.m365),
    ("auditType", cloud.bitbucket),
    ("auditType.category", cloud.bitbucket),
    ("Channel", windows.flat),
    ("EventID", windows.flat),
    ("category", cloud.azure),
    ("Category", cloud.azure),
    ("CategoryValue", cloud.azure),
    ("Type", cloud.azure),
    ("createdDateTime", cloud.azure),
    ("activityDateTime", cloud.azure),
    ("riskEventType", cloud.azure),
    ("eventType", cloud.okta),
    ("action", cloud.github),
    ("ID", linux.laurel),
    ("type", linux.auditd),
    ("MESSAGE", linux.journald),
    ("programname", linux.rsyslog),
    ("message", linux.syslog),
    ("msg", linux.syslog),
    ("MESSAGE", linux.syslog),
)


def recognise(event: Mapping[str, Any]) -> Shape | None:
    """Return the shape of an event, or None if it is not known."""
    for key, recogniser in _BY_KEY:
        if key in event:
            shape = recogniser(event)
            if shape is not None:
                return shape
    return None
