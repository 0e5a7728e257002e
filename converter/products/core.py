"""Views: how one raw event looks once a product has taken it in.

    raw event + log source ── view(product, log source) ──> Splunk: flat fields     {"a.b": "1", "c{}": ["x", "y"]}
                                                        └─> Elastic: ECS document   {"event": {"action": "..."}}

Each view is a simulation written from the vendor's own ingest rules, never from our field mappings: a wrong mapping
therefore shows as a disagreement. `docs/views.md` says what each view does, from which source, and what it leaves out.
One module a product and log source, imported when first asked for.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, TypeAlias

Product: TypeAlias = Literal["splunk", "elastic"]
View = Callable[[Mapping[str, Any]], dict[str, Any]]

_LEVELS = 3


@dataclass(frozen=True, slots=True)
class Logsource:
    """Where events come from, as in Sigma: each part may be None."""

    product: str | None = None
    category: str | None = None
    service: str | None = None

    @classmethod
    def parse(cls, text: str) -> Logsource:
        """Read `product`, `product/service` or `product/category/service`; a part may be empty.

        Raises:
            ValueError: more than three parts, or none that is filled.
        """
        parts = [part.strip() or None for part in text.split("/")]
        if len(parts) > _LEVELS or not any(parts):
            raise ValueError(f"{text!r} is not a log source")
        if len(parts) < _LEVELS:
            product, service = parts[0], parts[1] if len(parts) > 1 else None
            return cls(product, None, service)
        return cls(parts[0], parts[1], parts[2])

    def __str__(self) -> str:
        return "/".join(part for part in (self.product, self.category, self.service) if part) or "any"


# (product, log source product, log source service) -> module with a function `view(event)`.
_VIEWS: Mapping[tuple[str, str, str], str] = {
    ("elastic", "aws", "cloudtrail"): "converter.products.elastic.ingest.aws.cloudtrail",
    ("splunk", "aws", "cloudtrail"): "converter.products.splunk.ingest.aws.cloudtrail",
}
_GENERIC: Mapping[str, str] = {
    "elastic": "converter.products.elastic.ingest.generic",
    "splunk": "converter.products.splunk.ingest.generic",
}


def view(product: Product, logsource: Logsource) -> View:
    """Return the view of raw events of `logsource` in `product`: a function from a raw event to a new dict.

    A log source that has no view of its own gets the generic one of the product. The raw event is never changed, and
    the result may share values with it.

    Raises:
        KeyError: an unknown product.
    """
    return _load(product, (logsource.product or "").lower(), (logsource.service or "").lower())


def known_logsources(product: Product) -> tuple[str, ...]:
    """Return the log sources that have a view of their own in a product, as `product/service`."""
    return tuple(sorted(f"{vendor}/{service}" for of, vendor, service in _VIEWS if of == product))


@lru_cache(maxsize=64)
def _load(product: str, vendor: str, service: str) -> View:
    name = _VIEWS.get((product, vendor, service)) or _GENERIC[product]
    loaded: View = importlib.import_module(name).view
    return loaded
