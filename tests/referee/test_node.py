"""The referee itself: it runs the vendor's code, and knows nothing of ours."""

from __future__ import annotations

from typing import Any

import pytest
from referee import Node, NodeError

MAPPING = {"properties": {"user.name": {"type": "keyword"}, "source.ip": {"type": "ip"}, "n": {"type": "long"}}}


def test_it_is_the_version_that_the_notes_name(node: Node) -> None:
    assert node.version == "9.3.3"


def test_kql_is_parsed_and_run_by_the_vendor(node: Node) -> None:
    documents: list[dict[str, Any]] = [
        {"user": {"name": "ann"}, "n": 5},
        {"user": {"name": "Ann"}, "source": {"ip": "10.1.2.3"}},
    ]
    queries = ["user.name: a*", "n >= 5", "source.ip: 10.0.0.0/8", "not user.name: ann"]
    with node.index(MAPPING, documents) as index:
        found = node.search_ids(index, [{"kql": {"query": query}} for query in queries])
        (bad,) = node.search_ids(index, [{"kql": {"query": "user.name: (a or"}}])
    assert found == [{"1"}, {"1"}, {"2"}, {"2"}]
    assert isinstance(bad, NodeError)


def test_a_document_that_the_mapping_does_not_take_is_an_error(node: Node) -> None:
    with pytest.raises(NodeError, match="n"), node.index(MAPPING, [{"n": "five"}]):
        pass
    assert not node.call("GET", "/_cat/indices/referee-*?format=json"), "an index is left"


def test_the_grammar_of_esql_is_the_vendors(node: Node) -> None:
    good = 'FROM a METADATA _id | WHERE x LIKE "b*" AND NOT y IN (1, 2) | STATS c = COUNT(*) BY z | KEEP c, z'
    errors = node.esql_errors([good, "from a | where", "from a | nonsense b", "row x = [1, 2] | eval y = x::string"])
    assert errors[0] is None
    assert errors[1] is not None
    assert errors[1].startswith("1:14:")
    assert errors[2] is not None
    assert errors[3] is None
