"""Recognise the log source of a raw event: give its fields Sigma's names, and choose the rules to try on it.

    raw event ──recognise──> EventFormat ──┬── names ──> SigmaView: the event with Sigma's field names added
                                           └── source + log source of a rule ──answer──> True, False, None (unknown)

Known formats: Windows (EVTX as JSON, Winlogbeat, NXLog), Sysmon, auditd, syslog and journald, CloudTrail, Azure, Google
Cloud, Microsoft 365, GitHub, Bitbucket, Okta, Kubernetes and Zeek; docs/logsources.md tells how each is recognised.
Every rule is tried on an event of an unknown format. This package imports the plan, and neither products nor the
reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from converter.logsources.formats.event_format import SigmaView
from converter.logsources.match import answer
from converter.logsources.recognise import recognise

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import TypeAlias

    from converter.logsources.formats.event_format import EventFormat
    from converter.plan import nodes as ir
    from converter.readers.log_source import LogSource

    Event: TypeAlias = Mapping[str, Any]
    Select: TypeAlias = Callable[[Event], tuple[Event, Sequence[ir.Detection]]]

__all__ = ["ByLogsource", "SigmaView", "all_rules", "by_logsource", "fits", "recognise", "sigma_view"]

_MAX_FORMATS = 10_000


def sigma_view(event: Event) -> Event:
    """Return the event with Sigma's field names added; the event itself if its format is unknown.

    A name that the event has itself keeps its value; values are not changed.
    """
    event_format = recognise(event)
    return event if event_format is None else event_format.view(event)


def fits(event: Event, logsource: LogSource) -> bool | None:
    """Return whether a rule with this log source is about the event; None if that is unknown.

    It is unknown if the format of the event is, if the log source has an unknown product, category or service, or if
    it has none of them.
    """
    event_format = recognise(event)
    return None if event_format is None else answer(event_format.source, logsource)


class ByLogsource:
    """Selects the rules to try on an event: all but those whose log source does not fit.

    The selection is made once for each format. An event without rules to try is returned as it is.
    """

    def __init__(self, rules: Sequence[ir.Detection]) -> None:
        self._rules = rules
        self._fitting_rules: dict[EventFormat, Sequence[ir.Detection]] = {}
        self._untried = {id(rule): rule for rule in rules}

    def __call__(self, event: Event) -> tuple[Event, Sequence[ir.Detection]]:
        """Return the event with Sigma's field names, and the rules to try on it."""
        event_format = recognise(event)
        if event_format is None:
            self._untried.clear()
            return event, self._rules
        tried = self._fitting_rules.get(event_format)
        if tried is None:
            tried = self._fitting(event_format)
        return (event_format.view(event) if tried else event), tried

    def _fitting(self, event_format: EventFormat) -> Sequence[ir.Detection]:
        if len(self._fitting_rules) >= _MAX_FORMATS:  # formats hold names from the log, and a hostile log has many
            self._fitting_rules.clear()
        tried = [rule for rule in self._rules if answer(event_format.source, rule.logsource) is not False]
        for rule in tried:
            self._untried.pop(id(rule), None)
        self._fitting_rules[event_format] = tried
        return tried

    @property
    def untried(self) -> tuple[ir.Detection, ...]:
        """The rules that no event so far has been tried on."""
        return tuple(self._untried.values())


def by_logsource(rules: Sequence[ir.Detection]) -> ByLogsource:
    """Return a function from an event to its Sigma view and the rules to try on it, by log source."""
    return ByLogsource(rules)


def all_rules(rules: Sequence[ir.Detection]) -> Select:
    """Return a function from an event to its Sigma view and all rules, whatever their log sources are."""
    return lambda event: (sigma_view(event), rules)
