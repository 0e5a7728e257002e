"""The targets that tests iterate over, in every format and variant. Nothing here names one.

A target takes part by being registered: see `converter.targets.core.registry`. What it cannot say it declares itself,
in `refuses` (see `converter.targets.core.target.Target`), and `tests/targets/test_refusals.py` holds it to that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from converter.conversion import convert_rules
from converter.errors import RefusedError
from converter.harness.target_spec import TargetName, own_variants
from converter.products.core import get_product
from converter.readers.log_source import LogSource
from converter.targets.core.engines import find_engine
from converter.targets.core.registry import list_targets

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from converter.rules.collection import Rules
    from converter.targets.core.target import Query, Target

VARIANTS: tuple[TargetName, ...] = tuple(own_variants(list_targets()))
"""Every target of our own in every format and variant."""
DEFAULTS: tuple[TargetName, ...] = tuple(name for name in VARIANTS if name == TargetName(name.name))
"""Every target of our own as it is without a format and options."""


def target_of(variant: TargetName) -> Target:
    return list_targets()[variant.name]


def product_of(variant: TargetName) -> str:
    return str(target_of(variant).product)


def folder_of(variant: TargetName) -> str:
    """Return what the folder of a target is called: in converter/targets, and in tests/targets."""
    return find_engine(target_of(variant).language).folder.rpartition(".")[2]


def variant_key(variant: TargetName) -> str:
    """Return how a target calls one of its variants: `default`, a format, or options as in `rule_type=eql`."""
    return str(variant).removeprefix(variant.name).removeprefix(":") or "default"


def declared_refusals(variant: TargetName) -> frozenset[str]:
    """Return the constructs that a target declares it cannot say."""
    refuses: dict[str, Sequence[str]] = getattr(target_of(variant), "refuses", {})
    return frozenset(refuses.get(variant_key(variant), ()))


def convert(rules: Rules, variant: TargetName, *, pipelines: Sequence[str] = ()) -> list[Query]:
    """Convert rules without a pipeline, or with these. Raises as `convert_rules`."""
    return convert_rules(
        rules,
        target_of(variant),
        pipelines=pipelines,
        without_pipeline=not pipelines,
        format=variant.format,
        options=dict(variant.options),
    )


def converted(rules: Rules, variant: TargetName, *, pipelines: Sequence[str] = ()) -> Query | RefusedError:
    """Return the query of the only rule, or its refusal."""
    try:
        (query,) = convert(rules, variant, pipelines=pipelines)
    except RefusedError as error:
        return error
    return query


def alerting_events(query: Query, variant: TargetName, events: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the ids of raw events that a query of a detection finds in any run; an event's id is its position."""
    look = get_product(product_of(variant)).view(LogSource(category="test"))
    seen = [look({"@timestamp": "2026-01-01T00:00:00Z", "_id": str(at), **event}) for at, event in enumerate(events)]
    runs = target_of(variant).replay(query, seen)
    return {event for run in runs for alert in run.alerts for event in alert.events}


def with_options(variant: TargetName, **options: Any) -> TargetName:
    """Return the variant with more options."""
    return TargetName(variant.name, variant.format, tuple(sorted({**dict(variant.options), **options}.items())))
