"""Envelopes of Elasticsearch and Kibana: responses, hits, bulk files, and documents that hold the original event.

Sources: Elasticsearch reference, "Search", "Multi search", "Get", "EQL search", "ES|QL query API", "Bulk"; Elastic
Common Schema, `event.original`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from converter.readers.envelopes.envelope import (
    Announced,
    Envelope,
    json_object,
    objects,
    table_rows,
    with_id,
)

if TYPE_CHECKING:
    from converter.readers.envelopes.envelope import Content, Event

_ACTIONS = frozenset({"create", "delete", "index", "update"})
_ACTION_KEYS = frozenset(
    {
        "_id", "_index", "_routing", "_type", "dynamic_templates", "if_primary_term", "if_seq_no",
        "list_executed_pipelines", "pipeline", "require_alias", "require_data_stream", "retry_on_conflict", "routing",
        "version", "version_type",
    }
)  # fmt: skip
_SHIPPED = frozenset({"agent", "beat", "ecs", "input", "log"})


def _hits(event: Event) -> Content:
    """Return the hits of a response: of a search, of EQL's events or sequences."""
    hits = event["hits"]
    if isinstance(hits, list):
        return objects(hits) if _are_hits(hits) else None
    if not isinstance(hits, dict):
        return None
    if isinstance(hits.get("sequences"), list):
        sequences = [entry for entry in hits["sequences"] if isinstance(entry, dict)]
        return [event for entry in sequences for event in entry.get("events", ()) if isinstance(event, dict)]
    return objects(hits.get("hits", hits.get("events")))


def _are_hits(hits: list[Any]) -> bool:
    return all(isinstance(hit, dict) and ("_source" in hit or "fields" in hit) for hit in hits)


def _responses(event: Event) -> Content:
    responses = objects(event["responses"])
    return responses if responses and all(isinstance(item, dict) and "hits" in item for item in responses) else None


def _raw_response(event: Event) -> Content:
    """Return the response that Kibana's inspector or an asynchronous search holds."""
    response = event.get("rawResponse", event.get("response"))
    return [response] if isinstance(response, dict) and "hits" in response else None


def _source(event: Event) -> Content:
    """Return the document of a hit, with the `_id` and the `_index` that the hit has."""
    source = event["_source"]
    return [{**_metadata(event), **source}] if isinstance(source, dict) else None


def _fields(event: Event) -> Content:
    """Return the fields of a hit: each is an array, also of a single value."""
    fields = event["fields"]
    if "_source" in event or ("_id" not in event and "_index" not in event) or not isinstance(fields, dict):
        return None
    if not all(isinstance(values, list) for values in fields.values()):
        return None
    single = {name: values[0] if len(values) == 1 else values for name, values in fields.items()}
    return [{**_metadata(event), **single}]


def _metadata(event: Event) -> Event:
    return {key: event[key] for key in ("_id", "_index") if key in event}


def _values(event: Event) -> Content:
    """Return the rows of a response of ES|QL."""
    columns = event.get("columns")
    typed = isinstance(columns, list) and all(isinstance(column, dict) and "type" in column for column in columns)
    return table_rows(columns, event["values"]) if typed else None


def _action(action: str) -> Envelope:
    """Return the envelope that is a line of a bulk file which says what to do with the next line."""

    def announce(event: Event) -> Content:
        about = event[action]
        if len(event) != 1 or not isinstance(about, dict) or not about.keys() <= _ACTION_KEYS:
            return None
        if action == "delete":
            return []
        return Announced(_metadata(about), "doc" if action == "update" else "")

    return Envelope(29, action, "a bulk file of Elasticsearch", announce)


def _original(event: Event) -> Content:
    """Return the event that a document of Elasticsearch keeps as it came."""
    below = event.get("event")
    original = event.get("event.original", below.get("original") if isinstance(below, dict) else None)
    inner = json_object(original) if isinstance(original, str) else None
    return None if inner is None else [with_id(inner, event)]


def _message(event: Event) -> Content:
    """Return the event that a shipper put into `message` and nobody took apart."""
    inner = json_object(event["message"]) if isinstance(event["message"], str) else None
    return [with_id(inner, event)] if inner is not None and "@timestamp" in event and _SHIPPED & event.keys() else None


_ORIGINAL = "documents of Elasticsearch, whose original events are read (event.original)"
ENVELOPES = (
    Envelope(20, "hits", "a response of Elasticsearch (hits)", _hits),
    Envelope(21, "responses", "responses of Elasticsearch", _responses),
    Envelope(22, "rawResponse", "a response that Kibana shows", _raw_response),
    Envelope(22, "response", "an asynchronous response of Elasticsearch", _raw_response),
    Envelope(23, "_source", "hits of Elasticsearch (_source)", _source),
    Envelope(24, "fields", "hits of Elasticsearch (fields)", _fields),
    Envelope(25, "values", "a response of ES|QL (columns, values)", _values),
    *(_action(action) for action in sorted(_ACTIONS)),
    Envelope(40, "event", _ORIGINAL, _original, raw_only=True),
    Envelope(40, "event.original", _ORIGINAL, _original, raw_only=True),
    Envelope(41, "message", "documents of a shipper, whose messages are read (message)", _message, raw_only=True),
)
