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
from typing import TYPE_CHECKING, Any, cast

from converter.errors import suggest
from converter.readers.limits import current, raises
from converter.readers.schema import (
    ANYTHING,
    FLAG,
    MAPPING,
    Either,
    Entries,
    Keys,
    Scalar,
    check,
    error_at,
    list_of,
    matching,
    string,
    value_at,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from converter.readers.schema import KeyPath
    from converter.readers.yaml_document import Document

MAX_REPEAT = 100_000

_UNITS = {"us": 1, "ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}
_DURATION_PART = r"[0-9]{1,12}(?:\.[0-9]{1,6})?(?:ms|us|s|m|h|d)"
_DURATION = re.compile(rf"([-+]?)((?:{_DURATION_PART})+)")
_PART = re.compile(r"([0-9]+)(?:\.([0-9]+))?(ms|us|s|m|h|d)")
_COUNTER = re.compile(r"\{i(?::0([1-9]))?\}")


def parse_time(text: str) -> datetime:
    """Return an ISO-8601 date and time with a zone, in UTC. Raises ValueError, OverflowError."""
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError
    return time.astimezone(UTC)


def _is_time(text: str) -> bool:
    try:
        parse_time(text)
    except (ValueError, OverflowError):
        return False
    return True


def _is_written(value: Any) -> bool:
    return value is not None and not isinstance(value, dict | list) and str(value).strip() != ""


TEXT = Scalar("a string", _is_written, string=True)  # numbers too: it is taken as it is written
TIME = string("a date and time with a zone", _is_time, "for example 2026-01-01T12:00:00Z, or +02:00 in place of Z")
SHUFFLE = Either((FLAG, whole(0, 2**31)))
_LENGTH = matching(rf"(?:{_DURATION_PART})+", "a duration", "for example 5s, 1.5s, 4m or 1h30m")
_START = string(
    "a time with a zone or a duration",
    lambda text: _DURATION.fullmatch(text) is not None or _is_time(text),
    "for example 4m, -1h30m or 2026-01-01T12:00:00Z",
)
_VARIED = Either(
    (
        list_of(ANYTHING, "values to take in turn", least=1),
        string("a string with {i}", lambda text: _COUNTER.search(text) is not None),
    ),
    "write {i} for the number of the event, or {i:03}",
)
GENERATOR = Keys(
    {
        "at": _START,
        "repeat": whole(1, MAX_REPEAT),
        "every": _LENGTH,
        "jitter": _LENGTH,
        "utc_offset": matching(r"[-+]([01][0-9]|2[0-3]):[0-5][0-9]", "an offset from UTC", "for example +02:00"),
        "event": MAPPING,
        "set": MAPPING,
        "vary": Entries(_VARIED),
        "unset": list_of(TEXT, "fields"),
        "shuffle": SHUFFLE,
    }
)


@dataclass(frozen=True, slots=True)
class Frame:
    """What all events of a case file share: what relative times count from, the field of the time, the defaults."""

    base: datetime
    time_field: str
    defaults: Mapping[str, Any]


@dataclass(slots=True)
class Budget:
    """What the cases of a file may still cost: how many events they have, and how many bytes are generated for them."""

    events: int
    size: int

    @classmethod
    def of_file(cls) -> Budget:
        """Return the budget of a case file, by the current limits."""
        return cls(current().events, current().case_bytes)

    def spend(self, document: Document, path: KeyPath, count: int, size: int = 0) -> None:
        """Take away the cost of events, before they are made. Raises CaseError."""
        self.events -= count
        self.size -= count * size
        if self.events < 0:
            message = f"the cases have more than {current().events:,} events"
            raise error_at(document, message, path, raises("events"))
        if self.size < 0:
            message = f"the events of the cases have more than {current().case_bytes:,} bytes"
            raise error_at(document, message, path, raises("case-bytes"))


def make_events(document: Document, path: KeyPath, frame: Frame, budget: Budget) -> list[dict[str, Any]]:
    """Return the events of all entries at `path` in order; `_id` is not set here.

    Raises:
        CaseError: an entry is neither a generator nor a raw event with a time, or the budget is spent.
    """
    events: list[dict[str, Any]] = []
    for number, entry in enumerate(value_at(document, path)):
        here = (*path, number)
        if entry and not any(key in entry for key in GENERATOR.known):
            budget.spend(document, here, 1, _size(entry))
            events.append(_raw_event(document, here, entry, frame))
        else:
            check(document, GENERATOR, *here)
            varied = entry.get("vary", {}).values()
            longest = sum(max(map(_size, value)) if isinstance(value, list) else _size(value) for value in varied)
            size = _size(_template(entry, frame)()) + longest
            budget.spend(document, here, entry.get("repeat", 1), size)
            events.extend(_generate(document, here, entry, frame))
    return events


def _size(value: Any) -> int:
    """Return about how many bytes a value has as JSON."""
    return len(repr(value))


def _microseconds(text: str) -> int:
    """Return a duration such as `90s`, `1h30m` or `-1.5s` in microseconds."""
    total = 0
    for amount, fraction, unit in _PART.findall(text):
        total += int(amount) * _UNITS[unit]
        if fraction:
            total += int(fraction) * _UNITS[unit] // 10 ** len(fraction)
    return -total if text.startswith("-") else total


def _raw_event(document: Document, path: KeyPath, entry: dict[str, Any], frame: Frame) -> dict[str, Any]:
    if frame.time_field not in entry:
        near = next((hint for key in entry if (hint := suggest(key, GENERATOR.known))), "")
        hint = "its fields go under `event:` to have the time filled in" + (f"; {near}" if near else "")
        raise error_at(document, f"a raw event has no {frame.time_field!r}", path, hint)
    return cast("dict[str, Any]", _copy(entry))


def _generate(document: Document, path: KeyPath, entry: dict[str, Any], frame: Frame) -> list[dict[str, Any]]:
    every, jitter = _microseconds(entry.get("every", "0s")), _microseconds(entry.get("jitter", "0s"))
    offset = _offset(entry["utc_offset"]) if "utc_offset" in entry else None
    start = _start(document, path, entry, frame.base)
    chance = random.Random(f"events/{path[-1]}")  # noqa: S311 - reproducible test data, not a secret
    step = 1_000_000 if jitter % 1_000_000 == 0 else 1_000 if jitter % 1_000 == 0 else 1

    template = _template(entry, frame)
    varied = [(field.split("."), _vary(value)) for field, value in entry.get("vary", {}).items()]
    unset = [(document.scalar(*path, "unset", index) or "").split(".") for index in range(len(entry.get("unset", ())))]

    events = []
    for index in range(entry.get("repeat", 1)):
        late = chance.randrange(jitter // step + 1) * step if jitter else 0
        event = template()
        try:
            time = _iso(start + timedelta(microseconds=every * index + late), offset)
        except OverflowError as error:
            raise error_at(document, "the times run beyond the year 9999", path) from error
        _put(event, frame.time_field.split("."), time)
        for field, value in varied:
            _put(event, field, value(index))
        for field in unset:
            _remove(event, field)
        events.append(event)
    shuffle(events, entry.get("shuffle", False))
    return events


def shuffle(events: list[dict[str, Any]], seed: bool | int) -> None:  # noqa: FBT001  a value of the file
    """Put events into another order, in place: true, or a number to have a different one."""
    if seed is not False:
        random.Random(1 if seed is True else seed).shuffle(events)  # noqa: S311 - reproducible test data, not a secret


def _template(entry: Mapping[str, Any], frame: Frame) -> Callable[[], dict[str, Any]]:
    """Return a function that builds the event without what changes from one to the next."""
    layers = [frame.defaults, entry.get("event", {}), entry.get("set", {})]

    def build() -> dict[str, Any]:
        event: dict[str, Any] = {}
        for layer in layers:
            for field, value in layer.items():
                _merge(event, field.split("."), value)
        return event

    return build


def _merge(event: dict[str, Any], field: list[str], value: Any) -> None:
    """Set a field; a mapping is merged into what is there, anything else replaces it."""
    if isinstance(value, dict) and value:
        if not isinstance(_get(event, field), dict):
            _put(event, field, {})
        inner = _get(event, field)
        for key, item in value.items():
            _merge(inner, key.split("."), item)
    else:
        _put(event, field, _copy(value))


def _copy(value: Any) -> Any:
    """Return a value built anew, so that no two events share parts of it."""
    match value:
        case dict():
            return {key: _copy(item) for key, item in value.items()}
        case list():
            return [_copy(item) for item in value]
        case _:
            return value


def _get(event: Any, field: list[str]) -> Any:
    for part in field:
        if not isinstance(event, dict) or part not in event:
            return None
        event = event[part]
    return event


def _put(event: dict[str, Any], field: list[str], value: Any) -> None:
    for part in field[:-1]:
        inner = event.get(part)
        if not isinstance(inner, dict):
            inner = event[part] = {}
        event = inner
    event[field[-1]] = value


def _remove(event: dict[str, Any], field: list[str]) -> None:
    parent = _get(event, field[:-1])
    if isinstance(parent, dict):
        parent.pop(field[-1], None)


def _vary(value: Any) -> Callable[[int], Any]:
    """Return what a varied field holds in the event of a 0-based index."""
    if isinstance(value, list):
        return lambda index: _copy(value[index % len(value)])
    return lambda index: _COUNTER.sub(lambda match: str(index + 1).zfill(int(match[1] or 0)), value)


def _start(document: Document, path: KeyPath, entry: Mapping[str, Any], base: datetime) -> datetime:
    text = entry.get("at", "0s")
    if _is_time(text):
        return parse_time(text)
    try:
        return base + timedelta(microseconds=_microseconds(text))
    except OverflowError as error:
        raise error_at(document, f"at {text!r} is out of range", (*path, "at")) from error


def _iso(time: datetime, offset: timezone | None) -> str:
    time = time.astimezone(offset or UTC)
    micros = time.microsecond
    precision = "microseconds" if micros % 1000 else "milliseconds" if micros else "seconds"
    text = time.isoformat(timespec=precision)
    return text if offset else text.replace("+00:00", "Z")


def _offset(text: str) -> timezone:
    hours, minutes = map(int, text[1:].split(":"))
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if text[0] == "-" else offset)
