"""Cases on the command line, on a server that answers as the documents say a Splunk does.

The local engine is in the place of Splunk's search, so this shows that the command line, the adapter and the SDK work
together. It cannot show that a Splunk finds the same: the engine that it is compared with is the one inside.
"""

from __future__ import annotations

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from converter.cli import main
from converter.products.splunk.ingest.json_fields import extract
from converter.targets.splunk.engine.execute import compile_query
from converter.targets.splunk.engine.language.values import text_of
from converter.targets.splunk.engine.parse import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

_ATOM = (
    '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:s="http://dev.splunk.com/ns/rest"><entry><title>{name}</title>'
    '<link href="/servicesNS/nobody/search/data/indexes/{name}" rel="alternate"/>'
    '<content type="text/xml"><s:dict><s:key name="version">9.4.2</s:key></s:dict></content></entry></feed>'
)
_INDEXES, _JOBS = "/services/data/indexes/", "/services/search/v2/jobs/"
_FIXED_POINT = re.compile(r"[0-9]{6,}\.[0-9]+")


class StandIn:
    """What the server holds: indices with their events, and jobs with their rows."""

    def __init__(self) -> None:
        self.indexes: dict[str, list[dict[str, Any]]] = {"main": []}
        self.made: list[str] = []
        self.jobs: dict[str, list[dict[str, Any]]] = {}
        self.searches: list[str] = []
        self._compiled: dict[str, Any] = {}

    def answer(self, method: str, path: str, form: dict[str, str], lines: list[dict[str, Any]]) -> tuple[int, object]:
        """Return the status and the body of an answer."""
        name = path.rpartition("/")[2]
        if path == "/services/server/info":
            return 200, _ATOM.format(name=name)
        if path == "/services/collector/event":
            for line in lines:
                self._take(line)
            return 200, {"text": "Success", "code": 0}
        if path.startswith(_INDEXES):
            return self._index(method, form.get("name", name))
        if path == _JOBS:
            self.searches.append(form["search"])
            sid = str(len(self.searches))
            self.jobs[sid] = self._found(form)
            return 201, {"sid": sid}
        sid, _, part = path.removeprefix(_JOBS).partition("/")
        rows = self.jobs[sid]
        if part == "control":
            del self.jobs[sid]
            return 200, {"messages": []}
        if part == "results":
            begin = int(form["offset"])
            return 200, {"results": rows[begin : begin + int(form["count"])]}
        content = {"isDone": True, "isFailed": False, "dispatchState": "DONE", "resultCount": len(rows), "messages": []}
        return 200, {"entry": [{"content": content}]}

    def _index(self, method: str, name: str) -> tuple[int, str]:
        there = name in self.indexes
        if method == "POST":
            self.made.append(name)
            self.indexes[name] = []
        elif method == "DELETE" and there:
            del self.indexes[name]
        return 200 if there or method == "POST" else 404, _ATOM.format(name=name)

    def _take(self, line: dict[str, Any]) -> None:
        marks = {key: line[key] for key in ("index", "source", "sourcetype")}
        fields = extract(line["event"])
        assert not marks.keys() & fields.keys()
        raw = json.dumps(line["event"], separators=(",", ":"), ensure_ascii=False)
        event = {**fields, **line["fields"], **marks, "_time": line["time"], "_raw": raw}
        self.indexes[line["index"]].append(event)

    def _found(self, form: dict[str, str]) -> list[dict[str, Any]]:
        start, end = float(form["earliest_time"]), float(form["latest_time"])
        events = [event for held in self.indexes.values() for event in held if start <= float(event["_time"]) < end]
        if form["search"] not in self._compiled:
            self._compiled[form["search"]] = compile_query(parse(form["search"]), form["search"])
        rows = self._compiled[form["search"]](events, {}, window=(start, end))
        return [{name: _shown(value) for name, value in row.items()} for row in rows]


def _shown(value: Any) -> Any:
    """Return a value as results have it: text, times with their six digits."""
    if isinstance(value, list):
        return [_shown(one) for one in value]
    text = text_of(value)
    return f"{float(text):.6f}" if _FIXED_POINT.fullmatch(text) else text


@pytest.fixture
def standin(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[StandIn, str]]:
    """Serve a stand-in; give it and the option that names it."""
    found = StandIn()

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            events = parts.path.startswith("/services/collector")
            form = {} if events else dict(parse_qsl(body or parts.query))
            lines = [json.loads(line) for line in body.split("\n")] if events else []
            status, answer = found.answer(self.command, parts.path, form, lines)
            content = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = _serve  # noqa: N815  the names that the class wants

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    monkeypatch.setenv("SIGMA_CONVERT_SPLUNK_TOKEN", "management-token")
    monkeypatch.setenv("SIGMA_CONVERT_SPLUNK_HEC_TOKEN", "collector-token")
    monkeypatch.setenv("SIGMA_CONVERT_SPLUNK_HEC_URL", url)
    yield found, f"splunk={url}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("target", "case"),
    [
        ("splunk", "25 events in exactly"),
        ("splunk,pysigma:splunk", "times with"),
        ("splunk:savedsearches", "one event"),
        ("splunk:contentctl", "one event"),
    ],
)
def test_cases_of_a_sample_agree_and_nothing_is_left(
    standin: tuple[StandIn, str], capsys: pytest.CaptureFixture[str], target: str, case: str
) -> None:
    splunk, option = standin
    sample = "samples/aws_iam_principal_enumeration_update_assume_role_policy"
    status = main(["test", sample, "-t", target, "-k", case, "--live", option, "--format", "json"])
    shown = capsys.readouterr().out
    report = json.loads(shown)
    assert (status, report["ok"]) == (0, True), report
    assert splunk.made
    assert splunk.indexes.keys() == {"main"}
    assert not splunk.jobs
    assert all(search.startswith('search index="sigma-convert-test-') for search in splunk.searches)
    assert "splunk@splunk" in shown
