"""Convert rules: choose and apply a pipeline, lower to plans with the product's fields, emit, postprocess.

    Rules ──each plan──> its documents ──pipeline──> mapped pySigma rules ──lower──> Plan ──Target.emit──> Query

Each conversion works on its own copy of the rules that pySigma parsed at load, so no conversion changes another.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converter.errors import ConfigurationError, RefusedError, RuleError
from converter.isolation import isolated
from converter.pipelines.given import trusting
from converter.pipelines.state import ReadState, read_by_pipeline
from converter.plan import nodes as ir
from converter.plan.simplify import simplified
from converter.products.core import get_product
from converter.rules.guides import read_guide
from converter.targets.core.check import check_query
from converter.targets.core.target import Context, Titles
from converter.verdicts.event_assumptions import logsource_condition, number_as_written
from converter.verdicts.ingest_assumptions import ingest_assumptions
from converter.verdicts.predicates import unique
from converter.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sigma.processing.pipeline import ProcessingPipeline

    from converter.errors import SourceError
    from converter.pipelines.apply import Applied
    from converter.pipelines.given import PipelineSpec
    from converter.pipelines.record import Change
    from converter.products.field_facts import Facts
    from converter.products.unmapped import Unmapped
    from converter.readers.log_source import LogSource
    from converter.rules.collection import Rules
    from converter.targets.core.target import Query, Target
    from converter.verdicts.verdict import Assumption

_SHOWN_STATE = 60
_UNJUDGED = "so it is unjudged: it may not mean what the rule means"


def convert_rules(
    rules: Rules,
    target: Target,
    *,
    pipelines: Sequence[PipelineSpec] = (),
    without_pipeline: bool = False,
    format: str = "default",  # noqa: A002  the word that users know
    options: Mapping[str, str] | None = None,
    strict_fields: bool = False,
    allow_unmapped: bool = True,
    trust_pipelines: bool = False,
    on_error: Callable[[SourceError], None] | None = None,
) -> list[Query]:
    """Convert every rule to one target.

    Args:
        rules: the rules.
        target: the target.
        pipelines: names or files of pipelines, instead of those chosen by log source.
        without_pipeline: whether to keep the fields as the rules have them.
        format: one of the target's formats.
        options: the target's options.
        strict_fields: whether an unmapped field is an error, not a warning.
        allow_unmapped: whether an unmapped field is a warning even where the product fails on a query with a field that
            no index has. Users say so; replay sees the fields in the events.
        trust_pipelines: whether the user trusts all of the pipelines, also those that do not say so.
        on_error: called with the error of each rule that cannot be converted, an InternalError if that is because of a
            bug of ours; without it, the first error is raised.

    Returns:
        A query for each rule that could be converted, in order; a pipeline's finalizer may join them into one.

    Raises:
        RefusedError: the target cannot express a rule, or the product would fail on an unmapped field.
        RuleError: a rule is not valid, or with `strict_fields` has an unmapped field.
        ConfigurationError: a pipeline, a format or an option is wrong; raised even with `on_error`.
    """
    queries: list[Query] = []
    pipeline: ProcessingPipeline | None = None
    pipelines = trusting(pipelines, trusted=trust_pipelines)
    rules = rules.expanded(() if without_pipeline else pipelines, on_error)
    titles = Titles(tuple(plan.meta.title for plan in rules.plans))

    def convert(plan: ir.Plan) -> None:
        nonlocal pipeline
        try:
            work = _Work(rules, plan, target, pipelines, without_pipeline=without_pipeline)
            pipeline = work.applied.pipeline
            context = Context(work.facts, format, dict(options or {}), titles=titles)
            query = work.convert(context, strict_fields=strict_fields)
            if query.unmapped is not None and query.needs_fields and not allow_unmapped:
                raise _fails_on(query.unmapped)
            queries.append(query)
        except (RefusedError, RuleError) as error:
            error.place = error.place or plan.place
            if isinstance(error, RefusedError):
                given = {"pipelines": pipelines, "without_pipeline": without_pipeline, "allow_unmapped": allow_unmapped}
                error.revise = partial(_revised, rules=rules.only(plan), refusing=target.name, given=given)
            raise

    for plan in rules.plans:
        if on_error is None:
            convert(plan)
            continue
        with isolated(on_error, plan.place, f"converting {plan.meta.key}"):
            convert(plan)
    if on_error is None or not queries:
        return _finalized(queries, pipeline)
    with isolated(on_error, rules.plans[0].place):
        try:
            return _finalized(queries, pipeline)
        except RefusedError as error:
            for query in queries:  # none of them is what the user asked for
                message = f"{query.rule} is not written: {error.message}"
                on_error(RefusedError(message, error.construct, error.place, error.hint))
    return []


def _revised(hint: str, *, rules: Rules, refusing: str, given: Mapping[str, Any]) -> str:
    """Return the hint of a refusal, in which only targets are named that convert the rule."""
    from converter.targets.core.elsewhere import revised  # noqa: PLC0415  only where a refusal is shown
    from converter.targets.core.registry import get_target  # noqa: PLC0415

    def converts(name: str) -> bool:
        failures: list[SourceError] = []
        with suppress(ConfigurationError), isolated(failures.append):
            return bool(convert_rules(rules, get_target(name), **given, on_error=failures.append))
        return False

    return revised(hint, refusing, converts)


def _fails_on(unmapped: Unmapped) -> RefusedError:
    message = f"{unmapped.error}, and a query fails on a field that no index has"
    return RefusedError(message, "unmapped field", unmapped.place, unmapped.hint)


def _finalized(queries: list[Query], pipeline: ProcessingPipeline | None) -> list[Query]:
    if pipeline is None or not pipeline.finalizers or not queries:
        return queries
    from converter.pipelines.apply import finalize, kinds_of  # noqa: PLC0415  slow to import

    texts = finalize([query.text for query in queries], pipeline)
    kinds = ", ".join(kinds_of(pipeline.finalizers))
    if len(texts) == len(queries):
        return [_changed(query, text, kinds) for query, text in zip(queries, texts, strict=True)]
    rule = ", ".join(query.rule for query in queries)
    changed = Verdict(
        "unjudged",
        unique(assumption for query in queries for assumption in query.verdict.assumptions),
        changes=tuple(dict.fromkeys(change for query in queries for change in query.verdict.changes)),
    )
    told = tuple(dict.fromkeys(line for query in queries for line in query.pipeline))
    warnings = dict.fromkeys(warning for query in queries for warning in query.warnings)
    warnings[f"the pipeline joins the queries ({kinds}), {_UNJUDGED}"] = None
    joined = replace(queries[0], rule=rule, verdict=changed, warnings=tuple(warnings), pipeline=told, left=None)
    return [replace(joined, text=text) for text in texts]


def _changed(query: Query, text: str, kinds: str) -> Query:
    """Return a query with the text that a user's pipeline has made of it. If it differs, the query is unjudged."""
    if text == query.text:
        return query
    warning = f"the pipeline rewrites the query ({kinds}), {_UNJUDGED}"
    warnings = tuple(dict.fromkeys([*query.warnings, warning]))
    return replace(query, text=text, verdict=replace(query.verdict, kind="unjudged"), warnings=warnings)


