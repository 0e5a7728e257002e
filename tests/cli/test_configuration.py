"""The configuration file."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from converter.cli.common import OK, WRONG_USAGE
from converter.cli.settings import Settings, load_settings
from converter.pipelines.given import Given
from tests.support.cli import run, write


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(("file", "head"), [("sigma-convert.toml", ""), ("pyproject.toml", "[tool.sigma-convert]\n")])
def test_configuration(capsys: pytest.CaptureFixture[str], file: str, head: str) -> None:
    write(file, head + 'target = ["kql", "elastic-toml"]\noptions = { interval = "9m" }\nsamples = "cases.yml"\n')
    assert 'interval = "9m"' in run(capsys, "rule.yml")[1]
    assert 'interval = "8m"' in run(capsys, "-O interval=8m rule.yml")[1]
    assert run(capsys, "-t kql rule.yml")[0] == OK  # what is configured need not be for every target
    Path(".git").mkdir()
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


# ------------------------------------------------------------------------------------------------------- which files


@pytest.fixture
def world(here: Path) -> Path:
    """The folder `here`, with a repository `repo` in it that holds its files, and the current folder `repo/below`."""
    Path("repo/below/deep").mkdir(parents=True)
    Path("repo/.git").mkdir()
    write("repo/.git/pipe.yml", "name: p\n")
    for name in ("rule.yml", "burst.yml", "cases.yml"):
        Path(name).rename(f"repo/{name}")
    write("secret.yml", "SECRET: [\n")
    write("secret.toml", "SECRET = [\n")
    write("pipes/secret.yml", "SECRET: [\n")
    Path("repo/link.yml").symlink_to("../secret.yml")
    Path("repo/pipes").symlink_to("../pipes")
    os.chdir("repo/below")
    return here


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize(
    ("file", "counts"),
    [
        ("sigma-convert.toml", True),
        ("../sigma-convert.toml", True),
        ("../pyproject.toml", True),
        ("../../sigma-convert.toml", False),
        ("../../pyproject.toml", False),
        ("deep/sigma-convert.toml", False),
    ],
)
def test_configuration_counts_from_the_root_of_the_repository(
    capsys: pytest.CaptureFixture[str],
    file: str,
    counts: bool,  # noqa: FBT001  a parameter
) -> None:
    write(file, "[tool.sigma-convert]\ntarget = 'kql'\n" if "pyproject" in file else "target = 'kql'\n")
    status, _, err = run(capsys, "../rule.yml")
    assert (status == OK) == counts, err
    assert run(capsys, "--no-config ../rule.yml")[0] == WRONG_USAGE
    assert run(capsys, "convert --no-config ../rule.yml")[0] == WRONG_USAGE


def test_without_a_repository_only_the_current_folder_counts(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (world / "repo/.git").rename(world / "repo/git")
    write("../sigma-convert.toml", "target = 'kql'\n")
    assert run(capsys, "../rule.yml")[0] == WRONG_USAGE
    os.chdir("..")
    assert run(capsys, "rule.yml")[0] == OK


def test_a_worktree_is_a_repository(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (world / "repo/.git").rename(world / "repo/git")
    write("../.git", "gitdir: elsewhere\n")
    write("../sigma-convert.toml", "target = 'kql'\n")
    assert run(capsys, "../rule.yml")[0] == OK


OWN = """\
target = "splunk"
pipeline = "mine.yml"
accept = "stale"
exclude = "drafts"
"""


@pytest.mark.parametrize("variable", ["XDG_CONFIG_HOME", "HOME"])
def test_your_own_configuration(
    world: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    home = world / "home"
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative")  # does not count, as the specification says
    monkeypatch.setenv(variable, str(home))
    folder = home if variable.startswith("X") else home / ".config"
    assert load_settings() == Settings()
    write(str(folder / "sigma-convert/config.toml"), OWN)
    write(str(folder / "sigma-convert/mine.yml"), "name: mine\n")
    file, mine = folder / "sigma-convert/config.toml", (str(folder / "sigma-convert/mine.yml"),)
    own = Settings(("splunk",), mine, exclude=("drafts",), accept=("stale",), path=file, pipeline_path=file)
    assert load_settings() == own
    assert run(capsys, "../rule.yml")[0] == OK
    write("../sigma-convert.toml", "target = 'kql'\nfail-on = 'bounded'\n")
    of_repository = world / "repo/sigma-convert.toml"
    assert load_settings() == replace(own, target=("kql",), accept=(), fail_on=("bounded",), path=of_repository)
    write("../sigma-convert.toml", "[[pipelines]]\nuse = 'other'\nproduct = 'elastic'\n")
    assert load_settings().pipeline == (Given(("other",), "elastic"),)
    assert load_settings().pipeline_path == of_repository
    assert run(capsys, "--no-config ../rule.yml")[0] == WRONG_USAGE
    write(str(folder / "sigma-convert/config.toml"), "tarket = 1\n")
    status, _, err = run(capsys, "../rule.yml")
    assert status == WRONG_USAGE
    assert f"{file}:1:1: configuration error: unknown key 'tarket'" in err


OUTSIDE = "is outside the repository ROOT"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("pipeline = '../secret.yml'\n", f":1:1: configuration error: '../secret.yml' {OUTSIDE}"),
        ("pipeline = ['a.yml', '../none.yml']\n", f":1:1: configuration error: '../none.yml' {OUTSIDE}"),
        ("\npipeline = '/etc/passwd'\n", f":2:1: configuration error: '/etc/passwd' {OUTSIDE}"),
        ("pipeline = '/'\n", OUTSIDE),
        ("pipeline = '/*'\n", OUTSIDE),
        ("pipeline = '..'\n", OUTSIDE),
        ("pipeline = '../*'\n", OUTSIDE),
        ("pipeline = 'link.yml'\n", f"'link.yml' {OUTSIDE}"),
        ("pipeline = 'pipes'\n", f"'pipes' {OUTSIDE}"),
        ("pipeline = 'pipes/secret.yml'\n", OUTSIDE),
        ("pipeline = 'sub'\n", f"sub/link.yml {OUTSIDE}"),
        ("pipeline = '.git/pipe.yml'\n", "'.git/pipe.yml' is in .git, which belongs to Git"),
        (
            "[[pipelines]]\nproduct = 'elastic'\nuse = ['../secret.yml']\n",
            f":3:1: configuration error: '../secret.yml' {OUTSIDE}",
        ),
        ("samples = '../pipes'\n", f":1:1: configuration error: '../pipes' {OUTSIDE}"),
        ("samples = 'pipes'\n", f"'pipes' {OUTSIDE}"),
        ("samples = ['cases.yml', '/etc']\n", f"'/etc' {OUTSIDE}"),
    ],
)
@pytest.mark.parametrize("verb", ["-t kql", "check", "test -t kql -k minute"])
def test_configuration_names_files_inside_the_repository(
    world: Path, capsys: pytest.CaptureFixture[str], text: str, error: str, verb: str
) -> None:
    Path("../sub").mkdir()
    Path("../sub/link.yml").symlink_to("../../secret.yml")
    write("../sigma-convert.toml", text)
    status, out, err = run(capsys, f"{verb} {'../cases.yml' if verb.startswith('test') else '../rule.yml'}")
    assert (status, out) == (WRONG_USAGE, "")
    assert error.replace("ROOT", str(world / "repo")) in err
    assert "SECRET" not in err


@pytest.mark.parametrize("name", ["sigma-convert.toml", "pyproject.toml"])
@pytest.mark.parametrize(
    ("target", "error"),
    [
        ("../secret.toml", OUTSIDE),
        ("../none.toml", OUTSIDE),
        ("/dev/zero", OUTSIDE),
        (".git/config", "is in .git, which belongs to Git"),
        ("sigma-convert.toml", "is a loop of links, not a file"),
        ("none.toml", "does not exist"),
        ("below", "is a folder, not a file"),
    ],
)
def test_configuration_that_is_a_link(
    world: Path, capsys: pytest.CaptureFixture[str], name: str, target: str, error: str
) -> None:
    Path("..", name).symlink_to(name if target == "sigma-convert.toml" else target)
    status, out, err = run(capsys, "-t kql ../rule.yml")
    assert (status, out) == (WRONG_USAGE, "")
    assert f"the configuration {world}/repo/{name} {error}".replace("ROOT", str(world / "repo")) in err
    assert "SECRET" not in err
    assert run(capsys, "-t kql --no-config ../rule.yml")[0] == OK


def test_configuration_that_is_a_link_inside_the_repository(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write("deep/shared.toml", "target = 'kql'\n")
    (world / "repo/sigma-convert.toml").symlink_to("below/deep/shared.toml")
    assert run(capsys, "../rule.yml")[0] == OK


def test_configuration_is_not_a_pipe_and_not_large(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo("sigma-convert.toml")
    assert "is a named pipe, not a file" in run(capsys, "-t kql ../rule.yml")[2]
    Path("sigma-convert.toml").unlink()
    write("sigma-convert.toml", "#" * (1024 * 1024 + 1))
    assert "is larger than 1048576 bytes" in run(capsys, "-t kql ../rule.yml")[2]
    assert world.is_dir()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_configuration_of_a_stranger(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    world.chmod(0o1777)
    os.chdir(world)
    write("sigma-convert.toml", "target = 'kql'\n")
    assert run(capsys, "repo/rule.yml")[0] == OK
    os.chown("sigma-convert.toml", 12_345, -1)
    status, _, err = run(capsys, "repo/rule.yml")
    assert status == WRONG_USAGE
    assert "belongs to another user" in err


@pytest.mark.usefixtures("world")
def test_keys_that_hide_something_are_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write("../sigma-convert.toml", "target = 'kql'\nexclude = 'rule.yml'\naccept = []\nallow-unmapped = true\n")
    err = run(capsys, "../rule.yml")[2]
    assert f"configuration {Path.cwd().parent}/sigma-convert.toml: exclude, allow-unmapped\n" in err
    assert "configuration" not in run(capsys, "-t kql --no-config ../rule.yml")[2]
    Path("../sigma-convert.toml").unlink()
    write("home/sigma-convert/config.toml", "exclude = 'rule.yml'\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(Path("home").resolve()))
    assert "configuration" not in run(capsys, "-t kql ../rule.yml")[2]
