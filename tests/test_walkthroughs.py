"""The walkthroughs of docs/ work as they stand: a test writes their files and runs their commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.paths import DOCS
from tests.support.walkthrough import Checkout, commands_of, files_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", ["adding-a-log-source", "adding-a-target"])
def test_a_walkthrough_does_what_it_says(name: str, tmp_path: Path) -> None:
    page = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    checkout = Checkout(tmp_path)
    checkout.write(files_of(page))
    commands = commands_of(page)
    assert commands
    for command in commands:
        done = checkout.run(command.line)
        assert done.returncode == 0, f"{command.line}\n{done.stdout}{done.stderr}"
        if command.printed:
            assert done.stdout == command.printed, command.line


def test_tests_take_a_new_target_in_without_naming_it(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    checkout.write(files_of((DOCS / "adding-a-target.md").read_text(encoding="utf-8")))
    checkout.copy("tests", "tools", "sigma", "pyproject.toml")
    suites = ("tests/targets/test_refusals.py", "tests/test_architecture.py")
    done = checkout.python("-m", "pytest", "-p", "no:cacheprovider", *suites, "-k", "sieve")
    assert done.returncode == 0, done.stdout[-2000:]  # it is 5 if there is no test
