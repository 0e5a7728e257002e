"""Use pySigma's backends as targets: `pysigma:splunk` and so on. They convert unchanged; replay judges the results.

fresh pySigma rules + pipeline ──Backend.convert──> query ──our engine──> rows ──> alerts
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
    """A backend of pySigma. See `converter.targets.core.target.Target`; `convert` is used instead of `emit`."""

    name: str
    language: str
    product: str
    backend: tuple[str, str]
    description: str
    suffix: str
    formats: Mapping[str, str] = field(default_factory=lambda: {"default": "what the backend emits by default"})
    options: Mapping[str, str] = field(default_factory=dict)

    def convert(self, collection: Any, pipeline: Any, plan: ir.Plan, context: Context) -> Query:
        """Convert pySigma's rules, which the backend may change.

        Raises:
            RefusedError: the backend raises an error.
            ConfigurationError: the backend has no such format, or an option is given.
        """
        if context.format not in self.formats:
            raise ConfigurationError(f"the target {self.name} has no format {context.format!r}", hint="default")
        if context.options:
            raise ConfigurationError(f"the target {self.name} takes no options")
        module, name = self.backend
        once = copy.copy(pipeline)
        once.finalizers = []  # finalizers run once, over the queries of all rules
        backend = getattr(importlib.import_module(module), name)(processing_pipeline=once)
        try:
            queries = backend.convert(collection, context.format)
        except RefusedError:  # a step of the pipeline is ours
            raise
        except Exception as error:
            message = str(error.args[0] if error.args else error).split("(while", 1)[0].strip()
            raise RefusedError(
                f"{name} raises {type(error).__name__}: {message}", type(error).__name__, plan.place
            ) from error
        emitted = [queries] if isinstance(queries, str) else [str(query) for query in queries]
        if len(emitted) != 1:
            message = f"{name} writes {len(emitted)} queries for this rule, and does not tell what each is for"
            raise RefusedError(message, "several queries", plan.place, "convert to a target of our own")
        (text,) = emitted
        correlation = plan if isinstance(plan, ir.Correlation) else None
        return Query(
            rule=plan.meta.key,
            target=self.name,
            language=self.language,
            text=text,
            verdict=Verdict("unjudged"),
            warnings=(f"{name} of pySigma wrote this query, which is unjudged: replay it with `sigma-convert test`",),
            format=context.format,
            group_by=correlation.group_by if correlation else None,
            timespan=correlation.timespan if correlation else None,
        )

    def emit(self, plan: ir.Plan, context: Context) -> Query:  # noqa: ARG002  the interface
        """Refuse: backends of pySigma do not read plans.

        Raises:
            RefusedError: always; use `convert`.
        """
        raise RefusedError(f"{self.name} does not convert plans", "plan", plan.place)

    def replay(self, query: Query, events: Sequence[Event]) -> Sequence[Run]:
        """Run the backend's query with our engine of its language."""
        from converter.targets.core.alerts import eql_alerts, query_alerts  # noqa: PLC0415  start-up counts

        folder = {"spl": "splunk"}.get(self.language, self.language)
        # No index has an event whose time the engine cannot use, so no query of the product finds it.
        options = {"on_error": lambda _: None} if self.language in ("eql", "spl") else {}
        rows = importlib.import_module(f"converter.targets.{folder}.engine.execute").run(query.text, events, **options)
        return (Run("", eql_alerts(rows, query) if self.language == "eql" else query_alerts(rows, query)),)


def upstream_targets() -> dict[str, UpstreamTarget]:
    """Return the backends whose language one of our engines runs."""
    elastic = "sigma.backends.elasticsearch"
    targets = [
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
    return {target.name: target for target in targets}
