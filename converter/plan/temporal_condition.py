"""The boolean condition of a temporal correlation: text to a tree over rules.

"a and (b or not c)" ──parse_condition──> And/Or/Not over names ──> AllOf/AnyOf/Absent over rules

Operators, brackets and errors are those of the condition of a detection; selectors such as `1 of them` are not.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from converter.plan import nodes as ir
from converter.plan.condition import parse_condition
from converter.readers.source import Span

if TYPE_CHECKING:
    from collections.abc import Mapping

    from converter.errors import RuleError
    from converter.readers.source import Source

_WORD = re.compile(r"[^\s()|]+")
_KEYWORDS = frozenset({"and", "or", "not"})


def words_of(text: str) -> list[tuple[str, Span]]:
    """Return the names in a condition, each with its place in it, in order and as often as it is there."""
    words = ((match[0], Span(*match.span())) for match in _WORD.finditer(text))
    return [(word, span) for word, span in words if word.lower() not in _KEYWORDS]


def parse_names(source: Source[RuleError]) -> ir.Expr:
    """Parse a condition; each name in it is an `Exists` of that name.

    Raises:
        RuleError: not a condition, or a selector.
    """
    names = words_of(source.text)
    for word, span in names:
        if word.lower() == "of":
            raise source.error("a correlation names its rules one by one", span, "join them with `and` and `or`")
    return parse_condition(source, {word: ir.Exists(word) for word, _ in names})


def occurrence_of(expr: ir.Expr, rules: Mapping[str, int]) -> ir.Occurrence:
    """Return a parsed condition over the rules of a correlation, by index."""
    match expr:
        case ir.And(items):
            return ir.AllOf(tuple(occurrence_of(item, rules) for item in items))
        case ir.Or(items):
            return ir.AnyOf(tuple(occurrence_of(item, rules) for item in items))
        case ir.Not(item):
            return ir.Absent(occurrence_of(item, rules))
        case ir.Exists(name):
            return ir.Occurs(rules[name])
        case _:
            raise TypeError(f"no condition over names: {expr!r}")


def is_ordered(expr: ir.Expr) -> bool:
    """Return whether a parsed condition only joins stages with `and`: names, or alternatives of names."""
    items = expr.items if isinstance(expr, ir.And) else (expr,)
    return all(isinstance(part, ir.Exists) for item in items for part in _alternatives(item))


def stages_of(expr: ir.Expr, rules: Mapping[str, int]) -> tuple[tuple[int, ...], ...]:
    """Return the stages of such a condition, each the indexes of its rules."""
    items = expr.items if isinstance(expr, ir.And) else (expr,)
    return tuple(
        tuple(rules[part.field] for part in _alternatives(item) if isinstance(part, ir.Exists)) for item in items
    )


def _alternatives(expr: ir.Expr) -> tuple[ir.Expr, ...]:
    return expr.items if isinstance(expr, ir.Or) else (expr,)
