"""What a field of the index holds of a value in a document, against what all our engines of Elastic's languages read.

    JSON values ──index, a field of each type, ignore_malformed──> doc values
                ──index_value, read_column with that type─────────> values
    dates, addresses and blocks in queries ──term, range──> the documents found, or an error
                                           ──span, block──> the same

and facts about terms that these engines assume.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from referee import NodeError

from converter.products.elastic import addresses, dates
from converter.products.elastic.values import index_value
from converter.targets.esql.engine.language.source import read_column
from tests.support.referee.lucene_asks import Ask, generator, lucene

if TYPE_CHECKING:
    from collections.abc import Sequence

    from referee import Node

TYPES = ("keyword", "long", "integer", "double", "float", "half_float", "boolean", "date", "ip")
_NUMBERS = (
    "5| 5|5 |5.5|-5.9|+5|5.|.5|1e3|1E3|0x10|five|| |NaN|Infinity|1_000|5d|5f|\u0665|2147483648|"
    "9223372036854775807|9223372036854775808|-9223372036854775808|9007199254740993|9223372036854775807.5|"
    "-9223372036854775808.5|2147483647.9|-2147483648.9|1e400|-1e400|1e-400|9e9999|5.e3|5F|5D|+.5|-.5| 5d |\t5\n"
)
_OTHERS = (
    "true|false|True|yes|on|TRUE|\u00e9|e\u0301|\x00|\U0001f600|a\nb|10.1.2.3|010.1.2.3|10.1.2|10.1.2.3/8|::1|[::1]|"
    "2001:DB8::A|::ffff:10.1.2.3|fe80::1%eth0|1.2.3.4.5|256.1.1.1|1.2.3.04|::10.1.2.3|0:0:0:0:0:0:0:1|2001:db8::1::2|1.2.3.4%x|1.2.3.4%|fe80::1%|"
    "::1%a%b|00001::|::01.2.3.4|1:2:3:4:5:6:7::|::g|1.2.3.4 | 1.2.3.4|16909060"
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
    "2024-02-29T10:11:12+19:00|0000-01-01|9999-12-31T23:59:59.999Z|-0001-01-01|-0004-02-29|-0001-02-29|2024T|2024-02T|"
    "2024-02-29TZ|2024-02-29T10:|2024-02-29T10.5|2024-060|2024-00-01|1900-02-29|2000-02-29|-2024|0999|999|00999|"
    "1500.|1500.123456|1500.1234567|-0.5|2024.0|.5|+5|1,5| 2024|2024 |\u0662\u0660\u0662\u0664||12345678901234567890"
)
_ZONES = (
    "Z GMT0 UTC GMT UT utc ZULU +1 +01 +010 +0100 +01:00 +01:0 +01: +010203 +01:02:03 +01:0203 +0102:03 +01:60 "
    "+01:00:60 -18:00 -18:00:01 +18:01 -00:00 UTC+1 UTC-1 UTC+01 UTC+0130 UTC+01:30 UTC+1:30 UTC+01:02:03 UTC+010203 "
    "UTC+010 UTC+18 UTC+19 UTC+ UTCZ Z+1 GMT+1 GMT-0130 UT+5 UT-01:02"
)
_BLOCKS = (
    "10.0.0.0/8|10.1.2.3/8|10.0.0.0/255.0.0.0|10.0.0.0/08|10.0.0.0/0000000008|10.0.0.0/+8|10.0.0.0/\u0668|10.0.0.0/33|"
    "10.0.0.0/-1|10.0.0.0/0|10.0.0.0/|10.0.0.0/8/8|10.0.0.0/ 8| 10.0.0.0/8|10.0.0/8|/8||10.1.2.3|10.1.2.3%x|"
    "10.1.2.3%x/8|fe80::1%eth0|fe80::1%eth0/64|fe80::1/64%eth0|fe80::1/129|00fe80::/64|::/0|::/64|::1/128|"
    "::ffff:10.0.0.0/104|::ffff:10.1.2.3/128|::ffff:10.1.2.3|::10.1.2.3|2001:DB8::/32"
)
NUMBERS: tuple[Any, ...] = (
    *(0, 5, -5, 5.5, -5.5, 5.0, -0.0, 1e3, 1e18, 1e19, -1e19, 2**31, 2**31 - 1, -(2**31), 2**53 + 1, 2**63 - 1, 2**63),
    *(1e-3, 1e7, 123456789.5, 0.1, 1e21, 1.5e-7, 1e308),
    *_NUMBERS.split("|"),
)
OTHERS: tuple[Any, ...] = (True, False, *_OTHERS.split("|"))
DATES: tuple[Any, ...] = (
    *(1709201472000, 1709201472000.5, -1500.5, 0, 2024, -2024, 999, 2024.0, 12345, 1e12, 1e15, 1e16, True),
    *("2024-02-29||/d", *_DATES.split("|"), *(f"2024-02-29T10:11:12{zone}" for zone in _ZONES.split())),
)
# What is not known: zones with the name of a region.
REGIONS = tuple(f"2024-02-29T10:11:12{zone}" for zone in ("Europe/Paris", "CET", "Zulu", "Etc/UTC"))


def doc_values(node: Node, values: Sequence[Any]) -> list[dict[str, list[Any]]]:
    """Return for each value the doc values of a field of each type."""
    mapping = {
        kind: {"type": kind} if kind == "keyword" else {"type": kind, "ignore_malformed": True} for kind in TYPES
    }
    documents = [dict.fromkeys(TYPES, value) for value in values]
    wanted = [{"field": "date", "format": "strict_date_optional_time"}, *(kind for kind in TYPES if kind != "date")]
    with node.index({"properties": mapping}, documents) as index:
        body = {"size": 10_000, "_source": False, "docvalue_fields": wanted, "sort": ["_doc"]}
        hits = node.call("POST", f"/{index}/_search", body)["hits"]["hits"]
    found: dict[str, dict[str, list[Any]]] = {hit["_id"]: hit.get("fields", {}) for hit in hits}
    return [found[str(position)] for position in range(1, len(values) + 1)]


def shown(kind: str, value: Any) -> Any:
    """Return a value as the node shows it: dates and addresses as texts."""
    match kind:
        case "date":
            return dates.iso(value)
        case "ip":
            return addresses.shown(value)
        case _:
            return value


def ours(kind: str, value: Any) -> list[Any]:
    """Return what we read of a scalar in a field of a type."""
    held = index_value(value, kind)
    return [] if held is None else [shown(kind, held)]


def column(kind: str, value: Any) -> list[Any]:
    """Return what a column of ES|QL has of a value, which may be a list, in a field of a type."""
    (read,) = read_column(kind, [{kind: value}], {kind: kind}).values
    values = [] if read is None else list(read) if isinstance(read, tuple | list) else [read]
    return [shown(kind, held) for held in values]


def test_scalars(node: Node) -> None:
    values = (*NUMBERS, *OTHERS, *DATES)
    differing = {
        (kind, repr(value)): (ours(kind, value), found.get(kind, []))
        for value, found in zip(values, doc_values(node, values), strict=True)
        for kind in TYPES
        if repr(ours(kind, value)) != repr(found.get(kind, []))
    }
    # The node does not show its last date.
    last = "+292278994-08-17T07:12:55.807Z"
    latest = ("9223372036854775807", "9223372036854775807.5", 2**63 - 1)
    assert differing == {("date", repr(value)): ([last], [None]) for value in latest}


def test_zones_by_region_are_not_known(node: Node) -> None:
    assert all(found["date"] for found in doc_values(node, REGIONS))
    assert not [text for text in REGIONS if dates.indexed(text) is not None]


def test_arrays(node: Node, examples: int) -> None:
    random = generator("arrays", examples)
    pools = (NUMBERS, OTHERS, DATES, (*NUMBERS, *OTHERS, None, [], [None, 5]))
    pairs = 0
    while pairs < examples // 4:
        values = [[random.choice(pool) for _ in range(random.randrange(5))] for pool in random.choices(pools, k=50)]
        for value, found in zip(values, doc_values(node, values), strict=True):
            for kind in TYPES:
                held = found.get(kind, [])
                if None not in held:  # the last date
                    assert (kind, value, column(kind, value)) == (kind, value, held)
                    pairs += 1
    print(f"arrays: {pairs} pairs of a type and an array")  # noqa: T201


def test_dates_in_queries(node: Node) -> None:
    """A date stands for a span: `>=` and `<` begin with its first millisecond, `>` and `<=` end with its last."""
    texts = [*(text for text in DATES if isinstance(text, str) and "||" not in text and text != "now"), "1", "-1"]
    spans = {text: dates.span(text) for text in texts}
    edges = sorted({edge for span in spans.values() if span for edge in (span[0] - 1, *span, span[1] + 1)})
    stored = [edge for edge in edges if abs(edge) < 2**53]  # such as JSON numbers are exact
    documents = [{"d": str(edge) if len(str(abs(edge))) != 4 else f"{edge}."} for edge in stored]
    queries: list[dict[str, Any]] = []
    for text in texts:
        queries.append({"term": {"d": text}})
        queries.extend({"range": {"d": {operator: text}}} for operator in ("gte", "gt", "lte", "lt"))
    with node.index({"properties": {"d": {"type": "date"}}}, documents) as index:
        found = node.search_ids(index, queries)
    for at, text in enumerate(texts):
        answers = found[at * 5 : at * 5 + 5]
        span = spans[text]
        if span is None:
            assert all(isinstance(answer, NodeError) for answer in answers), text
            continue
        first, last = span
        ours = (
            {str(n) for n, edge in enumerate(stored, 1) if first <= edge <= last},
            {str(n) for n, edge in enumerate(stored, 1) if edge >= first},
            {str(n) for n, edge in enumerate(stored, 1) if edge > last},
            {str(n) for n, edge in enumerate(stored, 1) if edge <= last},
            {str(n) for n, edge in enumerate(stored, 1) if edge < first},
        )
        assert (text, tuple(answers)) == (text, ours)


def test_numbers_in_queries_are_milliseconds(node: Node) -> None:
    """A JSON number of four digits is a year in a document, and milliseconds in a query."""
    documents: list[dict[str, Any]] = [{"d": "2024-01-01"}, {"d": "1970-01-01T00:00:02.024Z"}, {"d": 2024}]
    with node.index({"properties": {"d": {"type": "date"}}}, documents) as index:
        assert node.search_ids(index, [{"term": {"d": 2024}}, {"term": {"d": "2024"}}]) == [{"2"}, {"1", "3"}]


def test_blocks(node: Node) -> None:
    blocks = _BLOCKS.split("|")
    stored = ["10.1.2.3", "11.1.2.3", "::1", "fe80::1", "fe80::2", "2001:db8::ff", "::10.1.2.3", "0.0.0.0"]  # noqa: S104
    with node.index({"properties": {"f": {"type": "ip"}}}, [{"f": address} for address in stored]) as index:
        found = node.search_ids(index, [{"term": {"f": block}} for block in blocks])
    for block, answer in zip(blocks, found, strict=True):
        try:
            bounds = (addresses.block(block),)
        except ValueError:
            assert isinstance(answer, NodeError), block
            continue
        ours = {str(at) for at, address in enumerate(stored, 1) if addresses.inside(address, bounds)}
        assert (block, answer) == (block, ours)


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
