"""Run the vendor's own ES|QL cases where they are at hand; they are not part of the project.

    ../shared/data/elastic/esql_csv_spec*/  ──>  query, expected table  ──>  our engine  ──>  passes, refused, wrong

`tools/esql_vendor.py FOLDER...` prints the same for any folder. A case that is wrong is in `KNOWN_WRONG` with the
reason; one in that list that is not wrong fails the test.
"""

from __future__ import annotations

from collections import Counter

import pytest

from tests.support.esql_vendor import judge, read_cases, read_tables
from tests.support.paths import SHARED

FOLDERS = sorted(path for path in (SHARED / "elastic").glob("esql_csv_spec*") if path.is_dir())
KNOWN_WRONG: dict[str, str] = {}


@pytest.mark.skipif(not FOLDERS, reason=f"the vendor's cases are not in {SHARED / 'elastic'}")
def test_vendor_cases(capsys: pytest.CaptureFixture[str]) -> None:
    cases, tables = read_cases(FOLDERS), read_tables(FOLDERS)
    judgements = {case.name: judge(case, tables) for case in cases}
    assert len(judgements) == len(cases), "two cases have one name"
    counts = Counter(judgement.outcome for judgement in judgements.values())
    with capsys.disabled():
        shown = ", ".join(f"{counts[outcome]} {outcome}" for outcome in ("passes", "refused", "wrong"))
        print(f"\n{len(cases)} vendor cases of ES|QL: {shown}")  # noqa: T201
    wrong = {name: judgement.reason for name, judgement in judgements.items() if judgement.outcome == "wrong"}
    unexpected = wrong.keys() - KNOWN_WRONG.keys()
    assert not unexpected, "\n".join(f"{name}: {wrong[name]}" for name in sorted(unexpected))
    assert not KNOWN_WRONG.keys() - wrong.keys(), "listed as wrong, but is not"
