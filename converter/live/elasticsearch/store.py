"""Store the events of a replay in a temporary index of Elasticsearch.

events + facts ──mapping_for──> an index ──filled──> its name ──afterwards──> removed
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from converter.errors import QueryError
from converter.live.elasticsearch.index import Indices
from converter.live.elasticsearch.mapping import mapping_for
from converter.products.elastic.documents import METADATA

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from elasticsearch import Elasticsearch

    from converter.products.field_facts import Facts
    from converter.targets.core.target import Event


class Store:
    """The temporary indices of a connection.

    Attributes:
        client: the connection.
    """

    def __init__(self, client: Elasticsearch) -> None:
        self.client = client
        self._indices = Indices(client)

    def remove_all(self) -> None:
        """Remove every index that is left. Raises LiveError if one cannot be removed; it names the index."""
        self._indices.remove_all()

    @contextmanager
    def hold(
        self,
        events: Sequence[Event],
        facts: Facts | None,
        named: frozenset[str] = frozenset(),
        nested: frozenset[str] = frozenset(),
        extra: Sequence[Mapping[str, Any]] | None = None,
    ) -> Iterator[str]:
        """Store events in a new index, yield its name, and remove the index afterwards.

        Args:
            events: the documents.
            facts: of their fields.
            named: fields that need a type because the query names them.
            nested: the paths that the query uses as nested objects.
            extra: fields to add to each document.
        """
        for event in events:
            if "_index" in event:
                raise QueryError(f"the event {event['_id']!r} has an _index, and a live replay has only one index")
        added = [{}] * len(events) if extra is None else extra
        sources = [
            {**{key: value for key, value in event.items() if key not in METADATA}, **fields}
            for event, fields in zip(events, added, strict=True)
        ]
        documents = [(str(event["_id"]), source) for event, source in zip(events, sources, strict=True)]
        with self._indices.hold(mapping_for(sources, facts, named, nested), documents) as index:
            yield index
