"""Splunk as a live product: store events through the HTTP event collector, run searches as jobs.

    events ──HEC──> our index, with a source of its own for each log ──wait until a search finds all──>
    query ──restricted to the source──> job ──rows──> alerts, as `converter.targets.splunk.replay` reads them

The first run creates the one index of all runs. It is removed when the product is closed, when a run fails, on Ctrl-C
and when the process ends. Nothing else is written. Sources: docs/live.md, "Splunk".

This adapter was written from Splunk's documentation, and has never run against a Splunk.
"""

from __future__ import annotations

import atexit
import json
import re
import sys
from collections import Counter
from contextlib import suppress
from secrets import token_hex
from typing import TYPE_CHECKING, Any, ClassVar

from converter.errors import QueryError
from converter.live.core import LiveError
from converter.live.splunk.connection import connect, failures
from converter.live.splunk.events import ID_FIELD, KEEP_ID, OWN, batches, seconds, texts_of_events, time_of, time_range
from converter.live.splunk.jobs import Patience, Searches
from converter.live.splunk.query import LiveSearch, live_search
from converter.live.splunk.schedule import LANGUAGES, LiveSaved, replay_saved, saved_of, with_id
from converter.targets.core.alerts import event_alerts, query_alerts
from converter.targets.core.target import Run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from converter.live.splunk.connection import Connection
    from converter.products.field_facts import Facts
    from converter.targets.core.target import Event, Query

PREFIX = "sigma-convert-test-"
_NOT_FOUND, _CONFLICT, _SERVER_ERROR = 404, 409, 500
_PROBE = re.compile(r"[A-Za-z0-9_.{}]+")
_KEPT_S = 4_294_967_295  # the highest frozenTimePeriodInSecs: a log may be older than the default of six years
_ACK_PATH, _EVENT_PATH = "/services/collector/ack", "/services/collector/event"


def open_product(url: str) -> SplunkProduct:
    """Return the Splunk at the URL of its management port, logged in with the credentials of the environment.

    Raises:
        ConfigurationError: a credential is missing.
        LiveError: no answer, a certificate that is not trusted, or a login refused.
    """
    return SplunkProduct(connect(url))


