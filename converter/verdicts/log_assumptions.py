"""Assumptions of correlations about a log as a whole, and about the numbers in it.

Their predicates read all events of a log, and return the positions of those that break the assumption.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.plan import nodes as ir
from converter.verdicts.verdict import Assumption

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from converter.verdicts.verdict import Event

EXACT_DOUBLE = 2**53
"""A double holds every whole number up to this one exactly."""


def whole_numbers(plan: ir.Correlation, below: int = EXACT_DOUBLE, *, each: bool = False) -> Assumption:
    """The numbers that a correlation measures are whole, and so small that no sum of them is rounded.

    Args:
        plan: the correlation; its rules name the fields.
        below: the limit that the numbers must stay below.
        each: whether the limit is for each number (else for their sum).
    """
    fields = tuple(dict.fromkeys(name for rule in plan.rules for name in _sources(rule, rule.fields)))
    shown = ", ".join(fields)
    together = "" if each else "together "
    message = f"the numbers in {shown} are whole and {together}below {below:,} (the product computes with doubles)"

    def broken(_raws: Sequence[Event], views: Sequence[Event]) -> set[int]:
        from converter.reference.values import find, number_of  # noqa: PLC0415  only replay needs it

        breaking: set[int] = set()
        total = 0.0
        for position, view in enumerate(views):
            values = [number_of(value) for name in fields for value in find(view, name)]
            numbers = [number for number in values if number is not None]
            size = sum(map(abs, numbers))
            if any(number != int(number) or abs(number) >= below for number in numbers) or (
                not each and total + size >= below
            ):
                breaking.add(position)
            else:
                total += size
        return breaking

    return Assumption(message, lambda _raw, _view: False, broken)


def _sources(rule: ir.Referenced, names: Sequence[str]) -> Iterator[str]:
    """Yield the events' fields that fields of a rule come from; the fields of a correlation are its group-by."""
    if isinstance(rule.plan, ir.Detection):
        yield from names
        return
    for below in rule.plan.rules:
        pairs = dict(zip(rule.plan.group_by, below.group_by, strict=True))
        yield from _sources(below, [pairs[name] for name in names if name in pairs])


def apart(plan: ir.Correlation, stages: Sequence[Collection[int]]) -> Assumption:
    """No event matches two stages: a search of many stages counts the events of each, and not who could be which.

    Args:
        plan: the correlation.
        stages: the different stages, by the numbers of their rules.
    """

    def broken(_raw: Event, view: Event) -> bool:
        from converter.reference.match import matches  # noqa: PLC0415  only replay needs it

        matching = {
            number
            for number, rule in enumerate(plan.rules)
            if isinstance(rule.plan, ir.Detection) and matches(rule.plan.expr, view)
        }
        return sum(not matching.isdisjoint(stage) for stage in stages) > 1

    return Assumption("no event matches two of the stages", broken)
