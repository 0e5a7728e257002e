"""What transports and exports wrap around events, a module for each family; `ENVELOPES` of each lists them.

    value of a log ──Opener──> events, each without what was around it

An envelope is recognised by a key that hardly any event has, and by the form of what is below it. A value that only
resembles one is an event. Most envelopes are opened for every reader. Some hold an event as its source wrote it beside
what a product made of it (`_raw`, `event.original`): these are opened only where raw events are asked for.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from functools import cache
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

from converter.readers.envelopes.envelope import Announced, Envelope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import TypeAlias

    from converter.readers.envelopes.envelope import Content

    Stays: TypeAlias = Callable[[dict[str, Any], dict[str, Any]], bool]

_DEEPEST = 6
"""Envelopes in envelopes: a notification of a queue with a batch of records with events."""


@cache
def envelopes(*, raw: bool) -> tuple[Envelope, ...]:
    """Return the envelopes that a reader opens, in the order in which they are tried."""
    modules = [
        importlib.import_module(f"{__name__}.{module_info.name}")
        for module_info in iter_modules(__path__)
        if module_info.name != "envelope"
    ]
    every: list[Envelope] = [item for module in modules for item in getattr(module, "ENVELOPES", ())]
    return tuple(sorted((item for item in every if raw or not item.raw_only), key=lambda item: item.order))


@cache
def _keys(*, raw: bool) -> frozenset[str]:
    return frozenset(item.key for item in envelopes(raw=raw))


@dataclass(slots=True)
class Opener:
    """Opens the envelopes of one log.

    Attributes:
        raw: whether events as their source wrote them are asked for.
        stays: told of a document and the event in it, whether the document is the event that is asked for.
        opened: the names of the envelopes that were opened so far.
        announced: what the line before said of the next one.
    """

    raw: bool
    stays: Stays | None = None
    opened: dict[str, None] = field(default_factory=dict)
    announced: Announced | None = None

    @property
    def keys(self) -> frozenset[str]:
        """The keys by which envelopes are recognised."""
        return _keys(raw=self.raw)

    def passes(self, value: object) -> bool:
        """Return whether a value is an event without an envelope around it."""
        return isinstance(value, dict) and self.announced is None and self.keys.isdisjoint(value)

    def open(self, value: object) -> Iterator[object]:
        """Yield the events of a value, in order; what is not an object comes as it is, for the reader to refuse."""
        if not isinstance(value, dict):
            yield value
            return
        if self.announced is not None:
            value, self.announced = self.announced.completed(value), None
        yield from self._open(value, 0)

    def _open(self, event: dict[str, Any], depth: int) -> Iterator[object]:
        if depth < _DEEPEST and not event.keys().isdisjoint(_keys(raw=self.raw)):
            for envelope in envelopes(raw=self.raw):
                if envelope.key not in event:
                    continue
                content = envelope.open(event)
                if content is None or self._is_asked_for(envelope, event, content):
                    continue
                self.opened.setdefault(envelope.name)
                if isinstance(content, Announced):
                    self.announced = content
                    return
                for item in content:
                    if isinstance(item, dict):
                        yield from self._open(item, depth + 1)
                    else:
                        yield item
                return
        yield event

    def _is_asked_for(self, envelope: Envelope, event: dict[str, Any], content: Content) -> bool:
        """Return whether an envelope that only readers of raw events open is itself what they ask for."""
        if self.stays is None or not envelope.raw_only or not isinstance(content, list) or len(content) != 1:
            return False
        return isinstance(content[0], dict) and self.stays(event, content[0])


def looks_like_a_document(event: Mapping[str, Any]) -> bool:
    """Return whether an event is a document of Elasticsearch, with the names of ECS."""
    below_event = "event" in event and isinstance(event["event"], dict)
    return "@timestamp" in event and (below_event or any(key.startswith(("event.", "ecs.")) for key in event))
