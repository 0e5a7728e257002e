"""CI on a pull request of a stranger: nothing outside the repository is run, read, shown or written (docs/security.md).

    row of hostile_repositories.yml ──build──> repository, with canaries beside it
    COMMANDS ──main, watched by an audit hook──> output, opened files, processes, connections ──> none has a canary

Python's audit hook sees every file that is opened, whoever asks for it, and every process and connection.
"""

from __future__ import annotations

import ast
import contextlib
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from converter.cli import main
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

CANARY = "canary7f3a"
"""In every file outside, in Git's configuration and in the environment; never in a file of the repository."""
ROWS = yaml.safe_load((Path(__file__).parent / "hostile_repositories.yml").read_text(encoding="utf-8"))
GOOD = """\
title: Good
name: good
logsource: {product: test}
detection: {selection: {kind: bad}, condition: selection}
"""
CASES = """\
rule: ../../rules/good.yml
time_field: timestamp
cases: [{name: a bad event, events: [{set: {kind: bad}}], expect: {alerts: 1}}]
"""
BASE = {
    ".git/config": f"[http]\n\textraheader = {CANARY}\n",
    ".git/HEAD": "ref: refs/heads/main\n",
    "rules/good.yml": GOOD,
    "samples/good/cases.yml": CASES,
    "logs/log.ndjson": '{"kind": "bad", "timestamp": "2026-01-01T00:00:00Z"}\n',
    "queries/q.spl": "search kind=bad | lookup t kind | `m`",
    "queries/macros.conf": "[m]\ndefinition = head 1\n",
    "queries/table.csv": "kind,why\nbad,x\n",
}
OUTSIDE = {
    "secret.yml": f"{CANARY}: [\n",
    "secret.toml": f"{CANARY} = [\n",
    "secret.md": f"# {CANARY}\n",
    "secret.csv": f"{CANARY}\n",
    "secret.ndjson": f"{CANARY}\n",
    "log.ndjson": f'{{"kind": "bad", "x": "{CANARY}", "timestamp": "2026-01-01T00:00:00Z"}}\n',
    "rule.yml": GOOD.replace("Good", CANARY),
    "cases.yml": CASES.replace("a bad event", CANARY),
    "pipe.yml": f"name: p\ntransformations: [{{type: field_name_prefix, prefix: {CANARY}}}]\n",
    f"{CANARY}.yml": "name: x\n",
    "template": f"{CANARY}\n",
}
CHECKS = [
    "check rules",
    "check --format json rules",
    "check --format sarif rules",
    "check rules/x.yml",
]
COMMANDS = [
    *CHECKS,
    "-t all --allow-unmapped -d out rules",
    "-t splunk,elastic-toml --allow-unmapped rules",
    "-t splunk -o out.spl rules",
    "eval rules --logs logs/log.ndjson",
    "run -L spl @queries/q.spl --logs logs/log.ndjson --macros queries/macros.conf --table t=queries/table.csv",
    "test -j 1",
    "test -j 1 --format json samples",
    "test -j 1 --format junit",
    "test -j 1 --format github",
]
PROCESSES = {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.forkpty", "pty.spawn"}
CONNECTIONS = {"socket.connect", "socket.getaddrinfo", "socket.sendto", "urllib.Request"}
SECONDS = 120


class Watch:
    """What this process and those that it forks did while they were watched: `open PATH`, or the name of an event.

    Events are kept in a file without a name, which the forked processes share.
    """

    def __init__(self) -> None:
        self.file = tempfile.TemporaryFile()  # noqa: SIM115  for as long as the process lives, as the hook
        self.watching = False
        sys.addaudithook(self)

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Take an event, as Python's audit hook."""
        if not self.watching:
            return
        if event in {"open", "os.listdir", "os.scandir"} and isinstance(arguments[0], str | bytes | os.PathLike):
            self.watching = False
            self.write(f"{event} {os.path.realpath(os.fsdecode(arguments[0]))}")
            self.watching = True
        elif event in PROCESSES | CONNECTIONS:
            self.write(f"{event} {arguments}")

    def write(self, event: str) -> None:
        """Keep an event."""
        os.write(self.file.fileno(), f"{event!r}\n".encode())

    @contextlib.contextmanager
    def during(self) -> Iterator[list[str]]:
        """Yield a list that has what was done in the block, once it ends."""
        events: list[str] = []
        start = self.file.seek(0, os.SEEK_END)
        self.watching = True
        try:
            yield events
        finally:
            self.watching = False
            self.file.seek(start)
            events += [ast.literal_eval(line.decode()) for line in self.file.readlines()]


@pytest.fixture(scope="module")
def watch() -> Watch:
    return Watch()


@pytest.fixture
def top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the repository `repo` and the folder `outside`; no run takes longer than `SECONDS`."""
    for folder, files in (("repo", BASE), ("outside", OUTSIDE)):
        _write(tmp_path / folder, files)
    monkeypatch.chdir(tmp_path / "repo")
    monkeypatch.setenv("CANARY", CANARY)
    signal.alarm(SECONDS)
    yield tmp_path
    signal.alarm(0)


def _write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _build(row: dict[str, Any], top: Path) -> None:
    def filled(text: str) -> str:
        return text.replace("@OUT@", str(top / "outside")).replace("@PWNED@", str(top / "pwned"))

    repo = top / "repo"
    for name in row.get("remove", ()):
        shutil.rmtree(repo / name) if (repo / name).is_dir() else (repo / name).unlink()
    _write(repo, {name: filled(text) for name, text in row.get("files", {}).items()})
    for name, target in row.get("links", {}).items():
        (repo / name).parent.mkdir(parents=True, exist_ok=True)
        (repo / name).symlink_to(filled(target))


def _state(top: Path) -> dict[str, tuple[int, str]]:
    """Return every file, folder and link with its mode and content, without the outputs inside the repository."""
    state = {}
    for folder, folders, files in os.walk(top):
        here = Path(folder)
        for name in [*folders, *files]:
            path = here / name
            mode = path.lstat().st_mode
            content = str(path.readlink()) if stat.S_ISLNK(mode) else path.read_text() if stat.S_ISREG(mode) else ""
            state[str(path.relative_to(top))] = (mode, content)
    outputs = re.compile(r"repo/out(\.spl|/.*)?")
    return {name: value for name, value in state.items() if not outputs.fullmatch(name)}


def _strange(event: str, top: Path) -> bool:
    """Return whether an event is one that no run may cause."""
    kind, _, name = event.partition(" ")
    if kind not in {"open", "os.listdir", "os.scandir"}:
        return True
    path = Path(name)
    if path.is_relative_to(top):
        inside = path.is_relative_to(top / "repo") and not path.is_relative_to(top / "repo" / ".git")
        return not inside or path.suffix in {".py", ".pyc", ".so"}
    return name.startswith("/proc/") or name in {"/etc/passwd", "/dev/zero", "/"}


@pytest.mark.parametrize("row", ROWS, ids=[row["name"] for row in ROWS])
def test_nothing_outside_is_run_read_shown_or_written(
    row: dict[str, Any], top: Path, watch: Watch, capsys: pytest.CaptureFixture[str]
) -> None:
    _build(row, top)
    before = _state(top)
    said = ""
    for command in COMMANDS:
        with watch.during() as events:
            status = main(command.split())
        out, err = capsys.readouterr()
        assert CANARY not in out + err, command
        assert [event for event in events if _strange(event, top)] == [], command
        assert status in {0, 1, 2, 3}, f"{command}: {err}"
        lines = re.split(r"[\r\n]", err if "github" in command else out + err)
        assert [line for line in lines if line.lstrip().startswith("::") or "\x1b" in line] == [], command
        said += out + err
    assert _state(top) == before
    written = [path for path in (top / "repo").glob("out*/*") if path.resolve().is_relative_to(top / "repo")]
    for path in written:
        assert CANARY not in path.read_text(encoding="utf-8"), path
    for words in row.get("says", ()):
        assert words in said


@pytest.mark.parametrize("command", ["check rules", "-t splunk rules", "test -j 2"])
def test_another_process_runs_no_python_of_the_repository(top: Path, command: str) -> None:
    for row in ROWS:
        if any(name.endswith(".py") for name in row.get("files", ())) and "sigma-convert.toml" not in row["files"]:
            _build(row, top)
    assert list((top / "repo").glob("*.py"))
    before = _state(top)
    program = "import sys; from converter.cli import main; sys.exit(main())"  # as the script of the package does
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    ran = subprocess.run(  # noqa: S603  our own program
        [sys.executable, "-P", "-c", program, *command.split()],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode in {0, 1}, ran.stderr
    assert CANARY not in ran.stdout + ran.stderr
    assert _state(top) == before


def test_the_watch_sees_what_it_must_see(top: Path, watch: Watch) -> None:
    with watch.during() as events:
        (top / "outside" / "secret.yml").read_text(encoding="utf-8")
        (top / "repo" / ".git" / "config").read_bytes()
        list(top.iterdir())
        Path("/etc/passwd").read_text(encoding="utf-8")
        os.system("true")  # noqa: S605, S607
        if not (child := os.fork()):  # a process that this one forks is watched too
            (top / "outside" / "secret.toml").read_text(encoding="utf-8")
            os._exit(0)
        os.waitpid(child, 0)
    assert len(events) == 6
    assert all(_strange(event, top) for event in events)
    with watch.during() as events:
        (top / "repo" / "rules" / "good.yml").read_text(encoding="utf-8")
    assert not any(_strange(event, top) for event in events)


def test_the_base_is_well(top: Path, watch: Watch, capsys: pytest.CaptureFixture[str]) -> None:
    statuses = []
    for command in COMMANDS:
        with watch.during() as events:
            statuses.append(main(command.split()))
        assert [event for event in events if _strange(event, top)] == [], command
    assert "good" in capsys.readouterr().out
    assert statuses == [1, 1, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0]
