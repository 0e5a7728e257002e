"""Emitted text kept as files, so that a change shows in review: see tests/targets/test_golden.py."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from converter.conversion import convert_rules
from converter.errors import RefusedError
from converter.rules.load import load_rules
from tests.support.paths import RULES, TESTS
from tests.support.targets import target_of

if TYPE_CHECKING:
    from converter.harness.target_spec import TargetName

_FOLDER = TESTS / "targets" / "golden"
_AGAIN = "UPDATE_GOLDEN=1 pytest tests/targets -k golden writes them"


def check_golden(name: str, variant: TargetName) -> None:
    """Check that the shipped rules are converted to the texts of a folder; with UPDATE_GOLDEN, write them there."""
    texts = _texts(variant)
    folder = _FOLDER / name
    if os.environ.get("UPDATE_GOLDEN"):
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        for file, text in texts.items():
            (folder / file).write_text(text, encoding="utf-8")
    assert folder.is_dir(), f"{variant} has no golden texts: {_AGAIN}"
    assert texts == {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}, _AGAIN


def _texts(variant: TargetName) -> dict[str, str]:
    texts: dict[str, str] = {}
    rules = load_rules([RULES])
    for plan in rules.plans:
        key = plan.meta.key
        try:
            (query,) = convert_rules(
                rules.only(plan), target_of(variant), format=variant.format, options=dict(variant.options)
            )
        except RefusedError as error:
            texts[f"{key}.refused"] = f"{error.construct}: {error.message}\n"
            continue
        notes = "".join(f"{note}\n" for note in query.verdict.notes)
        texts[f"{key}.query"] = query.text.rstrip("\n") + "\n"
        texts[f"{key}.verdict"] = f"{query.verdict}\n{notes}"
    return texts
