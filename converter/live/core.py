"""Open a live product, on which replay runs queries beside the local engines.

    "elasticsearch=URL" ──open_live──> LiveProduct ──in a LiveTarget──> a column of the matrix

Credentials come from the environment or a file (`credentials.py`), never from the command line. A product's client
package is an extra, imported only when `--live` names the product.
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
    """A live product cannot be used: it is unreachable, is another product, or refuses the login or an event.

    A query that the product refuses is a `QueryError` instead. No message contains a credential.
    """

    kind = "live error"


class LiveProduct(Protocol):
    """A live product, used by one thread. It removes everything that it creates, and nothing else."""

    @property
    def name(self) -> str:
        """Its name in `--live`, and after the @ in the name of a column: elasticsearch, splunk."""
        ...

    @property
    def product(self) -> str:
        """The product whose events it stores."""
        ...

    @property
    def languages(self) -> frozenset[str]:
        """The query languages (`Query.language`) that it runs."""
        ...

    @property
    def version(self) -> str:
        """The version that the server reports."""
        ...

    def run(self, query: Query, events: Sequence[Event], facts: Facts | None = None) -> Sequence[Run]:
        """Store the events, run a query on them, remove them, and return what `Target.replay` would return.

        Args:
            query: in a language that the product runs.
            events: as the product has them, each with `_id`.
            facts: of the fields of the events, for products that need types; None if there are none.

        Raises:
            QueryError: the product refuses the query, or an event does not have the types that the query needs.
            LiveError: the product cannot be used.
        """
        ...

    def close(self) -> None:
        """Remove whatever is left of what was created. May be called more than once."""
        ...


@dataclass(frozen=True, slots=True)
class _Kind:
    """An adapter: the package that it needs, the extra with that package, and its module with `open_product`."""

    package: str
    extra: str
    module: str


PRODUCTS: Mapping[str, _Kind] = {
    "elasticsearch": _Kind("elasticsearch", "elasticsearch", "converter.live.elasticsearch.adapter"),
    "splunk": _Kind("splunklib", "splunk", "converter.live.splunk.adapter"),
}
"""The adapters by the name that `--live` takes."""


def open_live(argument: str) -> LiveProduct:
    """Connect to the product of an argument such as `elasticsearch=https://localhost:9200`.

    Raises:
        ConfigurationError: an unknown product, a URL that is not allowed, a missing package, or bad credentials.
        LiveError: the product does not answer, or refuses the credentials.
    """
    name, equals, url = argument.partition("=")
    if name not in PRODUCTS:
        # Text that is not a plain word may be a URL with a password, which must not be shown.
        shown = f" {name!r}" if _PLAIN_WORD.fullmatch(name) else ""
        hint = suggest(name, PRODUCTS) if shown else ""
        raise ConfigurationError(
            f"--live: there is no product{shown}",
            hint=hint or f"expected {' or '.join(f'{product}=URL' for product in PRODUCTS)}",
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
    """Check that a URL is allowed: http or https, without a user, and plain http only to this machine.

    Args:
        url: the URL. No message shows it, because it may contain a password.
        what: the option or variable of the URL, for messages.

    Raises:
        ConfigurationError: the URL is not allowed.
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
    """Return whether a host is this machine, judged by its name or address alone."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
