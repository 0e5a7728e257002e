"""The patterns of ES|QL and EQL against Lucene: patterns and texts made at random from its grammars.

What differs and stays so is in DECLARED, by its reason; the last test fails once one of these is gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from converter.products.elastic.lucene_regex import compile_regex
from converter.products.elastic.patterns import PatternError, Test
from converter.products.elastic.wildcards import like_pieces, lucene_pieces, matcher, plain_pieces
from tests.support.referee.lucene_asks import Ask, Comparison, generator, lucene
from tests.support.referee.lucene_random import regex_with_texts, wildcard_with_texts

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from referee import Node

TEXTS = 10
BATCH = 40
# Parts of what is said by the one that refuses, and why the two differ.
WORK = "would require more than 10000 effort"
DECLARED = {
    WORK: "Lucene refuses what takes it too long to determinize; ours need not determinize",
    "too large": "RE2 has a limit of its own",
    "repetitions": "RE2 repeats at most 1,000 times",
    "nested": "the depth of our parsers is bounded; Lucene's is by its stack",
}


def declared(_pattern: str, text: str | None, said: str) -> str:
    """Return why a refusal by one of the two is declared."""
    return next((why for part, why in DECLARED.items() if part in said), "") if text is None else ""


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


@pytest.mark.parametrize("insensitive", [False, True])
def test_expressions(node: Node, examples: int, *, insensitive: bool) -> None:
    """RLIKE, and `regex` of EQL; `regex~` ignores case."""
    comparison = Comparison(
        node,
        lambda pattern: compile_regex(pattern, ignore_case=insensitive),
        PatternError,
        lambda pattern: Ask("regexp", pattern, insensitive),
        declared,
    )
    compare(f"regex{'~' * insensitive}", comparison, examples * (1 if insensitive else 3) // 8, regex_with_texts)


def test_like(node: Node, examples: int) -> None:
    def refused_when_parsed(_pattern: str, text: str | None, said: str) -> str:
        return "ES|QL refuses the pattern before Lucene sees it" if text is None and "LIKE pattern" in said else ""

    def like(pattern: str) -> Test:
        return matcher(like_pieces(pattern))

    comparison = Comparison(node, like, PatternError, lambda pattern: Ask("wildcard", pattern), refused_when_parsed)
    compare("LIKE", comparison, examples // 8, wildcard_with_texts)


def escaped(pattern: str) -> str:
    r"""Return the wildcard pattern that EQL makes of one of its own: only `*` and `?` are operators there."""
    return pattern.replace("\\", "\\\\")


@pytest.mark.parametrize("insensitive", [False, True])
def test_eql_like(node: Node, examples: int, *, insensitive: bool) -> None:
    comparison = Comparison(
        node,
        lambda pattern: matcher(plain_pieces(pattern), ignore_case=insensitive),
        PatternError,
        lambda pattern: Ask("wildcard", escaped(pattern), insensitive, source=pattern),
    )
    compare(f"like{'~' * insensitive}", comparison, examples // 8, wildcard_with_texts)


@pytest.mark.parametrize("insensitive", [False, True])
def test_eql_functions_on_a_field(node: Node, examples: int, *, insensitive: bool) -> None:
    """What `stringContains` and `endsWith` put between stars is a wildcard pattern, whose backslash escapes."""
    comparison = Comparison(
        node,
        lambda pattern: matcher(lucene_pieces(pattern), ignore_case=insensitive),
        PatternError,
        lambda pattern: Ask("wildcard", pattern, insensitive),
    )
    compare(f"stringContains{'~' * insensitive}", comparison, examples // 16, wildcard_with_texts)


WORKLOAD = "(a|b)*a(a|b){14}"
NESTED = "(" * 101 + "a" + ")" * 101


@pytest.mark.parametrize(
    ("part", "pattern"),
    [(WORK, WORKLOAD), ("too large", "(a{1000}){1000}"), ("repetitions", "a{1001}"), ("nested", NESTED)],
)
def test_what_is_declared_is_so(node: Node, part: str, pattern: str) -> None:
    (theirs,) = lucene(node, [Ask("regexp", pattern)], ["a"])
    if part == WORK:
        assert isinstance(theirs, str)
        assert part in theirs
        compile_regex(pattern)("a")
    else:
        assert part == "too large" or not isinstance(theirs, str)
        with pytest.raises(PatternError, match=part):
            compile_regex(pattern)


@pytest.mark.parametrize("insensitive", [False, True])
def test_nothing_repeated(node: Node, *, insensitive: bool) -> None:
    """Without a limit nothing comes of it, whatever makes it nothing; with one, the empty text may."""
    patterns = ["#*", "#+", "#?", "#{1,2}*", "#{0,2}*", "(a#)*", "(a&b)*", "(a&b){1,2}*", "(a&b){0,2}*", "~@**", "~()*"]
    asks = [Ask("regexp", pattern, insensitive) for pattern in patterns]
    texts = ["", "a", "b"]
    for pattern, theirs in zip(patterns, lucene(node, asks, texts), strict=True):
        test = compile_regex(pattern, ignore_case=insensitive)
        assert (pattern, frozenset(filter(test, texts))) == (pattern, theirs)
