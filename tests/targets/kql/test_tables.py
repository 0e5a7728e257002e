"""The table of KQL holds what the grammar has."""

from __future__ import annotations

from typing import get_args

from converter.targets.kql.engine import features, syntax


def test_every_node_of_a_query_is_an_operator() -> None:
    assert set(features.OPERATORS) - {syntax.Wildcard} == set(get_args(syntax.Query))
