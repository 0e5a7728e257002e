"""The table in docs/targets.md is what the emitters do: every construct, every target, on fields whose types are known.

`UPDATE_GOLDEN=1 pytest tests/targets/test_targets_table.py` writes the table anew.
"""

from __future__ import annotations

import os
import re

from tests.support.constructs import TABLE, verdict_word
from tests.support.paths import DOCS
from tests.support.targets import DEFAULTS

PAGE = DOCS / "targets.md"
BEGIN, END = "<!-- table: tests/targets/test_targets_table.py -->", "<!-- end of table -->"


def table(shown: str) -> str:
    """Return the table; its columns are in the order of the one that is shown, a new target's is the last."""
    order = re.findall(r"`([^`]+)`", shown.strip().splitlines()[0])
    columns = sorted(DEFAULTS, key=lambda variant: order.index(variant.name) if variant.name in order else len(order))
    lines = [f"| construct | {' | '.join(f'`{variant}`' for variant in columns)} |", "|---" * (len(columns) + 1) + "|"]
    lines += [f"| {label} | {' | '.join(verdict_word(label, variant) for variant in columns)} |" for label in TABLE]
    return "\n".join(lines)


def test_the_table_says_what_the_emitters_do() -> None:
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    shown, after = rest.split(END)
    if os.environ.get("UPDATE_GOLDEN"):
        PAGE.write_text(f"{before}{BEGIN}\n{table(shown)}\n{END}{after}", encoding="utf-8")
        return
    assert shown.strip() == table(shown)
