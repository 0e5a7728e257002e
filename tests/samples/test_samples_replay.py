"""Every shipped case, through the reference and every target, in every format and variant."""

from __future__ import annotations

import pytest

from converter.cli import main
from tests.support.paths import SAMPLES


@pytest.mark.parametrize("folder", sorted(path.name for path in SAMPLES.iterdir() if (path / "cases.yml").exists()))
def test_the_samples_of_a_rule_are_green(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["test", str(SAMPLES / folder), "-j", "1"])
    assert status == 0, capsys.readouterr().out[-4000:]
