"""Pipelines of several products in one run, and by log source in the configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from converter.cli import main
from converter.cli.settings import load_settings
from converter.errors import ConfigurationError
from converter.pipelines.choose import for_products, select
from converter.pipelines.given import Given, names_for
from converter.readers.log_source import LogSource
from tests.support.pipelines import CLOUDTRAIL, pipeline_file, rename

if TYPE_CHECKING:
    from pathlib import Path

    from converter.pipelines.given import PipelineSpec

PROCESS = LogSource("windows", "process_creation")
SECURITY = LogSource("windows", None, "security")
RULE = {
    "title": "A rule",
    "name": "a_rule",
    "logsource": {"product": "windows", "service": "security"},
    "detection": {"selection": {"User": "ann"}, "condition": "selection"},
}


@pytest.mark.parametrize(
    ("logsource", "covered"),
    [
        ("", [PROCESS, SECURITY, CLOUDTRAIL]),
        ("windows", [PROCESS, SECURITY]),
        ("windows/process_creation", [PROCESS]),
        ("windows/security", [SECURITY]),
        ("/security", [SECURITY]),
        ("aws/cloudtrail", [CLOUDTRAIL]),
        ("linux", []),
    ],
)
def test_log_sources_that_are_covered(logsource: str, covered: list[LogSource]) -> None:
    given = Given(("x",), "", logsource)
    assert [source for source in (PROCESS, SECURITY, CLOUDTRAIL) if given.covers([source])] == covered


def test_names_for_a_product_and_a_log_source() -> None:
    given: list[PipelineSpec] = [
        "all",
        Given(("s",), "splunk"),
        Given(("e", "all"), "elastic"),
        Given(("w",), "", "windows"),
    ]
    assert names_for(given, [PROCESS], "splunk") == ["all", "s", "w"]
    assert names_for(given, [CLOUDTRAIL], "elastic") == ["all", "e"]
    assert names_for(given, [PROCESS]) == ["all", "s", "e", "w"]


def test_each_product_gets_its_own_pipelines(tmp_path: Path) -> None:
    own = pipeline_file(tmp_path, "own.yml", transformations=[rename("User", "who")])
    chosen = for_products(["splunk_windows", "ecs_windows", own], ["splunk", "elastic", "splunk"])
    assert names_for(chosen, [PROCESS], "splunk") == ["splunk_windows", own]
    assert names_for(chosen, [PROCESS], "elastic") == ["ecs_windows", own]
    for product in ("splunk", "elastic"):
        assert select(product, [PROCESS], names=chosen).items


@pytest.mark.parametrize(
    ("names", "products", "message"),
    [
        (["splunk_windows"], ["elastic"], "'splunk_windows' is for splunk, splunk_spl2, not for elastic"),
        (["splunk_windows", "ecs_windows"], ["splunk"], "'ecs_windows' is for .*, not for splunk"),
        (["splunk_windows"], ["splunk", "elastic"], "none of the pipelines is for elastic"),
    ],
)
def test_a_pipeline_or_a_product_that_is_left_over(names: list[str], products: list[str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        for_products(names, products)


def test_where_nothing_fits_the_built_in_mapping_is_used() -> None:
    given = [Given(("ecs_windows",), "elastic", "windows")]
    names = [item.identifier for item in select("elastic", [CLOUDTRAIL], names=given).items]
    assert names == [item.identifier for item in select("elastic", [CLOUDTRAIL]).items]


def test_convert_and_test_give_each_target_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rule = tmp_path / "rule.yml"
    rule.write_text(yaml.safe_dump(RULE), encoding="utf-8")
    arguments = ["-t", "splunk,kql", "-p", "splunk_windows", "-p", "ecs_windows"]
    assert main(["convert", *arguments, str(rule)]) == 0
    splunk, kql = capsys.readouterr().out.strip().split("\n\n")
    assert splunk == 'source="WinEventLog:Security" User="ann"'
    assert 'user.name: "ann"' in kql
    cases: dict[str, Any] = {
        "rule": "rule.yml",
        "cases": [{"name": "none", "events": [{"User": "bob", "eventTime": "2024-01-05T10:00:00Z"}], "expect": "none"}],
    }
    path = tmp_path / "x.cases.yml"
    path.write_text(yaml.safe_dump(cases), encoding="utf-8")
    main(["test", *arguments, str(path)])
    shown = capsys.readouterr().out
    assert "kql: pipeline: renames User to user.name" in shown
    main(["check", *arguments, str(rule)])
    assert "pipeline: kql: renames User to user.name" in capsys.readouterr().out


def test_the_configuration_has_pipelines_by_product_and_log_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline_file(tmp_path, "own.yml", transformations=[rename("User", "who")])
    (tmp_path / "sigma-convert.toml").write_text(
        '[[pipelines]]\nuse = "own.yml"\nproduct = "splunk"\nlogsource = "windows/security"\n'
        '[[pipelines]]\nuse = ["ecs_windows"]\nproduct = "elastic"\n',
        encoding="utf-8",
    )
    own, ecs = load_settings(tmp_path).pipeline
    assert own == Given((str(tmp_path / "own.yml"),), "splunk", "windows/security")
    assert ecs == Given(("ecs_windows",), "elastic")
    (tmp_path / "rule.yml").write_text(yaml.safe_dump(RULE), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert main(["convert", "-t", "splunk,kql", "rule.yml"]) == 0
    splunk, kql = capsys.readouterr().out.strip().split("\n\n")
    assert splunk == 'who="ann"'
    assert 'user.name: "ann"' in kql


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[pipelines]]\nproduct = 'splunk'\n", "use"),
        ("[[pipelines]]\nuse = 'x'\nproduct = 'splnk'\n", "there is no product 'splnk'"),
        ("[[pipelines]]\nuse = 'x'\nproduct = 1\n", "product must be"),
        ("pipelines = 'x'\n", "pipelines must be a list"),
    ],
)
def test_bad_tables_of_pipelines(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "sigma-convert.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_settings(tmp_path)
    assert message in caught.value.message
    assert caught.value.place is not None
