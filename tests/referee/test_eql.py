"""Random EQL conditions, against the node that runs what the vendor documents as their translation into Query DSL.

    eql_conditions ──text──> engine ──┐
                   ──DSL───> node ────┴──> the same ids

The vendor's EQL itself cannot be had here. A difference is reported with the smallest part of the condition that shows
it, and one document.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from referee import Node, NodeError

from converter.targets.eql.engine.execute import run
from tests.support.referee.eql_conditions import (
    MAPPING,
    Condition,
    Operation,
    document,
    dsl_of,
    query,
    whole_dsl,
    whole_text,
)
from tests.support.referee.lucene_asks import generator

if TYPE_CHECKING:
    import random

QUERIES, DOCUMENTS = 100, 100


def found_by_engine(text: str, documents: list[dict[str, Any]]) -> set[str]:
    return {row["_id"] for row in run(text, documents)}


def smallest(node: Node, index: str, documents: list[dict[str, Any]], differing: Condition) -> Condition:
    """Return the smallest part of a condition on which the engine and the node differ."""
    for one in differing.parts if isinstance(differing, Operation) else ():
        (found,) = node.search_ids(index, [dsl_of(one)])
        if found != found_by_engine(whole_text(None, one), documents):
            return smallest(node, index, documents, one)
    return differing


def differences(node: Node, dice: random.Random) -> list[str]:
    documents = [document(dice, number) for number in range(1, DOCUMENTS + 1)]
    queries = [query(dice) for _ in range(QUERIES)]
    said = []
    with node.index(MAPPING, documents) as index:
        answers = node.search_ids(index, [whole_dsl(*one) for one in queries])
        for one, expected in zip(queries, answers, strict=True):
            assert not isinstance(expected, NodeError), f"{expected}: {whole_dsl(*one)}"
            if found_by_engine(whole_text(*one), documents) == expected:
                continue
            least = smallest(node, index, documents, one[1])
            (answer,) = node.search_ids(index, [dsl_of(least)])
            assert not isinstance(answer, NodeError)
            text = whole_text(None, least)
            wrong = found_by_engine(text, documents) ^ answer
            if not wrong:
                text, answer, wrong = (
                    whole_text(*one),
                    expected,
                    found_by_engine(whole_text(*one), documents) ^ expected,
                )
            example = next(document for document in documents if document["_id"] in wrong)
            verdict = "finds" if example["_id"] in answer else "does not find"
            said.append(f"{text}\n    the node {verdict} {json.dumps(example)}")
    return said


def test_conditions_find_what_their_documented_translation_finds(node: Node, examples: int) -> None:
    dice = generator("EQL conditions", examples)
    rounds = -(-examples // QUERIES)
    said: list[str] = []
    for _ in range(rounds):
        said += differences(node, dice)
    pairs = rounds * QUERIES
    print(f"EQL conditions: {pairs - len(said)} of {pairs} agree on {DOCUMENTS} documents each")  # noqa: T201
    if said:
        pytest.fail(f"{len(said)} differ, such as\n" + "\n".join(said[:20]))
