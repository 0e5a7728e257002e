"""What of a rule file is simulated: a key that would change the alerts and is not, is refused by name.

RuleFile ──check_simulated──> nothing, or a QueryError at the key
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from converter.targets.elastic_toml.engine.rule import RuleFile

READ_KEYS = ("from", "interval", "max_signals", "timestamp_override")
"""The keys of every type of rule that change which alerts there are, and are simulated."""

_CHANGES_ALERTS = "changes which alerts there are, and is not simulated"
REFUSED_KEYS: Mapping[str, str] = {
    "filters": _CHANGES_ALERTS,
    "exceptions_list": _CHANGES_ALERTS,
    "alert_suppression": _CHANGES_ALERTS,
    "tiebreaker_field": "is not simulated; ties in time are ordered by position",
}
"""The keys that are refused, unless they are empty, and why."""

USUAL_ONLY: Mapping[str, str] = {
    "to": "now",
    "timestamp_field": "@timestamp",
    "event_category_override": "event.category",
}
"""The keys that may have their usual value only."""

LUCENE = "rules in the Lucene language"


def check_simulated(rule: RuleFile, types: Collection[str]) -> None:
    """Refuse by name what would change the alerts and is not simulated; `types` are the types of rules that are.

    Raises:
        QueryError: the rule has such a thing.
    """
    if rule.type not in types:
        known = ", ".join(types)
        raise rule.error(f"rules of type {rule.type} are not simulated", ("rule", "type"), f"simulated: {known}")
    if rule.language == "lucene":
        raise rule.error(f"{LUCENE} are not simulated", ("rule", "language"), "use kuery")
    for key, reason in REFUSED_KEYS.items():
        if rule.settings.get(key):
            raise rule.error(f"{key!r} {reason}", ("rule", key))
    for key, usual in USUAL_ONLY.items():
        if rule.settings.get(key, usual) != usual:
            raise rule.error(usual_only(key), ("rule", key))


def usual_only(key: str) -> str:
    """Say that a key may have its usual value only."""
    return f"{key!r} is simulated only as {USUAL_ONLY[key]!r}"
