"""Apply processing pipelines of pySigma to rules, and to the queries that are made of them.

ProcessingPipeline ──apply(rules)──> Applied: mapped rules, and what the pipeline noted for each
│
finalize(queries) <── Applied.postprocess(rule, query) <── query text
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from converter.errors import RefusedError, SourceError
from converter.pipelines.fields import fields_of, maps_fields

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sigma.collection import SigmaCollection
    from sigma.processing.pipeline import ProcessingPipeline

    from converter.pipelines.fields import AnyRule


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a pipeline left behind after one rule; postprocessing and emitters need it."""

    state: Mapping[str, Any]
    applied_ids: frozenset[str]
    mapped: frozenset[str]


@dataclass(frozen=True, slots=True)
class Applied:
    """Rules after a pipeline.

    Attributes:
        collection: copies of the rules, changed by the pipeline; a rule stands behind every rule that it refers to.
        pipeline: the pipeline that changed them.
        failed: for each rule that the pipeline refused, what it is called and the error; such a rule, and a correlation
            that refers to it, is not in the collection.
    """

    collection: SigmaCollection
    pipeline: ProcessingPipeline
    failed: Mapping[str, SourceError] = field(default_factory=dict)
    _outcomes: Mapping[int, _Outcome] = field(default_factory=dict, repr=False)

    def state(self, rule: AnyRule) -> Mapping[str, Any]:
        """Return what the pipeline noted for a rule of the collection: `index`, a data model, and so on."""
        return self._outcomes[id(rule)].state

    def mapped(self, rule: AnyRule) -> frozenset[str]:
        """Return the fields that a mapping named, even if it gave them the name they had, or left as they are."""
        return self._outcomes[id(rule)].mapped

    def postprocess(self, rule: AnyRule, query: str) -> str:
        """Return the query of a rule of the collection after the pipeline's postprocessing.

        Raises:
            RefusedError: the pipeline refuses the query.
        """
        outcome = self._outcomes[id(rule)]
        # Conditions of postprocessing items look at what the pipeline noted when it was applied to this very rule.
        self.pipeline.state = dict(outcome.state)
        self.pipeline.applied_ids = set(outcome.applied_ids)
        return postprocess(query, self.pipeline, rule)


def apply(
    collection: SigmaCollection,
    pipeline: ProcessingPipeline,
    *,
    backend: str = "",
    output_format: str = "default",
    in_place: bool = False,
) -> Applied:
    """Apply a pipeline to copies of rules; the collection that is given stays as it is.

    Args:
        collection: rules whose references are resolved.
        pipeline: what to apply; its own state afterwards is that of the last rule.
        backend: what the pipeline's templates and conditions see as the variable `backend`.
        output_format: what they see as `output_format`.
        in_place: change the rules that are given, not copies; for a caller whose own they are.

    Rules that are referred to come first, as correlation rules look at them to decide what applies.
    """
    from sigma.collection import SigmaCollection  # noqa: PLC0415  slow to import
    from sigma.exceptions import SigmaError  # noqa: PLC0415  slow to import

    copied = list(collection.rules) if in_place else copy.deepcopy(list(collection.rules))
    pipeline.vars.update({"backend": backend, "output_format": output_format})
    outcomes: dict[int, _Outcome] = {}
    failed: dict[str, SourceError] = {}
    done: list[AnyRule] = []
    for rule in _referenced_first(copied):
        missing = next((one for one in _references(rule) if id(one) not in outcomes), None)
        if missing is not None:
            failed[_name(rule)] = RefusedError(
                f"the rule {_name(rule)!r} refers to {_name(missing)!r}, which the pipeline refuses", "pipeline"
            )
            continue
        try:
            pipeline.apply(rule)
        except SigmaError as bad:
            failed[_name(rule)] = RefusedError(
                f"the pipeline refuses the rule {_name(rule)!r}: {bad.args[0] if bad.args else bad}", "pipeline"
            )
            continue
        mapped = _tracked(pipeline)
        if _speaks_for_fields(pipeline, backend):
            mapped |= frozenset(fields_of(rule))
        outcomes[id(rule)] = _Outcome(dict(pipeline.state), frozenset(pipeline.applied_ids), mapped)
        done.append(rule)
    return Applied(_collection(SigmaCollection, done), pipeline, failed, outcomes)


def postprocess(query_text: str, pipeline: ProcessingPipeline, rule: AnyRule) -> str:
    """Return a query after the pipeline's postprocessing items, whose conditions see the pipeline's present state.

    Raises:
        RefusedError: an item refuses the query.
    """
    from sigma.exceptions import SigmaError  # noqa: PLC0415  slow to import

    try:
        return str(pipeline.postprocess_query(rule, query_text))
    except SigmaError as bad:
        raise RefusedError(
            f"the pipeline refuses the query of {_name(rule)!r}: {bad.args[0] if bad.args else bad}", "pipeline"
        ) from None


def finalize(queries: Sequence[str], pipeline: ProcessingPipeline) -> list[str]:
    """Return all queries after the pipeline's finalizers; most of these make one text of them."""
    if not pipeline.finalizers:
        return list(queries)
    output = pipeline.finalize(list(queries))
    return [str(one) for one in output] if isinstance(output, list) else [str(output)]


def _collection(kind: type[SigmaCollection], rules: list[AnyRule]) -> SigmaCollection:
    """Return a collection in this very order, with the references that the rules already have."""
    made = kind([], resolve_references=False)
    made.rules = rules
    for rule in rules:
        if rule.id is not None:
            made.ids_to_rules[rule.id] = rule
        if rule.name is not None:
            made.names_to_rules[rule.name] = rule
    return made


def _references(rule: AnyRule) -> Iterator[AnyRule]:
    for reference in getattr(rule, "referenced_rules", None) or ():
        referenced = getattr(reference, "rule", None)
        if referenced is not None:
            yield referenced


def _referenced_first(rules: list[AnyRule]) -> list[AnyRule]:
    """Return the rules so that each follows all it refers to; otherwise in the order they had.

    pySigma 1.5 sorts by "is referred to by", which is no total order, and can leave a correlation before its rules.
    """
    ordered: dict[int, AnyRule] = {}

    def place(rule: AnyRule, depth: int) -> None:
        if id(rule) not in ordered and depth <= len(rules):  # deeper is a circle, which loading refuses
            for referenced in _references(rule):
                place(referenced, depth + 1)
            ordered.setdefault(id(rule), rule)

    for rule in rules:
        place(rule, 0)
    return list(ordered.values())


def _speaks_for_fields(pipeline: ProcessingPipeline, backend: str) -> bool:
    """Whether a mapping that is made for the backend has been applied to the rule that was processed last.

    It names what is called otherwise there, and so says of all other fields that they keep their names: the mapping of
    Windows events in Splunk names EventID alone.
    """
    if backend not in pipeline.allowed_backends:
        return False
    return any(applied and maps_fields(item) for applied, item in zip(pipeline.applied, pipeline.items, strict=True))


def _tracked(pipeline: ProcessingPipeline) -> frozenset[str]:
    tracking: Any = pipeline.field_mappings
    return frozenset(name for name in getattr(tracking, "data", tracking) if isinstance(name, str))


def _name(rule: AnyRule) -> str:
    return str(rule.name or rule.id or rule.title or "<untitled>")
