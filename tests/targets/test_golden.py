"""The emitted text of every shipped rule and target, as files in `golden`, so that a change shows in review.

Golden text says what is emitted, not that it is right: replay says that.
`UPDATE_GOLDEN=1 pytest tests/targets/test_golden.py` writes the files anew.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from converter.conversion import convert_rules
from converter.errors import RefusedError
from converter.rules.load import load_rules
from converter.targets.core.registry import get_target
from tests.support.paths import ROOT

GOLDEN = Path(__file__).parent / "golden"
VARIANTS: dict[str, tuple[str, str, dict[str, str]]] = {
    "splunk": ("splunk", "default", {}),
    "splunk-savedsearches": ("splunk", "savedsearches", {}),
    "splunk-es": ("splunk", "es", {}),
    "splunk-contentctl": ("splunk", "contentctl", {}),
    "esql": ("esql", "default", {}),
    "eql": ("eql", "default", {}),
    "kql": ("kql", "default", {}),
    "elastic-toml": ("elastic-toml", "default", {}),
    "elastic-toml-eql": ("elastic-toml", "default", {"rule_type": "eql"}),
    "elastic-toml-esql": ("elastic-toml", "default", {"rule_type": "esql"}),
    "elastic-toml-as-the-reference-rule": ("elastic-toml", "default", {"interval": "5m", "from": "now-6m"}),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_emitted_text_is_the_golden_one(variant: str) -> None:
    name, form, options = VARIANTS[variant]
    found: dict[str, str] = {}

    rules = load_rules([ROOT / "sigma"])
    for plan in rules.plans:
        try:
            (query,) = convert_rules(rules.only(plan), get_target(name), format=form, options=options)
        except RefusedError as error:
            found[f"{plan.meta.key}.refused"] = f"{error.construct}: {error.message}\n"
            continue
        notes = "".join(f"{note}\n" for note in query.verdict.notes)
        found[f"{plan.meta.key}.query"] = query.text.rstrip("\n") + "\n"
        found[f"{plan.meta.key}.verdict"] = f"{query.verdict}\n{notes}"
    folder = GOLDEN / variant
    if os.environ.get("UPDATE_GOLDEN"):
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        for file, text in found.items():
            (folder / file).write_text(text, encoding="utf-8")
    kept = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    assert found == kept
