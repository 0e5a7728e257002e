"""Writing files: whole or not at all, what is replaced keeps its mode, nothing is left of what failed."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from converter.errors import ConfigurationError
from converter.report.destination import file_id
from converter.report.files import write_file, write_files

if TYPE_CHECKING:
    from collections.abc import Callable

POSIX_ACL = "system.posix_acl_access"


def everything(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=["file", "folder"])
def write(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """Write a file as `-o` does, or as `-d` does."""
    if request.param == "file":
        return write_file
    return lambda path, text: write_files(path.parent, {path.name: text})


def test_a_new_file_has_the_mode_that_any_new_file_has(tmp_path: Path, write: Callable[[Path, str], None]) -> None:
    before = os.umask(0o027)
    try:
        write(tmp_path / "new/folder/x.q", "x\n")
    finally:
        os.umask(before)
    assert (tmp_path / "new/folder/x.q").read_bytes() == b"x\n"
    assert mode_of(tmp_path / "new/folder/x.q") == 0o640
    assert everything(tmp_path) == {"new", "new/folder", "new/folder/x.q"}


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o664, 0o755, 0o200, 0o6755])
def test_a_replaced_file_keeps_its_mode(tmp_path: Path, write: Callable[[Path, str], None], mode: int) -> None:
    path = tmp_path / "x.q"
    path.write_text("old")
    path.chmod(mode)
    write(path, "new")
    assert path.read_text() == "new"
    assert mode_of(path) == mode


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give a file to another user")
def test_a_replaced_file_keeps_its_owner(tmp_path: Path, write: Callable[[Path, str], None]) -> None:
    path = tmp_path / "x.q"
    path.write_text("old")
    os.chown(path, 12345, 54321)
    write(path, "new")
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 54321)


def test_an_owner_that_cannot_be_kept_takes_the_rights_of_its_programs_along(
    tmp_path: Path, write: Callable[[Path, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.q"
    path.write_text("old")
    if os.geteuid() == 0:
        os.chown(path, 12345, 54321)
    path.chmod(0o6755)

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "no")

    monkeypatch.setattr(os, "chown", refuse)
    write(path, "new")
    assert path.read_text() == "new"
    assert mode_of(path) == (0o755 if os.geteuid() == 0 else 0o6755)


def test_a_replaced_file_keeps_its_attributes_and_gets_a_new_time(
    tmp_path: Path, write: Callable[[Path, str], None]
) -> None:
    path = tmp_path / "x.q"
    path.write_text("old")
    os.utime(path, (1, 1))
    try:
        os.setxattr(path, "user.note", b"kept")
    except (OSError, AttributeError):
        pytest.skip("the file system has no attributes")
    write(path, "new")
    assert os.getxattr(path, "user.note") == b"kept"
    assert path.stat().st_mtime > 1e9


def test_a_link_to_a_file_is_followed(tmp_path: Path, write: Callable[[Path, str], None]) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "below/real.q").write_text("old")
    (tmp_path / "middle.q").symlink_to("below/real.q")
    (tmp_path / "x.q").symlink_to(tmp_path / "middle.q")
    write(tmp_path / "x.q", "new")
    assert (tmp_path / "x.q").is_symlink()
    assert (tmp_path / "middle.q").is_symlink()
    assert (tmp_path / "below/real.q").read_text() == "new"
    assert everything(tmp_path) == {"below", "below/real.q", "middle.q", "x.q"}


def test_a_link_to_nothing_makes_its_target(tmp_path: Path, write: Callable[[Path, str], None]) -> None:
    (tmp_path / "x.q").symlink_to("real.q")
    write(tmp_path / "x.q", "new")
    assert (tmp_path / "x.q").is_symlink()
    assert (tmp_path / "real.q").read_text() == "new"


@pytest.mark.parametrize("target", ["../victim", "/{}/victim", "back/../../victim", "up/victim", "../nothing"])
def test_a_link_out_of_the_folder_is_refused(tmp_path: Path, target: str) -> None:
    (tmp_path / "victim").write_text("precious")
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "back").mkdir()
    (folder / "up").symlink_to("..")
    (folder / "x.q").symlink_to(target.format(tmp_path.relative_to("/")))
    before = everything(tmp_path)
    with pytest.raises(ConfigurationError, match="leads out of the folder"):
        write_files(folder, {"a.q": "1", "x.q": "2"})
    assert (tmp_path / "victim").read_text() == "precious"
    assert everything(tmp_path) == before


def test_a_link_to_a_hidden_file_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/config").write_text("precious")
    (tmp_path / "x.q").symlink_to(".git/config")
    with pytest.raises(ConfigurationError, match="leads to what is hidden"):
        write_files(tmp_path, {"x.q": "new"})
    with pytest.raises(ConfigurationError, match="leads to what is hidden"):
        write_file(tmp_path / "x.q", "new")
    assert (tmp_path / ".git/config").read_text() == "precious"


@pytest.mark.parametrize("planted", ["out", "out/below", "out/below/x.q"])
def test_a_link_of_a_repository_does_not_lead_out_of_it(
    tmp_path: Path, write: Callable[[Path, str], None], planted: str
) -> None:
    home, repository = tmp_path / "home", tmp_path / "repository"
    (home / "below").mkdir(parents=True)
    (home / "x.q").write_text("precious")
    (home / "below/x.q").write_text("precious")
    (repository / ".git").mkdir(parents=True)
    link = repository / planted
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to({"out": home, "out/below": home / "below", "out/below/x.q": home / "x.q"}[planted])
    before = everything(tmp_path)
    with pytest.raises(ConfigurationError, match="leads out of the"):
        write(repository / "out/below/x.q", "new")
    assert everything(tmp_path) == before
    assert (home / "x.q").read_text() == (home / "below/x.q").read_text() == "precious"


def test_a_link_of_the_users_own_leads_anywhere(tmp_path: Path, write: Callable[[Path, str], None]) -> None:
    (tmp_path / "share/below").mkdir(parents=True)
    (tmp_path / "out").symlink_to("share")
    write(tmp_path / "out/below/x.q", "new")
    assert (tmp_path / "share/below/x.q").read_text() == "new"


def test_a_loop_of_links_is_one_error(tmp_path: Path, write: Callable[[Path, str], None]) -> None:
    (tmp_path / "x.q").symlink_to("y.q")
    (tmp_path / "y.q").symlink_to("x.q")
    with pytest.raises(ConfigurationError, match="Too many levels"):
        write(tmp_path / "x.q", "new")
    assert everything(tmp_path) == {"x.q", "y.q"}


def test_a_file_with_a_second_name_is_refused(tmp_path: Path, write: Callable[[Path, str], None]) -> None:
    (tmp_path / "x.q").write_text("old")
    os.link(tmp_path / "x.q", tmp_path / "other")
    with pytest.raises(ConfigurationError, match="2 names \\(hard links\\)"):
        write(tmp_path / "x.q", "new")
    assert (tmp_path / "x.q").samefile(tmp_path / "other")
    assert (tmp_path / "other").read_text() == "old"


def test_a_read_only_file_is_refused(tmp_path: Path, write: Callable[[Path, str], None]) -> None:
    (tmp_path / "x.q").write_text("old")
    (tmp_path / "x.q").chmod(0o444)
    with pytest.raises(ConfigurationError, match="it is read-only") as caught:
        write(tmp_path / "x.q", "new")
    assert "chmod u+w" in caught.value.hint
    assert (tmp_path / "x.q").read_text() == "old"


@pytest.mark.parametrize("name", ["link", "same", "x.q"])
def test_an_input_is_not_replaced(tmp_path: Path, name: str) -> None:
    source = tmp_path / "x.q"
    source.write_text("precious")
    os.link(source, tmp_path / "same")
    (tmp_path / "link").symlink_to("x.q")
    inputs = {file_id(source.stat()): f"the rule {source}"}
    for path in (tmp_path / name, tmp_path / "new/.." / name):
        with pytest.raises(ConfigurationError, match=f"the output would replace the rule {source}"):
            write_file(path, "new", inputs)
        with pytest.raises(ConfigurationError, match=f"the output would replace the rule {source}"):
            write_files(path.parent, {"a.q": "1", path.name: "new"}, inputs)
    assert source.read_text() == "precious"
    assert everything(tmp_path) == {"x.q", "same", "link"}


def test_two_names_of_one_file_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.q").write_text("old")
    (tmp_path / "b.q").symlink_to("a.q")
    (tmp_path / "c.q").symlink_to("new.q")
    for texts in ({"a.q": "1", "b.q": "2"}, {"c.q": "1", "new.q": "2"}):
        with pytest.raises(ConfigurationError, match="are the same file"):
            write_files(tmp_path, texts)
    assert (tmp_path / "a.q").read_text() == "old"
    assert everything(tmp_path) == {"a.q", "b.q", "c.q"}


def make_folder(path: Path) -> None:
    path.mkdir()


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize("make", [make_folder, make_pipe])
def test_what_is_no_file_is_not_replaced_in_a_folder(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "b.q")
    with pytest.raises(ConfigurationError, match="cannot write"):
        write_files(tmp_path, {"a.q": "1", "b.q": "2"})
    assert everything(tmp_path) == {"b.q"}


@pytest.mark.parametrize("path", ["x.q", "below/x.q", "file/x.q", "file", "n" * 300 + ".q"])
def test_a_path_that_cannot_be_is_one_error(tmp_path: Path, write: Callable[[Path, str], None], path: str) -> None:
    (tmp_path / "file").write_text("old")
    (tmp_path / "x.q").mkdir()
    before = everything(tmp_path)
    if path == "below/x.q":
        (tmp_path / "below").symlink_to("file")
        before.add("below")
    if path == "file":
        with pytest.raises(ConfigurationError, match="is not a folder"):
            write_files(tmp_path / path, {"x.q": "new"})
    else:
        with pytest.raises(ConfigurationError, match="cannot write"):
            write(tmp_path / path, "new")
    assert everything(tmp_path) == before
    assert (tmp_path / "file").read_text() == "old"


FAILURES = [
    ("write", errno.ENOSPC),
    ("fsync", errno.EIO),
    ("fsync", errno.EDQUOT),
    ("replace", errno.EACCES),
    ("mkdir", errno.EROFS),
    ("open", errno.EMFILE),
]


@pytest.mark.parametrize(("call", "number"), FAILURES)
def test_nothing_is_left_when_writing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path, str], None], call: str, number: int
) -> None:
    (tmp_path / "x.q").write_text("old")

    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    if call == "write":
        monkeypatch.setattr(os, "fdopen", fail)
    elif call == "mkdir":
        monkeypatch.setattr(Path, "mkdir", fail)
    else:
        monkeypatch.setattr(os, call, fail)
    for path in ("x.q", "new/x.q"):
        with pytest.raises(ConfigurationError, match=os.strerror(number)) as caught:
            write(tmp_path / path, "new")
        assert ".sigma-convert-" not in caught.value.message
    monkeypatch.undo()
    assert everything(tmp_path) == {"x.q"}
    assert (tmp_path / "x.q").read_text() == "old"


def test_an_error_while_renaming_says_how_many_files_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace, calls = os.replace, []

    def fail_third(source: Path, target: Path) -> None:
        calls.append(target)
        if len(calls) == 3:
            raise OSError(errno.EIO, "broken")
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail_third)
    with pytest.raises(ConfigurationError, match=r"c.q: broken; 2 of 4 files are written"):
        write_files(tmp_path, dict.fromkeys(("a.q", "b.q", "c.q", "d.q"), "x"))
    assert everything(tmp_path) == {"a.q", "b.q"}


def test_half_a_character_is_not_written(tmp_path: Path, write: Callable[[Path, str], None]) -> None:
    with pytest.raises(ConfigurationError, match=r"U\+D800"):
        write(tmp_path / "new/x.q", "a\ud800")
    assert everything(tmp_path) == set()


def test_files_are_flushed_before_they_are_renamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    fsync, replace = os.fsync, os.replace

    def record_flush(handle: int) -> None:
        order.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        fsync(handle)

    def record_rename(source: Path, target: Path) -> None:
        order.append("rename")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", record_flush)
    monkeypatch.setattr(os, "replace", record_rename)
    write_files(tmp_path, {"a.q": "1", "b.q": "2"})
    assert order == ["file", "file", "rename", "rename", "folder"]


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP])
def test_a_file_system_that_cannot_flush_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def fail(_: int) -> None:
        raise OSError(number, "cannot flush")

    monkeypatch.setattr(os, "fsync", fail)
    write_files(tmp_path, {"a.q": "1"})
    assert everything(tmp_path) == {"a.q"}


def test_no_file_makes_the_folder(tmp_path: Path) -> None:
    write_files(tmp_path / "new", {})
    assert everything(tmp_path) == {"new"}


def test_a_terminal_gets_no_control_characters(tmp_path: Path) -> None:
    parent, child = os.openpty()
    (tmp_path / "link").symlink_to(os.ttyname(child))
    write_file(tmp_path / "link", "a\x1b]8;;http://x\x1b\\b\u202e\tc\n")
    shown = os.read(parent, 10_000)
    os.close(parent)
    os.close(child)
    assert shown.split() == [rb"a\x1b]8;;http://x\x1b\b\u202e", b"c"]
    assert (tmp_path / "link").is_symlink()
