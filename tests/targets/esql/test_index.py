"""The index of a query comes from a pipeline: it stays what FROM reads, whatever it is called."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
import yaml

from converter.errors import RefusedError
from converter.harness.target_spec import TargetName
from converter.targets.esql.engine.language.syntax import From
from converter.targets.esql.engine.parse import parse
from tests.support.counting import detection, rules_of
from tests.support.hostile import HOSTILE
from tests.support.targets import convert

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", ["logs-*", "a,-b", "*:logs-*", "<logs-{now/d}>", "a.b,c:d+e"])
def test_an_index_of_a_pipeline_is_one(tmp_path: Path, name: str) -> None:
    assert from_index(tmp_path, name) == tuple(name.split(","))


@pytest.mark.parametrize("name", HOSTILE, ids=repr)
def test_an_index_of_a_pipeline_stays_one(tmp_path: Path, name: str) -> None:
    with suppress(RefusedError):
        assert from_index(tmp_path, name) == (name,)


@pytest.mark.parametrize(
    "name",
    ["a METADATA b", "Metadata", "a:metadata", "metadata:a", "a,", "a/", "a/,b", "a//b", "a/*b", "a:b:c", "a::b"],
)
def test_an_index_that_would_not_stay_one_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(RefusedError, match="that FROM does not take"):
        from_index(tmp_path, name)


def from_index(folder: Path, name: str) -> tuple[str, ...]:
    change = {"id": "index", "type": "set_state", "key": "index", "val": name}
    pipeline = folder / "index.yml"
    pipeline.write_text(yaml.safe_dump({"name": "index", "priority": 1, "transformations": [change]}), encoding="utf-8")
    (query,) = convert(rules_of(detection()), TargetName("esql"), pipelines=[str(pipeline)])
    source = parse(query.text).source
    assert isinstance(source, From)
    return source.indices
