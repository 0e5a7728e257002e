"""A part of the SigmaHQ collection converted to SPL and run: generated and recorded events agree with the reference.

`tools/sigmahq_splunk.py` does the same with every rule (docs/testing.md has its figures). Here is every 24th rule, and
every 6th of those with recorded events. The data is public and not part of the project; without it this is skipped.
"""

from __future__ import annotations

import pytest
from sigmahq import DATA, recordings, rules
from sigmahq_splunk import examine

SHARDS = 4
EVERY, EVERY_RECORDED = 24, 6
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"no SigmaHQ data in {DATA}")


@pytest.mark.parametrize("shard", range(SHARDS))
def test_what_is_converted_agrees(shard: int) -> None:
    names = dict.fromkeys([*list(rules())[::EVERY], *sorted(recordings())[::EVERY_RECORDED]])
    reports = [examine(name) for name in list(names)[shard::SHARDS]]
    bad = [f"{report.path}: {one.example}" for report in reports if report.bad for one in report.ours.values()]
    assert not bad, "\n\n".join(bad)
    read = [report for report in reports if not report.unread]
    assert len(read) > 35
    assert [report.path for report in read if not report.telling] == []
    assert {one.verdict for report in read for one in report.ours.values()} <= {"exact", "assuming"}
