"""Lower pySigma's rules to plans.

    SigmaRule ──lower_detection──> Detection        SigmaCorrelationRule ──lower_correlation──> Correlation

The same lowering serves rules as they are written (the reference reads these) and rules after a pipeline (the emitters
read those).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sigma.correlations import SigmaCorrelationRule

from converter.plan.lower_correlation import lower_correlation
from converter.plan.lower_detection import lower_detection

if TYPE_CHECKING:
    from collections.abc import Mapping

    from converter.plan.nodes import Plan
    from converter.readers.yaml_document import Document


def lower(
    rule: Any,
    document: Document | None = None,
    identifiers: Mapping[str, Document] | None = None,
    done: dict[int, Plan] | None = None,
) -> Plan:
    """Return the plan of a pySigma rule, before or after a pipeline.

    Args:
        rule: a SigmaRule, or a SigmaCorrelationRule whose references are resolved.
        document: the rule's document; places in errors come from it.
        identifiers: documents by the name or id that references use, for places in rules that a correlation counts.
        done: plans by the identity of pySigma's rules, so that a rule that several correlations count is lowered once.

    Raises:
        RuleError: the rule is not valid.
        RefusedError: the rule uses a construct that is not supported yet; the error names it.
    """
    if isinstance(rule, SigmaCorrelationRule):
        return lower_correlation(rule, document, identifiers or {}, done)
    return lower_detection(rule, document)
