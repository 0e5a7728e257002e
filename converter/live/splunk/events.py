"""Write events, as Splunk has them, in the form that the HTTP event collector takes.

    event as Splunk has it ──json_of──> JSON ──_envelope──> {"time", "index", "source", "sourcetype", "fields", "event"}

Splunk extracts the fields from the JSON itself. If that yields exactly the event's fields, the event's own text is
sent, so that nulls, numbers and keywords stay as they are; otherwise a JSON object with just these fields is made.
Splunk sets `index`, `source`, `sourcetype` and `host` for each run; the event's own values of these go into fields with
other names, see `renamed`.
"""

from __future__ import annotations

import json
from math import isfinite
from typing import TYPE_CHECKING, Any

from converter.live.core import LiveError
from converter.products.splunk.ingest.json_fields import extract, text_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from converter.targets.core.target import Event

SOURCETYPE = "_json"
ID_FIELD = "sigma_convert_id"
"""An indexed field, which is not part of the event's text."""

KEEP_ID = f"\n| fields {ID_FIELD}"
"""Appended to a search for events: keeps the id, if it is still there, and `_time`."""

OWN = ("index", "source", "sourcetype", "host")
"""Fields that Splunk sets when it stores an event."""

_ADDED = frozenset({"_id", "_time", "_raw"})
_MICRO = 1_000_000
_BATCH_BYTES = 500_000
_LATEST = 2**33  # the year 2242; Splunk's own limit is not documented


def renamed(name: str) -> str:
    """Return the name of the field for an event's own value of one of `OWN`."""
    return f"sigma_convert_{name}"


def time_of(event: Event) -> int:
    """Return an event's time in microseconds.

    Raises:
        LiveError: the event has none, and Splunk would give it the time at which it arrives.
    """
    value = event.get("_time")
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
        raise LiveError(
            f"the event {_id(event)} has no time, and Splunk would give it the time at which it arrives",
            hint="give each event a time",
        )
    if not 0 <= value < _LATEST:
        raise LiveError(f"the event {_id(event)} has the time {value:g}, which Splunk may not accept")
    return round(value * _MICRO)


def seconds(micros: int) -> str:
    """Return a time as the collector and search jobs take it: seconds with six decimals."""
    return f"{micros // _MICRO}.{micros % _MICRO:06d}"


def time_range(events: Iterable[Event]) -> tuple[str, str]:
    """Return the time range of a job over all events, in whole seconds, without its end. Raises as `time_of`."""
    times = [time_of(event) // _MICRO for event in events]
    return str(min(times)), str(max(times) + 1)


def texts_of_events(events: Iterable[Event], named: Collection[str], *, keywords: bool) -> tuple[str, ...]:
    """Return the JSON text that is sent for each event.

    Args:
        events: as Splunk has them.
        named: the fields of `OWN` that the search compares.
        keywords: whether the search looks for words in the text, which must then be the event's own.

    Raises:
        LiveError: no JSON text has the fields of an event, or the event's own text is needed and cannot be sent.
    """
    texts = []
    for event in events:
        text = json_of(event, named)
        if keywords and text != event.get("_raw"):
            raise LiveError(
                f"the search looks for words in the text of the event {_id(event)}, which cannot be sent as it is",
                hint="the text is not JSON, or the search also compares one of its fields " + ", ".join(OWN),
            )
        texts.append(text)
    return tuple(texts)


def batches(events: Iterable[Event], texts: Iterable[str], index: str, source: str) -> Iterator[bytes]:
    """Yield the bodies of requests to the collector; each is JSON objects, one per line.

    Args:
        events: as Splunk has them.
        texts: from `texts_of_events`.
        index: the index to store them in.
        source: marks the events of one run.

    Raises:
        LiveError: as `time_of`; or a text cannot be sent.
    """
    held: list[bytes] = []
    size = 0
    for event, text in zip(events, texts, strict=True):
        envelope = _envelope(event, text, index, source)
        if held and size + len(envelope) > _BATCH_BYTES:
            yield b"\n".join(held)
            held, size = [], 0
        held.append(envelope)
        size += len(envelope)
    if held:
        yield b"\n".join(held)


def json_of(event: Event, named: Collection[str] = ()) -> str:
    """Return the JSON text that is sent for an event. See `texts_of_events`."""
    fields = {
        name: _plain(value) for name, value in event.items() if name not in _ADDED and value is not None and value != []
    }
    raw = event.get("_raw")
    parsed = _object(raw)
    own_text = parsed is not None and _yields(parsed, fields)
    content = parsed if parsed is not None and own_text else _nested(fields)
    moved = {name for name in OWN if name in content and not isinstance(content[name], (dict, list))}
    for name in moved:
        content[renamed(name)] = content.pop(name)
    for name in (set(named) & fields.keys()) - moved:
        content[renamed(name)] = fields[name]
        moved.add(name)
    if own_text and not moved and isinstance(raw, str):
        return raw
    expected = {
        renamed(name) if name in moved else name: value
        for name, value in fields.items()
        if name in moved or name not in OWN
    }
    extracted = extract(content)
    if extracted != expected:
        names = expected.keys() | extracted.keys()
        unlike = sorted(name for name in names if expected.get(name) != extracted.get(name))
        raise LiveError(f"no JSON text has the fields of the event {_id(event)}: see {', '.join(unlike[:3])}")
    return json.dumps(content, separators=(",", ":"))


def _envelope(event: Event, text: str, index: str, source: str) -> bytes:
    head = json.dumps(
        {
            "time": seconds(time_of(event)),
            "index": index,
            "source": source,
            "sourcetype": SOURCETYPE,
            "fields": {ID_FIELD: _id(event)},
        },
        separators=(",", ":"),
    )
    try:
        return f'{head[:-1]},"event":{text}}}'.encode()
    except UnicodeEncodeError:
        raise LiveError(f"the text of the event {_id(event)} has half of a surrogate pair") from None


def _id(event: Event) -> str:
    return str(event["_id"])


def _object(raw: object) -> dict[str, Any] | None:
    if not isinstance(raw, str):
        return None
    try:
        parsed = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def _yields(parsed: Mapping[str, Any], fields: Mapping[str, Any]) -> bool:
    """Return whether Splunk extracts exactly these fields from a parsed text, except those of `OWN` that it lacks."""
    extracted = extract(parsed)
    return not _ADDED & extracted.keys() and all(
        extracted.get(name) == fields.get(name) or (name in OWN and name not in extracted)
        for name in extracted.keys() | fields.keys()
    )


def _plain(value: Any) -> Any:
    """Return a value as the extraction from JSON returns it: a string, or a list of several."""
    if isinstance(value, (list, tuple)):
        strings = [item if isinstance(item, str) else text_of(item) for item in value]
        return strings[0] if len(strings) == 1 else strings
    return value if isinstance(value, (str, dict)) else text_of(value)


def _nested(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a JSON object with these fields: `a.b` stays a key, `a{}` is a list, `a{}.b` is a list of objects."""
    content: dict[str, Any] = {}
    for name, value in fields.items():
        head, braces, rest = name.partition("{}")
        if not braces:
            content[name] = value
            continue
        listed = content.setdefault(head, [])
        values = value if isinstance(value, list) else [value]
        if isinstance(listed, list):
            listed.extend(_inside(rest, item) for item in values)
    return content


def _inside(rest: str, value: Any) -> Any:
    """Return the element of a list that holds a value under the rest of its name."""
    if not rest:
        return value
    if rest.startswith("{}"):
        return [_inside(rest[2:], value)]
    head, braces, more = rest.removeprefix(".").partition("{}")
    return {head: [_inside(more, value)] if braces else value}