class SplunkProduct:
    """See `converter.live.core.LiveProduct`.

    Args:
        connection: to a Splunk that has accepted a login.
        patience: how long to wait for a job, and for events to become searchable.

    Attributes:
        notes: Splunk's warnings about jobs, each with the rule.
    """

    name = "splunk"
    product = "splunk"
    languages: ClassVar[frozenset[str]] = frozenset({"spl"}) | LANGUAGES

    def __init__(self, connection: Connection, patience: Patience | None = None) -> None:
        self.version = connection.version
        self.notes: list[tuple[str, str]] = []
        self._service = connection.service
        self._collector = connection.collector
        self._patience = patience or Patience()
        self._searches = Searches(connection.service, self._patience)
        self._index: str | None = None
        self._loaded: dict[object, str] = {}

    def run(self, query: Query, events: Sequence[Event], facts: Facts | None = None) -> Sequence[Run]:  # noqa: ARG002
        """Run a query on events. See `converter.live.core.LiveProduct.run`; Splunk needs no facts."""
        if query.language not in self.languages:
            raise QueryError(f"{query.language} is not run live by Splunk", hint="run it with the local engine")
        if query.format == "data_model":
            raise QueryError(
                "a search over a data model is not run live: the data model is not on the server",
                hint="run it with the local engine",
            )
        # The query is checked before anything is created.
        live = saved_of(query) if query.language in LANGUAGES else live_search(query.text)
        if not events:
            return (Run("", (), once=isinstance(live, LiveSaved)),)
        search = live.search if isinstance(live, LiveSaved) else live
        window = time_range(events)
        texts = texts_of_events(events, search.named, keywords=search.keywords)
        try:
            source = self._load(events, texts, self._own_index())
            return self._runs(query, live, events, source, window)
        except QueryError:
            raise
        except BaseException:
            with suppress(LiveError):  # the first failure is the one to report
                self.close()
            raise

    def close(self) -> None:
        """Remove the index. May be called more than once.

        Raises:
            LiveError: Splunk does not remove the index; names it.
        """
        self._loaded.clear()
        if self._index is None:
            return
        from splunklib.binding import HTTPError  # noqa: PLC0415  an extra

        try:
            with failures("Splunk"):
                try:
                    self._service.delete(f"data/indexes/{self._index}")
                except HTTPError as error:
                    if error.status != _NOT_FOUND:
                        raise
        except LiveError as error:
            raise LiveError(
                f"the index {self._index} is left behind: {error.message}", hint="remove it by hand"
            ) from None
        self._index = None
        atexit.unregister(self._close_at_exit)

    def _close_at_exit(self) -> None:
        try:
            self.close()
        except LiveError as error:
            sys.stderr.write(f"{error}\n")

    def _runs(
        self, query: Query, live: LiveSearch | LiveSaved, events: Sequence[Event], source: str, window: tuple[str, str]
    ) -> tuple[Run, ...]:
        """Return the runs of a search, or of a saved search, on the events with this source."""
        index = self._own_index()

        def narrowed(search: LiveSearch) -> str:
            return search.narrowed(index, source)

        def ask(search: str, earliest: str, latest: str) -> list[dict[str, Any]]:
            results = self._searches.run(search, earliest, latest)
            self.notes.extend((query.rule, warning) for warning in results.warnings)
            return results.rows

        if isinstance(live, LiveSaved):
            return replay_saved(live, query, events, narrowed, ask)
        if query.group_by is None:
            rows = ask(narrowed(live) + KEEP_ID, *window)
            times = {str(event["_id"]): event["_time"] for event in events}
            return (Run("", event_alerts(with_id(row, times) for row in rows)),)
        return (Run("", query_alerts(ask(narrowed(live), *window), query)),)

    def _own_index(self) -> str:
        """Return the index of the runs; create it if there is none.

        Raises:
            LiveError: an index of its name exists, or it cannot be created.
        """
        if self._index is not None:
            return self._index
        from splunklib.binding import HTTPError  # noqa: PLC0415  an extra

        name = PREFIX + token_hex(8)
        with failures("Splunk"):
            if name in self._service.indexes:
                raise LiveError(f"the index {name} already exists, and is not ours")
        atexit.register(self._close_at_exit)
        # From here on an index of this name is ours, even if the answer is lost: there was none before.
        self._index = name
        with failures("Splunk"):
            try:
                self._service.indexes.create(name, frozenTimePeriodInSecs=_KEPT_S)
            except HTTPError as error:
                if error.status < _SERVER_ERROR:  # otherwise the index may exist
                    self._index = None
                    atexit.unregister(self._close_at_exit)
                if error.status == _CONFLICT:
                    raise LiveError(f"the index {name} already exists, and is not ours") from None
                raise
        return name

    def _load(self, events: Sequence[Event], texts: tuple[str, ...], index: str) -> str:
        """Return the source that marks these events in the index; send the events unless they have been sent already.

        Raises:
            LiveError: the collector refuses the events; or a search does not find all of them, as sent, in time.
        """
        key = (texts, tuple((str(event["_id"]), time_of(event)) for event in events))
        if key in self._loaded:
            return self._loaded[key]
        source = PREFIX + token_hex(8)
        answers = [self._collector.post(_EVENT_PATH, body) for body in batches(events, texts, index, source)]
        self._wait_for_acknowledgement([answer["ackId"] for answer in answers if "ackId" in answer])
        self._wait_until_found(events, index, source)
        self._loaded[key] = source
        return source

    def _wait_for_acknowledgement(self, numbers: list[Any]) -> None:
        """Wait until the indexers have acknowledged the events; only a token with acknowledgement returns numbers."""
        waiting = {str(number): number for number in numbers}
        if not waiting:
            return
        for _ in self._patience.until(self._patience.searchable_s):
            body = json.dumps({"acks": list(waiting.values())}).encode()
            answer = self._collector.post(_ACK_PATH, body).get("acks", {})
            waiting = {key: number for key, number in waiting.items() if answer.get(key) is not True}
            if not waiting:
                return
        raise LiveError(f"Splunk has not acknowledged all events within {self._patience.searchable_s:g} seconds")

    def _wait_until_found(self, events: Sequence[Event], index: str, source: str) -> None:
        """Wait until a search finds every event, and compare ids, times and one field.

        Raises:
            LiveError: not all events are found in time, or an event is not as it was sent.
        """
        probe = _probe(events)
        seen = f"if(isnull('{probe}'),0,1)" if probe else "0"
        search = (
            f'search index="{index}" source="{source}"'
            f'\n| eval sigma_convert_at=strftime(_time,"%s.%6N"), sigma_convert_seen={seen}'
            f"\n| table {ID_FIELD} sigma_convert_at sigma_convert_seen"
        )
        count = 0
        for _ in self._patience.until(self._patience.searchable_s):
            try:
                rows = self._searches.run(search, *time_range(events)).rows
            except QueryError as error:  # of our own search, so not the query's fault
                raise LiveError(f"Splunk does not list the events: {error.message}") from None
            count = len(rows)
            if count >= len(events):
                _check(events, rows, probe)
                return
        raise LiveError(
            f"Splunk finds {count} of {len(events)} events after {self._patience.searchable_s:g} seconds",
            hint="does the collector write to this Splunk, and may the user search every index?",
        )


def _probe(events: Sequence[Event]) -> str | None:
    """Return the field that most events have, to check whether Splunk extracts fields at all.

    Fields that are empty in any event are excluded: what Splunk makes of an empty string is not documented.
    """
    named: Counter[str] = Counter()
    empty = set(OWN)
    for event in events:
        for name, value in event.items():
            if _PROBE.fullmatch(name) and not name.startswith("_"):
                named[name] += 1
                if value in ("", []):
                    empty.add(name)
    return max(sorted(named.keys() - empty), key=lambda name: named[name], default=None)


def _check(events: Sequence[Event], rows: list[dict[str, Any]], probe: str | None) -> None:
    """Compare the events in Splunk with those that were sent.

    Raises:
        LiveError: they differ.
    """
    sent = Counter((str(event["_id"]), seconds(time_of(event))) for event in events)
    got = Counter((str(row.get(ID_FIELD)), str(row.get("sigma_convert_at"))) for row in rows)
    if sent != got:
        lost, other = sorted((sent - got).keys()), sorted((got - sent).keys())
        raise LiveError(
            "Splunk does not have the events as they were sent: "
            f"{lost[0] if lost else 'nothing'} is {other[0] if other else 'missing'}",
            hint="an event was stored twice, or Splunk has cut a time",
        )
    if probe is None:
        return
    having = sum(probe in event for event in events)
    seen = sum(str(row.get("sigma_convert_seen")) == "1" for row in rows)
    if seen < having:  # Splunk may have the string null for a null
        raise LiveError(
            f"Splunk extracts the field {probe} from {seen} of the {having} events that have it",
            hint="is the sourcetype _json as Splunk ships it?",
        )
