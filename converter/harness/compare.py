"""Compare the alerts of a query with the alerts of the reference.

    reference alerts + runs of the query ──differences──> missed and extra alerts ──allowed by a bound?──> Judgement

A detection rule agrees if both report the same events. A correlation rule agrees if every episode of the reference
overlaps in time with an alert of the same group, and every alert with an episode; rows are not counted, because
buckets, sequences and sliding windows count differently. Every run (phase of a schedule) must agree; only alerts that
are missing from a run that has reached its limit count as bounded. If each alert is one that a person gets
(`Run.once`), an episode with two alerts, or an event in two alerts, is `doubled`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from converter.plan import nodes as ir
from converter.reference.time import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from converter.reference.evaluate import Alert
    from converter.targets.core.target import Run
    from converter.verdicts.verdict import Bound

Side: TypeAlias = Literal["missed", "extra", "doubled"]
SIDES: tuple[Side, ...] = get_args(Side)
Group: TypeAlias = tuple[str, ...]


class CompareError(Exception):
    """The alerts of a run do not tell enough to be compared; guessing would hide a difference."""


@dataclass(frozen=True, slots=True)
class Difference:
    """An alert that only the reference or only the query has, or that the query has more than once.

    Attributes:
        rule: the key of the rule.
        side: `missed` by the query, `extra` in the query, or `doubled`: raised more than once instead of once.
        group: the values of the group-by fields, in the order of the rule; None for a detection.
        first: its start in nanoseconds since the epoch; None if a detection's event has no time.
        last: its end, likewise.
        events: the ids of the alert's events, as far as its side knows them.
        reference: the number of alerts of this group in the reference.
        query: the number of alerts of this group in the query, in the phase with the fewest (for an extra one: with the
            most). For a doubled one: the number of alerts of this episode or event.
        phases: the phases of the schedule that show it; a query without a schedule has one, with an empty name.
        of_phases: the number of phases that were replayed.
    """

    rule: str
    side: Side
    group: Group | None
    first: int | None
    last: int | None
    events: tuple[str, ...]
    reference: int
    query: int
    phases: tuple[str, ...] = ("",)
    of_phases: int = 1


@dataclass(frozen=True, slots=True)
class Judgement:
    """The result of a comparison: differences that nothing excuses, and those that the stated bound allows."""

    differences: tuple[Difference, ...] = ()
    bounded: tuple[Difference, ...] = ()

    @property
    def agrees(self) -> bool:
        """Whether the bound allows every difference."""
        return not self.differences


@dataclass(frozen=True, slots=True)
class _Span:
    """An alert of either side, reduced to what the comparison needs."""

    first: int
    last: int
    events: tuple[str, ...]

    def meets(self, other: _Span) -> bool:
        return self.first <= other.last and other.first <= self.last

    def holds(self, other: _Span) -> bool:
        return self.first <= other.first and other.last <= self.last


def judge(
    plan: ir.Plan,
    reference: Sequence[Alert],
    runs: Sequence[Run],
    bound: Bound | None = None,
    episodes: Callable[[ir.Correlation], Sequence[Alert]] | None = None,
) -> Judgement:
    """Compare every run with the reference.

    Args:
        plan: the rule.
        reference: its alerts.
        runs: the alerts of the query, one run for each phase of its schedule.
        bound: how far the query may differ.
        episodes: evaluates a variant of the plan on the same log; required with a bound.

    Raises:
        CompareError: an alert lacks a group, a time or an id that the comparison needs; or there is no run.
    """
    if not runs:
        raise CompareError("the query was not run")
    by_key: dict[tuple[Side, Group | None, int | None, int | None, tuple[str, ...]], list[Difference]] = {}
    full = {run.phase for run in runs if run.full}
    for run in runs:
        for difference in differences(plan, reference, run):
            # Ids are part of the key for detections only: phases may see a burst with more or fewer of its events.
            ids = difference.events if difference.group is None else ()
            key = (difference.side, difference.group, difference.first, difference.last, ids)
            by_key.setdefault(key, []).append(difference)
    merged = [_merge(same, len(runs)) for same in by_key.values()]
    cut: list[Difference] = []
    left: list[Difference] = []
    for difference in merged:
        (cut if difference.side == "missed" and full.issuperset(difference.phases) else left).append(difference)
    if bound is not None and bound.doubled:
        cut += [difference for difference in left if difference.side == "doubled"]
        left = [difference for difference in left if difference.side != "doubled"]
    if isinstance(plan, ir.Detection):
        if bound is not None and bound.narrowest is not None:
            cut += [difference for difference in left if difference.side == "missed"]
            left = [difference for difference in left if difference.side != "missed"]
        return Judgement(tuple(left), tuple(cut))
    if not left or bound is None or episodes is None or not plan.sliding:
        return Judgement(_condensed(left), _condensed(cut))
    allows = _allowance(plan, bound, episodes)
    return Judgement(
        _condensed([difference for difference in left if not allows(difference)]),
        _condensed([*cut, *(difference for difference in left if allows(difference))]),
    )


def differences(plan: ir.Plan, reference: Sequence[Alert], run: Run) -> list[Difference]:
    """Return the differences between the reference and one run. Raises as `judge`."""
    if isinstance(plan, ir.Detection):
        return _detection(plan, reference, run)
    return _correlation(plan, reference, run)


def count_alerts(plan: ir.Plan, run: Run) -> int:
    """Return the number of alerts of a run, as the reference counts them.

    For a detection, each event counts once; for a correlation, overlapping alerts of one group count as one. Raises as
    `judge`.
    """
    if isinstance(plan, ir.Detection):
        return len(_events_of(plan, run))
    return sum(len(_chained(spans)) for spans in _by_group(plan, run).values())


def groups_of(plan: ir.Plan, run: Run) -> list[dict[str, str]]:
    """Return the groups for which a run has an alert, with the rule's own names of the group-by fields."""
    if isinstance(plan, ir.Detection):
        return []
    return [dict(zip(plan.group_by, group, strict=True)) for group in _by_group(plan, run)]


