"""The documentation is true: every verb, option, key and status is in it, and its examples run."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, get_args

import click
import pytest

import converter
from converter.cli import cli, common, main
from converter.cli.settings import SHAPE
from converter.harness.policy import CellKind
from converter.verdicts.verdict import VerdictKind
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

CLI = (ROOT / "docs/cli.md").read_text(encoding="utf-8")
PYTHON = (ROOT / "docs/python.md").read_text(encoding="utf-8")
PAGES = ("README.md", "docs/cli.md", "docs/python.md")


@pytest.mark.parametrize("verb", cli.commands.values(), ids=lambda verb: verb.name)
def test_every_verb_and_option_is_documented(verb: click.Command) -> None:
    assert verb.name is not None
    assert f"\n## {verb.name}\n" in CLI
    section = CLI.split(f"\n## {verb.name}\n")[1].split("\n## ")[0]
    for parameter in verb.params:
        if isinstance(parameter, click.Option) and parameter.name not in {"debug", "limits_given"}:  # of every verb
            for flag in parameter.opts:
                shared = {"--option", "--backend-option", "--pipeline"}  # spelled out where they are first described
                assert f"`{flag}" in section or flag in shared, f"{verb.name} {flag}"
                assert f"`{flag}" in CLI, f"{verb.name} {flag}"


def test_options_of_all_verbs_are_documented() -> None:
    assert "`--debug`" in CLI
    assert "`sigma-convert --version`" in CLI


@pytest.mark.parametrize("key", SHAPE.known)
def test_every_key_of_the_configuration_is_documented(key: str) -> None:
    assert f"| `{key}` |" in CLI


@pytest.mark.parametrize(
    "status",
    ["OK", "FINDINGS", "BAD_INPUT", "WRONG_USAGE", "BUG", "INTERRUPTED", "BROKEN_PIPE"],
)
def test_every_exit_status_is_documented(status: str) -> None:
    assert f"\n| {getattr(common, status)} |" in CLI


@pytest.mark.parametrize("kind", get_args(CellKind))
def test_every_result_of_a_cell_is_documented(kind: str) -> None:
    assert f"| `{kind}` |" in CLI or f"| `{kind.upper()}` |" in CLI


def rows(page: str) -> list[str]:
    return [line for line in (ROOT / page).read_text(encoding="utf-8").splitlines() if line.startswith("| ")]


def test_every_verdict_is_in_the_readme() -> None:
    for verdict in (*get_args(VerdictKind), "refused"):
        assert [row for row in rows("README.md") if row.startswith(f"| `{verdict}` |")], verdict


def test_the_features_in_the_readme_are_those_of_the_targets() -> None:
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("\n## Features by target\n")[1].split("\n## ")[0]
    features = [line for line in section.splitlines() if line.startswith("| ")]
    assert len(features) > 10
    assert not set(features) - set(rows("docs/targets.md"))


@pytest.mark.parametrize("name", converter.__all__)
def test_every_public_function_is_documented(name: str) -> None:
    assert f"| `{name}(" in PYTHON
    assert getattr(converter, name).__doc__


def blocks(kind: str) -> list[object]:
    found: list[object] = []
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        for number, block in enumerate(re.findall(rf"^```{kind}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)):
            found.append(pytest.param(block, id=f"{page}-{number}"))
    return found


def commands() -> list[object]:
    """Each command of the pages, with the output that is shown below it."""
    found: list[object] = []
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        for block in re.findall(r"^```console\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            for command in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
                line, _, shown = command.partition("\n")
                if line.startswith("sigma-convert "):
                    found.append(pytest.param(line, shown, id=f"{page}: {line}"))
    return found


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the rules and samples in which examples may write."""
    for name in ("sigma", "samples"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize(("line", "shown"), commands())
def test_example_commands_run(line: str, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, *arguments = shlex.split(line, comments=True)
    if arguments[:1] == ["test"] and "-k" not in arguments:
        arguments += ["-k", "25 events"]  # all of them are for the samples' own test
    status = main(arguments)
    out, err = capsys.readouterr()
    assert status == common.OK, err
    assert not shown or out.strip() == shown.strip()
    assert out or {"-o", "--output", "-d", "--output-dir"} & set(arguments)


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize("block", blocks("python"))
def test_example_programs_run(block: str) -> None:
    exec(compile(block, "<example>", "exec"), {})  # noqa: S102  our own documentation


def test_the_functions_do_what_the_page_says(checkout: Path) -> None:
    rules = converter.load_rules([checkout / "sigma/aws"])
    assert len(converter.convert(rules, "splunk", options={"interval": "10m"}, format="savedsearches")) == len(
        rules.plans
    )
    assert converter.evaluate(rules, [{"eventName": "GetUser", "eventTime": "2026-01-01T00:00:00Z"}]) == []
    assert converter.parse_query("a: b", "kql") == converter.parse_query("a:b", "kql")
    assert {"splunk", "esql", "eql", "kql", "elastic-toml", "pysigma:splunk"} <= set(converter.list_targets())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: converter.run_query("a", "sql", []), "there is no engine for the language 'sql'"),
        (lambda: converter.parse_query("a", "elastic-toml"), "is a kind of file, which has no syntax tree"),
        (lambda: converter.parse_query("a: (", "kql"), "query error"),
        (lambda: converter.load_rules("nosuch"), "no such file or folder"),
    ],
)
def test_errors_of_the_functions(call: object, message: str) -> None:
    assert callable(call)
    with pytest.raises(Exception, match=message):
        call()
