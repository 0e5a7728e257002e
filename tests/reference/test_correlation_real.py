"""Correlations on what others wrote: public rules load or say why not, real failed logons are counted right.

The data is beside the project, in ../shared/data; without it these tests are skipped.
"""

from __future__ import annotations

import gzip
import json
from bisect import bisect_left, bisect_right
from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from converter.errors import RefusedError
from converter.logsources import by_logsource
from converter.plan import nodes as ir
from converter.reference.evaluate import evaluate_plans
from converter.rules.load import load_rules, parse_rules
from tests.support.paths import SHARED

if TYPE_CHECKING:
    from pathlib import Path

    from converter.errors import SourceError
    from converter.rules.collection import Rules

DATA = SHARED
PUBLIC = DATA / "correlation_rules"
LOGONS = DATA / "windows/smb_password_guessing_4625.ndjson.gz"
REASONS = {
    "no rule has the name or id": "counts a rule that the file does not hold",
    "'title' is missing": "no title",
    "'type' is missing in correlation": "no type",
    "'timespan' is missing in correlation": "no timespan",
    "references must be a list": "references that are no list",
    "the value of a field is plain": "a mapping as the value of a field",
    "the detection has no search identifier": "a condition over unknown names",
    "unknown key": "a key that Sigma does not have",
}


def public() -> list[Path]:
    """Return the files but for those of the first version of Sigma."""
    return [path for path in sorted(PUBLIC.rglob("*.y*ml")) if not str(path).count("legacy_aggregation")]


def reason(error: SourceError) -> str:
    if isinstance(error, RefusedError):
        return f"refused: {error.construct}"
    return next((short for text, short in REASONS.items() if text in error.message), error.message)


def loaded(path: Path) -> tuple[Rules, list[SourceError]]:
    errors: list[SourceError] = []
    return load_rules([path], errors.append), errors


@pytest.mark.skipif(not PUBLIC.is_dir(), reason="no public rules")
def test_every_public_correlation_loads_or_says_why_not() -> None:
    outcomes: Counter[str] = Counter()
    for path in public():
        rules, errors = loaded(path)
        assert all(error.place is not None for error in errors)
        assert rules.plans or errors
        outcomes[", ".join(sorted({reason(error) for error in errors})) or "loads"] += 1
    assert dict(outcomes) == {
        "loads": 25,
        # Examples of pages and tests that leave out the rules which they count.
        "counts a rule that the file does not hold": 15,
        "counts a rule that the file does not hold, no title": 2,
        "counts a rule that the file does not hold, no type": 1,
        "counts a rule that the file does not hold, refused: value_percentile without percentile": 2,
        # Broken where they were found.
        "a condition over unknown names, a mapping as the value of a field": 1,
        "no timespan, references that are no list": 1,
        # Of another product.
        "a key that Sigma does not have, no title": 1,
    }


@pytest.mark.skipif(not PUBLIC.is_dir(), reason="no public rules")
def test_with_the_rules_that_they_count_public_correlations_load() -> None:
    types: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for path in public():
        parts = [part for part in yaml.safe_load_all(path.read_text(encoding="utf-8")) if part]
        known = {str(part.get(key)) for part in parts for key in ("id", "name")}
        named = {name for part in parts for name in listed(part.get("correlation", {}).get("rules", []))}
        for name in sorted(named - known):
            key = "id" if name.count("-") == 4 else "name"
            source = {"logsource": {"category": "test"}, "detection": {"s": {"a": 1}, "condition": "s"}}
            parts.append({"title": f"Counted {name}", key: name, **source})
        for part in parts:
            part.setdefault("title", "An example without a title")
            if str(part.get("id")).startswith("perf-"):
                part["name"] = part.pop("id")
            elif part.get("id") == "—":
                del part["id"]
        errors: list[SourceError] = []
        text = "\n---\n".join(json.dumps(part, default=str) for part in parts)
        rules = parse_rules(text, path.name, errors.append)
        types.update(written(one) for plan in rules.plans for one in ir.correlations_of(plan))
        refused.update({reason(error) for error in errors})
    assert types == {
        "EventCount": 12, "ValueCount": 18, "Temporal": 9, "TemporalOrdered": 4, "ValueSum": 3, "ValueAvg": 2,
    }  # fmt: skip
    assert refused["refused: value_percentile without percentile"] == 2


