"""Every conformance case, through every target: reference and query must agree, or the verdict says why not.

The rules and events of tests/conformance were written for the reference, so none of them was designed for a target.
Each (case, target) is converted without a pipeline, and its events go through the view of an unknown log source. The
outcome of each rule is one of

    agree, bounded, assumption    as `sigma-convert test` has it
    nothing left, not repaired    a broken assumption covers the difference, and too few events are left to show it
    refused                       the target says that it cannot
    differs                       never

A correlation needs times; events of detection cases get one each. The outcomes are counted at the end of a run, and
most of a target must agree: see tests/support/outcomes.py.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import pytest

from converter.errors import QueryError, RefusedError
from converter.harness.replay import Log, replay
from converter.plan.nodes import Correlation
from converter.reference.time import event_time
from converter.rules.load import parse_rules
from tests.support.conformance import load
from tests.support.outcomes import record
from tests.support.targets import VARIANTS, convert, target_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from converter.harness.target_spec import TargetName
    from converter.plan.nodes import Plan
    from converter.rules.collection import Rules

CASES = [case for case in load() if "matches" in case.data or "alerts" in case.data]


def test_there_are_cases() -> None:
    assert len(CASES) > 200


# All targets of a case are next to each other, so that its rules are parsed and evaluated once.
@pytest.mark.parametrize("variant", VARIANTS, ids=str)
@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda number: CASES[number].label)
def test_a_target_agrees_with_the_reference(
    number: int, variant: TargetName, record_property: Callable[[str, object], None]
) -> None:
    problems = []
    for rules, plan, log in _parts(number):
        kind, text = _outcome(rules, plan, log, variant)
        record(record_property, str(variant), kind, len(CASES))
        if kind == "differs":
            problems.append(text)
    assert not problems, "\n\n".join(problems)


@lru_cache(maxsize=4)
def _parts(number: int) -> list[tuple[Rules, Plan, Log]]:
    """Return each rule of a case, alone with what it counts, and the log that it is tried on."""
    case = CASES[number]
    rules = parse_rules(case.rule)
    events = [dict(event) for event in case.data.get("events") or [case.data["event"]]]
    timed = [
        event if event_time(event) is not None else {**event, "@timestamp": f"2026-01-01T00:00:{position:02d}Z"}
        for position, event in enumerate(events)
    ]
    logs = {False: Log(events, "unknown"), True: Log(timed, "unknown")}
    parts = []
    times = False
    for plan in rules.plans:
        times = times or not isinstance(plan, Correlation)
        parts.append((rules.only(plan), plan, logs[times]))
    return parts


def _outcome(rules: Rules, plan: Plan, log: Log, variant: TargetName) -> tuple[str, str]:
    try:
        (query,) = convert(rules, variant)
    except RefusedError as error:
        return "refused", error.construct
    try:
        outcome, _ = replay(plan, query, target_of(variant), log)
    except QueryError as error:
        return "differs", f"{query.text}\n{error}"
    text = f"{query.text}\n{outcome.differences}\n{log.events}"
    return ("differs" if outcome.contradicts else outcome.doubt or outcome.kind), text
