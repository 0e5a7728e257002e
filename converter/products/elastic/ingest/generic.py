"""A raw event of any log source as Elasticsearch holds it when no ingest pipeline changes it.

    raw event ──> the event as it is, `@timestamp` from the event's time, `_id` kept

Nulls stay in the document: Elasticsearch does not index them, so the engines read them as missing. A text that is
empty is a value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from converter.products.elastic import dates
from converter.products.event_time import event_time, iso

if TYPE_CHECKING:
    from collections.abc import Mapping


def view(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document of one raw event; without a usable time it has no `@timestamp`."""
    document = dict(event)
    micros = event_time(event)
    if micros is not None:
        document["@timestamp"] = iso(micros)
    elif dates.indexed(document.get("@timestamp")) is None:  # the product refuses a document for what is not a time
        document.pop("@timestamp", None)
    return document
