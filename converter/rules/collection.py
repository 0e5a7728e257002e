"""Hold loaded rules: their documents, their plans, and pySigma's objects for pipelines and backends.

Rules.plans                      what is converted and evaluated
Rules.parsed ──deepcopy, link──> Rules.collection(): pySigma's objects, one copy for each conversion
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from converter.isolation import isolated
from converter.plan.metadata import reference_key
from converter.rules.filters import add_filters
from converter.rules.pysigma import link, upstream_rule
from converter.rules.references import names_of, needed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sigma.collection import SigmaCollection

    from converter.errors import RuleWarning, SourceError
    from converter.pipelines.given import PipelineSpec
    from converter.plan import nodes as ir
    from converter.readers.yaml_document import Document


@dataclass(frozen=True, slots=True)
class Rules:
    """Loaded rules.

    Attributes:
        documents: one for each rule, in the order of the files.
        plans: the rules to convert or evaluate, before any pipeline: all except those that only serve a correlation.
        filters: the filters of each detection that has any, by the identity of its document.
        warnings: about references and filters.
        parsed: each rule as pySigma has parsed it, with its filters, by the identity of its document. These are never
            changed, and their references are not resolved; copies are made for that.
    """

    documents: tuple[Document, ...]
    plans: tuple[ir.Plan, ...] = ()
    filters: Mapping[int, Sequence[Document]] = field(default_factory=dict, repr=False, compare=False)
    warnings: tuple[RuleWarning, ...] = field(default=(), repr=False, compare=False)
    parsed: Mapping[int, Any] = field(default_factory=dict, repr=False, compare=False)
    _upstream: dict[int, Any] = field(default_factory=dict, repr=False, compare=False)
    _index: dict[str, Document] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        index = {rule_key(document.data): document for document in self.documents}
        index.update(names_of(self.documents))
        object.__setattr__(self, "_index", index)

    def collection(self, *, upstream: bool = False) -> SigmaCollection:
        """Return copies of the rules as pySigma's objects; pipelines and backends may change them.

        With `upstream`, pySigma's own modifiers are applied. Raises RefusedError if pySigma does not accept a rule.
        """
        rules = [self.upstream_rule(document) for document in self.documents] if upstream else self.originals()
        return link(copy.deepcopy(rules))

    def originals(self) -> list[Any]:
        """Return the rules as pySigma's objects, which must not be changed, in the order of the documents."""
        return [self.parsed[id(document)] for document in self.documents]

    def upstream_rule(self, document: Document) -> Any:
        """Return a rule as pySigma itself reads it, which must not be changed. Raises RefusedError if it does not."""
        if id(document) not in self._upstream:
            rule = upstream_rule(document)
            add_filters(rule, [(item, upstream_rule(item)) for item in self.filters.get(id(document), ())])
            self._upstream[id(document)] = rule
        return self._upstream[id(document)]

    def __len__(self) -> int:
        return len(self.documents)

    def only(self, plan: ir.Plan) -> Rules:
        """Return the rule of a plan and the rules that it refers to."""
        document = self._index[plan.meta.key]
        documents = tuple(needed(document, self._index))
        return Rules(documents, (plan,), self.filters, parsed=self.parsed, _upstream=self._upstream)

    def expanded(
        self, pipelines: Sequence[PipelineSpec], on_error: Callable[[SourceError], None] | None = None
    ) -> Rules:
        """Return the rules with their placeholders expanded by pipelines; other items of the pipelines are not applied.

        Args:
            pipelines: names or files.
            on_error: called with the error of each rule that a pipeline refuses, which is left out; without it, the
                first error is raised.

        Raises:
            ConfigurationError: a pipeline is wrong.
        """
        waiting = [plan for plan in self.plans if _waits(plan)]
        if not pipelines or not waiting:
            return self
        from converter.pipelines.apply import apply  # noqa: PLC0415  slow to import
        from converter.pipelines.choose import placeholder_pipeline  # noqa: PLC0415  slow to import
        from converter.plan import nodes as ir  # noqa: PLC0415

        plans: list[ir.Plan] = []

        def expand(plan: ir.Plan) -> None:
            pipeline = placeholder_pipeline(pipelines, {rule.logsource for rule in ir.detections_of(plan)})
            applied = apply(self.only(plan).collection(), pipeline, in_place=True)
            for error in applied.failed.values():
                raise error
            rules = {str(rule.name or rule.id or rule.title): rule for rule in applied.collection.rules}
            plans.append(self.lowered(rules[plan.meta.key]))

        for plan in self.plans:
            if not _waits(plan):
                plans.append(plan)
            elif on_error is None:
                expand(plan)
            else:
                with isolated(on_error, plan.place, f"expanding the placeholders of {plan.meta.key}"):
                    expand(plan)
        return replace(self, plans=tuple(plans))

    def lowered(self, rule: Any) -> ir.Plan:
        """Return the plan of a pySigma rule from one of these documents; a pipeline may have changed the rule."""
        from converter.plan.lower import lower  # noqa: PLC0415  slow to import

        return lower(rule, self._index.get(str(rule.name or rule.id or rule.title)), self._index)

    def lowered_search(self, rule: Any, name: str) -> ir.Expr:
        """Return the expression of one search identifier of a pySigma rule, as `lowered`."""
        from converter.plan.lower_detection import lower_search  # noqa: PLC0415  slow to import

        return lower_search(rule, name, self._index.get(str(rule.name or rule.id or rule.title)))


def _waits(plan: ir.Plan) -> bool:
    """Return whether a plan holds a placeholder."""
    from converter.plan import nodes as ir  # noqa: PLC0415

    return any(True for rule in ir.detections_of(plan) for _ in ir.unexpanded(rule.expr))


def rule_key(data: Mapping[str, Any]) -> str:
    """Return the key of a rule in output: its name, else its id, else its title."""
    if data.get("name"):
        return str(data["name"])
    return (
        reference_key(str(data["id"])) if data.get("id") not in (None, "") else str(data.get("title") or "<untitled>")
    )
