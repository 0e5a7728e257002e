"""What --trust-pipelines lets the file of a pipeline do, and nothing else; pipelines of a configuration are named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

import converter
from converter.cli import main
from converter.errors import ConfigurationError
from converter.pipelines.given import Given, trusting
from tests.support.pipelines import pipeline_file, rename

if TYPE_CHECKING:
    from pathlib import Path

LOGSOURCE = {"product": "windows", "service": "security"}
RULE = {
    "title": "A rule",
    "name": "a_rule",
    "logsource": LOGSOURCE,
    "detection": {"selection": {"User|expand": "%names%"}, "condition": "selection"},
}
PLAIN = {**RULE, "detection": {"selection": {"User": "ann"}, "condition": "selection"}}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "rule.yml").write_text(yaml.safe_dump(RULE), encoding="utf-8")
    (tmp_path / "plain.yml").write_text(yaml.safe_dump(PLAIN), encoding="utf-8")
    (tmp_path / "names.txt").write_text("ann\nbob\n", encoding="utf-8")
    (tmp_path / "code.py").write_text("vars = {'shout': str.upper}\n", encoding="utf-8")
    (tmp_path / "t.txt").write_text("<{{ query }}>", encoding="utf-8")
    (tmp_path / "log.ndjson").write_text('{"User": "ann"}\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


TRUSTED: list[tuple[str, dict[str, Any], str, str]] = [
    ("rule.yml", {"transformations": [{"type": "command_placeholders", "cmd": "echo ann"}]}, 'User="ann"', "command"),
    (
        "rule.yml",
        {"transformations": [{"type": "file_placeholders", "path": "names.txt"}]},
        'IN ("ann", "bob")',
        "file",
    ),
    (
        "rule.yml",
        {"transformations": [{"type": "nest", "items": [{"type": "file_placeholders", "path": "names.txt"}]}]},
        'IN ("ann", "bob")',
        "file",
    ),
    (
        "plain.yml",
        {"postprocessing": [{"type": "template", "template": "{{ shout(query) }}", "vars": "code.py"}]},
        'USER="ANN"',
        "vars",
    ),
    (
        "plain.yml",
        {"postprocessing": [{"type": "template", "template": "t.txt", "path": "."}]},
        '<User="ann">',
        "does not say that it is a template",
    ),
    (
        "plain.yml",
        {"finalizers": [{"type": "template", "template": "{{ shout(queries[0]) }}", "vars": "code.py"}]},
        'USER="ANN"',
        "vars",
    ),
    (
        "plain.yml",
        {"postprocessing": [{"type": "template", "template": "{{ query|pprint }}"}]},
        "User=",
        "the filter pprint",
    ),
    ("plain.yml", {"postprocessing": [{"type": "simple_template", "template": "{query.__len__}"}]}, "", "underscore"),
]


@pytest.mark.parametrize(("rule", "data", "query", "message"), TRUSTED)
def test_trust_is_given_on_the_command_line(
    folder: Path, capsys: pytest.CaptureFixture[str], rule: str, data: dict[str, Any], query: str, message: str
) -> None:
    path = pipeline_file(folder, "p.yml", **data)
    assert main(["convert", "-t", "splunk", "-p", path, rule]) == 3
    shown = capsys.readouterr()
    assert shown.out == ""
    assert message in shown.err
    assert "p.yml:" in shown.err
    assert "--trust-pipelines" in shown.err or "end it in .j2" in shown.err or "names here" in shown.err
    if query:
        assert main(["convert", "-t", "splunk", "-p", path, "--trust-pipelines", rule]) == 0
        assert query in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "-t", "splunk", "rule.yml"],
        ["eval", "--logs", "log.ndjson", "rule.yml"],
        ["test", "-t", "splunk", "x.cases.yml"],
    ],
)
def test_each_verb_that_takes_a_pipeline_takes_trust(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    event = {"User": "ann", "eventTime": "2024-01-05T10:00:00Z"}
    cases = {"rule": "rule.yml", "cases": [{"name": "one", "events": [event], "expect": "match"}]}
    (folder / "x.cases.yml").write_text(yaml.safe_dump(cases), encoding="utf-8")
    path = pipeline_file(folder, "p.yml", transformations=[{"type": "command_placeholders", "cmd": "echo ann"}])
    assert main([*arguments[:1], "-p", path, *arguments[1:]]) == 3
    assert "command_placeholders runs a command" in capsys.readouterr().err
    main([*arguments[:1], "-p", path, "--trust-pipelines", *arguments[1:]])
    shown = capsys.readouterr()
    assert "command_placeholders" not in shown.err
    assert "expanded" not in shown.err + shown.out


def test_the_python_interface_takes_trust(folder: Path) -> None:
    path = pipeline_file(folder, "p.yml", transformations=[{"type": "command_placeholders", "cmd": "echo ann"}])
    rules = converter.load_rules(folder / "rule.yml")
    with pytest.raises(ConfigurationError, match="runs a command"):
        converter.convert(rules, "splunk", pipelines=[path])
    (query,) = converter.convert(rules, "splunk", pipelines=[path], trust_pipelines=True)
    assert query.text == 'User="ann"'


@pytest.mark.parametrize("key", ["trust-pipelines", "trust_pipelines"])
def test_a_configuration_cannot_give_trust(folder: Path, capsys: pytest.CaptureFixture[str], key: str) -> None:
    (folder / "sigma-convert.toml").write_text(f"{key} = true\n", encoding="utf-8")
    assert main(["convert", "-t", "splunk", "plain.yml"]) == 3
    shown = capsys.readouterr().err
    assert "sigma-convert.toml:1:1" in shown
    assert "only the command line trusts pipelines" in shown


def test_trust_of_the_command_line_is_for_pipelines_of_a_configuration_too(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline_file(folder, "p.yml", transformations=[{"type": "command_placeholders", "cmd": "echo ann"}])
    (folder / "sigma-convert.toml").write_text(
        '[[pipelines]]\nuse = "p.yml"\nlogsource = "windows"\n', encoding="utf-8"
    )
    assert main(["convert", "-t", "splunk", "rule.yml"]) == 3
    assert "command_placeholders runs a command" in capsys.readouterr().err
    assert main(["convert", "-t", "splunk", "--trust-pipelines", "rule.yml"]) == 0
    assert 'User="ann"' in capsys.readouterr().out
    assert trusting(["a", Given(("b",), "splunk")], trusted=True) == [
        Given(("a",), trusted=True),
        Given(("b",), "splunk", trusted=True),
    ]
    assert trusting(["a"], trusted=False) == ["a"]


def test_pipelines_of_a_configuration_are_named_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pipeline_file(folder, "own.yml", transformations=[rename("User", "who")])
    (folder / "sigma-convert.toml").write_text(
        'pipeline = "own.yml"\n[[pipelines]]\nuse = "ecs_windows"\nproduct = "elastic"\nlogsource = "windows"\n',
        encoding="utf-8",
    )
    assert main(["convert", "-t", "splunk,kql", "plain.yml", "plain.yml"]) == 0
    shown = capsys.readouterr().err
    assert shown.count("pipeline of sigma-convert.toml: own.yml, ecs_windows (for elastic and windows)") == 1
    main(["check", "-t", "splunk", "plain.yml"])
    assert "pipeline of sigma-convert.toml: own.yml" in capsys.readouterr().err
    assert main(["convert", "-t", "splunk", "-p", "own.yml", "plain.yml"]) == 0
    assert "sigma-convert.toml" not in capsys.readouterr().err
    assert main(["convert", "-t", "splunk", "--without-pipeline", "plain.yml"]) == 0
    assert "sigma-convert.toml" not in capsys.readouterr().err


def test_a_wrong_pipeline_of_a_configuration_is_told_before_any_query(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "wrong.yml").write_text("transformations: 5\n", encoding="utf-8")
    (folder / "sigma-convert.toml").write_text(
        '[[pipelines]]\nuse = "wrong.yml"\nlogsource = "linux"\n', encoding="utf-8"
    )
    assert main(["convert", "-t", "splunk", "plain.yml"]) == 3
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "wrong.yml:1:18" in shown.err
