"""Random rules on random events, through every target: the outcome is never an unexplained difference.

Seeds are fixed, so a run is repeatable; FUZZ_SECONDS=600 goes on with new seeds for that long and prints what it finds.
"""

from __future__ import annotations

import os
import random
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from converter.errors import RefusedError
from converter.harness.replay import Log, replay
from converter.rules.load import parse_rules
from tests.support.rule_text import rule_text
from tests.support.targets import VARIANTS, converted, target_of

if TYPE_CHECKING:
    from converter.harness.target_spec import TargetName
    from converter.rules.collection import Rules

BASE = datetime(2026, 3, 1, 11, 57, tzinfo=UTC)
FIELDS = ("a", "b.c", "user name", "Über", "n")
TEXTS = (
    "", "a", "A", "abc", "ABC", "aXb", "a*b", "a?b", "a\\b", "a\\*", 'a"b', "a b", " a", "a ", "x\ny", "5", "05", "5.0",
    "-3", "1e3", "true", "TRUE", "null", "10.0.0.5", "10.255.0.1", "2001:db8::5", "and", "not or", "`x`", "$y$", "'",
    "[z]",
)  # fmt: skip
VALUES: tuple[Any, ...] = (*TEXTS, 5, 5.0, 0, -3, 1000, 2.5, True, False, None, ["a", "b"], ["a", None], [], {"x": 1})
NUMBERS = (0, 5, -3, 2.5, 1000)
REGEXES = ("^a", "b$", "a.b", "^abc$", "[a-c]+", "(a|x)b?", r"\d", r"^\S+$", "a{1,2}", r"a\\b", "^$", "x.y")


def leaf(chance: random.Random) -> tuple[str, Any]:
    """Return a random detection item: key with modifiers, value."""
    field = chance.choice(FIELDS)
    kind = chance.choice(
        ("plain", "plain", "part", "cased", "number", "compare", "re", "cidr", "exists", "null", "ref", "all")
    )
    match kind:
        case "plain":
            return field, chance.choice([chance.choice(TEXTS), chance.sample(TEXTS, 2), True, "a*", "?b*", "*"])
        case "part":
            return f"{field}|{chance.choice(('contains', 'startswith', 'endswith'))}", chance.choice(TEXTS[1:])
        case "cased":
            return f"{field}|cased", chance.choice(TEXTS)
        case "number":
            return field, chance.choice(NUMBERS)
        case "compare":
            return f"{field}|{chance.choice(('lt', 'lte', 'gt', 'gte'))}", chance.choice(NUMBERS)
        case "re":
            return f"{field}|re" + chance.choice(("", "", "|i", "|s")), chance.choice(REGEXES)
        case "cidr":
            return f"{field}|cidr", chance.choice(("10.0.0.0/8", "10.0.0.5/32", "2001:db8::/32", "0.0.0.0/0"))
        case "exists":
            return f"{field}|exists", chance.choice((True, False))
        case "null":
            return field, None
        case "ref":
            other = chance.choice([one for one in FIELDS if one != field])
            return f"{field}|fieldref" + chance.choice(("", "|startswith", "|endswith", "|contains")), other
        case _:
            return f"{field}|contains|all", chance.sample(TEXTS[1:], 2)


def detection(chance: random.Random) -> Rules:
    searches: dict[str, Any] = {}
    for name in ("s1", "s2", "s3"):
        items = [leaf(chance) for _ in range(chance.choice((1, 1, 2)))]
        if chance.random() < 0.2:
            items = [(f"{key}|neq" if "|" not in key and value is not None else key, value) for key, value in items]
        searches[name] = dict(items)
    condition = chance.choice(
        ("s1", "not s1", "s1 and s2", "s1 or s2 and not s3", "not (s1 or s2)", "1 of s*", "all of s*")
    )
    section = {**searches, "condition": condition}
    return parse_rules(rule_text({"title": "Fuzz", "logsource": {"category": "test"}, "detection": section}))


def events(chance: random.Random, count: int) -> list[dict[str, Any]]:
    found = []
    for number in range(count):
        event: dict[str, Any] = {"@timestamp": (BASE + timedelta(seconds=number)).isoformat()}
        for field in FIELDS:
            if chance.random() < 0.6:
                event[field] = chance.choice(VALUES)
        found.append(event)
    return found


def correlation(chance: random.Random) -> Rules:
    operator = chance.choice(("gte", "gte", "gte", "gt", "lt", "lte", "eq", "neq"))
    group_by = chance.choice(([], ["g"], ["g", "h"]))
    return parse_rules(
        rule_text(
            {
                "title": "Base",
                "name": "base",
                "logsource": {"category": "test"},
                "detection": {"s": {"kind": "4711"}, "condition": "s"},
            },
            {
                "title": "Count",
                "correlation": {
                    "type": "event_count",
                    "rules": ["base"],
                    "group-by": group_by,
                    "timespan": chance.choice(("7s", "1m", "6m", "1h")),
                    "condition": {operator: chance.choice((1, 2, 3, 5))},
                },
            },
        )
    )


def burst(chance: random.Random, span: int) -> list[dict[str, Any]]:
    """Return events whose gaps lie around the timespan divided by small counts, with ties, and groups that mix."""
    moment = BASE
    found = []
    for _ in range(chance.choice((3, 8, 14))):
        moment += timedelta(seconds=chance.choice((0, 0, 1, span // 3, span // 2, span, span + 1)))
        event: dict[str, Any] = {"@timestamp": moment.isoformat(), "kind": chance.choice(("4711", "4711", "4712"))}
        for field, values in (("g", ("x", "X", "y", "", None, ["x", "y"])), ("h", ("1", "2"))):
            if chance.random() < 0.9:
                event[field] = chance.choice(values[: chance.choice((2, len(values)))])
        found.append(event)
    if chance.random() < 0.3:
        chance.shuffle(found)
    return found


def difference(rules: Rules, log: Log, name: TargetName) -> str | None:
    """Return what differs without an explanation, or None."""
    (plan,) = rules.plans
    query = converted(rules, name)
    if isinstance(query, RefusedError):
        return None
    outcome, _ = replay(plan, query, target_of(name), log)
    if not outcome.contradicts:
        return None
    return f"{name}\n{query.text}\n{query.verdict.notes}\n{outcome.differences}\n" + "\n".join(map(str, log.events))


def check(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  a test needs no secret
    rules = detection(chance)
    log = Log(events(chance, 6))
    found = [difference(rules, log, name) for name in VARIANTS]
    counted = correlation(chance)
    span = next(plan.timespan for plan in counted.plans if hasattr(plan, "timespan"))
    trail = Log(burst(chance, span))
    found += [difference(counted, trail, name) for name in VARIANTS]
    problems = [text for text in found if text is not None]
    assert not problems, f"seed {seed}:\n" + "\n\n".join(problems)


@pytest.mark.parametrize("block", range(8))
def test_no_target_differs_without_saying_so(block: int) -> None:
    for seed in range(block * 25, block * 25 + 25):
        check(seed)


@pytest.mark.skipif("FUZZ_SECONDS" not in os.environ, reason="only on demand: FUZZ_SECONDS=600")
def test_for_longer() -> None:
    end = time.monotonic() + float(os.environ.get("FUZZ_SECONDS", "0"))
    seed = random.SystemRandom().randrange(10**6, 10**9)
    while time.monotonic() < end:
        seed += 1
        check(seed)
