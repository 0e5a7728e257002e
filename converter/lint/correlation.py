"""Warn about a correlation whose limits no window can meet, because such a rule never matches.

condition {gt: 3, lt: 2} ──the numbers around its limits──> does any of them meet all limits?
"""

from __future__ import annotations

from itertools import pairwise
from math import floor
from typing import TYPE_CHECKING, Any

from converter.errors import RuleWarning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from converter.readers.yaml_document import Document

_HOLDS: Mapping[str, Callable[[float, float], bool]] = {
    "lt": lambda number, limit: number < limit,
    "lte": lambda number, limit: number <= limit,
    "gt": lambda number, limit: number > limit,
    "gte": lambda number, limit: number >= limit,
    "eq": lambda number, limit: number == limit,
    "neq": lambda number, limit: number != limit,
}
_TEMPORAL = ("temporal", "temporal_ordered")
_COUNTED = ("event_count", "value_count", *_TEMPORAL)


def correlation_warnings(document: Document) -> Iterator[RuleWarning]:
    """Yield a warning if no measure of a window meets every limit of the condition."""
    correlation = document.data["correlation"]
    condition = correlation.get("condition")
    limits = {op: condition[op] for op in _HOLDS if op in condition} if isinstance(condition, dict) else {}
    if not limits or any(_meets(number, limits) for number in _measures(correlation, limits)):
        return
    shown = ", ".join(f"{op}: {limit}" for op, limit in limits.items())
    message = f"no window meets {shown}, so the rule never matches"
    yield RuleWarning(
        message, "limits-never-met", document.place("correlation", "condition"), _hint(correlation, limits)
    )


def _measures(correlation: Mapping[str, Any], limits: Mapping[str, float]) -> list[float]:
    """Return measures of windows, one at least of each class that the limits tell apart."""
    values = sorted(limits.values())
    if correlation["type"] not in _COUNTED:
        edges = [values[0] - 1, *values, values[-1] + 1]
        pairs = pairwise(edges)
        # Two numbers between the limits, as neq may exclude one of them.
        return [*edges, *(low + (high - low) * share for low, high in pairs for share in (0.25, 0.5))]
    most = len(_rules(correlation)) if correlation["type"] in _TEMPORAL else values[-1] + 2
    counts = {1, *(floor(value) + step for value in values for step in (-2, -1, 0, 1, 2))}
    return [count for count in counts if 1 <= count <= most]


def _meets(number: float, limits: Mapping[str, float]) -> bool:
    return all(_HOLDS[op](number, limit) for op, limit in limits.items())


def _hint(correlation: Mapping[str, Any], limits: Mapping[str, float]) -> str:
    if correlation["type"] in _COUNTED and _meets(0, limits):
        return "a window is judged at an event, so the least count is 1"
    if correlation["type"] in _TEMPORAL:
        return f"it counts rules, and there are {len(_rules(correlation))}"
    return "no number meets all of them"


def _rules(correlation: Mapping[str, Any]) -> list[Any]:
    """Return the rules that a temporal correlation counts; only a temporal_ordered may count one twice."""
    rules = correlation["rules"]
    names = rules if isinstance(rules, list) else [rules]
    return names if correlation["type"] == "temporal_ordered" else list(dict.fromkeys(names))
