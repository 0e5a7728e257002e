"""Logging in to Splunk: credentials, certificates, and what a failure says."""

from __future__ import annotations

import socket
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from converter.errors import ConfigurationError
from converter.live.core import LiveError, LiveProduct, open_live
from converter.live.credentials import SplunkCredentials
from converter.live.splunk.adapter import SplunkProduct
from converter.live.splunk.connection import connect

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TOKENS = SplunkCredentials(token="management-token", hec_token="collector-token")  # noqa: S106  of nothing
USER = SplunkCredentials(username="anna", password="a secret", hec_token="collector-token")  # noqa: S106  of nothing
ADDRESS = "IP:127.0.0.1"


def test_a_product_is_opened_by_its_name(replay: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = replay("connect")
    monkeypatch.setenv("SIGMA_CONVERT_SPLUNK_TOKEN", "management-token")
    monkeypatch.setenv("SIGMA_CONVERT_SPLUNK_HEC_TOKEN", "collector-token")
    product: LiveProduct = open_live(f"splunk={recorded.url('management')}")
    assert isinstance(product, SplunkProduct)
    assert (product.name, product.product, product.version) == ("splunk", "splunk", "9.4.2")
    product.close()


def test_a_user_logs_in_with_a_password(replay: Callable[..., Any]) -> None:
    recorded = replay("login", "connect")
    recorded.authorization["management"] = "Splunk 0123456789abcdef"
    assert connect(recorded.url("management"), USER).version == "9.4.2"


def test_a_login_that_is_refused_is_told_without_the_password(replay: Callable[..., Any]) -> None:
    with pytest.raises(LiveError, match="refuses the login: Login failed") as caught:
        connect(replay("login_refused").url("management"), USER)
    assert "a secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("credentials", "says"),
    [
        (replace(TOKENS, token=None), "no login.*SIGMA_CONVERT_SPLUNK_TOKEN"),
        (replace(TOKENS, hec_token=None), "collector.*SIGMA_CONVERT_SPLUNK_HEC_TOKEN"),
    ],
)
def test_a_credential_that_is_missing_is_named(
    replay: Callable[..., Any], credentials: SplunkCredentials, says: str
) -> None:
    with pytest.raises(ConfigurationError, match=f"(?s){says}"):
        connect(replay().url("management"), credentials)


def test_a_path_is_refused(replay: Callable[..., Any]) -> None:
    with pytest.raises(ConfigurationError, match="a URL with a path"):
        connect(replay().url("management") + "/splunk", TOKENS)


@pytest.mark.parametrize("text", ["splunk=http://splunk.example:8089", "splunk=https://anna:secret@localhost:8089"])
def test_plain_http_to_another_machine_and_passwords_in_a_url_are_refused(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_live(text)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "given", "collector"),
    [
        ("", None, "http://127.0.0.1:8088"),
        ("", "https://inputs.example", "https://inputs.example:443"),
        ("", "https://inputs.example:9/way/", "https://inputs.example:9/way"),
        ("", "https://[::1]", "https://[::1]:443"),
    ],
)
def test_the_collector_is_where_it_is_said_to_be(
    replay: Callable[..., Any], url: str, given: str | None, collector: str
) -> None:
    found = connect(replay("connect").url("management") + url, replace(TOKENS, hec_url=given))
    assert found.collector.url == collector


def test_no_answer_is_told() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # and nobody listens
        with pytest.raises(LiveError, match=r"Splunk does not answer: .*refused"):
            connect(f"http://127.0.0.1:{held.getsockname()[1]}", TOKENS)


def test_another_server_is_told(replay: Callable[..., Any]) -> None:
    recorded = replay("connect")
    recorded.expected[0]["answer"]["body"] = "<html>hello</html>"
    with pytest.raises(LiveError, match="gives an unexpected answer"):
        connect(recorded.url("management"), TOKENS)


def test_a_redirect_is_not_followed_with_the_token(replay: Callable[..., Any]) -> None:
    recorded = replay("connect")
    recorded.expected[0]["answer"] |= {"status": 302, "headers": {"Location": recorded.url("collector")}}
    with pytest.raises(LiveError, match="redirects to another address"):
        connect(recorded.url("management"), TOKENS)


# --- certificates -----------------------------------------------------------------------------------------------------


def test_a_certificate_of_an_authority_that_is_named_is_trusted(
    replay: Callable[..., Any], self_signed: Callable[[str], Path]
) -> None:
    path = self_signed(ADDRESS)
    recorded = replay("connect", certificate=path)
    assert connect(recorded.url("management"), replace(TOKENS, ca_cert=str(path))).version == "9.4.2"


def test_a_self_signed_certificate_is_refused_before_anything_is_sent(
    replay: Callable[..., Any], self_signed: Callable[[str], Path]
) -> None:
    recorded = replay(certificate=self_signed(ADDRESS))
    for credentials in (TOKENS, USER):
        with pytest.raises(LiveError, match=r"(?s)certificate that is not trusted.*self.signed.*SPLUNK_CA_CERT"):
            connect(recorded.url("management"), credentials)


def test_a_certificate_for_another_name_is_refused(
    replay: Callable[..., Any], self_signed: Callable[[str], Path]
) -> None:
    path = self_signed("DNS:splunk.example")
    recorded = replay(certificate=path)
    with pytest.raises(LiveError, match=r"not trusted.*IP address mismatch"):
        connect(recorded.url("management"), replace(TOKENS, ca_cert=str(path)))


def test_the_certificate_of_the_collector_is_verified_too(
    replay: Callable[..., Any], self_signed: Callable[[str], Path]
) -> None:
    collector = replay(certificate=self_signed(ADDRESS))
    found = connect(replay("connect").url("management"), replace(TOKENS, hec_url=collector.url("collector")))
    with pytest.raises(LiveError, match="the HTTP event collector has a certificate that is not trusted"):
        found.collector.post("/services/collector/event", b"{}")


def test_a_file_without_certificates_is_told(replay: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_text("nothing")
    with pytest.raises(ConfigurationError, match=r"ca\.pem is not a file of certificates"):
        connect(replay().url("management"), replace(TOKENS, ca_cert=str(path)))
