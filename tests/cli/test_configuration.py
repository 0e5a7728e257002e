"""The configuration file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from converter.cli.common import OK, WRONG_USAGE
from tests.support.cli import run, write


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(("file", "head"), [("sigma-convert.toml", ""), ("pyproject.toml", "[tool.sigma-convert]\n")])
def test_configuration(capsys: pytest.CaptureFixture[str], file: str, head: str) -> None:
    write(file, head + 'target = ["kql", "elastic-toml"]\noptions = { interval = "9m" }\nsamples = "cases.yml"\n')
    assert 'interval = "9m"' in run(capsys, "rule.yml")[1]
    assert 'interval = "8m"' in run(capsys, "-O interval=8m rule.yml")[1]
    assert run(capsys, "-t kql rule.yml")[0] == OK  # what is configured need not be for every target
    Path("below").mkdir()
    os.chdir("below")
    assert run(capsys, "test -t splunk -k minute")[0] == OK


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("file", "text", "error"),
    [
        ("sigma-convert.toml", "tarket = 'kql'\n", "sigma-convert.toml:1:1: configuration error: unknown key 'tarket'"),
        ("pyproject.toml", "[tool.sigma-convert]\nx = 1\n", "pyproject.toml:2:1: configuration error: unknown key 'x'"),
        ("sigma-convert.toml", "target = 3\n", "target must be a string or a list of strings, not 3"),
        ("sigma-convert.toml", "target = \n", "not valid TOML"),
        ("sigma-convert.toml", "strict-fields = 'yes'\n", "strict-fields must be true or false, not 'yes'"),
        ("pyproject.toml", "[tool]\nsigma-convert = 1\n", "tool.sigma-convert must be a table, not 1"),
        ("sigma-convert.toml", "[options]\nnope = 1\n", "no target has the option 'nope'"),
        ("sigma-convert.toml", "accept = 'asumption'\n", "accept must be"),
        ("sigma-convert.toml", "fail-on = ['bounded', 'x']\n", "stale, changed, disagree or error, not 'x'"),
        (
            "sigma-convert.toml",
            "accept = 'stale'\nfail-on = ['stale']\n",
            ":1:1: configuration error: stale is in both",
        ),
        ("sigma-convert.toml", "format = 'nope'\n", "no target has the format 'nope'"),
    ],
)
def test_bad_configuration(capsys: pytest.CaptureFixture[str], file: str, text: str, error: str) -> None:
    write(file, text)
    status, out, err = run(capsys, "-t kql rule.yml")
    assert (status, out) == (WRONG_USAGE, "")
    assert error in err


@pytest.mark.usefixtures("here")
def test_a_project_file_that_is_not_ours_is_let_be(capsys: pytest.CaptureFixture[str]) -> None:
    write("pyproject.toml", "[project\n")
    assert run(capsys, "-t kql rule.yml")[0] == OK
