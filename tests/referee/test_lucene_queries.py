"""The patterns of our cases and of converted rules of SigmaHQ, against Lucene.

tests/targets/{esql,eql}/engine/*.toml ──every pattern──> on the texts of its case, and of all others
rules of SigmaHQ ──ES|QL, EQL──every pattern──> on the texts of the events that are generated for the rules
"""

from __future__ import annotations

import json
import tomllib
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from converter.conversion import convert_rules
from converter.errors import QueryError, SourceError
from converter.harness.generate.log import events_for
from converter.plan import nodes as ir
from converter.products.elastic.patterns import PatternError
from converter.rules.load import parse_rules
from converter.targets.core.registry import get_target
from tests.support.paths import SHARED, TESTS
from tests.support.referee.lucene_asks import Comparison
from tests.support.referee.lucene_queries import asked, engine, patterns_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from referee import Node


HERE = Path(__file__).parent
DATA = SHARED / "sigmahq"
RULES_AT_ONCE = 20
LETTERS_OF_ASCII = "on an index, an ES|QL LIKE of TO_LOWER folds the letters of ASCII only"


def excused(operator: str, _pattern: str, text: str | None, said: str) -> str:
    """Return why a difference is declared."""
    if text is None and "in a LIKE pattern" in said:
        return "ES|QL refuses the pattern before Lucene sees it"
    if text is None:
        return "Lucene refuses what takes it too long to determinize" if "10000 effort" in said else ""
    if operator.startswith("lowered") and not text.isascii():
        return LETTERS_OF_ASCII
    return ""


class Patterns:
    """Patterns of many queries by operator, compared on texts; it counts them."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.patterns: set[tuple[str, str]] = set()
        self.pairs = 0
        self.refused: list[str] = []
        self.excuses: dict[str, int] = defaultdict(int)

    def compare(self, patterns: set[tuple[str, str]], texts: list[str]) -> None:
        """Compare patterns with their operators on all of the texts."""
        by_operator: dict[str, list[str]] = defaultdict(list)
        for operator, pattern in sorted(patterns):
            by_operator[operator].append(pattern)
        for operator, found in by_operator.items():
            comparison = Comparison(
                self._node,
                partial(engine, operator),
                PatternError,
                partial(asked, operator),
                partial(excused, operator),
            )
            comparison.run(dict.fromkeys(found, texts))
            self.pairs += comparison.pairs
            for why, times in comparison.excuses.items():
                self.excuses[why] += times
        self.patterns |= patterns

    def __str__(self) -> str:
        counts: dict[str, int] = defaultdict(int)
        for operator, _ in self.patterns:
            counts[operator] += 1
        return f"{self.pairs} pairs of {dict(counts)}; declared: {dict(self.excuses) or 'none'}"


def texts_in(value: Any) -> Iterator[str]:
    """Yield every text in a JSON value."""
    match value:
        case str():
            yield value
        case dict():
            for inner in value.values():
                yield from texts_in(inner)
        case list():
            for inner in value:
                yield from texts_in(inner)


@pytest.mark.parametrize("language", ["esql", "eql"])
def test_the_patterns_of_our_cases(node: Node, language: str) -> None:
    patterns: set[tuple[str, str]] = set()
    texts: set[str] = set()
    for path in sorted((TESTS / "targets" / language / "engine").glob("*.toml")):
        for case in tomllib.loads(path.read_text(encoding="utf-8"))["case"]:
            try:
                patterns |= set(patterns_of(language, case["query"]))
            except QueryError:
                continue  # a case of what is refused when parsed
            rows = [*case.get("events", "").splitlines(), *case.get("rows", "").splitlines()]
            texts |= {text for row in rows if row.strip() for text in texts_in(json.loads(row))}
            # The letters of a pattern that name none are near enough to match in part.
            texts |= {pattern.strip("*.+") for _, pattern in patterns if len(pattern) < 40}
    compared = Patterns(node)
    compared.compare(patterns, sorted(texts))
    print(f"{language}: {compared}")  # noqa: T201
    assert len(patterns) > 60


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no data in {DATA}")
@pytest.mark.parametrize("target", ["esql", "eql"])
def test_the_patterns_of_sigmahq(node: Node, examples: int, target: str) -> None:
    from sigmahq import rules  # noqa: PLC0415  it reads the data

    documents = list(rules().values())
    every = max(1, 200_000 // examples)
    compared = Patterns(node)
    chosen = documents[::every]
    for start in range(0, len(chosen), RULES_AT_ONCE):
        patterns: set[tuple[str, str]] = set()
        texts: set[str] = set()
        for document in chosen[start : start + RULES_AT_ONCE]:
            found, near = _of_rule(document, target)
            patterns |= found
            texts |= near
        compared.compare(patterns, sorted(texts))
    print(f"{target}: {len(chosen)} rules, {compared}")  # noqa: T201
    assert len(compared.patterns) > len(chosen)


def _of_rule(document: str, target: str) -> tuple[set[tuple[str, str]], set[str]]:
    """Return the patterns of what a rule is converted to, and the texts of events that try it."""
    try:
        rules = parse_rules(document, "rule.yml")
        queries = convert_rules(rules, get_target(target), on_error=lambda _: None)
        if not all(isinstance(plan, ir.Detection) and not list(ir.unexpanded(plan.expr)) for plan in rules.plans):
            return set(), set()
    except SourceError:
        return set(), set()
    patterns = {found for query in queries for found in patterns_of(target, query.text)}
    texts = {text for plan in rules.plans for event in events_for(plan, count=16) for text in texts_in(event)}
    return patterns, texts
