"""Lower pySigma's correlations to plans.

    SigmaCorrelationRule ──references, aliases──> Referenced ─┐
      └──document: type, condition──> Measure, limits ────────┴──> Correlation

Field names come from pySigma's rule, which a pipeline may have changed; the condition comes from the document, because
pySigma reads neither ranges nor fractions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from sigma.correlations import SigmaCorrelationRule

from converter.errors import RefusedError, RuleError
from converter.plan import nodes as ir
from converter.plan.lower_detection import lower_detection
from converter.plan.metadata import generates, metadata_of, reference_key
from converter.plan.temporal_condition import occurrence_of, parse_names, stages_of
from converter.readers.source import Source

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from converter.errors import Place
    from converter.readers.yaml_document import Document

OPERATORS: tuple[ir.CountOperator, ...] = ("lt", "lte", "gt", "gte", "eq", "neq")
_PLACED = ("type", "rules", "aliases", "condition")


def lower_correlation(
    rule: SigmaCorrelationRule,
    document: Document | None,
    identifiers: Mapping[str, Document],
    done: dict[int, ir.Plan] | None = None,
) -> ir.Correlation:
    """Return the plan of a correlation whose references are resolved.

    Args:
        rule: pySigma's correlation.
        document: the rule's document.
        identifiers: documents by the name or id that references use.
        done: plans by the identity of pySigma's rules; used again, and added to.

    Raises:
        RuleError, RefusedError: as `lower`.
    """
    return _Lowering(identifiers, done if done is not None else {}).correlation(rule, document)


class _Lowering:
    """Lowers a correlation, and the correlations that it counts."""

    def __init__(self, identifiers: Mapping[str, Document], done: dict[int, ir.Plan]) -> None:
        self.identifiers = identifiers
        self.done = done

    def document_of(self, reference: str) -> Document | None:
        """Return the document that a reference names, for places."""
        return self.identifiers.get(reference_key(reference))

    def correlation(self, rule: SigmaCorrelationRule, document: Document | None) -> ir.Correlation:
        written: Mapping[str, Any] = document.data["correlation"] if document is not None else _written(rule)
        names = [reference.reference for reference in rule.referenced_rules]
        if written["type"] != "temporal_ordered":  # only there may a rule be two stages
            names = list(dict.fromkeys(names))
        by_name = {reference.reference: reference.rule for reference in rule.referenced_rules}
        group_by = tuple(rule.group_by or ())
        fields = _fields(rule)
        rules = tuple(
            ir.Referenced(
                self.plan(by_name[name], self.document_of(name)),
                tuple(self.resolved(rule, name, by_name[name], field) for field in group_by),
                tuple(self.resolved(rule, name, by_name[name], field) for field in fields),
            )
            for name in names
        )
        measure, limits = _measured(written, names, fields, document)
        return ir.Correlation(
            meta=metadata_of(rule, document),
            rules=rules,
            group_by=group_by,
            timespan=rule.timespan.seconds,
            measure=measure,
            limits=limits,
            generate=generates(document) if document is not None else rule.generate,
            place=document.place("correlation", key=True) if document is not None else None,
            group_places=tuple(_place(document, "group-by", i) for i in range(len(group_by))),
            places=_places(document),
        )

    def plan(self, rule: Any, document: Document | None) -> ir.Plan:
        """Return the plan of a counted rule, lowered once even if several correlations count it."""
        if id(rule) not in self.done:
            if isinstance(rule, SigmaCorrelationRule):  # loading has refused cycles and long chains
                self.done[id(rule)] = self.correlation(rule, document)
            else:
                self.done[id(rule)] = lower_detection(rule, document)
        return self.done[id(rule)]

    def resolved(self, rule: SigmaCorrelationRule, name: str, referenced: Any, field: str) -> str:
        """Return a rule's own name of a field: if the field is an alias with an entry for the rule, that entry."""
        for alias in rule.aliases or ():
            if alias.alias == field:
                for reference, own in alias.mapping.items():
                    called = (reference.reference, self.document_of(reference.reference))
                    if called[0] in {name, referenced.name, str(referenced.id)} or (
                        called[1] is not None and called[1] is self.document_of(name)
                    ):
                        return str(own)
        return field


def _fields(rule: SigmaCorrelationRule) -> tuple[str, ...]:
    reference = getattr(rule.condition, "fieldref", None)
    return (reference,) if isinstance(reference, str) else tuple(reference or ())


def _measured(
    written: Mapping[str, Any], names: Sequence[str], fields: tuple[str, ...], document: Document | None
) -> tuple[ir.Measure, tuple[ir.Limit, ...]]:
    kind: str = written["type"]
    condition: Any = written.get("condition")
    if kind in {"temporal", "temporal_ordered"}:
        return _temporal(kind, condition, names, document)
    limits = _limits(condition)
    match kind:
        case "event_count":
            return ir.EventCount(), limits
        case "value_count":
            return ir.ValueCount(fields), limits
        case "value_sum":
            return ir.ValueSum(fields[0]), limits
        case "value_avg":
            return ir.ValueAvg(fields[0]), limits
        case "value_median":
            return ir.ValueMedian(fields[0]), limits
        case "value_percentile":
            return ir.ValuePercentile(fields[0], condition["percentile"]), limits
        case _:
            raise RefusedError(f"correlations of type {kind} are not supported", str(kind), _place(document, "type"))


def _temporal(
    kind: str, condition: Any, names: Sequence[str], document: Document | None
) -> tuple[ir.Measure, tuple[ir.Limit, ...]]:
    if isinstance(condition, str):
        expr = parse_names(
            document.source(condition, "correlation", "condition")
            if document is not None
            else Source(condition, RuleError, lambda _span: None)
        )
        rules = {name: index for index, name in enumerate(names)}
        if kind == "temporal":
            return ir.Temporal(occurrence_of(expr, rules)), ()
        stages = stages_of(expr, rules)
        return ir.TemporalOrdered(stages), (("gte", len(stages)),)
    limits = _limits(condition) if condition else (("gte", len(names)),)
    if kind == "temporal":
        return ir.Temporal(), limits
    return ir.TemporalOrdered(tuple((index,) for index in range(len(names)))), limits


def _limits(condition: Any) -> tuple[ir.Limit, ...]:
    return tuple((cast("ir.CountOperator", op), number) for op, number in condition.items() if op in OPERATORS)


def _written(rule: SigmaCorrelationRule) -> Mapping[str, Any]:
    """Return the section `correlation` of a rule without a document, from pySigma's rule."""
    condition: Any = rule.condition.to_dict()
    return {"type": rule.type.name.lower(), "condition": condition}


def _places(document: Document | None) -> dict[str, Place]:
    if document is None:
        return {}
    correlation = document.data["correlation"]
    places = {key: document.place("correlation", key) for key in _PLACED if key in correlation}
    condition = correlation.get("condition")
    if isinstance(condition, dict) and "field" in condition:
        places["field"] = document.place("correlation", "condition", "field")
    return places


def _place(document: Document | None, *path: str | int) -> Place | None:
    return document.place("correlation", *path) if document is not None else None
