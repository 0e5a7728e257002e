"""Run Query DSL, ES|QL and EQL on an index, and read the complete answers, page by page.

    query + index ──> request of the client ──> ids of documents, rows, or sequences

An EQL query is sent as it is. An ES|QL query names its index itself, so its FROM is replaced, where our parser finds
it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from converter.live.core import LiveError
from converter.live.elasticsearch.mapping import POSITION
from converter.live.elasticsearch.server import asking, check_answer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from elasticsearch import Elasticsearch

    from converter.targets.core.target import Event

PAGE = 10_000
"""The most hits or buckets that a request returns (index.max_result_window)."""

_TOGETHER = 100
_Node = TypeVar("_Node")


@dataclass(frozen=True, slots=True)
class Hit:
    """A document that matches: its id, and its sort values."""

    id: str
    sort: tuple[Any, ...]


def between(field: str, first: int, last: int) -> dict[str, Any]:
    """Return a filter for a range of time, both ends included, in milliseconds since the epoch."""
    return {"range": {field: {"gte": first, "lte": last, "format": "epoch_millis"}}}


def find(client: Elasticsearch, index: str, query: Mapping[str, Any], sort: Sequence[Any] = ()) -> list[Hit]:
    """Return every document that matches a query. Raises as `find_each`."""
    return find_each(client, index, [query], sort)[0]


def find_each(
    client: Elasticsearch, index: str, queries: Sequence[Mapping[str, Any]], sort: Sequence[Any] = ()
) -> list[list[Hit]]:
    """Return, for each query, every document that matches, in the order of `sort`, then of the index.

    Raises:
        QueryError: the server refuses a query.
        LiveError: the server cannot be used.
    """
    bodies: list[dict[str, Any]] = [
        {"query": query, "size": PAGE, "_source": False, "sort": [*sort, {"_doc": "asc"}]} for query in queries
    ]
    hits: list[list[Hit]] = [[] for _ in bodies]
    open_ = list(range(len(bodies)))
    while open_:
        answers = ask_each(client, index, [bodies[at] for at in open_])
        for at, answer in zip(open_, answers, strict=True):
            page = answer["hits"]["hits"]
            hits[at] += [Hit(hit["_id"], tuple(hit["sort"])) for hit in page]
            if page:
                bodies[at]["search_after"] = page[-1]["sort"]
        open_ = [at for at, answer in zip(open_, answers, strict=True) if len(answer["hits"]["hits"]) == PAGE]
    return hits


def ask_each(client: Elasticsearch, index: str, bodies: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the answers to several searches. Raises as `find_each`."""
    answers: list[Mapping[str, Any]] = []
    for start in range(0, len(bodies), _TOGETHER):
        searches: list[Mapping[str, Any]] = []
        for body in bodies[start : start + _TOGETHER]:
            searches += [{"index": index, "allow_partial_search_results": False}, body]
        with asking():
            responses = client.msearch(searches=searches)["responses"]
        for response in responses:
            check_answer(response)
        answers += responses
    return answers


