"""What the engine has of KQL, which has operators only, and what it refuses of them.

nodes of the tree ──features──> Feature ... ──> docs/engines.md
"""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from converter.targets.feature import Feature
from converter.targets.kql.engine import syntax
from converter.targets.kql.engine.field_tests import DATE_MATHEMATICS, FLATTENED_KEY, SPLIT_PATTERN, TEXT_FIELD

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# By the node that the parser makes of them: name, what it takes, what the engine refuses.
OPERATORS: Mapping[type, tuple[tuple[str, str, tuple[str, ...]], ...]] = {
    syntax.Is: (
        (":", "a field and a value; the value alone asks every field", (TEXT_FIELD, DATE_MATHEMATICS)),
        ("( )", "values with `and`, `or`, `not` between them, or whole conditions", ()),
    ),
    syntax.Wildcard: (("*", "any text, in a value or the name of a field", (SPLIT_PATTERN, FLATTENED_KEY)),),
    syntax.Range: tuple(
        (operator, "a field and a value", (TEXT_FIELD, DATE_MATHEMATICS)) for operator in get_args(syntax.RangeOperator)
    ),
    syntax.And: (("and", "", ()),),
    syntax.Or: (("or", "", ()),),
    syntax.Not: (("not", "", ()),),
    syntax.Nested: (("{ }", "a path, and conditions on one object there", ()),),
    syntax.MatchAll: (),  # the empty query
}


def features() -> Iterator[Feature]:
    """Yield what the engine runs, and what it refuses of it."""
    for operators in OPERATORS.values():
        for name, arguments, refuses in operators:
            yield Feature("operator", name, arguments, refused="; ".join(refuses))
