"""The patterns of ES|QL and EQL against Lucene: patterns and texts made at random from its grammars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lucene_asks import Ask, Comparison, generator
from lucene_random import regex_with_texts, wildcard_with_texts

from converter.targets.eql import lucene_regex as eql_regex
from converter.targets.eql import text as eql_text
from converter.targets.esql import like as esql_like
from converter.targets.esql import lucene_regex as esql_regex

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from referee import Node

TEXTS = 10
BATCH = 100


def compare(
    name: str, comparison: Comparison, examples: int, make: Callable[[Random, int], tuple[str, list[str]]]
) -> None:
    """Compare as many pairs of a pattern and a text that was made for it as are asked for, in batches."""
    random = generator(name, examples)
    left = max(1, examples // TEXTS)
    made = 0
    while left > 0:
        batch = dict(make(random, TEXTS) for _ in range(min(BATCH, left)))
        comparison.run(batch)
        made += sum(map(len, batch.values()))
        left -= BATCH
    print(  # noqa: T201  the measured figures
        f"{name}: {made} pairs made for each other, {comparison.pairs} in all, {comparison.refused} patterns refused,"
        f" declared: {comparison.excuses or 'none'}"
    )


def test_rlike(node: Node, examples: int) -> None:
    comparison = Comparison(
        node, esql_regex.compile_rlike, esql_like.PatternError, lambda pattern: Ask("regexp", pattern)
    )
    compare("RLIKE", comparison, examples, regex_with_texts)
