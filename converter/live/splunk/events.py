"""An event as Splunk has it, turned back into what the HTTP event collector takes.

    view of an event ──json_of──> JSON text ──envelope──> {"time", "index", "source", "sourcetype", "fields", "event"}

Splunk extracts the fields from the JSON text itself. It is the event's own text where the fields of the view are those
of the text, so that nulls, numbers and keywords are what they are; else a text is made that has just these fields.
`index`, `source`, `sourcetype` and `host` are the run's own in Splunk; what the event says of them goes into fields of
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
"""An indexed field: it is no part of the event's text."""

KEEP_ID = f"\n| fields {ID_FIELD}"
"""What is put behind a search for events: keeps the id, if there still is one, and `_time`."""

OWN = ("index", "source", "sourcetype", "host")
"""Fields that Splunk gives every event when it takes it in."""

_ADDED = frozenset({"_id", "_time", "_raw"})
_MICRO = 1_000_000
_BATCH_BYTES = 500_000
_LATEST = 2**33  # the year 2242; Splunk's own limit is in no document


def renamed(name: str) -> str:
    """Return the field that holds what an event says of one of `OWN`."""
    return f"sigma_convert_{name}"


def time_of(event: Event) -> int:
    """Return an event's time in microseconds.

    Raises:
        LiveError: it has none, and Splunk would give it the time at which it arrives.
    """
    value = event.get("_time")
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
        raise LiveError(
            f"the event {_id(event)} has no time, and Splunk would give it the time at which it arrives",
            hint="give each event a time",
        )
    if not 0 <= value < _LATEST:
        raise LiveError(f"the event {_id(event)} is of {value:g}, a time that Splunk may not take")
    return round(value * _MICRO)


def seconds(micros: int) -> str:
    """Return a time as the collector and a search job take it: seconds with six digits."""
    return f"{micros // _MICRO}.{micros % _MICRO:06d}"


def time_range(events: Iterable[Event]) -> tuple[str, str]:
    """Return the range of a job over all events, in whole seconds; its end is not in it. See `time_of`."""
    times = [time_of(event) // _MICRO for event in events]
    return str(min(times)), str(max(times) + 1)


def texts_of_events(events: Iterable[Event], named: Collection[str], *, keywords: bool) -> tuple[str, ...]:
    """Return the JSON text that each event is sent as.

    Args:
        events: as the view has them.
        named: which of `OWN` the search compares.
        keywords: whether it looks for words in the text, which then must be the event's own.

    Raises:
        LiveError: no JSON text has the fields of an event, or it cannot be the event's own and must be.
    """
    texts = []
    for event in events:
        text = json_of(event, named)
        if keywords and text != event.get("_raw"):
            raise LiveError(
                f"the search looks for words in the text of the event {_id(event)}, which cannot be sent as it is",
                hint="its text is not JSON, or the search also compares what it says of " + ", ".join(OWN),
            )
        texts.append(text)
    return tuple(texts)


def batches(events: Iterable[Event], texts: Iterable[str], index: str, source: str) -> Iterator[bytes]:
    """Yield the bodies of requests to the collector: its JSON objects, one after another.

    Args:
        events: as the view has them.
        texts: from `texts_of_events`.
        index: where they go.
        source: marks those of one run.

    Raises:
        LiveError: see `time_of`; or a text that cannot be sent.
    """
    held: list[bytes] = []
    size = 0
    for event, text in zip(events, texts, strict=True):
        one = _envelope(event, text, index, source)
        if held and size + len(one) > _BATCH_BYTES:
            yield b"\n".join(held)
            held, size = [], 0
        held.append(one)
        size += len(one)
    if held:
        yield b"\n".join(held)


def json_of(event: Event, named: Collection[str] = ()) -> str:
    """Return the JSON text that an event is sent as. See `texts_of_events`."""
    fields = {
        name: _plain(value) for name, value in event.items() if name not in _ADDED and value is not None and value != []
    }
    raw = event.get("_raw")
    parsed = _object(raw)
    own_text = parsed is not None and _says(parsed, fields)
    content = parsed if parsed is not None and own_text else _nested(fields)
    told = {name for name in OWN if name in content and not isinstance(content[name], (dict, list))}
    for name in told:
        content[renamed(name)] = content.pop(name)
    for name in (set(named) & fields.keys()) - told:
        content[renamed(name)] = fields[name]
        told.add(name)
    if own_text and not told and isinstance(raw, str):
        return raw
    wanted = {
        renamed(name) if name in told else name: value
        for name, value in fields.items()
        if name in told or name not in OWN
    }
    found = extract(content)
    if found != wanted:
        unlike = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
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


def _says(parsed: Mapping[str, Any], fields: Mapping[str, Any]) -> bool:
    """Return whether the fields are those of a parsed text, but for what a view says of where it came from."""
    found = extract(parsed)
    return not _ADDED & found.keys() and all(
        found.get(name) == fields.get(name) or (name in OWN and name not in found)
        for name in found.keys() | fields.keys()
    )


def _plain(value: Any) -> Any:
    """Return a field as the extraction of JSON gives it: a text, or a list of several."""
    if isinstance(value, (list, tuple)):
        found = [one if isinstance(one, str) else text_of(one) for one in value]
        return found[0] if len(found) == 1 else found
    return value if isinstance(value, (str, dict)) else text_of(value)


def _nested(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a JSON object with these fields: `a.b` stays a key with a dot, `a{}` is a list, `a{}.b` one of objects."""
    content: dict[str, Any] = {}
    for name, value in fields.items():
        head, braces, rest = name.partition("{}")
        if not braces:
            content[name] = value
            continue
        listed = content.setdefault(head, [])
        values = value if isinstance(value, list) else [value]
        if isinstance(listed, list):
            listed.extend(_inside(rest, one) for one in values)
    return content


def _inside(rest: str, value: Any) -> Any:
    """Return the element of a list in which a value has the rest of its name."""
    if not rest:
        return value
    if rest.startswith("{}"):
        return [_inside(rest[2:], value)]
    head, braces, more = rest.removeprefix(".").partition("{}")
    return {head: [_inside(more, value)] if braces else value}
