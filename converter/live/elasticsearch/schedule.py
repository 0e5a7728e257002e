"""Run a rule file's schedule live: all phases advance together, so that their questions can be asked together.

    Kind: times of the documents that can matter ──> phases ──> windows ──question──> answers, equal ones asked once
        ──take──> alerts of each phase ──> Run

A run at time R sees the documents in [R - look-back, R]. The times that the server returned tell which documents these
are, for comparing questions; the query of the run also has the window as a filter, so the server decides.
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
    """The index of the documents, and the field with their times."""

    client: Elasticsearch
    index: str
    clock: str

    def timed(self, query: Mapping[str, Any]) -> list[tuple[int, str]]:
        """Return (time in milliseconds, id) of the documents that match a query and have a time, in order of time."""
        timed = {"bool": {"filter": [query, {"exists": {"field": self.clock}}]}}
        hits = find(self.client, self.index, timed, [{self.clock: "asc"}])
        return [(int(hit.sort[0]), hit.id) for hit in hits]


@dataclass(slots=True)
class Phase:
    """A phase in progress: its alerts so far, and the memory of its runs.

    Attributes:
        known: what has alerted: ids, sets of ids, or buckets with the last time of their alerts.
        last: the window and the alerts of the previous run.
        done: whether another run on the same documents would raise no new alert.
    """

    offset: int
    alerts: list[TargetAlert] = field(default_factory=list)
    known: dict[Any, int] = field(default_factory=dict)
    full: bool = False
    last: tuple[int, int, tuple[TargetAlert, ...]] | None = None
    done: bool = False


@dataclass(frozen=True, slots=True)
class Visit:
    """A run of a phase: its time, and the documents in its window, as positions in the order of time."""

    time: int
    low: int
    high: int


class Kind(ABC):
    """A type of rule: the question that it asks in a window, and the alerts that it makes from the answer."""

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
        """Return (time, id) of all documents that can change the result of a run, in order of time."""

    def question(self, phase: Phase, visit: Visit) -> Hashable:
        """Return a key of a run's question; runs with equal keys get the same answer."""
        del phase
        return visit.low, visit.high

    @abstractmethod
    def ask(self, visits: Sequence[tuple[Phase, Visit]]) -> list[Any]:
        """Return the answers to the questions of several runs."""

    @abstractmethod
    def take(self, phase: Phase, visit: Visit, answer: Any) -> list[TargetAlert]:
        """Return the alerts of a run, and record in the phase what has alerted."""

    def window(self, visit: Visit) -> dict[str, Any]:
        """Return the filter for the window of a run, both ends included."""
        return between(self.place.clock, visit.time - self.rule.look_back_ms, visit.time)


def replay_phases(kind: Kind) -> tuple[Run, ...]:
    """Run every phase; all phases advance together, so that their questions can be asked together."""
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
            alerts = tuple(kind.take(phase, visit, answers[kind.question(phase, visit)]))
            now, before = (visit.low, visit.high, alerts), phase.last
            phase.last = now
            phase.done = not alerts or before == now
            phase.alerts += alerts
        active = [(phase, visits) for phase, visits, _ in runs]
    return tuple(Run(f"{phase.offset} ms", tuple(phase.alerts), full=phase.full) for phase, _ in progress)


def _asks(phase: Phase) -> Callable[[], bool]:
    return lambda: phase.done
