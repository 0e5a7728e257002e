"""Rules that were not judged on every event: they are named and counted, and so are correlations that count them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from converter.cli.common import counted, explain
from converter.errors import RuleLimitError
from converter.plan import nodes as ir
from converter.report.alerts import shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


class Unjudged:
    """What is not known of the rules, because a limit was reached."""

    def __init__(self, plans: Sequence[ir.Plan]) -> None:
        self._plans = plans
        # Of each rule: how many events, the position of the first, and the limit that it reached.
        self._rules: dict[int, tuple[ir.Detection, int, int, RuleLimitError]] = {}

    def __bool__(self) -> bool:
        return bool(self._rules)

    def add(self, rule: ir.Detection, position: int, error: RuleLimitError) -> None:
        """Remember that a rule was not judged on an event."""
        _, events, first, reason = self._rules.get(id(rule), (rule, 0, position, error))
        self._rules[id(rule)] = (rule, events + 1, first, reason)

    def say(self, place_of: Callable[[int], tuple[str, int]]) -> None:
        """Show an error for each rule, at the place of what reached the limit, and for each correlation.

        Args:
            place_of: returns the log and the line of an event.
        """
        for rule, events, first, error in self._rules.values():
            log, line = place_of(first)
            where = f"{log}:{line}" if events == 1 else f"the first is {log}:{line}"
            message = f"rule {rule.meta.key}: {counted(events, 'event')}, {where}: {error.message}"
            explain(RuleLimitError(message, error.place, error.hint))
        for plan, counts in self._correlations():
            message = f"rule {plan.meta.key}: {_missing(counts)}; its alerts are those of the other events"
            explain(RuleLimitError(message, plan.place))

    def as_rows(self) -> list[dict[str, Any]]:
        """Return what `eval --format json` says of them."""
        rows = [
            {"rule": rule.meta.key, "events": events, "reason": error.message}
            for rule, events, _, error in self._rules.values()
        ]
        rows += [
            {"rule": plan.meta.key, "events": sum(events for _, events in counts), "reason": _missing(counts)}
            for plan, counts in self._correlations()
        ]
        return rows

    def summary(self) -> str:
        """Return what the summary of a run says of them; empty if there are none."""
        names = [row["rule"] for row in self.as_rows()]
        return f", {counted(len(names), 'rule')} not judged on every event ({shortened(names)})" if names else ""

    def _correlations(self) -> Iterator[tuple[ir.Correlation, list[tuple[str, int]]]]:
        """Yield each correlation that counts such a rule, with the names of the rules and their numbers of events."""
        for plan in self._plans:
            if isinstance(plan, ir.Correlation):
                rules = dict.fromkeys(id(rule) for rule in ir.detections_of(plan))
                counts = [(self._rules[key][0].meta.key, self._rules[key][1]) for key in rules if key in self._rules]
                if counts:
                    yield plan, counts


def _missing(counts: Sequence[tuple[str, int]]) -> str:
    return "it counts " + ", ".join(f"{key}, not judged on {counted(events, 'event')}" for key, events in counts)
