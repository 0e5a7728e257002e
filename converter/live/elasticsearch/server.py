"""The connection to Elasticsearch, and what its refusals and failures are called here.

    URL + credentials ──connect──> client of the package elasticsearch ──asking──> QueryError or LiveError, one line

A reason is the server's own words. Nothing that was sent to log in is part of an answer or an error of the client.
"""

from __future__ import annotations

import ssl
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from converter.errors import QueryError
from converter.live.core import LiveError
from converter.live.credentials import variable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from elasticsearch import Elasticsearch

    from converter.live.credentials import ElasticsearchCredentials

TIMEOUT = 60.0
_PORTS = {"http": 80, "https": 443}
_UNAUTHORIZED, _FORBIDDEN, _BAD_REQUEST, _NOT_FOUND = 401, 403, 400, 404


def connect(url: str, credentials: ElasticsearchCredentials) -> Elasticsearch:
    """Return a client. It does not connect before it is asked something, and then verifies TLS."""
    from elasticsearch import Elasticsearch  # noqa: PLC0415  an extra, and slow to import

    parts = urlsplit(url)
    port = parts.port or _PORTS[parts.scheme]
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    options: dict[str, Any] = {"request_timeout": TIMEOUT, "max_retries": 0, "retry_on_timeout": False}
    if parts.scheme == "https":
        options["verify_certs"] = True
        if credentials.ca_cert is not None:
            options["ca_certs"] = credentials.ca_cert
    if credentials.api_key is not None:
        options["api_key"] = credentials.api_key
    elif credentials.username is not None and credentials.password is not None:
        options["basic_auth"] = (credentials.username, credentials.password)
    return Elasticsearch(f"{parts.scheme}://{host}:{port}{parts.path.rstrip('/')}", **options)


def read_version(client: Elasticsearch) -> str:
    """Return the version that the server says, or `unknown` if the user may not read it.

    Raises:
        LiveError: no answer, a login refused, or not Elasticsearch.
    """
    from elasticsearch import ApiError, UnsupportedProductError  # noqa: PLC0415

    with asking():
        try:
            return str(client.info()["version"]["number"])
        except ApiError as error:
            if error.status_code == _UNAUTHORIZED or isinstance(error, UnsupportedProductError):
                raise
        try:  # a node without the module for GET /
            nodes = client.nodes.info(filter_path="nodes.*.version").get("nodes", {})
        except ApiError as error:
            if error.status_code == _UNAUTHORIZED:
                raise
            return "unknown"
        return ", ".join(sorted({str(node["version"]) for node in nodes.values()})) or "unknown"


@contextmanager
def asking(*, query: bool = False) -> Iterator[None]:
    """Turn what the client raises into errors of ours.

    Args:
        query: whether a query is asked, so that what the server does not understand is the query.

    Raises:
        QueryError: the server refuses the query; only if `query`.
        LiveError: anything else.
    """
    import elasticsearch  # noqa: PLC0415
    from elastic_transport import TlsError  # noqa: PLC0415

    try:
        with warnings.catch_warnings():
            # The server warns of what replay does on purpose, such as a query without LIMIT.
            warnings.simplefilter("ignore", elasticsearch.ElasticsearchWarning)
            yield
    except elasticsearch.UnsupportedProductError:  # a kind of ApiError
        raise LiveError("elasticsearch: what answers there is not Elasticsearch") from None
    except elasticsearch.ApiError as error:
        raise _refusal(error.status_code, error.body, query=query) from None
    except elasticsearch.ConnectionTimeout:
        raise LiveError(f"elasticsearch does not answer within {TIMEOUT:g} seconds") from None
    except TlsError as error:
        raise LiveError(
            f"elasticsearch: no trusted connection: {_tls_reason(error)}",
            hint=f"{variable('elasticsearch', 'ca_cert')} names a file with the certificate of its authority",
        ) from None
    except elasticsearch.ConnectionError as error:
        raise LiveError(f"elasticsearch cannot be reached: {_network_reason(error)}") from None
    except (elasticsearch.TransportError, elasticsearch.SerializationError):
        raise LiveError("elasticsearch: the answer cannot be read") from None


def reason_of(error: Mapping[str, Any]) -> str:
    """Return the server's reason for an error: what it says of the thing itself, and below it what caused that."""
    cause: Mapping[str, Any] = error
    for shard in error.get("failed_shards") or ():
        cause = shard.get("reason") or cause
        break
    said = [str(cause.get("reason") or cause.get("type"))]
    while isinstance(below := cause.get("caused_by"), dict) and below.get("reason"):
        cause = below
        if not any(str(below["reason"]) in one for one in said):
            said.append(str(below["reason"]))
    return " ".join(": ".join(said).split())


def check_answer(answer: Mapping[str, Any]) -> None:
    """Check that an answer, perhaps one of several, is one to the whole question.

    Raises:
        QueryError: the server refuses the query.
        LiveError: only a part of the events was asked.
    """
    if "error" in answer:
        raise _refusal(int(answer.get("status", 0)), answer, query=True)
    shards: Mapping[str, Any] = answer.get("_shards") or {}
    if answer.get("timed_out") or answer.get("is_partial") or shards.get("failed") or answer.get("shard_failures"):
        raise LiveError("elasticsearch has asked only a part of the events")


def _refusal(status: int, body: Any, *, query: bool) -> QueryError | LiveError:
    error = body.get("error") if isinstance(body, dict) else None
    reason = reason_of(error) if isinstance(error, dict) else str(error or f"status {status}")
    if status == _UNAUTHORIZED:
        key, user = variable("elasticsearch", "api_key"), variable("elasticsearch", "username")
        return LiveError(
            "elasticsearch refuses the credentials, or wants some", hint=f"{key}, or {user} and a password"
        )
    if status == _FORBIDDEN:
        return LiveError(f"elasticsearch does not allow it: {reason}", hint="docs/live.md lists the privileges")
    if not query or status not in {_BAD_REQUEST, _NOT_FOUND} or not isinstance(error, dict):
        return LiveError(f"elasticsearch: {reason}")
    return QueryError(f"elasticsearch refuses the query: {reason}")


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what lies behind it."""
    seen: set[int] = set()
    pending: list[Any] = [error]
    while pending:
        one = pending.pop(0)
        if isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            yield one
            pending += [*getattr(one, "errors", ()), *one.args, one.__cause__, one.__context__]
            pending.append(getattr(one, "reason", None))


def _tls_reason(error: BaseException) -> str:
    for one in _chain(error):
        if isinstance(one, ssl.SSLCertVerificationError):
            return str(one.verify_message)
    return "TLS fails"


def _network_reason(error: BaseException) -> str:
    for one in _chain(error):
        if isinstance(one, OSError) and one.strerror:
            return one.strerror
    return "no connection"