def _detection(plan: ir.Detection, reference: Sequence[Alert], run: Run) -> list[Difference]:
    expected = {str(event): alert for alert in reference for event in alert.events}
    actual = _events_of(plan, run)
    missed = [
        Difference(plan.meta.key, "missed", None, alert.first, alert.last, (event,), 1, 0, (run.phase,))
        for event, alert in expected.items()
        if event not in actual
    ]
    extra = [
        Difference(plan.meta.key, "extra", None, first, last, (event,), 0, 1, (run.phase,))
        for event, (first, last) in actual.items()
        if event not in expected
    ]
    doubled = [
        Difference(
            plan.meta.key, "doubled", None, *actual[event], (event,), int(event in expected), count, (run.phase,)
        )
        for event, count in (_counted(run) if run.once else {}).items()
        if count > 1
    ]
    return missed + extra + doubled


def _events_of(plan: ir.Detection, run: Run) -> dict[str, tuple[int | None, int | None]]:
    """Return the first and last time of each event that a run reports."""
    times: dict[str, tuple[int | None, int | None]] = {}
    for alert in run.alerts:
        if not alert.events:
            raise CompareError(f"an alert of {plan.meta.key} does not name its event")
        for event in alert.events:
            times.setdefault(str(event), (alert.first, alert.last))
    return times


def _counted(run: Run) -> dict[str, int]:
    """Return the number of alerts that each event is in."""
    counts: dict[str, int] = defaultdict(int)
    for alert in run.alerts:
        for event in alert.events:
            counts[str(event)] += 1
    return counts


def _correlation(plan: ir.Correlation, reference: Sequence[Alert], run: Run) -> list[Difference]:
    expected: dict[Group, list[_Span]] = defaultdict(list)
    for alert in reference:
        if alert.group is None or alert.first is None or alert.last is None:
            raise CompareError(f"an episode of {plan.meta.key} has no group or no time")
        span = _Span(alert.first, alert.last, tuple(str(event) for event in alert.events))
        expected[tuple(value for _, value in alert.group)].append(span)
    actual = _by_group(plan, run)
    different: list[Difference] = []
    for group in dict.fromkeys([*expected, *actual]):
        ours, theirs = expected.get(group, []), actual.get(group, [])
        counts = (len(ours), len(_chained(theirs)))
        different.extend(
            Difference(plan.meta.key, "missed", group, span.first, span.last, span.events, *counts, (run.phase,))
            for span in ours
            if not any(span.meets(other) for other in theirs)
        )
        if run.once:
            met = [(span, sum(span.meets(other) for other in theirs)) for span in ours]
            different.extend(
                Difference(plan.meta.key, "doubled", group, span.first, span.last, span.events, 1, count, (run.phase,))
                for span, count in met
                if count > 1
            )
        alone = [span for span in theirs if not any(span.meets(other) for other in ours)]
        different.extend(
            Difference(plan.meta.key, "extra", group, span.first, span.last, span.events, *counts, (run.phase,))
            for span in _chained(alone)
        )
    return different


