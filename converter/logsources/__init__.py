"""Log sources: what a raw event is, the names that Sigma gives to its fields, and which rules are about it.

    raw event ──recognise──> Shape ──┬── names ──> SigmaView: the event, which also answers to Sigma's field names
                                     └── source + logsource of a rule ──answer──> True, False, None (cannot tell)

Known are Windows (EVTX as JSON, Winlogbeat, NXLog), Sysmon, auditd, syslog and journald, CloudTrail, Azure, Google
Cloud, Microsoft 365, GitHub, Bitbucket, Okta, Kubernetes and Zeek; docs/logsources.md says by what each is recognised.
Of an event that is none of these nothing is known, so every rule is tried on it. This package imports only the plan:
neither products, nor their views, nor the reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from converter.logsources.formats.event_format import SigmaView
from converter.logsources.match import answer
from converter.logsources.recognise import recognise

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import TypeAlias

    from converter.logsources.formats.event_format import Shape
    from converter.plan import nodes as ir
    from converter.readers.log_source import LogSource

    Event: TypeAlias = Mapping[str, Any]
    Select: TypeAlias = Callable[[Event], tuple[Event, Sequence[ir.Detection]]]

__all__ = ["ByLogsource", "SigmaView", "all_rules", "by_logsource", "fits", "recognise", "sigma_view"]

_MAX_SHAPES = 10_000


def sigma_view(event: Event) -> Event:
    """Return the event with Sigma's field names added; the event itself if its shape is not known.

    Names that the event has itself keep their meaning, and values are as they are in the event.
    """
    shape = recognise(event)
    return event if shape is None else shape.view(event)


def fits(event: Event, logsource: LogSource) -> bool | None:
    """Return whether a rule with this log source is about the event; None if that cannot be told.

    It cannot be told when the shape of the event is not known, when the log source has a product, category or service
    that is not known, or when it has none of them.
    """
    shape = recognise(event)
    return None if shape is None else answer(shape.source, logsource)


class ByLogsource:
    """From an event to its Sigma view and those rules that are to be tried on it: all but those that do not fit.

    Rules are sorted out once for each shape of event. An event that no rule is tried on stays as it is.
    """

    def __init__(self, rules: Sequence[ir.Detection]) -> None:
        self._rules = rules
        self._found: dict[Shape, Sequence[ir.Detection]] = {}
        self._untried = {id(rule): rule for rule in rules}

    def __call__(self, event: Event) -> tuple[Event, Sequence[ir.Detection]]:
        """Return what the rules see of the event, and the rules to be tried."""
        shape = recognise(event)
        if shape is None:
            self._untried.clear()
            return event, self._rules
        tried = self._found.get(shape)
        if tried is None:
            tried = self._fitting(shape)
        return (shape.view(event) if tried else event), tried

    def _fitting(self, shape: Shape) -> Sequence[ir.Detection]:
        if len(self._found) >= _MAX_SHAPES:  # names of logs come from the log, and a hostile one has many
            self._found.clear()
        tried = [rule for rule in self._rules if answer(shape.source, rule.logsource) is not False]
        for rule in tried:
            self._untried.pop(id(rule), None)
        self._found[shape] = tried
        return tried

    @property
    def untried(self) -> tuple[ir.Detection, ...]:
        """The rules that no event so far was for."""
        return tuple(self._untried.values())


def by_logsource(rules: Sequence[ir.Detection]) -> ByLogsource:
    """Return a function from an event to its Sigma view and those of the rules that are to be tried on it."""
    return ByLogsource(rules)


def all_rules(rules: Sequence[ir.Detection]) -> Select:
    """Return a function from an event to its Sigma view and all rules, whatever their log sources."""
    return lambda event: (sigma_view(event), rules)
