"""The target esql: Elastic ES|QL."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from converter.plan.nodes import Plan
    from converter.targets.core.target import Context, Event, Query, Run


class EsqlTarget:
    """See `converter.targets.core.target.Target`."""

    name = "esql"
    language = "esql"
    product = "elastic"
    description = "Elastic ES|QL"
    suffix = ".esql"
    formats: ClassVar[Mapping[str, str]] = {"default": "the query"}
    options: ClassVar[Mapping[str, str]] = {}
    refuses: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "default": (
            *("hour", "keyword", "count above 500"),
            *("range condition", "aliases", "chained correlation"),
            *("value_count", "value_sum", "value_avg", "value_median", "value_percentile"),
            *("temporal", "temporal_ordered"),
        ),
    }

    def emit(self, plan: Plan, context: Context) -> Query:
        """Convert a plan."""
        from converter.targets.esql.emitter.emit import emit_query  # noqa: PLC0415  start-up counts

        return emit_query(plan, context, self.formats, self.options)

    def replay(self, query: Query, events: Sequence[Event]) -> Sequence[Run]:
        """Run a query of ours once over all events."""
        from converter.targets.core.alerts import query_alerts  # noqa: PLC0415  start-up counts
        from converter.targets.core.target import Run  # noqa: PLC0415
        from converter.targets.esql.engine.execute import run  # noqa: PLC0415

        rows = run(query.text, events)
        limit = query.verdict.limit
        return (Run("", query_alerts(rows, query), full=limit is not None and len(rows) >= limit.alerts),)


TARGET = EsqlTarget()
