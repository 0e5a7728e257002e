"""The aggregation of a threshold rule, as the detection engine builds it.

    queries + [rule.threshold] ──composite aggregation of terms, page by page──> buckets of each query
    what has alerted ──hidden──> filters that leave its documents out

Documents without one of the fields are in no bucket. That a bucket holds enough documents is checked where the buckets
are read: Kibana has the server do it (bucket_selector), which gives the same and needs scripts.
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
        values: of the fields of the threshold, in their order.
        count: how many documents.
        first: the time of the first one, in milliseconds.
        last: the time of the last one.
        different: how many different values they have of the field of the cardinality; 0 without one.
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
        index: where the documents are.
        queries: in Query DSL.
        threshold: what is counted.
        clock: the field with the time.

    Raises:
        QueryError: the server refuses a query.
        LiveError: the server cannot be asked.
    """
    inner: dict[str, Any] = {"first": {"min": {"field": clock}}, "last": {"max": {"field": clock}}}
    if threshold.cardinality is not None:
        inner["different"] = {"cardinality": {"field": threshold.cardinality.field}}
    if not threshold.fields:
        bodies = [{"query": query, "size": 0, "track_total_hits": True, "aggs": inner} for query in queries]
        return [_whole(answer) for answer in ask_each(client, index, bodies)]
    found: list[list[Bucket]] = [[] for _ in queries]
    after: dict[int, Any] = dict.fromkeys(range(len(queries)))
    while after:
        bodies = [_body(queries[at], threshold.fields, inner, key) for at, key in after.items()]
        answers = ask_each(client, index, bodies)
        following: dict[int, Any] = {}
        for at, answer in zip(after, answers, strict=True):
            page = answer["aggregations"]["buckets"]
            for one in page["buckets"]:
                found[at].append(_bucket(tuple(one["key"][name] for name in threshold.fields), one["doc_count"], one))
            if len(page["buckets"]) == PAGE:
                following[at] = page["after_key"]
        after = following
    return found


def hidden(threshold: Threshold, known: Mapping[tuple[Any, ...], int], clock: str) -> list[dict[str, Any]]:
    """Return filters of the documents that earlier alerts have used up.

    Args:
        threshold: what is counted.
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
    """Return queries that together find the documents in these buckets."""
    wanted = [{"bool": {"filter": _terms(threshold, bucket.values)}} for bucket in buckets]
    return [
        {"bool": {"should": wanted[start : start + _BUCKETS_IN_A_QUERY], "minimum_should_match": 1}}
        for start in range(0, len(wanted), _BUCKETS_IN_A_QUERY)
    ]


def _terms(threshold: Threshold, values: tuple[Any, ...]) -> list[dict[str, Any]]:
    return [{"term": {name: _text(value)}} for name, value in zip(threshold.fields, values, strict=True)]


def _text(value: Any) -> str:
    """Return a value as JavaScript writes it into the filter."""
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
    """Return the one bucket of a threshold without fields, or none if it is empty."""
    count = answer["hits"]["total"]["value"]
    return [_bucket((), count, answer["aggregations"])] if count else []


def _bucket(values: tuple[Any, ...], count: int, found: Mapping[str, Any]) -> Bucket:
    different = found.get("different", {}).get("value", 0)
    return Bucket(values, count, int(found["first"]["value"]), int(found["last"]["value"]), int(different))
