"""Find the sequences in a stream of events: the product's state machine.

    events that pass some stage, in time order
        └─> per join key: one pending sequence per stage, the newest overwrites
              └─> completed chains ──missing events──> Match(key, events)

The rules, from SequenceMatcher.java: an event is offered to the last stage first, so it never advances twice; a stage
takes the newest pending sequence of the stage before it, and consumes it even if `maxspan` or `until` then rejects it.
A chain of equal stages therefore yields every run of consecutive events, each one link away from the last.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeAlias

Key: TypeAlias = tuple[Hashable, ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """An event that passes the filters `sources`, with the join keys that each of them gives it."""

    time: int
    event: Any
    sources: tuple[tuple[int, tuple[Key, ...]], ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """A sequence whose runs are unrolled. A source is a distinct pair of filter and keys.

    Args:
        stages: for each stage its source, and whether it is a missing event.
        maxspan: milliseconds, inclusive, or None.
        until: source of the expiring event, or None.
    """

    stages: tuple[tuple[int, bool], ...]
    maxspan: int | None
    until: int | None


@dataclass(frozen=True, slots=True)
class Match:
    """A completed sequence: its key, and the event of each stage, None for a missing one."""

    key: Key
    events: tuple[Any, ...]


# A pending sequence is a chain of links (rank of the event, time of the first event, the link before, the hit):
# sequences share their beginnings, so advancing one costs the same however long it is.
_Link: TypeAlias = "tuple[int, int, _Link | None, Hit]"


@dataclass(slots=True)
class _State:
    """What one join key has pending: a link per stage but the last, and the rank of its latest expiring event."""

    pending: list[_Link | None]
    expired: int = -1


# The times of the events that a missing stage forbids, in order: per source, per join key.
_Absences: TypeAlias = "dict[int, defaultdict[Key, list[int]]]"


def match_sequences(plan: Plan, hits: Iterable[Hit]) -> list[Match]:
    """Return the completed sequences, in the order of their last events.

    Args:
        plan: the sequence.
        hits: events in the order of their time, ties in the order of the log.
    """
    positive = [source for source, missing in plan.stages if not missing]
    forbidden = {source for source, missing in plan.stages if missing}
    stages_of: dict[int, tuple[int, ...]] = {
        source: tuple(stage for stage, category in enumerate(positive) if category == source) for source in positive
    }
    merged: dict[tuple[int, ...], tuple[int, ...]] = {}
    states: dict[Key, _State] = {}
    absences: _Absences = {source: defaultdict(list) for source in forbidden}
    completed: list[tuple[Key, _Link]] = []
    last = len(positive) - 1

    for rank, hit in enumerate(hits):
        by_key: dict[Key, tuple[int, ...]] = {}
        for source, keys in hit.sources:
            if source in stages_of:
                for key in keys:
                    by_key[key] = (*by_key.get(key, ()), source)
            if source in forbidden:
                for key in keys:
                    absences[source][key].append(hit.time)
        for key, sources in by_key.items():
            descending = merged.get(sources)
            if descending is None:
                every = chain.from_iterable(stages_of[source] for source in sources)
                descending = merged[sources] = tuple(sorted(every, reverse=True))
            state = states.get(key)
            if state is None:
                state = states[key] = _State([None] * last)
            done = _advance(state, descending, last, rank, hit, plan.maxspan)
            if done is not None:
                completed.append((key, done))
        if plan.until is not None:
            _expire(plan.until, hit, states, rank)
    return [Match(key, events) for key, link in completed if (events := _events(plan, absences, key, link)) is not None]


def _advance(
    state: _State, descending: tuple[int, ...], last: int, rank: int, hit: Hit, maxspan: int | None
) -> _Link | None:
    """Offer one event to each of its stages, last first; return the sequence that it completes."""
    pending = state.pending
    time = hit.time
    done: _Link | None = None
    for stage in descending:
        if stage == 0:
            link: _Link = (rank, time, None, hit)
        else:
            before = pending[stage - 1]
            if before is None:
                continue
            pending[stage - 1] = None
            if maxspan is not None and time - before[1] > maxspan:
                continue
            if state.expired >= before[0]:
                continue
            link = (rank, before[1], before, hit)
        if stage == last:
            done = link
        else:
            pending[stage] = link
    return done


def _expire(until: int, hit: Hit, states: dict[Key, _State], rank: int) -> None:
    """Note an expiring event; it acts on what is pending now, the event's own part in a sequence included."""
    for source, keys in hit.sources:
        if source == until:
            for key in keys:
                state = states.get(key)
                if state is not None:
                    state.expired = rank


def _events(plan: Plan, absences: _Absences, key: Key, link: _Link | None) -> tuple[Any, ...] | None:
    """Return the events of all stages, or None if an event that must be missing is there."""
    links: list[_Link] = []
    while link is not None:
        links.append(link)
        link = link[2]
    links.reverse()
    if not absences:
        return tuple(item[3].event for item in links)
    if _broken(plan, absences, key, links):
        return None
    remaining = iter(links)
    return tuple(None if missing else next(remaining)[3].event for _, missing in plan.stages)


def _broken(plan: Plan, absences: _Absences, key: Key, links: list[_Link]) -> bool:
    """Return whether a missing event occurs.

    Between two events of the sequence any occurrence counts. Before the first, one no more than maxspan before the
    last; after the last, one no more than maxspan after the first. A sequence with both kinds is broken only if one
    before and one after lie within maxspan of each other: otherwise some span around the sequence holds neither. The
    product asks for them by time alone, so one at the very time of an event of the sequence is not found.
    """
    maxspan = plan.maxspan or 0
    first, last = links[0][3].time, links[-1][3].time
    before: list[int] = []
    after: list[int] = []
    leading = trailing = False
    passed = 0
    for source, missing in plan.stages:
        if not missing:
            passed += 1
            continue
        leading = leading or passed == 0
        trailing = trailing or passed == len(links)
        times = absences[source].get(key)
        if times is None:
            continue
        if passed == 0:
            index = bisect_left(times, first) - 1
            if index >= 0 and times[index] >= last - maxspan:
                before.append(times[index])
        elif passed == len(links):
            index = bisect_right(times, last)
            if index < len(times) and times[index] <= first + maxspan:
                after.append(times[index])
        elif bisect_left(times, links[passed][3].time) > bisect_right(times, links[passed - 1][3].time):
            return True
    if leading and trailing:
        return bool(before) and bool(after) and min(after) - max(before) <= maxspan
    return bool(before or after)
