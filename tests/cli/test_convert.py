"""`convert`: queries to standard output, to a file and to a folder."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from converter.cli.common import BAD_INPUT, OK
from tests.support.cli import BASE, run, write

if TYPE_CHECKING:
    from pathlib import Path


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
