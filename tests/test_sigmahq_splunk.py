"""A part of the SigmaHQ collection converted to SPL and run: generated and recorded events agree with the reference.

`tools/sigmahq_splunk.py` does the same with every rule (docs/testing.md has its figures). Here is every 24th rule, and
every 6th of those with recorded events. The data is public and not part of the project; without it this is skipped.
"""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

TOOL = Path(__file__).parent.parent / "tools" / "sigmahq_splunk.py"
DATA = Path(__file__).parent.parent.parent / "shared" / "data" / "sigmahq"
SHARDS = 4
EVERY, EVERY_RECORDED = 24, 6
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"no SigmaHQ data in {DATA}")


@cache
def tool() -> Any:
    spec = importlib.util.spec_from_file_location("sigmahq_splunk", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its data classes look for it there
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("shard", range(SHARDS))
def test_what_is_converted_agrees(shard: int) -> None:
    rules, recorded = tool().rules(), tool().recordings()
    names = dict.fromkeys([*list(rules)[::EVERY], *sorted(recorded)[::EVERY_RECORDED]])
    reports = [tool().examine(name, rules[name]) for name in list(names)[shard::SHARDS]]
    bad = [f"{report.path}: {one.example}" for report in reports if report.bad for one in (report.ours, report.windows)]
    assert not bad, "\n\n".join(bad)
    read = [report for report in reports if not report.unread]
    assert len(read) > 35
    assert [report.path for report in read if not 0 < report.matching < report.generated + report.recorded] == []
    assert {report.ours.verdict for report in read} <= {"exact", "assuming"}
