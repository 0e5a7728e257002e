"""The backends of pySigma as targets: `pysigma:splunk` and so on. They convert as they are; replay judges the result.

fresh pySigma rules + pipeline ──Backend.convert──> text ──our engine──> rows ──> alerts
"""

from __future__ import annotations

import copy
import importlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from converter.errors import ConfigurationError, RefusedError
from converter.plan import nodes as ir
from converter.targets.core.target import Query, Run
from converter.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from converter.targets.core.target import Context, Event


@dataclass(frozen=True, slots=True)
class UpstreamTarget:
    """One backend of pySigma. See `converter.targets.core.target.Target`; `convert` takes the place of `emit`."""

    name: str
    language: str
    product: str
    backend: tuple[str, str]
    description: str
    suffix: str
    formats: Mapping[str, str] = field(default_factory=lambda: {"default": "what the backend emits by default"})
    options: Mapping[str, str] = field(default_factory=dict)

    def convert(self, collection: Any, pipeline: Any, plan: ir.Plan, context: Context) -> Query:
        """Convert fresh rules of pySigma.

        Raises:
            RefusedError: the backend raises.
            ConfigurationError: it has no such format, or an option is given.
        """
        if context.format not in self.formats:
            raise ConfigurationError(f"the target {self.name} has no format {context.format!r}", hint="default")
        if context.options:
            raise ConfigurationError(f"the target {self.name} takes no options")
        module, name = self.backend
        once = copy.copy(pipeline)
        once.finalizers = []  # these run over the queries of all rules, once there are all
        backend = getattr(importlib.import_module(module), name)(processing_pipeline=once)
        try:
            queries = backend.convert(collection, context.format)
        except Exception as bad:
            message = str(bad.args[0] if bad.args else bad).split("(while", 1)[0].strip()
            raise RefusedError(
                f"{name} raises {type(bad).__name__}: {message}", type(bad).__name__, plan.place
            ) from bad
        texts = [queries] if isinstance(queries, str) else [str(query) for query in queries]
        if len(texts) != 1:
            message = f"{name} writes {len(texts)} queries for this rule, and does not say which is whose"
            raise RefusedError(message, "several queries", plan.place, "convert to a target of our own")
        (text,) = texts
        correlation = plan if isinstance(plan, ir.Correlation) else None
        return Query(
            rule=plan.meta.key,
            target=self.name,
            language=self.language,
            text=text,
            verdict=Verdict("unjudged"),
            warnings=(f"{name} of pySigma wrote this, and nothing has judged it: replay it with `sigma-convert test`",),
            format=context.format,
            group_by=correlation.group_by if correlation else None,
            timespan=correlation.timespan if correlation else None,
        )

    def emit(self, plan: ir.Plan, context: Context) -> Query:  # noqa: ARG002  the interface
        """Backends of pySigma do not read plans.

        Raises:
            RefusedError: always; `convert` is the way.
        """
        raise RefusedError(f"{self.name} does not convert plans", "plan", plan.place)

    def replay(self, query: Query, events: Sequence[Event]) -> Sequence[Run]:
        """Run what the backend emitted with our engine of its language."""
        from converter.targets.core.alerts import eql_alerts, query_alerts  # noqa: PLC0415  start-up counts

        folder = {"spl": "splunk"}.get(self.language, self.language)
        rows = importlib.import_module(f"converter.targets.{folder}.engine.execute").run(query.text, events)
        return (Run("", eql_alerts(rows, query) if self.language == "eql" else query_alerts(rows, query)),)


def upstream_targets() -> dict[str, UpstreamTarget]:
    """Return the backends whose language one of our engines executes."""
    elastic = "sigma.backends.elasticsearch"
    found = [
        UpstreamTarget(
            "pysigma:splunk",
            "spl",
            "splunk",
            ("sigma.backends.splunk.splunk", "SplunkBackend"),
            "Splunk SPL of pysigma-backend-splunk",
            ".spl",
        ),
        UpstreamTarget(
            "pysigma:esql",
            "esql",
            "elastic",
            (elastic, "ESQLBackend"),
            "ES|QL of pysigma-backend-elasticsearch",
            ".esql",
        ),
        UpstreamTarget(
            "pysigma:eql", "eql", "elastic", (elastic, "EqlBackend"), "EQL of pysigma-backend-elasticsearch", ".eql"
        ),
    ]
    return {target.name: target for target in found}
