"""Envelopes of Azure and Microsoft 365: what diagnostic settings write, and what Microsoft Graph answers.

Sources: learn.microsoft.com, "Azure Monitor resource logs, schema", "Azure activity log, storage account" (`records`);
"Microsoft Graph, paging" (`value` with `@odata.context`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.readers.envelopes.envelope import Envelope, objects

if TYPE_CHECKING:
    from converter.readers.envelopes.envelope import Content, Event


def _records(event: Event) -> Content:
    return objects(event["records"]) if len(event) == 1 else None


def _value(event: Event) -> Content:
    return objects(event["value"])


ENVELOPES = (
    Envelope(50, "records", "a batch of Azure Monitor (records)", _records),
    Envelope(
        51,
        "@odata.context",
        "a page of Microsoft Graph (value)",
        lambda event: _value(event) if "value" in event else None,
    ),
)
