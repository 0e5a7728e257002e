"""Run a rule file on Elasticsearch as the detection engine would: its query over the window of each scheduled run.

    RuleFile + index ──times of the documents that can matter──> phases
        each phase: windows ──question──> equal questions asked once, together ──> alerts ──> Run

The server matches, counts and reads the times of documents. This module does what Kibana does around that: it runs the
schedule, remembers which alerts were raised, and drops buckets with fewer than `threshold.value` documents.
Source: elastic/kibana, security_solution/server/lib/detection_engine/rule_types.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from converter.errors import QueryError
from converter.live.elasticsearch.kibana import kibana_query, nested_paths, read_fields
from converter.live.elasticsearch.mapping import CLOCK
from converter.live.elasticsearch.schedule import Kind, Phase, Place, Visit, replay_phases
from converter.live.elasticsearch.search import (
    PAGE,
    ask_eql,
    ask_esql,
    eql_fields,
    eql_rows,
    esql_fields,
    find_each,
    leading_filter,
    on_index,
    positions,
)
from converter.live.elasticsearch.threshold import Bucket, buckets_of, hidden, in_buckets
from converter.products.elastic.documents import getter
from converter.targets.core.alerts import event_alerts, group_of, grouped_event_alerts, query_alerts, sequence_alerts
from converter.targets.core.target import TargetAlert
from converter.targets.elastic_toml.engine.rule import parse
from converter.targets.eql.engine.language import syntax
from converter.targets.eql.engine.parse import parse as parse_eql

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from converter.live.elasticsearch.store import Store
    from converter.products.field_facts import Facts
    from converter.targets.core.target import Event, Query, Run
    from converter.targets.elastic_toml.engine.rule import RuleFile, Threshold

_TIME = "@timestamp"
_MILLISECOND = 1_000_000  # nanoseconds
_ESQL_PAGES = 3
"""A run reads at most this many times `max_signals` rows of an ES|QL query."""

_USUAL = {"to": "now", "timestamp_field": _TIME, "event_category_override": "event.category"}


def run_rule(store: Store, query: Query, events: Sequence[Event], facts: Facts | None) -> Sequence[Run]:
    """Return the alerts of a rule file, one run for each phase; see `LiveProduct.run`."""
    rule = parse(query.text)
    check_supported(rule)
    extra, clock = _own_fields(rule, events)
    named = {"esql": esql_fields, "eql": eql_fields}.get(rule.type)
    try:
        fields = named(rule.query) if named is not None else frozenset[str]()
        nested = nested_paths(rule.query) if rule.language == "kuery" else frozenset[str]()
        with store.hold(events, facts, fields, nested, extra) as index:
            place = Place(store.client, index, clock)
            return replay_phases(_KINDS[rule.type](rule, query, place, {str(event["_id"]): event for event in events}))
    except QueryError as error:
        raise rule.query_error(error) from None


def check_supported(rule: RuleFile) -> None:
    """Refuse, by name, settings that change the alerts and are not simulated here. Raises QueryError."""
    if rule.type not in _KINDS:
        raise rule.error(f"rules of type {rule.type} are not run live", ("rule", "type"), f"run: {', '.join(_KINDS)}")
    if rule.language == "lucene":
        raise rule.error("rules in the Lucene language are not run live", ("rule", "language"), "use kuery")
    for key in ("filters", "exceptions_list", "alert_suppression", "tiebreaker_field"):
        if rule.settings.get(key):
            raise rule.error(f"{key!r} changes which alerts there are, and is not simulated live", ("rule", key))
    for key, usual in _USUAL.items():
        if rule.settings.get(key, usual) != usual:
            raise rule.error(f"{key!r} is run live only as {usual!r}", ("rule", key))


class _Kuery(Kind):
    """A rule whose query Kibana sends as Query DSL."""

    def __init__(self, rule: RuleFile, query: Query, place: Place, events: Mapping[str, Event]) -> None:
        self.filter = kibana_query(rule.query, read_fields(place.client, place.index))
        super().__init__(rule, query, place, events)


class _Threshold(_Kuery):
    """A threshold rule. It remembers the last time of the alert of each bucket."""

    def relevant(self) -> list[tuple[int, str]]:
        threshold = self._threshold
        everything = {"bool": {"filter": [self.filter, {"exists": {"field": self.place.clock}}]}}
        (buckets,) = buckets_of(self.place.client, self.place.index, [everything], threshold, self.place.clock)
        # A bucket that is too small in the whole log is too small in each window.
        enough = [bucket for bucket in buckets if bucket.count >= threshold.value]
        documents: dict[str, int] = {}
        for query in in_buckets(threshold, enough):
            documents.update((name, time) for time, name in self.place.timed({"bool": {"filter": [everything, query]}}))
        return sorted((time, name) for name, time in documents.items())

    @property
    def _threshold(self) -> Threshold:
        if self.rule.threshold is None:  # the parser has checked it
            raise AssertionError
        return self.rule.threshold

    def question(self, phase: Phase, visit: Visit) -> Hashable:
        self._forget(phase, visit)
        return visit.low, visit.high, frozenset(phase.known.items())

    def ask(self, visits: Sequence[tuple[Phase, Visit]]) -> list[Any]:
        queries = [
            {
                "bool": {
                    "filter": [self.filter, self.window(visit)],
                    "must_not": hidden(self._threshold, phase.known, self.place.clock),
                }
            }
            for phase, visit in visits
        ]
        return buckets_of(self.place.client, self.place.index, queries, self._threshold, self.place.clock)

    def take(self, phase: Phase, visit: Visit, answer: Sequence[Bucket]) -> list[TargetAlert]:  # noqa: ARG002
        if self.query.group_by is None:
            raise QueryError("a threshold rule does not tell which events it alerts on, so it cannot be compared")
        least = 0 if self._threshold.cardinality is None else self._threshold.cardinality.value
        large = [bucket for bucket in answer if bucket.count >= self._threshold.value and bucket.different >= least]
        enough = large[: self.most]
        phase.full |= len(enough) == self.most
        for bucket in enough:
            phase.known[bucket.values] = bucket.last
        names = self._threshold.fields
        return [
            TargetAlert(
                group_of(dict(zip(names, bucket.values, strict=True)), self.query.group_by),
                bucket.first * _MILLISECOND,
                bucket.last * _MILLISECOND,
            )
            for bucket in enough
        ]

    def _forget(self, phase: Phase, visit: Visit) -> None:
        """Forget the alerts whose last time is not after the start of the window."""
        begin = visit.time - self.rule.look_back_ms
        phase.known = {values: last for values, last in phase.known.items() if last > begin}


class _Documents(_Kuery):
    """A query rule. It alerts on each document once, the oldest first."""

    def relevant(self) -> list[tuple[int, str]]:
        return self.place.timed(self.filter)

    def ask(self, visits: Sequence[tuple[Phase, Visit]]) -> list[Any]:
        queries = [{"bool": {"filter": [self.filter, self.window(visit)]}} for _, visit in visits]
        answers = find_each(self.place.client, self.place.index, queries, [{self.place.clock: "asc"}])
        return [[hit.id for hit in hits] for hits in answers]

    def take(self, phase: Phase, visit: Visit, answer: Sequence[str]) -> list[TargetAlert]:  # noqa: ARG002
        new = [name for name in answer if name not in phase.known]
        phase.full |= len(new) > self.most
        phase.known.update(dict.fromkeys(new[: self.most], 0))
        return _event_alerts([self.events[name] for name in new[: self.most]], self.query)


class _Esql(Kind):
    """An ES|QL rule. Rows with `_id` alert once, other rows in every run that returns them."""

    def relevant(self) -> list[tuple[int, str]]:
        documents = self.place.timed({"match_all": {}})
        first = leading_filter(self.rule.query)
        if first is None:
            return documents
        # Documents that the first WHERE drops cannot matter, whatever the window.
        query = on_index(f"{first}\n| KEEP _id | LIMIT {PAGE}", self.place.index, metadata=["_id"])
        ids = {row["_id"] for row in ask_esql(self.place.client, query)}
        return documents if len(ids) == PAGE else [(time, name) for time, name in documents if name in ids]

    def ask(self, visits: Sequence[tuple[Phase, Visit]]) -> list[Any]:
        query = on_index(self.rule.query, self.place.index)
        return [ask_esql(self.place.client, query, self.window(visit)) for _, visit in visits]

    def take(self, phase: Phase, visit: Visit, answer: Sequence[dict[str, Any]]) -> list[TargetAlert]:  # noqa: ARG002
        new: list[dict[str, Any]] = []
        phase.full |= len(answer) > _ESQL_PAGES * self.most
        for row in answer[: _ESQL_PAGES * self.most]:
            name = row.get("_id")
            if name is not None and name in phase.known:
                continue
            if len(new) == self.most:
                phase.full = True
                break
            if name is not None:
                phase.known[name] = 0
            new.append(row)
        return list(query_alerts(new, self.query))


class _Eql(Kind):
    """An EQL rule. An event alerts once, and so does the set of events of a sequence; the newest come first."""

    def relevant(self) -> list[tuple[int, str]]:
        return self.place.timed({"match_all": {}})

    def ask(self, visits: Sequence[tuple[Phase, Visit]]) -> list[Any]:
        client, index = self.place.client, self.place.index
        # One result more than a run takes shows whether there are more.
        return [ask_eql(client, index, self.rule.query, self.window(visit), self.most + 1) for _, visit in visits]

    def take(self, phase: Phase, visit: Visit, answer: Mapping[str, Any]) -> list[TargetAlert]:  # noqa: ARG002
        rows = eql_rows(answer, list(self.events.values()))
        phase.full |= len(rows) > self.most
        new: list[dict[str, Any]] = []
        for row in rows[-self.most :]:
            known = frozenset(str(event["_id"]) for event in row.get("events") or [row])
            if known not in phase.known:
                phase.known[known] = 0
                new.append(row)
        if "sequences" not in answer:
            return _event_alerts(new, self.query)
        alerts = sequence_alerts(new, self.query)
        if not self.query.group_by:
            return list(alerts)
        keys = [dict(zip(self._keys, row["join_keys"], strict=True)) for row in new]
        groups = [group_of(row, self.query.group_by) for row in keys]
        return [replace(alert, group=group) for alert, group in zip(alerts, groups, strict=True)]

    @property
    def _keys(self) -> tuple[str, ...]:
        """The names of the join keys, in the order of the query."""
        body = parse_eql(self.rule.query).body
        return tuple(key.name for key in body.stages[0].keys) if isinstance(body, syntax.Sequence) else ()


def _event_alerts(events: Sequence[Event], query: Query) -> list[TargetAlert]:
    return list(event_alerts(events) if query.group_by is None else grouped_event_alerts(events, query))


def _own_fields(rule: RuleFile, events: Sequence[Event]) -> tuple[list[dict[str, Any]], str]:
    """Return the fields that we add to each event, and the name of the field with the events' times."""
    override = rule.timestamp_override
    extra = positions(events) if rule.type == "eql" else [{} for _ in events]
    if override is None or override == _TIME:
        return extra, _TIME
    read = getter(override)
    clock = _TIME
    for event, fields in zip(events, extra, strict=True):
        own = read(event)
        if own:
            clock = CLOCK
        time = own[0] if own else event.get(_TIME)
        if time is not None:
            fields[CLOCK] = time
    if clock == _TIME:  # no event has the override field
        for fields in extra:
            fields.pop(CLOCK, None)
    return extra, clock


_KINDS: Mapping[str, type[Kind]] = {"threshold": _Threshold, "query": _Documents, "esql": _Esql, "eql": _Eql}
