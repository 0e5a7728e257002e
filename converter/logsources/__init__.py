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

from converter.logsources.shape import SigmaView
from converter.logsources.shapes import recognise
from converter.logsources.source import answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import TypeAlias

    from converter.logsources.shape import Shape
    from converter.plan.nodes import Detection, LogSource

    Event: TypeAlias = Mapping[str, Any]
    Select: TypeAlias = Callable[[Event], tuple[Event, Sequence[Detection]]]

__all__ = ["SigmaView", "all_rules", "by_logsource", "fits", "recognise", "sigma_view"]

_MAX_SHAPES = 10_000


def sigma_view(event: Event) -> Event:
    """Return the event with Sigma's field names added; the event itself if its shape is not known.

    Names that the event has itself keep their meaning, and values are as they are in the event.
    """
    shape = recognise(event)
    return event if shape is None else SigmaView(event, shape.names)


def fits(event: Event, logsource: LogSource) -> bool | None:
    """Return whether a rule with this log source is about the event; None if that cannot be told.

    It cannot be told when the shape of the event is not known, when the log source has a product, category or service
    that is not known, or when it has none of them.
    """
    shape = recognise(event)
    return None if shape is None else answer(shape.source, logsource)


def by_logsource(rules: Sequence[Detection]) -> Select:
    """Return a function from an event to its Sigma view and those of the rules that are to be tried on it.

    That are all but those that certainly do not fit. Rules are sorted out once for each shape of event. An event that
    no rule is tried on stays as it is.
    """
    found: dict[Shape, Sequence[Detection]] = {}

    def select(event: Event) -> tuple[Event, Sequence[Detection]]:
        shape = recognise(event)
        if shape is None:
            return event, rules
        tried = found.get(shape)
        if tried is None:
            if len(found) >= _MAX_SHAPES:  # names of logs come from the log, and a hostile one has many
                found.clear()
            tried = found[shape] = [rule for rule in rules if answer(shape.source, rule.logsource) is not False]
        return (SigmaView(event, shape.names) if tried else event), tried

    return select


def all_rules(rules: Sequence[Detection]) -> Select:
    """Return a function from an event to its Sigma view and all rules, whatever their log sources."""
    return lambda event: (sigma_view(event), rules)
