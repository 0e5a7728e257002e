"""Parse the boolean condition of a temporal correlation into a tree over its rules.

"a and (b or not c)" ──parse_names──> And/Or/Not over names ──occurrence_of──> AllOf/AnyOf/Absent over rules

Operators, brackets and errors are those of a detection's condition; selectors such as `1 of them` are not allowed.
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


def words_of(condition: str) -> list[tuple[str, Span]]:
    """Return the names in a condition with their spans, in order, repeats included."""
    words = ((match[0], Span(*match.span())) for match in _WORD.finditer(condition))
    return [(word, span) for word, span in words if word.lower() not in _KEYWORDS]


def parse_names(source: Source[RuleError]) -> ir.Expr:
    """Parse a condition into a tree with an `Exists` for each name.

    Raises:
        RuleError: not a condition, or one with a selector.
    """
    names = words_of(source.text)
    for word, span in names:
        if word.lower() == "of":
            raise source.error(
                "the condition of a correlation has no selectors", span, "join names of rules with `and`, `or`"
            )
    return parse_condition(source, {word: ir.Exists(word) for word, _ in names})


def occurrence_of(expr: ir.Expr, rules: Mapping[str, int]) -> ir.Occurrence:
    """Return a parsed condition with the names replaced by the indexes of a correlation's rules."""
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
            raise TypeError(f"not a condition over names: {expr!r}")


def is_ordered(expr: ir.Expr) -> bool:
    """Return whether a parsed condition is stages joined with `and`; a stage is a name, or names joined with `or`."""
    items = expr.items if isinstance(expr, ir.And) else (expr,)
    return all(isinstance(part, ir.Exists) for item in items for part in _alternatives(item))


def stages_of(expr: ir.Expr, rules: Mapping[str, int]) -> tuple[tuple[int, ...], ...]:
    """Return the stages of such a condition; each holds the indexes of its rules."""
    items = expr.items if isinstance(expr, ir.And) else (expr,)
    return tuple(
        tuple(rules[part.field] for part in _alternatives(item) if isinstance(part, ir.Exists)) for item in items
    )


def _alternatives(expr: ir.Expr) -> tuple[ir.Expr, ...]:
    return expr.items if isinstance(expr, ir.Or) else (expr,)
