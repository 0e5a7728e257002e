"""What a run of a search has besides its text: the events it may read again, tables, the clock, the limits.

    run(text, events, ...) ──running──> Environment <──current── lookups, subsearches, now(), limits

A compiled search keeps nothing of a run. What it needs of one while it runs it takes from `current()`, so that one
compiled search can run on many logs and at many times.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from converter.targets.splunk.engine.language.values import Row


@dataclass(frozen=True, slots=True)
class Limits:
    """How much Splunk keeps, by its defaults; None means no limit. Sources: NOTES.md, at each command.

    Attributes:
        sort: rows of `sort` without a number.
        streamstats: rows in a window of `streamstats`.
        subsearch: results of a subsearch in `[...]` of a search.
        append: results of the searches of `append`, `union` and `join`.
        list: values that the statistic `list` keeps.
        open_transactions: transactions that `transaction` keeps open.
        open_events: events in open transactions.
        lookup_matches: rows of a table that `lookup` takes for one event.
        rows: rows that `top`, `rare` and `makeresults` make.
    """

    sort: int | None = 10_000
    streamstats: int | None = 10_000
    subsearch: int | None = 10_000
    append: int | None = 50_000
    list: int | None = 100
    open_transactions: int | None = 5_000
    open_events: int | None = 100_000
    lookup_matches: int | None = 100
    rows: int | None = 50_000


NO_LIMITS = Limits(None, None, None, None, None, None, None, None, None)


@dataclass(frozen=True, slots=True)
class Environment:
    """One run.

    Attributes:
        events: yields the rows of the events, fresh ones each time: a subsearch reads the same events.
        tables: rows by name, for `lookup` and `inputlookup`.
        now: the time of the run, in seconds since the epoch; None if the caller gave none.
        window: the earliest and the latest time of the run, likewise; None if it is over whatever events there are.
        limits: how much is kept.
        notes: what the reader of the rows should know, one sentence each: a limit that was touched.
    """

    events: Callable[[], Iterator[Row]] = lambda: iter(())
    tables: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    now: float | None = None
    limits: Limits = Limits()
    notes: dict[str, None] = field(default_factory=dict)
    window: tuple[float, float] | None = None

    def note(self, sentence: str) -> None:
        """Tell the reader of the rows something, once."""
        self.notes.setdefault(sentence)


_CURRENT: ContextVar[Environment] = ContextVar("environment", default=Environment())  # noqa: B039  never written to


def current() -> Environment:
    """Return the run that is going on; outside of one, a run without events, tables and clock."""
    return _CURRENT.get()


@contextmanager
def running(environment: Environment) -> Iterator[None]:
    """Make a run the present one for as long as the block lasts. Rows must be taken inside, as stages are lazy."""
    token = _CURRENT.set(environment)
    try:
        yield
    finally:
        _CURRENT.reset(token)
