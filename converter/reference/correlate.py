"""Correlate matching events: group them, measure windows of a group, chain satisfied windows into episodes.

    matches of each rule ──group──> members of one group in time order ──windows, measure──> satisfied windows
                                               Episode <──upper limits of a range── Chain <──those that overlap──┘

To a correlation that counts another one, each episode of the other is an event at the episode's end; see `Timed`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from converter.errors import RuleError
from converter.plan import nodes as ir
from converter.readers.query_budget import combinations
from converter.reference.measure import meets, meter_of
from converter.reference.members import Member, Timed
from converter.reference.time import SECOND
from converter.reference.values import find, number_of, string_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from fractions import Fraction

    from converter.reference.measure import Meter


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


@dataclass(frozen=True, slots=True)
class Chain:
    """Satisfied windows that overlap: the members [start, stop), and the largest measure of a window."""

    start: int
    stop: int
    peak: Fraction | float


def episodes(rule: ir.Correlation, matching: Sequence[Sequence[Timed]]) -> list[Episode]:
    """Return the episodes of a correlation, ordered by time and then by group.

    Args:
        rule: the correlation.
        matching: for each of its rules, in order, the events that match. One event is one object in all of them.
    """
    result: list[Episode] = []
    span = rule.timespan * SECOND
    for key, members in _groups(rule, matching).items():
        members.sort(key=lambda member: (member.time, member.timed.position))
        if rule.sliding:
            chains = _chains(members, span, meter_of(rule))
            result.extend(
                Episode(key, _events(members[chain.start : chain.stop]))
                for chain in chains
                if meets(chain.peak, rule.peak_limits)
            )
        else:
            windows = _fixed(members, span, lambda: meter_of(rule))
            result.extend(Episode(key, _events(window)) for window in windows)
    return sorted(result, key=lambda episode: (episode.first, episode.last, episode.group))


def group_keys(event: Mapping[str, Any], fields: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the groups of an event: one for each combination of the values of the group-by fields.

    Empty if a field is missing or null. Values are compared as strings, with case.
    """
    choices = []
    for name in fields:
        strings = dict.fromkeys(string for value in find(event, name) if (string := string_of(value)) is not None)
        if not strings:
            return []
        choices.append(list(strings))
    return list(combinations(choices, RuleError))


def _groups(rule: ir.Correlation, matching: Sequence[Sequence[Timed]]) -> dict[tuple[str, ...], list[Member]]:
    """Return the members of each group; an event that matches several rules is one member, with the values of each."""
    groups: dict[tuple[str, ...], dict[int, Member]] = defaultdict(dict)
    for index, (reference, matches) in enumerate(zip(rule.rules, matching, strict=True)):
        for timed in matches:
            for key in group_keys(timed.event, reference.group_by):
                member = groups[key].setdefault(id(timed), Member(timed))
                member.rules.add(index)
                member.names[reference.fields] = None
    read = _reader(rule)
    if read is None:
        return {key: list(members.values()) for key, members in groups.items()}
    measured: dict[tuple[str, ...], list[Member]] = {}
    for key, members in groups.items():
        for member in members.values():
            member.values = read(member)
        measured[key] = [member for member in members.values() if member.values]
    return measured


def _reader(rule: ir.Correlation) -> Callable[[Member], Sequence[Any]] | None:
    """Return a function that reads a member's values; None if the measure needs none. One without values is dropped."""
    match rule.measure:
        case ir.EventCount() | ir.Temporal() | ir.TemporalOrdered():
            return None
        case ir.ValueCount():
            return _combinations
        case _:
            return _numbers


def _combinations(member: Member) -> list[tuple[str, ...]]:
    combinations = (combination for names in member.names for combination in group_keys(member.timed.event, names))
    return list(dict.fromkeys(combinations))


def _numbers(member: Member) -> list[int | float]:
    values = (value for (name,) in member.names for value in find(member.timed.event, name))
    return [number for value in values if (number := number_of(value)) is not None]


def _sliding(members: Sequence[Member], span: int, meter: Meter) -> Iterator[Chain]:
    """Yield each window [t - span, t] that meets the limits of a window, as a chain of its own.

    There is a window at the time t of each member; members with the same time enter it together.
    """
    start = stop = 0
    for simultaneous in _simultaneous(members):
        since = simultaneous[0].time - span
        meter.add(simultaneous)
        stop += len(simultaneous)
        while members[start].time < since:
            meter.drop(members[start])
            start += 1
        if meter.holds(since):
            yield Chain(start, stop, meter.value(since))


def _chains(members: Sequence[Member], span: int, meter: Meter) -> Iterator[Chain]:
    """Join windows that overlap the one before, and yield each chain.

    If the window at time t overlaps the one at time u before it, u is in [t - span, t]: the later window begins at the
    member of the earlier one or before it, and nothing lies between them.
    """
    chain: Chain | None = None
    for window in _sliding(members, span, meter):
        if chain is not None and members[window.stop - 1].time - span <= members[chain.stop - 1].time:
            chain = Chain(chain.start, window.stop, max(chain.peak, window.peak))
            continue
        if chain is not None:
            yield chain
        chain = window
    if chain is not None:
        yield chain


def _fixed(members: Sequence[Member], span: int, meter: Callable[[], Meter]) -> Iterator[list[Member]]:
    """Yield the members of each window [k * span, (k + 1) * span) since the epoch that has any and meets the limits."""
    windows: dict[int, list[Member]] = defaultdict(list)
    for member in members:
        windows[member.time // span].append(member)
    for number, window in windows.items():
        measured = meter()
        for simultaneous in _simultaneous(window):
            measured.add(simultaneous)
        if measured.holds(number * span):
            yield window


def _simultaneous(members: Sequence[Member]) -> Iterator[list[Member]]:
    """Yield the members of each time; `members` are in order of time."""
    for _, group in groupby(members, key=lambda member: member.time):
        yield list(group)


def _events(members: Sequence[Member]) -> tuple[Timed, ...]:
    """Return the events of members, each episode replaced by its own events, each once, in order of time."""
    if not any(member.timed.parts for member in members):
        return tuple(member.timed for member in members)
    events = {id(event): event for member in members for event in member.timed.parts or (member.timed,)}
    return tuple(sorted(events.values(), key=lambda event: (event.time, event.position)))
