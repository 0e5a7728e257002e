"""`test --live elasticsearch=URL` on the real node: KQL as Kibana sends it, query rules and threshold rules."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from converter.cli import common, main
from converter.errors import QueryError
from converter.live.core import open_live
from converter.targets.core.target import Query, Run
from converter.targets.elastic_toml import TARGET
from converter.targets.kql import TARGET as KQL
from converter.verdicts.verdict import Verdict
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from referee import Node

    from converter.live.core import LiveProduct
    from converter.targets.core.target import Event

pytest.importorskip("elasticsearch")

RULE = """
[metadata]
creation_date = "2026/01/01"
updated_date = "2026/01/01"
maturity = "production"
min_stack_version = "9.3.0"

[rule]
author = ["somebody"]
description = "a rule"
from = "now-9m"
index = ["logs-*"]
interval = "4m"
language = "kuery"
license = "MIT"
name = "A rule"
risk_score = 47
rule_id = "5f3a4f44-1a53-4b5c-8f3c-3d2d1f0e9a11"
severity = "medium"
type = "threshold"
query = "event.kind: alert"
"""


@pytest.fixture
def live(node: Node) -> Iterator[LiveProduct]:
    """Give the node as a live product, and check that it leaves nothing behind."""
    product = open_live(f"elasticsearch={node.url}")
    yield product
    product.close()
    left = node.call("GET", "/_cat/indices/sigma-convert-test-*?format=json")
    assert not left


def test_the_version_is_told(node: Node, live: LiveProduct) -> None:
    assert live.version == node.version


@pytest.mark.parametrize(
    ("paths", "cases"),
    [(["tests/live/detections"], ""), (["samples"], "25 events"), (["samples"], "boundary"), (["samples"], "account")],
)
@pytest.mark.usefixtures("live")
def test_cases_agree_on_the_node_as_they_do_here(
    node: Node, paths: list[str], cases: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    arguments = ["test", *paths, "-k", cases, "-t", "kql,elastic-toml", "--live", f"elasticsearch={node.url}"]
    arguments += ["--accept", "refused,assumption"]  # in both columns alike
    status = main(arguments)
    out, err = capsys.readouterr()
    assert status == common.OK, out[-4000:] + err
    assert f"run by elasticsearch {node.version}" in out
    # Each live column says what the local one says, case by case.
    for line in out.splitlines():
        words = re.findall(r"\b(agree|bounded|assumption|refused)\b", line.partition("  ")[2])
        if len(words) == 4:
            assert words[0::2] == words[1::2], line


def minutes(times: Sequence[float], **fields: Any) -> list[dict[str, Any]]:
    """Return events at these minutes after noon."""
    return [
        {
            "_id": f"{fields.get('user.name', '')}-{number}",
            "@timestamp": f"2026-03-12T12:{int(minute):02}:{round(minute % 1 * 60):02}Z",
            "event.kind": "alert",
            **fields,
        }
        for number, minute in enumerate(times)
    ]


THRESHOLDS = {
    "one field": '[rule.threshold]\nfield = ["user.name"]\nvalue = 3',
    "two fields": '[rule.threshold]\nfield = ["user.name", "source.ip"]\nvalue = 3',
    "a number": '[rule.threshold]\nfield = ["source.port"]\nvalue = 3',
    "no field": "[rule.threshold]\nfield = []\nvalue = 5",
    "cardinality": (
        '[rule.threshold]\nfield = ["user.name"]\nvalue = 3\n'
        '[[rule.threshold.cardinality]]\nfield = "source.ip"\nvalue = 2'
    ),
}
LOGS: dict[str, list[dict[str, Any]]] = {
    "bursts": minutes([0, 1, 2, 8.5, 11, 11.5, 12, 20, 28.9], **{"user.name": "ann", "source.ip": "10.0.0.1"})
    + minutes([0.5, 5, 9.25, 9.5], **{"user.name": "bob", "source.ip": "::1", "source.port": 443}),
    "several values": minutes([0, 1, 2, 3], **{"user.name": ["ann", "bob"], "source.ip": ["10.0.0.1", "10.0.0.2"]})
    + minutes([4, 5, 6], **{"user.name": "bob", "source.ip": "10.0.0.2", "source.port": [1, 2]}),
    "equal times": minutes([3] * 6, **{"user.name": "ann", "source.ip": "10.0.0.1", "source.port": 22}),
    "none": [],
    "not in the query": minutes([0, 1, 2], **{"event.kind": "event", "user.name": "ann"}),
    "ingested late": [
        {**event, "event.ingested": f"2026-03-12T13:0{number}:00Z"}
        for number, event in enumerate(minutes([0, 9, 18, 27], **{"user.name": "ann", "source.ip": "10.0.0.1"}))
    ],
}


OVERRIDE = 'timestamp_override = "event.ingested"\n'


@pytest.mark.parametrize(
    ("log", "more"), [*((log, "") for log in LOGS), ("ingested late", OVERRIDE), ("bursts", OVERRIDE)]
)
@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_a_threshold_rule_alerts_at_every_phase_as_here(live: LiveProduct, threshold: str, log: str, more: str) -> None:
    fields = re.findall(r'"([a-z.]+)"', THRESHOLDS[threshold].partition("[[")[0])
    text = RULE + more + THRESHOLDS[threshold]
    query = Query("r", "elastic-toml", "elastic-toml", text, Verdict("exact"), group_by=tuple(fields), timespan=300)
    assert_same(TARGET.replay(query, LOGS[log]), live.run(query, LOGS[log]))


@pytest.mark.parametrize("most", [1, 2, 100])
@pytest.mark.parametrize("log", [log for log in LOGS if log != "equal times"])
def test_a_query_rule_alerts_at_every_phase_as_here(live: LiveProduct, log: str, most: int) -> None:
    text = RULE.replace('"threshold"', '"query"') + f"max_signals = {most}\n"
    query = Query("r", "elastic-toml", "elastic-toml", text, Verdict("exact"))
    assert_same(TARGET.replay(query, LOGS[log]), live.run(query, LOGS[log]))


def assert_same(here: Sequence[Run], there: Sequence[Run]) -> None:
    """Compare the alerts of each phase; the detection engine does not say which events a threshold alert counts."""
    assert [run.phase for run in here] == [run.phase for run in there]
    for ours, theirs in zip(here, there, strict=True):
        bare = [replace(alert, events=()) if not theirs_say(theirs) else alert for alert in ours.alerts]
        assert sorted(bare, key=str) == sorted(theirs.alerts, key=str), ours.phase
        assert ours.full == theirs.full, ours.phase


def theirs_say(run: Run) -> bool:
    return any(alert.events for alert in run.alerts)


def test_max_signals_leaves_out_the_last_buckets(live: LiveProduct) -> None:
    events: list[Event] = [event for name in "abcde" for event in minutes([0, 1, 2], **{"user.name": name})]
    text = RULE + "max_signals = 2\n" + THRESHOLDS["one field"]
    query = Query("r", "elastic-toml", "elastic-toml", text, Verdict("exact"), group_by=("user.name",), timespan=300)
    assert_same(TARGET.replay(query, events), live.run(query, events))


def test_a_nested_query_is_about_one_object(live: LiveProduct) -> None:
    events: list[Event] = [
        {"_id": "one", "people": [{"name": "ann", "age": 5}, {"name": "bob", "age": 50}]},
        {"_id": "two", "people": {"name": "ann", "age": 50}},
    ]
    query = Query("r", "kql", "kql", "people: { name: ann and age > 10 }", Verdict("exact"))
    assert live.run(query, events) == KQL.replay(query, events)
    assert [alert.events for run in live.run(query, events) for alert in run.alerts] == [("two",)]


@pytest.mark.parametrize(
    "text",
    [
        "a: x and b: y or c: z",
        "c: z or a: x and b: y",
        r"p: C\:\\Prog* and not p: *\(x86\)\\*",
        "a: (x or y) and not b: *",
        "n >= 5 and n < 10",
        "i: 10.0.0.0/8",
        "a*: x",
        "x",
        "not a: x",
    ],
)
def test_a_query_is_sent_as_kibana_would(live: LiveProduct, text: str) -> None:
    """The server's own parser takes some of these for other queries."""
    events: list[Event] = [
        {"_id": "1", "a": "x", "b": "y", "c": "w"},
        {"_id": "2", "a": "x", "c": "z", "n": 5},
        {"_id": "3", "a": "v", "b": "y", "c": "z", "n": 9.5},
        {"_id": "4", "p": "C:\\Program Files (x86)\\x.exe", "n": 10},
        {"_id": "5", "p": "C:\\Program Files\\x.exe", "source.ip": "10.1.2.3"},
        {"_id": "6", "ab": "x", "i": "10.1.2.3"},
    ]
    query = Query("r", "kql", "kql", text.replace("i:", "source.ip:"), Verdict("exact"))
    assert live.run(query, events) == KQL.replay(query, events)


def test_more_hits_than_a_page_holds_are_all_found(live: LiveProduct) -> None:
    events = [{"_id": str(number), "n": number} for number in range(10_500)]
    (run,) = live.run(Query("r", "kql", "kql", "n >= 100", Verdict("exact")), events)
    assert {alert.events[0] for alert in run.alerts} == {str(number) for number in range(100, 10_500)}


@pytest.mark.parametrize(
    ("text", "events", "message"),
    [
        ("source.ip: 10*", [{"_id": "1", "source": {"ip": "10.1.2.3"}}], "refuses the query: .*wildcard"),
        ("a: b", [{"_id": "x", "source": {"ip": "nowhere"}}], r"event 'x': .*\[source.ip\].*'nowhere'"),
        ("a: b", [{"_id": "x", "a": "b"}, {"_id": "y", "a": {"b": 1}}], r"event '[xy]': .*\[a\]"),
    ],
)
def test_what_the_node_refuses_is_an_error_of_the_query(
    live: LiveProduct, text: str, events: list[dict[str, Any]], message: str
) -> None:
    with pytest.raises(QueryError, match=message):
        live.run(Query("r", "kql", "kql", text, Verdict("exact")), events)
