"""Where the project, its shipped rules and the public data beside it are."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"
DOCS = ROOT / "docs"
RULES = ROOT / "sigma"
SAMPLES = ROOT / "samples"
SHARED = ROOT.parent / "shared" / "data"
"""Public rules, logs and vendor test cases; not part of the project, so that tests skip what is not there."""
