"""Connect to Elasticsearch, and turn its refusals and failures into our errors.

    URL + credentials ──connect──> client of the package elasticsearch ──asking──> QueryError or LiveError, one line

Reasons are quoted from the server. Neither its answers nor the client's errors contain credentials.
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
    """Return a client. It connects with its first request, and verifies TLS."""
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
    """Return the server's version, or `unknown` if the user may not read it.

    Raises:
        LiveError: the server does not answer, refuses the login, or is not Elasticsearch.
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
    """Turn the client's exceptions into our errors.

    Args:
        query: whether the request contains the query, so that a bad request means a bad query.

    Raises:
        QueryError: the server refuses the query; only if `query`.
        LiveError: any other failure.
    """
    import elasticsearch  # noqa: PLC0415
    from elastic_transport import TlsError  # noqa: PLC0415

    try:
        with warnings.catch_warnings():
            # The server warns about things that replay does on purpose, such as a query without LIMIT.
            warnings.simplefilter("ignore", elasticsearch.ElasticsearchWarning)
            yield
    except elasticsearch.UnsupportedProductError:  # a kind of ApiError
        raise LiveError("elasticsearch: the server is not Elasticsearch") from None
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
    """Return the server's reason for an error, followed by the reasons of its causes."""
    cause: Mapping[str, Any] = error
    for shard in error.get("failed_shards") or ():
        cause = shard.get("reason") or cause
        break
    reasons = [str(cause.get("reason") or cause.get("type"))]
    while isinstance(below := cause.get("caused_by"), dict) and below.get("reason"):
        cause = below
        if not any(str(below["reason"]) in reason for reason in reasons):
            reasons.append(str(below["reason"]))
    return " ".join(": ".join(reasons).split())


def check_answer(answer: Mapping[str, Any]) -> None:
    """Check that an answer is complete.

    Raises:
        QueryError: the server refuses the query.
        LiveError: the server searched only a part of the events.
    """
    if "error" in answer:
        raise _refusal(int(answer.get("status", 0)), answer, query=True)
    shards: Mapping[str, Any] = answer.get("_shards") or {}
    if answer.get("timed_out") or answer.get("is_partial") or shards.get("failed") or answer.get("shard_failures"):
        raise LiveError("elasticsearch has searched only a part of the events")


def _refusal(status: int, body: Any, *, query: bool) -> QueryError | LiveError:
    error = body.get("error") if isinstance(body, dict) else None
    reason = reason_of(error) if isinstance(error, dict) else str(error or f"status {status}")
    if status == _UNAUTHORIZED:
        key, user = variable("elasticsearch", "api_key"), variable("elasticsearch", "username")
        return LiveError(
            "elasticsearch refuses the credentials, or requires some", hint=f"{key}, or {user} and a password"
        )
    if status == _FORBIDDEN:
        return LiveError(f"elasticsearch does not allow it: {reason}", hint="docs/live.md lists the privileges")
    if not query or status not in {_BAD_REQUEST, _NOT_FOUND} or not isinstance(error, dict):
        return LiveError(f"elasticsearch: {reason}")
    return QueryError(f"elasticsearch refuses the query: {reason}")


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and all its causes."""
    seen: set[int] = set()
    pending: list[Any] = [error]
    while pending:
        link = pending.pop(0)
        if isinstance(link, BaseException) and id(link) not in seen:
            seen.add(id(link))
            yield link
            pending += [*getattr(link, "errors", ()), *link.args, link.__cause__, link.__context__]
            pending.append(getattr(link, "reason", None))


def _tls_reason(error: BaseException) -> str:
    for link in _chain(error):
        if isinstance(link, ssl.SSLCertVerificationError):
            return str(link.verify_message)
    return "TLS fails"


def _network_reason(error: BaseException) -> str:
    for link in _chain(error):
        if isinstance(link, OSError) and link.strerror:
            return link.strerror
    return "no connection"
