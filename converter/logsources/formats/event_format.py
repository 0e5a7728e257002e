"""The format of an event, the recognisers that determine it, and the event with Sigma's field names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    Recognise: TypeAlias = Callable[[Mapping[str, Any]], "EventFormat | None"]

# Top-level fields in which the reference looks for the time of an event. An added time must not override them.
_TIMES = ("@timestamp", "_time", "eventTime", "timestamp", "time", "UtcTime", "TimeCreated")


_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class EventSource:
    """The log source of an event, in terms of Sigma's taxonomy.

    Attributes:
        product: its product.
        services: its services; None if the event does not tell.
        categories: its categories; None if the event does not tell.
        perhaps: services and categories that it may have.
    """

    product: str
    services: frozenset[str] | None = _NONE
    categories: frozenset[str] | None = _NONE
    perhaps: frozenset[str] = _NONE


@dataclass(frozen=True, slots=True)
class Recogniser:
    """A recogniser of a format.

    Attributes:
        order: recognisers with a lower number are asked first; more certain ones come first.
        key: only events with this top-level key are passed to it.
        recognise: returns the format of an event, or None.
    """

    order: int
    key: str
    recognise: Recognise


@dataclass(frozen=True, slots=True, eq=False)
class EventFormat:
    """The format of an event. Compared by identity: recognisers return the same object for the same answer.

    Attributes:
        source: the log source of the event.
        names: takes the event, and returns a new dict of Sigma's field names and their values.
        merged: whether `names` has merged in the event's values of the same names; if not, the event's values win.
    """

    source: EventSource
    names: Callable[[Mapping[str, Any]], dict[str, Any]]
    merged: bool = False

    def view(self, event: Mapping[str, Any]) -> SigmaView:
        """Return the event with Sigma's names."""
        names = self.names(event)
        # Names with an underscore are metadata to us (`_id`, `_raw`), which the data of an event must not set.
        for name in [name for name in names if name[:1] == "_"]:
            del names[name]
        return SigmaView(event, {**event, **names} if self.merged else {**names, **event})


class SigmaView(dict[str, Any]):
    """An event with Sigma's field names added.

    It is a dict because a field is a path through dicts.

    Attributes:
        raw: the event as it is in the log.
    """

    __slots__ = ("raw",)
    raw: Mapping[str, Any]

    def __init__(self, raw: Mapping[str, Any], fields: Mapping[str, Any]) -> None:
        super().__init__(fields)
        self.raw = raw


def words(string: str) -> frozenset[str]:
    """Return the words of a string."""
    return frozenset(string.split())


def own_names(_: Mapping[str, Any]) -> dict[str, Any]:
    """Return no names: Sigma uses those that the event has."""
    return {}


def add(names: dict[str, Any], name: str, value: Any) -> None:
    """Add a value to a name, beside the values that it has."""
    if name not in names:
        names[name] = value
        return
    before = names[name]
    names[name] = [
        *(before if isinstance(before, list) else [before]),
        *(value if isinstance(value, list) else [value]),
    ]


def add_time(names: dict[str, Any], event: Mapping[str, Any], value: Any) -> None:
    """Add the time of the event as `@timestamp`, unless the event has a field in which the reference looks for it."""
    if value is not None and not any(event.get(name) is not None for name in _TIMES):
        names["@timestamp"] = value


def inner(event: Any, *path: str) -> Any:
    """Return the value at the end of a path through objects, or None."""
    for step in path:
        event = event.get(step) if isinstance(event, dict) else None
    return event