@dataclass(slots=True, init=False)
class _Work:
    """The conversion of one rule to one target."""

    rules: Rules
    plan: ir.Plan
    target: Target
    facts: Facts
    applied: Applied
    quiet: bool
    pipelines: Sequence[PipelineSpec]

    def __init__(
        self, rules: Rules, plan: ir.Plan, target: Target, pipelines: Sequence[PipelineSpec], *, without_pipeline: bool
    ) -> None:
        from converter.pipelines.apply import apply  # noqa: PLC0415
        from converter.pipelines.choose import select  # noqa: PLC0415
        from converter.products.field_facts import Facts, load_facts  # noqa: PLC0415  slow to import

        self.rules = rules.only(plan)
        self.plan = plan
        self.target = target
        self.quiet = without_pipeline
        self.pipelines = pipelines
        sources = list(_sources(plan))
        self.facts = load_facts(target.product, sources[0]) if len(set(sources)) == 1 else Facts()
        pipeline = select(target.product, sources, names=pipelines, without=without_pipeline)
        backend = target.name.rpartition(":")[2]
        self.applied = apply(self.rules.collection(), pipeline, backend=backend, in_place=True)
        for error in self.applied.failed.values():
            raise error

    def convert(self, context: Context, *, strict_fields: bool) -> Query:
        rule = self.mapped(self.plan.meta.key)
        mapped = simplified(self.rules.lowered(rule))
        for detection in ir.detections_of(mapped):
            if detection.expr == ir.And(()):
                of = f"the rule {detection.meta.key!r}" if isinstance(mapped, ir.Correlation) else "the rule"
                raise RefusedError(
                    f"the pipeline removes all conditions of {of}, so the query would match every event",
                    "pipeline",
                    self.plan.place,
                    "let it refuse the rule instead (rule_failure)",
                )
        unmapped = self.unknown_fields()
        if strict_fields and unmapped is not None:
            raise RuleError(unmapped.error, unmapped.place, "give a pipeline with -p, or leave out --strict-fields")
        warnings = () if unmapped is None else (unmapped.message,)
        state = ReadState(self.state())
        guide = read_guide(Path(self.plan.meta.path), self.plan.meta.key, self.plan.place)
        context = replace(context, state=state, guide=guide)
        upstream = getattr(self.target, "convert", None)
        if upstream is not None:  # a backend of pySigma converts pySigma's rules, not plans
            query: Query = upstream(self.rules.collection(upstream=True), self.applied.pipeline, mapped, context)
            return self.told(replace(query, warnings=query.warnings + warnings, unmapped=unmapped), mapped)
        query = self.target.emit(mapped, context)
        check_query(query, mapped, self.target, context)
        if query.inner is None or query.wrap is None:
            text = self.applied.postprocess(rule, query.text)
        else:  # a file: postprocessing applies to the query in it
            text = query.wrap(self.applied.postprocess(rule, query.inner))
        lost = ingest_assumptions(self.plan, self.facts, self.field_names(), get_product(self.target.product))
        warnings = (*query.warnings, *warnings, *self.unread(state))
        query = self.told(replace(query, warnings=warnings, unmapped=unmapped), mapped, lost)
        return _changed(query, text, ", ".join(self.applied.postprocessing))

    def told(self, query: Query, mapped: ir.Plan, lost: Sequence[Assumption] = ()) -> Query:
        """Return a query that tells what the pipeline did to its rule, with the assumptions that follow from it.

        Args:
            query: the query, without postprocessing.
            mapped: the rule as the pipeline leaves it.
            lost: the assumptions about how the product ingests events.
        """
        verdict = query.verdict
        meaning, others = self.changes()
        if lookups := _lookups(mapped):
            told = f"{query.language} is to look up {lookups}, which is not known here, so the query is unjudged"
            verdict = replace(verdict, kind="unjudged", assumptions=unique([*verdict.assumptions, *lost]))
            query = replace(query, warnings=(*query.warnings, told))
        if verdict.kind == "unjudged":
            verdict = replace(verdict, changes=meaning)
        else:
            added = unique([*verdict.assumptions, *lost, *self.assumed()])
            kind = "changed" if meaning else "assuming" if verdict.kind == "exact" and added else verdict.kind
            verdict = replace(verdict, kind=kind, assumptions=added, changes=meaning)
        return replace(
            query,
            verdict=verdict,
            renames=self.renames(),
            pipeline=others,
            left=mapped if meaning else None,
        )

    def changes(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return what the pipeline changed in the meaning of the rule, and what else it did except renaming fields."""
        meaning: dict[str, None] = {}
        others: dict[str, None] = {}
        for rule in self.applied.collection.rules:
            for change in self.applied.changes(rule):
                if change.keeps_meaning or _is_logsource_condition(change):
                    others.update({} if change.kind == "renamed" or _is_builtin(change) else {str(change): None})
                else:
                    meaning[str(change)] = None
        return tuple(meaning), tuple(others)

    def renames(self) -> dict[str, tuple[str, ...]]:
        """Return the fields of the rule that the pipeline renames, with their new names."""
        from converter.pipelines.record import renames_of  # noqa: PLC0415  slow to import

        return {
            old: new
            for rule in self.applied.collection.rules
            for old, new in renames_of(self.applied.changes(rule)).items()
        }

    def assumed(self) -> Iterator[Assumption]:
        """Yield what the pipeline assumes: that numbers are written as in the rule, how to find a log source's events.

        The conditions of a built-in mapping are not among them: the views of its product write what they ask for.
        """
        for detection in ir.detections_of(self.plan):
            rule = self.mapped(detection.meta.key)
            for change in self.applied.changes(rule):
                yield from (number_as_written(name, number) for name, number in change.numbers)
                if change.condition is not None and _is_logsource_condition(change) and not _is_builtin(change):
                    condition = self.rules.lowered_search(rule, change.condition.name)
                    yield logsource_condition(detection, change.condition.shown, condition)

    def mapped(self, key: str) -> Any:
        """Return a rule as the pipeline has changed it."""
        for rule in self.applied.collection.rules:
            if str(rule.name or rule.id or rule.title) == key:
                return rule
        raise RefusedError("the pipeline removes the rule", "pipeline", self.plan.place)

    def state(self) -> Mapping[str, Any]:
        """Return the pipeline's state after the rule, or after the detections that it counts."""
        state: dict[str, Any] = {}
        for detection in _detections(self.plan):
            state.update(self.applied.state(self.mapped(detection.meta.key)))
        return state

    def unread(self, state: ReadState) -> tuple[str, ...]:
        """Return a warning for each key of the state that neither the emitter nor the pipeline has read.

        Keys that a built-in mapping sets are for the targets that read them, and need no warning elsewhere.
        """
        from converter.pipelines.choose import builtin_items  # noqa: PLC0415  slow to import

        unread = dict.fromkeys(key for key in state if key not in state.read)
        read = read_by_pipeline(self.applied.pipeline, unread)
        setters: dict[str, str] = {}
        for rule in self.applied.collection.rules:
            setters.update(self.applied.setters(rule))
        return tuple(
            f"nothing reads the pipeline's state {key} ({str(state[key])[:_SHOWN_STATE]})"
            for key in unread
            if key not in read and setters.get(key) not in builtin_items()
        )

    def unknown_fields(self) -> Unmapped | None:
        """Return the fields of the rule, and of those it refers to, that no mapping has; None if there are none."""
        from converter.pipelines.fields import fields_of, listed_fields, unmapped  # noqa: PLC0415  slow to import

        if self.quiet:
            return None
        fields: dict[str, None] = {}
        originals = {str(rule.name or rule.id or rule.title): rule for rule in self.rules.originals()}
        for key, original in originals.items():
            rule = self.mapped(key)
            names = unmapped(fields_of(original), fields_of(rule), self.facts, self.applied.mapped(rule))
            fields.update(dict.fromkeys(names))
        if not fields:
            return None
        from converter.pipelines.choose import advice_for_unmapped  # noqa: PLC0415  only now
        from converter.products.unmapped import unmapped_fields  # noqa: PLC0415
        from converter.rules.field_places import field_places  # noqa: PLC0415

        product = self.target.product
        places = {name: at for document in self.rules.documents for name, at in field_places(document).items()}
        known = [*listed_fields(self.applied.pipeline), *self.facts.known]
        advice = partial(advice_for_unmapped, product, tuple(dict.fromkeys(_sources(self.plan))), bool(self.pipelines))
        return unmapped_fields(product, {name: places.get(name, self.plan.place) for name in fields}, known, advice)

    def field_names(self) -> dict[str, tuple[str, ...]]:
        """Return the product's names of each of Sigma's fields: one for each use that the pipeline tells apart."""
        names: dict[str, dict[str, None]] = {}
        for original in self.rules.originals():
            for old, new in self._renames_of(original):
                names.setdefault(old, {})[new] = None
        return {field: tuple(names.get(field, (field,))) for field in ir.fields_of_plan(self.plan)}

    def _renames_of(self, original: Any) -> Iterator[tuple[str, str]]:
        """Yield (old, new) for the fields that a rule uses, wherever the pipeline leaves exactly one."""
        rule: Any = self.mapped(str(original.name or original.id or original.title))
        if hasattr(original, "detection"):
            for name, detection in original.detection.detections.items():
                yield from _renamed(detection, rule.detection.detections[name])
            return
        before, after = getattr(original, "group_by", None) or (), rule.group_by or ()
        written = {alias.alias for alias in original.aliases}
        added = {alias.alias: alias for alias in rule.aliases if alias.alias not in written}  # see `give_own_names`
        if len(before) == len(after):
            for old, new in zip(before, after, strict=True):
                yield from ((old, own) for own in (added[new].mapping.values() if new in added else [new]))
        for old, new in zip(original.aliases, (alias for alias in rule.aliases if alias.alias in written), strict=True):
            yield from zip(old.mapping.values(), new.mapping.values(), strict=True)
        yield from zip(_measured(original), _measured(rule), strict=True)


def _lookups(plan: ir.Plan) -> str:
    """Return what the product is to look up for a rule, where a pipeline has written query expressions into it."""
    leaves = (leaf for detection in ir.detections_of(plan) for leaf in ir.unexpanded(detection.expr))
    return ", ".join(dict.fromkeys(leaf.placeholder for leaf in leaves if leaf.expression is not None))


def _is_logsource_condition(change: Change) -> bool:
    """Return whether a change adds a condition only to find the events of the rule's log source."""
    added = change.condition
    return added is not None and not added.negated and added.for_logsource


def _is_builtin(change: Change) -> bool:
    from converter.pipelines.choose import builtin_items  # noqa: PLC0415  slow to import

    return change.condition is not None and change.condition.item in builtin_items()


def _renamed(before: Any, after: Any) -> Iterator[tuple[str, str]]:
    """Yield (old, new) for the fields of a detection's items that a pipeline has renamed in place."""
    for old, new in zip(before.detection_items, after.detection_items, strict=False):
        if hasattr(old, "detection_items"):
            if hasattr(new, "detection_items"):
                yield from _renamed(old, new)
        elif getattr(old, "field", None) and getattr(new, "field", None):
            yield str(old.field), str(new.field)


def _measured(rule: Any) -> list[str]:
    """Return the fields that the condition of pySigma's correlation measures."""
    reference = getattr(rule.condition, "fieldref", None)
    return [reference] if isinstance(reference, str) else list(reference or ())


def _detections(plan: ir.Plan) -> tuple[ir.Detection, ...]:
    return ir.detections_of(plan)


def _sources(plan: ir.Plan) -> Iterator[LogSource]:
    for detection in _detections(plan):
        yield detection.logsource
