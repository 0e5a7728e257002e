"""Pipelines as a user gives them: a name that is for every rule, or names for a product or a log source.

-p NAME..., configuration, products of the targets ──for_products──> str | Given ──choose.select──> ProcessingPipeline
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from converter.readers.log_source import LogSource


@dataclass(frozen=True, slots=True)
class Given:
    """Pipelines that are for some rules or targets only.

    Attributes:
        names: the pipelines.
        product: the product of the targets; empty: every product.
        logsource: `PRODUCT` or `PRODUCT/CATEGORY` or `PRODUCT/SERVICE` of the rules; empty: every log source.
        trusted: whether the user lets the pipelines run code, read files and open connections.
    """

    names: tuple[str, ...]
    product: str = ""
    logsource: str = ""
    trusted: bool = False

    def covers(self, logsources: Collection[LogSource]) -> bool:
        """Return whether a rule, or a rule that a correlation counts, has the log source."""
        product, _, kind = self.logsource.partition("/")
        return not self.logsource or any(
            product in {"", source.product} and (not kind or kind in {source.category, source.service})
            for source in logsources
        )


PipelineSpec: TypeAlias = str | Given


def path_of(name: str) -> str:
    """Return the path that the name of a pipeline may be: a file, or a folder as sigma-cli takes it, `DIR`, `DIR/*`."""
    return name.rstrip("/*") or ("/" if name.startswith("/") else ".")


def names_for(given: Sequence[PipelineSpec], logsources: Collection[LogSource], product: str = "") -> list[str]:
    """Return the pipelines for rules of these log sources in a product (empty: in any), each once."""
    return list(trust_by_name(given, logsources, product))


def trust_by_name(
    given: Sequence[PipelineSpec], logsources: Collection[LogSource], product: str = ""
) -> Mapping[str, bool]:
    """Return the pipelines as `names_for` does, and whether the user trusts each."""
    return dict(_names(given, logsources, product))


def trusting(given: Iterable[PipelineSpec], *, trusted: bool) -> list[PipelineSpec]:
    """Return pipelines that are trusted, if the user says so: on the command line, never in a file."""
    if not trusted:
        return list(given)
    return [Given((spec,), trusted=True) if isinstance(spec, str) else replace(spec, trusted=True) for spec in given]


def told(given: Iterable[PipelineSpec], shown: Callable[[str], str]) -> Iterator[str]:
    """Yield pipelines for people, with what each is for; `shown` writes a path."""
    for spec in given:
        item = Given((spec,)) if isinstance(spec, str) else spec
        purpose = " and ".join(filter(None, (item.product, item.logsource)))
        yield ", ".join(map(shown, item.names)) + (f" (for {purpose})" if purpose else "")


def _names(
    given: Iterable[PipelineSpec], logsources: Collection[LogSource], product: str
) -> Iterator[tuple[str, bool]]:
    for spec in given:
        if isinstance(spec, str):
            yield spec, False
        elif spec.covers(logsources) and (not product or spec.product in {"", product}):
            yield from ((name, spec.trusted) for name in spec.names)
