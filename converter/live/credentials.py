"""Read the credentials of live products from the environment, or from a file that only its owner can read.

    SIGMA_CONVERT_ELASTICSEARCH_API_KEY, ... ─┐
    SIGMA_CONVERT_CREDENTIALS ──TOML file─────┴──> ElasticsearchCredentials, SplunkCredentials

A variable wins over the same key in the file. No `repr` and no message shows a secret.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from converter.errors import ConfigurationError, suggest
from converter.live.core import check_url

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE_VARIABLE = "SIGMA_CONVERT_CREDENTIALS"
_PREFIX = "SIGMA_CONVERT_"
_TOML_PLACE = re.compile(r"line \d+, column \d+")


@dataclass(frozen=True, slots=True)
class ElasticsearchCredentials:
    """Credentials for Elasticsearch; none for a server without security.

    Attributes:
        api_key: an API key in its encoded form.
        username: with `password`, instead of `api_key`.
        password: of that user.
        ca_cert: path of a file of trusted certificates; None: those of the system.
    """

    api_key: str | None = field(default=None, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_cert: str | None = None


@dataclass(frozen=True, slots=True)
class SplunkCredentials:
    """Credentials for Splunk's management port, and for its HTTP event collector.

    Attributes:
        token: an authentication token.
        username: with `password`, instead of `token`.
        password: of that user.
        hec_token: of the HTTP event collector.
        hec_url: of the HTTP event collector, such as https://localhost:8088.
        ca_cert: path of a file of trusted certificates; None: those of the system.
    """

    token: str | None = field(default=None, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    hec_token: str | None = field(default=None, repr=False)
    hec_url: str | None = None
    ca_cert: str | None = None


_TABLES: Mapping[str, type[Any]] = {"elasticsearch": ElasticsearchCredentials, "splunk": SplunkCredentials}
_Kind = TypeVar("_Kind", ElasticsearchCredentials, SplunkCredentials)


def elasticsearch_credentials(environ: Mapping[str, str] | None = None) -> ElasticsearchCredentials:
    """Return the credentials for Elasticsearch; `environ` replaces the process's environment.

    Raises:
        ConfigurationError: two logins, an incomplete login, or a file that cannot be used.
    """
    credentials = _load("elasticsearch", ElasticsearchCredentials, os.environ if environ is None else environ)
    _check_login("elasticsearch", "api_key", credentials.api_key, credentials.username, credentials.password)
    return credentials


def splunk_credentials(environ: Mapping[str, str] | None = None) -> SplunkCredentials:
    """Return the credentials for Splunk. See `elasticsearch_credentials`."""
    credentials = _load("splunk", SplunkCredentials, os.environ if environ is None else environ)
    _check_login("splunk", "token", credentials.token, credentials.username, credentials.password)
    if credentials.hec_url is not None:
        check_url(credentials.hec_url, variable("splunk", "hec_url"))
    return credentials


def variable(product: str, key: str) -> str:
    """Return the name of the environment variable for a key."""
    return f"{_PREFIX}{product}_{key}".upper()


def _load(product: str, kind: type[_Kind], environ: Mapping[str, str]) -> _Kind:
    path = environ.get(FILE_VARIABLE)
    values = dict(_read(Path(path)).get(product, {})) if path else {}
    for key in fields(kind):
        given = environ.get(variable(product, key.name))
        if given:
            values[key.name] = given
    ca_cert = values.get("ca_cert")
    if ca_cert is not None and not Path(ca_cert).is_file():
        raise ConfigurationError(f"{product}: there is no file {ca_cert}", hint="ca_cert is the path of a PEM file")
    return kind(**values)


def _check_login(product: str, key: str, token: str | None, username: str | None, password: str | None) -> None:
    names = f"{variable(product, key)}, or {variable(product, 'username')} with {variable(product, 'password')}"
    if token is not None and (username is not None or password is not None):
        raise ConfigurationError(f"{product}: both {key} and a user are given, and only one can be used", hint=names)
    if (username is None) != (password is None):
        missing = "password" if password is None else "username"
        raise ConfigurationError(f"{product}: the {missing} is missing", hint=names)


def _read(path: Path) -> dict[str, dict[str, str]]:
    """Return the checked tables of a credentials file. No message shows its text, which holds secrets."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            raw = file.read()
    except OSError as error:
        raise ConfigurationError(f"cannot read the credentials in {path}: {error.strerror}") from None
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigurationError(f"others can read the credentials in {path}", hint=f"chmod 600 {path}")
    try:
        tables: dict[str, Any] = tomllib.loads(raw.decode("utf-8"))
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is not TOML: not UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        place = _TOML_PLACE.search(str(error))
        raise ConfigurationError(f"{path} is not TOML" + (f": see {place[0]}" if place else "")) from None
    for name, table in tables.items():
        if name not in _TABLES or not isinstance(table, dict):
            hint = suggest(name, _TABLES) if name not in _TABLES else ""
            raise ConfigurationError(f"{path}: unknown table {name!r}", hint=hint or f"tables: {', '.join(_TABLES)}")
        known = [field.name for field in fields(_TABLES[name])]
        for key, value in table.items():
            if key not in known:
                raise ConfigurationError(
                    f"{path}: unknown key {key!r} in [{name}]", hint=suggest(key, known) or f"known: {', '.join(known)}"
                )
            if not isinstance(value, str) or not value:
                raise ConfigurationError(f"{path}: {key} in [{name}] is not a string")
    return tables
