"""How events become transactions: which are open, which one an event joins, when each is closed.

    rows, newest first ──shared fields, filters, limits──> open transactions ──closed──> one row each

Splunk reads events from the newest to the oldest, so the event that `endswith` finds opens a transaction and the one
that `startswith` finds closes it. An event joins the open transaction that it agrees with; of several the one that was
joined last.
"""

from __future__ import annotations

import dataclasses
from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from converter.readers.source import NOWHERE
from converter.targets.splunk.engine.language.run_context import current
from converter.targets.splunk.engine.language.syntax import CommandNode
from converter.targets.splunk.engine.language.values import put, text_of, tidy, values_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from converter.readers.source import Span
    from converter.targets.splunk.engine.commands.base import SearchContext
    from converter.targets.splunk.engine.commands.filter import Search, Where
    from converter.targets.splunk.engine.language.values import Row

_DEFAULT_EVENTS = 1000
_Key: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Transaction(CommandNode):
    """`transaction fields options`.

    Attributes:
        fields: what the events of a transaction share.
        max_span, max_pause, max_events: None means no limit.
        starts, ends: the filters of the first and the last event; None if none is given.
        connected: an event that shares no field with any transaction opens one.
        unify_ends: also the events at the ends must share a field.
        keep_orphans: events of no transaction pass, marked.
        keep_evicted: transactions that are not closed pass.
        max_open, max_open_events: None is the limit of limits.conf.
        lists: fields that keep every value in order; True is all of them.
        null: what a list has for an event without the field.
        delimiter: what stands between values where they become one text.
        raw_list: `_raw` keeps every value.
    """

    fields: tuple[str, ...]
    max_span: float | None = None
    max_pause: float | None = None
    max_events: int | None = 1000
    starts: Search | Where | None = None
    ends: Search | Where | None = None
    connected: bool = True
    unify_ends: bool = True
    keep_orphans: bool = False
    keep_evicted: bool = False
    max_open: int | None = None
    max_open_events: int | None = None
    lists: bool | tuple[str, ...] = False
    null: str = "NULL"
    delimiter: str | None = None
    raw_list: bool = False
    span: Span = dataclasses.field(default=NOWHERE, compare=False, repr=False)


class _Open:
    """A transaction that may still grow; its rows are newest first."""

    __slots__ = ("ended", "is_open", "key", "newest", "oldest", "rows", "started", "touched", "values")

    def __init__(self, time: float) -> None:
        self.rows: list[Row] = []
        self.values: dict[str, str] = {}
        self.newest = time
        self.oldest = time
        self.ended = False
        self.started = False
        self.is_open = True
        self.touched = 0
        self.key: _Key | None = None

    def conflicts(self, values: Mapping[str, str]) -> bool:
        return any(self.values.get(name, value) != value for name, value in values.items())

    def shares(self, values: Mapping[str, str]) -> bool:
        return any(name in self.values for name in values)


