"""Elasticsearch as a live product: KQL, ES|QL, EQL and rule files, run by the vendor's own code.

    Query + events + facts ──> an index of its own ──search──> rows as the local engine returns them ──> Run

`elasticsearch_index.py` makes and removes the index, `elasticsearch_search.py` asks, `elasticsearch_rules.py` runs rule
files on their schedule. docs/live.md says what differs from a deployment with Kibana.
"""

from __future__ import annotations

import atexit
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Literal

from converter.errors import QueryError
from converter.live.core import LiveError
from converter.live.credentials import elasticsearch_credentials
from converter.live.elasticsearch.index import Indices
from converter.live.elasticsearch.kibana import kibana_query, nested_paths, read_fields
from converter.live.elasticsearch.mapping import METADATA, mapping_for
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
from converter.targets.core.alerts import eql_alerts, event_alerts, query_alerts
from converter.targets.core.target import Run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

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
    product: Literal["elastic"] = "elastic"
    languages = frozenset({"kql", "esql", "eql", "elastic-toml"})

    def __init__(self, client: Elasticsearch, version: str) -> None:
        self.version = version
        self._client = client
        self._indices = Indices(client)
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

                return run_rule(self, query, events, facts)
            case other:
                raise LiveError(f"elasticsearch does not run {other}")

    def close(self) -> None:
        """Remove what is left, and disconnect. Raises LiveError that names what could not be removed."""
        self._indices.remove_all()
        atexit.unregister(self._last_try)
        self._client.close()

    def _last_try(self) -> None:
        with suppress(LiveError):
            self._indices.remove_all()

    @property
    def client(self) -> Elasticsearch:
        """The connection."""
        return self._client

    @contextmanager
    def stored(
        self,
        events: Sequence[Event],
        facts: Facts | None,
        named: frozenset[str] = frozenset(),
        nested: frozenset[str] = frozenset(),
        extra: Sequence[Mapping[str, Any]] | None = None,
    ) -> Iterator[str]:
        """Store events in an index of their own, give its name, and remove it afterwards.

        Args:
            events: the documents.
            facts: what is known of their fields.
            named: fields that must have a type because the query names them.
            nested: the paths of objects that the query takes for nested.
            extra: fields of our own for each document.
        """
        for event in events:
            if "_index" in event:
                raise QueryError(f"the event {event['_id']!r} says its _index, and a live replay has one index only")
        added = [{}] * len(events) if extra is None else extra
        sources = [
            {**{key: value for key, value in event.items() if key not in METADATA}, **fields}
            for event, fields in zip(events, added, strict=True)
        ]
        documents = [(str(event["_id"]), source) for event, source in zip(events, sources, strict=True)]
        with self._indices.hold(mapping_for(sources, facts, named, nested), documents) as index:
            yield index

    def _kql(self, query: Query, events: Sequence[Event], facts: Facts | None) -> tuple[TargetAlert, ...]:
        with self.stored(events, facts, nested=nested_paths(query.text)) as index:
            asked = kibana_query(query.text, read_fields(self._client, index))
            found = {hit.id for hit in find(self._client, index, asked)}
        return event_alerts(event for event in events if str(event["_id"]) in found)

    def _esql(self, query: Query, events: Sequence[Event], facts: Facts | None) -> Run:
        with self.stored(events, facts, esql_fields(query.text)) as index:
            rows = ask_esql(self._client, on_index(query.text, index))
        limit = query.verdict.limit
        return Run("", query_alerts(rows, query), full=limit is not None and len(rows) >= limit.alerts)

    def _eql(self, query: Query, events: Sequence[Event], facts: Facts | None) -> tuple[TargetAlert, ...]:
        with self.stored(events, facts, eql_fields(query.text), extra=positions(events)) as index:
            hits = ask_eql(self._client, index, query.text)
        return eql_alerts(eql_rows(hits, events), query)
