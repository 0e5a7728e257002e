"""Queries as long as rules make them: the product has limits on ES|QL, and what we write stays below them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from converter.conversion import convert_rules
from converter.errors import QueryError, RefusedError
from converter.rules.load import parse_rules
from converter.targets.core.registry import get_target
from converter.targets.esql.engine.execute import run
from converter.targets.esql.engine.parse import parse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from referee import Node

BURST = """\
title: One
name: one
logsource: {category: any}
detection: {s: {f: x}, condition: s}
---
title: Many
correlation: {type: event_count, rules: [one], group-by: [g], timespan: 5m, condition: {gte: NUMBER}}
"""


def vendor(node: Node, columns: Mapping[str, str], rows: Sequence[Sequence[Any]], query: str) -> int | str:
    """Return how many rows the vendor's code finds, or its error."""
    asked = {"columns": columns, "rows": rows, "queries": [query]}
    (answer,) = node.call("POST", "/_referee/esql_run", asked)["answers"]
    return len(answer["rows"]) if "rows" in answer else str(answer["error"])


def esql(rule: str) -> str:
    (query,) = convert_rules(parse_rules(rule), get_target("esql"))
    return query.text


@pytest.mark.parametrize("word", ["OR", "AND"])
def test_as_many_conditions_in_a_row_as_the_product_takes(node: Node, word: str) -> None:
    for count, taken in ((298, True), (299, False)):
        query = "FROM rows | WHERE " + f" {word} ".join(['f == "a"'] * count)
        answer = vendor(node, {"f": "keyword"}, [["a"]], query)
        if taken:
            assert answer == 1
            assert len(run(query, [{"f": "a"}])) == 1
        else:
            assert isinstance(answer, str)
            assert "maximum expression depth" in answer
            with pytest.raises(QueryError, match="in a row"):
                parse(query)


@pytest.mark.parametrize("count", [60, 61, 299, 2000])
def test_a_list(node: Node, count: int) -> None:
    detection = {
        "s": {"f|contains": [f"v{number}." for number in range(count)]},
        "k": {"f|re": [f"^z{number}$" for number in range(count)]},
        "condition": "s and not k",
    }
    text = esql(json.dumps({"title": "It", "logsource": {"category": "any"}, "detection": detection}))
    values = ["xv1.y", "z1", "v2", f"v{count - 1}.", f"v{count}."]
    where = text.split("\n")[1]
    assert vendor(node, {"f": "keyword"}, [[value] for value in values], f"FROM rows {where}") == 2
    assert len(run(text, [{"f": value} for value in values])) == 2


def test_a_list_that_is_too_long(node: Node) -> None:
    detection = {"s": {"f|contains": [f"v{number}" for number in range(40_000)]}, "condition": "s"}
    with pytest.raises(RefusedError, match="1,000,000 characters"):
        esql(json.dumps({"title": "It", "logsource": {"category": "any"}, "detection": detection}))
    longest = 'FROM rows | WHERE f == "' + "a" * 1_000_000 + '"'
    assert "too large" in str(vendor(node, {"f": "keyword"}, [["a"]], longest))


@pytest.mark.parametrize("count", [2, 25, 61, 62, 300, 500])
def test_the_pairs_of_a_burst(node: Node, count: int) -> None:
    text = esql(BURST.replace("NUMBER", str(count)))
    found = re.search(r"\n(\| WHERE event_count >= \d+\n  OR .*)\n\| KEEP", text, re.DOTALL)
    assert found is not None
    apart = 300_001  # a millisecond more than the timespan
    far = [number * apart for number in range(2 * count - 2)]
    near = [*far[: count - 2], *(far[count - 2] + number for number in range(count))]
    columns = {"event_count": "long", "sigma_times": "long"}
    for times, wanted in ((far, int(count == 1)), (near, 1)):
        assert vendor(node, columns, [[2 * count - 2, times]], f"FROM rows {found[1]}") == wanted
