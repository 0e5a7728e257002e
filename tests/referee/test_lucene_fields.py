"""What a field of the index holds of a value in a document, against the columns that the ES|QL engine reads.

    JSON values ──index, a field of each type, ignore_malformed──> doc values
                ──read_column with that type──────────────────────> values

and facts about terms that all engines of Elastic's languages assume.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import pytest
from referee import NodeError

from converter.targets.elastic_toml.engine.documents import _milliseconds
from converter.targets.eql.engine.documents import milliseconds
from converter.targets.esql.engine.source import read_column
from converter.targets.esql.engine.types import format_ip
from tests.support.referee.lucene_asks import Ask, generator, lucene

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from referee import Node

TYPES = ("keyword", "long", "integer", "double", "boolean", "date", "ip")
_NUMBERS = (
    "5| 5|5 |5.5|-5.9|+5|5.|.5|1e3|1E3|0x10|five|| |NaN|Infinity|1_000|5d|5f|\u0665|2147483648|"
    "9223372036854775807|9223372036854775808|-9223372036854775808|9007199254740993"
)
_OTHERS = (
    "true|false|True|yes|on|TRUE|\u00e9|e\u0301|\x00|\U0001f600|a\nb|10.1.2.3|010.1.2.3|10.1.2|10.1.2.3/8|::1|[::1]|"
    "2001:DB8::A|::ffff:10.1.2.3|fe80::1%eth0|1.2.3.4.5|256.1.1.1|1.2.3.04|::10.1.2.3|0:0:0:0:0:0:0:1|2001:db8::1::2"
)
_DATES = (
    "2024|2024-02|2024-02-30|2024-02-29|2024-2-9|20240229|02024|2024-02-29T10|2024-02-29T10Z|2024-02-29T10:11|"
    "2024-02-29T10:11:12|2024-02-29T10:11:12Z|2024-02-29T10:11:12.3Z|2024-02-29T10:11:12,3Z|2024-02-29 10:11:12|"
    "2024-02-29T10:11:12.123456789Z|2024-02-29T10:11:12.1239Z|2024-02-29T10:11:12.1234567890Z|2024-02-29T|2024-02-29Z|"
    "2024-02-29T10:11:12+01:00|2024-02-29T10:11:12+0100|2024-02-29T10:11:12+01|2024-02-29T10:11:12-00:30|now|"
    "2024-02-29T24:00:00Z|2024-02-29T10:60:00Z|2024-02-29T10:11:60Z|2024-02-29T10:11:12z|2024-02-29t10:11:12Z|"
    "2024-02-29T10:11:12 Z|2024-02-29T10:11:12.Z|2024-02-29+01:00|2024-02T10:11|2024-W09-4|1e12|-1500.5|"
    "1709201472000|-1|1709201472000.5|1709201472000.999|0|12345|99999|Thu, 29 Feb 2024 10:11:12 GMT|+2024-02-29|"
    "2024-02-29T10:11:12[UTC]|2024-02-29T10:11:12 UTC|2024-02-29T10:11:12UTC|2024-02-29T10:11:12+18:00|10000-01-01|"
    "2024-02-29T10:11:12+19:00|0000-01-01|9999-12-31T23:59:59.999Z|-0001-01-01"
)
NUMBERS: tuple[Any, ...] = (
    *(0, 5, -5, 5.5, -5.5, 5.0, -0.0, 1e3, 1e18, 1e19, -1e19, 2**31, 2**31 - 1, -(2**31), 2**53 + 1, 2**63 - 1, 2**63),
    *(1e-3, 1e7, 123456789.5, 0.1, 1e21, 1.5e-7, 1e308),
    *_NUMBERS.split("|"),
)
OTHERS: tuple[Any, ...] = (True, False, *_OTHERS.split("|"))
DATES: tuple[Any, ...] = (
    *(1709201472000, 1709201472000.5, -1500.5, 0, 2024, 12345, 1e12, True, "2024-02-29||/d"),
    *_DATES.split("|"),
)
# Beyond the calendar of the engine, which is that of Python; beyond 2**53 the node does not show a date exactly.
DECLARED = {("date", "'0000-01-01'"), ("date", "'-0001-01-01'")} | {
    ("date", repr(shown)) for number in (2**53 + 1, 2**63 - 1) for shown in (number, str(number))
}


def doc_values(node: Node, values: Sequence[Any]) -> list[dict[str, list[Any]]]:
    """Return for each value the doc values of a field of each type."""
    mapping = {
        kind: {"type": kind} if kind == "keyword" else {"type": kind, "ignore_malformed": True} for kind in TYPES
    }
    documents = [dict.fromkeys(TYPES, value) for value in values]
    wanted = [{"field": "date", "format": "epoch_millis"}, *(kind for kind in TYPES if kind != "date")]
    with node.index({"properties": mapping}, documents) as index:
        body = {"size": 10_000, "_source": False, "docvalue_fields": wanted, "sort": ["_doc"]}
        hits = node.call("POST", f"/{index}/_search", body)["hits"]["hits"]
    found: dict[str, dict[str, list[Any]]] = {hit["_id"]: hit.get("fields", {}) for hit in hits}
    return [found[str(position)] for position in range(1, len(values) + 1)]


def ours(kind: str, value: Any) -> list[Any]:
    """Return what the engine reads of a value in a field of a type, as doc values are shown."""
    (read,) = read_column(kind, [{kind: value}], {kind: kind}).values
    values = [] if read is None else list(read) if isinstance(read, tuple | list) else [read]
    return [str(ip_address(format_ip(one))) for one in values] if kind == "ip" else values


def theirs(kind: str, values: dict[str, list[Any]]) -> list[Any]:
    """Return doc values as the engine has them."""
    found = values.get(kind, [])
    match kind:
        case "date":
            return [round(float(one)) if isinstance(one, str) else one for one in found]
        case "ip":
            return [str(ip_address(one)) for one in found]
        case _:
            return found


def test_scalars(node: Node) -> None:
    values = (*NUMBERS, *OTHERS, *DATES)
    differing = {
        (kind, repr(value)): (ours(kind, value), theirs(kind, found))
        for value, found in zip(values, doc_values(node, values), strict=True)
        for kind in TYPES
        if repr(ours(kind, value)) != repr(theirs(kind, found))
    }
    undeclared = {key: both for key, both in differing.items() if key not in DECLARED}
    assert not undeclared
    assert set(differing) == DECLARED, "what is declared is gone"


def test_arrays(node: Node, examples: int) -> None:
    random = generator("arrays", examples)
    pools = (NUMBERS, OTHERS, DATES, (*NUMBERS, *OTHERS, None, [], [None, 5]))
    pairs = 0
    while pairs < examples // 4:
        values = [[random.choice(pool) for _ in range(random.randrange(5))] for pool in random.choices(pools, k=50)]
        for value, found in zip(values, doc_values(node, values), strict=True):
            for kind in TYPES:
                if not any((kind, repr(one)) in DECLARED for one in value):
                    assert (kind, value, ours(kind, value)) == (kind, value, theirs(kind, found))
                    pairs += 1
    print(f"arrays: {pairs} pairs of a type and an array")  # noqa: T201


@pytest.mark.parametrize("reader", [milliseconds, _milliseconds], ids=["eql", "rule files"])
def test_times_of_documents(node: Node, reader: Callable[[Any], int | None]) -> None:
    """The engines of EQL and of rule files read the time that the index holds.

    They also read forms of ISO 8601 for which the index rejects the document; no zone by its name; and a number of
    four digits as milliseconds, where the index reads a year.
    """
    differing = {
        repr(value)
        for value, found in zip(DATES, doc_values(node, DATES), strict=True)
        for read in theirs("date", found)
        if reader(value) != read
    }
    assert differing == {
        "2024",
        repr("2024-02-29T10:11:12UTC"),
        *(value for kind, value in DECLARED if "-01-01" in value),
    }
    lenient = [
        value
        for value, found in zip(DATES, doc_values(node, DATES), strict=True)
        if not theirs("date", found) and reader(value) is not None
    ]
    assert {"2024-02-29 10:11:12", "2024-02-29t10:11:12Z"} <= set(lenient)
    assert all(isinstance(value, str) and value.startswith("2024-") for value in lenient)


def test_a_term_is_its_bytes(node: Node) -> None:
    texts = [
        "a",
        "A",
        "\u00e9",
        "e\u0301",
        "\ufb01",
        "fi",
        "",
        " ",
        "\x00",
        "a\x00",
        "\u212b",
        "\u00c5",
        "1",
        "1.0",
        "\U0001f600",
    ]
    found = lucene(node, [Ask("term", text) for text in texts], texts)
    assert found == [frozenset([text]) for text in texts]


def test_long_texts(node: Node) -> None:
    """A text of more than 32,766 bytes is an error, and one longer than ignore_above is no value at all."""
    mapping = {"properties": {"f": {"type": "keyword"}, "g": {"type": "keyword", "ignore_above": 10}}}
    with node.index(
        mapping, [{"f": "x" * 32_766}, {"f": "\u00e9" * 16_383}, {"g": "x" * 10}, {"g": "x" * 11}]
    ) as index:
        queries = [{"exists": {"field": "f"}}, {"exists": {"field": "g"}}, {"wildcard": {"g": "x*"}}]
        assert node.search_ids(index, queries) == [{"1", "2"}, {"3"}, {"3"}]
        for text in ("x" * 32_767, "\u00e9" * 16_384):
            with pytest.raises(NodeError, match="32766"):
                node.add(index, [{"f": text}])


def test_missing_null_and_empty(node: Node) -> None:
    mapping = {"properties": {"f": {"type": "keyword"}, "n": {"type": "long"}}}
    documents: list[dict[str, Any]] = [
        {},
        {"f": None},
        {"f": []},
        {"f": [None]},
        {"f": ""},
        {"f": [None, "a"]},
        {"f": [[], ["a", ["b"]]]},
        {"n": ""},
    ]
    with node.index(mapping, documents) as index:
        queries: list[dict[str, Any]] = [
            {"exists": {"field": "f"}},
            {"term": {"f": ""}},
            {"term": {"f": "b"}},
            {"exists": {"field": "n"}},
        ]
        assert node.search_ids(index, queries) == [{"5", "6", "7"}, {"5"}, {"7"}, set()]
