"""Correlate matching events: group them, measure windows of a group, chain satisfied windows to episodes.

    matches of each rule ──group──> members of one group in time order ──windows, measure──> satisfied windows
                                                                             └──chain──> Episode

A correlation that counts another one sees each episode of that as an event at its end; see `Timed`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

from converter.plan import nodes as ir
from converter.reference.measure import meter_of
from converter.reference.members import Member, Timed
from converter.reference.time import SECOND
from converter.reference.values import find, number_of, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

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


def episodes(rule: ir.Correlation, matching: Sequence[Sequence[Timed]]) -> list[Episode]:
    """Return the episodes of a correlation, ordered by time and then by group.

    Args:
        rule: the correlation.
        matching: what matches each of its rules, in their order. The same event is the same object everywhere.
    """
    found: list[Episode] = []
    span = rule.timespan * SECOND
    for key, members in _groups(rule, matching).items():
        members.sort(key=lambda member: (member.time, member.timed.position))
        if rule.sliding:
            chains = _chains(members, span, meter_of(rule))
            found.extend(Episode(key, _events(members[start:stop])) for start, stop in chains)
        else:
            windows = _fixed(members, span, lambda: meter_of(rule))
            found.extend(Episode(key, _events(window)) for window in windows)
    return sorted(found, key=lambda episode: (episode.first, episode.last, episode.group))


def group_keys(event: Mapping[str, Any], fields: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the groups of an event: one for each combination of the values of the group-by fields.

    None if a field is missing or null. Values are compared as text, case included.
    """
    texts = []
    for name in fields:
        values = dict.fromkeys(text for value in find(event, name) if (text := text_of(value)) is not None)
        if not values:
            return []
        texts.append(list(values))
    return list(product(*texts))


def _groups(rule: ir.Correlation, matching: Sequence[Sequence[Timed]]) -> dict[tuple[str, ...], list[Member]]:
    """Return the members of each group; an event that matches several rules is one, and has values by all of them."""
    groups: dict[tuple[str, ...], dict[int, Member]] = defaultdict(dict)
    for index, (reference, matches) in enumerate(zip(rule.rules, matching, strict=True)):
        for timed in matches:
            for key in group_keys(timed.event, reference.group_by):
                member = groups[key].setdefault(id(timed), Member(timed))
                member.rules.add(index)
                member.names[reference.fields] = None
    values = _reader(rule)
    if values is None:
        return {key: list(members.values()) for key, members in groups.items()}
    found: dict[tuple[str, ...], list[Member]] = {}
    for key, members in groups.items():
        for member in members.values():
            member.values = values(member)
        found[key] = [member for member in members.values() if member.values]
    return found


def _reader(rule: ir.Correlation) -> Callable[[Member], Sequence[Any]] | None:
    """Return how the values of a member are read, or None if the measure needs none; without a value it is left out."""
    match rule.measure:
        case ir.EventCount() | ir.Temporal() | ir.TemporalOrdered():
            return None
        case ir.ValueCount():
            return _combinations
        case _:
            return _numbers


def _combinations(member: Member) -> list[tuple[str, ...]]:
    found = (one for names in member.names for one in group_keys(member.timed.event, names))
    return list(dict.fromkeys(found))


def _numbers(member: Member) -> list[int | float]:
    values = (value for (name,) in member.names for value in find(member.timed.event, name))
    return [number for value in values if (number := number_of(value)) is not None]


def _sliding(members: Sequence[Member], span: int, meter: Meter) -> Iterator[tuple[int, int]]:
    """Yield, for each time t at which there is a member, which ones [start, stop) lie in [t - span, t], if they hold.

    What has the same time is judged together.
    """
    start = stop = 0
    while stop < len(members):
        time = members[stop].time
        while stop < len(members) and members[stop].time == time:
            meter.add(members[stop])
            stop += 1
        while members[start].time < time - span:
            meter.drop(members[start])
            start += 1
        if meter.holds(time - span):
            yield start, stop


def _chains(members: Sequence[Member], span: int, meter: Meter) -> Iterator[tuple[int, int]]:
    """Join windows that overlap the one before, and yield which members [start, stop) each chain holds.

    If the window at time t overlaps the one at time u before it, u is in [t - span, t]: the later window begins at the
    member of the earlier one or before it, and nothing lies between them.
    """
    chain: tuple[int, int] | None = None
    for start, stop in _sliding(members, span, meter):
        if chain is not None and members[stop - 1].time - span <= members[chain[1] - 1].time:
            chain = chain[0], stop
            continue
        if chain is not None:
            yield chain
        chain = start, stop
    if chain is not None:
        yield chain


def _fixed(members: Sequence[Member], span: int, meter: Callable[[], Meter]) -> Iterator[list[Member]]:
    """Yield the members of each window [k * span, (k + 1) * span) that has any and holds; the epoch begins one."""
    windows: dict[int, list[Member]] = defaultdict(list)
    for member in members:
        windows[member.time // span].append(member)
    for number, window in windows.items():
        measured = meter()
        for member in window:
            measured.add(member)
        if measured.holds(number * span):
            yield window


def _events(members: Sequence[Member]) -> tuple[Timed, ...]:
    """Return the events of members, those of episodes in their place, each once, in order of time."""
    if not any(member.timed.parts for member in members):
        return tuple(member.timed for member in members)
    found = {id(event): event for member in members for event in member.timed.parts or (member.timed,)}
    return tuple(sorted(found.values(), key=lambda event: (event.time, event.position)))
