"""What must be true of a log as a whole, or of the numbers in it, for a correlation to mean the same in a product.

An assumption about single events has a predicate over one; these see all events, and name those that break it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from converter.plan import nodes as ir
from converter.verdicts.verdict import Assumption

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from converter.verdicts.verdict import Event

EXACT_DOUBLE = 2**53
"""Below it a double holds every whole number."""


def whole_numbers(plan: ir.Correlation, below: int = EXACT_DOUBLE, *, each: bool = False) -> Assumption:
    """The numbers that a correlation measures are whole, and so small that no sum of them is rounded.

    Args:
        plan: the correlation; its rules have the names of the fields.
        below: what they must stay below.
        each: whether each must, or all together.
    """
    fields = tuple(dict.fromkeys(name for rule in plan.rules for name in _sources(rule, rule.fields)))
    shown = ", ".join(fields)
    together = "" if each else "together "
    says = f"the numbers in {shown} are whole, and {together}below {below:,} (they are added and multiplied as doubles)"

    def broken(_raws: Sequence[Event], views: Sequence[Event]) -> set[int]:
        from converter.reference.values import find, number_of  # noqa: PLC0415  only replay needs it

        bad: set[int] = set()
        total = 0.0
        for position, view in enumerate(views):
            numbers = [number_of(value) for name in fields for value in find(view, name)]
            found = [number for number in numbers if number is not None]
            size = sum(map(abs, found))
            if any(number != int(number) or abs(number) >= below for number in found) or (
                not each and total + size >= below
            ):
                bad.add(position)
            else:
                total += size
        return bad

    return Assumption(says, lambda _raw, _view: False, broken)


def _sources(rule: ir.Referenced, names: Sequence[str]) -> Iterator[str]:
    """Yield the fields of events that fields of a rule come from; those of a correlation are its group-by."""
    if isinstance(rule.plan, ir.Detection):
        yield from names
        return
    for below in rule.plan.rules:
        pairs = dict(zip(rule.plan.group_by, below.group_by, strict=True))
        yield from _sources(below, [pairs[name] for name in names if name in pairs])


def ordered_apart(plan: ir.Correlation) -> Assumption:
    """Events of one time that match different rules are in the order of the log, which no search can see."""
    chained = any(isinstance(rule.plan, ir.Correlation) for rule in plan.rules)
    same = (
        "no two events that it counts have the same time"
        if chained
        else ("events of a group that have the same time match the same of its rules")
    )
    says = f"{same} (a search does not know which of them came first)"

    def broken(raws: Sequence[Event], views: Sequence[Event]) -> set[int]:
        from converter.reference.correlate import group_keys  # noqa: PLC0415  only replay needs it
        from converter.reference.match import matches  # noqa: PLC0415
        from converter.reference.time import event_time  # noqa: PLC0415

        bad: set[int] = set()
        seen: dict[Any, frozenset[int]] = {}
        for position, (raw, view) in enumerate(zip(raws, views, strict=True)):
            time = event_time(raw)
            if chained:
                matching = [at for at, one in enumerate(ir.detections_of(plan)) if matches(one.expr, view)]
                keys: set[Any] = {(time,)} if matching else set()
            else:
                matching = [at for at, rule in enumerate(plan.rules) if matches(rule.expr, view)]
                keys = {(time, key) for at in matching for key in group_keys(view, plan.rules[at].group_by)}
            found = frozenset(matching)
            if any(key in seen and (chained or seen[key] != found) for key in keys):
                bad.add(position)
            else:
                seen.update(dict.fromkeys(keys, found))
        return bad

    return Assumption(says, lambda _raw, _view: False, broken)
