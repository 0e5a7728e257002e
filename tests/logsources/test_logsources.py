"""Run every case of `tests/logsources`: a raw event, Sigma's names for its fields, and the log sources that it fits.

Each `tests/logsources/<topic>/*.yml` holds documents with a `name` and one of

    event, cases    a raw event, and a list of cases, each with a `name` and
                      view: {FIELD: value or list of values}   what a rule finds under the name
                      missing: [FIELD]                         names that the event does not have
                      matches: {FIELD: value}                  among what a rule finds under the name
                      time: ISO 8601                           the time of the event
                      logsource: {product, category, service}, fits: true, false or unknown
    channel, categories    {number of a Windows event: [categories]}, and no other categories
    services               {channel of Windows: [services]}, and no other services
"""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import converter
from converter.cli import main
from converter.logsources import SigmaView, all_rules, by_logsource, fits, sigma_view
from converter.logsources.match import _CATEGORIES, _SERVICES
from converter.logsources.recognise import recognisers
from converter.plan import nodes as ir
from converter.readers.log_source import LogSource
from converter.reference.evaluate import evaluate_plans
from converter.reference.time import event_time, parse_time
from converter.reference.values import find
from converter.rules.load import parse_rules
from tests.support.paths import ROOT

HERE = Path(__file__).parent
DOCUMENTS = [
    (f"{path.parent.name}/{path.stem}: {document['name']}", document)
    for path in sorted(HERE.glob("*/*.yml"))
    for document in yaml.safe_load_all(path.read_text(encoding="utf-8"))
]
EVENTS = [pytest.param(document["event"], id=label) for label, document in DOCUMENTS if "event" in document]
CASES = [
    pytest.param(document["event"], case, id=f"{label}, {case['name']}")
    for label, document in DOCUMENTS
    for case in document.get("cases", [])
]
WINDOWS = [
    pytest.param(document["channel"], number, categories, id=f"{label}, {number}")
    for label, document in DOCUMENTS
    for number, categories in document.get("categories", {}).items()
]
CHANNELS = [
    pytest.param(channel, services, id=f"{label}, {channel}")
    for label, document in DOCUMENTS
    for channel, services in document.get("services", {}).items()
]
RULE = """
title: {title}
name: {title}
logsource: {{{logsource}}}
detection:
  selection: {{{selection}}}
  condition: selection
"""


def windows(channel: str, number: int, **data: Any) -> dict[str, Any]:
    return {"Event": {"System": {"Channel": channel, "EventID": number}, "EventData": data}}


def rules(*texts: tuple[str, str, str]) -> list[Any]:
    shown = [RULE.format(title=title, logsource=source, selection=selection) for title, source, selection in texts]
    return list(parse_rules("---".join(shown)).plans)


@pytest.mark.parametrize(("event", "case"), CASES)
def test_case(event: dict[str, Any], case: dict[str, Any]) -> None:
    assert set(case) <= {"name", "view", "missing", "matches", "time", "logsource", "fits"}, "an unknown key"
    assert ("logsource" in case) == ("fits" in case)
    assert len(case) > 1
    view = sigma_view(event)
    for field, value in case.get("view", {}).items():
        assert find(view, field) == (value if isinstance(value, list) else [value]), field
    for field in case.get("missing", []):
        assert find(view, field) == [], field
    for field, value in case.get("matches", {}).items():
        assert value in find(view, field)
    if "time" in case:
        assert event_time(view) == parse_time(case["time"])
    if "fits" in case:
        expected = {True: True, False: False, "unknown": None}[case["fits"]]
        assert fits(event, LogSource(**case["logsource"])) is expected


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_keeps_what_it_has_and_is_not_changed(event: dict[str, Any]) -> None:
    before = json.dumps(event)
    view = sigma_view(event)
    assert json.dumps(event) == before
    for field, value in event.items():
        assert view[field] == value or value in view[field]
    assert getattr(view, "raw", event) is event


@pytest.mark.parametrize(("channel", "number", "categories"), WINDOWS)
def test_categories_of_windows(channel: str, number: int, categories: list[str]) -> None:
    event = windows(channel, number)
    assert {name for name in _CATEGORIES if fits(event, LogSource("windows", name))} == set(categories)


@pytest.mark.parametrize(("channel", "services"), CHANNELS)
def test_services_of_windows(channel: str, services: list[str]) -> None:
    event = windows(channel, 1)
    assert {name for name in _SERVICES["windows"] if fits(event, LogSource("windows", None, name))} == set(services)


def test_names_of_cases_are_unique_and_there_are_many() -> None:
    labels = [str(param.id) for param in (*CASES, *WINDOWS, *CHANNELS)]
    assert sorted(set(labels)) == sorted(labels)
    assert len(CASES) >= 120


def test_the_package_knows_the_plan_only() -> None:
    for path in (ROOT / "converter" / "logsources").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("converter"):
                allowed = ("converter.logsources", "converter.plan", "converter.readers.log_source")
                assert str(node.module).startswith(allowed), path


