"""Pipelines that are not valid are shown with their place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from converter.errors import ConfigurationError
from converter.pipelines.read import load_pipeline

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "message", "line", "hint"),
    [
        ("transformations:\n  - type: field_name_maping\n", "field_name_maping", 2, "field_name_mapping"),
        ("transformations:\n  - id: a\n    type: field_name_mapping\n", "'mapping' is missing", 2, ""),
        ("transformations:\n  - foo\n", "not a valid item", 2, "a mapping with a type"),
        ("transformations: {a: 1}\n", "transformations must be a list of items", 1, "hyphen"),
        ("transforms: []\n", "unknown key 'transforms'", 1, "transformations"),
        ("name: x\npriority: high\n", "priority must be a whole number", 2, ""),
        ("- 1\n", "the document must be a mapping", 1, ""),
        ("name: [\n", "not valid YAML", 2, ""),
        ("name: x\nname: y\n", "given twice", 2, ""),
        ("postprocessing:\n - type: embedd\n", "embedd", 2, ""),
        ("finalizers:\n - type: conct\n", "conct", 2, ""),
    ],
)
def test_bad_pipeline_is_shown_with_its_place(tmp_path: Path, text: str, message: str, line: int, hint: str) -> None:
    path = tmp_path / "bad.yml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_pipeline(path)
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.place is not None
    assert (caught.value.place.name, caught.value.place.line) == (str(path), line)


@pytest.mark.parametrize("text", ["", "name: x\n---\nname: y\n"])
def test_pipeline_is_one_document(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.yml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigurationError, match="YAML documents"):
        load_pipeline(path)
