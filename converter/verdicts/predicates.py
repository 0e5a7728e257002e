"""Helpers of the assumptions: evaluate an expression on an event, and list the fields that a leaf reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from converter.plan import nodes as ir

if TYPE_CHECKING:
    from collections.abc import Iterable

    from converter.verdicts.verdict import Assumption, Event


def leaf_fields(leaf: ir.Leaf) -> tuple[str, ...]:
    """Return the fields that a leaf names; a keyword, which reads every field, names none."""
    match leaf:
        case ir.Keyword() | ir.KeywordRegex():
            return ()
        case ir.FieldRef(field=field, other=other):
            return (field, other)
        case (
            ir.StringMatch(field=field)
            | ir.NumberMatch(field=field)
            | ir.BoolMatch(field=field)
            | ir.NumberCompare(field=field)
            | ir.Regex(field=field)
            | ir.Cidr(field=field)
            | ir.IsNull(field=field)
            | ir.Exists(field=field)
            | ir.TimePart(field=field)
        ):
            return (field,)
        case ir.Unexpanded(field=field):
            return (field,) if field is not None else ()


def is_true(expr: ir.Expr, event: Event) -> bool:
    """Return whether an expression is true for an event, as the reference evaluates it."""
    from converter.reference.match import matches  # noqa: PLC0415  only replay needs it

    return matches(expr, event)


def values_of(view: Event, field: str) -> list[Any]:
    """Return the values of a field in an event."""
    from converter.reference.values import find  # noqa: PLC0415

    return find(view, field)


def unique(assumptions: Iterable[Assumption]) -> tuple[Assumption, ...]:
    """Return the assumptions in order, each message once."""
    return tuple({assumption.message: assumption for assumption in assumptions}.values())
