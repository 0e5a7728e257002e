"""Connect to Splunk: to the management port through the SDK, and to the HTTP event collector.

    URL + SplunkCredentials ──connect──> Connection(service, collector)      each failure ──> LiveError

By default, the SDK verifies no certificates and has no timeout; here it has both. It follows no redirects and uses no
proxy, so a token goes to the host in the URL and nowhere else. The collector is reached by the same code.
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
        url: with its port, and without the path of an endpoint.
        token: of the collector.
        handler: the SDK's function that sends a request.
        channel: keeps our acknowledgements apart from others.
    """

    url: str
    token: str
    handler: Callable[..., Mapping[str, Any]]
    channel: str

    def post(self, path: str, body: bytes) -> dict[str, Any]:
        """Send a request, and return the collector's answer.

        Raises:
            LiveError: the collector refuses the request, or does not answer.
        """
        headers = [
            ("Authorization", f"Splunk {self.token}"),
            ("Content-Type", "application/json"),
            ("X-Splunk-Request-Channel", self.channel),
        ]
        with failures("the HTTP event collector"):
            answer = self.handler(self.url + path, {"method": "POST", "headers": headers, "body": body})
            raw = answer["body"].read()
        parsed = _json(raw)
        if answer["status"] >= _REFUSED or parsed.get("code", 0) != 0:
            raise LiveError(
                f"the HTTP event collector refuses the events: {answer['status']} {_shown(raw, parsed)}",
                hint=_HINTS.get(parsed.get("code"), ""),
            )
        return parsed


# By the codes of "Troubleshoot HTTP Event Collector", Splunk Getting Data In.
_HINTS: dict[Any, str] = {
    1: "the token is switched off",
    4: f"is {variable('splunk', 'hec_token')} the token of this collector?",
    7: "the token must be allowed to write to every index: leave its list of indexes empty",
}


@dataclass(frozen=True, slots=True)
class Connection:
    """A Splunk that has accepted a login: a `splunklib.client.Service`, its collector, and its version."""

    service: Any
    collector: Collector
    version: str


def connect(url: str, credentials: SplunkCredentials | None = None) -> Connection:
    """Log in.

    Args:
        url: of the management port; `check_url` has checked it.
        credentials: by default those of the environment.

    Raises:
        ConfigurationError: a credential is missing, or the URL has a path.
        LiveError: Splunk does not answer, has a certificate that is not trusted, or refuses the login.
    """
    from splunklib import binding, client  # noqa: PLC0415  an extra

    login = splunk_credentials() if credentials is None else credentials
    parts = urlsplit(url)
    if parts.path not in {"", "/"}:
        raise ConfigurationError("--live splunk: a URL with a path is refused", hint="such as https://localhost:8089")
    if login.token is None and login.username is None:
        raise ConfigurationError(
            "splunk: no login is given",
            hint=f"{variable('splunk', 'token')}, or {variable('splunk', 'username')} with "
            f"{variable('splunk', 'password')}",
        )
    if login.hec_token is None:
        raise ConfigurationError(
            "splunk: no token of the HTTP event collector is given", hint=f"set {variable('splunk', 'hec_token')}"
        )
    trusted = _trusted(login.ca_cert)
    handler = _without_redirects(binding.handler(timeout=_REQUEST_S, verify=True, context=trusted))
    host = parts.hostname or ""
    keys = {"splunkToken": login.token} if login.token else {"username": login.username, "password": login.password}
    service = client.Service(
        handler=handler,
        verify=True,
        context=trusted,
        scheme=parts.scheme,
        host=host,
        port=parts.port or _MANAGEMENT_PORT,
        **keys,
    )
    with failures("Splunk"):
        service.login()
        version = ".".join(map(str, service.splunk_version))
    collector = Collector(
        _collector_url(login.hec_url, parts.scheme, host), login.hec_token, handler, str(uuid4()).upper()
    )
    return Connection(service, collector, version)


def _trusted(ca_cert: str | None) -> ssl.SSLContext:
    """Return the TLS context: a certificate must be valid, for this host, and issued by a trusted authority."""
    try:
        return ssl.create_default_context(cafile=ca_cert)
    except ssl.SSLError:
        raise ConfigurationError(f"splunk: {ca_cert} is not a file of certificates", hint="in PEM") from None


def _without_redirects(handler: Callable[..., Mapping[str, Any]]) -> Callable[..., Mapping[str, Any]]:
    """Return the SDK's handler with redirects refused; the SDK would take a redirect for the answer."""

    def send(url: str, message: Mapping[str, Any]) -> Mapping[str, Any]:
        answer = handler(url, message)
        if _ELSEWHERE <= answer["status"] < _REFUSED:
            raise LiveError("Splunk redirects to another address", hint="give that address")
        return answer

    return send


def _collector_url(given: str | None, scheme: str, host: str) -> str:
    """Return the collector's URL with its port; for a URL without a port, the SDK's handler would use 8089."""
    if given is None:
        shown = f"[{host}]" if ":" in host else host
        return f"{scheme}://{shown}:{_COLLECTOR_PORT}"
    parts = urlsplit(given)
    port = "" if parts.port is not None else ":443" if parts.scheme == "https" else ":80"
    return f"{parts.scheme}://{parts.netloc}{port}{parts.path.rstrip('/')}"


@contextmanager
def failures(what: str) -> Iterator[None]:
    """Turn every failure of a request into a LiveError, which does not show what was sent."""
    from splunklib.binding import AuthenticationError, HTTPError  # noqa: PLC0415  an extra

    try:
        yield
    except AuthenticationError as error:
        raise LiveError(f"{what} refuses the login: {'; '.join(messages_of(error.body)) or error.status}") from None
    except HTTPError as error:
        raise LiveError(f"{what} answers {error.status} {error.reason}: {'; '.join(messages_of(error.body))}") from None
    except ssl.SSLCertVerificationError as error:
        raise LiveError(
            f"{what} has a certificate that is not trusted: {error.verify_message}",
            hint=f"name the file of its authority in {variable('splunk', 'ca_cert')}",
        ) from None
    except (OSError, HTTPException) as error:
        raise LiveError(f"{what} does not answer: {error or type(error).__name__}") from None
    except (
        ValueError,
        KeyError,
        AttributeError,
        TypeError,
        ParseError,
    ) as error:  # raised by reading an unexpected answer
        raise LiveError(f"{what} gives an unexpected answer: {type(error).__name__}") from None


def messages_of(body: bytes) -> list[str]:
    """Return the messages of a refusal, which is JSON or XML."""
    parsed = _json(body)
    messages = parsed.get("messages")
    if isinstance(messages, list):
        return [str(message.get("text", ""))[:_SHOWN] for message in messages if isinstance(message, dict)]
    try:
        lines = [(element.text or "").strip() for element in XML(body).iterfind("./messages/msg")]
    except ParseError:
        return []
    return [line[:_SHOWN] for line in lines if line]


def _json(raw: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(raw)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _shown(raw: bytes, parsed: Mapping[str, Any]) -> str:
    if "text" not in parsed:
        return repr(raw[:_SHOWN].decode("utf-8", "replace"))
    number = parsed.get("invalid-event-number")
    return f"{parsed['text']} (code {parsed.get('code')}{'' if number is None else f', event {number}'})"
