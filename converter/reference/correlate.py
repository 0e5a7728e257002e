"""Correlate matching events: group them, look at the trailing window of each, chain windows to episodes.

matching events ──group──> events of one group in time order ──windows──> satisfied windows ──chain──> Episode
"""

from __future__ import annotations

from collections import defaultdict
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
            found.extend(
                Episode(key, tuple(events[start:stop])) for start, stop in _chains(events, span, rule.at_least)
            )
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


def _sliding(events: Sequence[Timed], span: int, at_least: int) -> Iterator[tuple[int, int]]:
    """Yield, for each event at time t, which events [start, stop) lie in [t - span, t], if they are enough."""
    start = 0
    for stop, event in enumerate(events, 1):
        while events[start].time < event.time - span:
            start += 1
        if stop - start >= at_least:
            yield start, stop


def _chains(events: Sequence[Timed], span: int, at_least: int) -> Iterator[tuple[int, int]]:
    """Join windows that overlap the one before, and yield which events [start, stop) each chain holds.

    If the window at time t overlaps the one at time u before it, u is in [t - span, t]: the later window begins at the
    event of the earlier one or before it, and nothing lies between them.
    """
    chain: tuple[int, int] | None = None
    for start, stop in _sliding(events, span, at_least):
        if chain is not None and events[stop - 1].time - span <= events[chain[1] - 1].time:
            chain = chain[0], stop
            continue
        if chain is not None:
            yield chain
        chain = start, stop
    if chain is not None:
        yield chain


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
