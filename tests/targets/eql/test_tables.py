"""The tables of EQL hold what the grammar has."""

from __future__ import annotations

from typing import get_args

from converter.targets.eql.engine import features, functions, parse, pipes
from converter.targets.eql.engine.language import syntax

NO_OPERATORS = {syntax.Literal, syntax.Call}


def test_every_node_of_an_expression_is_an_operator_or_is_not() -> None:
    assert set(features.OPERATORS) | NO_OPERATORS == set(get_args(syntax.Expression))


def test_what_the_engine_has_it_does_not_refuse() -> None:
    assert not functions.FUNCTIONS.keys() & functions.UNSUPPORTED.keys()
    assert not set(pipes.PIPES) & set(pipes.UNSUPPORTED)
    assert not parse.STATEMENTS.keys() & parse.REFUSED_STATEMENTS.keys()
