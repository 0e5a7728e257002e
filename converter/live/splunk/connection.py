"""The two ways into a Splunk: the management port through the SDK, and the HTTP event collector.

    URL + SplunkCredentials ──connect──> Connection(service, collector)      each failure ──> LiveError, named

The SDK verifies no certificate unless it is told to, and waits without end: here both are set. It follows no redirect
and knows no proxy, so a token goes to the host in the URL and nowhere else; the collector is reached by the same code.
"""

from __future__ import annotations

import json
import ssl
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4
from xml.etree.ElementTree import XML, ParseError

from converter.errors import ConfigurationError
from converter.live.core import LiveError
from converter.live.credentials import splunk_credentials, variable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from converter.live.credentials import SplunkCredentials

_MANAGEMENT_PORT, _COLLECTOR_PORT = 8089, 8088
_REQUEST_S = 60.0
_ELSEWHERE, _REFUSED = 300, 400
_SHOWN = 300


@dataclass(frozen=True, slots=True)
class Collector:
    """The HTTP event collector.

    Attributes:
        url: with its port, and without a path of the collector's own.
        token: of the collector.
        handler: of the SDK: sends one request.
        channel: which acknowledgements are kept apart by.
    """

    url: str
    token: str
    handler: Callable[..., Mapping[str, Any]]
    channel: str

    def post(self, path: str, body: bytes) -> dict[str, Any]:
        """Return what the collector answers.

        Raises:
            LiveError: it refuses, or does not answer.
        """
        headers = [
            ("Authorization", f"Splunk {self.token}"),
            ("Content-Type", "application/json"),
            ("X-Splunk-Request-Channel", self.channel),
        ]
        with failures("the HTTP event collector"):
            answer = self.handler(self.url + path, {"method": "POST", "headers": headers, "body": body})
            text = answer["body"].read()
        parsed = _json(text)
        if answer["status"] >= _REFUSED or parsed.get("code", 0) != 0:
            raise LiveError(
                f"the HTTP event collector refuses the events: {answer['status']} {_shown(text, parsed)}",
                hint=_HINTS.get(parsed.get("code"), ""),
            )
        return parsed


# Codes of "Troubleshoot HTTP Event Collector", Splunk Getting Data In.
_HINTS: dict[Any, str] = {
    1: "the token is switched off",
    4: f"is {variable('splunk', 'hec_token')} the token of this collector?",
    7: "the token must be allowed to write to every index: leave its list of indexes empty",
}


@dataclass(frozen=True, slots=True)
class Connection:
    """A Splunk that a login was accepted by: a `splunklib.client.Service`, and its collector."""

    service: Any
    collector: Collector
    version: str


def connect(url: str, credentials: SplunkCredentials | None = None) -> Connection:
    """Log in.

    Args:
        url: of the management port; checked by `check_url`.
        credentials: by default those of the environment.

    Raises:
        ConfigurationError: a credential is missing, or the URL has a path.
        LiveError: no answer, a certificate that is not trusted, or a login refused.
    """
    from splunklib import binding, client  # noqa: PLC0415  an extra

    found = splunk_credentials() if credentials is None else credentials
    parts = urlsplit(url)
    if parts.path not in {"", "/"}:
        raise ConfigurationError("--live splunk: a URL with a path is refused", hint="such as https://localhost:8089")
    if found.token is None and found.username is None:
        raise ConfigurationError(
            "splunk: no login is given",
            hint=f"{variable('splunk', 'token')}, or {variable('splunk', 'username')} with "
            f"{variable('splunk', 'password')}",
        )
    if found.hec_token is None:
        raise ConfigurationError(
            "splunk: no token of the HTTP event collector is given", hint=f"set {variable('splunk', 'hec_token')}"
        )
    trusted = _trusted(found.ca_cert)
    handler = _without_redirects(binding.handler(timeout=_REQUEST_S, verify=True, context=trusted))
    host = parts.hostname or ""
    login = {"splunkToken": found.token} if found.token else {"username": found.username, "password": found.password}
    service = client.Service(
        handler=handler,
        verify=True,
        context=trusted,
        scheme=parts.scheme,
        host=host,
        port=parts.port or _MANAGEMENT_PORT,
        **login,
    )
    with failures("Splunk"):
        service.login()
        version = ".".join(map(str, service.splunk_version))
    collector = Collector(
        _collector_url(found.hec_url, parts.scheme, host), found.hec_token, handler, str(uuid4()).upper()
    )
    return Connection(service, collector, version)


