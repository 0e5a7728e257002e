"""Read a rule file of elastic/detection-rules.

    text ──readers.toml──> tables ──schema──> RuleFile

What the detection engine needs is a typed field of `RuleFile`; the rest of the file stays in `settings`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from converter.errors import Place, QueryError
from converter.readers.schema import Keys, check, error_at, one_of
from converter.readers.toml import TomlDocument, parse_toml
from converter.targets.elastic_toml.engine import schema
from converter.targets.elastic_toml.engine.esql_requirements import check_esql
from converter.targets.elastic_toml.engine.schedule import interval_ms, look_back_ms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from converter.errors import SourceError
    from converter.readers.schema import KeyPath

DEFAULT_FROM = "now-6m"
DEFAULT_INTERVAL = "5m"
DEFAULT_MAX_SIGNALS = 100
MOST_ALERTS = 1_000
"""What one run creates at most, whatever `max_signals` says (Kibana's xpack.alerting.rules.run.alerts.max)."""

_FIELDS_BEFORE_9_2 = 3
_MOST_RUNS = 11_000_000  # 20 years, each minute
"""Of a rule over one event: each is simulated."""
_TYPE = Keys({"type": one_of(*schema.BY_TYPE)}, {"type": ""}, others=True)


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
        document: the file, for the places of errors.
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
    document: TomlDocument = field(repr=False, compare=False)

    def error(self, message: str, path: KeyPath, hint: str = "") -> QueryError:
        """Return a QueryError placed at the key `path` of the file, or at the table that should have it."""
        return QueryError(message, self.document.place(*path), hint)

    def query_error(self, error: QueryError) -> QueryError:
        """Return an error of the query as one of the file, with its place in the file where that is certain."""
        place = error.place
        if place is None:
            return error
        at = self.document.offset_of(self.query, "rule", "query")
        if at is None:  # the file writes the query with escapes
            return self.error(f"in rule.query: {error.message}", ("rule", "query"), error.hint)
        lines = self.query.split("\n")
        offset = at + sum(len(line) + 1 for line in lines[: place.line - 1]) + place.column - 1
        return QueryError(error.message, Place.at_offset(self.document.text, offset, length=place.length), error.hint)


def parse(text: str) -> RuleFile:
    """Return the rule in the text of a rule file.

    Raises:
        QueryError: the text is not TOML; a key is unknown, missing or of the wrong kind; an ES|QL rule names an index,
            or lacks what makes its alerts identifiable.

    Source: elastic/detection-rules, detection_rules/rule.py and schemas/definitions.py.
    """
    document = parse_toml(text, "<query>", QueryError)
    check(document, schema.FILE)
    check(document, schema.METADATA, "metadata")
    settings = document.data["rule"]

    def wrong(message: str, key: str, hint: str) -> SourceError:
        return error_at(document, message, ("rule", key), hint)

    for forbidden in ("version", "revision"):
        if forbidden in settings:
            raise wrong(f"{forbidden!r} is not written in a rule file", forbidden, "the release adds it")
    check(document, _TYPE, "rule")
    kind = settings["type"]
    if kind == "esql" and "index" in settings:
        raise wrong("an ES|QL rule has no 'index'", "index", "the FROM of its query names the indices")
    check(document, schema.BY_TYPE[kind], "rule")
    if settings.get("index") and settings.get("data_view_id"):
        raise wrong("a rule has either 'index' or 'data_view_id', not both", "data_view_id", "drop one")
    rule = _rule(document)
    _check_stack(rule)
    if rule.look_back_ms // rule.interval_ms > _MOST_RUNS:
        raise wrong(f"one event is seen by more than {_MOST_RUNS:,} runs", "from", "look back less, or run less often")
    if kind == "esql":
        try:
            check_esql(rule.query)
        except QueryError as error:
            raise rule.query_error(error) from None
    return rule


def _rule(document: TomlDocument) -> RuleFile:
    settings = document.data["rule"]
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
        metadata=MappingProxyType(document.data["metadata"]),
        settings=MappingProxyType(settings),
        document=document,
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
