"""Envelopes of Splunk: exports and responses of searches, events for its HTTP event collector, `_raw`.

Sources: Splunk REST API reference, "search/jobs/export" and "search/v2/jobs/{search_id}/results" (output modes json,
json_rows, json_cols); "Format events for HTTP Event Collector".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.readers.envelopes.envelope import Envelope, json_object, objects, table_rows, with_id

if TYPE_CHECKING:
    from converter.readers.envelopes.envelope import Content, Event

_EXPORT = frozenset({"lastrow", "offset", "preview"})
_RESPONSE = frozenset({"fields", "init_offset", "messages", "post_process_count", "preview"})
_COLLECTOR = frozenset({"event", "fields", "host", "index", "source", "sourcetype", "time"})


def _result(event: Event) -> Content:
    """Return the result in a line of an export."""
    result = event["result"]
    return [result] if isinstance(result, dict) and event.keys() <= _EXPORT | {"result"} else None


def _last_row(event: Event) -> Content:
    """Return nothing for the line at the end of an export that has no result."""
    return [] if "result" not in event and "lastrow" in event and event.keys() <= _EXPORT else None


def _results(event: Event) -> Content:
    return objects(event["results"]) if event.keys() <= _RESPONSE | {"highlighted", "results"} else None


def _rows(event: Event) -> Content:
    return table_rows(event.get("fields"), event["rows"]) if event.keys() <= _RESPONSE | {"rows"} else None


def _columns(event: Event) -> Content:
    columns = event["columns"]
    if not event.keys() <= _RESPONSE | {"columns"} or not isinstance(columns, list):
        return None
    if not all(isinstance(column, list) and len(column) == len(columns[0]) for column in columns):
        return None
    return table_rows(event.get("fields"), [list(row) for row in zip(*columns, strict=True)])


def _collected(event: Event) -> Content:
    """Return the event of a line for the collector, an object or a string of JSON."""
    if len(event) == 1 or not event.keys() <= _COLLECTOR or event.keys().isdisjoint(("sourcetype", "source", "host")):
        return None
    inner = json_object(event["event"])
    return None if inner is None else [inner]


def _raw(event: Event) -> Content:
    inner = json_object(event["_raw"]) if isinstance(event["_raw"], str) else None
    return None if inner is None else [with_id(inner, event)]


ENVELOPES = (
    Envelope(30, "result", "an export of Splunk (result)", _result),
    Envelope(31, "lastrow", "an export of Splunk (result)", _last_row),
    Envelope(32, "results", "results of Splunk (results)", _results),
    Envelope(33, "rows", "results of Splunk (fields, rows)", _rows),
    Envelope(34, "columns", "results of Splunk (fields, columns)", _columns),
    Envelope(35, "event", "events for Splunk's collector (event)", _collected),
    Envelope(36, "_raw", "events of Splunk, whose raw text is read (_raw)", _raw, raw_only=True),
)
