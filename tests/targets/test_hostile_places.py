"""Rules from strangers: a hostile text in every place of a rule, for every target and format.

tests/support/places.py has the places, and what is judged. Here each place gets a few of the texts for each target;
`make fuzz` tries all of them, and changed ones.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

import pytest

from converter.errors import QueryError
from converter.targets.core.registry import list_targets
from tests.support import places
from tests.support.hostile import STRINGS
from tests.support.places import EVERY, PLACES, check, own_test
from tests.support.targets import DEFAULTS

if TYPE_CHECKING:
    from converter.harness.target_spec import TargetName
    from converter.targets.core.target import Query

_EACH = 2
_NEVER_VALID = {
    "status",
    "level",
    "date",
    "modified",
    "condition",
    "modifier",
    "timespan",
    "condition of a correlation",
}
"""Places in which nothing but a few words, dates or names is valid."""


@pytest.mark.parametrize("variant", EVERY, ids=str)
def test_a_text_stays_in_its_place(variant: TargetName) -> None:
    for place in PLACES:
        for text in Random(f"{variant} {place}").sample(STRINGS, _EACH):  # noqa: S311  the same each time
            check(variant, place, text)


@pytest.mark.parametrize("place", PLACES)
def test_a_harmless_text_is_converted(place: str) -> None:
    queries = [places.query_of(variant, place, "harmless") for variant in EVERY]
    assert any(queries) or place in _NEVER_VALID


def test_every_target_and_format_is_tried() -> None:
    tried = {(variant.name, variant.format) for variant in EVERY}
    ours = {(name, form) for name, target in list_targets().items() for form in ("default", *target.formats)}
    piped = {(name, form) for name, target in list_targets().items() for form in getattr(target, "piped", ())}
    assert tried == ours - piped


def test_a_text_that_gets_out_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check itself: a value that is not escaped changes the tree of some text."""
    plain = places.query_of

    def unescaped(variant: TargetName, place: str, text: str) -> Query | None:
        query = plain(variant, place, "harmless")
        return None if query is None else replace(query, text=query.text.replace("harmless", text))

    monkeypatch.setattr(places, "query_of", unescaped)
    for variant in DEFAULTS:
        if not own_test(variant):
            with pytest.raises((AssertionError, QueryError)):
                [check(variant, "value", text) for text in STRINGS]


def test_a_text_in_a_comment_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check itself: the tree is that of a harmless text, but the text stands beside it."""
    plain = places.query_of

    def commented(variant: TargetName, place: str, text: str) -> Query | None:
        query = plain(variant, place, "harmless")
        return None if query is None else replace(query, text=f"{query.text} /* {text} */")

    monkeypatch.setattr(places, "query_of", commented)
    for variant in DEFAULTS:
        if variant.name in {"esql", "eql"}:
            with pytest.raises(AssertionError):
                check(variant, "title", "x")
