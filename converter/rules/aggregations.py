"""Rewrite aggregations of Sigma version 1 as correlation rules that mean the same, in YAML.

    condition "selection | count(user) by host > 5", timeframe 10m ──> correlation: value_count, group-by, timespan

The results are only used in hints of errors.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

_AGGREGATION = re.compile(
    r"\s*(?P<function>count|sum|avg|min|max)\s*\(\s*(?P<field>[^()\s]*)\s*\)"
    r"(?:\s+by\s+(?P<groups>[^\s<>=,]+(?:\s*,\s*[^\s<>=,]+)*))?\s*(?P<op><=|>=|==|=|<|>)\s*(?P<number>\d+(?:\.\d+)?)\s*",
    re.IGNORECASE,
)
_NEAR = re.compile(r"\s*near\s+(?P<names>\w+(?:\s+and\s+\w+)*)\s*", re.IGNORECASE)
_OPERATORS = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte", "=": "eq", "==": "eq"}
_TYPES = {"sum": "value_sum", "avg": "value_avg"}
_TIMEFRAME = re.compile(r"\d+[smhdM]")


def equivalent(data: Mapping[str, Any], condition: str) -> str:
    """Return a hint for rewriting a rule with an aggregation, or an empty string if there is no equivalent.

    Args:
        data: the rule.
        condition: a condition with `|` and an aggregation, or, if the rule has a timeframe, one without.
    """
    search, bar, aggregation = condition.partition("|")
    if not bar:
        plain = re.fullmatch(r"\s*\w+(?:\s+and\s+\w+)+\s*", condition)
        return _temporal(data, re.split(r"\s+and\s+", condition.strip())) if plain else ""
    near = _NEAR.fullmatch(aggregation)
    if near is not None and "not" not in near["names"].split():
        first = search.strip() if re.fullmatch(r"\s*\w+\s*", search) else _name(data)
        return _temporal(data, [first, *re.split(r"\s+and\s+", near["names"])])
    match = _AGGREGATION.fullmatch(aggregation)
    if match is None:
        return ""
    function, field = match["function"].lower(), match["field"]
    number: int | float = float(match["number"]) if "." in match["number"] else int(match["number"])
    operator = _OPERATORS[match["op"]]
    if function in {"min", "max"}:
        any_event = (function == "min") == operator.startswith("lt") and operator != "eq"
        if not any_event or not field:
            return ""
        return f"one event is enough: add `{field}|{operator}: {number}` to the detection"
    if function in _TYPES and not field:
        return ""
    kind = "event_count" if not field else _TYPES.get(function, "value_count")
    name = _name(data)
    rule: dict[str, Any] = {"type": kind, "rules": [name]}
    if match["groups"]:
        rule["group-by"] = re.split(r"\s*,\s*", match["groups"].strip())
    rule["timespan"] = _timespan(data)
    rule["condition"] = {**({"field": field} if field else {}), operator: number}
    first = f"let the condition end before `|`{_named(data, name)}, and add the rule:"
    return f"{first}\n{_yaml(data, rule)}"


def _temporal(data: Mapping[str, Any], names: list[str]) -> str:
    rule = {"type": "temporal", "rules": names, "timespan": _timespan(data)}
    note = f"if these are different events, write a rule for each ({', '.join(names)}), and this correlation"
    return f"{note} (add group-by for the fields that they share):\n{_yaml(data, rule)}"


def _yaml(data: Mapping[str, Any], rule: Mapping[str, Any]) -> str:
    title = str(data.get("title") or "Correlation")
    dumped = yaml.safe_dump(
        {"title": title, "correlation": dict(rule)}, sort_keys=False, allow_unicode=True, width=1000
    )
    if "timeframe" not in data["detection"]:
        dumped = dumped.replace(
            f"timespan: {_UNKNOWN}", f"timespan: {_UNKNOWN}  # the rule has no timeframe: choose one"
        )
    return "".join(f"    {line}\n" for line in dumped.splitlines()).rstrip("\n")


_UNKNOWN = "1h"


def _timespan(data: Mapping[str, Any]) -> str:
    """Return the timeframe of the rule, or a default for the author to change."""
    written = str(data["detection"].get("timeframe", ""))
    return written if _TIMEFRAME.fullmatch(written) else _UNKNOWN


def _name(data: Mapping[str, Any]) -> str:
    name = data.get("name")
    if isinstance(name, str) and name:
        return name
    return re.sub(r"\W+", "_", str(data.get("title") or "rule").lower()).strip("_") or "rule"


def _named(data: Mapping[str, Any], name: str) -> str:
    return "" if data.get("name") == name else f", give the rule `name: {name}`"
