"""An emitter that is broken in one place turns `test` red: replay is evidence."""

from __future__ import annotations

import json
import re
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from converter.cli import main
from converter.cli.common import FINDINGS, OK
from tests.support.cli import write
from tests.support.paths import RULES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# The first cases of samples/ alone: reading its logs takes longer than all of this.
FIRST = RULES / "aws" / "aws_iam_principal_enumeration_update_assume_role_policy.yml"
BURSTS = f"""
rule: {FIRST.name}
logsource: aws/cloudtrail
base: 2026-03-12T12:00:00Z
defaults:
  event:
    userIdentity: {{type: IAMUser, accountId: "111122223333", userName: alice}}
    eventSource: iam.amazonaws.com
    eventName: UpdateAssumeRolePolicy
    sourceIPAddress: 203.0.113.7
    errorCode: MalformedPolicyDocumentException
cases:
  - {{name: 25 events, events: [{{repeat: 25}}], expect: {{alerts: 1}}}}
  - {{name: 25 events in 6m1s, events: [{{repeat: 24, every: 15s}}, {{at: 6m1s}}], expect: none}}
"""
RULE = """
title: Malformed trust policy
name: malformed
logsource: {product: aws, service: cloudtrail}
detection:
    selection: {eventName|startswith: UpdateAssume, errorCode: MalformedPolicyDocumentException}
    filter: {userIdentity.type: [AssumedRole, FederatedUser]}
    condition: selection and not filter
"""
CASES = """
rule: rule.yml
defaults: {event: {eventSource: iam.amazonaws.com, errorCode: MalformedPolicyDocumentException}}
cases:
  - name: calls of a user and of a role
    events:
      - {event: {eventName: UpdateAssumeRolePolicy, userIdentity: {type: IAMUser}}}
      - {event: {eventName: UpdateAssumeRolePolicy, userIdentity: {type: AssumedRole}}}
    expect: {alerts: 1}
"""


def other_string(before: str, *_: Any) -> str:
    return re.sub("updateassume", "updateassumed", before, flags=re.IGNORECASE)


def other_field(before: str, *_: Any) -> str:
    return f"{before}s"


def more(before: Any, *_: Any) -> Any:
    return {**before, "value": before["value"] + 1} if isinstance(before, dict) else before + 1


def longer(_: str, seconds: int) -> str:
    return f"{2 * seconds}s"


MUTATIONS: list[tuple[str, str, Callable[..., Any], str]] = [
    # target, function of its emitter, what becomes of its result, which bursts; none: the cases of the detection
    ("splunk", "splunk.emitter.windows.at_least", more, "25 events"),
    ("splunk:savedsearches", "splunk.emitter.windows.at_least", more, "25 events"),
    ("splunk", "splunk.emitter.search.search_value", other_string, ""),
    ("esql", "esql.emitter.emit.string", other_string, "25 events"),
    ("esql", "esql.emitter.emit.string", other_string, ""),
    ("esql", "esql.emitter.emit._column", other_field, ""),
    ("eql", "eql.emitter.emit.string", other_string, "25 events"),
    ("eql", "eql.emitter.emit.duration", longer, "25 events in 6m1s"),
    ("kql", "kql.emitter.emit.field_name", other_field, ""),
    ("elastic-toml", "elastic_toml.emitter.emit._threshold", more, "25 events"),
    ("elastic-toml", "kql.emitter.emit.field_name", other_field, "25 events"),
    ("elastic-toml:rule_type=eql", "eql.emitter.emit.string", other_string, ""),
]


@pytest.mark.parametrize(("target", "function", "change", "keyword"), MUTATIONS)
def test_a_broken_emitter_is_red(
    target: str,
    function: str,
    change: Callable[..., Any],
    keyword: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    write("rule.yml", RULE)
    write("cases.yml", CASES)
    write(FIRST.name, FIRST.read_text())
    write("bursts.yml", BURSTS)
    cases = ["bursts.yml", "-k", keyword] if keyword else ["cases.yml"]
    command = ["test", *cases, "-j", "1", "-t", target, "--format", "json"]
    assert main(command) == OK
    capsys.readouterr()
    module, _, name = f"converter.targets.{function}".rpartition(".")
    original = getattr(import_module(module), name)
    monkeypatch.setattr(f"{module}.{name}", lambda *given, **named: change(original(*given, **named), *given))
    assert main(command) == FINDINGS
    assert json.loads(capsys.readouterr().out)["counts"]["disagree"] >= 1
