"""Read a rule file of elastic/detection-rules.

    text ──tomllib──> tables ──schema──> RuleFile

What the detection engine needs is a typed field of `RuleFile`; the rest of the file stays in `settings`.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn

from converter.errors import Place, QueryError, suggest
from converter.targets.elastic_toml.engine import schema
from converter.targets.elastic_toml.engine.esql_requirements import check_esql
from converter.targets.elastic_toml.engine.schedule import interval_ms, look_back_ms
from converter.targets.elastic_toml.engine.toml_positions import Path, Spot, spots

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_FROM = "now-6m"
DEFAULT_INTERVAL = "5m"
DEFAULT_MAX_SIGNALS = 100
MOST_ALERTS = 1_000
"""What one run creates at most, whatever `max_signals` says (Kibana's xpack.alerting.rules.run.alerts.max)."""

_FIELDS_BEFORE_9_2 = 3
_TOML_PLACE = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$")


@dataclass(frozen=True, slots=True)
class Cardinality:
    """A threshold bucket alerts only with at least `value` different values of `field`."""

    field: str
    value: int


@dataclass(frozen=True, slots=True)
class Threshold:
    """`[rule.threshold]`: at least `value` documents of each combination of values of `fields`."""

    fields: tuple[str, ...]
    value: int
    cardinality: Cardinality | None = None


@dataclass(frozen=True, slots=True)
class RuleFile:
    """A rule file that is valid in itself.

    Attributes:
        name: its title.
        rule_id: its UUID.
        type: query, threshold, eql, esql, new_terms, threat_match or machine_learning.
        language: kuery, lucene, eql or esql; None for machine learning.
        query: the text of the query.
        look_back_ms: how far before a run its window begins (`from`).
        interval_ms: time between two runs.
        timestamp_override: the field that gives a document's time before `@timestamp`; None for `@timestamp` alone.
        max_signals: how many alerts one run creates at most.
        threshold: only of type threshold.
        metadata: the table [metadata].
        settings: the table [rule].
        text: the text of the file.
    """

    name: str
    rule_id: str
    type: str
    language: str | None
    query: str
    look_back_ms: int
    interval_ms: int
    timestamp_override: str | None
    max_signals: int
    threshold: Threshold | None
    metadata: Mapping[str, Any]
    settings: Mapping[str, Any]
    text: str = field(repr=False)
    spots: Mapping[Path, Spot] = field(repr=False, compare=False)

    def error(self, message: str, path: Path, hint: str = "") -> QueryError:
        """Return a QueryError placed at the key `path` of the file, or at the table that should have it."""
        return QueryError(message, _place(self.text, self.spots, path), hint)

    def query_error(self, error: QueryError) -> QueryError:
        """Return an error of the query as one of the file, with its place in the file where that is certain."""
        spot = self.spots.get(("rule", "query"))
        place = error.place
        if spot is None or place is None:
            return error
        at = self.text.find(self.query, spot.value, spot.value_end)
        if at < 0:  # the file writes the query with escapes
            return QueryError(
                f"in rule.query: {error.message}", _place(self.text, self.spots, ("rule", "query")), error.hint
            )
        lines = self.query.split("\n")
        offset = sum(len(line) + 1 for line in lines[: place.line - 1]) + place.column - 1
        return QueryError(error.message, Place.at_offset(self.text, at + offset, length=place.length), error.hint)


def parse(text: str) -> RuleFile:
    """Return the rule in the text of a rule file.

    Raises:
        QueryError: the text is not TOML; a key is unknown, missing or of the wrong kind; an ES|QL rule names an index,
            or lacks what makes its alerts identifiable.

    Source: elastic/detection-rules, detection_rules/rule.py and schemas/definitions.py.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        _raise_toml(text, str(error))
    found = spots(text)

    def fail(path: Path, message: str, hint: str = "") -> NoReturn:
        raise QueryError(message, _place(text, found, path), hint)

    for name, value in tables.items():
        if name not in {"metadata", "rule", "transform"}:
            fail((name,), f"unknown table [{name}]", suggest(name, ("metadata", "rule", "transform")))
        if not isinstance(value, dict):
            fail((name,), f"{name} must be a table")
    for name in ("metadata", "rule"):
        if name not in tables:
            fail((), f"the table [{name}] is missing")
    metadata, settings = tables["metadata"], tables["rule"]
    for path, message, hint in schema.problems(metadata, schema.METADATA, ("metadata",)):
        fail(path, message, hint)
    for forbidden in ("version", "revision"):
        if forbidden in settings:
            fail(("rule", forbidden), f"{forbidden!r} is not written in a rule file", "the release adds it")
    kind = settings.get("type")
    if kind not in schema.BY_TYPE:
        if not isinstance(kind, str):
            fail(("rule", "type") if "type" in settings else ("rule",), "'type' is missing in [rule], or no text")
        known = ", ".join(schema.BY_TYPE)
        fail(("rule", "type"), f"unknown rule type {kind!r}", suggest(kind, schema.BY_TYPE) or f"known: {known}")
    if kind == "esql" and "index" in settings:
        fail(("rule", "index"), "an ES|QL rule has no 'index'", "the FROM of its query names the indices")
    for path, message, hint in schema.problems(settings, {**schema.BASE, **schema.BY_TYPE[kind]}, ("rule",)):
        fail(path, message, hint)
    if settings.get("index") and settings.get("data_view_id"):
        fail(("rule", "data_view_id"), "a rule has either 'index' or 'data_view_id', not both")
    rule = _rule(text, found, metadata, settings)
    _check_stack(rule)
    if kind == "esql":
        try:
            check_esql(rule.query)
        except QueryError as error:
            raise rule.query_error(error) from None
    return rule


def _rule(text: str, found: Mapping[Path, Spot], metadata: dict[str, Any], settings: dict[str, Any]) -> RuleFile:
    look_back = look_back_ms(settings.get("from", DEFAULT_FROM))
    interval = interval_ms(settings.get("interval", DEFAULT_INTERVAL))
    if look_back is None or interval is None:  # the schema has checked both
        raise AssertionError
    return RuleFile(
        name=settings["name"],
        rule_id=settings["rule_id"],
        type=settings["type"],
        language=settings.get("language"),
        query=settings.get("query", ""),
        look_back_ms=look_back,
        interval_ms=interval,
        timestamp_override=settings.get("timestamp_override"),
        max_signals=min(settings.get("max_signals", DEFAULT_MAX_SIGNALS), MOST_ALERTS),
        threshold=_threshold(settings.get("threshold")),
        metadata=MappingProxyType(metadata),
        settings=MappingProxyType(settings),
        text=text,
        spots=MappingProxyType(found),
    )


def _threshold(table: dict[str, Any] | None) -> Threshold | None:
    if table is None:
        return None
    cardinality = table.get("cardinality")
    return Threshold(
        fields=tuple(table["field"]),
        value=table["value"],
        cardinality=Cardinality(cardinality[0]["field"], cardinality[0]["value"]) if cardinality else None,
    )


def _check_stack(rule: RuleFile) -> None:
    """Refuse more than three threshold fields where the rule also runs on stacks that take only three."""
    least = rule.metadata.get("min_stack_version")
    if rule.threshold is None or least is None or len(rule.threshold.fields) <= _FIELDS_BEFORE_9_2:
        return
    major, minor = (int(part) for part in least.split(".")[:2])
    if (major, minor) < (9, 2):
        raise rule.error(
            f"stack {least} takes at most {_FIELDS_BEFORE_9_2} threshold fields",
            ("rule", "threshold", "field"),
            "set metadata.min_stack_version to 9.2.0 for up to 5",
        )


def _place(text: str, found: Mapping[Path, Spot], path: Path) -> Place:
    """Return the place of a key, or of the nearest table above it that has one."""
    while path and path not in found:
        path = path[:-1]
    spot = found.get(path)
    if spot is None:
        return Place.at_offset(text, 0)
    return Place.at_offset(text, spot.key, length=max(1, spot.key_end - spot.key))


def _raise_toml(text: str, message: str) -> NoReturn:
    match = _TOML_PLACE.search(message)
    lines = text.split("\n")
    line, column = (
        (int(match[1]), int(match[2])) if match is not None and match[1] else (len(lines), len(lines[-1]) + 1)
    )
    reason = message[: match.start()] if match is not None else message
    raise QueryError(f"this is not TOML: {reason}", Place.at_line(text, line, column, "<query>")) from None
