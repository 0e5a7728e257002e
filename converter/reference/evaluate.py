"""Evaluate plans on a log: events in, alerts out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from converter.plan.nodes import Correlation, Detection
from converter.reference.correlate import Timed, episodes
from converter.reference.match import matches
from converter.reference.time import SECOND, event_time, format_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import TypeAlias

    from converter.plan.nodes import Plan

    Select: TypeAlias = Callable[[Mapping[str, Any]], tuple[Mapping[str, Any], Sequence[Detection]]]


@dataclass(frozen=True, slots=True)
class Alert:
    """What a rule reports.

    Attributes:
        rule: the rule's key (name, else id, else title).
        group: for a correlation the group-by fields and their values; None for a detection.
        first: nanoseconds since the epoch of the first event; None if it has no usable time.
        last: the same of the last event.
        events: ids (`_id`, else the 1-based position in the log), one for a detection.
    """

    rule: str
    group: tuple[tuple[str, str], ...] | None
    first: int | None
    last: int | None
    events: tuple[str | int, ...]

    @property
    def first_time(self) -> datetime | None:
        """`first` as a datetime in UTC (microseconds at best)."""
        return _datetime(self.first)

    @property
    def last_time(self) -> datetime | None:
        """`last` as a datetime in UTC (microseconds at best)."""
        return _datetime(self.last)

    def as_row(self) -> dict[str, Any]:
        """Return the alert as documented for `eval --format ndjson`."""
        if self.group is None:
            return {"rule": self.rule, "event": self.events[0]}
        return {
            "rule": self.rule,
            "group": dict(self.group),
            "first": format_time(self.first) if self.first is not None else None,
            "last": format_time(self.last) if self.last is not None else None,
            "events": list(self.events),
        }


def _datetime(instant: int | None) -> datetime | None:
    if instant is None:
        return None
    seconds, rest = divmod(instant, SECOND)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest // 1000)


def evaluate_plans(
    plans: Sequence[Plan],
    events: Iterable[Mapping[str, Any]],
    *,
    on_timeless: Callable[[int, Mapping[str, Any]], None] | None = None,
    select: Callable[[Sequence[Detection]], Select] | None = None,
) -> list[Alert]:
    """Evaluate each plan on the events.

    Args:
        plans: what to evaluate.
        events: in log order.
        on_timeless: called with the position and the event when a correlation would count an event that has no
            usable time; the event is left out.
        select: from all detections to a function from an event to what the rules see of it, and those of the rules
            that are tried on it (`converter.logsources.by_logsource`); None: all rules see the event as it is.

    Returns:
        For each plan in order: its alerts in the order of the log (detections) or of time (correlations).
    """
    detections = {id(rule): rule for plan in plans for rule in _detections(plan)}
    found: dict[int, list[tuple[int, Mapping[str, Any]]]] = {key: [] for key in detections}
    everything: Sequence[Detection] = tuple(detections.values())
    look = select(everything) if select is not None else None
    for position, raw in enumerate(events, 1):
        event, tried = look(raw) if look is not None else (raw, everything)
        for rule in tried:
            if matches(rule.expr, event):
                found[id(rule)].append((position, event))
    alerts: list[Alert] = []
    reported: set[int] = set()
    for plan in plans:
        if isinstance(plan, Detection):
            for position, event in found[id(plan)]:
                time = event_time(event)
                alerts.append(Alert(plan.meta.key, None, time, time, (_id(event, position),)))
            continue
        matching = _timed([hit for rule in plan.rules for hit in found[id(rule)]], reported, on_timeless)
        alerts.extend(
            Alert(
                plan.meta.key,
                tuple(zip(plan.group_by, episode.group, strict=True)),
                episode.first,
                episode.last,
                tuple(_id(timed.event, timed.position) for timed in episode.events),
            )
            for episode in episodes(plan, matching)
        )
    return alerts


def _detections(plan: Plan) -> tuple[Detection, ...]:
    return plan.rules if isinstance(plan, Correlation) else (plan,)


def _timed(
    hits: list[tuple[int, Mapping[str, Any]]],
    reported: set[int],
    on_timeless: Callable[[int, Mapping[str, Any]], None] | None,
) -> list[Timed]:
    """Give each event its time; an event that matches several rules counts once."""
    timed: dict[int, Timed] = {}
    for position, event in hits:
        time = event_time(event)
        if time is not None:
            timed[position] = Timed(time, position, event)
        elif on_timeless is not None and position not in reported:
            reported.add(position)
            on_timeless(position, event)
    return list(timed.values())


def _id(event: Mapping[str, Any], position: int) -> str | int:
    found = event.get("_id")
    return found if isinstance(found, str | int) else position
