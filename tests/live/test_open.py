"""`--live PRODUCT=URL` and credentials: what is refused, and that no secret is ever shown."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

import converter.live.core
from converter.errors import ConfigurationError
from converter.live.core import check_url, open_live
from converter.live.credentials import (
    ElasticsearchCredentials,
    SplunkCredentials,
    elasticsearch_credentials,
    splunk_credentials,
)

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "hunter2"  # noqa: S105  of nobody


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("elastic=https://x:9200", "there is no product 'elastic'", "did you mean 'elasticsearch'?"),
        ("kibana=https://x:9200", "there is no product 'kibana'", "expected elasticsearch=URL or splunk=URL"),
        (f"https://u:{SECRET}@x:9200", "there is no product", "expected elasticsearch=URL"),
        ("elasticsearch", "elasticsearch without a URL", "expected elasticsearch=URL"),
        ("elasticsearch=", "elasticsearch without a URL", "expected elasticsearch=URL"),
        (f"elasticsearch=https://u:{SECRET}@x:9200", "a user or a password in a URL is refused", "docs/live.md"),
        (f"elasticsearch=https://{SECRET}@x:9200", "a user or a password in a URL is refused", "docs/live.md"),
        ("elasticsearch=https:///u:p@x", "a user or a password in a URL is refused", "docs/live.md"),
        ("elasticsearch=localhost:9200", "not a URL", "https://localhost:9200"),
        ("elasticsearch=ftp://localhost", "not a URL", "https://localhost:9200"),
        ("elasticsearch=https://[::1", "not a URL", "https://localhost:9200"),
        ("elasticsearch=https://x:port", "not a URL", "https://localhost:9200"),
        (f"elasticsearch=https://x:9200/?api_key={SECRET}", "a URL with ? or # is refused", "path only"),
        ("elasticsearch=http://es.example.com:9200", "plain http is used only to this machine", "use https"),
        ("splunk=http://10.0.0.1:8089", "plain http is used only to this machine", "use https"),
        ("elasticsearch=http://localhost.example.com", "plain http is used only to this machine", "use https"),
    ],
)
def test_what_may_not_be_asked_is_refused_before_anything_is_sent(text: str, message: str, hint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_live(text)
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert SECRET not in caught.value.render()


@pytest.mark.parametrize(
    "url",
    ["http://localhost:9200", "http://LOCALHOST", "http://127.0.0.1:1", "http://127.9.9.9", "http://[::1]:9200",
     "https://es.example.com", "https://es.example.com:9243/behind/a/proxy"],
)  # fmt: skip
def test_what_may_be_asked(url: str) -> None:
    check_url(url, "--live")


@pytest.mark.parametrize("name", ["elasticsearch", "splunk"])
def test_a_missing_package_says_how_to_get_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(converter.live.core, "find_spec", lambda _: None)
    with pytest.raises(ConfigurationError, match=f"pip install 'sigma-convert\\[{name}\\]'"):
        open_live(f"{name}=https://localhost")


# ------------------------------------------------------------------------------------------------------ credentials


def test_the_environment_is_read() -> None:
    environ = {
        "SIGMA_CONVERT_ELASTICSEARCH_API_KEY": SECRET,
        "SIGMA_CONVERT_SPLUNK_USERNAME": "admin",
        "SIGMA_CONVERT_SPLUNK_PASSWORD": SECRET,
        "SIGMA_CONVERT_SPLUNK_HEC_TOKEN": SECRET,
        "SIGMA_CONVERT_SPLUNK_HEC_URL": "https://localhost:8088",
        "SIGMA_CONVERT_SPLUNK_TOKEN": "",
    }
    found = elasticsearch_credentials(environ)
    assert found == ElasticsearchCredentials(api_key=SECRET)
    splunk = splunk_credentials(environ)
    assert splunk == SplunkCredentials(None, "admin", SECRET, SECRET, "https://localhost:8088")
    assert SECRET not in repr(found) + repr(splunk)
    assert elasticsearch_credentials({}) == ElasticsearchCredentials()


def written(path: Path, text: str, mode: int = 0o600) -> dict[str, str]:
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return {"SIGMA_CONVERT_CREDENTIALS": str(path)}


def test_a_file_is_read_and_a_variable_wins(tmp_path: Path) -> None:
    text = f'[elasticsearch]\nusername = "u"\npassword = "{SECRET}"\n[splunk]\ntoken = "{SECRET}"\n'
    environ = written(tmp_path / "credentials.toml", text)
    assert elasticsearch_credentials(environ) == ElasticsearchCredentials(username="u", password=SECRET)
    assert splunk_credentials(environ) == SplunkCredentials(token=SECRET)
    environ["SIGMA_CONVERT_ELASTICSEARCH_PASSWORD"] = SECRET * 2
    assert elasticsearch_credentials(environ).password == SECRET * 2


@pytest.mark.skipif(os.name != "posix", reason="permissions of files are those of POSIX")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    environ = written(tmp_path / "c.toml", f'[elasticsearch]\napi_key = "{SECRET}"\n', mode)
    with pytest.raises(ConfigurationError, match=r"others can read .*\n.*chmod 600"):
        elasticsearch_credentials(environ)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f'[elastic]\napi_key = "{SECRET}"', "unknown table 'elastic'"),
        (f'elasticsearch = "{SECRET}"', "unknown table 'elasticsearch'"),
        (f'[elasticsearch]\napikey = "{SECRET}"', "did you mean 'api_key'"),
        (f'[elasticsearch]\nhec_token = "{SECRET}"', "unknown key 'hec_token'"),
        ("[elasticsearch]\napi_key = 5", "api_key in .elasticsearch. is not a string"),
        (f'[elasticsearch]\napi_key = "{SECRET}', r"is not TOML$"),
        (f'[elasticsearch]\napi_key = "{SECRET}"\napi_key = "{SECRET}"\n', "is not TOML: see line 3, column"),
        (f'[elasticsearch]\napi_key = "{SECRET}"\nusername = "u"\npassword = "{SECRET}"', "only one can be used"),
        ('[elasticsearch]\nusername = "u"', "the password is missing"),
        (f'[elasticsearch]\npassword = "{SECRET}"', "the username is missing"),
        ('[elasticsearch]\nca_cert = "nosuch.pem"', "there is no file nosuch.pem"),
    ],
)
def test_a_file_that_is_wrong_is_refused_without_a_secret(tmp_path: Path, text: str, message: str) -> None:
    environ = written(tmp_path / "c.toml", text)
    with pytest.raises(ConfigurationError, match=message) as caught:
        elasticsearch_credentials(environ)
    assert SECRET not in caught.value.render()
    assert caught.value.__cause__ is None


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot read the credentials"):
        elasticsearch_credentials({"SIGMA_CONVERT_CREDENTIALS": str(tmp_path / "none")})


def test_the_url_of_the_collector_is_checked_too() -> None:
    with pytest.raises(ConfigurationError, match="SIGMA_CONVERT_SPLUNK_HEC_URL: plain http") as caught:
        splunk_credentials({"SIGMA_CONVERT_SPLUNK_HEC_URL": "http://10.0.0.1:8088"})
    assert SECRET not in caught.value.render()
