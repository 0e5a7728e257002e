"""What the engine has of SPL, and what it refuses by name, from its tables.

commands, functions, statistics, operators of expressions ──features──> Feature ... ──> docs/engines.md
"""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from converter.targets.feature import ALL, Feature, number_of_arguments
from converter.targets.splunk.engine import functions, statistics
from converter.targets.splunk.engine.commands import SUPPORTED
from converter.targets.splunk.engine.commands.unsupported import refused_commands
from converter.targets.splunk.engine.language import syntax

if TYPE_CHECKING:
    from collections.abc import Iterator

_SEARCH = "in search"
_EVAL = "in where and eval"
_BOTH = "in search, where and eval"


def features() -> Iterator[Feature]:
    """Yield what the engine runs and what it refuses, commands first."""
    for command in sorted(SUPPORTED, key=lambda command: command.name):
        yield Feature("command", command.name, command.arguments, command.options, "; ".join(command.refuses))
        for alias in command.aliases:
            yield Feature("command", alias, f"what `{command.name}` takes")
    for refused in refused_commands(SUPPORTED):
        yield Feature("command", refused.name, refused=ALL)
    for name, function in sorted(functions.FUNCTIONS.items()):
        yield Feature("function", name, number_of_arguments(function.least, function.most))
    for name in sorted(functions.UNSUPPORTED):
        yield Feature("function", name, refused=ALL)
    for name, statistic in sorted(statistics.STATISTICS.items()):
        absent = "; ".join(f"the statistic {name} in {command}" for command in sorted(statistic.absent - {"tstats"}))
        takes = "a field, or nothing" if statistic.name == "count" else "a field"
        yield Feature("aggregation", name, takes, refused=absent)
    for name in sorted(statistics.PERCENTILES):
        yield Feature("aggregation", f"{name}95", "a field; a number from 0 to 100 may stand in place of 95")
    for name in sorted(statistics.UNSUPPORTED):
        yield Feature("aggregation", name, refused=ALL)
    yield from _operators()


def _operators() -> Iterator[Feature]:
    searched = {*get_args(syntax.ComparisonOperator), "AND", "OR", "NOT", "IN"}
    evaluated = {*get_args(syntax.BinaryOperator), *get_args(syntax.LogicalOperator), "NOT", "IN"}
    for name in sorted(searched | evaluated):
        yield Feature(
            "operator", name, _BOTH if name in searched & evaluated else _EVAL if name in evaluated else _SEARCH
        )


def example(feature: Feature) -> str:
    """Return a query that uses a feature which the engine refuses."""
    match feature.kind:
        case "command":
            return f"* | {feature.name}"
        case "function":
            return f"* | eval a={feature.name}(b)"
        case _:
            return f"* | stats {feature.name}(a)"
