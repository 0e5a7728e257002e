"""The target elastic-toml: rule files in the format of elastic/detection-rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from converter.plan.nodes import Plan
    from converter.targets.core.target import Context, Event, Query, Run

_UNCOUNTED = (
    "scheduled event_count lt",
    *("range condition", "aliases", "chained correlation"),
    *("value_count", "value_sum", "value_avg", "value_median", "value_percentile"),
    *("temporal", "temporal_ordered"),
)


class ElasticTomlTarget:
    """See `converter.targets.core.target.Target`."""

    name = "elastic-toml"
    language = "elastic-toml"
    product = "elastic"
    description = "rule file in the format of elastic/detection-rules"
    suffix = ".toml"
    variants = ("rule_type=eql", "rule_type=esql")
    formats: ClassVar[Mapping[str, str]] = {"default": "the rule file"}
    options: ClassVar[Mapping[str, str]] = {
        "rule_type": "auto (threshold for a correlation, query for a detection), eql or esql",
        "interval": "how often the rule runs (5m)",
        "from": "how far back each run looks, such as now-11m (timespan + interval + lag)",
        "attack": "version of ATT&CK in `threat`: 18 (for stacks up to 9.4) or 19",
        "lag": "how late events may be stored (15m for eql and esql; a threshold rule counts by the time of storing)",
    }
    refuses: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "default": ("wildcard ?", "re", "fieldref", "hour", "keyword", *_UNCOUNTED),
        "rule_type=eql": (
            *("regex flag m", "regex look-around", "regex boundary", "fieldref", "hour", "keyword", "count above 100"),
            *_UNCOUNTED,
        ),
        "rule_type=esql": ("hour", "keyword", "count above 500", *_UNCOUNTED),
    }

    def emit(self, plan: Plan, context: Context) -> Query:
        """Convert a plan."""
        from converter.targets.elastic_toml.emitter.emit import emit_query  # noqa: PLC0415  start-up counts

        return emit_query(plan, context, self.formats, self.options)

    def replay(self, query: Query, events: Sequence[Event]) -> Sequence[Run]:
        """Run a rule at every phase of its schedule."""
        from converter.targets.elastic_toml.replay import replay  # noqa: PLC0415  start-up counts

        return replay(query, events)


TARGET = ElasticTomlTarget()
