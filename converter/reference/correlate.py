"""Correlate matching events: group them, look at the trailing window of each, chain windows to episodes.

matching events ──group──> events of one group in time order ──windows──> satisfied windows ──chain──> Episode
"""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, assert_never

from converter.reference.time import SECOND
from converter.reference.values import find, text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from converter.plan.nodes import Correlation, CountOperator


@dataclass(frozen=True, slots=True)
class Timed:
    """A matching event with its time (nanoseconds) and its position in the log (ties in time are ordered by it)."""

    time: int
    position: int
    event: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Episode:
    """A maximal chain of satisfied windows of one group that overlap: its first and last event, and all of them."""

    group: tuple[str, ...]
    events: tuple[Timed, ...]

    @property
    def first(self) -> int:
        """The time of its first event, in nanoseconds since the epoch."""
        return self.events[0].time

    @property
    def last(self) -> int:
        """The time of its last event, in nanoseconds since the epoch."""
        return self.events[-1].time


def episodes(rule: Correlation, matching: Iterable[Timed]) -> list[Episode]:
    """Return the episodes of an event_count rule, ordered by time and then by group."""
    groups: dict[tuple[str, ...], list[Timed]] = defaultdict(list)
    for event in matching:
        for key in group_keys(event.event, rule.group_by):
            groups[key].append(event)
    found: list[Episode] = []
    span = rule.timespan * SECOND
    for key, events in groups.items():
        events.sort(key=lambda event: (event.time, event.position))
        if rule.sliding:
            found.extend(_chain(key, _sliding(events, span, rule.at_least), span))
        else:
            found.extend(Episode(key, window) for window in _fixed(events, span) if _holds(len(window), rule))
    return sorted(found, key=lambda episode: (episode.first, episode.last, episode.group))


def group_keys(event: Mapping[str, Any], fields: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the groups of an event: one for each combination of the values of the group-by fields.

    None if a field is missing or null. Values are compared as text, case included.
    """
    texts = []
    for field in fields:
        values = dict.fromkeys(text for value in find(event, field) if (text := text_of(value)) is not None)
        if not values:
            return []
        texts.append(list(values))
    return list(product(*texts))


def _sliding(events: Sequence[Timed], span: int, at_least: int) -> Iterator[tuple[Timed, ...]]:
    """Yield, for each event at time t, the events in [t - span, t] if they are enough."""
    window: deque[Timed] = deque()
    for event in events:
        window.append(event)
        while window[0].time < event.time - span:
            window.popleft()
        if len(window) >= at_least:
            yield tuple(window)


def _chain(group: tuple[str, ...], windows: Iterable[tuple[Timed, ...]], span: int) -> Iterator[Episode]:
    """Join windows [t - span, t] that overlap the one before."""
    chain: dict[int, Timed] = {}
    end = 0
    for window in windows:
        if chain and window[-1].time - span > end:
            yield Episode(group, tuple(chain.values()))
            chain = {}
        chain.update((event.position, event) for event in window)
        end = window[-1].time
    if chain:
        yield Episode(group, tuple(chain.values()))


def _fixed(events: Sequence[Timed], span: int) -> Iterator[tuple[Timed, ...]]:
    """Yield the events of each window [k * span, (k + 1) * span) that holds any; the epoch begins one of them."""
    windows: dict[int, list[Timed]] = defaultdict(list)
    for event in events:
        windows[event.time // span].append(event)
    for window in windows.values():
        yield tuple(window)


def _holds(count: int, rule: Correlation) -> bool:
    op: CountOperator = rule.op
    match op:
        case "lt":
            return count < rule.count
        case "lte":
            return count <= rule.count
        case "gt":
            return count > rule.count
        case "gte":
            return count >= rule.count
        case "eq":
            return count == rule.count
        case "neq":
            return count != rule.count
        case _:
            assert_never(op)
