"""Lower a rule of pySigma to the plan.

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
    """Return the plan of a pySigma rule, whether or not a pipeline has been applied to it.

    Args:
        rule: a SigmaRule, or a SigmaCorrelationRule whose references are resolved.
        document: where the rule came from; places in errors come from it.
        identifiers: documents by what references call them, for places in the rules that a correlation refers to.
        done: plans by the identity of their rules of pySigma; several correlations may count one.

    Raises:
        RuleError: the rule is not valid.
        RefusedError: it uses what is not supported yet; the error names it.
    """
    if isinstance(rule, SigmaCorrelationRule):
        return lower_correlation(rule, document, identifiers or {}, done)
    return lower_detection(rule, document)