def ask_esql(client: Elasticsearch, query: str, within: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """Return the rows of an ES|QL query whose FROM is our index. Raises as `find_each`."""
    with asking(query=True):
        answer = client.esql.query(query=query, filter=within).body
    check_answer(answer)
    names = [column["name"] for column in answer["columns"]]
    return [dict(zip(names, values, strict=True)) for values in answer["values"]]


def ask_eql(
    client: Elasticsearch, index: str, query: str, within: Mapping[str, Any] | None = None, size: int = PAGE
) -> Mapping[str, Any]:
    """Return the hits of an EQL query, `events` or `sequences`: the latest ones, if there are more than `size`.

    Raises as `find_each`; also LiveError if there may be more than one request can return.
    """
    with asking(query=True):
        answer = client.eql.search(
            index=index,
            query=query,
            filter=within,
            size=size,
            timestamp_field="@timestamp",
            event_category_field="event.category",
            tiebreaker_field=POSITION,
        ).body
    check_answer(answer)
    hits: Mapping[str, Any] = answer["hits"]
    if size == PAGE and len(hits.get("sequences") or hits.get("events") or ()) == PAGE:
        raise LiveError(f"elasticsearch returns at most {PAGE:,} results of an EQL query, and there may be more")
    return hits


def positions(events: Sequence[Event]) -> list[dict[str, Any]]:
    """Return, for each event, the field with its position in the log."""
    return [{POSITION: position} for position in range(len(events))]


def eql_rows(hits: Mapping[str, Any], events: Sequence[Event]) -> list[dict[str, Any]]:
    """Return the hits of EQL as rows of the local engine: events, or `join_keys` and `events`."""
    by_id = {str(event["_id"]): dict(event) for event in events}
    if "sequences" not in hits:
        return [by_id[hit["_id"]] for hit in hits.get("events", ())]
    return [
        {
            "join_keys": sequence.get("join_keys", []),
            "events": [
                {"_id": "", "missing": True} if hit.get("missing") else by_id[hit["_id"]] for hit in sequence["events"]
            ],
        }
        for sequence in hits["sequences"]
    ]


def on_index(query: str, index: str, *, metadata: Sequence[str] | None = None) -> str:
    """Return an ES|QL query with its FROM replaced by our index.

    Args:
        query: the query.
        index: the name of the index, which needs no quotes.
        metadata: metadata fields instead of those that the query names; None: those of the query.

    Raises:
        QueryError: our parser does not know the query.
    """
    from converter.targets.esql.engine.language import syntax  # noqa: PLC0415  only for this language
    from converter.targets.esql.engine.parse import parse  # noqa: PLC0415

    source = parse(query).source
    if not isinstance(source, syntax.From):
        return query
    names = [column.name for column in source.metadata] if metadata is None else metadata
    clause = f" METADATA {', '.join(names)}" if names else ""
    return f"{query[: source.span.start]}FROM {index}{clause}{query[source.span.end :]}"


def leading_filter(query: str) -> str | None:
    """Return the beginning of an ES|QL query: FROM and the WHERE commands right after it; None without such a WHERE."""
    from converter.targets.esql.engine.language import syntax  # noqa: PLC0415
    from converter.targets.esql.engine.parse import parse  # noqa: PLC0415

    end = None
    tree = parse(query)
    for command in tree.commands if isinstance(tree.source, syntax.From) else ():
        if not isinstance(command, syntax.Where):
            break
        end = command.span.end
    return None if end is None else query[:end]


def esql_fields(query: str) -> frozenset[str]:
    """Return the columns that an ES|QL query names, including those that it creates, without metadata fields."""
    from converter.targets.esql.engine.language import syntax  # noqa: PLC0415
    from converter.targets.esql.engine.parse import parse  # noqa: PLC0415

    tree = parse(query)
    names = {column.name for column in nodes(tree, syntax.Column)}
    names |= {pattern.text for pattern in nodes(tree, syntax.NamePattern) if len(pattern.parts) == 1}
    metadata = tree.source.metadata if isinstance(tree.source, syntax.From) else ()
    return frozenset(names - {column.name for column in metadata})


def eql_fields(query: str) -> frozenset[str]:
    """Return the fields that an EQL query requires, including those of its join keys; `?name` is not required."""
    from converter.targets.eql.engine.language import syntax  # noqa: PLC0415
    from converter.targets.eql.engine.parse import parse  # noqa: PLC0415

    return frozenset(field.name for field in nodes(parse(query), syntax.Field) if not field.optional)


def nodes(tree: Any, kind: type[_Node]) -> Iterator[_Node]:
    """Yield the nodes of a kind in a tree of dataclasses and tuples, without recursion."""
    pending: list[Any] = [tree]
    while pending:
        node = pending.pop()
        if isinstance(node, kind):
            yield node
        if isinstance(node, tuple | list):
            pending.extend(node)
        elif is_dataclass(node):
            pending.extend(getattr(node, field.name) for field in fields(node))
