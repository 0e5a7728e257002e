"""The tables of ES|QL hold what the grammar has: nothing is read that cannot be bound, and no name is unknown."""

from __future__ import annotations

from typing import get_args

from converter.targets.esql.engine import commands, features, functions
from converter.targets.esql.engine.commands import names as command_names
from converter.targets.esql.engine.functions import names
from converter.targets.esql.engine.language import syntax

NO_OPERATORS = {syntax.Literal, syntax.TimeSpan, syntax.Column, syntax.Call}


def test_every_node_of_a_command_has_its_command() -> None:
    assert {command.node for command in commands.COMMANDS.values()} == set(get_args(syntax.Command))
    assert len(commands.COMMANDS) == len(get_args(syntax.Command))


def test_every_node_of_an_expression_is_an_operator_or_is_not() -> None:
    assert set(features.OPERATORS) | NO_OPERATORS == set(get_args(syntax.Expression))


def test_what_the_engine_has_is_in_the_language() -> None:
    known = command_names.COMMANDS
    assert all(known[word] == source.name for word, source in commands.SOURCES.items())
    assert all(known[word] == command.name for word, command in commands.COMMANDS.items())
    assert functions.FUNCTIONS.keys() <= names.SCALARS
    assert functions.AGGREGATIONS.keys() <= names.AGGREGATIONS
    assert not names.SCALARS & names.AGGREGATIONS
