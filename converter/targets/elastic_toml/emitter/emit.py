"""Plan to a rule file in the format of elastic/detection-rules.

    Detection ──> type query (kuery), or eql, or esql
    Correlation ──> type threshold (kuery), or eql, or esql
    + schedule, severity, threat, tags, note ──write──> TOML

A threshold rule counts what lies between `from` and the run; it has no window of its own. So its look-back must be the
timespan plus the interval, or a burst that straddles two runs is missed; and then it also fires on events further apart
than the timespan. The verdict says by how much.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from converter.errors import ConfigurationError
from converter.plan import nodes as ir
from converter.plan.attack import VERSIONS, threats
from converter.targets.core.elastic_emission import ElasticEmission
from converter.targets.core.emission import (
    check_context,
    check_counts_events,
    condition_of,
    duration,
    placed_groups,
    refused,
    seconds,
    verdict,
)
from converter.targets.core.links import links_of
from converter.targets.core.target import Query
from converter.targets.elastic_toml.emitter.guide import guide_text
from converter.targets.elastic_toml.emitter.write import rule_name, write_rule
from converter.verdicts.verdict import Bound, Limit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from converter.plan.attack import Tactic, Technique, Version
    from converter.targets.core.target import Context
    from converter.verdicts.verdict import Assumption

RULE_TYPES = ("auto", "eql", "esql")
MAX_SIGNALS = 1_000
MAX_LOOK_BACK = 7_300 * 86_400
MAX_FIELDS = 5
MAX_COUNT = 2**53 - 1
_FIELDS_BEFORE_9_2 = 3
_FROM = re.compile(r"now-([1-9][0-9]{0,8}[smhd])")
_INTERVAL = 300
# An event is stored some time after it happened. Windows of ingest time need no allowance for that; windows of event
# time (sequences) do, and so does a query that looks at event times inside a window of ingest time.
_LAG = 900
_RISK = {"informational": ("low", 21), "low": ("low", 21), "medium": ("medium", 47), "high": ("high", 73)}
_CRITICAL = ("critical", 99)
_MATURITY = {"stable": "production", "test": "production", "deprecated": "deprecated"}
_INTEGRATION_TAGS = {
    "aws": ["Domain: Cloud", "Data Source: AWS", "Data Source: Amazon Web Services"],
}


def emit_query(plan: ir.Plan, context: Context, formats: Mapping[str, str], options: Mapping[str, str]) -> Query:
    """Return the rule file of a plan.

    Raises:
        RefusedError: what the rule type cannot say.
        ConfigurationError: an option with a bad value.
    """
    check_context("elastic-toml", context, formats, options)
    check_counts_events(plan)
    if isinstance(plan, ir.Correlation) and not plan.sliding:
        raise refused(
            f"a schedule cuts the fixed windows of the operator {plan.op}: a run sees part of the first and last",
            f"scheduled event_count {plan.op}",
            plan.place,
            "convert to esql, and run the query over a whole number of windows",
        )
    rule_type = context.options.get("rule_type", "auto")
    if rule_type not in RULE_TYPES:
        raise ConfigurationError(f"rule_type is {rule_type!r}", hint=f"one of {', '.join(RULE_TYPES)}")
    rule, assumptions = _detection_part(plan, context, rule_type)
    span = plan.timespan if isinstance(plan, ir.Correlation) else 0
    threshold = rule["type"] == "threshold"
    interval = seconds(context.options.get("interval", duration(_INTERVAL)), "interval")
    lag = seconds(context.options["lag"], "lag") if "lag" in context.options else (0 if threshold else _LAG)
    look_back = _look_back(context, span, interval, lag)
    if look_back > MAX_LOOK_BACK:
        raise ConfigurationError(
            f"each run would look back {duration(look_back)}", hint=f"at most {duration(MAX_LOOK_BACK)}"
        )
    rule |= _described(plan.meta, context) | {"interval": duration(interval), "from": f"now-{duration(look_back)}"}
    rule["max_signals"] = MAX_SIGNALS
    if not (rule["type"] == "eql" and isinstance(plan, ir.Correlation)):
        rule["timestamp_override"] = "event.ingested"
    wrap = partial(_file, _metadata(plan.meta, context, rule), rule)
    judged = verdict(assumptions, _bound(plan, look_back, interval, threshold=threshold))
    query = Query(
        rule=plan.meta.key,
        target="elastic-toml",
        language="elastic-toml",
        text=wrap(rule["query"]),
        verdict=replace(judged, limit=Limit(f"a run raises at most {MAX_SIGNALS:,} alerts", MAX_SIGNALS)),
        inner=rule["query"],
        wrap=wrap,
        needs_fields=rule["type"] in {"eql", "esql"},
    )
    if isinstance(plan, ir.Correlation):
        return replace(query, group_by=plan.group_by, timespan=plan.timespan)
    return query


def _file(metadata: Mapping[str, Any], rule: Mapping[str, Any], query: str) -> str:
    return write_rule(metadata, {**rule, "query": query})


def _look_back(context: Context, span: int, interval: int, lag: int) -> int:
    if "from" not in context.options:
        # A search for single events needs no more than the interval; a minute covers a run that starts late.
        return span + interval + (lag if span else 60)
    match = _FROM.fullmatch(context.options["from"])
    if match is None:
        raise ConfigurationError(f"from is {context.options['from']!r}", hint="for example now-11m")
    look_back = seconds(match[1], "from")
    if look_back < interval:
        raise ConfigurationError(
            f"from looks back {duration(look_back)}, the rule runs every {duration(interval)}: events between are lost",
            hint=f"from=now-{duration(span + interval)}",
        )
    return look_back


def _bound(plan: ir.Plan, look_back: int, interval: int, *, threshold: bool) -> Bound | None:
    """Return by how much the schedule makes the rule differ.

    Every span of `look_back - interval` lies inside the window of one run; a threshold rule sees nothing finer than
    that window.
    """
    if not isinstance(plan, ir.Correlation):
        return None
    certain = look_back - interval
    sentences = []
    widest = narrowest = None
    events = f"{plan.at_least} event{'s' if plan.at_least != 1 else ''}"
    if threshold and look_back > plan.timespan:
        widest = look_back
        sentences.append(f"also fires on {events} within up to {duration(look_back)}")
    if certain < plan.timespan:
        narrowest = certain
        if certain:
            within = f"only {events} within {duration(certain)} are found for certain"
        else:
            within = "only simultaneous events are found for certain"
        sentences.append(f"misses bursts that straddle two runs: {within}")
    return Bound("; ".join(sentences), widest, narrowest) if sentences else None


# ------------------------------------------------------------------------------------------------- what it detects


def _detection_part(plan: ir.Plan, context: Context, rule_type: str) -> tuple[dict[str, Any], list[Assumption]]:
    inner = replace(context, format="default", options={})
    if rule_type == "esql":
        from converter.targets.esql.emitter.emit import emit_query as emit_esql  # noqa: PLC0415  only this type needs it

        query = emit_esql(plan, inner, {"default": ""}, {})
        text = query.text if isinstance(plan, ir.Correlation) else f"{query.text}\n| KEEP *"
        return {"type": "esql", "language": "esql", "query": text}, list(query.verdict.assumptions)
    if rule_type == "eql":
        from converter.targets.eql.emitter.emit import emit_query as emit_eql  # noqa: PLC0415

        query = emit_eql(plan, inner, {"default": ""}, {})
        keys = {"type": "eql", "language": "eql", "query": query.text, "index": _index(context)}
        return keys, list(query.verdict.assumptions)
    from converter.targets.elastic_toml.emitter.kuery import check_patterns  # noqa: PLC0415
    from converter.targets.kql.emitter.emit import condition  # noqa: PLC0415

    text, assumptions = condition(condition_of(plan), context)
    check_patterns(condition_of(plan))
    part: dict[str, Any] = {"type": "query", "language": "kuery", "query": text, "index": _index(context)}
    if isinstance(plan, ir.Correlation):
        part |= {"type": "threshold", "threshold": _threshold(plan)}
        assumptions += _assumed_of_groups(plan, context)
    return part, assumptions


def _assumed_of_groups(plan: ir.Correlation, context: Context) -> list[Assumption]:
    """Note what makes a bucket of the rule a group of ours.

    A document with several values is in a bucket for each, and what has alerted is left out of all of them later; and
    a bucket is text, whatever the documents have.
    """
    emission = ElasticEmission(context)
    for name, _ in placed_groups(plan):
        emission.single(name)
        emission.group(name)
    return emission.assumptions


def _threshold(plan: ir.Correlation) -> dict[str, Any]:
    if len(plan.group_by) > MAX_FIELDS:
        raise refused(
            f"a threshold rule groups by at most {MAX_FIELDS} fields",
            f"group-by of more than {MAX_FIELDS} fields",
            plan.place,
            "convert with -O rule_type=esql",
        )
    if plan.at_least > MAX_COUNT:
        raise refused(
            f"a threshold of {plan.at_least} is more than the whole numbers of Kibana's JSON hold",
            "count above 2^53",
            plan.place,
            "lower the count",
        )
    return {"field": list(plan.group_by), "value": plan.at_least}


def _index(context: Context) -> list[str]:
    given = context.state.get("index") or "logs-*"
    return [given] if isinstance(given, str) else [str(name) for name in given]


# ------------------------------------------------------------------------------------------------- what it says


def _described(meta: ir.Metadata, context: Context) -> dict[str, Any]:
    severity, risk = _CRITICAL if meta.level == "critical" else _RISK.get(meta.level or "medium", _RISK["medium"])
    tactics = threats(meta.tags, _attack_version(context))
    integration = str(context.state.get("integration") or "")
    tags = [*_INTEGRATION_TAGS.get(integration, []), *(f"Tactic: {tactic.name}" for tactic in tactics)]
    name = rule_name(meta.title, _rule_id(meta))
    links, texts = links_of(meta.references)
    description = next((text for text in (meta.description, meta.title, name) if text.strip()), name)
    described: dict[str, Any] = {
        "author": [part.strip() for part in (meta.author or "").split(",") if part.strip()] or ["unknown"],
        "description": _with_references(description, texts),
        "name": name,
        "risk_score": risk,
        "rule_id": _rule_id(meta),
        "severity": severity,
    }
    if meta.falsepositives:
        described["false_positives"] = list(meta.falsepositives)
    if links:
        described["references"] = [_lower_scheme(link) for link in links]
    if context.guide is not None:
        described["note"] = guide_text(context.guide)
        tags.insert(len(tags) - len(tactics), "Resources: Investigation Guide")
    if tags:
        described["tags"] = tags
    if tactics:
        described["threat"] = [
            {
                "framework": "MITRE ATT&CK",
                "tactic": _entry(tactic),
                "technique": [
                    _entry(technique)
                    | ({"subtechnique": [_entry(subtechnique) for subtechnique in below]} if below else {})
                    for technique in tactic.techniques
                    for below in (technique.subtechniques,)
                ],
            }
            for tactic in tactics
        ]
    return described


def _lower_scheme(link: str) -> str:
    """Return an address as Kibana's form takes it, which compares the scheme by its letters."""
    scheme, colon, rest = link.partition(":")
    return f"{scheme.lower()}{colon}{rest}"


