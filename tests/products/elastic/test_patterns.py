"""Two ways to the same answer must agree, for generated patterns and texts.

LIKE    the compiled matcher        against  a recursive definition of wildcards
Lucene  RE2                         against  the automaton of derivatives
Java    RE2 (for plain subjects)    against  the package `regex`
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from converter.products.elastic import lucene_regex
from converter.products.elastic.java_regex import Matcher, full_matcher, replace
from converter.products.elastic.patterns import PatternError, Test
from converter.products.elastic.wildcards import like_pieces, matcher

LIKE_PATTERNS = st.lists(st.sampled_from(["a", "b", "*", "?", "\\*", "\\?", "\\\\"]), max_size=8)
TEXTS = st.text("ab*?\\", max_size=8)


def compile_like(pattern: str) -> Test:
    return matcher(like_pieces(pattern))


@given(LIKE_PATTERNS, TEXTS)
def test_like_agrees_with_its_definition(pieces: list[str], text: str) -> None:
    @cache
    def matches(piece: int, place: int) -> bool:
        if piece == len(pieces):
            return place == len(text)
        if pieces[piece] == "*":
            return matches(piece + 1, place) or (place < len(text) and matches(piece, place + 1))
        fits = place < len(text) and (pieces[piece] == "?" or text[place] == pieces[piece][-1])
        return fits and matches(piece + 1, place + 1)

    # The empty pattern is Lucene's exception.
    assert compile_like("".join(pieces))(text) == (bool(pieces) and matches(0, 0))


ELEMENTS = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", "#", "@", "()", '"ab"', "\\d", "<1-12>", "1"])
EXPRESSIONS = st.recursive(
    ELEMENTS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,2}", "{0,}"])).map(lambda p: f"({p[0]}){p[1]}"),
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda p: f"({p[0]}|{p[1]})"),
    ),
    max_leaves=6,
)


@settings(max_examples=300)
@given(EXPRESSIONS, st.text("ab12", max_size=6))
def test_an_expression_of_lucene_agrees_with_its_automaton(pattern: str, text: str) -> None:
    by_re2 = lucene_regex.compile_regex(pattern)(text)
    by_automaton = lucene_regex.compile_regex(f"({pattern})&@")(text)
    assert by_re2 == by_automaton
    assert lucene_regex.compile_regex(f"~({pattern})")(text) is not by_re2


JAVA_ELEMENTS = st.sampled_from(
    ["a", "b", ".", "[ab]", "[^a-]", "\\w", "\\.", "^", "$", "\\b", "(?i)A", "a{1,2}", "\\x61", "\\p{L}"]
)
JAVA_EXPRESSIONS = st.recursive(
    JAVA_ELEMENTS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "*?"])).map(lambda p: f"(?:{p[0]}){p[1]}"),
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda p: f"({p[0]}|{p[1]})"),
    ),
    max_leaves=5,
)


@settings(max_examples=300)
@given(JAVA_EXPRESSIONS, st.text("abA.-", max_size=6))
def test_both_engines_for_java_patterns_agree(pattern: str, text: str) -> None:
    fast, slow = Matcher(pattern), Matcher(f"{pattern}(?!\x00)")  # the look-ahead keeps it from RE2
    assert replace(fast, text, "<$0>") == replace(slow, text, "<$0>")
    assert fast.matches(text) is slow.matches(text)


SIGNS = '()[]{}*+?|\\^$.-&~#@<>"aQEpdDxu0123=!:i,kzZAR'


@settings(max_examples=500)
@given(st.text(SIGNS, max_size=12))
def test_any_text_is_a_pattern_or_a_pattern_error(pattern: str) -> None:
    for compile_one in (compile_like, lucene_regex.compile_regex, full_matcher):
        with suppress(PatternError):
            compile_one(pattern)


def test_half_of_a_surrogate_pair_is_a_character() -> None:
    """A text of JSON may hold one; the product stores it as the replacement character."""
    half = "a\ud800b"
    assert compile_like("a?b")(half)
    assert compile_like("a*b")(half)
    assert lucene_regex.compile_regex("a.b")(half)
    assert lucene_regex.compile_regex("a~(b)b")(half)
    assert full_matcher("a.b")(half)
