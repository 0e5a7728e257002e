"""What the engine has of ES|QL, and what it refuses by name, from its tables.

commands, functions, nodes of expressions ──features──> Feature ... ──> docs/engines.md
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from converter.targets.esql.engine import commands, functions
from converter.targets.esql.engine.functions.convert import CASTS
from converter.targets.esql.engine.functions.names import AGGREGATIONS as KNOWN_AGGREGATIONS
from converter.targets.esql.engine.language import syntax
from converter.targets.esql.engine.language.arithmetic import MOVING_SPAN
from converter.targets.esql.engine.language.operators import PLAN_DEPENDENT
from converter.targets.esql.engine.language.parse_expression import IN_SUBQUERY, REFUSED_OPERATORS
from converter.targets.feature import ALL, Feature, number_of_arguments

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from converter.targets.esql.engine.commands.base import Command, SourceCommand

# By the node that the parser makes of them; the others are no operators.
OPERATORS: Mapping[type, tuple[str, ...]] = {
    syntax.Arithmetic: get_args(syntax.ArithmeticOperator),
    syntax.Negative: (),  # a sign is the minus of arithmetic
    syntax.Comparison: get_args(syntax.ComparisonOperator),
    syntax.Logical: get_args(syntax.LogicalOperator),
    syntax.Not: ("not",),
    syntax.In: ("in",),
    syntax.Pattern: get_args(syntax.PatternOperator),
    syntax.IsNull: ("is null", "is not null"),
    syntax.Cast: ("::",),
}
_OPTIONS = {"::": tuple(CASTS)}
_REFUSED = {
    "in": f"{IN_SUBQUERY}; {PLAN_DEPENDENT}",
    "+": MOVING_SPAN,
    "-": MOVING_SPAN,
    **dict.fromkeys(get_args(syntax.ComparisonOperator), PLAN_DEPENDENT),
}


def features() -> Iterator[Feature]:
    """Yield what the engine runs and what it refuses, commands first."""
    tables: tuple[SourceCommand[Any] | Command[Any], ...] = (*commands.SOURCES.values(), *commands.COMMANDS.values())
    for command in tables:
        yield Feature("command", command.name, command.arguments, command.options, "; ".join(command.refuses))
    for name in commands.UNSUPPORTED.values():
        yield Feature("command", name, refused=ALL)
    for name, function in sorted(functions.FUNCTIONS.items()):
        takes = number_of_arguments(function.least, function.most)
        yield Feature("function", name.upper(), takes, refused="; ".join(function.refuses))
    for name, aggregation in sorted(functions.AGGREGATIONS.items()):
        takes = number_of_arguments(aggregation.least, aggregation.most)
        takes = takes if aggregation.rows is None else f"{takes}, or `*`"
        yield Feature("aggregation", name.upper(), takes, refused="; ".join(aggregation.refuses))
    for name in sorted(functions.UNSUPPORTED):
        yield Feature("aggregation" if name in KNOWN_AGGREGATIONS else "function", name.upper(), refused=ALL)
    for names in OPERATORS.values():
        for name in names:
            yield Feature("operator", name.upper(), "", _OPTIONS.get(name, ()), _REFUSED.get(name, ""))
    for name in REFUSED_OPERATORS:
        yield Feature("operator", name, refused=ALL)


def example(feature: Feature) -> str:
    """Return a query that uses a feature which the engine refuses."""
    match feature.kind:
        case "command":
            word = next(word for word, name in commands.UNSUPPORTED.items() if name == feature.name)
            return f"FROM logs | {word} a"
        case "function":
            return f"FROM logs | EVAL a = {feature.name}(b)"
        case "aggregation":
            return f"FROM logs | STATS {feature.name}(b)"
        case _:
            return f"FROM logs | WHERE a {feature.name} b"
