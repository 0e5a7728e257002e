"""A folder with rules, cases and logs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.cli import BASE, BURST, CASES, write

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with some rules and logs, and no configuration."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NO_COLOR", raising=False)
    write("rule.yml", BASE)
    write("burst.yml", BASE + BURST)
    write("cases.yml", CASES)
    events = [
        {"_id": f"e{at}", "timestamp": f"2026-01-01T00:00:{at:02}Z", "kind": kind, "user": "ann"}
        for at, kind in ((1, "bad"), (2, "good"), (3, "Bad"), (59, "bad"))
    ]
    write("log.ndjson", "".join(json.dumps(event) + "\n" for event in events))
    write("quiet.ndjson", '{"kind": "good", "timestamp": "2026-01-01T00:00:00Z"}\n')
    write("open.json", '[{"kind": "bad"},\n')
    write("good/rule.yml", BASE)
    write("nothing/readme.txt", "no rule")
    write("empty.yml", "# soon\n")
    write("half.yml", BASE + BURST.replace("1m", "1 minute"))
    write("doubtful.yml", BASE.replace("level:", "levl:"))
    write("mixed/a.yml", BASE)
    write("mixed/b.yml", "title: [\n")
    write("kql/rule.yml", BASE.replace("bad_thing", "other").replace("1111", "4444"))
    write("kql/burst.yml", BURST.removeprefix("---\n").replace("bad_thing", "other"))
    return tmp_path
