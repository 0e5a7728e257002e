"""A search narrowed to the events of a run: what is added, what is renamed, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from converter.errors import QueryError
from converter.live.splunk.query import live_search
from tests.support.paths import TESTS

if TYPE_CHECKING:
    from pathlib import Path

MARKS = 'search index="i" source="s" '

GOLDEN = sorted((TESTS / "targets" / "golden" / "splunk").glob("*.query"))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("*", "*"),
        ("a=1 b=2", "a=1 b=2"),
        ("a=1 OR b=2", "a=1 OR b=2"),
        ("(a=1 OR b=2)", "(a=1 OR b=2)"),
        ("(a=1 b=2)", "(a=1 b=2)"),
        ("NOT a=1", "NOT a=1"),
        ("a=1 NOT ()", "a=1 NOT ()"),
        ("  search   a=1", "a=1"),
        ("| search a=1 | head 3", "a=1 | head 3"),
        ("search=1", "search=1"),
        ("search", ""),
        ("some words ```a remark``` a=1", "some words ```a remark``` a=1"),
        ("a=1 | appendpipe [stats count]", "a=1 | appendpipe [stats count]"),
        ('index=main sourcetype="x"', 'sigma_convert_index=main sigma_convert_sourcetype="x"'),
        ('"host" IN (a, b) OR NOT source!=c', '"sigma_convert_host" IN (a, b) OR NOT sigma_convert_source!=c'),
        ('a="index=b" index=c', 'a="index=b" sigma_convert_index=c'),
        ('a=host | eval b="index" | search host=x', 'a=host | eval b="index" | search sigma_convert_host=x'),
    ],
)
def test_the_marks_are_added_and_what_the_run_owns_is_renamed(text: str, wanted: str) -> None:
    assert live_search(text).narrowed("i", "s").rstrip() == (MARKS + wanted).rstrip()


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem[-20:])
def test_the_searches_of_the_samples_can_be_run(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    search = live_search(text)
    assert search.named == {"sourcetype"}
    assert search.narrowed("i", "s") == MARKS + text.replace("sourcetype=", "sigma_convert_sourcetype=", 1)


@pytest.mark.parametrize(
    "text",
    [
        "a=1 | stats count by index", "a=1 | eval host=2", "a=1 | table source", "a=1 | rename b as sourcetype",
        "a=1 | dedup host", 'a=1 | rex field=source "(?<x>.)"', "a=1 | fields - host",
    ],
)  # fmt: skip
def test_what_the_run_owns_is_refused_where_it_is_not_compared(text: str) -> None:
    with pytest.raises(QueryError, match="is set by Splunk for each run"):
        live_search(text)


def test_words_are_told_apart_from_the_star_alone() -> None:
    assert not live_search("* a=1").keywords
    assert live_search("word").keywords


def test_a_refusal_has_its_place() -> None:
    with pytest.raises(QueryError) as caught:
        live_search("a=1\n| lookup users user")
    assert caught.value.place is not None
    assert (caught.value.place.line, caught.value.place.column) == (2, 3)
