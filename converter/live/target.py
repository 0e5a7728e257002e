"""A target whose queries run on a live product: converted by the target, run by the vendor's own code.

Query of a Target + events ──LiveTarget.replay──> LiveProduct.run ──> the same runs as Target.replay
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.plan import nodes as ir
from converter.products.field_facts import Facts, load_facts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from converter.live.core import LiveProduct
    from converter.targets.core.target import Context, Event, Query, Run, Target


class LiveTarget:
    """See `converter.targets.core.target.Target`.

    Args:
        target: converts the rules; it may be a backend of pySigma.
        live: runs the queries.
        facts: of the fields of each rule, by the rule's key.
    """

    def __init__(self, target: Target, live: LiveProduct, facts: Mapping[str, Facts] | None = None) -> None:
        self._target = target
        self._live = live
        self._facts = dict(facts or {})
        self.name = f"{target.name}@{live.name}"
        self.language = target.language
        self.product: str = live.product
        self.description = f"{target.description}, run by {live.name} {live.version}"
        self.suffix = target.suffix
        self.formats = target.formats
        self.options = target.options
        convert = getattr(target, "convert", None)
        if convert is not None:  # the harness recognises backends of pySigma by this attribute
            self.convert = convert

    def emit(self, plan: ir.Plan, context: Context) -> Query:
        """Convert a plan with the target."""
        self._facts[plan.meta.key] = context.facts
        return self._target.emit(plan, context)

    def replay(self, query: Query, events: Sequence[Event]) -> Sequence[Run]:
        """Run a query on the product.

        Raises:
            QueryError: the product refuses the query.
            LiveError: the product cannot be used.
        """
        return self._live.run(query, events, self._facts.get(query.rule))


def facts_of(plan: ir.Plan, product: str) -> Facts:
    """Return the facts of a rule's log source; empty facts if the rule counts rules of several log sources."""
    sources = list(dict.fromkeys(rule.logsource for rule in ir.detections_of(plan)))
    return load_facts(product, sources[0]) if len(sources) == 1 else Facts()
