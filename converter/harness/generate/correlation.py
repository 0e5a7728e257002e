"""Generate a log for a correlation: bursts just below, at and just above its limits, at the edges of its window.

    plan ──size, length, order of rules──> bursts of several groups ──sorted by time──> log

Each event of a burst matches a counted rule (as far as one could be made), and has a time and this rule's group-by and
measured fields. Some events have no group, several groups, or the time of another event.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any, TypeAlias

from converter.plan import nodes as ir

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Event: TypeAlias = dict[str, Any]
    Make: TypeAlias = Callable[[ir.Expr], Event]

START = datetime(2026, 3, 1, 11, 57, tzinfo=UTC)
_LONGEST_BURST = 200
_KEYS = ("x", "X", "y", "", "a b", "7", "07", "é")
_EDGES = (0.0, 1.0, -1.0, -0.001, 0.001, 0.000001)


def bursts_for(plan: ir.Correlation, seed: int, count: int | None, make: Make) -> list[Event]:
    """Return a log for a correlation.

    Args:
        plan: the correlation, with Sigma's field names.
        seed: the same seed gives the same log.
        count: about how many events to make; None: a few bursts.
        make: returns an event for which an expression is true.
    """
    chance = Random(f"{seed} bursts")  # noqa: S311  a test needs no secret
    sizes = _sizes(plan)
    most = count if count is not None else 10 * max(sizes)
    moment = START
    placed: list[tuple[datetime, Event]] = []
    while len(placed) < most:
        burst, length = _burst(plan, chance.choice(sizes), moment, chance, make)
        placed += burst
        apart = chance.choice((0.0, 0.5, 1.0, 1.0, 3.0)) * plan.timespan + chance.choice(_EDGES)
        moment = max(START, moment + timedelta(seconds=length + apart if chance.random() < 0.8 else 0.0))  # noqa: PLR2004
    placed.sort(key=lambda timed: timed[0])
    if chance.random() < 0.2:  # noqa: PLR2004  a log need not be in order
        chance.shuffle(placed)
    return [{"@timestamp": time.isoformat(timespec="microseconds"), **event} for time, event in placed]


def _sizes(plan: ir.Correlation) -> list[int]:
    """Return the sizes of bursts: as many events as the limits need, one fewer, and a few more."""
    needed = _needed(plan)
    around = {needed - 1, needed, needed + 1, needed + 2}
    return sorted(size for size in around if 1 <= size <= _LONGEST_BURST) or [_LONGEST_BURST]


def _needed(plan: ir.Correlation) -> int:
    """Return how many events meet the limits, or a guess for measures of numbers."""
    if isinstance(plan.measure, ir.Temporal | ir.TemporalOrdered):
        return len(plan.rules)
    if isinstance(plan.measure, ir.EventCount | ir.ValueCount):
        return max((int(number) for _, number in plan.limits), default=1)
    return 3


def _burst(
    plan: ir.Correlation, size: int, start: datetime, chance: Random, make: Make
) -> tuple[list[tuple[datetime, Event]], float]:
    """Return events of one group, spread over about the timespan, and the length of the burst in seconds."""
    length = max(0.0, plan.timespan * chance.choice((0.1, 0.5, 1.0, 1.0, 1.0)) + chance.choice(_EDGES))
    keys = [chance.choice(_KEYS[: chance.choice((2, len(_KEYS)))]) for _ in plan.group_by]
    messy = chance.random() < 0.4  # noqa: PLR2004
    order = list(range(len(plan.rules)))
    if chance.random() < 0.4:  # noqa: PLR2004
        chance.shuffle(order)
    if len(order) > 1 and chance.random() < 0.2:  # noqa: PLR2004
        order.pop()
    burst = []
    for number in range(size):
        share = number / (size - 1) if size > 1 else 0.0
        if messy and 0 < number < size - 1:
            share = chance.choice((share, 0.0, 1.0, chance.random()))
        rule = plan.rules[order[number % len(order)]]
        for later, event in enumerate(_counted(rule, chance, make)):
            _fill(event, rule.group_by, keys, chance, messy=messy)
            values = [_measured(plan, number, chance, messy=messy) for _ in rule.fields]
            event.update(zip(rule.fields, values, strict=True))
            if messy and chance.random() < 0.1:  # noqa: PLR2004  the measured field may be missing, too
                for field in rule.fields:
                    event.pop(field, None)
            burst.append((start + timedelta(seconds=round(share * length + later / 1000, 6)), event))
    return burst, length


def _counted(rule: ir.Referenced, chance: Random, make: Make) -> list[Event]:
    """Return what counts once for a rule: an event, or as many events as a counted correlation needs."""
    plan = rule.plan
    if isinstance(plan, ir.Detection):
        return [make(plan.expr)]
    events = []
    for number in range(min(_LONGEST_BURST, _needed(plan) + chance.choice((0, 1)))):
        inner = plan.rules[number % len(plan.rules)]
        for event in _counted(inner, chance, make):
            event.update((field, "x") for field in inner.group_by)
            event.update((field, _measured(plan, number, chance, messy=False)) for field in inner.fields)
            events.append(event)
    return events


def _fill(event: Event, fields: Sequence[str], keys: Sequence[str], chance: Random, *, messy: bool) -> None:
    for field, key in zip(fields, keys, strict=True):
        kind = chance.random() if messy else 1.0
        if kind < 0.04:  # noqa: PLR2004
            event.pop(field, None)
        elif kind < 0.06:  # noqa: PLR2004
            event[field] = chance.choice((None, [key, "other"], [], int(key) if key.isdigit() else key))
        else:
            event[field] = key


def _measured(plan: ir.Correlation, number: int, chance: Random, *, messy: bool) -> Any:
    """Return a value of a measured field: mostly a new one each time, or a number near a limit."""
    if isinstance(plan.measure, ir.ValueCount) and not messy:
        return f"v{number}"
    if isinstance(plan.measure, ir.ValueCount):
        return chance.choice((f"v{number}", f"v{number}", f"v{number}", "v0", "V0", number, "", str(number)))
    limits = [limit for _, limit in plan.limits] or [1]
    limit = chance.choice(limits)
    near = limit / 3 if isinstance(plan.measure, ir.ValueSum) else limit
    value = near + chance.choice((0, 0, 1, -1, 0.5, -0.25))
    whole = int(value) if float(value).is_integer() else value
    return chance.choice((whole, whole, str(whole), float(value), *(("none", 0, -1) if messy else ())))
