"""What a recogniser says of an event, and the event with Sigma's names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    Recognise: TypeAlias = Callable[[Mapping[str, Any]], "Shape | None"]

# Where the reference looks for the time of an event, at the top. A name that adds a time must not overrule them.
_TIMES = ("@timestamp", "_time", "eventTime", "timestamp", "time", "UtcTime", "TimeCreated")


_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class EventSource:
    """What an event is about, in the words of Sigma.

    Attributes:
        product: its product.
        services: the services it belongs to; None if that cannot be told from the event.
        categories: the same of categories.
        perhaps: services and categories that it may belong to.
    """

    product: str
    services: frozenset[str] | None = _NONE
    categories: frozenset[str] | None = _NONE
    perhaps: frozenset[str] = _NONE


@dataclass(frozen=True, slots=True)
class Recogniser:
    """How a module of `formats` recognises events.

    Attributes:
        order: recognisers with a lower number are asked first; what is surer stands first.
        key: only events with this key at the top are shown to it.
        recognise: from the event to its shape, or None.
    """

    order: int
    key: str
    recognise: Recognise


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """How an event is built. Compared by identity: recognisers return the same object for the same answer.

    Attributes:
        source: what the event is about.
        names: from the event to a new dict, Sigma's field names and their values.
        merged: whether `names` has merged in what the event has under the same names; else the event's own count.
    """

    source: EventSource
    names: Callable[[Mapping[str, Any]], dict[str, Any]]
    merged: bool = False

    def view(self, event: Mapping[str, Any]) -> SigmaView:
        """Return the event with Sigma's names."""
        names = self.names(event)
        # Such names are metadata to us (`_id`, `_raw`), and the data of an event must not be able to set them.
        for name in [name for name in names if name[:1] == "_"]:
            del names[name]
        return SigmaView(event, {**event, **names} if self.merged else {**names, **event})


class SigmaView(dict[str, Any]):
    """An event that also answers to Sigma's field names.

    It is a dict because a field is a path through dicts.

    Attributes:
        raw: the event as it is in the log.
    """

    __slots__ = ("raw",)
    raw: Mapping[str, Any]

    def __init__(self, raw: Mapping[str, Any], fields: Mapping[str, Any]) -> None:
        super().__init__(fields)
        self.raw = raw


def words(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


def own_names(_: Mapping[str, Any]) -> dict[str, Any]:
    """Sigma uses the names that the event has."""
    return {}


def add(names: dict[str, Any], name: str, value: Any) -> None:
    """Add a value; if the name has one, each counts."""
    if name not in names:
        names[name] = value
        return
    before = names[name]
    names[name] = [
        *(before if isinstance(before, list) else [before]),
        *(value if isinstance(value, list) else [value]),
    ]


def add_time(names: dict[str, Any], event: Mapping[str, Any], value: Any) -> None:
    """Add the time of the event as `@timestamp`, unless the event has a time where times are looked for."""
    if value is not None and not any(event.get(name) is not None for name in _TIMES):
        names["@timestamp"] = value


def inner(event: Any, *path: str) -> Any:
    """Return the value at the end of a path through objects, or None."""
    for step in path:
        event = event.get(step) if isinstance(event, dict) else None
    return event