def test_rules_are_tried_on_events_of_their_log_source_only() -> None:
    plans = rules(
        ("security", "product: windows, service: security", "User: ann"),
        ("process", "product: windows, category: process_creation", "User: ann"),
        ("linux", "product: linux", "User: ann"),
        ("acme", "product: acme", "User: ann"),
    )
    log = [
        windows("Security", 4624, User="ann"),
        windows("Microsoft-Windows-Sysmon/Operational", 1, User="ann"),
        {"User": "ann"},
    ]

    def found(**options: Any) -> list[tuple[str, Any]]:
        return [(alert.rule, alert.events[0]) for alert in evaluate_plans(plans, log, **options)]

    unknown = [(plan.meta.key, 3) for plan in plans]
    assert set(found(select=by_logsource)) == {("security", 1), ("process", 2), ("acme", 1), ("acme", 2), *unknown}
    assert len(found(select=all_rules)) == 12
    assert found() == unknown  # without names of Sigma


def test_a_correlation_counts_events_of_several_log_sources() -> None:
    plans = parse_rules(
        "---".join(
            RULE.format(title=title, logsource=source, selection="TargetUserName: ann")
            for title, source in (
                ("a", "product: windows, service: security"),
                ("b", "product: windows, service: system"),
            )
        )
        + """---
title: both
correlation:
  type: event_count
  rules: [a, b]
  group-by: [TargetUserName]
  timespan: 1m
  condition: {gte: 2}
"""
    ).plans
    log = [
        {**windows(channel, 1, TargetUserName="ann"), "@timestamp": at}
        for at, channel in enumerate(["Security", "Application", "System"])
    ]
    (alert,) = evaluate_plans(plans, log, select=by_logsource)
    assert (alert.rule, alert.group, alert.events) == ("both", (("TargetUserName", "ann"),), (1, 3))


def test_what_no_event_was_for_is_known() -> None:
    plans = rules(("w", "product: windows", "a: 1"), ("l", "product: linux", "a: 1"))
    selected = by_logsource([plan for plan in plans if isinstance(plan, ir.Detection)])
    assert selected.untried == tuple(plans)
    selected(windows("Security", 1))
    assert selected.untried == (plans[1],)
    selected({"a": 1})
    assert not selected.untried


def test_the_public_function_has_a_switch(tmp_path: Path) -> None:
    (tmp_path / "rule.yml").write_text(RULE.format(title="r", logsource="product: linux", selection="EventID: 1"))
    loaded = converter.load_rules(tmp_path)
    event = windows("Security", 1)
    assert converter.evaluate(loaded, [event]) == []
    assert len(converter.evaluate(loaded, [event], logsources=False)) == 1


def test_the_command_line_has_a_switch_and_counts_rules_that_were_not_tried(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rule.yml").write_text(RULE.format(title="r", logsource="product: linux", selection="EventID: 1"))
    (tmp_path / "log.ndjson").write_text(json.dumps({**windows("Security", 1), "_id": "e"}))
    arguments = ["eval", str(tmp_path / "rule.yml"), "--logs", str(tmp_path / "log.ndjson"), "--format", "ndjson"]
    assert main(arguments) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "1 rule not tried on any event" in err
    assert main([*arguments, "--no-logsource"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == {"rule": "r", "event": "e"}
    assert "not tried" not in err


def test_an_event_without_a_time_is_shown_as_it_is_in_the_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    correlation = """---
title: many
correlation:
  type: event_count
  rules: [r]
  timespan: 1m
  condition: {gte: 2}
"""
    text = RULE.format(title="r", logsource="product: windows", selection="EventID: 1") + correlation
    (tmp_path / "rule.yml").write_text(text)
    line = json.dumps(windows("Security", 1))
    (tmp_path / "log.ndjson").write_text(line)
    assert main(["eval", str(tmp_path / "rule.yml"), "--logs", str(tmp_path / "log.ndjson")]) == 2
    assert line in capsys.readouterr().err


_KEYS = sorted(
    {key for key, _ in recognisers()}
    | {
        "System",
        "EventData",
        "UserData",
        "EventID",
        "#attributes",
        "#text",
        "Name",
        "@Name",
        "Provider",
        "Data",
        "detail",
    }
    | {"protoPayload", "serviceName", "operationName", "properties", "ARGV", "EXECVE", "ts", "channel", "event_data"}
)
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=4)
    | st.sampled_from(_KEYS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(_KEYS), _JSON, max_size=6))
def test_no_event_is_too_strange(event: dict[str, Any]) -> None:
    view = sigma_view(event)
    assert isinstance(view, SigmaView) or view is event
    assert set(event) <= set(view)
    fits(event, LogSource("windows", "process_creation", "sysmon"))


def test_data_may_be_nested_without_end() -> None:
    deep: Any = "x"
    for _ in range(100_000):
        deep = [{"a": deep}]
    assert sigma_view(windows("Security", 1, a=deep))["EventID"] == 1
