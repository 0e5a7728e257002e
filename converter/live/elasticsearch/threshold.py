"""Run the aggregation of a threshold rule, as the detection engine builds it.

    queries + [rule.threshold] ──composite aggregation of terms, page by page──> buckets of each query
    earlier alerts ──hidden──> filters that exclude their documents

A document that lacks one of the fields is in no bucket. The callers check that a bucket has enough documents: Kibana
lets the server do that (bucket_selector), which has the same result and needs scripts.
Source: elastic/kibana, rule_types/threshold: build_threshold_aggregation.ts, find_threshold_signals.ts,
get_threshold_bucket_filters.ts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from converter.live.elasticsearch.search import PAGE, ask_each

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from elasticsearch import Elasticsearch

    from converter.targets.elastic_toml.engine.rule import Threshold

_BUCKETS_IN_A_QUERY = 500


@dataclass(frozen=True, slots=True)
class Bucket:
    """The documents with one combination of values.

    Attributes:
        values: of the threshold's fields, in their order.
        count: the number of documents.
        first: the time of the first document, in milliseconds.
        last: the time of the last document, in milliseconds.
        different: the number of distinct values of the cardinality's field; 0 without a cardinality.
    """

    values: tuple[Any, ...]
    count: int
    first: int
    last: int
    different: int


def buckets_of(
    client: Elasticsearch, index: str, queries: Sequence[Mapping[str, Any]], threshold: Threshold, clock: str
) -> list[list[Bucket]]:
    """Return the buckets of each query, in the server's order.

    Args:
        client: the connection.
        index: the index of the documents.
        queries: in Query DSL.
        threshold: the rule's threshold.
        clock: the field with the time.

    Raises:
        QueryError: the server refuses a query.
        LiveError: the server cannot be used.
    """
    inner: dict[str, Any] = {"first": {"min": {"field": clock}}, "last": {"max": {"field": clock}}}
    if threshold.cardinality is not None:
        inner["different"] = {"cardinality": {"field": threshold.cardinality.field}}
    if not threshold.fields:
        bodies = [{"query": query, "size": 0, "track_total_hits": True, "aggs": inner} for query in queries]
        return [_whole(answer) for answer in ask_each(client, index, bodies)]
    buckets: list[list[Bucket]] = [[] for _ in queries]
    after: dict[int, Any] = dict.fromkeys(range(len(queries)))
    while after:
        bodies = [_body(queries[at], threshold.fields, inner, key) for at, key in after.items()]
        answers = ask_each(client, index, bodies)
        following: dict[int, Any] = {}
        for at, answer in zip(after, answers, strict=True):
            page = answer["aggregations"]["buckets"]
            for item in page["buckets"]:
                values = tuple(item["key"][name] for name in threshold.fields)
                buckets[at].append(_bucket(values, item["doc_count"], item))
            if len(page["buckets"]) == PAGE:
                following[at] = page["after_key"]
        after = following
    return buckets


def hidden(threshold: Threshold, known: Mapping[tuple[Any, ...], int], clock: str) -> list[dict[str, Any]]:
    """Return filters that match the documents of earlier alerts.

    Args:
        threshold: the rule's threshold.
        known: the last time of the alert of each bucket that has alerted.
        clock: the field with the time.
    """
    return [
        {
            "bool": {
                "filter": [
                    {"range": {clock: {"lte": last, "format": "epoch_millis"}}},
                    *_terms(threshold, values),
                ]
            }
        }
        for values, last in known.items()
    ]


def in_buckets(threshold: Threshold, buckets: Iterable[Bucket]) -> list[dict[str, Any]]:
    """Return queries that together match the documents in these buckets."""
    filters = [{"bool": {"filter": _terms(threshold, bucket.values)}} for bucket in buckets]
    return [
        {"bool": {"should": filters[start : start + _BUCKETS_IN_A_QUERY], "minimum_should_match": 1}}
        for start in range(0, len(filters), _BUCKETS_IN_A_QUERY)
    ]


def _terms(threshold: Threshold, values: tuple[Any, ...]) -> list[dict[str, Any]]:
    return [{"term": {name: _string(value)}} for name, value in zip(threshold.fields, values, strict=True)]


def _string(value: Any) -> str:
    """Return a value as JavaScript's string, which Kibana puts into the filter."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _body(query: Mapping[str, Any], names: Sequence[str], inner: Mapping[str, Any], after: Any) -> dict[str, Any]:
    composite: dict[str, Any] = {"size": PAGE, "sources": [{name: {"terms": {"field": name}}} for name in names]}
    if after is not None:
        composite["after"] = after
    return {
        "query": query,
        "size": 0,
        "track_total_hits": False,
        "aggs": {"buckets": {"composite": composite, "aggs": inner}},
    }


def _whole(answer: Mapping[str, Any]) -> list[Bucket]:
    """Return the single bucket of a threshold without fields; nothing if it is empty."""
    count = answer["hits"]["total"]["value"]
    return [_bucket((), count, answer["aggregations"])] if count else []


def _bucket(values: tuple[Any, ...], count: int, aggregations: Mapping[str, Any]) -> Bucket:
    different = aggregations.get("different", {}).get("value", 0)
    return Bucket(
        values, count, int(aggregations["first"]["value"]), int(aggregations["last"]["value"]), int(different)
    )
