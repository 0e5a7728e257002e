"""Plan to a correlation search of Enterprise Security: the scheduled search, with notable, risk and annotations.

Plan ──schedule_plan──> Scheduled ──settings──> + action.correlationsearch.*, action.notable.*, action.risk.* ──> stanza

In titles and descriptions of notables and risk, `$field$` becomes a value of the result, so text of a rule has no
dollar sign there. Values that are lists are JSON on one line. The keys are those that contentctl 5.6 writes.
"""

from __future__ import annotations

import json
import re
from functools import partial
from typing import TYPE_CHECKING, Any

from converter.targets.core.emission import check_context
from converter.targets.splunk.emitter.conf_stanza import (
    one_line,
    plain_title,
    stanza,
    title_key,
    unique_title,
    without_tokens,
)
from converter.targets.splunk.emitter.detection_metadata import (
    SCORES,
    domain_of,
    id_of,
    level_of,
    message_of,
    risks_of,
    techniques_of,
)
from converter.targets.splunk.emitter.savedsearches import as_file, description_of, settings_of
from converter.targets.splunk.emitter.schedule import schedule_plan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from converter.plan import nodes as ir
    from converter.targets.core.target import Context, Query
    from converter.targets.splunk.emitter.detection_metadata import Risk
    from converter.targets.splunk.emitter.schedule import Scheduled

_LABEL = 70
_DRILLED = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*", re.ASCII)


def emit_es(plan: ir.Plan, context: Context, formats: Mapping[str, str], options: Mapping[str, str]) -> Query:
    """Return the stanza of a plan. Raises as `schedule_plan`; ConfigurationError: an unknown security domain."""
    check_context("splunk", context, formats, options)
    scheduled = schedule_plan(plan, context, formats, options)
    shared = context.titles.shared(plan.meta.title, title_key(_LABEL))
    label = unique_title(plan.meta.title, plan.meta.id or plan.meta.key, _LABEL, shared=shared)
    wrap = partial(_text, plan.meta, label, domain_of(plan, context.options), risks_of(plan), scheduled)
    return as_file(scheduled, wrap, "es")


def _text(
    meta: ir.Metadata, label: str, domain: str, risks: tuple[Risk, ...], scheduled: Scheduled, search: str
) -> str:
    settings = {
        "description": description_of(meta),
        **settings_of(scheduled, search, meta),
        "action.correlationsearch.enabled": "1",
        "action.correlationsearch.detection_type": "ebd",
        "action.correlationsearch.label": label,
        "action.correlationsearch.annotations": _json({"mitre_attack": techniques_of(meta)}),
        "action.correlationsearch.metadata": _json({"detection_id": id_of(meta), "detection_version": "1"}),
        **_notable(meta, domain, risks, scheduled, search),
        **_risk(meta, risks),
    }
    return stanza(plain_title(f"{domain.capitalize()} - {label} - Rule", _LABEL + 30), settings)


def _notable(
    meta: ir.Metadata, domain: str, risks: tuple[Risk, ...], scheduled: Scheduled, search: str
) -> dict[str, str]:
    groups = [name for name in scheduled.query.group_by or () if _DRILLED.fullmatch(name)]
    shown = list(dict.fromkeys([*groups, *(risk.field for risk in risks)]))
    settings = {
        "action.notable": "1",
        "action.notable.param.rule_title": message_of(meta, risks),
        "action.notable.param.rule_description": without_tokens(description_of(meta)),
        "action.notable.param.security_domain": domain,
        "action.notable.param.severity": level_of(meta),
        "action.notable.param.nes_fields": ",".join(shown),
        "action.notable.param.drilldown_searches": _json(_drilldowns(meta, scheduled.search(search), shown)),
    }
    if all(risk.threat for risk in risks):
        nobody = {"risk_object_field": "N/A", "risk_object_type": "N/A", "risk_score": 0}
        settings["action.notable.param._entities"] = _json([nobody])
    return settings


def _drilldowns(meta: ir.Metadata, search: str, fields: list[str]) -> list[dict[str, str]]:
    """Return a look at the same search for the values of the result; none where text of the search would be a token."""
    if "$" in search:
        return []
    terms = "".join(f' {name}="${name}$"' for name in fields)
    return [
        {
            "name": f"Results of {without_tokens(meta.title) or 'the rule'}",
            "search": f"{search}\n| search{terms}" if terms else search,
            "earliest_offset": "$info_min_time$",
            "latest_offset": "$info_max_time$",
        }
    ]


def _risk(meta: ir.Metadata, risks: tuple[Risk, ...]) -> dict[str, str]:
    if all(risk.threat for risk in risks):
        return {}
    score = SCORES[level_of(meta)]
    objects: list[dict[str, Any]] = [
        {"threat_object_field": risk.field, "threat_object_type": risk.kind}
        if risk.threat
        else {"risk_object_field": risk.field, "risk_object_type": risk.kind, "risk_score": score}
        for risk in sorted(risks, key=lambda risk: risk.threat)
    ]
    return {
        "action.risk": "1",
        "action.risk.param._risk_message": message_of(meta, risks),
        "action.risk.param._risk": _json(objects),
        "action.risk.param._risk_score": "0",
        "action.risk.param.verbose": "0",
    }


def _json(value: object) -> str:
    return one_line(json.dumps(value))
