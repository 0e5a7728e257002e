"""The names that the rules of a correlation have for a field, where a mapping covers some of their log sources only.

pySigma renames the fields of a correlation as soon as a mapping covers one of its rules. The events of the other rules
have the field under another name, so such a field becomes an alias with the name in each rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from converter.pipelines.fields import detection_fields
from converter.pipelines.record import recorded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sigma.correlations import SigmaCorrelationRule
    from sigma.processing.pipeline import ProcessingPipeline
    from sigma.rule import SigmaLogSource, SigmaRule

    from converter.pipelines.fields import AnyRule


def give_own_names(
    pipeline: ProcessingPipeline, rule: AnyRule, before: Sequence[str], sources: Mapping[int, SigmaLogSource]
) -> None:
    """Make aliases of the group-by fields of a correlation that the pipeline renames for some of its rules only.

    Args:
        pipeline: has been applied to the rule and to those that it refers to; its state may change.
        rule: is changed; a detection rule has no group-by.
        before: the group-by fields before the pipeline.
        sources: the log sources of the rules before the pipeline, by the identity of the rule.
    """
    after = list(getattr(rule, "group_by", None) or ())
    if after == list(before) or len(after) != len(before):
        return
    correlation = cast("SigmaCorrelationRule", rule)
    references = correlation.referenced_rules
    detections = [reference.rule for reference in references if hasattr(reference.rule, "detection")]
    if len(detections) < len(references):
        return
    own_sources = [sources[id(referenced)] for referenced in detections]
    if all(source == own_sources[0] for source in own_sources):
        return
    from sigma.correlations import SigmaCorrelationFieldAlias  # noqa: PLC0415  slow to import

    named = {alias.alias for alias in correlation.aliases or ()}
    names = [_names(pipeline, source, before) for source in own_sources]
    for at, (old, new) in enumerate(zip(before, after, strict=True)):
        own = [_own(each.get(old), old, new, [other.get(old) for other in names]) for each in names]
        if old == new or old in named or all(name == new for name in own):
            continue
        mapping = dict(zip(references, own, strict=True))
        correlation.aliases.aliases[old] = SigmaCorrelationFieldAlias(old, mapping)
        after[at] = old
    correlation.group_by = after


def _own(name: str | None, old: str, new: str, names: Sequence[str | None]) -> str:
    """Return what a rule calls a field that the correlation calls `new`.

    A mapping may have a name for fields that a rule groups by and another for those that it compares. Then no rule has
    the name of the correlation, which is that of all rules whose mapping renames the field.
    """
    if name is None or (name != old and new not in names):
        return new
    return name


def _names(pipeline: ProcessingPipeline, source: SigmaLogSource, fields: Sequence[str]) -> Mapping[str, str]:
    """Return what the pipeline makes of fields in a rule of the log source; without those that have no one name."""
    names: dict[str, str] = {}
    for field in fields:
        probe = _probe(source, field)
        try:
            with recorded(pipeline, probe):  # which looks at how much each item makes
                pipeline.apply(probe)
        except Exception:  # noqa: BLE001, S112  a transformation is code of strangers; the rule itself has its error
            continue
        probed = probe.detection.detections.get("probe")
        renamed = set(detection_fields(probed)) if probed is not None else set()
        if len(renamed) == 1:
            names[field] = renamed.pop()
    return names


def _probe(source: SigmaLogSource, field: str) -> SigmaRule:
    from sigma.rule import SigmaDetection, SigmaDetectionItem, SigmaDetections, SigmaRule  # noqa: PLC0415  slow to import
    from sigma.types import SigmaString  # noqa: PLC0415

    detection = SigmaDetection([SigmaDetectionItem(field, [], [SigmaString("x")])])
    return SigmaRule("Probe", logsource=source, detection=SigmaDetections({"probe": detection}, ["probe"]))
