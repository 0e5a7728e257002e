"""Make the events of a case: what is written under `events:` becomes a log.

    {at: 4m, repeat: 30, every: 4s, set: {...}} + defaults + base ──> 30 dicts with a time in each

A generator entry is a recipe; anything else is a raw event that is taken as it is. All randomness is seeded, so a case
is the same log on every machine.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from converter.errors import CaseError, suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from converter.harness.cases.document import Node

MAX_REPEAT = 100_000
MAX_EVENTS = 500_000

GENERATOR_KEYS = ("at", "repeat", "every", "jitter", "utc_offset", "event", "set", "vary", "unset", "shuffle")

_UNITS = {"us": 1, "ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}
_DURATION_PART = r"[0-9]{1,12}(?:\.[0-9]{1,6})?(?:ms|us|s|m|h|d)"
_DURATION = re.compile(rf"([-+]?)((?:{_DURATION_PART})+)")
_PART = re.compile(r"([0-9]+)(?:\.([0-9]+))?(ms|us|s|m|h|d)")
_COUNTER = re.compile(r"\{i(?::0([1-9]))?\}")
_OFFSET = re.compile(r"([-+])([01][0-9]|2[0-3]):([0-5][0-9])")


@dataclass(frozen=True, slots=True)
class Frame:
    """What all events of a case file share: what relative times count from, the field of the time, the defaults."""

    base: datetime
    time_field: str
    defaults: Mapping[str, Node]


def make_events(entries: Sequence[Node], frame: Frame) -> list[dict[str, Any]]:
    """Return the events of all entries in order; `_id` is not set here.

    Raises:
        CaseError: an entry is neither a generator nor a raw event with a time.
    """
    events: list[dict[str, Any]] = []
    for number, entry in enumerate(entries):
        fields = entry.mapping("an event")
        if fields and not any(key in fields for key in GENERATOR_KEYS):
            events.append(_raw_event(entry, frame))
        else:
            events.extend(_generate(entry, number, frame))
        if len(events) > MAX_EVENTS:
            raise CaseError(f"the case has more than {MAX_EVENTS:,} events", entry.place)
    return events


def parse_time(node: Node, what: str) -> datetime:
    """Return an ISO-8601 date and time with a zone, in UTC."""
    text = node.string(what)
    try:
        time = datetime.fromisoformat(text)
        if time.tzinfo is not None:
            return time.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        hint = "expected a date and time such as 2026-01-01T12:00:00Z"
        raise CaseError(f"{what} {text!r} is not a time", node.place, hint) from error
    raise CaseError(f"{what} {text!r} has no time zone", node.place, "add Z, or an offset such as +02:00")


def parse_duration(node: Node, what: str, *, signed: bool = False) -> int:
    """Return a duration such as `90s`, `1h30m` or `1.5s` in microseconds."""
    text = node.string(what)
    match = _DURATION.fullmatch(text)
    if match is None or (match[1] and not signed):
        raise CaseError(f"{what} {text!r} is not a duration", node.place, "expected for example 5s, 1.5s, 4m or 1h30m")
    total = 0
    for whole, fraction, unit in _PART.findall(match[2]):
        total += int(whole) * _UNITS[unit]
        if fraction:
            total += int(fraction) * _UNITS[unit] // 10 ** len(fraction)
    return -total if match[1] == "-" else total


def _raw_event(entry: Node, frame: Frame) -> dict[str, Any]:
    event: dict[str, Any] = entry.plain()
    if frame.time_field not in event:
        near = next((hint for key in event if (hint := suggest(key, GENERATOR_KEYS))), "")
        hint = "its fields go under `event:` to have the time filled in" + (f"; {near}" if near else "")
        raise CaseError(f"a raw event has no {frame.time_field!r}", entry.place, hint)
    return event


def _generate(entry: Node, number: int, frame: Frame) -> list[dict[str, Any]]:
    keys = entry.mapping("a generated event", GENERATOR_KEYS)
    repeat = _integer(keys["repeat"], "repeat", 1, MAX_REPEAT) if "repeat" in keys else 1
    every = parse_duration(keys["every"], "every") if "every" in keys else 0
    jitter = parse_duration(keys["jitter"], "jitter") if "jitter" in keys else 0
    offset = _offset(keys["utc_offset"]) if "utc_offset" in keys else None
    start = _start(keys.get("at"), frame.base)
    chance = random.Random(f"events/{number}")  # noqa: S311 - reproducible test data, not a secret
    step = 1_000_000 if jitter % 1_000_000 == 0 else 1_000 if jitter % 1_000 == 0 else 1

    template = _template(keys, frame)
    varied = [_vary(path, node) for path, node in _mapping_at(keys, "vary").items()]
    unset = [node.string("a field of unset").split(".") for node in _list_at(keys, "unset")]

    events = []
    for index in range(repeat):
        late = chance.randrange(jitter // step + 1) * step if jitter else 0
        event = template()
        _put(event, frame.time_field.split("."), _iso(entry, start, every * index + late, offset))
        for path, value in varied:
            _put(event, path, value(index))
        for path in unset:
            _remove(event, path)
        events.append(event)
    if "shuffle" in keys:
        shuffle(events, keys["shuffle"])
    return events


def shuffle(events: list[dict[str, Any]], node: Node) -> None:
    """Put events into another order, in place: `true`, or a number to have a different one."""
    if node.value is False:
        return
    seed = 1 if node.value is True else _integer(node, "shuffle", 0, 2**31)
    random.Random(seed).shuffle(events)  # noqa: S311 - reproducible test data, not a secret


def _template(keys: Mapping[str, Node], frame: Frame) -> Callable[[], dict[str, Any]]:
    """Return a function that builds the event without what changes from one to the next."""
    layers = [frame.defaults, _mapping_at(keys, "event"), _mapping_at(keys, "set")]

    def build() -> dict[str, Any]:
        event: dict[str, Any] = {}
        for layer in layers:
            for path, node in layer.items():
                _merge(event, path.split("."), node)
        return event

    return build


def _merge(event: dict[str, Any], path: list[str], node: Node) -> None:
    """Set the field at `path`; a mapping is merged into what is there, anything else replaces it."""
    if isinstance(node.value, dict) and node.value:
        if not isinstance(_get(event, path), dict):
            _put(event, path, {})
        inner = _get(event, path)
        for key, value in node.value.items():
            _merge(inner, key.split("."), value)
    else:
        _put(event, path, node.plain())


def _get(event: Any, path: list[str]) -> Any:
    for part in path:
        if not isinstance(event, dict) or part not in event:
            return None
        event = event[part]
    return event


def _put(event: dict[str, Any], path: list[str], value: Any) -> None:
    for part in path[:-1]:
        inner = event.get(part)
        if not isinstance(inner, dict):
            inner = event[part] = {}
        event = inner
    event[path[-1]] = value


def _remove(event: dict[str, Any], path: list[str]) -> None:
    parent = _get(event, path[:-1])
    if isinstance(parent, dict):
        parent.pop(path[-1], None)


def _vary(field: str, node: Node) -> tuple[list[str], Callable[[int], Any]]:
    """Return the path of a varied field and what it holds in the event of a 0-based index."""
    path = field.split(".")
    if isinstance(node.value, list):
        if not node.value:
            raise CaseError("vary has an empty list", node.place, "expected values to take in turn")
        choices = node.value
        return path, lambda index: choices[index % len(choices)].plain()
    text = node.string("vary")
    if not _COUNTER.search(text):
        raise CaseError(f"vary {text!r} never changes", node.place, "write {i} for the number of the event, or {i:03}")
    return path, lambda index: _COUNTER.sub(lambda found: str(index + 1).zfill(int(found[1] or 0)), text)


def _start(node: Node | None, base: datetime) -> datetime:
    if node is None:
        return base
    text = node.string("at")
    if re.match(r"[0-9]{4}-", text):
        return parse_time(node, "at")
    if not _DURATION.fullmatch(text):
        hint = "expected for example 4m, -1h30m or 2026-01-01T12:00:00Z"
        raise CaseError(f"at {text!r} is neither a duration nor a time", node.place, hint)
    try:
        return base + timedelta(microseconds=parse_duration(node, "at", signed=True))
    except OverflowError as error:
        raise CaseError(f"at {text!r} is out of range", node.place) from error


def _iso(entry: Node, start: datetime, later: int, offset: timezone | None) -> str:
    try:
        time = (start + timedelta(microseconds=later)).astimezone(offset or UTC)
    except OverflowError as error:
        raise CaseError("the times run beyond the year 9999", entry.place) from error
    micros = time.microsecond
    precision = "microseconds" if micros % 1000 else "milliseconds" if micros else "seconds"
    text = time.isoformat(timespec=precision)
    return text if offset else text.replace("+00:00", "Z")


def _offset(node: Node) -> timezone:
    match = _OFFSET.fullmatch(node.string("utc_offset"))
    if match is None:
        raise CaseError(f"utc_offset {node.text!r} is not an offset", node.place, "expected for example +02:00")
    minutes = int(match[2]) * 60 + int(match[3])
    return timezone(timedelta(minutes=-minutes if match[1] == "-" else minutes))


def _integer(node: Node, what: str, least: int, most: int) -> int:
    value = node.value
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise CaseError(f"{what} is {node.describe()}", node.place, f"expected a number from {least} to {most:,}")
    return value


def _mapping_at(keys: Mapping[str, Node], key: str) -> Mapping[str, Node]:
    return keys[key].mapping(key) if key in keys else {}


def _list_at(keys: Mapping[str, Node], key: str) -> list[Node]:
    return keys[key].items(key) if key in keys else []
