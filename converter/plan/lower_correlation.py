"""Lower a correlation of pySigma to the plan.

SigmaCorrelationRule ──references, group-by, condition──> Correlation
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from sigma.correlations import SigmaCorrelationCondition, SigmaCorrelationRule, SigmaCorrelationType

from converter.errors import Place, RefusedError
from converter.plan.nodes import (
    Correlation,
    Detection,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from converter.document import Document
    from converter.plan.nodes import CountOperator

from converter.plan.metadata import metadata_of


def lower_correlation(
    rule: SigmaCorrelationRule, document: Document | None, identifiers: Mapping[str, Document]
) -> Correlation:
    """Return the plan of a correlation whose references are resolved. Raises as `lower`."""
    from converter.plan.lower import lower  # noqa: PLC0415  each calls the other

    place = document.place if document is not None else _nowhere
    if rule.type is not SigmaCorrelationType.EVENT_COUNT:
        name = rule.type.name.lower()
        raise RefusedError(f"correlations of type {name} are not supported yet", name, place("correlation", "type"))
    if not isinstance(rule.condition, SigmaCorrelationCondition):
        raise RefusedError("this condition is not supported yet", "condition", place("correlation", "condition"))
    detections = []
    for reference in rule.rules or ():
        plan = lower(reference.rule, identifiers.get(reference.reference))
        if not isinstance(plan, Detection):
            raise RefusedError(
                "a correlation of a correlation is not supported yet",
                "chained correlation",
                place("correlation", "rules"),
            )
        detections.append(plan)
    operator = cast("CountOperator", rule.condition.op.name.lower())
    group_by = tuple(rule.group_by or ())
    return Correlation(
        meta=metadata_of(rule, document),
        rules=tuple(detections),
        group_by=group_by,
        timespan=rule.timespan.seconds,
        op=operator,
        count=int(rule.condition.count),
        generate=rule.generate,
        place=place("correlation", key=True) if document is not None else None,
        group_places=tuple(place("correlation", "group-by", i) for i in range(len(group_by))),
    )


def _nowhere(*_: object, **__: object) -> Place | None:
    return None
