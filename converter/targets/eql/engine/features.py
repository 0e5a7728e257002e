"""What the engine has of EQL, and what it refuses by name, from its tables.

statements, pipes, functions, nodes of expressions ──features──> Feature ... ──> docs/engines.md
"""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from converter.targets.eql.engine import functions, parse, pipes, scalar_expressions
from converter.targets.eql.engine.language import syntax
from converter.targets.eql.engine.language.parse_expression import ARRAY_INDEXES, RELATIONSHIPS
from converter.targets.feature import ALL, Feature

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# By the node that the parser makes of them; the others are no operators.
OPERATORS: Mapping[type, tuple[str, ...]] = {
    syntax.Comparison: get_args(syntax.ComparisonOperator),
    syntax.TextMatch: get_args(syntax.TextOperator),
    syntax.InList: ("in", "in~", "not in"),
    syntax.And: ("and",),
    syntax.Or: ("or",),
    syntax.Not: ("not",),
    syntax.Arithmetic: get_args(syntax.ArithmeticOperator),
    syntax.Negate: (),  # a sign is the minus of arithmetic
    syntax.Field: ("?",),
}
_ARGUMENTS = {
    "where": "a category, or `any`, before it and a condition after it",
    "sequence": "at least two stages `[category where condition]`, or `![...]` for a missing event",
    "?": "a field after it, which may be missing",
}
_SEQUENCE_OPTIONS = (
    "by",
    *(f"with {name}" for name in parse.SEQUENCE_OPTIONS),
    "until",
    *(f"with {name}" for name in parse.STAGE_OPTIONS),
)
_REFUSED = {"not": scalar_expressions.NOT_INSIDE, "not in": scalar_expressions.NOT_IN_INSIDE}


def features() -> Iterator[Feature]:
    """Yield what the engine runs and what it refuses, statements first."""
    yield Feature("command", "where", _ARGUMENTS["where"])
    for name in parse.STATEMENTS:
        yield Feature("command", name, _ARGUMENTS[name], _SEQUENCE_OPTIONS)
    for name in parse.REFUSED_STATEMENTS:
        yield Feature("command", name, refused=ALL)
    for name in pipes.PIPES:
        yield Feature("pipe", name, "a whole number")
    for name in pipes.UNSUPPORTED:
        yield Feature("pipe", name, refused=ALL)
    for _, function in sorted(functions.FUNCTIONS.items()):
        options = (f"{function.name}~",) if function.tilde else ()
        yield Feature("function", function.name, function.arity(), options, "; ".join(function.refuses))
    for name in functions.UNSUPPORTED.values():
        yield Feature("function", name, refused=ALL)
    for names in OPERATORS.values():
        for name in names:
            yield Feature("operator", name, _ARGUMENTS.get(name, ""), refused=_REFUSED.get(name, ""))
    for name in _EXAMPLES:
        yield Feature("operator", name, refused=ALL)


_EXAMPLES = {
    RELATIONSHIPS: "process where child of [process where true]",
    ARRAY_INDEXES: "any where a[0] == 1",
}


def example(feature: Feature) -> str:
    """Return a query that uses a feature which the engine refuses."""
    match feature.kind:
        case "command":
            return f"{feature.name} by a [any where true] [any where true]"
        case "pipe":
            return f"any where true | {feature.name} a"
        case "function":
            return f"any where {feature.name}(a, 1)"
        case _:
            return _EXAMPLES[feature.name]
