"""No query leaves that its own engine would refuse: the conversion asks the engine, whatever the target."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from converter.conversion import convert_rules
from converter.errors import QueryError, RefusedError
from converter.harness.target_spec import TargetName
from converter.rules.load import parse_rules
from converter.targets.core.engines import find_engine
from tests.support.targets import VARIANTS, convert, target_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from converter.plan.nodes import Plan
    from converter.targets.core.target import Context, Query, Target

RULE = """
title: Two fields
logsource: {category: test}
detection:
    plain: {first: value}
    odd: {second: other}
    condition: plain or odd
"""
UNFINISHED = '"] unfinished ('


class Broken:
    """A target whose queries are those of another one, spoilt by a function."""

    def __init__(self, target: Target, spoil: Callable[[Plan, str], str]) -> None:
        self._target = target
        self._spoil = spoil

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)

    def emit(self, plan: Plan, context: Context) -> Query:
        """Convert a plan, and spoil the text."""
        query = self._target.emit(plan, context)
        return replace(query, text=self._spoil(plan, query.text))


def broken(variant: TargetName, spoil: Callable[[Plan, str], str]) -> Target:
    return Broken(target_of(variant), spoil)


def language_of(variant: TargetName) -> str:
    (query,) = convert(parse_rules(RULE), variant)
    return query.language


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_what_no_engine_takes_does_not_leave(variant: TargetName) -> None:
    language = language_of(variant)
    with pytest.raises(QueryError):
        find_engine(language).check(UNFINISHED)
    target = broken(variant, lambda _, text: f"{text} {UNFINISHED}")
    with pytest.raises(RefusedError) as refusal:
        convert_rules(parse_rules(RULE), target, format=variant.format, options=dict(variant.options))
    assert refusal.value.construct
    assert refusal.value.place is not None


def test_the_refusal_names_the_construct_and_its_place() -> None:
    target = broken(next(name for name in VARIANTS if name.name == "kql"), lambda _, text: text.replace("other", '"'))
    with pytest.raises(RefusedError) as refusal:
        convert_rules(parse_rules(RULE), target)
    assert refusal.value.construct == "string"
    assert refusal.value.place is not None
    assert refusal.value.place.source_line.strip() == "odd: {second: other}"
    assert "the query that kql writes for this would not run" in refusal.value.message


def test_a_query_that_is_wrong_as_a_whole_is_placed_at_the_rule() -> None:
    variant = next(name for name in VARIANTS if name.name == "eql")
    target = broken(variant, lambda _, text: f"{text} and" if " or " in text else text)
    with pytest.raises(RefusedError) as refusal:
        convert_rules(parse_rules(RULE), target)
    assert refusal.value.construct == "query"


def test_types_come_from_the_mapping() -> None:
    types = {"number": "long"}
    find_engine("esql").check('FROM a | WHERE number == "5"')
    with pytest.raises(QueryError):
        find_engine("esql").check('FROM a | WHERE number == "5"', types.get)


@pytest.mark.parametrize("format_name", ["default", "savedsearches", "es", "contentctl"])
@pytest.mark.parametrize("wrong", ["| where lower(", "| eval x=sqrt(1,2)", "| statz count", "| stats nosuch(a)"])
def test_a_search_is_compiled_in_every_format(format_name: str, wrong: str) -> None:
    variant = TargetName("splunk", format_name)
    target = broken(variant, lambda _, text: text.replace("second=", f"second=x {wrong} | search second="))
    with pytest.raises(RefusedError, match="the query that splunk writes for this would not run") as refusal:
        convert_rules(parse_rules(RULE), target, format=format_name)
    assert refusal.value.construct == "string"
