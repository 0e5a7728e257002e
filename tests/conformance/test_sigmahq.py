"""The rules of SigmaHQ, and the real Windows events that some of them must match.

The data is public and not part of the project; without it the tests are skipped.
"""

from __future__ import annotations

import gzip
import json
import tarfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from converter.errors import RefusedError, RuleError, SourceError
from converter.reference.evaluate import evaluate_plans
from converter.rules import parse_rules

DATA = Path(__file__).parent.parent.parent.parent / "shared" / "data" / "sigmahq"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"no SigmaHQ data in {DATA}")


@cache
def rules() -> dict[str, str]:
    with tarfile.open(DATA / "rules.tar.gz") as archive:
        members = [member for member in archive if member.name.endswith(".yml")]
        files = {member.name.removeprefix("./"): archive.extractfile(member) for member in members}
        return {name: file.read().decode() for name, file in files.items() if file is not None}


def regressions() -> list[Any]:
    if not DATA.is_dir():
        return []
    with gzip.open(DATA / "regression.jsonl.gz", "rt", encoding="utf-8") as lines:
        cases = [json.loads(line) for line in lines]
    return [pytest.param(case, id=Path(case["rule_path"]).stem) for case in cases]


def flat(event: dict[str, Any]) -> dict[str, Any]:
    """Name the fields of a Windows event as the Sigma taxonomy does."""
    fields: dict[str, Any] = {}
    for name, value in event["Event"]["System"].items():
        if isinstance(value, dict):
            if "#text" in value:
                fields[name] = value["#text"]
            fields.update({f"{name}_{key}": inner for key, inner in value.get("#attributes", {}).items()})
        else:
            fields[name] = value
    for section in ("EventData", "UserData"):
        fields.update(leaves(event["Event"].get(section) or {}))
    return fields


def leaves(data: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in data.items():
        if isinstance(value, dict):
            found.update(leaves(value))
        elif name not in {"xmlns", "Name"}:
            found["Data" if name == "#text" else name] = value
    return found


def test_every_rule_loads_or_says_why_not() -> None:
    errors: dict[str, SourceError] = {}
    for name, text in rules().items():
        try:
            parse_rules(text, name)
        except SourceError as error:  # anything else is a bug of ours
            errors[name] = error
    assert len(rules()) - len(errors) > 3700
    assert [name for name, error in errors.items() if error.place is None or error.place.name != name] == []
    # Rules in use are all valid; a few in `unsupported` never were.
    invalid = [n for n, e in errors.items() if isinstance(e, RuleError) and "placeholder" not in e.message]
    assert [name for name in invalid if not name.startswith("unsupported/")] == []
    in_use = [n for n, e in errors.items() if isinstance(e, RefusedError) and n.startswith("rules")]
    assert in_use == []


@pytest.mark.parametrize("case", regressions())
def test_rule_matches_its_own_events(case: dict[str, Any]) -> None:
    plans = parse_rules(rules()[case["rule_path"]], case["rule_path"]).plans
    alerts = evaluate_plans(plans, [flat(event) for event in case["events"]])
    # One count for each recording; absent means at least one.
    assert len(alerts) >= sum(count or 1 for count in case.get("match_count") or [1])
