"""Every conformance case, through every target: reference and query must agree, or the verdict says why not.

The rules and events of tests/conformance were written for the reference, so none of them was designed for a target.
Each (case, target) is converted without a pipeline, and its events go through the view of an unknown log source. The
outcome is one of

    agree, bounded, assumption    as `sigma-convert test` has it
    refused                       the target says that it cannot
    differs                       never

A correlation needs times; events of detection cases get one each.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from converter.conversion import convert_rules
from converter.errors import QueryError, RefusedError
from converter.harness.replay import Log, replay
from converter.harness.target_spec import TargetName, own_variants
from converter.plan.nodes import Correlation
from converter.reference.time import event_time
from converter.rules.load import parse_rules
from converter.targets.core.registry import list_targets
from tests.support.conformance import load

TARGETS = {str(name): name for name in own_variants(list_targets())}


CASES = [case for case in load() if "matches" in case.data or "alerts" in case.data]


def test_there_are_cases() -> None:
    assert len(CASES) > 200


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_agrees_with_the_reference(name: str) -> None:
    variant = TARGETS[name]
    outcomes: Counter[str] = Counter()
    problems: list[str] = []
    for case in CASES:
        for kind, text in _outcomes(case, variant):
            outcomes[kind] += 1
            if kind == "differs":
                problems.append(f"{case.label}\n{text}")
    print(f"{name}: {dict(outcomes)}")  # noqa: T201  shown with -s and by CI
    assert not problems, f"{len(problems)} differ:\n\n" + "\n\n".join(problems[:10])
    assert outcomes["agree"] > outcomes["assumption"] + outcomes["bounded"]


def _outcomes(case: Any, variant: TargetName) -> list[tuple[str, str]]:
    target = list_targets()[variant.name]
    rules = parse_rules(case.rule)
    events = [dict(event) for event in case.data.get("events") or [case.data["event"]]]
    found = []
    for plan in rules.plans:
        if not isinstance(plan, Correlation):
            for position, event in enumerate(events):
                if event_time(event) is None:
                    event["@timestamp"] = f"2026-01-01T00:00:{position:02d}Z"
        try:
            (query,) = convert_rules(
                rules.only(plan),
                target,
                without_pipeline=True,
                format=variant.format,
                options=dict(variant.options),
            )
        except RefusedError as error:
            found.append(("refused", error.construct))
            continue
        try:
            outcome, _ = replay(plan, query, target, Log(events, "unknown"))
        except QueryError as error:
            found.append(("differs", f"{query.text}\n{error}"))
            continue
        text = f"{query.text}\n{outcome.differences}\n{events}"
        found.append(("differs" if outcome.kind == "disagree" else outcome.kind, text))
    return found
