"""Every case of the KQL engine, and every real KQL rule, is asked of the vendor's code.

Twice: as the server's own `kql` query, and as the Query DSL that Kibana would send for it (`kql_asks.py`).
What differs is declared here, strictly: a declared case that agrees is a failure too.
"""

from __future__ import annotations

import gzip
import json
import re
import tomllib
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from converter.errors import QueryError
from converter.live.elasticsearch.kibana import nested_in
from converter.targets.kql.engine.parse import parse
from tests.support.paths import ROOT, SHARED
from tests.support.referee.kql_asks import Index, Question, ask, engine_answer, questions
from tests.support.referee.kql_dialect import read_otherwise
from tests.support.referee.kql_documents import documents, types_of

if TYPE_CHECKING:
    from referee import Node

CASES = ROOT / "tests" / "targets" / "kql" / "engine"
RULES = SHARED / "elastic" / "detection_rules_queries.jsonl.gz"

# The two parsers of the vendor differ; our target is Kibana's (NOTES.md).
BRACKETS = "the server's grammar reads `a and b or c` as a and (b or c), and in a list `a or b and c` as (a or b) and c"
OBJECTS = "the server asks only fields, Kibana passes the name of an object on"
NULL = "null is a text for the server"
SPACES = "the server takes the no-break space for a letter"
ESCAPES = "the server reads this escape otherwise, or loses it beside a wildcard"
WORDS = "the server reads whole words: `not(`, `not not`, `cannot`, and an operator at an end are no errors"
LENIENT = "the server's `kql` is lenient with a number or a boolean that is none"
NO_OBJECTS = "the server's names with a star stand only for fields that can take the value"
NO_SCALED_FLOAT = (
    "the node has no scaled_float, which is a module that Maven does not have: the field is a double there"
)
# What our engine leaves out on purpose: it refuses where the vendor answers.
NOT_SIMULATED = "refused by our engine: NOTES.md, What is refused"
# Where our engine has no mapping, and takes the milder of two: a field of JSON numbers may be indexed as texts.
MILD = "a text meets a number: an error on a numeric field, no match on a keyword field"

KQL = {
    "a value is missing before an operator": WORDS,
    "an escaped quote does not close": ESCAPES,
    "not directly before a bracket": WORDS,
    "not twice": WORDS,
    "not as a value": WORDS,
    "a word that ends in not": WORDS,
    "null is no value": NULL,
    "null is no field": NULL,
    "null alone": NULL,
    "no number in a number field": LENIENT,
    "any field meets an address field that cannot take the value": LENIENT,
    "exists on an object": OBJECTS,
    "an object exists by its dotted keys": OBJECTS,
    "digits of other scripts are no number": LENIENT,
    "a boolean is compared with another word": LENIENT,
    "operators in any case": BRACKETS,
    "line feeds and no-break spaces are blanks": SPACES,
    "an escaped star next to a star": ESCAPES,
    "a surrogate pair is one character": ESCAPES,
    "an escaped not is a line feed and ot": ESCAPES,
    "false in quotes": MILD,
}
DSL = {
    "null is no field": NOT_SIMULATED,
    "a value alone in braces": NOT_SIMULATED,
    "true is the boolean and the text": MILD,
    "false in quotes": MILD,
    "True in capitals is a text": MILD,
}
BOTH = {
    "a scaled_float equals what is rounded to it, and is exact in a range": NO_SCALED_FLOAT,
    "the time of the query": NOT_SIMULATED,
    "a text field is analysed": NOT_SIMULATED,
    "a text field of a keyword field": NOT_SIMULATED,
    "a pattern with blanks on a wildcard field": NOT_SIMULATED,
    "a pattern with blanks and no field": NOT_SIMULATED,
    "any field meets a text field": NOT_SIMULATED,
    "a value alone meets a text field": NOT_SIMULATED,
    "a wildcard as a nested path": NOT_SIMULATED,
    "a star elsewhere in a pattern on a key of a flattened object": NOT_SIMULATED,
    "a star inside a pattern on a key of a flattened object": NOT_SIMULATED,
}
DECLARED = {"kql": {**KQL, **BOTH}, "dsl": {**DSL, **BOTH}}
# With 5,000 brackets the server's parser does not end in minutes, and cannot be cancelled.
NOT_ASKED = {"brackets that nest too deep", "braces that nest too deep", "lists that nest too deep"}


