"""A raw JSON event of any log source as Splunk's searches see it.

    raw event ──> fields of the JSON extraction + `_time`, `_raw`, `_id`, and what the event says of its source

`source`, `sourcetype`, `host` and `index` are the event's own where it has them as texts: Splunk sets them when it
takes an event in, and nothing in a raw event says what a site has set.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import orjson

from converter.products.event_time import event_time, seconds
from converter.products.splunk.ingest.json_fields import extract

if TYPE_CHECKING:
    from collections.abc import Mapping


_ADDED = frozenset({"_id", "_time", "_raw"})


def view(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of one raw event; without a usable time it has no `_time`."""
    return fields_of(event)


def fields_of(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the extracted fields with `_time`, `_raw` and `_id`, which are not part of the event's JSON text."""
    fields = extract(event)
    if "_id" in event:
        fields["_id"] = event["_id"]
    micros = event_time(event)
    if micros is not None:
        fields["_time"] = seconds(micros)
    elif "_time" in fields:
        del fields["_time"]
    raw = event.get("_raw")
    fields["_raw"] = raw if isinstance(raw, str) else raw_text(event)
    return fields


def raw_text(event: Mapping[str, Any]) -> str:
    """Return the JSON text of an event without the fields that its holder added (`_id`, `_time`)."""
    shown = {key: value for key, value in event.items() if key not in _ADDED}
    try:
        return orjson.dumps(shown).decode()
    except TypeError:  # an integer of more than 64 bits, a key that is not a string, more than 254 levels
        try:
            return json.dumps(shown, ensure_ascii=False, separators=(",", ":"), default=str)
        except RecursionError:  # no real event; what a search can find in it is in its fields
            return json.dumps(extract(shown), ensure_ascii=False, separators=(",", ":"), default=str)
