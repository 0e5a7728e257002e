"""Decide which log source of a rule an event is of: a correlation may count rules of several.

log sources of the rules, one ──> that one
                          several ──format of the event──> ──rule that matches it──> the event's log source
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.errors import ConfigurationError
from converter.logsources import fits
from converter.plan import nodes as ir
from converter.reference.match import matches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from converter.readers.log_source import LogSource
    from converter.targets.core.target import Event


def logsources_of(plan: ir.Plan) -> tuple[LogSource, ...]:
    """Return the log sources of the rules, each once."""
    return tuple(dict.fromkeys(rule.logsource for rule in ir.detections_of(plan)))


def logsource_of(raw: Event, sigma: Event, plan: ir.Plan) -> LogSource:
    """Return the log source of an event, among those of the rules.

    The format of the event decides, and where that leaves several, the rules that match the event. An event that no
    rule is about is taken for one of the first log source.

    Args:
        raw: the event.
        sigma: the event with Sigma's field names.
        plan: the rule.

    Raises:
        ConfigurationError: it matches rules of several log sources, and its format does not tell.
    """
    rules = list(ir.detections_of(plan))
    answers = {id(rule): fits(raw, rule.logsource) for rule in rules}
    left = next((some for answer in (True, None) if (some := [r for r in rules if answers[id(r)] is answer])), rules)
    sources = _sources(left)
    if len(sources) > 1:
        sources = _sources([rule for rule in left if matches(rule.expr, sigma)]) or sources[:1]
    if len(sources) > 1:
        raise ConfigurationError(
            f"event {raw['_id']} matches rules of {' and '.join(map(str, sources))}, which are ingested differently",
            hint=f"write in the case file of what log source the events are, for example `logsource: {sources[0]}`",
        )
    return sources[0]


def _sources(rules: Sequence[ir.Detection]) -> list[LogSource]:
    return list(dict.fromkeys(rule.logsource for rule in rules))
