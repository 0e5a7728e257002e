"""Small rules that count events, and events for them: for tests of limits, schedules and names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from converter.harness.replay import Log, replay
from converter.rules.load import parse_rules
from tests.support.rule_text import rule_text
from tests.support.targets import convert, target_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from converter.harness.replay import Outcome
    from converter.harness.target_spec import TargetName
    from converter.rules.collection import Rules
    from converter.targets.core.target import Query, Run

START = datetime(2026, 1, 1, tzinfo=UTC)
OF_TWO_GROUPS = [(1, "p"), (30, "q"), (301, "p"), (331, "p"), (400, "q")]
"""Seconds and groups: two events of p within a minute, and never two of q."""
EMBED = "name: embed\npriority: 10\npostprocessing:\n  - {type: embed, prefix: '/* ', suffix: ' */'}\n"


def detection(title: str = "Base rule", **more: Any) -> dict[str, Any]:
    body = {"selection": {"a": "4711"}, "condition": "selection"}
    return {"title": title, "logsource": {"category": "test"}, "detection": body, **more}


def rules_of(*documents: Mapping[str, Any]) -> Rules:
    return parse_rules(rule_text(*documents))


def counting(group_by: Sequence[str], op: str = "gte", count: int = 2, timespan: str = "1m") -> Rules:
    correlation = {
        "type": "event_count",
        "rules": ["base"],
        "group-by": list(group_by),
        "timespan": timespan,
        "condition": {op: count},
    }
    return rules_of(detection(name="base"), {"title": "Count", "name": "count", "correlation": correlation})


def event(seconds: float, **fields: Any) -> dict[str, Any]:
    return {"@timestamp": (START + timedelta(seconds=seconds)).isoformat(), "a": "4711", **fields}


def replayed(
    rules: Rules, variant: TargetName, events: Sequence[Mapping[str, Any]]
) -> tuple[Query, Outcome, Sequence[Run]]:
    """Convert the last of the rules and compare it with the reference on the events."""
    (query,) = convert(rules, variant)
    outcome, runs = replay(rules.plans[-1], query, target_of(variant), Log(events))
    return query, outcome, runs
