"""Zeek as JSON: the field `_path` says which log an event is of, and Sigma uses Zeek's names."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from converter.logsources.formats.event_format import EventSource, Recogniser, Shape, add_time

if TYPE_CHECKING:
    from collections.abc import Mapping

# Logs of a kind that Sigma also has without a product.
_CATEGORIES = {
    "dns": frozenset({"dns"}),
    "http": frozenset({"proxy", "webserver"}),
    "conn": frozenset({"firewall"}),
}
# The names that rules of those categories use, from `SigmaHQ/sigma/tools/config/splunk-zeek.yml` (removed in 2023).
# It also takes the whole `uri` for parts of it (`c-uri-query`, ...): that is left out, since it is not the same.
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


def zeek(event: Mapping[str, Any]) -> Shape | None:
    """Recognise an event of Zeek."""
    path = event.get("_path")
    if not isinstance(path, str) or ("ts" not in event and "uid" not in event):
        return None
    return _made(path.lower())


@lru_cache(maxsize=1024)
def _made(path: str) -> Shape:
    aliases = _NAMES.get(path, ())

    def names(event: Mapping[str, Any]) -> dict[str, Any]:
        found = {name: event[own] for name, own in aliases if own in event}
        add_time(found, event, event.get("ts"))
        return found

    return Shape(EventSource("zeek", frozenset({path}), _CATEGORIES.get(path, frozenset())), names)


RECOGNISERS = (Recogniser(80, "_path", zeek),)
