"""How pipelines are chosen: by log source, by name, by file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from converter.errors import ConfigurationError
from converter.pipelines.apply import apply
from converter.pipelines.choose import builtin_mappings, logsources_of, select
from converter.pipelines.fields import fields_of
from converter.pipelines.installed import find_installed
from converter.readers.log_source import LogSource
from tests.support.pipelines import (
    CLOUDTRAIL,
    collection,
    correlation,
    detection,
    pipeline_file,
    rename,
    rule_of,
)

if TYPE_CHECKING:
    from pathlib import Path


def test_log_source_chooses_the_mapping() -> None:
    assert select("splunk", [CLOUDTRAIL]).items
    assert not select("splunk", [LogSource("windows", None, "security")]).items
    assert not select("splunk", []).items
    assert len(select("splunk", [CLOUDTRAIL, CLOUDTRAIL]).items) == len(select("splunk", [CLOUDTRAIL]).items)


def test_without_a_pipeline_nothing_is_mapped() -> None:
    assert not select("elastic", [CLOUDTRAIL], without=True).items
    assert not select("elastic", [CLOUDTRAIL], names=["cloudtrail_elastic"], without=True).items


def test_a_named_file_replaces_the_mapping(tmp_path: Path) -> None:
    name = pipeline_file(tmp_path, "own.yml", name="own", transformations=[rename("eventName", "action")])
    given = collection(detection({"eventName": "x", "errorCode": "y"}))
    result = apply(given, select("elastic", [CLOUDTRAIL], names=[name]))
    assert fields_of(rule_of(result, "a_rule")) == ["action", "errorCode"]


def test_pipelines_are_chained_by_priority(tmp_path: Path) -> None:
    late = pipeline_file(tmp_path, "a.yml", priority=30, transformations=[rename("middle", "last")])
    early = pipeline_file(tmp_path, "b.yml", priority=10, transformations=[rename("eventName", "middle")])
    given = collection(detection({"eventName": "x"}))
    for names in ([late, early], [early, late], [str(tmp_path)]):
        result = apply(given, select("splunk", [CLOUDTRAIL], names=names))
        assert fields_of(rule_of(result, "a_rule")) == ["last"]


@pytest.mark.parametrize(("product", "name"), [("splunk", "splunk_windows"), ("elastic", "ecs_windows")])
def test_installed_pipeline_is_found_by_name(product: str, name: str) -> None:
    assert name in find_installed().builders
    assert select(product, [], names=[name]).items


def test_builtin_mapping_is_found_by_name() -> None:
    assert sorted(builtin_mappings()) == ["cloudtrail_elastic", "cloudtrail_splunk"]
    assert select("elastic", [], names=["cloudtrail_elastic"]).items


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("ecs_windos", "no pipeline is called 'ecs_windos'", "did you mean 'ecs_windows'?"),
        ("zzz", "no pipeline is called 'zzz'", "cloudtrail_splunk"),
        ("no/such/file.yml", "there is no pipeline file", ""),
        ("splunk_windows", "is for splunk, splunk_spl2, not for elastic", ""),
    ],
)
def test_pipeline_that_cannot_be_used(name: str, message: str, hint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        select("elastic", [CLOUDTRAIL], names=[name])
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_misspelt_file_is_suggested(tmp_path: Path) -> None:
    pipeline_file(tmp_path, "mapping.yml", name="x")
    with pytest.raises(ConfigurationError) as caught:
        select("elastic", [], names=[str(tmp_path / "maping.yml")])
    assert "mapping.yml" in caught.value.hint


def test_folder_without_pipelines(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no pipeline"):
        select("elastic", [], names=[str(tmp_path)])


def test_log_sources_of_rules() -> None:
    given = collection(
        detection({"a": "b"}),
        detection({"a": "b"}) | {"name": "same"},
        detection({"a": "b"}) | {"name": "other", "logsource": {"category": "process_creation"}},
        correlation(["a"]),
    )
    found = [(one.product, one.category, one.service) for one in logsources_of(given.rules)]
    assert found == [("aws", None, "cloudtrail"), (None, "process_creation", None)]
