"""Expressions of Java against Java: REPLACE of ES|QL, run by the vendor's code in the node, on patterns made at random.

Ours refuses by name what it does not know; what it takes must find the same in every text. Characters of two UTF-16
units are left out: Java finds the empty text between their halves (NOTES.md of ES|QL).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from converter.products.elastic.java_regex import compile_java, replace
from converter.products.elastic.patterns import PatternError
from tests.support.referee.esql_rows import Table
from tests.support.referee.lucene_asks import generator

if TYPE_CHECKING:
    from random import Random

    from referee import Node

PARTS = (
    r"a|A|b|k|K|s|.|*|+|?|(|)|[|]|{|}|^|$|\\|-|&|1|2|,|é|É|\u017f|K|(?:|(?i)|(?iu)|(?s)|(?m)|(?d)|(?=|(?!|(?<=a)|(?<!a)|(?>|[ab]|"
    r"[^a]|[a-c]|[^\w]|[[a]b]|[a&&b]|(a\|b)|{1,2}|{2,}|\d|\w|\W|\s|\S|\b|\B|\A|\Z|\z|\R|\h|\v|\1|\.|\n|\x41|\u00e9|\Qa.\E|"
    r"\p{L}|\p{Lu}|\p{Punct}|*+|++|??|*?"
)
LETTERS = "aAbBks12-. \\éÉ\u017f\u212a\n\r\u2028_"
TEXTS = 25
BATCH = 40


def parts() -> list[str]:
    return [part.replace("\0", "|") for part in PARTS.replace(r"\|", "\0").split("|")] + ["|"]


def made(random: Random) -> str:
    return "".join(random.choice(parts()) for _ in range(random.randrange(1, 7)))


def ours(pattern: str, texts: list[str]) -> list[str | None] | None:
    """Return each text with what is found in brackets, or None where the pattern is refused."""
    try:
        return [replace(compile_java(pattern), text, "<$0>") for text in texts]
    except PatternError:
        return None


def test_expressions_of_java(node: Node, examples: int) -> None:
    random = generator("java", examples)
    pairs = refused = both = 0
    while pairs < examples * 5:
        patterns = sorted({made(random) for _ in range(BATCH)})
        texts = [
            "",
            *("".join(random.choice(LETTERS) for _ in range(random.randrange(1, 6))) for _ in range(TEXTS - 1)),
        ]
        table = Table({"k": "keyword"}, [[text] for text in texts])
        queries = [
            f'FROM t | EVAL x = REPLACE(k, {json.dumps(pattern, ensure_ascii=False)}, "<$0>") | KEEP x'
            for pattern in patterns
        ]
        for pattern, answer in zip(patterns, table.vendor(node, queries), strict=True):
            assert not answer.lacking, answer
            found = ours(pattern, texts)
            if found is None:
                refused += not answer.error
                both += bool(answer.error)
                continue
            assert not answer.error, (pattern, answer.error)
            theirs = [row[0] for row in answer.rows]
            differing = [
                (text, mine, other) for text, mine, other in zip(texts, found, theirs, strict=True) if mine != other
            ]
            assert not differing, (pattern, differing[:3])
            pairs += len(texts)
    print(f"java: {pairs} pairs; patterns refused by both: {both}, by ours only: {refused}")  # noqa: T201
