"""Every conformance case, through every target: the reference and the executed query must agree, or say why not.

The rules and events of tests/conformance were written for the reference, so none of them was designed for a target.
Each (case, target) is converted without a pipeline, and its events go through the view of an unknown log source. The
outcome is one of

    agree, bounded, assumption    as `sigma-convert test` has it
    refused                       the target says that it cannot
    differs                       declared in DIFFERENCES, strictly: with a reason, and it must still differ

A correlation needs times; events of detection cases get one each.
"""

from __future__ import annotations

import importlib.util
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from converter.conversion import convert_rules
from converter.errors import QueryError, RefusedError
from converter.harness.replay import Log, replay
from converter.plan.nodes import Correlation
from converter.reference.time import event_time
from converter.registry import list_targets
from converter.rules import parse_rules

CONFORMANCE = Path(__file__).parent / "conformance" / "test_conformance.py"
TARGETS = ("splunk", "esql", "eql", "kql", "elastic-toml")

# (target, case) -> why the two differ. A key may end in `*`.
DIFFERENCES: dict[tuple[str, str], str] = {
    ("esql", "correlation/groups: both fields are the group"): "source.ip is an ip in ECS, the case has other text",
    (
        "esql",
        "correlation/groups: a nested field and a dotted key are the same field",
    ): "source.ip is an ip in ECS, the case has other text",
    (
        "esql",
        "correlation/operators: fixed windows before the epoch are aligned to it as well",
    ): "the remainder of a negative number is negative; no log is from before 1970",
    (
        "splunk",
        "correlation/operators: fixed windows before the epoch are aligned to it as well",
    ): "the view has no _time before 1970",
    ("esql", "fields/paths: a field of metadata can be named"): "_index is the index, whatever the event says",
    (
        "esql",
        "strings/equality: letters outside ASCII ignore case",
    ): "TO_LOWER writes a sigma at the end of a word as ς",
    ("esql", "strings/equality: a final sigma is a sigma"): "TO_LOWER writes a sigma at the end of a word as ς",
    (
        "esql",
        "strings/equality: a question mark is one dotted capital i",
    ): "TO_LOWER makes two characters of a dotted capital I",
}


def _conformance() -> list[Any]:
    spec = importlib.util.spec_from_file_location("conformance_cases", CONFORMANCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return [case for case in module.load() if "matches" in case.data or "alerts" in case.data]


CASES = _conformance()


def test_there_are_cases() -> None:
    assert len(CASES) > 200


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_agrees_with_the_reference(name: str) -> None:
    target = list_targets()[name]
    outcomes: Counter[str] = Counter()
    problems: list[str] = []
    declared = {label for known, label in DIFFERENCES if known == name}
    for case in CASES:
        for kind, text in _outcomes(case, target):
            outcomes[kind] += 1
            if kind == "differs" and case.label in declared:
                declared.discard(case.label)
            elif kind == "differs":
                problems.append(f"{case.label}\n{text}")
    print(f"{name}: {dict(outcomes)}")  # noqa: T201  shown with -s and by CI
    assert not problems, f"{len(problems)} differ:\n\n" + "\n\n".join(problems[:10])
    assert not declared, f"no longer differ, remove the declaration: {declared}"
    assert outcomes["agree"] > outcomes["assumption"] + outcomes["bounded"]


def _outcomes(case: Any, target: Any) -> list[tuple[str, str]]:
    rules = parse_rules(case.rule)
    events = [dict(event) for event in case.data.get("events") or [case.data["event"]]]
    found = []
    for plan in rules.plans:
        if not isinstance(plan, Correlation):
            for position, event in enumerate(events):
                if event_time(event) is None:
                    event["@timestamp"] = f"2026-01-01T00:00:{position:02d}Z"
        try:
            (query,) = convert_rules(rules.only(plan), target, without_pipeline=True)
        except RefusedError as error:
            found.append(("refused", error.construct))
            continue
        try:
            outcome, _ = replay(plan, query, target, Log(events))
        except QueryError as error:
            found.append(("differs", f"{query.text}\n{error}"))
            continue
        text = f"{query.text}\n{outcome.differences}\n{events}"
        found.append(("differs" if outcome.kind == "disagree" else outcome.kind, text))
    return found
