"""Recognise events of Zeek as JSON: `_path` is the log of an event, and Sigma uses Zeek's field names."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from converter.logsources.formats.event_format import EventFormat, EventSource, Recogniser, add_time

if TYPE_CHECKING:
    from collections.abc import Mapping

# Logs -> categories that Sigma has without a product.
_CATEGORIES = {
    "dns": frozenset({"dns"}),
    "http": frozenset({"proxy", "webserver"}),
    "conn": frozenset({"firewall"}),
}
# Field names in rules for those categories, from `SigmaHQ/sigma/tools/config/splunk-zeek.yml` (removed in 2023). It
# also maps parts of a URI (`c-uri-query`, ...) to the whole `uri`; these are left out, because the values differ.
_ADDRESSES = (
    ("dst_ip", "id.resp_h"),
    ("dst_port", "id.resp_p"),
    ("src_ip", "id.orig_h"),
    ("src_port", "id.orig_p"),
)
_NAMES: dict[str, tuple[tuple[str, str], ...]] = {
    "conn": _ADDRESSES,
    "dns": (*_ADDRESSES, ("answer", "answers"), ("record_type", "qtype_name")),
    "http": (
        *_ADDRESSES,
        ("c-uri", "uri"),
        ("c-useragent", "user_agent"),
        ("cs-bytes", "request_body_len"),
        ("cs-cookie", "cookie"),
        ("cs-host", "host"),
        ("cs-method", "method"),
        ("cs-referrer", "referrer"),
        ("cs-version", "version"),
        ("r-dns", "host"),
        ("sc-bytes", "response_body_len"),
        ("sc-status", "status_code"),
    ),
}


def zeek(event: Mapping[str, Any]) -> EventFormat | None:
    """Recognise an event of Zeek."""
    path = event.get("_path")
    if not isinstance(path, str) or ("ts" not in event and "uid" not in event):
        return None
    return _made(path.lower())


@lru_cache(maxsize=1024)
def _made(path: str) -> EventFormat:
    aliases = _NAMES.get(path, ())

    def names(event: Mapping[str, Any]) -> dict[str, Any]:
        added = {name: event[own] for name, own in aliases if own in event}
        add_time(added, event, event.get("ts"))
        return added

    return EventFormat(EventSource("zeek", frozenset({path}), _CATEGORIES.get(path, frozenset())), names)


RECOGNISERS = (Recogniser(80, "_path", zeek),)