def _trusted(ca_cert: str | None) -> ssl.SSLContext:
    """Return what decides on a certificate: it must be valid, for this host, and by an authority that is trusted."""
    try:
        return ssl.create_default_context(cafile=ca_cert)
    except ssl.SSLError:
        raise ConfigurationError(f"splunk: {ca_cert} is no file of certificates", hint="in PEM") from None


def _without_redirects(handler: Callable[..., Mapping[str, Any]]) -> Callable[..., Mapping[str, Any]]:
    """Return the SDK's handler, refusing what it would read as the answer itself: that the answer is elsewhere."""

    def send(url: str, message: Mapping[str, Any]) -> Mapping[str, Any]:
        answer = handler(url, message)
        if _ELSEWHERE <= answer["status"] < _REFUSED:
            raise LiveError("Splunk answers that it is at another address", hint="give that address")
        return answer

    return send


def _collector_url(given: str | None, scheme: str, host: str) -> str:
    """Return the collector's URL with its port: the SDK's handler takes 8089 for a URL without one."""
    if given is None:
        shown = f"[{host}]" if ":" in host else host
        return f"{scheme}://{shown}:{_COLLECTOR_PORT}"
    parts = urlsplit(given)
    port = "" if parts.port is not None else ":443" if parts.scheme == "https" else ":80"
    return f"{parts.scheme}://{parts.netloc}{port}{parts.path.rstrip('/')}"


@contextmanager
def failures(what: str) -> Iterator[None]:
    """Turn every way in which a request can fail into a LiveError; none shows what was sent."""
    from splunklib.binding import AuthenticationError, HTTPError  # noqa: PLC0415  an extra

    try:
        yield
    except AuthenticationError as bad:
        raise LiveError(f"{what} refuses the login: {'; '.join(texts_of(bad.body)) or bad.status}") from None
    except HTTPError as bad:
        raise LiveError(f"{what} answers {bad.status} {bad.reason}: {'; '.join(texts_of(bad.body))}") from None
    except ssl.SSLCertVerificationError as bad:
        raise LiveError(
            f"{what} has a certificate that is not trusted: {bad.verify_message}",
            hint=f"name the file of its authority in {variable('splunk', 'ca_cert')}",
        ) from None
    except (OSError, HTTPException) as bad:
        raise LiveError(f"{what} does not answer: {bad or type(bad).__name__}") from None
    except (ValueError, KeyError, AttributeError, TypeError, ParseError) as bad:  # what reading another answer raises
        raise LiveError(f"{what} answers what is not its own: {type(bad).__name__}") from None


def texts_of(body: bytes) -> list[str]:
    """Return the messages of an answer that refuses, in JSON or XML."""
    parsed = _json(body)
    messages = parsed.get("messages")
    if isinstance(messages, list):
        return [str(one.get("text", ""))[:_SHOWN] for one in messages if isinstance(one, dict)]
    try:
        found = [(one.text or "").strip() for one in XML(body).iterfind("./messages/msg")]
    except ParseError:
        return []
    return [text[:_SHOWN] for text in found if text]


def _json(text: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(text)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _shown(text: bytes, parsed: Mapping[str, Any]) -> str:
    if "text" not in parsed:
        return repr(text[:_SHOWN].decode("utf-8", "replace"))
    number = parsed.get("invalid-event-number")
    return f"{parsed['text']} (code {parsed.get('code')}{'' if number is None else f', event {number}'})"
