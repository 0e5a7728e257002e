"""Apply pySigma's processing pipelines to rules, and to the queries that are emitted from them.

ProcessingPipeline ──apply(rules)──> Applied: mapped rules, and the pipeline's state for each
│
finalize(queries) <── Applied.postprocess(rule, query) <── query text
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from converter.errors import RefusedError, SourceError
from converter.pipelines.fields import fields_of, maps_fields, strip_spaces
from converter.pipelines.growth import check_output
from converter.pipelines.own_names import give_own_names
from converter.pipelines.record import recorded
from converter.pipelines.regexes import timed_regexes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sigma.collection import SigmaCollection
    from sigma.processing.pipeline import ProcessingPipeline

    from converter.pipelines.fields import AnyRule
    from converter.pipelines.record import Change


@dataclass(frozen=True, slots=True)
class _Outcome:
    """The state of a pipeline after one rule, for postprocessing and emitters."""

    state: Mapping[str, Any]
    applied_ids: frozenset[str]
    mapped: frozenset[str]
    changes: tuple[Change, ...]
    setters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Applied:
    """Rules after a pipeline.

    Attributes:
        collection: copies of the rules, changed by the pipeline; each rule comes after the rules that it refers to.
        pipeline: the pipeline that changed them.
        failed: the error of each rule that the pipeline refuses, by the rule's name; such a rule, and any correlation
            that refers to it, is not in the collection.
    """

    collection: SigmaCollection
    pipeline: ProcessingPipeline
    failed: Mapping[str, SourceError] = field(default_factory=dict)
    _outcomes: Mapping[int, _Outcome] = field(default_factory=dict, repr=False)

    def state(self, rule: AnyRule) -> Mapping[str, Any]:
        """Return the pipeline's state after a rule of the collection: `index`, a data model, and so on."""
        return self._outcomes[id(rule)].state

    def setters(self, rule: AnyRule) -> Mapping[str, str]:
        """Return the ids of the items (`set_state`) that have set the keys of the state."""
        return self._outcomes[id(rule)].setters

    def mapped(self, rule: AnyRule) -> frozenset[str]:
        """Return the fields that the mapping covers, including those whose names it keeps."""
        return self._outcomes[id(rule)].mapped

    def changes(self, rule: AnyRule) -> tuple[Change, ...]:
        """Return what the pipeline did to a rule of the collection, in the order of its items."""
        return self._outcomes[id(rule)].changes

    @property
    def postprocessing(self) -> list[str]:
        """The types of the pipeline's postprocessing items."""
        return kinds_of(self.pipeline.postprocessing_items)

    def postprocess(self, rule: AnyRule, query: str) -> str:
        """Return the query of a rule of the collection after the pipeline's postprocessing.

        Raises:
            RefusedError: the pipeline refuses the query.
        """
        outcome = self._outcomes[id(rule)]
        # Conditions of postprocessing items read the state that the pipeline had after this rule.
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
    """Apply a pipeline to copies of rules; the given collection is not changed.

    Args:
        collection: rules whose references are resolved.
        pipeline: the pipeline; afterwards its state is that of the last rule.
        backend: the variable `backend` in the pipeline's templates and conditions.
        output_format: the variable `output_format` in them.
        in_place: change the given rules, not copies; for a caller that owns them.

    Referenced rules are processed first, because a correlation's conditions look at them.
    """
    from sigma.collection import SigmaCollection  # noqa: PLC0415  slow to import
    from sigma.exceptions import SigmaError  # noqa: PLC0415  slow to import
    from sigma.processing.transformations import SetStateTransformation  # noqa: PLC0415  slow to import

    copied = list(collection.rules) if in_place else copy.deepcopy(list(collection.rules))
    pipeline.vars.update({"backend": backend, "output_format": output_format})
    outcomes: dict[int, _Outcome] = {}
    failed: dict[str, SourceError] = {}
    done: list[AnyRule] = []
    sources = {id(rule): source for rule in copied if (source := getattr(rule, "logsource", None)) is not None}
    for rule in _referenced_first(copied):
        missing = next((referenced for referenced in _references(rule) if id(referenced) not in outcomes), None)
        if missing is not None:
            failed[_name(rule)] = RefusedError(
                f"the rule {_name(rule)!r} refers to {_name(missing)!r}, which the pipeline refuses", "pipeline"
            )
            continue
        group_by = list(getattr(rule, "group_by", None) or ())
        try:
            strip_spaces(rule, pipeline)
            with timed_regexes(), recorded(pipeline, rule) as record:
                pipeline.apply(rule)
        except RefusedError as error:
            failed[_name(rule)] = _of_rule(error, rule)
            continue
        except SigmaError as error:
            failed[_name(rule)] = RefusedError(
                f"the pipeline refuses the rule {_name(rule)!r}: {error.args[0] if error.args else error}", "pipeline"
            )
            continue
        except Exception as error:  # noqa: BLE001  a transformation is code of strangers
            failed[_name(rule)] = RefusedError(
                f"the pipeline fails on the rule {_name(rule)!r}: {error or 'it does not say why'}", "pipeline"
            )
            continue
        mapped = _tracked(pipeline)
        # A mapping made for this backend lists the fields whose names differ in the product, so all other fields keep
        # their names: the mapping of Windows events in Splunk lists EventID alone.
        if backend in pipeline.allowed_backends and any(map(maps_fields, record.applied)):
            mapped |= frozenset(fields_of(rule))
        state, ids = dict(pipeline.state), frozenset(pipeline.applied_ids)
        setters = {
            item.transformation.key: str(item.identifier)
            for item in record.applied
            if isinstance(item.transformation, SetStateTransformation)
        }
        outcomes[id(rule)] = _Outcome(state, ids, mapped, tuple(record.changes), setters)
        give_own_names(pipeline, rule, group_by, sources)
        done.append(rule)
    return Applied(_collection(SigmaCollection, done), pipeline, failed, outcomes)


