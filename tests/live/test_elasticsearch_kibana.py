"""The Query DSL that Kibana sends for KQL; what the cases expect is what the tests of kbn-es-query expect.

Source: elastic/kibana, kbn-es-query, src/kuery/functions/{is,range,and,or,not,nested}.test.ts and ast/ast.test.ts; the
names of the fields are ours.
"""

from __future__ import annotations

from typing import Any

import pytest

from converter.errors import QueryError
from converter.live.elasticsearch.kibana import Fields, kibana_query, nested_paths

FIELDS = Fields(
    {
        "name": "keyword",
        "name.text": "text",
        "words": "text",
        "bytes": "long",
        "address": "ip",
        "time": "date",
        "nano": "date_nanos",
        "people.name": "keyword",
        "people.age": "long",
        "people.pets.kind": "keyword",
    },
    frozenset({"people", "people.pets"}),
)


def either(*queries: Any) -> dict[str, Any]:
    return {"bool": {"should": list(queries), "minimum_should_match": 1}}


def nested(path: str, query: Any) -> dict[str, Any]:
    return {"nested": {"path": path, "query": query, "score_mode": "none"}}


CASES: dict[str, Any] = {
    "": {"match_all": {}},
    "*": {"query_string": {"query": "*"}},
    "*: *": {"match_all": {}},
    "name: *": either({"exists": {"field": "name"}}),
    "nothing: *": either({"exists": {"field": "nothing"}}),
    "name: ann": either({"term": {"name": {"value": "ann"}}}),
    'name: "a*b"': either({"term": {"name": {"value": "a*b"}}}),
    "name: true": either({"term": {"name": {"value": True}}}),
    r"name: C\:\\a b*(x)".replace("(x)", r"\(x\)"): either({"wildcard": {"name": {"value": r"C\:\\a b*\(x\)"}}}),
    r"name: a\*b*c?d": either({"wildcard": {"name": {"value": r"a\*b*c\?d"}}}),
    "words: big news": either({"match": {"words": "big news"}}),
    'words: "big news"': either({"match_phrase": {"words": "big news"}}),
    "words: ne*": either({"query_string": {"fields": ["words"], "query": "ne*"}}),
    "bytes: 5": either({"match": {"bytes": "5"}}),
    "bytes: 5*": either({"query_string": {"fields": ["bytes"], "query": "5*"}}),
    "address: 10.0.0.0/8": either({"match": {"address": "10.0.0.0/8"}}),
    'time: "2026-01-01"': either({"range": {"time": {"gte": "2026-01-01", "lte": "2026-01-01"}}}),
    "nano: 2026": either({"range": {"nano": {"gte": "2026", "lte": "2026"}}}),
    "nothing: a": either({"match": {"nothing": "a"}}),
    'nothing: "a"': either({"match_phrase": {"nothing": "a"}}),
    "nothing: a*": either({"query_string": {"fields": ["nothing"], "query": "a*"}}),
    "bytes >= 5": either({"range": {"bytes": {"gte": "5"}}}),
    "time < now-1d": either({"range": {"time": {"lt": "now-1d"}}}),
    "ann": {"multi_match": {"type": "best_fields", "query": "ann", "lenient": True}},
    '"ann lee"': {"multi_match": {"type": "phrase", "query": "ann lee", "lenient": True}},
    "an*": {"query_string": {"query": "an*"}},
    "name*: a": either({"term": {"name": {"value": "a"}}}, {"match": {"name.text": "a"}}),
    "*na* > 5": either(
        {"range": {"name": {"gt": "5"}}},
        {"range": {"name.text": {"gt": "5"}}},
        {"range": {"nano": {"gt": "5"}}},
        nested("people", {"range": {"people.name": {"gt": "5"}}}),
    ),
    "none*: a": either({"match": {"none*": "a"}}),
    "not name: a": {"bool": {"must_not": either({"term": {"name": {"value": "a"}}})}},
    "name: a and bytes: 5 or words: x": either(
        {"bool": {"filter": [either({"term": {"name": {"value": "a"}}}), either({"match": {"bytes": "5"}})]}},
        either({"match": {"words": "x"}}),
    ),
    "name: (a or b)": either(either({"term": {"name": {"value": "a"}}}), either({"term": {"name": {"value": "b"}}})),
    "people: { name: a and age > 5 }": nested(
        "people",
        {
            "bool": {
                "filter": [
                    either({"term": {"people.name": {"value": "a"}}}),
                    either({"range": {"people.age": {"gt": "5"}}}),
                ]
            }
        },
    ),
    "people: { pets: { kind: c* } }": nested(
        "people", nested("people.pets", either({"wildcard": {"people.pets.kind": {"value": "c*"}}}))
    ),
    "people*: a": either(
        nested("people", {"term": {"people.name": {"value": "a"}}}),
        nested("people", {"match": {"people.age": "a"}}),
        nested("people.pets", {"term": {"people.pets.kind": {"value": "a"}}}),
    ),
    "people: { a }": nested("people", either({"match": {"people.null": "a"}})),
}


@pytest.mark.parametrize("text", CASES)
def test_what_kibana_sends(text: str) -> None:
    assert kibana_query(text, FIELDS) == CASES[text]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("people.name: a", "people.name is in the nested object people"),
        ("people: { pets.kind: a }", "people.pets.kind is in the nested object people.pets"),
        ("name: (a", "this bracket is not closed"),
        ("name: null", "null is not a value"),
    ],
)
def test_what_kibana_refuses(text: str, message: str) -> None:
    with pytest.raises(QueryError, match=message) as caught:
        kibana_query(text, FIELDS)
    assert caught.value.place is not None


def test_nested_paths() -> None:
    assert nested_paths("a: b and not c: { d: { e: f } or g: h }") == {"c", "c.d"}