def listed(rules: Any) -> list[str]:
    return [rules] if isinstance(rules, str) else list(rules)


def written(plan: ir.Correlation) -> str:
    return type(plan.measure).__name__


# --------------------------------------------------------------------------------------------------- failed logons

RULE = """
title: Failed logon
name: failed_logon
logsource: {product: windows, service: security}
detection:
  selection: {EventID: 4625}
  condition: selection
---
title: Password guessing
name: guessing
correlation:
  type: %s
  rules: [failed_logon]
  group-by: [%s]
  timespan: %ss
  condition: {%s}
"""


def logons() -> list[dict[str, Any]]:
    with gzip.open(LOGONS, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def episodes(text: str, log: list[dict[str, Any]]) -> list[tuple[tuple[str, ...], int, int, int]]:
    return [
        (tuple(value for _, value in alert.group or ()), alert.first or 0, alert.last or 0, len(alert.events))
        for alert in evaluate_plans(parse_rules(text).plans, log, select=by_logsource)
    ]


def nanoseconds(event: dict[str, Any]) -> int:
    moment = datetime.fromisoformat(event["Event"]["System"]["TimeCreated"]["#attributes"]["SystemTime"])
    return (int(moment.timestamp()) * 1_000_000 + moment.microsecond) * 1000


@pytest.mark.skipif(not LOGONS.is_file(), reason="no real logons")
@pytest.mark.parametrize(("span", "least"), [(1, 10), (1, 25), (1, 30), (10, 200), (10, 230), (300, 3561), (300, 3562)])
def test_real_password_guessing(span: int, least: int) -> None:
    log = logons()
    expected: list[tuple[tuple[str, ...], int, int, int]] = []
    times = sorted(
        nanoseconds(event) for event in log if event["Event"]["EventData"]["TargetUserName"] == "Administrator"
    )
    window = span * 10**9
    # A window is satisfied where the event `least` places back is near enough; windows that touch are one episode.
    ends = [at for at in range(least - 1, len(times)) if times[at] - times[at - least + 1] <= window]
    chains: list[list[int]] = []
    for at in ends:
        if chains and times[at] - times[chains[-1][-1]] <= window:
            chains[-1].append(at)
        else:
            chains.append([at])
    for chain in chains:
        inside = [time for time in times if times[chain[0]] - window <= time <= times[chain[-1]]]
        expected.append((("Administrator",), inside[0], inside[-1], len(inside)))
    assert episodes(RULE % ("event_count", "TargetUserName", span, f"gte: {least}"), log) == expected


@pytest.mark.skipif(not LOGONS.is_file(), reason="no real logons")
def test_real_guessing_from_one_address_at_several_users() -> None:
    log = logons()
    (alert,) = episodes(RULE % ("value_count", "IpAddress", 300, "field: TargetUserName, gte: 2"), log)
    times = [nanoseconds(event) for event in log]
    assert alert == (("192.168.198.149",), min(times), max(times), len(log))


@pytest.mark.skipif(not LOGONS.is_file(), reason="no real logons")
def test_real_guessing_in_fixed_windows() -> None:
    log = logons()
    counts = Counter(nanoseconds(event) // (10 * 10**9) for event in log)
    found = episodes(RULE % ("event_count", "IpAddress", 10, "lte: 220"), log)
    assert [count for _, _, _, count in found] == [counts[at] for at in sorted(counts) if counts[at] <= 220]


@pytest.mark.skipif(not LOGONS.is_file(), reason="no real logons")
@pytest.mark.parametrize(
    ("span", "least", "most"), [(1, 10, 30), (1, 25, 25), (1, 25, 26), (1, 25, 27), (10, 200, 230)]
)
def test_real_guessing_within_a_range(span: int, least: int, most: int) -> None:
    log = logons()
    times = sorted(nanoseconds(event) for event in log)
    counts = {end: bisect_right(times, end) - bisect_left(times, end - span * 10**9) for end in times}
    expected = [
        episode
        for episode in episodes(RULE % ("event_count", "IpAddress", span, f"gte: {least}"), log)
        if max(count for end, count in counts.items() if episode[1] <= end <= episode[2]) <= most
    ]
    assert episodes(RULE % ("event_count", "IpAddress", span, f"gte: {least}, lte: {most}"), log) == expected
