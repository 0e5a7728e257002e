"""Which files of a folder are rules, and where the guide of a rule is: links, and what a stranger may put there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from converter.errors import RuleError
from converter.rules.files import rule_files
from converter.rules.guides import read_guide

if TYPE_CHECKING:
    from converter.errors import UnreadableError

OUTSIDE = "is outside the repository ROOT"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository beside a folder with secrets; the current folder is the repository."""
    repo = tmp_path / "repo"
    for name in ("repo/.git/x.yml", "repo/rules/a.yml", "repo/common/b.yml", "out/secret.yml", "out/guide.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("SECRET", encoding="utf-8")
    monkeypatch.chdir(repo)
    return repo


def _files(paths: list[str], exclude: tuple[str, ...] = ()) -> tuple[list[str], list[str]]:
    errors: list[UnreadableError] = []
    files = [f"{file.name} {file.read().decode()}" for file in rule_files(paths, exclude, errors.append)]
    assert not any("SECRET" in error.render() for error in errors)
    return files, [error.message for error in errors]


@pytest.mark.parametrize(
    ("link", "given", "more", "errors"),
    [
        ("rules/z.yml -> a.yml", "rules", [], []),
        ("rules/common -> ../common", "rules", ["rules/common/b.yml SECRET"], []),
        ("rules/up -> ..", "rules", ["rules/up/common/b.yml SECRET"], []),
        ("rules/x.yml -> /etc/passwd", "rules", [], [f"rules/x.yml {OUTSIDE}"]),
        ("rules/x -> /etc/passwd", "rules", [], []),
        ("rules/x.yml -> ../../out/secret.yml", "rules", [], [f"rules/x.yml {OUTSIDE}"]),
        ("rules/x.yml -> ../../out/none.yml", "rules", [], [f"rules/x.yml {OUTSIDE}"]),
        ("rules/x.yml -> none.yml", "rules", [], ["rules/x.yml does not exist"]),
        ("rules/x.yml -> x.yml", "rules", [], ["rules/x.yml is a loop of links, not a file or folder"]),
        ("rules/x -> x", "rules", [], []),
        ("rules/x -> ../../out", "rules", [], [f"rules/x {OUTSIDE}"]),
        ("rules/x.yml -> ../../out", "rules", [], [f"rules/x.yml {OUTSIDE}"]),
        ("rules/git -> ../.git", "rules", [], ["rules/git is in .git, which belongs to Git"]),
        ("rules/.x.yml -> /etc/passwd", "rules", [], []),
        ("rules/zero.yml -> /dev/zero", "rules", [], [f"rules/zero.yml {OUTSIDE}"]),
    ],
)
def test_links_in_a_folder(repository: Path, link: str, given: str, more: list[str], errors: list[str]) -> None:
    name, _, target = link.partition(" -> ")
    Path(name).symlink_to(target)
    files, messages = _files([given])
    assert files == ["rules/a.yml SECRET", *more]
    assert messages == [error.replace("ROOT", str(repository)) for error in errors]


@pytest.mark.parametrize("name", ["x.yml", "x", "x/secret.yml"])
def test_a_link_out_of_the_repository_is_not_a_rule(repository: Path, name: str) -> None:
    Path("x").symlink_to("../out")
    Path("x.yml").symlink_to("../out/secret.yml")
    assert _files([name]) == ([], [f"{name} is a link out of the repository {repository}"])
    assert _files([f"../out/{name.rpartition('/')[2]}"])[0] == (["../out/secret.yml SECRET"] if "/" in name else [])


def test_links_and_pipes_that_are_excluded_are_not_looked_at(repository: Path) -> None:
    Path("rules/x.yml").symlink_to("../../out/secret.yml")
    Path("rules/out").symlink_to("../../out")
    os.mkfifo("rules/pipe.yml")
    assert _files(["rules"], ("x.yml", "out", "pipe.*")) == (["rules/a.yml SECRET"], [])
    assert "rules/pipe.yml is a named pipe, not a file or folder" in _files(["rules"])[1]
    assert repository.is_dir()


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every folder")
def test_a_folder_that_cannot_be_read(repository: Path) -> None:
    Path("rules/closed").mkdir(mode=0)
    assert _files(["rules"])[1] == ["rules/closed cannot be read: Permission denied"]
    assert repository.is_dir()


def test_a_named_pipe_on_the_command_line_is_read(repository: Path) -> None:
    read, write = os.pipe()
    os.write(write, b"title: x\n")
    os.close(write)
    assert _files([f"/dev/fd/{read}"]) == ([f"/dev/fd/{read} title: x\n"], [])
    os.close(read)
    assert repository.is_dir()


GUIDES = ["rules/a.md", "samples/a_rule/guide.md"]


@pytest.mark.parametrize("guide", GUIDES)
@pytest.mark.parametrize(
    ("target", "error"),
    [
        ("TOP/common/guide.md", None),
        ("/etc/passwd", OUTSIDE),
        ("TOP/../out/guide.md", OUTSIDE),
        ("TOP/../out/none.md", OUTSIDE),
        ("TOP/.git/x.yml", "is in .git, which belongs to Git"),
        ("TOP/none.md", "does not exist"),
        ("TOP/rules", "is a folder, not a file"),
        ("TOP/latin.md", "is not UTF-8"),
        ("TOP/large.md", "is larger than 1048576 bytes"),
    ],
)
def test_a_guide_is_inside_the_repository(repository: Path, guide: str, target: str, error: str | None) -> None:
    Path("common/guide.md").write_text("# Look\n", encoding="utf-8")
    Path("latin.md").write_bytes(b"\xe9\n")
    Path("large.md").write_bytes(b"x" * (1024 * 1024 + 1))
    Path(guide).parent.mkdir(parents=True, exist_ok=True)
    Path(guide).symlink_to(target.replace("TOP", "/".join([".."] * guide.count("/"))))
    if error is None:
        assert read_guide(Path("rules/a.yml"), "a_rule", None) == "# Look\n"
        return
    with pytest.raises(RuleError) as caught:
        read_guide(Path("rules/a.yml"), "a_rule", None)
    shown = guide if guide == GUIDES[0] else repository / guide
    assert caught.value.message == f"the guide {shown} {error}".replace("ROOT", str(repository))


def test_samples_outside_hold_no_guide(repository: Path) -> None:
    (repository.parent / "out" / "a_rule").mkdir()
    (repository.parent / "out" / "a_rule" / "guide.md").write_text("SECRET", encoding="utf-8")
    Path("samples").symlink_to("../out")
    assert read_guide(Path("rules/a.yml"), "a_rule", None) is None
    Path("samples").unlink()
    Path("samples").mkdir()
    Path("samples/a_rule").symlink_to("../../out/a_rule")
    with pytest.raises(RuleError, match="is outside the repository"):
        read_guide(Path("rules/a.yml"), "a_rule", None)


def test_guides_without_a_repository(repository: Path) -> None:
    (repository / ".git").rename(repository / "git")
    Path("samples/a_rule").mkdir(parents=True)
    Path("samples/a_rule/guide.md").write_text("# Above\n", encoding="utf-8")
    assert read_guide(Path("rules/a.yml"), "a_rule", None) == "# Above\n"
    assert read_guide(Path("rules/none.yml"), "a_rule", None) is None
    Path("rules/a.md").write_text("# Beside\n", encoding="utf-8")
    assert read_guide(Path("rules/a.yml"), "a_rule", None) == "# Beside\n"
