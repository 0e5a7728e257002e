r"""Random regular expressions on random texts: the reference and every language that can say them must agree.

The expressions are drawn as text, part by part, from all that docs/semantics.md lists; so the parser, the translation
of the reference, the emitters and the engines' own readings of PCRE2, Java and Lucene are all in play. No text
holds letters that some products fold into ASCII, so nothing is assumed away: a difference is a failure.
"""

# ruff: noqa: RUF001 -- letters that look like others are the point

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from converter.errors import RefusedError
from converter.plan import nodes as ir
from converter.plan.regex_parse import RegexError, parse
from converter.products.field_facts import parse_facts
from converter.readers.log_source import LogSource
from converter.reference.match import matches
from converter.targets.core.target import Context
from tests.support.constructs import takes, verdict_word
from tests.support.targets import VARIANTS, alerting_events, target_of

if TYPE_CHECKING:
    from converter.harness.target_spec import TargetName
    from converter.targets.core.target import Query

FACTS = parse_facts(b"fields:\n  a: {type: keyword, single: true}\n", "regex")
STRINGS_OF = ("string", "wildcard `*` (`contains`, `startswith`, `endswith`)", "`cased`")
EXACT = {variant for variant in VARIANTS if all(verdict_word(label, variant) == "exact" for label in STRINGS_OF)}

PARTS = r"""
a b k S 0 _ - & # ~ < > @ " ` / ] } é Σ ẞ – . . ^ $ \A \Z \z \b \B \d \D \w \W \s \S \h \H \v \V \R \N \n \r \t \f \e \a
\x41 \x{e9} \012 \. \\ \[ \{ \- \/ \" (?i) (?s) (?m) (?-i) (?#c) \1 \k<n> \Qa.b\E
"""
IN_CLASS = r"""
a b k z A S 0 _ [ && & ~ # " . ^ $ | é Σ – a-c A-Z 0-9 !-/ à-ö \d \w \s \S \W \h \v \n \t \\ \] \- \b \x41
[:alpha:] [:^digit:] [:space:] [:punct:] [:upper:]
"""
ATOMS = st.sampled_from([" ", *PARTS.split()])
MEMBERS = st.sampled_from([" ", *IN_CLASS.split()])
CLASSES = st.builds(
    lambda negated, members: f"[{negated}{''.join(members)}]",
    st.sampled_from(["", "^"]),
    st.lists(MEMBERS, min_size=1, max_size=4),
)
COUNTS = st.sampled_from(["", "", "", "*", "+", "?", "{2}", "{1,2}", "{0,}", "*?", "+?", "??", "++", "?+"])
OPENINGS = st.sampled_from(
    ["(", "(", "(?:", "(?:", "(?<n>", "(?i:", "(?s:", "(?-i:", "(?=", "(?!", "(?<=", "(?<!", "(?>"]
)


