"""Laws of correlations of every type, against an evaluator that is too simple to be wrong, and too slow to be used.

Each event has the letters of the rules that it matches in `t`, so that one event may match several. The judge looks at
every window by itself, at every pair of windows, and at every way to pick stages; it shares nothing with the reference.
"""

from __future__ import annotations

import json
from collections import ChainMap
from fractions import Fraction
from functools import cache
from itertools import combinations, product
from statistics import mean, median
from typing import Any

from hypothesis import strategies as st

from converter.plan.nodes import Correlation
from converter.reference.evaluate import evaluate_plans
from converter.rules.load import parse_rules

Log = list[dict[str, Any]]
Row = tuple[tuple[str, ...], int, int, list[int]]

_ABSENT = object()
NUMBERS = [0, 1, 2, 3, -1, 0.5, 2.5, "2", "x", "", None, True, [], [1, 4], [0.5, "3", "x"]]
GROUPS = ["x", "y", ["x", "y"], None, []]


def optional(values: list[Any]) -> list[Any]:
    """Return the values, and as often none at all."""
    return [*values, *[_ABSENT] * len(values)]


def events(last: int, fewest: int, *pairs: dict[str, list[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Return a strategy of events at a time from 0 to `last` that match `fewest` to 3 letters of a, b and c.

    The fields of a pair are drawn at once: what Hypothesis does for a draw takes longer than what is tested.
    """
    drawn = [
        [
            {name: value for name, value in zip(pair, values, strict=True) if value is not _ABSENT}
            for values in product(*pair.values())
        ]
        for pair in pairs
    ]
    letters = [
        matched for size in range(fewest, 4) for matched in product("abc", repeat=size) for _ in range(27 // 3**size)
    ]
    return st.builds(
        lambda time, matched, *fields: {"time": time, "t": list(matched)} | dict(ChainMap(*fields)),
        st.integers(0, last),
        st.sampled_from(letters),
        *map(st.sampled_from, drawn),
    )


EVENTS = events(30, 0, {"u": optional(GROUPS), "w": optional(GROUPS)}, {"n": optional(NUMBERS), "m": optional(NUMBERS)})
LOGS = st.lists(EVENTS, max_size=10)
SPANS = st.integers(1, 10)
OPERATORS = ("lt", "lte", "gt", "gte", "eq", "neq")
RANGES = st.builds(
    lambda lower, least, upper, more, rest: {lower: least, upper: max(0, least + more), **rest},
    st.sampled_from(["gt", "gte"]),
    st.integers(0, 3),
    st.sampled_from(["lt", "lte"]),
    st.integers(-1, 3),
    st.dictionaries(st.sampled_from(["eq", "neq"]), st.integers(0, 4), max_size=1),
)
CONDITIONS = st.dictionaries(st.sampled_from(OPERATORS), st.integers(0, 4), min_size=1, max_size=2) | RANGES
LOWER = st.dictionaries(st.sampled_from(["gt", "gte"]), st.integers(0, 3), min_size=1, max_size=2)
HOLDS: dict[str, Any] = {
    "lt": lambda value, limit: value < limit,
    "lte": lambda value, limit: value <= limit,
    "gt": lambda value, limit: value > limit,
    "gte": lambda value, limit: value >= limit,
    "eq": lambda value, limit: value == limit,
    "neq": lambda value, limit: value != limit,
}


@cache
def plan_of(text: str) -> Correlation:
    (plan,) = parse_rules(text).plans
    assert isinstance(plan, Correlation)
    return plan


def documents(correlation: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a correlation named `outer` and the rules a, b and c that it counts, as far as it names them."""
    rules = correlation.get("rules") or [letter for letter in "abc" if letter in str(correlation["condition"]).split()]
    found = [
        {
            "title": letter,
            "name": letter,
            "logsource": {"category": "test"},
            "detection": {"s": {"t": letter}, "condition": "s"},
        }
        for letter in sorted(set(rules))
    ]
    return [{"title": "Outer", "name": "outer", "correlation": correlation}, *found]


def joined(parts: list[dict[str, Any]]) -> str:
    return "\n---\n".join(json.dumps(part) for part in parts)


def alerts(correlation: dict[str, Any], log: Log, ids: dict[int, int] | None = None) -> list[Row]:
    found = evaluate_plans([plan_of(joined(documents(correlation)))], log)
    rows = [
        (
            tuple(value for _, value in one.group or ()),
            one.first or 0,
            one.last or 0,
            [int(event) for event in one.events],
        )
        for one in found
    ]
    if ids is not None:
        rows = [(group, first, last, sorted(ids[event] for event in events)) for group, first, last, events in rows]
    return rows


# --------------------------------------------------------------------------------------------------------- the judge


def texts(event: dict[str, Any], field: str) -> list[str]:
    value = event.get(field)
    values = value if isinstance(value, list) else [value]
    return [str(one).lower() if one is True else str(one) for one in values if one is not None]


def numbers(event: dict[str, Any], field: str) -> list[Fraction]:
    value = event.get(field)
    values = value if isinstance(value, list) else [value]
    found = []
    for one in values:
        if isinstance(one, int | float) and not isinstance(one, bool):
            found.append(Fraction(one))
        elif one in {"2", "3"}:
            found.append(Fraction(int(one)))
    return found


def own(correlation: dict[str, Any], field: str, rule: str) -> str:
    found: str = correlation.get("aliases", {}).get(field, {}).get(rule, field)
    return found


def judge(correlation: dict[str, Any], log: Log) -> list[Row]:
    """Return what the episodes of a correlation should be."""
    rules = correlation.get("rules") or [rule for rule in "abc" if rule in str(correlation["condition"]).split()]
    group_by, span = correlation.get("group-by", []), int(correlation["timespan"][:-1])
    keys = set(product("xy", repeat=len(group_by)))
    rows: list[Row] = []
    for key in keys:
        members = []
        for position, event in enumerate(log, 1):
            matched = [
                rule
                for rule in dict.fromkeys(rules)
                if rule in event["t"]
                and all(
                    value in texts(event, own(correlation, name, rule))
                    for value, name in zip(key, group_by, strict=True)
                )
            ]
            values = values_of(correlation, event, matched)
            if matched and values != []:
                members.append((event["time"], position, set(matched), values))
        members.sort(key=lambda member: member[:2])
        for window in windows(correlation, members, span):
            times = [log[position - 1]["time"] for position in window]
            ordered = sorted(window, key=lambda position: (log[position - 1]["time"], position))
            rows.append((key, min(times) * 10**9, max(times) * 10**9, ordered))
    return sorted(rows, key=lambda row: (row[1], row[2], row[0]))


def values_of(correlation: dict[str, Any], event: dict[str, Any], matched: list[str]) -> Any:
    """Return the values that count of an event; None if the type does not look at any."""
    if not correlation["type"].startswith("value_"):
        return None
    field = correlation["condition"]["field"]
    fields = field if isinstance(field, list) else [field]
    names = {tuple(own(correlation, name, rule) for name in fields) for rule in matched}
    if correlation["type"] == "value_count":
        return [one for own_names in names for one in product(*(texts(event, name) for name in own_names))]
    return [number for (name,) in names for number in numbers(event, name)]


def windows(correlation: dict[str, Any], members: list[Any], span: int) -> list[set[int]]:
    """Return the positions of each episode."""
    condition = correlation.get("condition")
    limits: dict[str, Any] = condition if isinstance(condition, dict) else {}
    operators = [key for key in limits if key in OPERATORS]
    counted = correlation["type"] in {"event_count", "value_count", "value_sum"}
    lower = {op: limits[op] for op in operators if op in {"gt", "gte"}}
    if counted and lower and {"lt", "lte"} & set(operators):
        below = {**correlation, "condition": {"field": limits.get("field"), **lower}}
        return [episode for episode in windows(below, members, span) if within(correlation, members, span, episode)]
    if counted and len(lower) < len(operators):
        fixed = [[one for one in members if start <= one[0] < start + span] for start in range(0, 40, span)]
        return [{one[1] for one in window} for window in fixed if window and satisfied(correlation, window)]
    ends: list[tuple[int, set[int]]] = []
    for end in sorted({one[0] for one in members}):
        inside = [one for one in members if end - span <= one[0] <= end]
        if satisfied(correlation, inside):
            ends.append((end, {one[1] for one in inside}))
    chains: list[set[int]] = []
    for index, (end, inside_positions) in enumerate(ends):
        if index and end - span <= ends[index - 1][0]:
            chains[-1] |= inside_positions
        else:
            chains.append(set(inside_positions))
    return chains


def within(correlation: dict[str, Any], members: list[Any], span: int, episode: set[int]) -> bool:
    """Return whether the fullest of the windows that end in an episode meets the limits that are not lower ones."""
    ends = {one[0] for one in members if one[1] in episode}
    most = max(measured(correlation, [one for one in members if end - span <= one[0] <= end]) for end in ends)
    condition = correlation["condition"]
    return all(HOLDS[op](most, condition[op]) for op in condition if op in {"lt", "lte", "eq", "neq"})


def satisfied(correlation: dict[str, Any], window: list[Any]) -> bool:
    condition, kind = correlation.get("condition"), correlation["type"]
    rules = correlation.get("rules", [])
    if isinstance(condition, str):
        seen = set().union(*(one[2] for one in window))
        return bool(eval(condition, {}, {rule: rule in seen for rule in "abc"}))  # noqa: S307  our own text
    value = measured(correlation, window)
    if condition is None:
        return bool(value >= (len(set(rules)) if kind == "temporal" else len(rules)))
    return all(HOLDS[op](value, limit) for op, limit in condition.items() if op in OPERATORS)


def measured(correlation: dict[str, Any], window: list[Any]) -> Any:
    values = [value for one in window for value in one[3] or ()]
    match correlation["type"]:
        case "event_count":
            return len(window)
        case "value_count":
            return len(set(values))
        case "value_sum":
            return sum(values)
        case "value_avg":
            return mean(values)
        case "value_median":
            return median(values)
        case "value_percentile":
            values.sort()
            place = Fraction(correlation["condition"]["percentile"], 100) * (len(values) - 1)
            weights = [max(Fraction(0), 1 - abs(place - at)) for at in range(len(values))]
            return sum(weight * value for weight, value in zip(weights, values, strict=True))
        case "temporal":
            return len(set().union(*(one[2] for one in window)))
    stages = correlation["rules"]
    return max(
        length
        for length in range(len(stages) + 1)
        if any(in_order(picked, window) for picked in combinations(stages, length))
    )


def in_order(stages: tuple[str, ...], events: list[Any]) -> bool:
    """Return whether different events match the stages, none of them later than the next."""
    if not stages:
        return True
    return any(
        stages[-1] in event[2]
        and in_order(stages[:-1], [one for one in events if one is not event and one[0] <= event[0]])
        for event in events
    )


# ---------------------------------------------------------------------------------------------------------- the laws

GROUPINGS: Any = st.sampled_from(
    [
        {},
        {"group-by": ["u"]},
        {"group-by": ["u", "w"]},
        {"group-by": ["who"], "aliases": {"who": {"a": "u", "b": "w"}}},
        {"group-by": ["who", "u"], "aliases": {"who": {"a": "w"}}},
    ]
)


def with_rules(rules: list[str], grouping: dict[str, Any], rest: dict[str, Any]) -> dict[str, Any]:
    """Join the parts of a correlation; an alias may only be for rules that it counts."""
    found = {"rules": rules, **grouping, **rest}
    if "aliases" in found:
        aliases = {
            alias: kept
            for alias, mapping in found["aliases"].items()
            if (kept := {rule: field for rule, field in mapping.items() if rule in rules})
        }
        found["aliases"] = aliases
    return found


RULES = st.sampled_from([["a"], ["a", "b"], ["c", "a", "b"]])
FIELDS = st.sampled_from(["n", "u", "m"])


def typed(kind: str, condition: Any, span: int) -> dict[str, Any]:
    return {"type": kind, "timespan": f"{span}s", "condition": condition}


COUNTS = st.builds(typed, st.just("event_count"), CONDITIONS, SPANS)
VALUES = st.builds(
    lambda condition, field, span: typed("value_count", {**condition, "field": field}, span),
    CONDITIONS,
    FIELDS | st.just(["n", "u"]),
    SPANS,
)
MEASURES = st.builds(
    lambda kind, condition, span: typed(kind, {**condition, "field": "n"}, span),
    st.sampled_from(["value_sum", "value_avg", "value_median"]),
    CONDITIONS,
    SPANS,
)
PERCENTILES = st.builds(
    lambda percentile, condition, span: typed(
        "value_percentile", {**condition, "field": "n", "percentile": percentile}, span
    ),
    st.sampled_from([0, 10, 25, 50, 90, 99, 100]),
    CONDITIONS,
    SPANS,
)
TEMPORALS = st.builds(typed, st.just("temporal"), CONDITIONS, SPANS) | st.builds(
    lambda span: {"type": "temporal", "timespan": f"{span}s"}, SPANS
)
CORRELATIONS = st.builds(with_rules, RULES, GROUPINGS, COUNTS | VALUES | MEASURES | PERCENTILES | TEMPORALS)
ORDERED = st.builds(
    lambda rules, grouping, condition, span: with_rules(
        rules, grouping, {"type": "temporal_ordered", "timespan": f"{span}s", **condition}
    ),
    st.lists(st.sampled_from("abc"), min_size=1, max_size=4),
    GROUPINGS,
    st.just({}) | CONDITIONS.map(lambda condition: {"condition": condition}),
    SPANS,
)
WORDS = st.recursive(
    st.sampled_from("abc"),
    lambda inner: st.one_of(
        st.builds("{} and {}".format, inner, inner),
        st.builds("{} or {}".format, inner, inner),
        st.builds("not {}".format, inner),
        st.builds("( {} )".format, inner),
    ),
    max_leaves=5,
)
IN_WORDS = st.builds(
    lambda words, grouping, span: {"type": "temporal", **grouping, "timespan": f"{span}s", "condition": words},
    WORDS,
    st.sampled_from([{}, {"group-by": ["u"]}]),
    SPANS,
)