def postprocess(query: str, pipeline: ProcessingPipeline, rule: AnyRule) -> str:
    """Return a query after the pipeline's postprocessing items, whose conditions read the pipeline's current state.

    Raises:
        RefusedError: an item refuses the query.
    """
    from sigma.exceptions import SigmaError  # noqa: PLC0415  slow to import

    try:
        with timed_regexes():
            return str(pipeline.postprocess_query(rule, query))
    except RefusedError:
        raise
    except SigmaError as error:
        raise RefusedError(
            f"the pipeline refuses the query of {_name(rule)!r}: {error.args[0] if error.args else error}", "pipeline"
        ) from None
    except Exception as error:  # noqa: BLE001  postprocessing may be code of strangers
        raise RefusedError(f"the pipeline fails on the query of {_name(rule)!r}: {error}", "pipeline") from None


def kinds_of(items: Iterable[Any]) -> list[str]:
    """Return the types of finalizers or postprocessing items, as a pipeline's file names them."""
    from sigma.processing.finalization import finalizers  # noqa: PLC0415  slow to import
    from sigma.processing.postprocessing import query_postprocessing_transformations  # noqa: PLC0415

    names = {kind: name for name, kind in (*finalizers.items(), *query_postprocessing_transformations.items())}
    steps = [getattr(item, "transformation", item) for item in items]
    return [getattr(step, "kind", None) or names.get(type(step), type(step).__name__) for step in steps]


def finalize(queries: Sequence[str], pipeline: ProcessingPipeline) -> list[str]:
    """Return the queries after the pipeline's finalizers; most finalizers join them into one.

    Raises:
        RefusedError: a finalizer fails.
    """
    if not pipeline.finalizers:
        return list(queries)
    try:
        output = _finalized(list(queries), pipeline, sum(map(len, queries)))
    except RefusedError:
        raise
    except Exception as error:  # noqa: BLE001  a finalizer may be code of strangers
        kinds = ", ".join(kinds_of(pipeline.finalizers))
        raise RefusedError(f"a finalizer of the pipeline fails ({kinds}): {error}", "pipeline") from None
    return [str(query) for query in output] if isinstance(output, list) else [str(output)]


def _finalized(output: Any, pipeline: ProcessingPipeline, size: int) -> Any:
    for finalizer in pipeline.finalizers:
        nested = getattr(finalizer, "_nested_pipeline", None)
        if nested is not None:
            output = _finalized(output, nested, size)
        else:
            check_output(finalizer, output, size)
            output = finalizer.apply(output)
    return output


def _of_rule(error: RefusedError, rule: AnyRule) -> RefusedError:
    """Return an error that names the rule."""
    error.message = f"{error.message}: {_name(rule)!r}"
    return error


def _collection(kind: type[SigmaCollection], rules: list[AnyRule]) -> SigmaCollection:
    """Return a collection in exactly this order; references stay as the rules have them."""
    collection = kind([], resolve_references=False)
    collection.rules = rules
    for rule in rules:
        if rule.id is not None:
            collection.ids_to_rules[rule.id] = rule
        if rule.name is not None:
            collection.names_to_rules[rule.name] = rule
    return collection


def _references(rule: AnyRule) -> Iterator[AnyRule]:
    for reference in getattr(rule, "referenced_rules", None) or ():
        referenced = getattr(reference, "rule", None)
        if referenced is not None:
            yield referenced


def _referenced_first(rules: list[AnyRule]) -> list[AnyRule]:
    """Return the rules sorted so that each comes after those it refers to, and otherwise in the given order.

    pySigma 1.5 sorts by "is referred to by", which is not a total order: a correlation can come before its rules.
    """
    ordered: dict[int, AnyRule] = {}

    def place(rule: AnyRule, depth: int) -> None:
        if id(rule) not in ordered and depth <= len(rules):  # deeper would be a cycle, which loading refuses
            for referenced in _references(rule):
                place(referenced, depth + 1)
            ordered.setdefault(id(rule), rule)

    for rule in rules:
        place(rule, 0)
    return list(ordered.values())


def _tracked(pipeline: ProcessingPipeline) -> frozenset[str]:
    tracking: Any = pipeline.field_mappings
    return frozenset(name for name in getattr(tracking, "data", tracking) if isinstance(name, str))


def _name(rule: AnyRule) -> str:
    return str(rule.name or rule.id or rule.title or "<untitled>")
