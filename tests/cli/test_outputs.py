"""Outputs: none replaces what the run reads, none has a name that a stranger chose to do harm, none is half written."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from converter.cli.common import BAD_INPUT, OK, WRONG_USAGE
from tests.support.cli import BASE, run, write

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = [sys.executable, "-m", "converter.cli"]
PIPELINE = "name: p\npriority: 1\ntransformations: []\n"


def contents(folder: Path) -> dict[str, str]:
    """Return every file below a folder with its text, and every link with where it leads."""
    return {
        str(path.relative_to(folder)): f"-> {path.readlink()}" if path.is_symlink() else path.read_text()
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
    }


@pytest.mark.parametrize(
    ("output", "name"),
    [
        ("good/rule.yml", "the rule good/rule.yml"),
        ("./new/../good/rule.yml", "the rule good/rule.yml"),
        ("good/../good/rule.yml", "the rule good/rule.yml"),
        ("link.yml", "the rule good/rule.yml"),
        ("same.yml", "the rule good/rule.yml"),
        ("linked/rule.yml", "the rule good/rule.yml"),
        ("pipeline.yml", "the pipeline pipeline.yml"),
        ("pipelines/a.yml", "the pipeline pipelines/a.yml"),
        ("sigma-convert.toml", "the configuration"),
        ("good/rule.md", "the guide good/rule.md"),
    ],
)
def test_o_does_not_replace_an_input(here: Path, capsys: pytest.CaptureFixture[str], output: str, name: str) -> None:
    write("pipeline.yml", PIPELINE)
    write("pipelines/a.yml", PIPELINE)
    write("sigma-convert.toml", 'format = "default"\n')
    write("good/rule.md", "# guide\n")
    (here / "new").mkdir()
    (here / "link.yml").symlink_to("good/rule.yml")
    (here / "linked").symlink_to("good")
    os.link("good/rule.yml", "same.yml")
    before = contents(here)
    status, out, err = run(capsys, f"-t kql -p pipeline.yml -p pipelines -o {output} good")
    assert (status, out) == (WRONG_USAGE, "")
    assert f"would replace {name}" in err
    assert contents(here) == before


def test_an_output_is_refused_before_anything_is_read(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write("good/broken.yml", "title: [\n")
    status, _, err = run(capsys, "-t kql -o good/rule.yml good missing.yml")
    assert status == WRONG_USAGE
    assert err.count("\n") == 2, err
    assert (here / "good/rule.yml").read_text() == BASE


def test_an_excluded_rule_is_not_replaced_either(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "-t kql --exclude rule.yml -o good/rule.yml good")[0] == WRONG_USAGE
    assert (here / "good/rule.yml").read_text() == BASE


def test_the_configuration_of_pipelines_is_an_input(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write("p.yml", PIPELINE)
    write("sigma-convert.toml", 'pipelines = [{ use = "p.yml", product = "elastic" }]\n')
    status, _, err = run(capsys, "-t kql -o p.yml rule.yml")
    assert status == WRONG_USAGE
    assert "would replace the pipeline" in err
    assert (here / "p.yml").read_text() == PIPELINE


def test_standard_input_is_an_input(here: Path) -> None:
    with (here / "rule.yml").open("rb") as rule:
        command = [*PROGRAM, "-t", "kql", "-o", "rule.yml", "-"]
        done = subprocess.run(command, stdin=rule, capture_output=True, text=True, check=False)  # noqa: S603  ours
    assert done.returncode == WRONG_USAGE
    assert "would replace standard input" in done.stderr
    assert (here / "rule.yml").read_text() == BASE


@pytest.mark.parametrize(
    ("command", "output", "name"),
    [
        ("-t kql rule.yml", "rule.yml", "the rule rule.yml"),
        ("-t kql good", "good/rule.yml", "the rule good/rule.yml"),
        ("check rule.yml", "rule.yml", "the rule rule.yml"),
        ("eval rule.yml --logs log.ndjson", "log.ndjson", "the log log.ndjson"),
        ("eval rule.yml --logs log.ndjson", "rule.yml", "the rule rule.yml"),
        ("run -L kql kind:good --logs log.ndjson", "log.ndjson", "the log log.ndjson"),
        ("run -L kql @query --logs log.ndjson", "query", "the query query"),
        ("run -L spl * --logs log.ndjson --table t=t.csv", "t.csv", "the table t.csv"),
        ("run -L spl * --logs log.ndjson --macros macros.conf", "macros.conf", "the file macros.conf"),
        ("test --format json cases.yml", "cases.yml", "the case file cases.yml"),
        ("test --format junit cases.yml", "burst.yml", "the rule burst.yml"),
    ],
)
def test_standard_output_is_not_an_input(here: Path, command: str, output: str, name: str) -> None:
    write("query", "kind: good\n")
    write("t.csv", "a,b\n1,2\n")
    write("macros.conf", "[m]\ndefinition = a\n")
    before = contents(here)
    with (here / output).open("ab") as stream:
        arguments = [*PROGRAM, *command.split()]
        done = subprocess.run(arguments, stdout=stream, stderr=subprocess.PIPE, text=True, check=False)  # noqa: S603
    assert done.returncode == WRONG_USAGE, done.stderr
    assert f"standard output is {name}" in done.stderr
    assert contents(here) == before


def test_d_does_not_replace_an_input(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # contentctl names the file after the title, so a rule can choose the name of another rule's file.
    write("rules/sub/rule_one.yml", BASE.replace("Bad thing", "Rule one"))
    before = contents(here)
    status, _, err = run(capsys, "-t splunk -f contentctl -d rules/sub --without-pipeline rules")
    assert status == WRONG_USAGE
    assert "would replace the rule rules/sub/rule_one.yml" in err
    assert contents(here) == before
    assert run(capsys, "-t splunk -f contentctl -d rules --without-pipeline rules")[0] == OK


@pytest.mark.parametrize("how", ["hard", "soft"])
def test_d_does_not_replace_an_input_of_another_name(here: Path, capsys: pytest.CaptureFixture[str], how: str) -> None:
    write("good/rule.md", "# guide\n")
    for source in ("good/rule.yml", "good/rule.md"):
        if how == "hard":
            os.link(source, "good/bad_thing.kql")
        else:
            (here / "good/bad_thing.kql").symlink_to(source.removeprefix("good/"))
        before = contents(here)
        status, _, err = run(capsys, "-t kql,esql --allow-unmapped -d good good/rule.yml")
        assert status == WRONG_USAGE
        assert f"would replace the {'rule' if source.endswith('yml') else 'guide'} {source}" in err
        assert contents(here) == before
        (here / "good/bad_thing.kql").unlink()


@pytest.mark.parametrize("name", ["sigma-convert", "pyproject", "PyProject"])
def test_a_rule_does_not_write_the_configuration(here: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    write("pyproject.toml", "[project]\nname = 'precious'\n")
    write("rule.yml", BASE.replace("name: bad_thing", f"name: {name}"))
    assert run(capsys, "-t elastic-toml -d . rule.yml")[0] == OK
    assert (here / f"_{name}.toml").is_file()
    assert (here / "pyproject.toml").read_text() == "[project]\nname = 'precious'\n"
    assert not (here / "sigma-convert.toml").exists()


TITLES = ("../../escape", "..\\\\escape", "-rf", "\\e[2Jx", "\\u202ex y", "con", ".git", "x" * 250, "\\x85")


def test_hostile_titles_stay_in_the_folder(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number, title in enumerate(TITLES):
        write(f"rules/{number}.yml", f'title: "{title}{number}"\n' + BASE.split("\n", 3)[3])
    before = {*here.iterdir(), *here.parent.iterdir()}
    status, _, err = run(capsys, "-t kql -d out rules")
    assert status == OK, err
    names = [path.name for path in (here / "out").iterdir()]
    assert len(names) == len(TITLES)
    assert all(name[0] not in "-." and name.endswith(".kql") and name.isprintable() for name in names)
    assert {*here.iterdir(), *here.parent.iterdir()} - before == {here / "out"}


@pytest.mark.parametrize(("first", "second"), [("a/b", "a_b"), ("abc", "ABC"), ("각", "\u1100\u1161\u11a8")])
def test_two_outputs_of_one_name_are_an_error(
    here: Path, capsys: pytest.CaptureFixture[str], first: str, second: str
) -> None:
    for number, title in enumerate((first, second, "other")):
        write(f"rules/{number}.yml", f'title: "{title}"\n' + BASE.split("\n", 3)[3])
    status, _, err = run(capsys, "-t kql -d out rules")
    assert status == WRONG_USAGE
    assert "two queries would be written to one file" in err
    assert repr(first) in err
    assert not (here / "out").exists()


def test_a_link_out_of_the_folder_ends_the_run(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write("victim", "precious")
    (here / "out").mkdir()
    (here / "out/bad_thing.kql").symlink_to(here / "victim")
    before = contents(here)
    status, _, err = run(capsys, "-t kql,esql --allow-unmapped -d out rule.yml")
    assert status == WRONG_USAGE
    assert "leads out of the folder" in err
    assert contents(here) == before


@pytest.mark.parametrize("option", ["-d out", "-o out/bad_thing.kql"])
def test_a_planted_folder_does_not_lead_out_of_the_repository(
    here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    write("home/bad_thing.kql", "precious")
    (here / "clone/.git").mkdir(parents=True)
    write("clone/rule.yml", BASE)
    (here / "clone/out").symlink_to("../home")
    before = contents(here)
    monkeypatch.chdir("clone")
    status, _, err = run(capsys, f"-t kql {option} rule.yml")
    assert status == WRONG_USAGE
    assert "leads out of the repository" in err
    assert contents(here) == before


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("-o good", "it is a folder"),
        ("-o rule.yml/x.kql", "not a directory"),
        ("-d rule.yml", "is not a folder"),
        ("-d rule.yml/below", "is not a folder"),
        (f"-o {'n' * 300}", "name too long"),
        (f"-d {'n' * 300}", "name too long"),
    ],
)
def test_where_nothing_can_be_written(here: Path, capsys: pytest.CaptureFixture[str], path: str, message: str) -> None:
    before = contents(here)
    status, out, err = run(capsys, f"-t kql {path} rule.yml")
    assert (status, out) == (WRONG_USAGE, "")
    assert message in err.lower()
    assert err.count("error") == 1
    assert contents(here) == before


@pytest.mark.parametrize("option", ["-o new/x.kql", "-d new", "-d ."])
def test_a_full_disk_is_one_error(here: Path, option: str) -> None:
    write("rule.yml", BASE.replace("kind: bad", f"kind: {'b' * 20_000}"))
    before = contents(here)
    done = subprocess.run(  # noqa: S603  our own program
        [*PROGRAM, "-t", "kql", *option.split(), "rule.yml", "kql/rule.yml"],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000)),
    )
    assert done.returncode == WRONG_USAGE
    assert done.stderr.count("error") == 1
    assert "File too large" in done.stderr
    assert contents(here) == before
    assert not (here / "new").exists()


def test_a_full_device_is_one_error(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if not os.path.exists("/dev/full"):  # noqa: PTH110  a device
        pytest.skip("there is no /dev/full")
    status, _, err = run(capsys, "-t kql -o /dev/full rule.yml")
    assert status == WRONG_USAGE
    assert "cannot write /dev/full: No space left on device" in err
    assert not list(here.glob(".sigma-convert-*"))


@pytest.mark.parametrize("output", ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "link"])
def test_standard_output_is_written_to_and_not_replaced(here: Path, output: str) -> None:
    (here / "link").symlink_to("/dev/stdout")
    (here / "all.kql").write_text("before\n")
    inode = (here / "all.kql").stat().st_ino
    with (here / "all.kql").open("ab") as stream:
        done = subprocess.run([*PROGRAM, "-t", "kql", "-o", output, "rule.yml"], stdout=stream, check=False)  # noqa: S603
    assert done.returncode == OK
    assert (here / "all.kql").read_text().startswith("before\nkind")
    assert (here / "all.kql").stat().st_ino == inode
    assert (here / "link").is_symlink()


def test_an_open_file_of_the_shell_is_written_to(here: Path) -> None:
    (here / "x").write_text("before\n")
    with (here / "x").open("ab") as stream:
        number = stream.fileno()
        command = [*PROGRAM, "-t", "kql", "-o", f"/dev/fd/{number}", "rule.yml"]
        subprocess.run(command, pass_fds=[number], check=True)  # noqa: S603  our own program
    assert (here / "x").read_text().startswith("before\nkind")


def test_a_device_is_written_to(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "null").symlink_to("/dev/null")
    for output in ("/dev/null", "null"):
        assert run(capsys, f"-t kql -o {output} rule.yml")[0] == OK
    assert (here / "null").is_symlink()
    assert os.path.exists("/dev/null")  # noqa: PTH110  a device
    assert not os.path.isfile("/dev/null")  # noqa: PTH113


def test_files_are_rewritten_with_their_mode(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "-t kql -d out rule.yml")[0] == OK
    (here / "out/bad_thing.kql").chmod(0o600)
    (here / "out/bad_thing.kql").write_text("old")
    assert run(capsys, "-t kql -d out rule.yml")[0] == OK
    assert (here / "out/bad_thing.kql").stat().st_mode & 0o777 == 0o600
    assert (here / "out/bad_thing.kql").read_text().startswith("kind")


def test_no_query_writes_no_file(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write("x.kql", "old")
    assert run(capsys, "-t kql -o x.kql half.yml nothing.yml")[0] == BAD_INPUT
    assert (here / "x.kql").read_text() == "old"
