"""Where RE2 and the package `regex` find different matches, the pattern repeats a group that may match nothing."""

from __future__ import annotations

import pytest
import re2
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from converter.readers.re2_loops import repeats_nothing

PATTERNS = st.recursive(
    st.sampled_from(["a", "b", "[ab]", "a?", "b*", "(a|)", r"\b", "^", "$"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "*?", "{1,3}", "+?"])).map(
            lambda p: f"(?:{p[0]}){p[1]}"
        ),
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda p: f"({p[0]}|{p[1]})"),
    ),
    max_leaves=6,
)


@settings(max_examples=500)
@given(PATTERNS, st.text("ab", min_size=1, max_size=6))
def test_others_match_the_same(pattern: str, text: str) -> None:
    if not repeats_nothing(pattern):
        own, other = re2.search(pattern, text), regex.search(pattern, text)
        assert (own and (own.span(), own.groups())) == (other and (other.span(), other.groups()))


@pytest.mark.parametrize("pattern", ["(?:(a*|b))*", "(?:a*)*", "(x?)+", r"(\b|a)*", r"(?:$|a){2,}", "((a|)b?)*c"])
def test_a_group_that_may_match_nothing_is_repeated(pattern: str) -> None:
    assert repeats_nothing(pattern)


@pytest.mark.parametrize(
    "pattern", [r"(\w+\s?)+", r"(?:[0-9]{1,3}\.){3}", "(?i)(a|b)*c", "[(]*)", r"\(*", r"(a?)\*", "[^]()?]*(a?)"]
)
def test_nothing_else_is_taken_for_one(pattern: str) -> None:
    assert not repeats_nothing(pattern)
