"""What a product is: what stores events, how it ingests them, and where its mappings and views are.

    entry points `converter.products` ──> Product ──view(log source)──> raw event -> event as the product has it
                                            │         Splunk: flat fields     {"a.b": "1", "c{}": ["x", "y"]}
                                            │         Elastic: ECS document   {"event": {"action": "..."}}
                                            └──mapping_file(log source)──> pipeline of pySigma, facts about fields

A view is a simulation written from the vendor's own ingest rules, never from our field mappings: a wrong mapping
therefore shows as a disagreement. `docs/ingest.md` says what each view does, from which source, and what it leaves out.
Views and mappings are found by their place in the product's folder; nothing lists them.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from converter.errors import ConfigurationError, suggest

if TYPE_CHECKING:
    from converter.readers.log_source import LogSource

View: TypeAlias = Callable[[Mapping[str, Any]], dict[str, Any]]

GROUP = "converter.products"
_SAFE_NAME = re.compile(r"[a-z0-9_]+")
_FACTS = ".facts.yml"


@dataclass(frozen=True, slots=True, eq=False)
class Product:
    """What stores events, and is asked for them in the languages of targets.

    Attributes:
        name: what targets, mappings and options call it.
        title: what messages call it.
        package: the dotted name of its folder.
        target: the target whose assumptions stand for it when the queries of another converter are judged.
        backends: what processing pipelines of pySigma call the backends that write queries for it.
        time_field: the field that has the time of an event; one without it is in no window of time.
        time_digits: how many digits of a second its times keep.
        longest: the most characters of a text that it keeps in a field nothing is known of; None: all.
        nulls_are_text: whether JSON null may become the text null.
        marks_arrays: whether the name of a field tells that it is, or is in, an array.
    """

    name: str
    title: str
    package: str
    target: str
    backends: frozenset[str] = frozenset()
    time_field: str = "@timestamp"
    time_digits: int = 6
    longest: int | None = None
    nulls_are_text: bool = False
    marks_arrays: bool = False
    _views: dict[tuple[str, str], View] = field(default_factory=dict, init=False, repr=False)

    def view(self, logsource: LogSource) -> View:
        """Return the view of raw events of a log source: a function from a raw event to a new dict.

        A log source without a view of its own gets the generic one: `ingest/<product>/<service>.py`, else
        `ingest/generic.py`. The raw event is never changed, and the result may share values with it.
        """
        key = ((logsource.product or "").lower(), (logsource.service or "").lower())
        if key not in self._views:
            own = all(map(_SAFE_NAME.fullmatch, key)) and self._file("ingest", key[0], f"{key[1]}.py").is_file()
            name = ".".join((self.package, "ingest", *key)) if own else f"{self.package}.ingest.generic"
            self._views[key] = importlib.import_module(name).view
        return self._views[key]

    def logsources(self) -> tuple[str, ...]:
        """Return the log sources that have a view of their own, as `product/service`."""
        paths = self._file("ingest").glob("*/*.py")
        return tuple(sorted(f"{path.parent.name}/{path.stem}" for path in paths if path.stem != "__init__"))

    def mapping_file(self, logsource: LogSource, suffix: str = ".yml") -> Path | None:
        """Return a built-in file for a log source: `mappings/<vendor>/<service or category>_<product><suffix>`."""
        vendor = (logsource.product or "").lower()
        for part in (logsource.service, logsource.category):
            kind = (part or "").lower()
            # Only plain words become part of a path: a rule's log source is text of a stranger.
            if all(map(_SAFE_NAME.fullmatch, (vendor, kind))):
                path = self._file("mappings", vendor, f"{kind}_{self.name}{suffix}")
                if path.is_file():
                    return path
        return None

    def facts_file(self, logsource: LogSource) -> Path | None:
        """Return the file of what is known of the fields of a log source."""
        return self.mapping_file(logsource, _FACTS)

    def mappings(self) -> Mapping[str, Path]:
        """Return the built-in mappings by name, for example `cloudtrail_splunk`."""
        paths = sorted(self._file("mappings").glob("*/*.yml"))
        return {path.stem: path for path in paths if not path.name.endswith(_FACTS)}

    def _file(self, *parts: str) -> Path:
        folder = importlib.import_module(self.package).__path__[0]
        return Path(folder, *parts)


@cache
def list_products() -> Mapping[str, Product]:
    """Return every product by name."""
    from importlib.metadata import entry_points  # noqa: PLC0415  slow to import

    return dict(sorted((point.name, point.load()) for point in entry_points(group=GROUP)))


def get_product(name: str) -> Product:
    """Return a product. Raises ConfigurationError if there is none of that name; with a suggestion."""
    products = list_products()
    if name not in products:
        hint = suggest(name, products) or f"known: {', '.join(products)}"
        raise ConfigurationError(f"there is no product {name!r}", hint=hint)
    return products[name]
