"""Run the queries of replay on a real product, beside the local engines.

    "elasticsearch=URL" ──open_live──> LiveProduct ──in a LiveTarget──> a column of the matrix

Credentials come from the environment or a file (`credentials.py`), never from the command line. A product's own package
is an extra, imported only once it is asked for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from ipaddress import ip_address
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from converter.errors import ConfigurationError, SourceError, suggest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from converter.products.field_facts import Facts
    from converter.targets.core.target import Event, Query, Run

_PLAIN_WORD = re.compile(r"[a-z][a-z0-9_-]{0,30}", re.IGNORECASE)


class LiveError(SourceError):
    """A product cannot be asked: not reachable, not the right one, a login refused, an event that it does not take.

    A query that the product refuses is a `QueryError` instead. No message holds a credential.
    """

    kind = "live error"


class LiveProduct(Protocol):
    """A running product. Used by one thread; what it creates there, it removes, and nothing else."""

    @property
    def name(self) -> str:
        """What `--live` calls it, and what stands after the @ in the name of a column: elasticsearch, splunk."""
        ...

    @property
    def product(self) -> str:
        """Whose events it takes."""
        ...

    @property
    def languages(self) -> frozenset[str]:
        """The languages (`Query.language`) that it runs."""
        ...

    @property
    def version(self) -> str:
        """Of the server, as it says itself."""
        ...

    def run(self, query: Query, events: Sequence[Event], facts: Facts | None = None) -> Sequence[Run]:
        """Store the events, run a query on them, remove them, and return what `Target.replay` would.

        Args:
            query: of a language that the product runs.
            events: as the product has them, each with `_id`.
            facts: what is known of their fields; for products that need types. None: nothing.

        Raises:
            QueryError: the product refuses the query, or an event cannot have the types that the query is made for.
            LiveError: the product cannot be asked.
        """
        ...

    def close(self) -> None:
        """Remove everything that is left of what was created. May be called again."""
        ...


@dataclass(frozen=True, slots=True)
class _Kind:
    """A product that there is an adapter for: the package it needs, its extra, and the module with `open_product`."""

    package: str
    extra: str
    module: str


PRODUCTS: Mapping[str, _Kind] = {
    "elasticsearch": _Kind("elasticsearch", "elasticsearch", "converter.live.elasticsearch.adapter"),
    "splunk": _Kind("splunklib", "splunk", "converter.live.splunk.adapter"),
}
"""By the name that `--live` takes."""


def open_live(text: str) -> LiveProduct:
    """Return the product that a text such as `elasticsearch=https://localhost:9200` names, connected.

    Raises:
        ConfigurationError: no such product, not a URL that may be used, its package is missing, bad credentials.
        LiveError: the product does not answer, or refuses the credentials.
    """
    name, equals, url = text.partition("=")
    if name not in PRODUCTS:
        # What is no word may be a URL with a password in it, which must not be shown.
        shown = f" {name!r}" if _PLAIN_WORD.fullmatch(name) else ""
        hint = suggest(name, PRODUCTS) if shown else ""
        raise ConfigurationError(
            f"--live: there is no product{shown}",
            hint=hint or f"expected {' or '.join(f'{one}=URL' for one in PRODUCTS)}",
        )
    if not equals or not url:
        raise ConfigurationError(f"--live: {name} without a URL", hint=f"expected {name}=URL")
    check_url(url, f"--live {name}")
    kind = PRODUCTS[name]
    if find_spec(kind.package) is None:
        raise ConfigurationError(
            f"--live {name} needs the package {kind.package}", hint=f"pip install 'sigma-convert[{kind.extra}]'"
        )
    product: LiveProduct = import_module(kind.module).open_product(url)
    return product


def check_url(url: str, what: str) -> None:
    """Check that a URL may be used: http or https, no user in it, and plain http only to this machine.

    Args:
        url: the URL. It is shown in no message, because it may hold a password.
        what: what the URL is of, for messages.

    Raises:
        ConfigurationError: it may not.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        raise ConfigurationError(f"{what}: this is not a URL", hint="such as https://localhost:9200") from None
    if parts.username is not None or parts.password is not None or "@" in url:
        raise ConfigurationError(
            f"{what}: a user or a password in a URL is refused",
            hint="credentials come from the environment or a file; see docs/live.md",
        )
    if parts.scheme not in {"http", "https"} or not host:
        raise ConfigurationError(f"{what}: this is not a URL", hint="such as https://localhost:9200")
    if parts.query or parts.fragment:
        raise ConfigurationError(f"{what}: a URL with ? or # is refused", hint="scheme, host, port and path only")
    if parts.scheme == "http" and not is_loopback(host):
        raise ConfigurationError(
            f"{what}: plain http is used only to this machine, and {host} may be another one", hint="use https"
        )


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine, by its name or number alone."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
