"""Placeholders: rules wait for a pipeline that expands them, on the side of the targets and of the reference."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any

import pytest

from converter.cli import main
from converter.conversion import convert_rules
from converter.errors import RefusedError, RuleError
from converter.reference.evaluate import evaluate_plans
from converter.rules.load import parse_rules
from converter.targets.core.registry import list_targets

if TYPE_CHECKING:
    from pathlib import Path

RULE = """title: Waiting
logsource: {category: test}
detection:
  sel:
    KEY: 'VALUE'
  condition: sel
"""
VALUES = """name: values
priority: 10
vars:
  admins: [root, 'adm*']
  tool: ping
  nets: [10.0.0.0/8, 'fe80::/10']
  column: other
  flag: -enc
  letters: '[a-c]+'
transformations:
  - type: value_placeholders
"""
WILDCARDS = "name: wild\npriority: 20\ntransformations:\n  - type: wildcard_placeholders\n"
MAPPED = """name: mapped
priority: 30
transformations:
  - type: field_name_mapping
    mapping: {user: actor}
  - type: value_placeholders
vars: {admins: [root]}
"""


def utf16(text: str) -> str:
    return b64encode(text.encode("utf-16-le")).decode()


def rule(key: str, value: str) -> str:
    return RULE.replace("KEY", key).replace("VALUE", value)


@pytest.fixture
def pipeline(tmp_path: Path) -> Any:
    def write(text: str) -> str:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.yml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


CASES: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    ("user|expand", "%admins%", {"user": "ROOT"}, {"user": "root2"}),
    ("user|expand", "%admins%", {"user": "admin"}, {"user": "xadm"}),
    ("user|contains|expand", "x%admins%y", {"user": "axrootyb"}, {"user": "root"}),
    ("user|expand|cased", "%admins%", {"user": "root"}, {"user": "ROOT"}),
    ("cmd|wide|base64offset|contains|expand", "x%tool%", {"cmd": utf16("axping")}, {"cmd": utf16("ping")}),
    ("cmd|base64|expand", "%tool%", {"cmd": "cGluZw=="}, {"cmd": "ping"}),
    ("cmd|windash|contains|expand", " %flag%", {"cmd": "a /enc"}, {"cmd": "a +enc"}),
    ("ip|cidr|expand", "%nets%", {"ip": "fe80::1"}, {"ip": "11.0.0.1"}),
    ("a|fieldref|expand", "%column%", {"a": "x", "other": "X"}, {"a": "x", "other": "y"}),
    ("a|re|expand", "^%letters%$", {"a": "abc"}, {"a": "abd"}),
    ("a|re|i|expand", "^%letters%$", {"a": "ABC"}, {"a": "ABD"}),
    ("user|expand|neq", "%admins%", {"user": "guest"}, {"user": "root"}),
]


@pytest.mark.parametrize(("key", "value", "yes", "no"), CASES, ids=lambda one: str(one)[:40])
def test_the_reference_sees_expanded_values(
    pipeline: Any, key: str, value: str, yes: dict[str, Any], no: dict[str, Any]
) -> None:
    loaded = parse_rules(rule(key, value))
    with pytest.raises(RuleError, match="there is no value for the placeholder"):
        evaluate_plans(loaded.plans, [yes])
    expanded = loaded.expanded([pipeline(VALUES)])
    assert [alert.events for alert in evaluate_plans(expanded.plans, [no, yes])] == [(2,)]


@pytest.mark.parametrize("target", ["splunk", "esql", "eql"])
def test_targets_see_the_same(pipeline: Any, target: str) -> None:
    loaded = parse_rules(rule("cmd|wide|base64offset|contains|expand", "%tool%"))
    with pytest.raises(RuleError, match="there is no value for the placeholder %tool%") as caught:
        convert_rules(loaded, list_targets()[target])
    assert caught.value.place is not None
    assert (caught.value.place.line, caught.value.place.column) == (5, 5)
    written = parse_rules(rule("cmd|wide|base64offset|contains", "ping"))
    (expected,) = convert_rules(written, list_targets()[target])
    (query,) = convert_rules(loaded, list_targets()[target], pipelines=[pipeline(VALUES)])
    assert query.text == expected.text


def test_a_wildcard_is_no_text_to_encode(pipeline: Any) -> None:
    loaded = parse_rules(rule("cmd|base64|expand", "%tool%"))
    with pytest.raises(RuleError, match="wildcards is not allowed"):
        loaded.expanded([pipeline(WILDCARDS)])


def test_wildcards_take_what_values_leave(pipeline: Any) -> None:
    loaded = parse_rules(rule("user|expand", "a%unknown%b"))
    expanded = loaded.expanded([pipeline(WILDCARDS)])
    assert len(evaluate_plans(expanded.plans, [{"user": "axxb"}, {"user": "ab"}, {"user": "a"}])) == 2


def test_a_value_that_is_not_given_is_refused(pipeline: Any) -> None:
    with pytest.raises(RefusedError, match="nobody"):
        parse_rules(rule("user|expand", "%nobody%")).expanded([pipeline(VALUES)])


def test_nothing_else_of_a_pipeline_touches_the_reference(pipeline: Any) -> None:
    expanded = parse_rules(rule("user|expand", "%admins%")).expanded([pipeline(MAPPED)])
    assert [alert.events for alert in evaluate_plans(expanded.plans, [{"actor": "root"}, {"user": "root"}])] == [(2,)]


def test_rules_without_placeholders_stay_as_they_are(pipeline: Any) -> None:
    loaded = parse_rules(rule("user", "root"))
    assert loaded.expanded([pipeline(VALUES)]) is loaded


def test_eval_takes_pipelines(pipeline: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, log = tmp_path / "rule.yml", tmp_path / "log.ndjson"
    path.write_text(rule("user|expand", "%admins%"), encoding="utf-8")
    log.write_text(json.dumps({"user": "root"}) + "\n", encoding="utf-8")
    arguments = ["eval", "--format", "ndjson", str(path), "--logs", str(log)]
    assert main(arguments) == 2
    assert "rule.yml:5:5: rule error: there is no value for the placeholder %admins%" in capsys.readouterr().err
    assert main([*arguments, "-p", pipeline(VALUES)]) == 0
    assert capsys.readouterr().out == '{"rule":"Waiting","event":1}\n'
