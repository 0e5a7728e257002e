"""ATT&CK: each case of attack.toml is the tags of a rule, and what they are in each version."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from converter.plan.attack import VERSIONS, Tactic, Version, editions, knows_tag, tactics, threats
from converter.report.check import left_out

CASES: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("attack.toml").read_text(encoding="utf-8"))["case"]


def shown(tactic: Tactic) -> str:
    techniques = (
        technique.id + (f" ({', '.join(part.id for part in parts)})" if parts else "")
        for technique in tactic.techniques
        for parts in (technique.subtechniques,)
    )
    return f"{tactic.id} {tactic.name}: {', '.join(techniques)}"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_threats(case: dict[str, Any], version: Version) -> None:
    assert [shown(tactic) for tactic in threats(case["tags"], version)] == case[version]


@pytest.mark.parametrize("tactic", tactics())
def test_every_tactic_is_one_in_every_version(tactic: str) -> None:
    assert knows_tag(tactic)
    assert all(len(threats([f"attack.{tactic}"], version)) == 1 for version in VERSIONS)


def test_tags_of_both_versions_are_known() -> None:
    assert editions() == "19 and 18.1"
    assert all(map(knows_tag, ("t1562.001", "t1685.005", "ta0112", "ta0005", "g0016", "s0002")))
    assert not any(map(knows_tag, ("t9999", "ta9999", "evasion")))


def test_the_report_of_check_names_the_versions() -> None:
    assert any(f"ATT&CK {editions()} " in sentence for sentence in left_out())
