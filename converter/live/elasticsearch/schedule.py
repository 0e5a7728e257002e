"""The schedule of a live rule file: all phases advance together, so that what they ask can be asked at once.

    Kind: times of the documents that can matter ──> phases ──> windows ──question──> answers, equal ones asked once
        ──take──> alerts of each phase ──> Run

A run at time R sees the documents in [R - look-back, R]. Which those are follows from the times that the server gave;
the query of the run carries the window as a filter all the same, and the server decides.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from converter.live.elasticsearch.search import between, find
from converter.targets.core.target import Run
from converter.targets.elastic_toml.engine.schedule import phases, windows

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence

    from elasticsearch import Elasticsearch

    from converter.targets.core.target import Event, Query, TargetAlert
    from converter.targets.elastic_toml.engine.rule import RuleFile


@dataclass(frozen=True, slots=True)
class Place:
    """Where the documents are, and the field with their times."""

    client: Elasticsearch
    index: str
    clock: str

    def timed(self, query: Mapping[str, Any]) -> list[tuple[int, str]]:
        """Return (time in milliseconds, id) of the documents that a query finds and that have a time, in order."""
        timed = {"bool": {"filter": [query, {"exists": {"field": self.clock}}]}}
        hits = find(self.client, self.index, timed, [{self.clock: "asc"}])
        return [(int(hit.sort[0]), hit.id) for hit in hits]


@dataclass(slots=True)
class Phase:
    """One phase in progress: what it has found, and what its runs remember.

    Attributes:
        known: what has alerted: ids, sets of ids, or by bucket the last time of its alert.
        last: the window and the alerts of the run before.
        done: whether another run on the same documents would give nothing new.
    """

    offset: int
    alerts: list[TargetAlert] = field(default_factory=list)
    known: dict[Any, int] = field(default_factory=dict)
    full: bool = False
    last: tuple[int, int, tuple[TargetAlert, ...]] | None = None
    done: bool = False


@dataclass(frozen=True, slots=True)
class Visit:
    """One run of one phase: its time, and the documents in its window by their place in the order of time."""

    time: int
    low: int
    high: int


class Kind(ABC):
    """What a type of rule asks in a window, and what it makes of the answer."""

    def __init__(self, rule: RuleFile, query: Query, place: Place, events: Mapping[str, Event]) -> None:
        self.rule = rule
        self.query = query
        self.place = place
        self.events = events
        self.most = rule.max_signals
        self.documents = self.relevant()

    @property
    def times(self) -> list[int]:
        """The times of the documents that can matter, sorted."""
        return [time for time, _ in self.documents]

    @abstractmethod
    def relevant(self) -> list[tuple[int, str]]:
        """Return (time, id) of the documents without which no run would find anything else, in order of time."""

    def question(self, phase: Phase, visit: Visit) -> Hashable:
        """Return what tells the questions of two runs apart: equal ones have the same answer."""
        del phase
        return visit.low, visit.high

    @abstractmethod
    def ask(self, visits: Sequence[tuple[Phase, Visit]]) -> list[Any]:
        """Return the answers to the questions of several runs."""

    @abstractmethod
    def take(self, phase: Phase, visit: Visit, answer: Any) -> list[TargetAlert]:
        """Return the alerts of a run, and note in the phase what has alerted."""

    def window(self, visit: Visit) -> dict[str, Any]:
        """Return the filter for the window of a run: both ends are in it."""
        return between(self.place.clock, visit.time - self.rule.look_back_ms, visit.time)


def replay_phases(kind: Kind) -> tuple[Run, ...]:
    """Run every phase. All of them advance together, so that what they ask can be asked at once."""
    rule, times = kind.rule, kind.times
    progress: list[tuple[Phase, Iterator[tuple[int, int, int]]]] = []
    for offset in phases(times, rule.interval_ms, rule.look_back_ms):
        phase = Phase(offset)
        progress.append((phase, windows(times, offset, rule.interval_ms, rule.look_back_ms, _asks(phase))))
    answers: dict[Hashable, Any] = {}
    active = progress
    while active:
        runs = [(phase, visits, Visit(*at)) for phase, visits in active if (at := next(visits, None)) is not None]
        new: dict[Hashable, tuple[Phase, Visit]] = {}
        for phase, _, visit in runs:
            question = kind.question(phase, visit)
            if question not in answers:
                new.setdefault(question, (phase, visit))
        answers.update(zip(new, kind.ask(list(new.values())), strict=True))
        for phase, _, visit in runs:
            found = tuple(kind.take(phase, visit, answers[kind.question(phase, visit)]))
            now, before = (visit.low, visit.high, found), phase.last
            phase.last = now
            phase.done = not found or before == now
            phase.alerts += found
        active = [(phase, visits) for phase, visits, _ in runs]
    return tuple(Run(f"{phase.offset} ms", tuple(phase.alerts), full=phase.full) for phase, _ in progress)


def _asks(phase: Phase) -> Callable[[], bool]:
    return lambda: phase.done
