"""The target splunk: SPL, plain or as a saved search with a schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from converter.plan.nodes import Plan
    from converter.targets.core.target import Context, Event, Query, Run


class SplunkTarget:
    """See `converter.targets.core.target.Target`."""

    name = "splunk"
    language = "spl"
    product = "splunk"
    description = "Splunk SPL"
    suffix = ".spl"
    files: ClassVar[Mapping[str, tuple[str, str]]] = {
        "savedsearches": ("saved_search.schedule", "run_saved"),
        "contentctl": ("saved_search.contentctl", "run_detection"),
    }
    formats: ClassVar[Mapping[str, str]] = {
        "default": "the search",
        "savedsearches": "a stanza of savedsearches.conf with a schedule that reports each episode once",
        "es": "the same as a correlation search of Enterprise Security: notable, risk, annotations",
        "contentctl": "a detection of splunk/contentctl, in YAML",
        "data_model": "tstats over a data model that the pipeline names: a row and a count for each set of values",
    }
    piped: ClassVar[tuple[str, ...]] = ("data_model",)
    refuses: ClassVar[Mapping[str, tuple[str, ...]]] = dict.fromkeys(
        ("savedsearches", "es", "contentctl"),
        ("scheduled chained correlation", "group-by field in alert.suppress.fields"),
    )
    options: ClassVar[Mapping[str, str]] = {
        "interval": "how often a scheduled search runs: minutes that divide an hour, or hours that divide a day (5m)",
        "cron": "when it runs, as a cron line of minutes, hours and weekdays; in place of interval",
        "lag": "how late events may be indexed (15m)",
        "earliest": "how long ago the window of a run begins (as long as is needed)",
        "latest": "how long ago it ends, or now (now; lag ago if late events could change what it finds)",
        "security_domain": "es, contentctl: access, endpoint, network, threat, identity or audit (by log source)",
        "story": "contentctl: the name of an analytic story of the repository (none)",
        "numbers": "exact: compare numbers in where, without an assumption on how the log writes them (plain)",
        "summariesonly": "data_model: whether to search nothing but summaries of the data model (false)",
    }

    def emit(self, plan: Plan, context: Context) -> Query:
        """Convert a plan."""
        query = self._emit(plan, context)
        index = context.state.get("index")
        if not index:
            return query
        from dataclasses import replace  # noqa: PLC0415  start-up counts

        told = f"the pipeline's state index ({index}) is not used in SPL: add the index with add_condition"
        return replace(query, warnings=(*query.warnings, told))

    def _emit(self, plan: Plan, context: Context) -> Query:
        if context.format == "savedsearches":
            from converter.targets.splunk.emitter.savedsearches import emit_saved  # noqa: PLC0415  only this format needs it

            return emit_saved(plan, context, self.formats, self.options)
        if context.format == "es":
            from converter.targets.splunk.emitter.enterprise_security import emit_es  # noqa: PLC0415  only this format needs it

            return emit_es(plan, context, self.formats, self.options)
        if context.format == "contentctl":
            from converter.targets.splunk.emitter.contentctl import emit_contentctl  # noqa: PLC0415  likewise

            return emit_contentctl(plan, context, self.formats, self.options)
        if context.format == "data_model":
            from converter.targets.splunk.emitter.tstats import emit_data_model  # noqa: PLC0415  only this format needs it

            return emit_data_model(plan, context, self.formats, self.options)
        from converter.targets.splunk.emitter.emit import emit_query  # noqa: PLC0415  start-up counts

        return emit_query(plan, context, self.formats, self.options)

    def replay(self, query: Query, events: Sequence[Event]) -> Sequence[Run]:
        """Run a search of ours once over all events, or a saved search at every phase of its schedule."""
        from converter.targets.splunk.replay import replay  # noqa: PLC0415  start-up counts

        return replay(query, events)


TARGET = SplunkTarget()
