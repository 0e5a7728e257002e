"""Every shipped case, through the reference and every target, in every format and variant, as `test` replays them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from converter.harness.cases.load import load_cases
from converter.harness.matrix import run_matrix
from converter.harness.outcome import Settings
from converter.harness.target_spec import own_variants, parse_name, parse_names
from converter.report.matrix_text import matrix_text
from converter.targets.core.registry import list_targets
from tests.support.paths import SAMPLES

PARTS = 4
"""Parts of each case file, so that several processes share the work."""


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("folder", sorted(path.name for path in SAMPLES.iterdir() if (path / "cases.yml").exists()))
def test_the_samples_of_a_rule_are_green(folder: str, part: int) -> None:
    (suite,) = load_cases([SAMPLES / folder])
    known = list_targets()
    names = parse_names(("all",), known, every=own_variants(known))
    # A backend of pySigma that one case declares is replayed on every case, whichever part that case is in.
    declared = (gap.target for case in suite.cases for gap in case.divergences)
    names = list(dict.fromkeys([*names, *(parse_name(target, known) for target in declared)]))
    matrix = run_matrix([replace(suite, cases=suite.cases[part::PARTS])], names, known, Settings())
    assert not matrix.failed, matrix_text(matrix)
