"""ES|QL by the vendor's grammar and by our parser: never read otherwise, never more, less only by name.

    texts ──vendor's lexer and parser──> tree or error ──┐
    texts ────our engine's parser────> tree or error ──┴──> equal trees; or both refuse; or ours names what it lacks

What the product checks later, such as types, is asked in `test_esql_rows`. `esql_trees` makes the trees comparable.
"""

from __future__ import annotations

import gzip
import json
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import Phase, given, settings

from converter.conversion import convert_rules
from converter.errors import QueryError, SourceError
from converter.rules.load import parse_rules
from converter.targets.core.registry import get_target
from converter.targets.esql.engine.parse import parse
from tests.support.paths import SHARED, TESTS
from tests.support.referee.esql_random import mutated, queries
from tests.support.referee.esql_trees import from_ours, from_vendor

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from hypothesis.strategies import SearchStrategy
    from referee import Node


HERE = Path(__file__).parent
DATA = SHARED
# What our parser may say of a query that the grammar takes. The product refuses too many conditions and the last two
# as well, but later.
BY_NAME = re.compile(
    r"not supported|nested deeper than \d+ levels|more than \d+ (deep|commands|conditions)"
    r"|LIMIT takes a whole number|STATS needs an aggregation, or BY"
)


def disagreements(node: Node, texts: Sequence[str]) -> Iterator[str]:
    """Yield a line for each text that the two read differently."""
    for start in range(0, len(texts), 200):
        batch = texts[start : start + 200]
        trees = node.call("POST", "/_referee/esql_trees", {"queries": batch})["trees"]
        for text, tree in zip(batch, trees, strict=True):
            try:
                ours = from_ours(parse(text), text)
            except QueryError as error:
                if tree is not None and not BY_NAME.search(error.message):
                    yield f"refused: {error.message}: {text!r}"
                continue
            if tree is None:
                yield f"taken: {text!r}"
            elif (theirs := from_vendor(tree)) != ours:
                yield f"read otherwise: {text!r}\n  vendor {theirs}\n  ours   {ours}"


def check(node: Node, texts: Iterable[str]) -> int:
    """Fail with all disagreements; return the number of texts."""
    distinct = list(dict.fromkeys(texts))
    bad = list(disagreements(node, distinct))
    assert not bad, f"{len(bad)} of {len(distinct)}:\n" + "\n".join(bad)
    return len(distinct)


def engine_cases() -> list[str]:
    files = sorted((TESTS / "targets" / "esql" / "engine").glob("*.toml"))
    return [case["query"] for file in files for case in tomllib.loads(file.read_text(encoding="utf-8"))["case"]]


def test_the_cases_of_our_engine(node: Node) -> None:
    assert check(node, engine_cases()) > 250


def test_texts_at_the_edge(node: Node) -> None:
    """One a line, a line break written as U+2424."""
    lines = (HERE / "esql_edges.txt").read_text(encoding="utf-8").splitlines()
    assert check(node, (line.replace("\u2424", "\n") for line in lines)) > 350


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no data in {DATA}")
def test_the_vendors_cases_and_rules(node: Node) -> None:
    texts: list[str] = []
    for file in sorted((DATA / "elastic" / "esql_csv_spec").glob("*.csv-spec")):
        # A case: its name, perhaps settings, the query, a line of `;`, the rows, a line of `;`.
        lines = [line for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith(("//", "#"))]
        for case in re.split(r"^;\s*$", "\n".join(lines), flags=re.MULTILINE)[::2]:
            name, _, query = case.strip().partition("\n")
            kept = [line for line in query.split("\n") if not re.match(r"(required_capability|warning\w*):", line)]
            if name:
                texts.append("\n".join(kept))
    cases = len(texts)
    with gzip.open(DATA / "elastic" / "detection_rules_queries.jsonl.gz", "rt", encoding="utf-8") as rules:
        texts.extend(rule["query"] for line in rules if (rule := json.loads(line))["language"] == "esql")
    assert cases > 80
    assert check(node, texts) > 200


def _converted(documents: str, target: str) -> list[str]:
    try:
        rules = parse_rules(documents, "rule.yml")
        return [query.text for query in convert_rules(rules, get_target(target), on_error=lambda _: None)]
    except SourceError:
        return []


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no data in {DATA}")
@pytest.mark.parametrize("target", ["esql", "pysigma:esql"])
def test_what_is_converted_from_sigmahq(node: Node, examples: int, target: str) -> None:
    from sigmahq import rules  # noqa: PLC0415  it reads the data

    every = 1 if examples >= 20_000 else 24
    texts = [text for document in list(rules().values())[::every] for text in _converted(document, target)]
    print(f"{target}: {check(node, texts)} queries")  # noqa: T201
    assert len(texts) > 2_400 / every


def test_what_is_converted_from_our_rules(node: Node) -> None:
    golden = [file.read_text(encoding="utf-8") for file in (TESTS / "targets" / "golden" / "esql").glob("*.query")]
    assert check(node, golden) > 1


RULE = """title: t
logsource: {{category: process_creation, product: windows}}
detection:
  a: {{{field}: {value}}}
  condition: a
"""


def test_hostile_texts_in_a_rule(node: Node) -> None:
    hostile = yaml.safe_load((TESTS / "support" / "strings.yml").read_text(encoding="utf-8"))
    texts: list[str] = []
    for one in dict.fromkeys(text for group in hostile.values() for text in group):
        quoted = json.dumps(one)
        for field, value in (("Image", quoted), ("Image|contains", quoted), ("Image|re", quoted), (quoted, "1")):
            texts.extend(_converted(RULE.format(field=field, value=value), "esql"))
        texts.extend((one, f"FROM a | WHERE {one}", f'FROM a | WHERE b == "{one}"', f"FROM {one} | KEEP {one}"))
    assert check(node, texts) > 500


def _run(node: Node, texts: SearchStrategy[str], count: int) -> int:
    tried = 0

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        phases=[Phase.generate, Phase.shrink],
    )
    @given(texts)
    def run(text: str) -> None:
        nonlocal tried
        tried += 1
        for line in disagreements(node, [text]):
            raise AssertionError(line)

    run()
    return tried


def test_queries_made_at_random(node: Node, examples: int) -> None:
    """Half of them as the grammar says; half with a character or a token deleted, doubled, or swapped with the next."""
    pairs = _run(node, queries, examples // 2) + _run(node, mutated, examples // 2)
    print(f"grammar of ES|QL: {pairs} queries made at random")  # noqa: T201
