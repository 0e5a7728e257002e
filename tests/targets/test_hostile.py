"""Rules from strangers: no value, field name, title or regular expression may change the structure of a query.

A hostile text is put into each place of a rule. The emitted query is executed: if the text has stayed in its quotes,
the event that holds it is found and another one is not. Then the query is parsed: its tree is that of a harmless twin,
see tests/support/trees.py. A target may refuse a text, by name.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from converter.errors import RefusedError
from converter.plan import nodes as ir
from converter.plan.simplify import simplified
from converter.products.field_facts import Facts
from converter.readers.log_source import LogSource
from converter.rules.load import parse_rules
from converter.targets.core.target import Context
from tests.support.constructs import takes
from tests.support.hostile import HOSTILE, STRINGS, escaped
from tests.support.paths import TESTS
from tests.support.rule_text import rule_text
from tests.support.targets import DEFAULTS, VARIANTS, alerting_events, converted, folder_of, target_of
from tests.support.trees import fits, tree_of, twins

if TYPE_CHECKING:
    from collections.abc import Callable

    from converter.harness.target_spec import TargetName
    from converter.targets.core.target import Query

TEXT = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=20)


def convert(variant: TargetName, detection: dict[str, object], title: str = "Hostile", **more: str) -> Query | None:
    """Return the query of a rule, or None if it is refused, by a name."""
    rule = {
        "title": title,
        "id": "7a2b6a4e-4f0e-4d8e-9d8c-0c3f5f2c9a11",
        "logsource": {"category": "test"},
        "detection": {"selection": detection, "condition": "selection"},
        **more,
    }
    query = converted(parse_rules(rule_text(rule)), variant)
    if isinstance(query, RefusedError):
        assert query.construct
        return None
    return query


# ------------------------------------------------------------------------------------------------- run what is emitted


def check_value(variant: TargetName, text: str) -> None:
    query = convert(variant, {"field": escaped(text)})
    events = [{"field": text}, {"field": f"{text}x"}, {"field": f"x{text}"}, {"other": text}]
    assert query is None or alerting_events(query, variant, events) == {"0"}


def check_part(variant: TargetName, text: str) -> None:
    query = convert(variant, {"field|contains": escaped(text)})
    events = [{"field": f"<{text}>"}, {"field": "\u3042"}]
    assert query is None or alerting_events(query, variant, events) == {"0"}


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_a_harmless_value_is_not_refused(variant: TargetName) -> None:
    assert convert(variant, {"field": "value"}) is not None
    assert convert(variant, {"field|contains": "value"}) is not None
    assert (convert(variant, {"field|re": "^value$"}) is not None) == takes("`re`", variant)
    assert (convert(variant, {"field|fieldref": "other"}) is not None) == takes("`fieldref`", variant)


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
@pytest.mark.parametrize("text", HOSTILE, ids=repr)
def test_a_value_stays_a_value(text: str, variant: TargetName) -> None:
    check_value(variant, text)


@pytest.mark.parametrize("variant", DEFAULTS, ids=str)
@settings(max_examples=150)
@given(text=TEXT)
@example(text='\\"')
def test_any_value_stays_a_value(variant: TargetName, text: str) -> None:
    check_value(variant, text)
    check_part(variant, text)


@pytest.mark.parametrize("variant", [variant for variant in VARIANTS if variant not in DEFAULTS], ids=str)
@settings(max_examples=30)
@given(text=TEXT)
@example(text='\\"')
def test_any_value_stays_a_value_in_every_form(variant: TargetName, text: str) -> None:
    check_value(variant, text)
    check_part(variant, text)


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
@pytest.mark.parametrize("text", [*HOSTILE, "a or b", "AND x", "x not"], ids=repr)
def test_a_part_of_a_value_stays_one(text: str, variant: TargetName) -> None:
    check_part(variant, text)


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
@pytest.mark.parametrize("text", HOSTILE, ids=repr)
def test_a_regular_expression_stays_one(text: str, variant: TargetName) -> None:
    pattern = "".join(char if char.isalnum() or not char.isascii() else f"\\x{ord(char):02x}" for char in text)
    for written in (pattern, re.escape(text)):
        query = convert(variant, {"field|re": f"^{written}$"})
        events = [{"field": text}, {"field": f"{text}x"}]
        assert query is None or alerting_events(query, variant, events) == {"0"}


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
@pytest.mark.parametrize("name", [text for text in HOSTILE if "|" not in text and text.strip() == text], ids=repr)
def test_a_field_name_stays_one(name: str, variant: TargetName) -> None:
    query = convert(variant, {name: "value"})
    events = [{name: "value"}, {name: "other"}, {"field": "value"}]
    assert query is None or alerting_events(query, variant, events) == {"0"}


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
@pytest.mark.parametrize("name", [text for text in HOSTILE if text.strip() == text and "*" not in text], ids=repr)
def test_a_field_that_is_referred_to_stays_one(name: str, variant: TargetName) -> None:
    query = convert(variant, {"field|fieldref": escaped(name)})
    events = [{"field": "a", name: "a"}, {"field": "a", name: "b"}]
    assert query is None or alerting_events(query, variant, events) == {"0"}


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
@pytest.mark.parametrize("text", HOSTILE, ids=repr)
def test_what_a_rule_says_of_itself_is_no_part_of_the_query(text: str, variant: TargetName) -> None:
    plain = convert(variant, {"field": "value"})
    query = convert(variant, {"field": "value"}, title=f"{text}\n{text}", description=text, author=text)
    assert plain is not None
    if query is not None:
        assert query.inner == plain.inner
        assert query.inner is not None or query.text == plain.text
        assert alerting_events(query, variant, [{"field": "value"}, {"field": text}]) == {"0"}


# ----------------------------------------------------------------------------------------------- parse what is emitted

_ANY, _ONE = ir.Wildcard


def pattern(*parts: str | ir.Wildcard) -> ir.Pattern:
    return ir.Pattern(tuple(part for part in parts if part != ""))


VALUES: dict[str, Callable[[str], ir.Expr]] = {
    "equals": lambda text: ir.StringMatch("f", pattern(text)),
    "cased": lambda text: ir.StringMatch("f", pattern(text), cased=True),
    "contains": lambda text: ir.StringMatch("f", pattern(_ANY, text, _ANY)),
    "contains, cased": lambda text: ir.StringMatch("f", pattern(_ANY, text, _ANY), cased=True),
    "wildcards": lambda text: ir.StringMatch("f", pattern("a", _ANY, text, _ONE, "z")),
    "list": lambda text: ir.Or((ir.StringMatch("f", pattern(text)), ir.StringMatch("f", pattern("second")))),
    "not": lambda text: ir.Not(ir.StringMatch("f", pattern(text))),
    "re": lambda text: ir.Regex("f", f"^{re.escape(text)}$"),
    "keyword": lambda text: ir.Keyword(pattern(text)),
}
NAMES: dict[str, Callable[[str], ir.Expr]] = {
    "equals": lambda name: ir.StringMatch(name, pattern("value")),
    "contains": lambda name: ir.StringMatch(name, pattern(_ANY, "value", _ANY)),
    "not": lambda name: ir.Not(ir.StringMatch(name, pattern("value"))),
    "re": lambda name: ir.Regex(name, "^a.c$"),
    "greater": lambda name: ir.NumberCompare(name, "gte", 5),
    "boolean": lambda name: ir.BoolMatch(name, value=True),
    "exists": ir.Exists,
    "null": ir.IsNull,
    "fieldref": lambda name: ir.FieldRef(name, "plain"),
    "is referred to": lambda name: ir.FieldRef("plain", name, "contains"),
}
_META, _SOURCE = ir.Metadata("key", "Title"), LogSource(category="test")


def parsed(variant: TargetName) -> bool:
    """Return whether a target has trees here; one whose folder has `test_injection.py` compares its own there."""
    own = TESTS / "targets" / folder_of(variant) / "test_injection.py"
    return tree_of_value(variant, "equals", "x") is not None and not own.exists()


def tree_of_plan(variant: TargetName, plan: ir.Plan) -> Any:
    """Return the tree of the query of a plan, or its refusal."""
    try:
        query = target_of(variant).emit(simplified(plan), Context(Facts()))
    except RefusedError as error:
        return error
    return tree_of(query, variant)


@lru_cache(maxsize=2000)  # twins are often the same
def tree_of_value(variant: TargetName, kind: str, text: str) -> Any:
    return tree_of_plan(variant, ir.Detection(_META, _SOURCE, VALUES[kind](text)))


@lru_cache(maxsize=2000)
def tree_of_name(variant: TargetName, kind: str, name: str) -> Any:
    return tree_of_plan(variant, ir.Detection(_META, _SOURCE, NAMES[kind](name)))


@lru_cache(maxsize=2000)
def tree_of_group(variant: TargetName, _: str, name: str) -> Any:
    base = ir.Detection(_META, _SOURCE, ir.StringMatch("f", pattern("value")))
    rule = ir.Referenced(base, (name,))
    return tree_of_plan(variant, ir.Correlation(_META, (rule,), (name,), 60, ir.EventCount(), (("gte", 2),)))


def check_structure(
    tree: Callable[[TargetName, str, str], Any], variant: TargetName, kind: str, text: str, kept: str
) -> None:
    mine = tree(variant, kind, text)
    if isinstance(mine, RefusedError):
        assert mine.construct
        return
    pairs = ([tree(variant, kind, twin) for twin in pair] for pair in twins(text, kept))
    assert any(fits(mine, *pair) for pair in pairs), f"{kind}: {mine}"


PARSED = [variant for variant in DEFAULTS if parsed(variant)]
# A file in YAML holds no half of a surrogate pair, and no name that is empty. A name that a query gives to a column of
# its own is in tests/targets/test_limits.py.
SURROGATES = re.compile("[\ud800-\udfff]")
WORDS = [text for text in STRINGS if not SURROGATES.search(text)]
FIELDS = [text for text in WORDS if text]
GROUPS = [name for name in FIELDS if name not in {"event_count", "first_seen"}]
PIECES = (*WORDS, '"', "'", "\\", "`", "|", "[", "]", "(", ")", "$", "\n", ",", " ", "=", "a", "x1", "*", "?")
MIXED = st.lists(st.sampled_from(PIECES), min_size=1, max_size=5).map("".join) | st.text(
    st.characters(exclude_categories=["Cs"]), max_size=12
)


@pytest.mark.parametrize("variant", PARSED, ids=str)
@pytest.mark.parametrize("text", WORDS, ids=repr)
def test_a_value_changes_no_structure(text: str, variant: TargetName) -> None:
    for kind in VALUES:
        check_structure(tree_of_value, variant, kind, text, kept="*?")


@pytest.mark.parametrize("variant", PARSED, ids=str)
@pytest.mark.parametrize("name", FIELDS, ids=repr)
def test_a_field_name_changes_no_structure(name: str, variant: TargetName) -> None:
    for kind in NAMES:
        check_structure(tree_of_name, variant, kind, name, kept=".*?")


@pytest.mark.parametrize("variant", PARSED, ids=str)
@pytest.mark.parametrize("name", GROUPS, ids=repr)
def test_a_group_by_field_changes_no_structure(name: str, variant: TargetName) -> None:
    check_structure(tree_of_group, variant, "", name, kept=".*?")


@pytest.mark.parametrize("variant", PARSED, ids=str)
@settings(max_examples=150)
@given(text=MIXED, kind=st.sampled_from(sorted(VALUES)))
def test_any_value_changes_no_structure(variant: TargetName, text: str, kind: str) -> None:
    check_structure(tree_of_value, variant, kind, text, kept="*?")


@pytest.mark.parametrize("variant", PARSED, ids=str)
@settings(max_examples=150)
@given(name=MIXED.filter(bool), kind=st.sampled_from(sorted(NAMES)))
def test_any_field_name_changes_no_structure(variant: TargetName, name: str, kind: str) -> None:
    check_structure(tree_of_name, variant, kind, name, kept=".*?")


def test_a_text_that_gets_out_is_seen() -> None:
    """The check itself: a value that ends its quotes, and one more condition, do not fit the twins."""
    for variant in PARSED:
        first, second = (tree_of_value(variant, "equals", text) for text in ("w", "v"))
        assert fits(tree_of_value(variant, "equals", "other"), first, second)
        for kind in ("list", "not", "contains"):
            assert not fits(tree_of_value(variant, kind, "w"), first, second), kind
        assert not fits(tree_of_name(variant, "equals", "g"), first, second)
