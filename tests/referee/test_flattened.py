"""Keys inside an object of the field type flattened: what Elasticsearch finds by KQL, and why patterns are refused.

Kibana is not asked: `kql_asks.kibana_dsl` is what it sends.
"""

from __future__ import annotations

from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from converter.errors import RefusedError
from converter.plan import nodes as ir
from converter.products.field_facts import load_facts
from converter.readers.log_source import LogSource
from converter.targets.core.target import Context
from converter.targets.kql.emitter.emit import condition
from tests.support.referee.kql_asks import Index, kibana_dsl

if TYPE_CHECKING:
    from referee import Node

OBJECT = "aws.cloudtrail.flattened.request_parameters"
KEY = f"{OBJECT}.a"
MAPPING = {"properties": {OBJECT: {"type": "flattened"}}}
SIGNS = "ab*?\\/:<>&|+-=!(){}[]^\"~.,;@#%'ANDORnotäé_ \u3000\tZX0"


def found(node: Node, index: str, kql: list[str]) -> list[set[str]]:
    answers = node.search_ids(index, [kibana_dsl(one, Index({KEY: "flattened"})) for one in kql])
    return [answer for answer in answers if not isinstance(answer, Exception)]


def documents(values: list[dict[str, str]]) -> list[dict[str, Any]]:
    return [
        {"_id": str(at), "aws": {"cloudtrail": {"flattened": {"request_parameters": one}}}}
        for at, one in enumerate(values, 1)
    ]


def test_whole_texts_and_their_beginnings(node: Node, examples: int) -> None:
    """Every text that can be written is looked for among all, as a whole and as a beginning."""
    random = Random(5)  # noqa: S311  no secret
    context = Context(load_facts("elastic", LogSource("aws", None, "cloudtrail")))
    texts = ["".join(random.choices(SIGNS, k=random.randint(1, 6))) for _ in range(min(2_000, examples))]
    asked: list[tuple[str, set[str]]] = []
    for text in dict.fromkeys(texts):
        whole = {str(at) for at, one in enumerate(texts, 1) if one == text}
        longer = {str(at) for at, one in enumerate(texts, 1) if one.startswith(text)}
        for pattern, expected in ((ir.Pattern((text,)), whole), (ir.Pattern((text, ir.Wildcard.ANY)), longer)):
            with suppress(RefusedError):  # of blanks
                asked.append((condition(ir.StringMatch(KEY, pattern, cased=True), context)[0], expected))
    with node.index(MAPPING, documents([{"a": text, "b": texts[-at]} for at, text in enumerate(texts)])) as index:
        for start in range(0, len(asked), 100):
            some = asked[start : start + 100]
            for (kql, expected), got in zip(some, found(node, index, [kql for kql, _ in some]), strict=True):
                assert got == expected, kql
    assert len(asked) > len(texts)


@pytest.mark.parametrize(
    ("pattern", "expected"), [("*10*", {"1", "2", "3", "5"}), ("*100y", {"1", "5"}), ("x*y", set()), ("x10*", {"1"})]
)
def test_a_star_elsewhere_finds_other_keys_or_nothing(node: Node, pattern: str, expected: set[str]) -> None:
    values = [{"a": "x100y"}, {"other": "10"}, {"k10": "q"}, {"a": "q"}, {"other": "x-100y"}]
    with node.index(MAPPING, documents(values)) as index:
        assert found(node, index, [f"{KEY}: {pattern}"]) == [expected]


def test_numbers_and_booleans_are_texts(node: Node) -> None:
    document = {"_id": "1", "aws": {"cloudtrail": {"flattened": {"request_parameters": {"a": [100, True, 1.5]}}}}}
    with node.index(MAPPING, [document]) as index:
        assert found(node, index, [f'{KEY}: "{one}"' for one in ("100", "true", "1.5")]) == [{"1"}] * 3


def test_no_column_has_the_name_of_a_key(node: Node) -> None:
    """ES|QL and EQL know the fields of an index by this request alone."""
    document = {"_id": "1", "aws": {"cloudtrail": {"flattened": {"request_parameters": {"a": "x"}}}}}
    with node.index(MAPPING, [document]) as index:
        fields = node.call("GET", f"/{index}/_field_caps?fields={OBJECT},{KEY}")["fields"]
    assert list(fields[OBJECT]) == ["flattened"]
    assert KEY not in fields
