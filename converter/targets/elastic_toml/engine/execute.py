"""Run a rule file the way the detection engine of Elastic Security would, over a whole log.

    text ──parse──> RuleFile ──Replay(events)──> the runs of a phase ──> alerts

A rule runs every `interval` and looks back over `from`. Whether it alerts can depend on when its runs fall, that is on
the phase; `phases` lists one phase of every class that can differ. A `Replay` is made once per rule and log: it
compiles the query, drops the documents that cannot matter, and remembers what equal windows gave.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

from converter.errors import QueryError
from converter.products.elastic.dates import iso
from converter.products.elastic.documents import Document
from converter.targets.elastic_toml.engine import schedule, threshold
from converter.targets.elastic_toml.engine.documents import clock
from converter.targets.elastic_toml.engine.rule import RuleFile, parse
from converter.targets.elastic_toml.engine.simulated import check_simulated

if TYPE_CHECKING:
    from converter.targets.elastic_toml.engine.threshold import History, Member

__all__ = ["Replay", "RuleFile", "parse", "phases", "run", "run_at"]

Row: TypeAlias = dict[str, Any]
Timed: TypeAlias = list[tuple[int, int, Document]]
"""Time, position in the log, document."""
Run: TypeAlias = Callable[[int, int, int], list[Row]]
Search: TypeAlias = Callable[[Sequence[Document]], list[Row]]
Tables: TypeAlias = Mapping[str, Sequence[Mapping[str, Any]]]

_ESQL_PAGES = 3
"""How many times `max_signals` rows of an ES|QL query a run reads at most."""

_ESQL_ROWS = 1_000
"""How many rows an ES|QL query without LIMIT gives at most."""

_T = TypeVar("_T")

_parsed = lru_cache(maxsize=64)(parse)


def run(text: str, events: Iterable[Document], *, tables: Tables | None = None, phase: int | None = None) -> list[Row]:
    """Return the alerts of every run of the rule in the file `text` over `events`, in the order of the runs.

    A query rule, or an EQL event query, gives the documents it alerts on. A threshold rule gives `group`, `first`,
    `last`, `count`, `run` and `_ids`; an EQL sequence `group`, `first`, `last`, `run` and `_ids`; an ES|QL rule the
    rows of its query and `run`. A document without `_id` gets its 1-based position as one.

    Args:
        text: the rule file.
        events: ECS documents in any order; one without a usable time is in no window.
        tables: other tables that an ES|QL query may read.
        phase: offset of the runs against the epoch in milliseconds; None for 0.

    Raises:
        QueryError: the file or its query is wrong, or asks for what is not simulated.
    """
    return Replay(_parsed(text), events, tables=tables).run(phase or 0)


def check(text: str, *, type_of: Callable[[str], str | None] | None = None) -> None:
    """Refuse a rule file that is not valid, is not simulated, or whose query its engine would refuse.

    Args:
        text: the rule file.
        type_of: returns the type to which a field is mapped, for rules of type esql.

    Raises:
        QueryError: with its place in the file.
    """
    rule = parse(text)
    check_simulated(rule, RULE_TYPES)
    if rule.type == "esql":
        from converter.targets.esql.engine import execute  # noqa: PLC0415  only this type needs it

        _of_query(rule, lambda query: execute.check(query, type_of=type_of))
    else:
        RULE_TYPES[rule.type](rule, [], {})


def run_at(rule: RuleFile, events: Iterable[Document], run_time_ms: int) -> list[Row]:
    """Return the alerts of a single run at `run_time_ms` that no other run went before."""
    return Replay(rule, events).run_at(run_time_ms)


def phases(rule: RuleFile, events: Iterable[Document]) -> list[int]:
    """Return one phase, in milliseconds, of every class of phases of the schedule with the same outcome on `events`."""
    return Replay(rule, events).phases()


class Replay:
    """One rule and one log, ready to be run at any phase."""

    def __init__(self, rule: RuleFile, events: Iterable[Document], *, tables: Tables | None = None) -> None:
        check_simulated(rule, RULE_TYPES)
        self._rule = rule
        time_of = clock(rule.timestamp_override)
        timed: Timed = []
        for position, event in enumerate(events):
            time = time_of(event)
            if time is not None:
                timed.append((time, position, event if "_id" in event else {**event, "_id": str(position + 1)}))
        timed.sort(key=lambda entry: entry[:2])
        self._kind = RULE_TYPES[rule.type](rule, timed, tables or {})

    def phases(self) -> list[int]:
        """Return one phase of every class of phases of the schedule with the same outcome."""
        return schedule.phases(self._kind.times, self._rule.interval_ms, self._rule.look_back_ms)

    def run(self, phase: int) -> list[Row]:
        """Return the alerts of all runs at `phase` + k * interval."""
        return self._alerts(phase, lambda _low, _high, _rows: False)

    def run_once(self, phase: int) -> list[Row]:
        """Return the alerts of `run`, without those that a run gives again because it sees the same events.

        How long this takes depends on the events, and not on how long each of them is seen.
        """
        last: tuple[int, int, list[Row]] | None = None

        def settled(low: int, high: int, rows: list[Row]) -> bool:
            nonlocal last
            before, last = last, (low, high, [{**row, "run": None} for row in rows])
            return not rows or before == last

        return self._alerts(phase, settled)

    def _alerts(self, phase: int, settled: Callable[[int, int, list[Row]], bool]) -> list[Row]:
        rule = self._rule
        one_run = self._kind.start()
        alerts: list[Row] = []
        done = False
        visits = schedule.windows(self._kind.times, phase, rule.interval_ms, rule.look_back_ms, lambda: done)
        for time, low, high in visits:
            rows = one_run(time, low, high)
            done = settled(low, high, rows)
            alerts.extend(rows)
        return alerts

    @property
    def full(self) -> bool:
        """Whether a run of the phase that was run last may have left something out because of `max_signals`."""
        return self._kind.full

    def run_at(self, time: int) -> list[Row]:
        """Return the alerts of one run at `time`, with no run before it."""
        low, high = schedule.window(self._kind.times, time, self._rule.look_back_ms)
        return self._kind.start()(time, low, high)


class _Kind(Protocol):
    """What a type of rule does with a log: the times of the documents that matter, and its runs in turn."""

    times: list[int]
    full: bool

    def start(self) -> Run:
        """Return a function that does one run after another: (time, first, after the last position) -> alerts.

        `full` is set once a run has more to give than `max_signals`.
        """


class _Threshold:
    """A threshold rule; its state is the history of what it alerted on."""

    def __init__(self, rule: RuleFile, timed: Timed, tables: Tables) -> None:  # noqa: ARG002 - one signature
        if rule.threshold is None:  # the schema has checked it
            raise AssertionError
        self._threshold = rule.threshold
        self._most = rule.max_signals
        self._look_back = rule.look_back_ms
        matches = _kuery(rule)
        matching = [(time, event["_id"], event) for time, _, event in timed if matches(event)]
        self._members: list[Member] = threshold.members(rule.threshold, matching)
        self.times = [member.time for member in self._members]
        self.full = False

    def start(self) -> Run:
        self.full = False
        history: History = threshold.History()

        def at(time: int, low: int, high: int) -> list[Row]:
            history.forget(time - self._look_back)
            rows = threshold.alerts_of_run(self._threshold, self._members[low:high], history, time, self._most)
            self.full |= len(rows) == self._most
            return rows

        return at


class _Documents:
    """A rule that alerts on single documents, each once; a run alerts on the oldest new ones first."""

    def __init__(self, rule: RuleFile, timed: Timed, tables: Tables) -> None:  # noqa: ARG002 - one signature
        matches = _kuery(rule)
        self._fill(rule, [entry for entry in timed if matches(entry[2])])

    def _fill(self, rule: RuleFile, matching: Timed) -> None:
        self._most = rule.max_signals
        self._found = matching
        self.full = False
        self.times = [time for time, _, _ in matching]

    def start(self) -> Run:
        self.full = False
        alerted: set[int] = set()

        def at(time: int, low: int, high: int) -> list[Row]:  # noqa: ARG001 - every kind of rule is run alike
            new: list[Row] = []
            for _, position, event in self._found[low:high]:
                if position not in alerted:
                    if len(new) == self._most:
                        self.full = True
                        break
                    alerted.add(position)
                    new.append(event if isinstance(event, dict) else dict(event))
            return new

        return at


class _Searches:
    """A rule whose query is run on the documents of each window."""

    def __init__(self, rule: RuleFile, timed: Timed, search: Search) -> None:
        self._rule = rule
        self._found = timed
        self._in_log_order = all(first[1] < second[1] for first, second in pairwise(timed))
        self._search = search
        self._memory: dict[tuple[int, int], list[Row]] = {}
        self.times = [time for time, _, _ in timed]
        self.full = False

    def _rows(self, low: int, high: int) -> list[Row]:
        rows = self._memory.get((low, high))
        if rows is None:
            seen = self._found[low:high]
            if not self._in_log_order:
                seen.sort(key=lambda entry: entry[1])
            try:
                rows = self._search([event for _, _, event in seen])
            except QueryError as error:
                raise self._rule.query_error(error) from None
            self._memory[low, high] = rows
        return rows


class _Esql(_Searches):
    """An ES|QL rule: rows with `_id` alert once, others in every run that gives them."""

    def __init__(self, rule: RuleFile, timed: Timed, tables: Tables) -> None:
        from converter.targets.esql.engine import execute  # noqa: PLC0415  only this type needs it
        from converter.targets.esql.engine.language import syntax  # noqa: PLC0415  only this type needs it
        from converter.targets.esql.engine.parse import parse as parse_esql  # noqa: PLC0415

        tree = _of_query(rule, parse_esql)
        query = _of_query(rule, lambda text: execute.compile_query(tree, text))
        leading = list(takewhile(lambda command: isinstance(command, syntax.Where), tree.commands))
        if leading and isinstance(tree.source, syntax.From):
            # Documents that the first WHERE drops cannot matter, whatever the window.
            source = replace(tree.source, metadata=(syntax.Column("_id"),))
            first = _of_query(
                rule, lambda text: execute.compile_query(replace(tree, source=source, commands=tuple(leading)), text)
            )
            timed = _relevant(rule, timed, lambda documents: first(documents, tables))
        super().__init__(rule, timed, lambda documents: query(documents, tables))

    def start(self) -> Run:
        self.full = False
        alerted: set[Any] = set()
        most = self._rule.max_signals

        def at(time: int, low: int, high: int) -> list[Row]:
            new: list[Row] = []
            rows = self._rows(low, high)
            self.full |= len(rows) > _ESQL_PAGES * most
            for row in rows[: _ESQL_PAGES * most]:
                name = row.get("_id")
                if name is not None and name in alerted:
                    continue
                if len(new) == most:
                    self.full = True
                    break
                if name is not None:
                    alerted.add(name)
                new.append({"run": iso(time), **row})  # a column of that name is the query's
            return new

        return at


def _relevant(rule: RuleFile, timed: Timed, search: Search) -> Timed:
    """Return the documents that an ES|QL query without an aggregation lets through, by their `_id`."""
    documents: Timed = []
    for start in range(0, len(timed), _ESQL_ROWS):  # a query gives no more rows than that
        chunk = timed[start : start + _ESQL_ROWS]
        try:
            names = {row["_id"] for row in search([event for _, _, event in chunk])}
        except QueryError as error:
            raise rule.query_error(error) from None
        documents.extend(entry for entry in chunk if entry[2]["_id"] in names)
    return documents


def _eql(rule: RuleFile, timed: Timed, tables: Tables) -> _Documents | _EqlRows:
    """Return an EQL rule: an event query without pipes alerts on single documents."""
    from converter.targets.eql.engine import execute  # noqa: PLC0415  only this type needs it
    from converter.targets.eql.engine.language import syntax  # noqa: PLC0415  only this type needs it
    from converter.targets.eql.engine.parse import parse as parse_eql  # noqa: PLC0415

    tree = _of_query(rule, parse_eql)
    query = _of_query(rule, lambda text: execute.compile_query(tree, text))
    body = tree.body
    filters = [body]
    keys: tuple[str, ...] = ()
    if isinstance(body, syntax.Sequence):
        stages = [*body.stages, *([] if body.until is None else [body.until])]
        filters = [stage.filter for stage in stages]
        keys = tuple(key.name for key in body.stages[0].keys)
    # What no stage matches cannot matter, whatever the window.
    unique = list(dict.fromkeys(filters))
    tests = [execute.compile_query(syntax.Query(condition), rule.query) for condition in unique]
    try:
        timed = [entry for entry in timed if any(test([entry[2]], tables) for test in tests)]
    except QueryError as error:
        raise rule.query_error(error) from None
    if not tree.pipes and not isinstance(body, syntax.Sequence):
        return _EqlDocuments(rule, timed)
    return _EqlRows(rule, timed, lambda documents: query(documents, tables), keys)


class _EqlDocuments(_Documents):
    """An EQL event query: a run alerts on the newest documents if there are more than `max_signals`."""

    def __init__(self, rule: RuleFile, matching: Timed) -> None:
        self._fill(rule, matching)

    def start(self) -> Run:
        inner = super().start()

        def at(time: int, low: int, high: int) -> list[Row]:
            self.full |= high - low > self._most
            return inner(time, max(low, high - self._most), high)

        return at


class _EqlRows(_Searches):
    """An EQL sequence, or an EQL query with pipes: a set of documents alerts once."""

    def __init__(self, rule: RuleFile, timed: Timed, search: Search, keys: tuple[str, ...]) -> None:
        super().__init__(rule, timed, search)
        self._keys = keys
        self._time_of = clock(None)

    def start(self) -> Run:
        self.full = False
        alerted: set[Any] = set()
        most = self._rule.max_signals

        def at(time: int, low: int, high: int) -> list[Row]:
            new: list[Row] = []
            rows = self._rows(low, high)
            self.full |= len(rows) > most
            for row in rows[-most:]:
                events = row.get("events")
                names = [event["_id"] for event in events or [row]]
                if (known := frozenset(names)) in alerted:
                    continue
                alerted.add(known)
                new.append(row if events is None else self._alert(row, events, names, time))
            return new

        return at

    def _alert(self, row: Row, events: list[Document], names: list[Any], run: int) -> Row:
        times = [time for event in events if (time := self._time_of(event)) is not None]
        return {
            "group": dict(zip(self._keys, row.get("join_keys") or [], strict=False)),
            "first": iso(min(times)),
            "last": iso(max(times)),
            "run": iso(run),
            "_ids": names,
        }


RULE_TYPES: Mapping[str, Callable[[RuleFile, Timed, Tables], _Kind]] = {
    "threshold": _Threshold,
    "query": _Documents,
    "esql": _Esql,
    "eql": _eql,
}
"""The types of rules that are simulated, and what makes their runs."""


def _kuery(rule: RuleFile) -> Callable[[Document], bool]:
    """Return the filter of a kuery rule; its errors are placed in the file."""
    from converter.targets.kql.engine import execute  # noqa: PLC0415 - only a rule of this language needs it
    from converter.targets.kql.engine.parse import parse as parse_kql  # noqa: PLC0415

    matches = _of_query(rule, lambda text: execute.compile_filter(parse_kql(text), text))

    def matches_document(document: Document) -> bool:
        try:
            return matches(document)
        except QueryError as error:
            raise rule.query_error(error) from None

    return matches_document


def _of_query(rule: RuleFile, work: Callable[[str], _T]) -> _T:
    """Return what `work` makes of the rule's query; its errors are placed in the file."""
    try:
        return work(rule.query)
    except QueryError as error:
        raise rule.query_error(error) from None
