"""Envelopes of Amazon Web Services: files and look-ups of CloudTrail, EventBridge, CloudWatch Logs, queues.

Sources: docs.aws.amazon.com, "CloudTrail log file examples" (`Records`), "LookupEvents" of the API of CloudTrail,
"Events from AWS services" of EventBridge, "FilterLogEvents" and "Subscription filters" of CloudWatch Logs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.readers.envelopes.envelope import Envelope, json_object, objects

if TYPE_CHECKING:
    from converter.readers.envelopes.envelope import Content, Event

_LOG_KEYS = frozenset({"eventId", "id", "ingestionTime", "logStreamName"})


def _records(event: Event) -> Content:
    """Return the events of a file of CloudTrail, if it has nothing else."""
    records = event["Records"]
    return records if len(event) == 1 and isinstance(records, list) else None


def _found_events(event: Event) -> Content:
    """Return what LookupEvents of CloudTrail gives: entries that hold their event as a string."""
    entries = objects(event["Events"])
    return entries if entries is not None and all("CloudTrailEvent" in entry for entry in _dicts(entries)) else None


def _found_event(event: Event) -> Content:
    inner = json_object(event["CloudTrailEvent"])
    return None if inner is None else [inner]


def _bus_event(event: Event) -> Content:
    """Return the event of CloudTrail that EventBridge wraps; an event of another service is one itself."""
    detail = event["detail"]
    called = isinstance(detail, dict) and "eventSource" in detail and "eventName" in detail
    return [detail] if "detail-type" in event and called else None


def _log_events(event: Event) -> Content:
    """Return the lines of a subscription of CloudWatch Logs."""
    return objects(event["logEvents"]) if "logGroup" in event or "messageType" in event else None


def _filtered_events(event: Event) -> Content:
    """Return the lines that FilterLogEvents or GetLogEvents of CloudWatch Logs gives."""
    entries = objects(event["events"])
    lines = entries is not None and all("message" in entry and _LOG_KEYS & entry.keys() for entry in _dicts(entries))
    return entries if lines else None


def _log_line(event: Event) -> Content:
    """Return the event in a line of CloudWatch Logs whose message is JSON."""
    if "timestamp" not in event or _LOG_KEYS.isdisjoint(event):
        return None
    inner = json_object(event["message"])
    return None if inner is None else [inner]


def _dicts(entries: list[object]) -> list[Event]:
    return [entry for entry in entries if isinstance(entry, dict)]


ENVELOPES = (
    Envelope(10, "Records", "a file of CloudTrail (Records)", _records),
    Envelope(11, "Events", "a result of CloudTrail's lookup-events (Events)", _found_events),
    Envelope(
        12, "CloudTrailEvent", "entries of CloudTrail's lookup-events (CloudTrailEvent)", _found_event, raw_only=True
    ),
    Envelope(13, "detail", "events of EventBridge (detail)", _bus_event, raw_only=True),
    Envelope(14, "logEvents", "a batch of CloudWatch Logs (logEvents)", _log_events),
    Envelope(15, "events", "a result of CloudWatch Logs (events)", _filtered_events),
    Envelope(16, "message", "lines of CloudWatch Logs (message)", _log_line, raw_only=True),
)
