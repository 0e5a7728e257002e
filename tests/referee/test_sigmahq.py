"""Queries for the SigmaHQ collection, ours and pySigma's, on the node and on our engines: no difference of ours.

`tools/sigmahq_elastic.py` does the same by hand, and prints figures (docs/upstream.md). Here is every 60th rule that is
not very long, or with many examples the whole collection. The data is public and not part of the project; without it
this is skipped.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from referee import URL, Node
from sigmahq import DATA, recordings, rules
from sigmahq_elastic import examine_some
from sigmahq_report import WRONG, Report, examine_all

from converter.harness.parallel import available_jobs

if TYPE_CHECKING:
    from collections.abc import Sequence

EVERY, EVERY_RECORDED, MANY = 60, 10, 20_000
LONG = 12_000  # a rule with hundreds of parts takes half a minute
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"no SigmaHQ data in {DATA}")


@pytest.fixture(scope="module")
def reports(node: Node, examples: int) -> list[Report]:
    assert node.version
    names = list(rules())
    if examples < MANY:
        some = [*names[::EVERY], *sorted(recordings())[::EVERY_RECORDED]]
        names = [name for name in dict.fromkeys(some) if len(rules()[name]) < LONG]

    def examine(names: Sequence[str]) -> list[Report]:
        own = Node(os.environ[URL])  # of the process: a connection is not shared
        try:
            return examine_some(names, upstream=True, node=own)
        finally:
            own.close()

    return examine_all(names, examine, available_jobs(), at_once=20)


def test_ours_agree(reports: list[Report]) -> None:
    bad = [
        f"{report.path}: {name}: {one.outcome}: {one.example}"
        for report in reports
        for name, one in (*report.ours.items(), *report.referee.items())
        if one.outcome in WRONG
    ]
    assert not bad, f"{len(bad)} queries:\n" + "\n\n".join(bad[:20])


def test_there_is_something_to_compare(reports: list[Report]) -> None:
    read = [report for report in reports if not report.unread]
    assert len(read) > 60
    assert [report.path for report in read if not report.telling] == []
    asked = [one for report in read for name, one in report.referee.items() if name.startswith("kql")]
    assert len(asked) > len(read)
    assert sum(one.events for one in asked) > 20 * len(asked)
    assert {name for report in read for name in report.upstream} == {
        "pysigma:esql",
        "pysigma:eql",
        "pysigma:lucene",
        "pysigma:lucene, on analysed text",
    }
