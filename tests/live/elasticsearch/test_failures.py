"""What goes wrong with a live Elasticsearch: one line, no credential, and nothing left behind."""

from __future__ import annotations

import os
import shutil
import signal
import ssl
import subprocess
import sys
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

import pytest

from converter.cli import common, main
from converter.errors import QueryError
from converter.live.core import LiveError, open_live
from converter.live.elasticsearch import index as index_module
from converter.targets.core.target import Query
from converter.verdicts.verdict import Verdict
from tests.support.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Record = Callable[..., Any]

pytest.importorskip("elasticsearch")

CASES = ROOT / "tests/live/detections"
SECRET = "a-secret-that-nobody-may-see"  # noqa: S105  of nobody
KQL = Query("rule", "kql", "kql", "user.name: ann", Verdict("exact"))
EVENTS = [{"_id": "a", "user": {"name": "ann"}}, {"_id": "b", "source": {"ip": "10.0.0.1"}}]


def refused(status: int, kind: str, reason: str, **request: str) -> dict[str, Any]:
    error = {"root_cause": [{"type": kind, "reason": reason}], "type": kind, "reason": reason}
    return {"request": request, "response": {"status": status, "body": {"error": error, "status": status}}}


def test_a_login_that_is_refused_is_one_line_without_it(
    record: Record, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SIGMA_CONVERT_ELASTICSEARCH_USERNAME", "elastic")
    monkeypatch.setenv("SIGMA_CONVERT_ELASTICSEARCH_PASSWORD", SECRET)
    recording = record()
    recording.left = [
        refused(401, "security_exception", "unable to authenticate user [elastic]", method="GET", path="/")
    ]
    assert main(["test", str(CASES), "-t", "kql", "--live", f"elasticsearch={recording.url}"]) == common.BAD_INPUT
    out, err = capsys.readouterr()
    assert not out
    assert "refuses the credentials" in err
    assert "hint: SIGMA_CONVERT_ELASTICSEARCH_API_KEY" in err
    assert SECRET not in err
    assert "Traceback" not in err
    assert recording.headers[0]["authorization"].startswith("Basic ")


def test_an_api_key_is_sent_in_its_header(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGMA_CONVERT_ELASTICSEARCH_API_KEY", SECRET)
    recording = record()
    open_live(f"elasticsearch={recording.url}").close()
    assert recording.headers[0]["authorization"] == f"ApiKey {SECRET}"


def test_without_the_privilege_to_create_an_index_nothing_is_removed(record: Record) -> None:
    no = "action [indices:admin/create] is unauthorized for user [x]"
    recording = record(refused(403, "security_exception", no, method="PUT", path="/{index}"))
    product = open_live(f"elasticsearch={recording.url}")
    with pytest.raises(LiveError, match="does not allow it: action"):
        product.run(KQL, EVENTS)
    product.close()


def test_an_index_that_exists_is_neither_used_nor_removed(record: Record) -> None:
    there = refused(400, "resource_already_exists_exception", "index already exists", method="PUT", path="/{index}")
    recording = record(there)
    product = open_live(f"elasticsearch={recording.url}")
    with pytest.raises(LiveError, match="already exists"):
        product.run(KQL, EVENTS)
    product.close()
    assert [method for method, _ in recording.asked] == ["GET", "PUT"]


def test_a_document_that_the_mapping_rejects_is_named(record: Record) -> None:
    reason = "[1:17] failed to parse field [source.ip] of type [ip] in document with id 'b'"
    error = {"type": "document_parsing_exception", "reason": reason, "caused_by": {"type": "x", "reason": "no IP"}}
    items = [{"create": {"_id": "a", "status": 201}}, {"create": {"_id": "b", "status": 400, "error": error}}]
    bulk = {
        "request": {"method": "PUT", "path": "/{index}/_bulk"},
        "response": {"body": {"took": 1, "errors": True, "items": items}},
    }
    product = open_live(f"elasticsearch={record('create', bulk, 'delete').url}")
    with pytest.raises(QueryError, match=r"event 'b': .*field \[source.ip\].*: no IP"):
        product.run(KQL, EVENTS)
    product.close()


def test_two_events_of_one_id_are_refused(record: Record) -> None:
    error = {"type": "version_conflict_engine_exception", "reason": "[a]: version conflict"}
    bulk = {
        "request": {"method": "PUT", "path": "/{index}/_bulk"},
        "response": {"body": {"errors": True, "items": [{"create": {"_id": "a", "status": 409, "error": error}}]}},
    }
    product = open_live(f"elasticsearch={record('create', bulk, 'delete').url}")
    with pytest.raises(QueryError, match="two events have the id 'a'"):
        product.run(KQL, [EVENTS[0], EVENTS[0]])
    product.close()


def test_a_type_that_the_server_lacks_is_replaced(record: Record) -> None:
    no = "Failed to parse mapping: The mapper type [match_only_text] declared on field [message] does not exist."
    nothing = {"responses": [{"hits": {"hits": []}, "_shards": {"failed": 0}}]}
    search = {"request": {"method": "POST", "path": "/_msearch"}, "response": {"body": nothing}}
    first = refused(400, "mapper_parsing_exception", no, method="PUT", path="/{index}")
    recording = record(first, "create", "bulk", "refresh", "fields", search, "delete")
    product = open_live(f"elasticsearch={recording.url}")
    product.run(KQL, [{"_id": "a", "message": "x"}])
    product.close()
    types = [recording.bodies[at]["mappings"]["properties"]["message"]["type"] for at in (1, 2)]
    assert types == ["match_only_text", "text"]


def test_nobody_there_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", str(CASES), "-t", "kql", "--live", "elasticsearch=http://127.0.0.1:1"]) == common.BAD_INPUT
    err = capsys.readouterr().err
    assert err.strip() == "live error: elasticsearch cannot be reached: Connection refused"


def test_something_else_that_answers_is_not_asked(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    recording = record()
    monkeypatch.setattr(recording.server.RequestHandlerClass, "send_header", _without_product)
    with pytest.raises(LiveError, match="is not Elasticsearch"):
        open_live(f"elasticsearch={recording.url}")


def _without_product(handler: Any, name: str, value: str) -> None:
    if name != "x-elastic-product":
        BaseHTTPRequestHandler.send_header(handler, name, value)


def test_what_cannot_be_removed_is_named_and_tried_again(record: Record) -> None:
    nothing = {"responses": [{"hits": {"hits": []}, "_shards": {"failed": 0}}]}
    search = {"request": {"method": "POST", "path": "/_msearch"}, "response": {"body": nothing}}
    busy = refused(503, "process_cluster_event_timeout_exception", "too busy", method="DELETE", path="/{index}")
    recording = record("create", "bulk", "refresh", "fields", search, busy, busy, "delete")
    product = open_live(f"elasticsearch={recording.url}")
    with pytest.raises(LiveError, match="too busy"):
        product.run(KQL, EVENTS)
    with pytest.raises(LiveError, match=rf"left behind in elasticsearch: {recording.index}: .*too busy"):
        product.close()
    product.close()


# ------------------------------------------------------------------------------------------------------------- TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of this machine that nobody trusts, with its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl to make a certificate with")
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    command = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", str(path) + ".key", "-out", str(path), "-days", "2", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603  our own command
    return path


def wrap(certificate: Path) -> Callable[[Any], Any]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, str(certificate) + ".key")
    return lambda socket: context.wrap_socket(socket, server_side=True, do_handshake_on_connect=False)


def test_a_certificate_that_nobody_trusts_is_refused(record: Record, certificate: Path) -> None:
    recording = record(scheme="https", wrap=wrap(certificate))
    with pytest.raises(LiveError, match=r"no trusted connection: self.signed certificate") as caught:
        open_live(f"elasticsearch={recording.url}")
    assert "SIGMA_CONVERT_ELASTICSEARCH_CA_CERT" in caught.value.hint
    assert not recording.asked
    recording.left.clear()


def test_a_certificate_of_a_trusted_authority_is_taken(
    record: Record, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGMA_CONVERT_ELASTICSEARCH_CA_CERT", str(certificate))
    product = open_live(f"elasticsearch={record(scheme='https', wrap=wrap(certificate)).url}")
    product.close()


# ---------------------------------------------------------------------------------------------------------- Ctrl-C


@pytest.mark.parametrize("held", ["create", "_msearch"])
def test_ctrl_c_removes_the_index(record: Record, held: str) -> None:
    """Interrupted while the index is searched, or while nobody knows yet whether it was created."""
    create: Any = "create"
    search = {"request": {"method": "POST", "path": "/_msearch"}, "response": {"body": {}}, "hold": True}
    if held == "create":
        create = {"request": {"method": "PUT", "path": "/{index}"}, "response": {"body": {}}, "hold": True}
        # The server has created it: asked, it shows our mark.
        mapping = {"request": {"method": "GET", "path": "/{index}/_mapping"}, "response": {"body": _marked}}
        steps: list[Any] = [create, mapping, "delete"]
    else:
        steps = [create, "bulk", "refresh", "fields", search, "delete"]
    recording = record(*steps)
    program = [sys.executable, "-m", "converter.cli", "test", str(CASES), "-t", "kql", "-k", "begins and ends"]
    process = subprocess.Popen(  # noqa: S603  our own command
        [*program, "--live", f"elasticsearch={recording.url}"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert recording.reached.wait(30)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == common.INTERRUPTED
    assert not out
    assert err.strip().splitlines()[-1] == "interrupted"
    assert "Traceback" not in err
    assert recording.asked[-1] == ("DELETE", f"/{recording.index}")


def _marked(recording: Any) -> Any:
    """Return the mapping as it was sent when the index was created."""
    return {recording.index: {"mappings": recording.bodies[1]["mappings"]}}


def test_an_index_without_our_mark_is_left_alone(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer to the creation is lost, and an index of that name turns out to be somebody else's."""
    lost = refused(504, "timeout", "gateway", method="PUT", path="/{index}")
    name = "sigma-convert-test-0123456789abcdef"
    monkeypatch.setattr(index_module, "new_name", lambda: name)
    theirs = {name: {"mappings": {"_meta": {"sigma_convert": "another run"}}}}
    mapping = {"request": {"method": "GET", "path": "/{index}/_mapping"}, "response": {"body": theirs}}
    recording = record(lost, mapping)
    product = open_live(f"elasticsearch={recording.url}")
    with pytest.raises(LiveError, match="gateway"):
        product.run(KQL, EVENTS)
    product.close()
    assert "DELETE" not in {method for method, _ in recording.asked}
