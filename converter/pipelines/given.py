"""Pipelines as a user gives them: a name that is for every rule, or names for a product or a log source.

-p NAME..., configuration, products of the targets ──for_products──> str | Given ──choose.select──> ProcessingPipeline
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from converter.readers.log_source import LogSource


@dataclass(frozen=True, slots=True)
class Given:
    """Pipelines that are for some rules or targets only.

    Attributes:
        names: the pipelines.
        product: the product of the targets; empty: every product.
        logsource: `PRODUCT` or `PRODUCT/CATEGORY` or `PRODUCT/SERVICE` of the rules; empty: every log source.
    """

    names: tuple[str, ...]
    product: str = ""
    logsource: str = ""

    def covers(self, logsources: Collection[LogSource]) -> bool:
        """Return whether a rule, or a rule that a correlation counts, has the log source."""
        product, _, kind = self.logsource.partition("/")
        return not self.logsource or any(
            product in {"", source.product} and (not kind or kind in {source.category, source.service})
            for source in logsources
        )


PipelineSpec: TypeAlias = str | Given


def names_for(given: Sequence[PipelineSpec], logsources: Collection[LogSource], product: str = "") -> list[str]:
    """Return the pipelines for rules of these log sources in a product (empty: in any), each once."""
    return list(dict.fromkeys(_names(given, logsources, product)))


def _names(given: Iterable[PipelineSpec], logsources: Collection[LogSource], product: str) -> Iterator[str]:
    for spec in given:
        if isinstance(spec, str):
            yield spec
        elif spec.covers(logsources) and (not product or spec.product in {"", product}):
            yield from spec.names
