"""Which files a file may name: on a small world of folders, links and special files."""

from __future__ import annotations

import os
import socket
from contextlib import closing
from pathlib import Path

import pytest

from converter.readers.folders import list_files
from converter.readers.scope import Scope, ScopeError, check_named, is_strange, repository_of

OUTSIDE = "is outside the repository ROOT"
GIT = "is in .git, which belongs to Git"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository `repo` beside a folder `out`, with links between them; the current folder is `repo`."""
    repo = tmp_path / "repo"
    for name in ("repo/.git/config", "repo/a/rule.yml", "repo/b/c/rule.yml", "repo/.hidden/x.yml", "out/secret.yml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("text", encoding="utf-8")
    for link, target in {
        "a/inside.yml": "../b/c/rule.yml",
        "a/outside.yml": "../../out/secret.yml",
        "a/absolute.yml": str(tmp_path / "out" / "secret.yml"),
        "a/nowhere_outside.yml": "../../out/none.yml",
        "a/nowhere.yml": "none.yml",
        "a/git.yml": "../.git/config",
        "a/first.yml": "second.yml",
        "a/second.yml": "first.yml",
        "a/chain.yml": "outside.yml",
        "a/zero.yml": "/dev/zero",
        "a/environment.yml": "/proc/self/environ",
        "b/up": "..",
        "b/out": "../../out",
        "b/a": "../a",
    }.items():
        (repo / link).symlink_to(target)
    os.mkfifo(repo / "pipe.yml")
    monkeypatch.chdir(repo)
    return tmp_path


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("a/rule.yml", "a/rule.yml"),
        ("a/../a/rule.yml", "a/../a/rule.yml"),
        ("a/inside.yml", "ROOT/b/c/rule.yml"),
        ("b/a/rule.yml", "ROOT/a/rule.yml"),
        ("b/up/b/up/a/rule.yml", "ROOT/a/rule.yml"),
        ("a/outside.yml", OUTSIDE),
        ("a/absolute.yml", OUTSIDE),
        ("a/chain.yml", OUTSIDE),
        ("a/nowhere_outside.yml", OUTSIDE),
        ("b/out/secret.yml", OUTSIDE),
        ("b/out/none.yml", OUTSIDE),
        ("../out/secret.yml", OUTSIDE),
        ("../out/none.yml", OUTSIDE),
        ("../repo2/rule.yml", OUTSIDE),
        ("/etc/passwd", OUTSIDE),
        ("a/zero.yml", OUTSIDE),
        ("a/environment.yml", OUTSIDE),
        ("a/git.yml", GIT),
        (".git/config", GIT),
        (".GIT/config", GIT),
        ("b/up/.git/config", GIT),
        ("a/none.yml", "does not exist"),
        ("a/nowhere.yml", "does not exist"),
        ("a/rule.yml/x.yml", "does not exist"),
        ("a/\0.yml", "does not exist"),
        ("a/\ud800.yml", "does not exist"),
        (f"a/{'x' * 300}.yml", "cannot be read: File name too long"),
        ("a/first.yml", "is a loop of links, not a file"),
        ("a", "is a folder, not a file"),
        ("", "is a folder, not a file"),
        ("b/up", "is a folder, not a file"),
        ("pipe.yml", "is a named pipe, not a file"),
        ("socket", "is a socket, not a file"),
    ],
)
def test_file(world: Path, path: str, answer: str) -> None:
    with closing(socket.socket(socket.AF_UNIX)) as listening:
        listening.bind("socket")
        assert _answer(path) == answer.replace("ROOT", str(world / "repo"))


def _answer(path: str) -> str:
    try:
        return str(Scope.of().file(path))
    except ScopeError as error:
        return str(error)


@pytest.mark.parametrize(("path", "missing"), [("a/none.yml", True), ("a", False), ("../out/none.yml", False)])
@pytest.mark.usefixtures("world")
def test_what_is_missing_inside(path: str, missing: bool) -> None:  # noqa: FBT001  a parameter
    with pytest.raises(ScopeError) as caught:
        Scope.of().file(path)
    assert caught.value.missing == missing


@pytest.mark.parametrize(
    ("here", "given", "roots"),
    [
        ("repo", [], ["repo"]),
        ("repo/a", [], ["repo"]),
        ("repo", ["a", "b/c/rule.yml"], ["repo"]),
        ("repo", ["../out"], ["repo", "out"]),
        ("repo", ["../out/secret.yml", "-", "../none"], ["repo", "out", ""]),
        ("out", [], ["out"]),
        ("out", ["../repo/a"], ["repo"]),
        ("", ["out/secret.yml"], [""]),
        ("", ["repo/a", "out"], ["repo", ""]),
        ("", ["repo/b/out"], [""]),
    ],
)
def test_roots(world: Path, here: str, given: list[str], roots: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(world / here)
    assert list(Scope.of(given).roots) == [world / root for root in roots]


def test_the_root_of_the_file_system_is_not_a_scope_for_what_is_given(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    assert Scope.of([world / "out"]).roots == (world / "out",)


def test_a_worktree_and_a_submodule_are_repositories(world: Path) -> None:
    (world / "out" / ".git").write_text("gitdir: elsewhere\n", encoding="utf-8")
    assert repository_of(world / "out") == world / "out"
    assert Scope.of([world / "out" / "secret.yml"]).roots == (world / "repo", world / "out")


def test_a_deleted_current_folder_is_no_scope(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (world / "gone").mkdir()
    monkeypatch.chdir(world / "gone")
    (world / "gone").rmdir()
    assert Scope.of().roots == ()
    with pytest.raises(ScopeError, match="does not exist"):
        Scope.of().file("rule.yml")
    with pytest.raises(ScopeError, match="is outside every folder that was given"):
        Scope.of().file(world / "out" / "secret.yml")
    assert Scope.of([world / "out"]).file(world / "out" / "secret.yml") == world / "out" / "secret.yml"


@pytest.mark.parametrize(
    ("path", "refused"),
    [
        ("a/rule.yml", False),
        ("a/inside.yml", False),
        ("b/up/a", False),
        ("../out/secret.yml", False),
        ("/dev/stdin", False),
        ("-", False),
        ("none", False),
        ("a/first.yml", False),
        ("pipe.yml", False),
        ("a/outside.yml", True),
        ("a/chain.yml", True),
        ("b/out", True),
        ("b/out/secret.yml", True),
        ("b/up/../out/secret.yml", False),
        ("b/out/../out/secret.yml", True),
        ("a/nowhere_outside.yml", True),
        ("a/git.yml", True),
        ("a/zero.yml", True),
    ],
)
def test_named_on_the_command_line(world: Path, path: str, refused: bool) -> None:  # noqa: FBT001  a parameter
    if refused:
        with pytest.raises(ScopeError, match=f"^is a link out of the repository {world}/repo$"):
            check_named(path)
    else:
        check_named(path)


def test_without_a_repository_a_link_may_lead_anywhere(world: Path) -> None:
    (world / "link").symlink_to("out")
    check_named(world / "link" / "secret.yml")


def test_files_of_a_folder(world: Path) -> None:
    listing = list_files(Path(), Scope.of(), lambda path: path.suffix == ".yml")
    assert [str(file.name) for file in listing.files] == ["a/inside.yml", "a/rule.yml", "b/c/rule.yml"]
    assert [str(file.path) for file in listing.files] == [
        str(world / "repo/b/c/rule.yml"),
        "a/rule.yml",
        "b/c/rule.yml",
    ]
    outside = OUTSIDE.replace("ROOT", str(world / "repo"))
    assert {str(path): str(error) for path, error in listing.errors} == {
        "pipe.yml": "is a named pipe, not a file or folder",
        "a/absolute.yml": outside,
        "a/chain.yml": outside,
        "a/environment.yml": outside,
        "a/first.yml": "is a loop of links, not a file or folder",
        "a/git.yml": GIT,
        "a/nowhere.yml": "does not exist",
        "a/nowhere_outside.yml": outside,
        "a/outside.yml": outside,
        "a/second.yml": "is a loop of links, not a file or folder",
        "a/zero.yml": outside,
        "b/out": outside,
    }


def test_links_to_folders_are_followed_once(world: Path) -> None:
    listing = list_files(Path("b"), Scope.of(), lambda path: path.name == "rule.yml", lambda path: path.name == "out")
    # `b/up` is the repository, and `a` is in it; `b/c` has a name without links.
    assert [str(file.name) for file in listing.files] == ["b/c/rule.yml", "b/up/a/rule.yml"]
    assert listing.errors == []
    assert world.is_dir()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_repository_of_a_stranger_does_not_count(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger, user = 12_345, 54_321
    shared = world / "shared"
    (shared / "mine").mkdir(parents=True)
    shared.chmod(0o1777)
    (shared / "sigma-convert.toml").touch()
    (shared / ".git").mkdir()
    os.chown(shared / "mine", user, -1)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    assert repository_of(shared / "mine") == shared  # root's
    assert not is_strange(shared / "sigma-convert.toml")
    os.chown(shared / ".git", stranger, -1)
    os.chown(shared / "sigma-convert.toml", stranger, -1)
    assert repository_of(shared / "mine") is None
    assert repository_of(shared) is None
    assert is_strange(shared / "sigma-convert.toml")
    os.chown(shared, stranger, -1)  # his own folder: whoever goes into it means it
    assert repository_of(shared) == shared
    assert repository_of(shared / "mine") is None
    assert not is_strange(shared / "sigma-convert.toml")
    os.chown(shared / "mine", stranger, -1)  # a checkout of another user, as in a container
    assert repository_of(shared / "mine") == shared
