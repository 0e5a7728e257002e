"""A server that plays recorded exchanges, for the real SDK to talk to.

Each JSON file here holds exchanges, written from the documents that it names, and from nothing else: no Splunk was
asked. A test names the files that it expects, in order. A request that is not the next one, in any part, is refused
and fails the test, as does one that is missing.

    {"documents": [...], "exchanges": [{"port": "management" or "collector",
                                        "request": {"method", "path", "query"?, "form"?, "lines"?, "json"?},
                                        "answer": {"status", "headers", "body"}}]}

`lines` are JSON objects, one a line. The names that the adapter makes up are counted here: index 1, source 2.
"""

from __future__ import annotations

import itertools
import json
import shutil
import ssl
import subprocess
import threading
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest

pytest.importorskip("splunklib", reason="the extra splunk is not installed")

from converter.live.credentials import SplunkCredentials
from converter.live.splunk.adapter import SplunkProduct
from converter.live.splunk.connection import connect
from converter.live.splunk.jobs import Patience

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).parent
CREDENTIALS = SplunkCredentials(token="management-token", hec_token="collector-token")  # noqa: S106  of nothing
LOGIN = "/services/auth/login"


@dataclass
class Recorded:
    """What is expected, and what came."""

    expected: list[dict[str, Any]]
    ports: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    scheme: str = "http"
    authorization: dict[str, str] = field(
        default_factory=lambda: {"management": "Bearer management-token", "collector": "Splunk collector-token"}
    )

    def url(self, port: str, host: str = "127.0.0.1") -> str:
        """Return the URL of a port."""
        return f"{self.scheme}://{host}:{self.ports[port]}"

    def answer(self, port: str, request: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
        """Return the answer to a request, if it is the next one that is expected."""
        wanted = self.expected[0] if self.expected else {"port": "none", "request": {}}
        if wanted["port"] != port or wanted["request"] != request:
            self.wrong.append(f"{port} got\n{json.dumps(request)}\nand expected {wanted['port']}\n{wanted['request']}")
            return {"status": 599, "headers": {}, "body": "unexpected"}
        if request["path"] != LOGIN and headers.get("Authorization") != self.authorization[port]:
            self.wrong.append(f"{port} got the authorization {headers.get('Authorization')!r}")
            return {"status": 599, "headers": {}, "body": "unexpected"}
        answer: dict[str, Any] = self.expected.pop(0)["answer"]
        return answer

    def check(self) -> None:
        """Fail if something came that was not expected, or the other way round."""
        assert not self.wrong, self.wrong[0]
        assert not self.expected, f"not asked for: {[one['request'] for one in self.expected]}"


def handler(recorded: Recorded, port: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            request: dict[str, Any] = {"method": self.command, "path": parts.path}
            if parts.query:
                request["query"] = dict(parse_qsl(parts.query))
            if body and port == "management":
                request["form"] = dict(parse_qsl(body))
            elif body:
                lines = [json.loads(line) for line in body.split("\n")]
                request |= {"json": lines[0]} if "acks" in lines[0] else {"lines": lines}
            answer = recorded.answer(port, request, dict(self.headers))
            content = answer["body"] if isinstance(answer["body"], str) else json.dumps(answer["body"])
            self.send_response(answer["status"])
            for name, value in answer["headers"].items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content.encode())))
            self.end_headers()
            self.wfile.write(content.encode())

        do_GET = do_POST = do_DELETE = _serve  # noqa: N815  the names that the class wants

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


@pytest.fixture
def replay(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Recorded]]:
    """Return a function that serves the exchanges of some files, one after another, and checks at the end."""
    numbers = itertools.count(1)
    monkeypatch.setattr("converter.live.splunk.adapter.token_hex", lambda _: f"{next(numbers):016d}")
    begun: list[Recorded] = []
    with ExitStack() as stack:

        def start(*names: str, certificate: Path | None = None) -> Recorded:
            files = [json.loads((HERE / f"{name}.json").read_text(encoding="utf-8")) for name in names]
            recorded = Recorded([one for file in files for one in file["exchanges"]])
            for port in recorded.authorization:
                server = Server(("127.0.0.1", 0), handler(recorded, port))
                if certificate is not None:
                    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                    context.load_cert_chain(certificate)
                    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
                    recorded.scheme = "https"
                recorded.ports[port] = server.server_address[1]
                threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
                stack.callback(server.server_close)
                stack.callback(server.shutdown)
            begun.append(recorded)
            return recorded

        yield start
    for recorded in begun:
        recorded.check()


class Server(ThreadingHTTPServer):
    """A server that keeps quiet about clients that hang up, as they do when they do not trust it."""

    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing; what is wrong is in `Recorded`."""


class Clock:
    """A clock that only sleeping moves, so that a test never waits and always waits the same."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    def patience(self) -> Patience:
        """Return a patience of a second."""
        return Patience(1.0, 1.0, self.sleep, lambda: self.now)


@pytest.fixture
def splunk(replay: Callable[..., Recorded]) -> Callable[..., SplunkProduct]:
    """Return a function that logs in to a server of `replay`, which gets the exchange of that by itself."""

    def start(*names: str, patience: Patience | None = None, server: str = "connect") -> SplunkProduct:
        recorded = replay(server, *names)
        credentials = replace(CREDENTIALS, hec_url=recorded.url("collector"))
        return SplunkProduct(connect(recorded.url("management"), credentials), patience or Clock().patience())

    return start


@pytest.fixture(scope="session")
def self_signed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function that makes a certificate for a name, and its key, in one file."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not here, which makes the certificates")
    folder = tmp_path_factory.mktemp("certificates")

    def make(name: str) -> Path:
        path = folder / f"{len(list(folder.iterdir()))}.pem"
        subprocess.run(  # noqa: S603  of this file alone
            [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", "/CN=test", "-addext", f"subjectAltName={name}", "-keyout", path, "-out", f"{path}.crt"],
            check=True, capture_output=True,
        )  # fmt: skip
        path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
        return path

    return make
