"""`-d` and `-o` are killed at random moments of writing: no file is torn, and the next run leaves nothing behind.

`make kill` does it 200 times for each; the suite less often.
"""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING

import pytest

from converter.cli.common import OK
from tests.support.cli import BASE, write
from tests.support.killing import killer

if TYPE_CHECKING:
    from pathlib import Path

KILLS = int(os.environ.get("SIGMA_CONVERT_KILLS", "10"))
RULES = 40
SEED = 20261201


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two versions of the same rules, whose queries differ in every line."""
    root = os.getcwd()  # noqa: PTH109  for the path of modules
    monkeypatch.setenv("PYTHONPATH", root)
    monkeypatch.chdir(tmp_path)
    for version in ("one", "two"):
        for number in range(RULES):
            rule = BASE.replace("bad_thing", f"rule_{number}").replace("11111111-", f"{number:08}-")
            write(f"{version}/{number}.yml", rule.replace("kind: bad", f"kind: {version * 60}{number}"))
    return tmp_path


def visible(folder: Path) -> dict[str, str]:
    """Return the files of a folder by name; a text that is not UTF-8 would be an error."""
    return {path.name: path.read_text() for path in folder.iterdir() if not path.name.startswith(".")}


@pytest.mark.parametrize("option", ["-d", "-o"])
def test_a_killed_run_tears_no_file_and_the_next_removes_what_it_left(folder: Path, option: str) -> None:
    chance = random.Random(SEED)  # noqa: S311  moments need not be secret
    out = folder / "out"
    output = "out" if option == "-d" else "out/all.kql"
    runs = killed = torn = left = mixed = 0
    with killer() as program:
        texts: dict[str, dict[str, str]] = {}
        for version in ("one", "two"):
            ended = program.run(["-t", "kql", option, output, version])
            assert ended.status == OK
            texts[version] = visible(out)
        longest = ended.seconds
        before = "two"
        while killed < KILLS:
            runs += 1
            version = "one" if before == "two" else "two"
            ended = program.run(["-t", "kql", option, output, version], chance.uniform(0, longest))
            killed += ended.status is None
            now = visible(out)
            assert now.keys() == texts[version].keys()
            new = sum(text == texts[version][name] for name, text in now.items())
            torn += sum(text not in {texts[before][name], texts[version][name]} for name, text in now.items())
            mixed += 0 < new < len(now)
            left += any(path.name.startswith(".") for path in out.iterdir())
            ended = program.run(["-t", "kql", option, output, version])
            assert ended.status == OK
            assert {path.name: path.read_text() for path in out.iterdir()} == texts[version]
            longest = ended.seconds
            before = version
    counts = f"{left} left temporaries, {mixed} left old and new files, {torn} tore one"
    print(f"{option}: {killed} of {runs} runs killed while they wrote, {counts}")  # noqa: T201  shown by `make kill`
    assert torn == 0
    assert left > 0