def _by_group(plan: ir.Correlation, run: Run) -> dict[Group, list[_Span]]:
    spans: dict[Group, list[_Span]] = defaultdict(list)
    for alert in run.alerts:
        if alert.group is None or len(alert.group) != len(plan.group_by):
            raise CompareError(f"an alert of {plan.meta.key} does not have the rule's group-by values")
        if alert.first is None or alert.last is None:
            raise CompareError(f"an alert of {plan.meta.key} has no time")
        spans[alert.group].append(_Span(alert.first, alert.last, tuple(str(event) for event in alert.events)))
    return spans


def _chained(spans: Iterable[_Span]) -> list[_Span]:
    """Join overlapping spans: a query that reports each event of a burst reports one burst."""
    chained: list[_Span] = []
    for span in sorted(spans, key=lambda span: (span.first, span.last)):
        if chained and chained[-1].meets(span):
            before = chained[-1]
            events = tuple(dict.fromkeys(before.events + span.events))
            chained[-1] = _Span(before.first, max(before.last, span.last), events)
        else:
            chained.append(span)
    return chained


def _merge(same: Sequence[Difference], of_phases: int) -> Difference:
    """Return one difference for all phases that show it, with the count of the phase that differs most."""
    worst = min if same[0].side == "missed" else max
    return replace(
        same[0],
        query=worst(difference.query for difference in same),
        phases=tuple(phase for difference in same for phase in difference.phases),
        of_phases=of_phases,
    )


def _condensed(differences: Sequence[Difference]) -> tuple[Difference, ...]:
    """Join overlapping extra alerts of one group: each phase may see a different part of the same events."""
    joined: list[Difference] = [difference for difference in differences if difference.side != "extra"]
    last: dict[Group | None, int] = {}
    extra = [difference for difference in differences if difference.side == "extra"]
    for difference in sorted(extra, key=lambda difference: (difference.first or 0, difference.last or 0)):
        at = last.get(difference.group)
        before = joined[at] if at is not None else None
        if at is None or before is None or (difference.first or 0) > (before.last or 0):
            last[difference.group] = len(joined)
            joined.append(difference)
            continue
        joined[at] = replace(
            before,
            last=max(before.last or 0, difference.last or 0),
            events=tuple(dict.fromkeys(before.events + difference.events)),
            query=max(before.query, difference.query),
            phases=tuple(dict.fromkeys(before.phases + difference.phases)),
        )
    return tuple(joined)


def _allowance(
    plan: ir.Correlation, bound: Bound, episodes: Callable[[ir.Correlation], Sequence[Alert]]
) -> Callable[[Difference], bool]:
    """Return a function that tells whether the bound allows a difference, by the same rule with other timespans."""
    widest = _spans(plan, bound.widest, episodes)
    narrowest = _spans(plan, bound.narrowest, episodes)

    def allows(difference: Difference) -> bool:
        if difference.group is None or difference.first is None or difference.last is None:
            return False
        span = _Span(difference.first, difference.last, ())
        if difference.side == "doubled":
            return bound.doubled
        if difference.side == "extra":
            # Without `widest`, the bound allows no extra alert.
            return widest is not None and any(span.meets(other) for other in widest.get(difference.group, []))
        if bound.longest is not None and span.last - span.first > bound.longest * SECOND:
            return True
        return narrowest is not None and not any(span.holds(other) for other in narrowest.get(difference.group, []))

    return allows


def _spans(
    plan: ir.Correlation, timespan: int | None, episodes: Callable[[ir.Correlation], Sequence[Alert]]
) -> dict[Group, list[_Span]] | None:
    if timespan is None:
        return None
    spans: dict[Group, list[_Span]] = defaultdict(list)
    for alert in episodes(replace(plan, timespan=timespan)):
        if alert.group is not None and alert.first is not None and alert.last is not None:
            spans[tuple(value for _, value in alert.group)].append(_Span(alert.first, alert.last, ()))
    return spans
