"""The target kql: Kibana KQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from converter.plan.nodes import Plan
    from converter.targets.core.target import Context, Event, Query, Run


class KqlTarget:
    """See `converter.targets.core.target.Target`."""

    name = "kql"
    language = "kql"
    product = "elastic"
    description = "Kibana KQL"
    suffix = ".kql"
    formats: ClassVar[Mapping[str, str]] = {"default": "the query"}
    options: ClassVar[Mapping[str, str]] = {}
    refuses: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "default": ("wildcard ?", "re", "fieldref", "hour", "keyword", "correlation"),
    }

    def emit(self, plan: Plan, context: Context) -> Query:
        """Convert a plan."""
        from converter.targets.kql.emitter.emit import emit_query  # noqa: PLC0415  start-up counts

        return emit_query(plan, context, self.formats, self.options)

    def replay(self, query: Query, events: Sequence[Event]) -> Sequence[Run]:
        """Run a query of ours once over all events."""
        from converter.targets.core.alerts import event_alerts  # noqa: PLC0415  start-up counts
        from converter.targets.core.target import Run  # noqa: PLC0415
        from converter.targets.kql.engine.execute import run  # noqa: PLC0415

        return (Run("", event_alerts(run(query.text, events))),)


TARGET = KqlTarget()