def _with_references(description: str, references: Sequence[str]) -> str:
    """Return a description that names the references that are not links, which Kibana would make links."""
    if not references:
        return description
    text = description.rstrip()
    end = "" if text.endswith((".", "!", "?", ":", ";")) else "."
    return f"{text}{end} See {', '.join(references)}."


def _attack_version(context: Context) -> Version:
    """Return the version of ATT&CK that the file is for: by default that of the public rules (NOTES.md)."""
    given = context.options.get("attack", "18")
    for version in VERSIONS:
        if given == version:
            return version
    raise ConfigurationError(f"attack is {given!r}", hint=f"one of {', '.join(VERSIONS)}")


def _entry(known: Tactic | Technique) -> dict[str, Any]:
    return {"id": known.id, "name": known.name, "reference": known.reference}


def _rule_id(meta: ir.Metadata) -> str:
    """Return the rule's id if it is a UUID, else one that is always the same for the rule's key."""
    try:
        return str(uuid.UUID(meta.id or ""))
    except ValueError:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"sigma:{meta.key.encode('utf-8', 'replace').decode()}"))


def _metadata(meta: ir.Metadata, context: Context, rule: Mapping[str, Any]) -> dict[str, Any]:
    date = (meta.date or "1970-01-01").replace("-", "/")
    keys: dict[str, Any] = {
        "creation_date": date,
        "maturity": _MATURITY.get(meta.status or "", "development"),
        "updated_date": (meta.modified or meta.date or "1970-01-01").replace("-", "/"),
    }
    if integration := context.state.get("integration"):
        keys["integration"] = [str(integration)]
    if rule["type"] == "threshold" and len(rule["threshold"]["field"]) > _FIELDS_BEFORE_9_2:
        keys["min_stack_comments"] = "Threshold rules group by more than three fields since 9.2."
        keys["min_stack_version"] = "9.2.0"
    return keys
