"""Run the cases of what all engines of Elastic's languages share.

Each `*.toml` here holds `[[case]]` tables with

    name     what the case shows, in plain words, unique in its file
    source   a link, a document or the referee that says so
    ask      what is asked: a key of ASKED, whose function answers
    pairs    list of [input, answer]; [input] alone where the answer is nothing
    pattern  a pattern, with `matches` and `misses`, lists of texts, or `error`, a part of the message

Dates are written as an index shows them, and so are addresses.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from converter.products.elastic import addresses, dates, wildcards
from converter.products.elastic.casefold import cases, fold_ascii
from converter.products.elastic.documents import getter, leaves
from converter.products.elastic.field_types import ecs_type
from converter.products.elastic.java_regex import full_matcher
from converter.products.elastic.lucene_regex import compile_regex
from converter.products.elastic.patterns import PatternError, Test
from converter.products.elastic.values import index_value, java_double

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent


def date_held(value: Any) -> str | None:
    millis = dates.indexed(value)
    return None if millis is None else dates.iso(millis)


def strict_date(text: str) -> str | None:
    millis = dates.strict_date(text)
    return None if millis is None else dates.iso(millis)


def span(text: str) -> list[str] | None:
    found = dates.span(text)
    return None if found is None else [dates.iso(millis) for millis in found]


def address_held(text: str) -> str | None:
    packed = addresses.packed(text)
    return None if packed is None else addresses.shown(packed)


def block(text: str) -> list[str] | None:
    try:
        return [addresses.shown(address) for address in addresses.block(text)]
    except ValueError:
        return None


def field(asked: list[Any]) -> list[Any] | None:
    name, document = asked
    return getter(name)(document) or None


def names(document: dict[str, Any]) -> list[str] | None:
    return [name for name, _ in leaves(document)] or None


def held_as(kind: str) -> Callable[[Any], Any]:
    return lambda value: index_value(value, kind)


ASKED: dict[str, Callable[[Any], Any]] = {
    "date": date_held,
    "strict date": strict_date,
    "span": span,
    "address": address_held,
    "block": block,
    "field": field,
    "names": names,
    "type": ecs_type,
    "java double": java_double,
    "cases": cases,
    "fold": fold_ascii,
    **{kind: held_as(kind) for kind in ("long", "integer", "double", "boolean", "keyword")},
    **{kind: held_as(kind) for kind in ("float", "half_float", "scaled_float", "scaled_float(10)")},
}


PATTERNS: dict[str, Callable[[str], Test]] = {
    "lucene": compile_regex,
    "lucene~": lambda pattern: compile_regex(pattern, ignore_case=True),
    "java": full_matcher,
    "java~": lambda pattern: full_matcher(pattern, ignore_case=True),
    "plain wildcard": lambda pattern: wildcards.matcher(wildcards.plain_pieces(pattern)),
    "plain wildcard~": lambda pattern: wildcards.matcher(wildcards.plain_pieces(pattern), ignore_case=True),
    "lucene wildcard~": lambda pattern: wildcards.matcher(wildcards.lucene_pieces(pattern), ignore_case=True),
    "like": lambda pattern: wildcards.matcher(wildcards.like_pieces(pattern)),
    "java wildcard~": lambda pattern: wildcards.java_matcher(wildcards.plain_pieces(pattern), ignore_case=True),
}


def load() -> list[Any]:
    return [
        pytest.param(case, id=f"{path.stem}: {case['name']}")
        for path in sorted(HERE.glob("*.toml"))
        for case in tomllib.loads(path.read_text(encoding="utf-8"))["case"]
    ]


@pytest.mark.parametrize("case", load())
def test_case(case: dict[str, Any]) -> None:
    assert not set(case) - {"name", "source", "ask", "pairs", "pattern", "matches", "misses", "error"}
    assert case["source"]
    if "pattern" not in case:
        answer = ASKED[case["ask"]]
        for given, *expected in case["pairs"]:
            # repr tells 5 from 5.0, and 0.0 from -0.0
            assert (given, repr(answer(given))) == (given, repr(expected[0] if expected else None))
        return
    compile_pattern = PATTERNS[case["ask"]]
    if "error" in case:
        with pytest.raises(PatternError, match=case["error"]):
            compile_pattern(case["pattern"])
        return
    test = compile_pattern(case["pattern"])
    texts = [*case["matches"], *case["misses"]]
    assert [text for text in texts if test(text)] == case["matches"]
