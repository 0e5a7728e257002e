"""The outcomes of `test` on small inputs, as data: tests/harness/outcomes/*.yml.

A file has `files`, which are written into a folder, and `tests`. A test has the arguments of `sigma-convert test`, more
files, the exit status, the outcomes of the cells that are listed (by case and target), words that cells say, and in
`red` the targets whose refusal fails.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from converter.errors import CaseError
from converter.readers.yaml_document import parse_documents
from tests.support.cli import run, write

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = Path(__file__).parent / "outcomes"


def load(path: Path) -> Any:
    (document,) = parse_documents(path.read_bytes(), str(path), CaseError)
    return document.data


FILES = {path.stem: load(path) for path in sorted(FOLDER.glob("*.yml"))}
TESTS = [(stem, test) for stem, data in FILES.items() for test in data["tests"]]


@pytest.mark.parametrize(("stem", "test"), TESTS, ids=[f"{stem}: {test['name']}" for stem, test in TESTS])
def test_outcome(
    stem: str,
    test: Mapping[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in {**FILES[stem]["files"], **test.get("files", {})}.items():
        write(name, text)
    status, out, err = run(capsys, f"test {test['command']} -j 1 --format json")
    assert out, err
    report = json.loads(out)
    cells = {
        (case["name"], cell["target"]): cell
        for suite in report["suites"]
        for case in suite["cases"]
        for cell in case["cells"]
    }
    results = {
        case: {target: cells[case, target]["result"] for target in test["results"][case]} for case in test["results"]
    }
    assert results == test["results"], cells
    assert status == test["status"]
    assert report["ok"] is (status == 0)
    problems = [case["reference"]["problem"] for suite in report["suites"] for case in suite["cases"]]
    said = json.dumps([problems, *((cell["notes"], cell["broken"]) for cell in cells.values())])
    assert [words for words in test.get("words", ()) if words not in said] == []
    refused = {
        case: [target for target, cell in of.items() if cell == "refused"] for case, of in test["results"].items()
    }
    for case, targets in test.get("red", {}).items():
        assert {target for target in refused[case] if cells[case, target]["failed"]} == set(targets)