class TransactionPool:
    """The open transactions, the least recently joined first, and those that are closed."""

    def __init__(self, command: Transaction, context: SearchContext) -> None:
        self.command = command
        self.context = context
        limits = current().limits
        self._max_open = limits.open_transactions if command.max_open is None else command.max_open
        self._max_events = limits.open_events if command.max_open_events is None else command.max_open_events
        self._open: OrderedDict[int, _Open] = OrderedDict()
        # By age, for maxspan; transactions that are closed leave it when they come first.
        self._ages: deque[_Open] = deque()
        self._complete: dict[_Key, _Open] = {}
        self._partial: dict[int, _Open] = {}
        self._events = 0
        self._clock = 0
        self._closed: list[tuple[_Open, bool]] = []

    def add(self, row: Row, time: float, *, starts: bool, ends: bool) -> None:
        """Take in the next older event."""
        values = self._values(row)
        self._expire(time)
        joined = self._find(values, at_end=starts or ends)
        if joined is not None and ends:
            # What comes before the end of a transaction cannot be in the one that follows.
            self._close(joined)
            joined = None
        if joined is None:
            joined = self._new(time)
            joined.ended = ends
        self._join(joined, row, values, time)
        if starts:
            joined.started = True
            self._close(joined)
        elif self.command.max_events is not None and len(joined.rows) >= self.command.max_events:
            if self.command.max_events == _DEFAULT_EVENTS:
                current().note(f"transaction closed a transaction at {_DEFAULT_EVENTS} events (maxevents)")
            self._close(joined)
        self._evict()

    def _values(self, row: Row) -> dict[str, str]:
        values = {}
        for name in self.command.fields:
            value = row.get(name)
            if type(value) is list:
                raise self.context.error(
                    f"transaction by the multivalue field {name!r}", self.command.span, "use mvexpand first"
                )
            if value is not None:
                values[name] = text_of(value)
        if self.command.fields and not values:
            raise self.context.error(
                "transaction over an event that has none of its fields",
                self.command.span,
                f"where it goes is not documented; put | where isnotnull({self.command.fields[0]}) before it",
            )
        return values

    def _find(self, values: Mapping[str, str], *, at_end: bool) -> _Open | None:
        fields = self.command.fields
        if not fields:
            return next(reversed(self._open.values()), None)
        best: _Open | None = None
        scanned: Iterable[_Open] = self._open.values()
        if len(values) == len(fields):
            best = self._complete.get(tuple(values[name] for name in fields))
            scanned = self._partial.values()
        must_share = self.command.connected or (at_end and self.command.unify_ends)
        for candidate in scanned:
            if candidate.conflicts(values) or (must_share and not candidate.shares(values)):
                continue
            if best is None or candidate.touched > best.touched:
                best = candidate
        return best

    def _new(self, time: float) -> _Open:
        opened = _Open(time)
        self._open[id(opened)] = opened
        self._partial[id(opened)] = opened
        if self.command.max_span is not None:
            self._ages.append(opened)
        return opened

    def _join(self, joined: _Open, row: Row, values: Mapping[str, str], time: float) -> None:
        self._clock += 1
        joined.touched = self._clock
        joined.oldest = time
        joined.rows.append(row)
        self._events += 1
        joined.values.update(values)
        self._open.move_to_end(id(joined))
        if joined.key is None and self.command.fields and len(joined.values) == len(self.command.fields):
            key = tuple(joined.values[name] for name in self.command.fields)
            if key not in self._complete:
                joined.key = key
                self._complete[key] = joined
                del self._partial[id(joined)]

    def _expire(self, time: float) -> None:
        """Close what no older event can join: the span is less than maxspan, a pause at most maxpause."""
        span, pause = self.command.max_span, self.command.max_pause
        if span is not None:
            while self._ages and (not self._ages[0].is_open or self._ages[0].newest - time >= span):
                self._close(self._ages.popleft())
        if pause is not None:
            while self._open and (oldest := next(iter(self._open.values()))).oldest - time > pause:
                self._close(oldest)

    def _close(self, closed: _Open, *, evicted: bool = False) -> None:
        if not closed.is_open:
            return
        closed.is_open = False
        del self._open[id(closed)]
        self._partial.pop(id(closed), None)
        if closed.key is not None:
            del self._complete[closed.key]
        self._events -= len(closed.rows)
        if evicted:
            passes = self.command.keep_evicted
        else:
            evicted = not self._is_whole(closed)
            passes = not evicted or self.command.keep_evicted
        if passes:
            self._closed.append((closed, evicted))

    def _is_whole(self, closed: _Open) -> bool:
        """Tell whether a transaction has both its ends, as far as its beginning is asked for."""
        if self.command.starts is None:
            return True
        return closed.started and (self.command.ends is None or closed.ended)

    def _evict(self) -> None:
        """Close the transactions that were joined longest ago while there are too many, or too many events in them."""
        while self._max_open is not None and len(self._open) > self._max_open:
            self._close(next(iter(self._open.values())), evicted=True)
            current().note(f"transaction evicted transactions beyond {self._max_open} open ones (maxopentxn)")
        while self._max_events is not None and self._events > self._max_events:
            self._close(next(iter(self._open.values())), evicted=True)
            current().note(f"transaction evicted transactions beyond {self._max_events} events (maxopenevents)")

    def finish(self) -> None:
        """Close what is open when no event is left."""
        for left in list(self._open.values()):
            self._close(left)

    def rows(self) -> list[Row]:
        """Return a row for each transaction, the newest first."""
        command = self.command
        conditions = (command.starts, command.max_span, command.max_pause)
        closes = any(condition is not None for condition in conditions) or command.max_events != _DEFAULT_EVENTS
        rendered = [
            _render(transaction, command, closed=closes and not evicted) for transaction, evicted in self._closed
        ]
        rendered.sort(key=lambda row: -row["_time"])
        return rendered


def _render(transaction: _Open, command: Transaction, *, closed: bool) -> Row:
    """Return the row of a transaction: its time is that of its oldest event."""
    rows = transaction.rows[::-1]
    merged: Row = {}
    for name in {name: None for row in rows for name in row}:
        if name == "_time":
            continue
        if name == "_raw" and not command.raw_list:
            merged[name] = "\n".join(text_of(value) for row in rows for value in values_of(row.get(name)))
        elif name in ("_raw", "_id"):
            put(merged, name, [value for row in rows for value in values_of(row.get(name))])
        elif command.lists is True or (command.lists and name in command.lists):
            put(merged, name, [value for row in rows for value in values_of(row.get(name, command.null))])
        else:
            put(merged, name, _distinct(rows, name))
    merged["_time"] = rows[0]["_time"]
    merged["duration"] = tidy(round(transaction.newest - transaction.oldest, 6))
    merged["eventcount"] = len(rows)
    merged["closed_txn"] = int(closed)
    return merged


def _distinct(rows: Sequence[Row], name: str) -> list[Any]:
    """Return the values of a field without doubles, in order of their texts; a single one as it is."""
    values = {text_of(value): value for row in rows for value in values_of(row.get(name))}
    return list(values.values()) if len(values) == 1 else sorted(values)