def _sequence(part: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(st.builds(str.__add__, part, COUNTS), max_size=4).map("".join)


PATTERNS = st.recursive(
    ATOMS | CLASSES,
    lambda inner: st.builds(
        lambda opening, branches: f"{opening}{'|'.join(branches)})",
        OPENINGS,
        st.lists(_sequence(inner), min_size=1, max_size=3),
    ),
    max_leaves=8,
)
WHOLE = st.lists(_sequence(PATTERNS), min_size=1, max_size=2).map("|".join)
FLAGS = st.frozensets(st.sampled_from("ims"))
TEXTS = st.text('abkKsSAz01_ -&.[]\\"\n\n\r\x0b\x85\u2028\x00\x08éÉΣσςßẞ–öÖ\U0001f600', max_size=7)
LETTERS = "abkKsSéÉΣσςßẞåÅµμÖö*?.\n"
STRINGS = st.lists(
    st.sampled_from(list(ir.Wildcard)) | st.text(LETTERS, min_size=1, max_size=3), min_size=1, max_size=3
)


def _query(variant: TargetName, leaf: ir.Regex | ir.StringMatch) -> Query | None:
    """Return the query of a target, or None if it refuses the rule."""
    plan = ir.Detection(ir.Metadata("fuzz", "Fuzz"), LogSource(), leaf)
    context = Context(FACTS, format=variant.format, options=dict(variant.options))
    try:
        return target_of(variant).emit(plan, context)
    except RefusedError:
        return None


def _agree(leaf: ir.Regex | ir.StringMatch, texts: list[str]) -> set[TargetName]:
    """Assert that every target agrees with the reference; return those that took part.

    A target that says strings exactly, as docs/targets.md has it, may assume nothing; of another one, texts that break
    an assumption are left out.
    """
    taking = set()
    for variant in VARIANTS:
        query = _query(variant, leaf)
        if query is None:
            continue
        taking.add(variant)
        assumed = [assumption for assumption in query.verdict.assumptions if assumption.message]
        assert not (assumed and variant in EXACT), query.verdict.notes
        events = [{"a": text} for text in texts]
        broken = {at for assumption in assumed for at in assumption.breaking(events, events)}
        events = [event for at, event in enumerate(events) if at not in broken]
        expected = {str(at) for at, event in enumerate(events) if matches(leaf, event)}
        found = alerting_events(query, variant, events)
        wrong = [events[int(at)] for at in found ^ expected]
        assert found == expected, f"{variant}: {leaf} on {wrong!r}"
    return taking


@given(WHOLE, FLAGS, st.lists(TEXTS, min_size=1, max_size=6, unique=True))
@settings(max_examples=300)
@example(r"(?i)(a)(?-i:\1)", frozenset(), ["aa", "AA", "aA"])
@example(r"(a)(?-i:\1)", frozenset("i"), ["aa", "AA", "aA"])
def test_regular_expressions_agree(pattern: str, flags: frozenset[str], texts: list[str]) -> None:
    try:
        parse(pattern, flags)
    except RegexError:
        return
    _agree(ir.Regex("a", pattern, flags), texts)


@given(STRINGS, st.booleans(), st.lists(st.text(LETTERS, max_size=5), min_size=1, max_size=6))
@settings(max_examples=200)
def test_strings_with_letters_outside_ascii_agree(
    parts: list[str | ir.Wildcard],
    cased: bool,  # noqa: FBT001
    texts: list[str],
) -> None:
    joined: list[str | ir.Wildcard] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        elif not (part is ir.Wildcard.ANY and joined and joined[-1] is ir.Wildcard.ANY):
            joined.append(part)
    _agree(ir.StringMatch("a", ir.Pattern(tuple(joined)), cased), texts)


@given(WHOLE, TEXTS)
@settings(max_examples=300)
def test_where_python_reads_the_same_the_reference_agrees_with_it(pattern: str, text: str) -> None:
    """A judge that shares nothing with us: `re`, for the constructs that mean the same to it."""
    if re.search(
        r"\\[ZzhHvVRNesSbBQkaf0xAWDdw]|\(\?[ism-]|\(\?<n|\[[^]]*\[|&&|\$|\^|[^\x00-\x7f]|\(\?#|\\\"|\\1", pattern
    ):
        return
    try:
        parse(pattern)
        judge = re.compile(pattern)
    except (RegexError, re.error, FutureWarning):
        return
    assert matches(ir.Regex("a", pattern), {"a": text}) == (judge.search(text) is not None)


@pytest.mark.parametrize("pattern", ["foo", "^foo.*bar$", r"a\.b", "[a-c]{2,3}", r"\s+x", "(?:a|b)c"])
def test_the_usual_expressions_are_refused_by_no_one(pattern: str) -> None:
    """But by those that declare that they have none at all."""
    taking = {variant for variant in VARIANTS if takes("`re`", variant)}
    assert _agree(ir.Regex("a", pattern), ["foo", "foo bar\n", "a.b", "abc", " x", "bc"]) == taking