def cases() -> list[dict[str, Any]]:
    found = []
    for path in sorted(CASES.glob("*.toml")):
        found += tomllib.loads(path.read_text(encoding="utf-8"))["case"]
    return [case for case in found if case["name"] not in NOT_ASKED]


def events(case: dict[str, Any]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in case.get("events", "").splitlines() if line.strip()]


@pytest.fixture(scope="module")
def answers(node: Node) -> dict[tuple[str, str], set[str] | str]:
    """Return the referee's answer to each case, asked in both ways."""
    asked: list[Question] = []
    names: list[str] = []
    for case in cases():
        found = questions(case["query"], events(case))
        asked += found
        names += [case["name"]] * len(found)
    out: dict[tuple[str, str], set[str] | str] = {}
    for kind in DECLARED:
        for name, answer in zip(names, ask(node, asked, kind), strict=True):
            before = out.get((name, kind), set())
            out[name, kind] = (
                answer if isinstance(answer, str) else before if isinstance(before, str) else before | answer
            )
    return out


def test_names_are_unique() -> None:
    names = [case["name"] for case in cases()]
    assert len(set(names)) == len(names)
    assert not set().union(*DECLARED.values()) - set(names), "a declared case is gone"


@pytest.mark.parametrize("kind", DECLARED)
@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in cases()])
def test_case(case: dict[str, Any], kind: str, answers: dict[tuple[str, str], set[str] | str]) -> None:
    ours = engine_answer(case["query"], events(case))
    theirs = answers[case["name"], kind]
    same = ours == theirs if isinstance(theirs, set) else isinstance(ours, QueryError)
    why = DECLARED[kind].get(case["name"])
    if why is None:
        assert same, f"ours {ours}, the referee {theirs}"
    else:
        assert not same, f"no longer differs: {why}"


def test_real_rules(node: Node, capsys: pytest.CaptureFixture[str]) -> None:
    """Each public KQL rule parses, and finds the same of all documents that were made for any of them."""
    if not RULES.is_file():
        pytest.skip("no real rules here: ../shared/data/elastic/detection_rules_queries.jsonl.gz")
    rules = [json.loads(line) for line in gzip.decompress(RULES.read_bytes()).splitlines()]
    texts = [rule["query"] for rule in rules if rule["language"] == "kuery"]
    trees = [parse(text) for text in texts]
    types = types_of(trees)
    index = Index(types, frozenset(path for tree in trees for path in nested_in(tree)))
    made: list[dict[str, Any]] = []
    for tree in trees:
        made += documents(tree, types, Random(len(made)), 6)  # noqa: S311  no secret
    made = [{**document, "_id": str(number)} for number, document in enumerate(made)]
    asked = [Question(text, tree, made, index) for text, tree in zip(texts, trees, strict=True)]
    ours = [engine_answer(text, made) for text in texts]
    pairs = found = otherwise = refused = 0
    for kind in DECLARED:
        theirs = ask(node, asked, kind, together=True)
        for question, we, they in zip(asked, ours, theirs, strict=True):
            assert question.tree is not None
            if isinstance(we, QueryError):
                assert re.search("is a text field|is a key of a flattened object", we.message), question.query
                refused += 1
            elif kind == "kql" and read_otherwise(question.query, question.tree):
                otherwise += we != they
            else:
                assert we == they, f"{question.query}: ours {we}, the referee {they}"
                pairs += len(made)
                found += len(we)
    with capsys.disabled():
        print(  # noqa: T201  figures of the run
            f"\nkql, real rules: {len(texts)}; pairs of rule and document: {pairs}, of them hits: {found}; "
            f"refused by our engine: {refused}; the server's parser reads otherwise, with another result: {otherwise}"
        )
    assert found > len(texts)
