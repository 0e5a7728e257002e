"""`convert`: queries to standard output, to a file and to a folder; hostile names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from converter.cli.common import BAD_INPUT, OK
from converter.report.files import file_names, safe_name, write_files
from tests.support.cli import BASE, run, write


@pytest.mark.usefixtures("here")
def test_several_queries_have_an_empty_line_between(capsys: pytest.CaptureFixture[str]) -> None:
    write("two/a.yml", BASE)
    write("two/b.yml", BASE.replace("1111", "3333").replace("bad", "worse"))
    status, out, _ = run(capsys, "-t kql two")
    assert status == OK
    first, second = out.split("\n\n")
    assert "bad" in first
    assert "worse" in second
    assert "\n" not in first
    assert out.endswith("\n")


def test_files_of_a_folder(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "-t all,pysigma:splunk,splunk:savedsearches --allow-unmapped -d new/out rule.yml")
    assert (status, out) == (OK, "")
    assert {path.name for path in (here / "new/out").iterdir()} == {
        "bad_thing.splunk.spl",
        "bad_thing.pysigma_splunk.spl",
        "bad_thing.conf",
        "bad_thing.esql",
        "bad_thing.eql",
        "bad_thing.kql",
        "bad_thing.toml",
    }
    assert "7 queries in new/out" in err
    assert all(path.read_text().endswith("\n") for path in (here / "new/out").iterdir())


def test_output_file_holds_what_standard_output_would(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "-t splunk rule.yml kql/rule.yml")
    status, nothing, _ = run(capsys, "-t splunk -o queries.spl rule.yml kql/rule.yml")
    assert (status, nothing) == (OK, "")
    assert (here / "queries.spl").read_text() == out


def test_output_to_standard_output_a_link_and_a_pipe(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "-t kql rule.yml")
    assert run(capsys, "-t kql -o - rule.yml")[:2] == (OK, out)
    (here / "link.kql").symlink_to("real.kql")
    assert run(capsys, "-t kql -o link.kql rule.yml")[0] == OK
    assert (here / "link.kql").is_symlink()
    assert (here / "real.kql").read_text() == out
    os.mkfifo("pipe")
    reader = os.open("pipe", os.O_RDONLY | os.O_NONBLOCK)
    assert run(capsys, "-t kql -o pipe rule.yml")[0] == OK
    assert os.read(reader, 1000).decode() == out
    os.close(reader)
    assert (here / "pipe").is_fifo()


HOSTILE = [
    "../../../etc/passwd",
    "/etc/passwd",
    "..",
    ".",
    ".hidden",
    "con",
    "LPT1.txt",
    "a\x00b\x1b[2J\n",
    "C:\\windows\\system32",
    "x" * 5000,
    "ü" * 500,
    "規則 “quoted” | & ; $(reboot)",
    "\u202e\u200b",
    "",
]


@pytest.mark.parametrize("title", HOSTILE)
def test_no_title_leaves_the_folder(tmp_path: Path, title: str) -> None:
    name = safe_name(title) + ".spl"
    assert Path(name).name == name
    assert name.isprintable()
    assert not name.startswith((".", "con.", "LPT1."))
    assert len(name.encode()) < 200
    write_files(tmp_path / "out", {name: "x\n"})
    assert [path.name for path in (tmp_path / "out").iterdir()] == [name]


def test_hostile_titles_on_the_command_line(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number, title in enumerate(("../../escape", "..\\\\escape", "a/b", "a_b", "A_B")):
        write(f"rules/{number}.yml", f'title: "{title}"\n' + BASE.split("\n", 3)[3])
    status, _, err = run(capsys, "-t kql -d out rules")
    assert status == OK, err
    names = sorted(path.name for path in (here / "out").iterdir())
    assert len(names) == 5
    assert len({name.casefold() for name in names}) == 5
    assert not list(here.parent.glob("*escape*"))


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ([("a", "x", ".q"), ("b", "x", ".q")], ["a.q", "b.q"]),
        ([("a", "x", ".q"), ("a", "y", ".r")], ["a.q", "a.r"]),
        ([("a", "x", ".q"), ("a", "pysigma:x", ".q")], ["a.x.q", "a.pysigma_x.q"]),
        ([("a/b", "x", ".q"), ("a_b", "x", ".q"), ("A_B", "x", ".q")], ["a_b.q", "a_b-2.q", "A_B-3.q"]),
        ([("a", "x", ".q"), ("a", "x", ".q"), ("a-2", "x", ".q")], ["a.q", "a-2.q", "a-2-2.q"]),
    ],
)
def test_names_of_files_differ(wanted: list[tuple[str, str, str]], names: list[str]) -> None:
    assert file_names(wanted) == names


def test_a_link_in_the_way_is_replaced_and_not_followed(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    victim = here / "victim"
    victim.write_text("precious")
    (here / "out").mkdir()
    (here / "out/bad_thing.kql").symlink_to(victim)
    assert run(capsys, "-t kql -d out rule.yml")[0] == OK
    assert victim.read_text() == "precious"
    assert not (here / "out/bad_thing.kql").is_symlink()


def test_nothing_is_left_when_writing_fails(tmp_path: Path) -> None:
    (tmp_path / "b.q").mkdir()  # a folder where a file must go
    with pytest.raises(Exception, match="cannot write"):
        write_files(tmp_path, {"a.q": "1", "b.q": "2"})
    assert not list(tmp_path.glob(".sigma-convert-*"))


@pytest.mark.usefixtures("here")
def test_a_field_that_no_mapping_knows(capsys: pytest.CaptureFixture[str]) -> None:
    write("aws.yml", BASE.replace("product: test", "product: aws, service: cloudtrail").replace("kind:", "notAField:"))
    status, out, err = run(capsys, "-t esql aws.yml")
    assert (status, out) == (BAD_INPUT, "")
    assert "aws.yml:6:17: refused: esql: no mapping for elastic has the field notAField" in err
    status, out, err = run(capsys, "-t esql --allow-unmapped aws.yml")
    assert status == OK
    assert err.count("warning: esql: no mapping for elastic has the field notAField") == 1
    assert "notAField" in out
    status, out, err = run(capsys, "-t esql --strict-fields aws.yml")
    assert (status, out) == (BAD_INPUT, "")
    assert "aws.yml:" in err
    assert run(capsys, "-t esql --without-pipeline aws.yml")[0] == OK


@pytest.mark.usefixtures("here")
def test_options_reach_the_target_that_knows_them(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "-t kql,elastic-toml -O interval=7m rule.yml")
    assert status == OK
    assert 'interval = "7m"' in out
    status, same, _ = run(capsys, "-t kql,elastic-toml:interval=7m rule.yml")
    assert (status, same) == (OK, out)


@pytest.mark.usefixtures("here")
def test_hostile_rules_do_not_move_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    write("bad.yml", BASE.replace("kind:", '"\\e[2Jkind|\\e[31mnope":').replace("Bad thing", '"\\e]0;x\\a"'))
    status, out, err = run(capsys, "-t kql bad.yml")
    assert status == BAD_INPUT
    assert "\x1b" not in out + err
    assert "\x07" not in out + err
