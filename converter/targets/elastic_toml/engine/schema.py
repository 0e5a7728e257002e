"""The keys of a rule file: which there are, which must be there, and what each may hold.

    table + schema ──problems──> (path, what is wrong, hint), the first problem first

After the dataclasses of elastic/detection-rules (detection_rules/rule.py, schemas/definitions.py, package 9.6).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from converter.errors import suggest
from converter.targets.elastic_toml.engine.schedule import interval_ms, look_back_ms
from converter.targets.elastic_toml.engine.toml_positions import Path

Check: TypeAlias = Callable[[Any], bool]
MAX_THRESHOLD_FIELDS = 5


@dataclass(frozen=True, slots=True)
class Key:
    """What a key may hold: `expected` says it in words, `inner` is the schema of a table or of a list of tables."""

    expected: str
    check: Check
    required: bool = False
    inner: Schema | None = None


Schema: TypeAlias = Mapping[str, Key]
Problem: TypeAlias = tuple[Path, str, str]


def problems(table: Mapping[str, Any], schema: Schema, path: Path) -> Iterator[Problem]:
    """Yield what is wrong in `table`: its path, the message and a hint."""
    for name, value in table.items():
        here = (*path, name)
        key = schema.get(name)
        if key is None:
            yield here, f"unknown key {name!r} in [{_dotted(path)}]", suggest(name, schema)
        elif not key.check(value):
            yield here, f"{_dotted(here)} must be {key.expected}, not {_shown(value)}", ""
        elif key.inner is not None:
            if isinstance(value, list):
                for index, item in enumerate(value):
                    yield from problems(item, key.inner, (*here, index))
            else:
                yield from problems(value, key.inner, here)
    for name, key in schema.items():
        if key.required and name not in table:
            yield path, f"{name!r} is missing in [{_dotted(path)}]", f"it must be {key.expected}"


def _dotted(path: Path) -> str:
    return ".".join(part for part in path if isinstance(part, str))


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - what reads well in a line


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_filled(value: Any) -> bool:
    return isinstance(value, str) and value.strip() != ""


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_table(value: Any) -> bool:
    return isinstance(value, dict)


def _is_tables(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _texts(least: int, most: int) -> Check:
    return lambda value: _is_texts(value) and least <= len(value) <= most and all(value)


def _whole(least: int, most: int | None = None) -> Check:
    def check(value: Any) -> bool:
        return (
            isinstance(value, int)
            and not isinstance(value, bool)
            and least <= value
            and (most is None or value <= most)
        )

    return check


def _like(pattern: str) -> Check:
    compiled = re.compile(pattern)
    return lambda value: isinstance(value, str) and compiled.fullmatch(value) is not None


def _one_of(*words: str) -> Check:
    return lambda value: value in words


def _either(*checks: Check) -> Check:
    return lambda value: any(check(value) for check in checks)


_TEXT = Key("a text", _is_text)
_FILLED = Key("a text that is not empty", _is_filled)
_FLAG = Key("true or false", _is_flag)
_TABLE = Key("a table", _is_table)
_TABLES = Key("a list of tables", _is_tables)
_TEXTS = Key("a list of texts", _is_texts)


def _needed(key: Key) -> Key:
    return Key(key.expected, key.check, required=True, inner=key.inner)


_DATE = Key("a date as YYYY/MM/DD", _like(r"\d{4}/\d{2}/\d{2}"))
_STACK_VERSION = Key("a version such as 9.2.0", _like(r"\d+\.\d+(\.\d+[\w-]*)*"))

METADATA: Schema = {
    "creation_date": _needed(_DATE),
    "updated_date": _needed(_DATE),
    "deprecated_reason": _TEXT,
    "deprecation_date": _DATE,
    "bypass_bbr_timing": _FLAG,
    "comments": _TEXT,
    "integration": Key("a text or a list of texts", _either(_is_text, _is_texts)),
    "maturity": Key(
        "development, experimental, beta, production or deprecated",
        _one_of("development", "experimental", "beta", "production", "deprecated"),
    ),
    "min_stack_version": _STACK_VERSION,
    "min_stack_comments": _TEXT,
    "os_type_list": Key(
        "a list of windows, linux, macos",
        lambda value: _is_texts(value) and set(value) <= {"windows", "linux", "macos"},
    ),
    "query_schema_validation": _FLAG,
    "related_endpoint_rules": Key("a list", lambda value: isinstance(value, list)),
    "promotion": _FLAG,
    "extended": _TABLE,
}


def _attack(kind: str, mitre: str, atlas: str) -> Key:
    """Return the key of an address at MITRE; the trailing slash may be left out."""
    pattern = rf"https://attack\.mitre\.org/{kind}/{mitre}/?|https://atlas\.mitre\.org/{kind}/{atlas}/?"
    return Key(f"an address such as https://attack.mitre.org/{kind}/...", _like(pattern), required=True)


def _entry(reference: Key, **more: Key) -> Schema:
    return {"id": _needed(_FILLED), "name": _needed(_FILLED), "reference": reference, **more}


_SUBTECHNIQUE = _entry(_attack("techniques", r"T\d+/\d+", r"AML\.T\d+\.\d+"))
_TECHNIQUE = _entry(
    _attack("techniques", r"T\d+", r"AML\.T\d+"),
    subtechnique=Key("a list of tables", _is_tables, inner=_SUBTECHNIQUE),
)
_THREAT: Schema = {
    "framework": Key("MITRE ATT&CK or MITRE ATLAS", _one_of("MITRE ATT&CK", "MITRE ATLAS"), required=True),
    "tactic": Key(
        "a table with id, name and reference", _is_table, required=True,
        inner=_entry(_attack("tactics", r"TA\d+", r"AML\.TA\d+")),
    ),
    "technique": Key("a list of tables", _is_tables, inner=_TECHNIQUE),
}  # fmt: skip

BASE: Schema = {
    "name": Key(
        "a text that begins with a letter or a digit and ends with one or a bracket",
        _like(r"[a-zA-Z0-9].+?[a-zA-Z0-9\[\]()]"), required=True,
    ),
    "author": _needed(_TEXTS),
    "description": _needed(_FILLED),
    "risk_score": Key("a whole number from 0 to 100", _whole(0, 100), required=True),
    "rule_id": Key(
        "a UUID in lower case", _like("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), required=True
    ),
    "severity": Key(
        "low, medium, high or critical", _one_of("low", "medium", "high", "critical"), required=True
    ),
    "type": _needed(_FILLED),
    "from": Key(
        "a time such as now-6m (units s, m, h, d, w)", lambda value: _is_text(value) and look_back_ms(value) is not None
    ),
    "interval": Key(
        "a time such as 5m (units s, m, h, d), and not zero",
        lambda value: _is_text(value) and bool(interval_ms(value)),
    ),
    "actions": _TABLES,
    "building_block_type": Key("default", _one_of("default")),
    "enabled": _FLAG,
    "exceptions_list": _TABLES,
    "false_positives": _TEXTS,
    "filters": _TABLES,
    "investigation_fields": _TABLE,
    "license": _TEXT,
    "max_signals": Key("a whole number of at least 1", _whole(1)),
    "meta": _TABLE,
    "note": _TEXT,
    "references": _TEXTS,
    "related_integrations": _TABLES,
    "required_fields": _TABLES,
    "response_actions": _TABLES,
    "risk_score_mapping": _TABLES,
    "rule_name_override": _TEXT,
    "setup": _TEXT,
    "severity_mapping": _TABLES,
    "tags": _TEXTS,
    "threat": Key("a list of tables", _is_tables, inner=_THREAT),
    "threat_mappings": _TABLES,
    "throttle": _TEXT,
    "timeline_id": _TEXT,
    "timeline_title": _TEXT,
    "timestamp_override": _FILLED,
    "to": _TEXT,
}  # fmt: skip

_DURATION: Schema = {
    "unit": Key("s, m or h", _one_of("s", "m", "h"), required=True),
    "value": Key("a whole number of at least 1", _whole(1), required=True),
}
_DURATION_KEY = Key("a table with unit and value", _is_table, inner=_DURATION)
_SUPPRESSION: Schema = {
    "group_by": Key("a list of 1 to 3 fields", _texts(1, 3), required=True),
    "duration": _DURATION_KEY,
    "missing_fields_strategy": Key(
        "suppress or doNotSuppress", _one_of("suppress", "doNotSuppress"), required=True
    ),
}  # fmt: skip
_SUPPRESSION_KEY = Key("a table", _is_table, inner=_SUPPRESSION)
_QUERY: Schema = {
    "index": _TEXTS,
    "data_view_id": _FILLED,
    "query": _needed(_FILLED),
    "language": Key("kuery or lucene", _one_of("kuery", "lucene"), required=True),
    "alert_suppression": _SUPPRESSION_KEY,
}
_CARDINALITY: Schema = {
    "field": _needed(_FILLED),
    "value": Key("a whole number of at least 1", _whole(1), required=True),
}
_THRESHOLD: Schema = {
    "field": Key(f"a list of at most {MAX_THRESHOLD_FIELDS} fields", _texts(0, MAX_THRESHOLD_FIELDS), required=True),
    "value": Key("a whole number of at least 1", _whole(1), required=True),
    "cardinality": Key(
        "a list of one table", lambda value: _is_tables(value) and len(value) <= 1, inner=_CARDINALITY
    ),
}  # fmt: skip

BY_TYPE: Mapping[str, Schema] = {
    "query": _QUERY,
    "threshold": {
        **_QUERY,
        "threshold": Key("a table", _is_table, required=True, inner=_THRESHOLD),
        "alert_suppression": Key(
            "a table with only a duration", _is_table, inner={"duration": _needed(_DURATION_KEY)}
        ),
    },
    "eql": {
        **_QUERY,
        "language": Key("eql", _one_of("eql"), required=True),
        "timestamp_field": _FILLED,
        "event_category_override": _FILLED,
        "tiebreaker_field": _FILLED,
    },
    "esql": {
        "query": _needed(_FILLED),
        "language": Key("esql", _one_of("esql"), required=True),
        "alert_suppression": _SUPPRESSION_KEY,
    },
    "new_terms": {
        **_QUERY,
        "new_terms": Key(
            "a table", _is_table, required=True,
            inner={
                "field": Key("new_terms_fields", _one_of("new_terms_fields"), required=True),
                "value": Key("a list of 1 to 3 fields", _texts(1, 3), required=True),
                "history_window_start": Key(
                    "a list of one table", lambda value: _is_tables(value) and len(value) == 1, required=True,
                    inner={
                        "field": Key("history_window_start", _one_of("history_window_start"), required=True),
                        "value": _needed(_FILLED),
                    },
                ),
            },
        ),
    },
    "threat_match": {
        **_QUERY,
        "concurrent_searches": Key("a whole number of at least 1", _whole(1)),
        "items_per_search": Key("a whole number of at least 1", _whole(1)),
        "threat_mapping": _needed(_TABLES),
        "threat_filters": _TABLES,
        "threat_query": _TEXT,
        "threat_language": Key("kuery, lucene, eql or esql", _one_of("kuery", "lucene", "eql", "esql")),
        "threat_index": _needed(_TEXTS),
        "threat_indicator_path": _TEXT,
    },
    "machine_learning": {
        "anomaly_threshold": Key("a whole number", _whole(0), required=True),
        "machine_learning_job_id": Key("a text or a list of texts", _either(_is_text, _is_texts), required=True),
        "alert_suppression": _SUPPRESSION_KEY,
    },
}  # fmt: skip
