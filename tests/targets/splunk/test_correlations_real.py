"""Correlations in SPL on real logs and on public rules: rows are the episodes of the reference, or the rule is refused.

The data is beside the project, in ../shared/data; without it these tests are skipped.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from converter.conversion import convert_rules
from converter.errors import RefusedError
from converter.harness.replay import Log, replay
from converter.plan import nodes as ir
from converter.rules.load import parse_rules
from converter.targets.core.registry import get_target
from converter.targets.splunk.engine.execute import run
from converter.targets.splunk.engine.parse import parse
from tests.support.paths import SHARED

if TYPE_CHECKING:
    from pathlib import Path

DATA = SHARED
PUBLIC = DATA / "correlation_rules"
LOGONS = DATA / "windows/smb_password_guessing_4625.ndjson.gz"
CLOUDTRAIL = DATA / "cloudtrail/events.ndjson.gz"
TARGET = get_target("splunk")


def events(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def correlation(source: str, detection: str, **written: Any) -> str:
    base = {
        "title": "Base",
        "name": "base",
        "logsource": yaml.safe_load(source),
        "detection": {"selection": yaml.safe_load(detection), "condition": "selection"},
    }
    other = {"title": "Outer", "name": "outer", "correlation": {"rules": ["base"], **written}}
    return "\n---\n".join(map(json.dumps, (base, other)))


def logons() -> Log:
    """Return the logons as Splunk's add-on has them: the fields of the event, by their own names."""
    found = []
    for event in events(LOGONS):
        system, data = event["Event"]["System"], event["Event"]["EventData"]
        time = system["TimeCreated"]["#attributes"]["SystemTime"]
        found.append({"@timestamp": time, "EventID": system["EventID"], **data})
    return Log(found, "unknown")


def rows_and_episodes(text: str, log: Log) -> tuple[list[Any], list[Any]]:
    """Return (group, first, last, events) as the search has them, and as the reference does."""
    rules = parse_rules(text)
    (plan,) = rules.plans
    assert isinstance(plan, ir.Correlation)
    (query,) = convert_rules(rules, TARGET)
    outcome, _ = replay(plan, query, TARGET, log)
    assert outcome.kind == "agree"
    rows = [
        (
            tuple(str(row[name]) for name in query.group_by or ()),
            round(float(row["first_seen"]) * 1e6),
            round(float(row["last_seen"]) * 1e6),
            row["event_count"],
        )
        for row in run(query.text, log.seen("splunk", plan))
    ]
    episodes = [
        (
            tuple(value for _, value in one.group or ()),
            (one.first or 0) // 1000,
            (one.last or 0) // 1000,
            len(one.events),
        )
        for one in log.alerts(plan)
    ]
    return sorted(rows), sorted(episodes)


WINDOWS = [
    {"type": "event_count", "group-by": ["TargetUserName"], "timespan": "1s", "condition": {"gte": 25}},
    {"type": "event_count", "group-by": ["TargetUserName"], "timespan": "10s", "condition": {"gte": 200}},
    {"type": "event_count", "group-by": ["IpAddress"], "timespan": "10s", "condition": {"lte": 220}},
    {"type": "event_count", "group-by": ["IpAddress"], "timespan": "1s", "condition": {"gte": 25, "lte": 26}},
    {
        "type": "value_count",
        "group-by": ["IpAddress"],
        "timespan": "5m",
        "condition": {"field": "TargetUserName", "gte": 2},
    },
    {
        "type": "value_count",
        "group-by": ["TargetUserName"],
        "timespan": "1s",
        "condition": {"field": "IpPort", "gte": 20},
    },
    {"type": "value_avg", "group-by": ["IpAddress"], "timespan": "2s", "condition": {"field": "IpPort", "gt": 50000}},
    {"type": "value_median", "timespan": "1s", "condition": {"field": "IpPort", "lt": 52000}},
    {
        "type": "value_percentile",
        "timespan": "1s",
        "condition": {"field": "IpPort", "percentile": 95, "gte": 58000},
    },
]


@pytest.mark.skipif(not LOGONS.is_file(), reason="no real logons")
@pytest.mark.parametrize("written", WINDOWS, ids=lambda written: f"{written['type']} {written['condition']}")
def test_real_logons(written: dict[str, Any]) -> None:
    text = correlation("{product: windows, service: security}", "{EventID: 4625}", **written)
    rows, episodes = rows_and_episodes(text, logons())
    assert rows == episodes
    assert episodes


TRAIL = [
    {"type": "event_count", "group-by": ["userIdentity.arn"], "timespan": "10m", "condition": {"gte": 20}},
    {"type": "event_count", "group-by": ["eventSource", "awsRegion"], "timespan": "5m", "condition": {"lt": 3}},
    {
        "type": "value_count",
        "group-by": ["userIdentity.arn"],
        "timespan": "10m",
        "condition": {"field": "eventName", "gte": 8},
    },
    {
        "type": "value_count",
        "group-by": ["sourceIPAddress"],
        "timespan": "1h",
        "condition": {"field": ["eventSource", "eventName"], "gte": 10},
    },
    {
        "type": "value_count",
        "group-by": ["awsRegion"],
        "timespan": "1h",
        "condition": {"field": "eventSource", "eq": 2},
    },
]


@pytest.mark.skipif(not CLOUDTRAIL.is_file(), reason="no real CloudTrail")
@pytest.mark.parametrize("written", TRAIL, ids=lambda written: f"{written['type']} {written['condition']}")
def test_real_cloudtrail(written: dict[str, Any]) -> None:
    text = correlation("{product: aws, service: cloudtrail}", "{eventVersion|startswith: '1.'}", **written)
    rows, episodes = rows_and_episodes(text, Log(events(CLOUDTRAIL)))
    assert rows == episodes
    assert episodes


# ------------------------------------------------------------------------------------------------------- public rules


def completed(path: Path) -> str:
    """Return a file of rules with the rules that it counts and does not hold, as far as names go."""
    parts = [part for part in yaml.safe_load_all(path.read_text(encoding="utf-8")) if part]
    known = {str(part.get(key)) for part in parts for key in ("id", "name")}
    for part in list(parts):
        named = part.get("correlation", {}).get("rules", [])
        for name in [named] if isinstance(named, str) else named:
            if name not in known:
                known.add(name)
                source = {"logsource": {"category": "test"}, "detection": {"s": {"a": name}, "condition": "s"}}
                parts.append({"title": f"Counted {name}", "id" if name.count("-") == 4 else "name": name, **source})
    for part in parts:
        part.setdefault("title", "An example without a title")
    return "\n---\n".join(json.dumps(part, default=str) for part in parts)


@pytest.mark.skipif(not PUBLIC.is_dir(), reason="no public rules")
def test_public_correlations_are_converted_to_searches_that_parse() -> None:
    converted: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for path in sorted(PUBLIC.rglob("*.y*ml")):
        if "legacy_aggregation" in str(path):
            continue
        errors: list[Any] = []
        rules = parse_rules(completed(path), path.name, errors.append)
        for plan in rules.plans:
            if not isinstance(plan, ir.Correlation):
                continue
            try:
                (query,) = convert_rules(rules.only(plan), TARGET)
            except RefusedError as error:
                refused[error.construct] += 1
                continue
            parse(query.text)
            converted.update(type(one.measure).__name__ for one in ir.correlations_of(plan))
    print(converted, refused)  # noqa: T201  shown with -s
    assert sum(converted.values()) > 40
    assert not refused
