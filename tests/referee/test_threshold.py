"""The buckets of a threshold rule against the aggregation that the detection engine asks for.

    random documents ──index──> composite aggregation of terms, page by page ──> buckets: keys, count, times
                     ──members, alerts_of_run──────────────────────────────────> the same, in the same order

The node has no bucket_selector; what it would keep is kept here.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from converter.products.elastic.dates import iso
from converter.targets.elastic_toml.engine.rule import Cardinality, Threshold
from converter.targets.elastic_toml.engine.threshold import History, alerts_of_run, members
from tests.support.referee.lucene_asks import generator

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from referee import Node

START = 1_700_000_000_000
PAGE = 7
RULES = 8  # on the same documents
TYPES = {
    "user.name": "keyword",
    "process.name": "keyword",
    "process.pid": "long",
    "gen_ai.request.temperature": "double",
    "tls.established": "boolean",
    "source.ip": "ip",
}
VALUES: dict[str, tuple[Any, ...]] = {
    "keyword": ("a", "B", "b", "ä", "10", "9", "-1", "", "é", "e\u0301", "\uffee", "😀", "true"),
    "long": (5, -3, 10, 9, "5", "-3", 2**53 + 1, 0),
    "double": (0.5, 1.0, -1.5, 1, "2", "0.5", 1e21, -0.25, 10.0, 9),
    "boolean": (True, False, "true", "false"),
    "ip": ("10.0.0.1", "9.9.9.9", "2001:db8::1", "2001:DB8:0:0::1", "::ffff:10.0.0.1", "::1", "fe80::a"),
}
MAPPING = {
    "properties": {"@timestamp": {"type": "date"}, **{name: {"type": kind} for name, kind in TYPES.items()}},
}


def document(random: Random, time: int) -> dict[str, Any]:
    """Return a document in which fields are missing, null, empty, single, or of several values."""
    made: dict[str, Any] = {"@timestamp": time}
    for name, kind in TYPES.items():
        pool = VALUES[kind][: random.choice([2, 3, 20])]
        shape = random.random()
        if shape < 0.7:
            made[name] = random.choice(pool)
        elif shape < 0.85:
            made[name] = [random.choice(pool) for _ in range(random.choice([0, 1, 2, 3, 4]))]
        elif shape < 0.9:
            made[name] = random.choice([None, [None], [None, pool[0]]])
    return made


def as_text(kind: str, value: Any) -> str:
    """Return the key of a bucket as the engine writes it."""
    if kind == "boolean":
        return "true" if value else "false"
    if kind == "double" and float(value).is_integer():
        return str(int(value))
    return str(value)


def of_node(node: Node, index: str, threshold: Threshold) -> list[tuple[tuple[str, ...], int, int, int, int]]:
    """Return keys, count, first and last time, and cardinality of each bucket that has enough, in order."""
    inner: dict[str, Any] = {"first": {"min": {"field": "@timestamp"}}, "last": {"max": {"field": "@timestamp"}}}
    if threshold.cardinality:
        inner["values"] = {"cardinality": {"field": threshold.cardinality.field}}
    sources = [{name: {"terms": {"field": name}}} for name in threshold.fields]
    found: list[tuple[tuple[str, ...], int, int, int, int]] = []
    after: dict[str, Any] = {}
    while True:
        composite = {"sources": sources, "size": PAGE, **after}
        body = {"size": 0, "aggs": {"buckets": {"composite": composite, "aggs": inner}}}
        answer = node.call("POST", f"/{index}/_search", body)["aggregations"]["buckets"]
        for bucket in answer["buckets"]:
            keys = tuple(as_text(TYPES[name], bucket["key"][name]) for name in threshold.fields)
            values = bucket["values"]["value"] if threshold.cardinality else 0
            if bucket["doc_count"] >= threshold.value and values >= _least(threshold):
                times = int(bucket["first"]["value"]), int(bucket["last"]["value"])
                found.append((keys, bucket["doc_count"], *times, values))
        if "after_key" not in answer:
            return found
        after = {"after": answer["after_key"]}


def of_engine(threshold: Threshold, documents: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the alerts of one run over all documents."""
    seen = members(threshold, [(one["@timestamp"], at, one) for at, one in enumerate(documents)])
    return alerts_of_run(threshold, seen, History(), START, 10_000)


def _least(threshold: Threshold) -> int:
    return threshold.cardinality.value if threshold.cardinality else 0


def compare(node: Node, index: str, threshold: Threshold, documents: Sequence[dict[str, Any]]) -> int:
    """Compare the buckets of one rule on documents that are in an index; return how many there are."""
    theirs = of_node(node, index, threshold)
    ours = of_engine(threshold, documents)
    keys = [tuple(_normal(TYPES[name], alert["group"][name]) for name in threshold.fields) for alert in ours]
    shown = f"{threshold} on {documents}"
    assert keys == [bucket[0] for bucket in theirs], shown
    assert [one["count"] for one in ours] == [bucket[1] for bucket in theirs], shown
    assert [(one["first"], one["last"]) for one in ours] == [(iso(one[2]), iso(one[3])) for one in theirs], shown
    return len(theirs)


def _normal(kind: str, value: Any) -> str:
    """Return a value of a document as its field holds it."""
    match kind:
        case "long":
            return str(int(value))
        case "double":
            return as_text(kind, float(value))
        case "boolean":
            return as_text(kind, value in {True, "true"})
        case "ip":
            found = ip_address(value)
            return str(getattr(found, "ipv4_mapped", None) or found)
        case _:
            return str(value)


def rule(random: Random) -> Threshold:
    """Return what a rule might count."""
    fields = tuple(random.sample(list(TYPES), random.choice([1, 1, 2, 3, 5])))
    others = [name for name in TYPES if name not in fields]
    cardinality = Cardinality(random.choice(others), random.choice([1, 2, 3])) if random.random() < 0.4 else None
    return Threshold(fields, random.choice([1, 1, 2, 3]), cardinality)


def test_buckets(node: Node, examples: int) -> None:
    random = generator("threshold", examples)
    pairs = buckets = 0
    while pairs < examples:
        documents = [document(random, START + 1000 * at) for at in range(random.choice([1, 3, 10, 40]))]
        with node.index(MAPPING, documents) as index:
            for _ in range(RULES):
                threshold = rule(random)
                try:
                    buckets += compare(node, index, threshold, documents)
                except AssertionError:
                    _compare_fewest(node, threshold, documents)
                    raise
                pairs += len(documents)
    print(f"threshold: {pairs} pairs of a rule and a document, {buckets} buckets")  # noqa: T201


def _compare_fewest(node: Node, threshold: Threshold, documents: list[dict[str, Any]]) -> None:
    """Fail with as few of the documents as still differ."""

    def differs(some: list[dict[str, Any]]) -> bool:
        with node.index(MAPPING, some) as index:
            try:
                compare(node, index, threshold, some)
            except AssertionError:
                return True
        return False

    at = 0
    while at < len(documents):
        fewer = documents[:at] + documents[at + 1 :]
        if differs(fewer):
            documents = fewer
        else:
            at += 1
    with node.index(MAPPING, documents) as index:
        compare(node, index, threshold, documents)
