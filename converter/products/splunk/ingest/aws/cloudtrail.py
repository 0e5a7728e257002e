"""AWS CloudTrail in Splunk: the sourcetype aws:cloudtrail of the Splunk Add-on for AWS.

    raw CloudTrail event ──> JSON extraction (KV_MODE = json) + _time from eventTime, _raw, sourcetype

The add-on's own field aliases and lookups (src, user, action, status, ...) are not simulated: its props.conf is not
public, and what is known of it from documents would be guessed. `docs/ingest.md` says more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from converter.products.splunk.ingest.generic import fields_of

if TYPE_CHECKING:
    from collections.abc import Mapping


def view(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of one raw CloudTrail event."""
    fields = fields_of(event)
    fields["sourcetype"] = "aws:cloudtrail"
    return fields
