"""Helpers of the assumptions: evaluate an expression on an event, and list the fields that a leaf reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from converter.plan import nodes as ir

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

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


def with_values(event: Event, field: str, change: Callable[[Any], Any]) -> Event:
    """Return a copy of the event in which `change(value)` stands for each value of the field."""
    changed: Event = _with_values(event, field.split("."), change)
    return changed


def _with_values(value: Any, steps: Sequence[str], change: Callable[[Any], Any]) -> Any:
    if isinstance(value, list):
        return [_with_values(item, steps, change) for item in value]
    if not steps:
        return change(value)
    if not isinstance(value, dict):
        return value
    keys = ((".".join(steps[:used]), steps[used:]) for used in range(1, len(steps) + 1))
    return {**value, **{key: _with_values(value[key], rest, change) for key, rest in keys if key in value}}


def unique(assumptions: Iterable[Assumption]) -> tuple[Assumption, ...]:
    """Return the assumptions in order, each message once."""
    return tuple({assumption.message: assumption for assumption in assumptions}.values())
