"""The target eql: Elastic EQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from converter.plan.nodes import Plan
    from converter.targets.core.target import Context, Event, Query, Run


class EqlTarget:
    """See `converter.targets.core.target.Target`."""

    name = "eql"
    language = "eql"
    product = "elastic"
    description = "Elastic EQL"
    suffix = ".eql"
    formats: ClassVar[Mapping[str, str]] = {"default": "the query"}
    options: ClassVar[Mapping[str, str]] = {}
    refuses: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "default": (
            *("regex flag m", "regex look-around", "regex boundary", "fieldref", "hour", "keyword"),
            *("count above 100", "event_count lt"),
            *("range condition", "aliases", "chained correlation"),
            *("value_count", "value_sum", "value_avg", "value_median", "value_percentile"),
            *("temporal", "temporal_ordered"),
        ),
    }

    def emit(self, plan: Plan, context: Context) -> Query:
        """Convert a plan."""
        from converter.targets.eql.emitter.emit import emit_query  # noqa: PLC0415  start-up counts

        return emit_query(plan, context, self.formats, self.options)

    def replay(self, query: Query, events: Sequence[Event]) -> Sequence[Run]:
        """Run a query of ours once over all events."""
        from converter.targets.core.alerts import eql_alerts  # noqa: PLC0415  start-up counts
        from converter.targets.core.target import Run  # noqa: PLC0415
        from converter.targets.eql.engine.execute import run  # noqa: PLC0415

        # No index has an event without a time, so no query of the product finds it.
        return (Run("", eql_alerts(run(query.text, events, on_error=lambda _: None), query)),)


TARGET = EqlTarget()
