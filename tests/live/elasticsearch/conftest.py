"""A server on this machine that replays recorded exchanges, and fails a test that asks anything else.

    exchanges/NAME.json ──steps──> Recording: each request must be the next one, and gets its answer

The exchanges are written from the vendor's API documentation, which each file names; no Elasticsearch has said them.
A step is {"request": {method, path, body}, "response": {status, body}}, or one of `STEPS` by name. A body in a request
is the part that is checked. {index} is the name of the index, learnt from the request that creates it.
"""

from __future__ import annotations

import json
import re
import threading
from copy import deepcopy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

FOLDER = Path(__file__).parent / "exchanges"
INDEX = re.compile(r"/(sigma-convert-test-[0-9a-f]{16})\b")
OK = {"acknowledged": True}
VERSION = {"request": {"method": "GET", "path": "/"}, "response": {"body": {"version": {"number": "9.3.3"}}}}
STEPS: Mapping[str, Any] = {
    # https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-indices-create
    "create": {"request": {"method": "PUT", "path": "/{index}"}, "response": {"body": {**OK, "index": "{index}"}}},
    # https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk
    "bulk": {
        "request": {"method": "PUT", "path": "/{index}/_bulk"},
        "response": {"body": {"took": 30, "errors": False, "items": []}},
    },
    # https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-indices-refresh
    "refresh": {
        "request": {"method": "POST", "path": "/{index}/_refresh"},
        "response": {"body": {"_shards": {"total": 1, "successful": 1, "failed": 0}}},
    },
    # https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-field-caps
    "fields": {
        "request": {"method": "POST", "path": "/{index}/_field_caps"},
        "response": {"body": {"indices": ["{index}"], "fields": {"user.name": {"keyword": {"type": "keyword"}}}}},
    },
    # https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-indices-delete
    "delete": {"request": {"method": "DELETE", "path": "/{index}"}, "response": {"body": OK}},
}
STORE = ("create", "bulk", "refresh")


class Server(ThreadingHTTPServer):
    """A server that keeps quiet about clients that hang up, as they do when they do not trust it."""

    def handle_error(self, *_: object) -> None:
        """Say nothing: the test looks at what was asked."""


class Recording:
    """The server.

    Attributes:
        url: where it listens.
        index: the name of the index, once it has been created.
        asked: (method, path) of each request so far.
        bodies: the bodies of the requests.
        problems: what was asked otherwise than recorded.
        reached: is set when a step with `"hold": true` is asked; its answer waits for `go_on`.
        go_on: lets a held answer go.
    """

    def __init__(self, steps: Sequence[Any], scheme: str = "http") -> None:
        self.left = [deepcopy(STEPS[step]) if isinstance(step, str) else step for step in steps]
        self.index = ""
        self.asked: list[tuple[str, str]] = []
        self.bodies: list[Any] = []
        self.headers: list[Mapping[str, str]] = []
        self.problems: list[str] = []
        self.reached, self.go_on = threading.Event(), threading.Event()
        self.server = Server(("127.0.0.1", 0), _handler(self))
        self.server.daemon_threads = True
        self.url = f"{scheme}://127.0.0.1:{self.server.server_address[1]}"

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        """Return status and body of the answer to a request."""
        path = path.partition("?")[0]
        self.asked.append((method, path))
        self.bodies.append(body)
        if not self.left:
            self.problems.append(f"{method} {path} after the last step")
            return 500, {"error": "not recorded"}
        step = self.left.pop(0)
        wanted = step["request"]
        if (found := INDEX.search(path)) and not self.index:
            self.index = found[1]
        if (method, path) != (wanted["method"], self._named(wanted["path"])):
            self.problems.append(f"{method} {path}, expected {wanted['method']} {wanted['path']}")
        if "body" in wanted and (bad := _differs(self._named(wanted["body"]), body, "body")):
            self.problems.append(bad)
        if step.get("hold"):
            self.reached.set()
            self.go_on.wait(20)
        answer = step["response"].get("body", {})
        return step["response"].get("status", 200), self._named(answer(self) if callable(answer) else answer)

    def _named(self, value: Any) -> Any:
        return json.loads(json.dumps(value).replace("{index}", self.index))


def _differs(wanted: Any, got: Any, path: str) -> str | None:
    """Return where a body lacks what is wanted of it, or None."""
    if isinstance(wanted, dict):
        if not isinstance(got, dict):
            return f"{path}: {got!r} is no object"
        pairs = [(wanted[key], got.get(key), f"{path}.{key}") for key in wanted]
    elif isinstance(wanted, list):
        if not isinstance(got, list) or len(wanted) != len(got):
            return f"{path}: {got!r}, expected {wanted!r}"
        pairs = [(one, other, f"{path}[{at}]") for at, (one, other) in enumerate(zip(wanted, got, strict=True))]
    else:
        return None if wanted == got else f"{path}: {got!r}, expected {wanted!r}"
    return next((bad for one, other, at in pairs if (bad := _differs(one, other, at))), None)


def _handler(recording: Recording) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _do(self) -> None:
            raw = self.rfile.read(int(self.headers.get("content-length", 0)))
            lines = [json.loads(line) for line in raw.split(b"\n") if line.strip()]
            many = "ndjson" in (self.headers.get("content-type") or "")
            recording.headers.append(dict(self.headers.items()))
            status, body = recording.answer(self.command, self.path, lines if many or len(lines) != 1 else lines[0])
            answer = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-type", "application/vnd.elasticsearch+json;compatible-with=9")
            self.send_header("x-elastic-product", "Elasticsearch")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _do  # noqa: N815  as the server calls them

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    return Handler


@pytest.fixture
def record(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Recording]]:
    """Give a function that starts a server with the steps of a file, or with steps; all of them must be asked."""
    for name in ("API_KEY", "USERNAME", "PASSWORD", "CA_CERT"):
        monkeypatch.delenv(f"SIGMA_CONVERT_ELASTICSEARCH_{name}", raising=False)
    monkeypatch.delenv("SIGMA_CONVERT_CREDENTIALS", raising=False)
    started: list[Recording] = []

    def start(*steps: Any, scheme: str = "http", wrap: Callable[[Any], Any] | None = None) -> Recording:
        expanded: list[Any] = []
        for step in steps:
            if isinstance(step, str) and step not in STEPS:
                recorded = json.loads((FOLDER / f"{step}.json").read_text(encoding="utf-8"))
                assert recorded["source"], "an exchange names the documents that it is written from"
                expanded += recorded["exchanges"]
            else:
                expanded.append(step)
        recording = Recording([VERSION, *expanded], scheme)
        if wrap is not None:
            recording.server.socket = wrap(recording.server.socket)
        started.append(recording)
        threading.Thread(target=recording.server.serve_forever, args=(0.05,), daemon=True).start()
        return recording

    yield start
    for one in started:
        one.go_on.set()
        one.server.shutdown()
        one.server.server_close()
        assert not one.problems
        assert not one.left, "not everything was asked"
