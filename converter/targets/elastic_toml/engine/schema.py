"""The tables and keys of a rule file: which there are, which must be there, and what each may hold.

After the dataclasses of elastic/detection-rules (detection_rules/rule.py, schemas/definitions.py, package 9.6).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.readers.schema import (
    ANYTHING,
    FILLED,
    FLAG,
    MAPPING,
    STRING,
    STRING_OR_STRINGS,
    STRINGS,
    Keys,
    ListOf,
    Shape,
    list_of,
    matching,
    one_of,
    string,
    whole,
)
from converter.targets.elastic_toml.engine.schedule import interval_ms, look_back_ms

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_THRESHOLD_FIELDS = 5

_TABLES = list_of(MAPPING, "tables")
_POSITIVE = whole(1)


def _table(known: Mapping[str, Shape], *required: str) -> Keys:
    return Keys(known, dict.fromkeys(required, ""))


def _fields(least: int, most: int) -> ListOf:
    limits = f"{least} to {most}" if least else f"at most {most}"
    return ListOf(f"a list of {limits} fields", FILLED, least, most)


def _only(table: Keys, least: int) -> ListOf:
    return ListOf("a list of one table", table, least, 1)


_DATE = matching(r"\d{4}/\d{2}/\d{2}", "a date as YYYY/MM/DD")
_STACK_VERSION = matching(r"\d+\.\d+(\.\d+[\w-]*)*", "a version such as 9.2.0")
METADATA = _table(
    {
        "creation_date": _DATE,
        "updated_date": _DATE,
        "deprecated_reason": STRING,
        "deprecation_date": _DATE,
        "bypass_bbr_timing": FLAG,
        "comments": STRING,
        "integration": STRING_OR_STRINGS,
        "maturity": one_of("development", "experimental", "beta", "production", "deprecated"),
        "min_stack_version": _STACK_VERSION,
        "min_stack_comments": STRING,
        "os_type_list": list_of(one_of("windows", "linux", "macos"), "windows, linux, macos"),
        "query_schema_validation": FLAG,
        "related_endpoint_rules": list_of(ANYTHING, "rules"),
        "promotion": FLAG,
        "extended": MAPPING,
    },
    "creation_date",
    "updated_date",
)


def _entry(kind: str, mitre: str, atlas: str, **more: Shape) -> Keys:
    """Return the table of something that MITRE describes at an address; its trailing slash may be left out."""
    pattern = rf"https://attack\.mitre\.org/{kind}/{mitre}/?|https://atlas\.mitre\.org/{kind}/{atlas}/?"
    reference = matching(pattern, f"an address such as https://attack.mitre.org/{kind}/...")
    return _table({"id": FILLED, "name": FILLED, "reference": reference, **more}, "id", "name", "reference")


_SUBTECHNIQUE = _entry("techniques", r"T\d+/\d+", r"AML\.T\d+\.\d+")
_TECHNIQUE = _entry("techniques", r"T\d+", r"AML\.T\d+", subtechnique=list_of(_SUBTECHNIQUE, "tables"))
_THREAT = _table(
    {
        "framework": one_of("MITRE ATT&CK", "MITRE ATLAS"),
        "tactic": _entry("tactics", r"TA\d+", r"AML\.TA\d+"),
        "technique": list_of(_TECHNIQUE, "tables"),
    },
    "framework",
    "tactic",
)

BASE = _table(
    {
        "name": matching(
            r"[a-zA-Z0-9].+?[a-zA-Z0-9\[\]()]",
            "a string that begins with a letter or digit and ends with one or a bracket",
        ),
        "author": STRINGS,
        "description": FILLED,
        "risk_score": whole(0, 100),
        "rule_id": matching("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "a UUID in lower case"),
        "severity": one_of("low", "medium", "high", "critical"),
        "type": FILLED,
        "from": string("a time such as now-6m (units s, m, h, d, w)", lambda value: look_back_ms(value) is not None),
        "interval": string(
            "a time such as 5m (units s, m, h, d), and not zero", lambda value: bool(interval_ms(value))
        ),
        "actions": _TABLES,
        "building_block_type": one_of("default"),
        "enabled": FLAG,
        "exceptions_list": _TABLES,
        "false_positives": STRINGS,
        "filters": _TABLES,
        "investigation_fields": MAPPING,
        "license": STRING,
        "max_signals": _POSITIVE,
        "meta": MAPPING,
        "note": STRING,
        "references": STRINGS,
        "related_integrations": _TABLES,
        "required_fields": _TABLES,
        "response_actions": _TABLES,
        "risk_score_mapping": _TABLES,
        "rule_name_override": STRING,
        "setup": STRING,
        "severity_mapping": _TABLES,
        "tags": STRINGS,
        "threat": list_of(_THREAT, "tables"),
        "threat_mappings": _TABLES,
        "throttle": STRING,
        "timeline_id": STRING,
        "timeline_title": STRING,
        "timestamp_override": FILLED,
        "to": STRING,
    },
    *("name", "author", "description", "risk_score", "rule_id", "severity", "type"),
)

_DURATION = _table({"unit": one_of("s", "m", "h"), "value": _POSITIVE}, "unit", "value")
_SUPPRESSION = _table(
    {
        "group_by": _fields(1, 3),
        "duration": _DURATION,
        "missing_fields_strategy": one_of("suppress", "doNotSuppress"),
    },
    "group_by",
    "missing_fields_strategy",
)
_CARDINALITY = _table({"field": FILLED, "value": _POSITIVE}, "field", "value")
_THRESHOLD = _table(
    {"field": _fields(0, MAX_THRESHOLD_FIELDS), "value": _POSITIVE, "cardinality": _only(_CARDINALITY, 0)},
    "field",
    "value",
)
_HISTORY = _table({"field": one_of("history_window_start"), "value": FILLED}, "field", "value")
_NEW_TERMS = _table(
    {"field": one_of("new_terms_fields"), "value": _fields(1, 3), "history_window_start": _only(_HISTORY, 1)},
    *("field", "value", "history_window_start"),
)


def _rule(*required: str, **known: Shape) -> Keys:
    """Return the table [rule] of a type, with its own keys and those of all types."""
    return Keys({**BASE.known, **known}, {**BASE.required, **dict.fromkeys(required, "")})


_QUERY: Mapping[str, Shape] = {
    "index": STRINGS,
    "data_view_id": FILLED,
    "query": FILLED,
    "language": one_of("kuery", "lucene"),
    "alert_suppression": _SUPPRESSION,
}


def _query_rule(*required: str, **more: Shape) -> Keys:
    return _rule("query", "language", *required, **{**_QUERY, **more})


BY_TYPE: Mapping[str, Keys] = {
    "query": _query_rule(),
    "threshold": _query_rule(
        "threshold", threshold=_THRESHOLD, alert_suppression=_table({"duration": _DURATION}, "duration")
    ),
    "eql": _query_rule(
        language=one_of("eql"), timestamp_field=FILLED, event_category_override=FILLED, tiebreaker_field=FILLED
    ),
    "esql": _rule("query", "language", query=FILLED, language=one_of("esql"), alert_suppression=_SUPPRESSION),
    "new_terms": _query_rule("new_terms", new_terms=_NEW_TERMS),
    "threat_match": _query_rule(
        *("threat_mapping", "threat_index"),
        concurrent_searches=_POSITIVE,
        items_per_search=_POSITIVE,
        threat_mapping=_TABLES,
        threat_filters=_TABLES,
        threat_query=STRING,
        threat_language=one_of("kuery", "lucene", "eql", "esql"),
        threat_index=STRINGS,
        threat_indicator_path=STRING,
    ),
    "machine_learning": _rule(
        *("anomaly_threshold", "machine_learning_job_id"),
        anomaly_threshold=whole(0),
        machine_learning_job_id=STRING_OR_STRINGS,
        alert_suppression=_SUPPRESSION,
    ),
}
FILE = Keys({"metadata": MAPPING, "rule": MAPPING, "transform": MAPPING}, {"metadata": "", "rule": ""})
