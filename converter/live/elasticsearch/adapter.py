"""Elasticsearch as a live product: run KQL, ES|QL, EQL and rule files by the vendor's own code.

    Query + events + facts ──> a temporary index ──search──> rows as the local engine returns them ──> Run

`store.py` and `index.py` create, fill and remove the index, `search.py` runs queries, `rules.py` runs rule files on
their schedule. docs/live.md lists the differences from a deployment with Kibana.
"""

from __future__ import annotations

import atexit
from contextlib import suppress
from typing import TYPE_CHECKING

from converter.live.core import LiveError
from converter.live.credentials import elasticsearch_credentials
from converter.live.elasticsearch.kibana import kibana_query, nested_paths, read_fields
from converter.live.elasticsearch.search import (
    ask_eql,
    ask_esql,
    eql_fields,
    eql_rows,
    esql_fields,
    find,
    on_index,
    positions,
)
from converter.live.elasticsearch.server import connect, read_version
from converter.live.elasticsearch.store import Store
from converter.targets.core.alerts import eql_alerts, event_alerts, query_alerts
from converter.targets.core.target import Run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from elasticsearch import Elasticsearch

    from converter.products.field_facts import Facts
    from converter.targets.core.target import Event, Query, TargetAlert


def open_product(url: str) -> ElasticsearchProduct:
    """Return the product at a URL that `converter.live.core` has checked. Raises ConfigurationError, LiveError."""
    client = connect(url, elasticsearch_credentials())
    try:
        return ElasticsearchProduct(client, read_version(client))
    except BaseException:
        client.close()
        raise


class ElasticsearchProduct:
    """See `converter.live.core.LiveProduct`."""

    name = "elasticsearch"
    product = "elastic"
    languages = frozenset({"kql", "esql", "eql", "elastic-toml"})

    def __init__(self, client: Elasticsearch, version: str) -> None:
        self.version = version
        self._client = client
        self._store = Store(client)
        atexit.register(self._last_try)

    def run(self, query: Query, events: Sequence[Event], facts: Facts | None = None) -> Sequence[Run]:
        """Store the events, run a query on them, and remove them. See `LiveProduct.run`."""
        match query.language:
            case "kql":
                return (Run("", self._kql(query, events, facts)),)
            case "esql":
                return (self._esql(query, events, facts),)
            case "eql":
                return (Run("", self._eql(query, events, facts)),)
            case "elastic-toml":
                from converter.live.elasticsearch.rules import run_rule  # noqa: PLC0415  only for rule files

                return run_rule(self._store, query, events, facts)
            case other:
                raise LiveError(f"elasticsearch does not run {other}")

    def close(self) -> None:
        """Remove all indices, and disconnect. Raises LiveError if an index cannot be removed; it names the index."""
        self._store.remove_all()
        atexit.unregister(self._last_try)
        self._client.close()

    def _last_try(self) -> None:
        with suppress(LiveError):
            self._store.remove_all()

    def _kql(self, query: Query, events: Sequence[Event], facts: Facts | None) -> tuple[TargetAlert, ...]:
        with self._store.hold(events, facts, nested=nested_paths(query.text)) as index:
            dsl = kibana_query(query.text, read_fields(self._client, index))
            hits = {hit.id for hit in find(self._client, index, dsl)}
        return event_alerts(event for event in events if str(event["_id"]) in hits)

    def _esql(self, query: Query, events: Sequence[Event], facts: Facts | None) -> Run:
        with self._store.hold(events, facts, esql_fields(query.text)) as index:
            rows = ask_esql(self._client, on_index(query.text, index))
        limit = query.verdict.limit
        return Run("", query_alerts(rows, query), full=limit is not None and len(rows) >= limit.alerts)

    def _eql(self, query: Query, events: Sequence[Event], facts: Facts | None) -> tuple[TargetAlert, ...]:
        with self._store.hold(events, facts, eql_fields(query.text), extra=positions(events)) as index:
            hits = ask_eql(self._client, index, query.text)
        return eql_alerts(eql_rows(hits, events), query)
