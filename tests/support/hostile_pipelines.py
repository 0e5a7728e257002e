"""Run the command line on each of strangers' pipelines, in a process of its own that notes what it must not do.

stdin: a JSON list of arguments ──main for each──> stdout: a JSON list of {status, out, err, did}
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from pathlib import Path
from typing import Any

FORBIDDEN = (
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "subprocess.Popen",
    "socket.connect",
    "socket.getaddrinfo",
)


def _main() -> None:
    import resource  # noqa: PLC0415  not on Windows

    resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
    canaries, runs = json.load(sys.stdin)
    resolved = [str(Path(canary).resolve()) for canary in canaries]
    did: list[str] = []

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event in FORBIDDEN or (
            event == "open" and isinstance(arguments[0], str) and str(Path(arguments[0]).resolve()) in resolved
        ):
            did.append(f"{event} {arguments[0]!r}")

    from converter.cli import main  # noqa: PLC0415  after the limit of memory

    sys.addaudithook(watch)
    results: list[dict[str, Any]] = []
    for arguments in runs:
        did.clear()
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = main(arguments)
        results.append({"status": status, "out": out.getvalue(), "err": err.getvalue(), "did": list(did)})
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    _main()
