"""ES|QL, EQL and rule files of both, against recorded exchanges: what is asked, and what is made of the answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from converter.errors import QueryError
from converter.live.core import LiveError, LiveProduct, open_live
from converter.targets.core.target import Query, Run, TargetAlert
from converter.verdicts.verdict import Limit, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from converter.targets.core.target import Event

    Record = Callable[..., Any]

pytest.importorskip("elasticsearch")

SECOND = 1_000_000_000
START = 1_767_225_600 * SECOND
EVENTS: Sequence[Event] = [
    {"_id": "a", "user": {"name": "ann"}, "@timestamp": "2026-01-01T00:00:00Z"},
    {"_id": "b", "user": {"name": "bob"}, "@timestamp": "2026-01-01T00:00:01Z"},
]
RULE = """
[metadata]
creation_date = "2026/01/01"
updated_date = "2026/01/01"
maturity = "production"

[rule]
author = ["somebody"]
description = "a rule"
from = "now-6m"
interval = "5m"
language = "{language}"
license = "MIT"
name = "A rule"
risk_score = 47
rule_id = "5f3a4f44-1a53-4b5c-8f3c-3d2d1f0e9a11"
severity = "medium"
type = "{language}"
query = '''
{query}
'''
{more}
"""


def query(language: str, text: str, **more: Any) -> Query:
    return Query("rule", more.pop("target", language), language, text, more.pop("verdict", Verdict("exact")), **more)


def rule(language: str, text: str, **more: Any) -> Query:
    extra = 'index = ["logs-*"]' if language == "eql" else ""
    return query("elastic-toml", RULE.format(language=language, query=text, more=extra), **more)


def run(record: Record, name: str, asked: Query, events: Sequence[Event] = EVENTS) -> Sequence[Run]:
    recording = record(name)
    product: LiveProduct = open_live(f"elasticsearch={recording.url}")
    assert product.version == "9.3.3"
    try:
        return product.run(asked, events)
    finally:
        product.close()


def test_an_esql_query_reads_our_index_alone(record: Record) -> None:
    text = (
        "// FROM nowhere\nfrom logs*, `old` METADATA _id, _index\n"
        '| WHERE user.name LIKE "FROM logs*" OR process.pid > 3'
    ).replace("`old`", '"old"')
    (found,) = run(record, "esql_detection", query("esql", text))
    assert found == Run("", (TargetAlert(None, START + SECOND, START + SECOND, ("b",)),))


def test_an_esql_query_gets_types_for_the_fields_that_it_names(record: Record) -> None:
    recording = record("esql_detection")
    product = open_live(f"elasticsearch={recording.url}")
    text = '// FROM nowhere\nFROM x METADATA _id, _index\n| WHERE user.name LIKE "FROM logs*" OR process.pid > 3'
    product.run(query("esql", text), EVENTS)
    product.close()
    properties = recording.bodies[1]["mappings"]["properties"]
    assert properties["process.pid"] == {"type": "long"}
    assert properties["@timestamp"] == {"type": "date"}
    assert properties["user.name"]["type"] == "keyword"
    assert not {"_id", "_index"} & set(properties)


def test_rows_of_an_esql_aggregation_are_alerts(record: Record) -> None:
    text = (
        "FROM logs METADATA _id | STATS event_count = COUNT(*), first_seen = MIN(@timestamp), "
        "last_seen = MAX(@timestamp) BY user.name | WHERE event_count >= 2"
    )
    limited = Verdict("exact", limit=Limit("one row", 1))
    asked = query("esql", text, group_by=("user.name",), timespan=60, verdict=limited)
    (found,) = run(record, "esql_correlation", asked)
    assert found == Run("", (TargetAlert(("ann",), START, START + SECOND),), full=True)


def test_rows_of_upstreams_esql_are_alerts_of_its_buckets(record: Record) -> None:
    text = (
        "from * metadata _id, _index, _version | eval timebucket=date_trunc(5minutes, @timestamp) "
        "| stats event_count=count() by timebucket, user.name | where event_count >= 2"
    )
    asked = query("esql", text, target="pysigma:esql", group_by=("user.name",), timespan=300)
    (found,) = run(record, "esql_of_upstream", asked)
    assert found.alerts == (TargetAlert(("ann",), START, START + 300 * SECOND),)


def test_an_eql_query_finds_events_in_log_order(record: Record) -> None:
    (found,) = run(record, "eql_events", query("eql", 'any where user.name : "b*"'))
    assert found == Run("", (TargetAlert(None, START + SECOND, START + SECOND, ("b",)),))


def test_an_eql_sequence_is_an_alert_of_its_events(record: Record) -> None:
    text = "sequence by user.name with maxspan=1m [any where true] with runs=2 ![any where false]"
    (found,) = run(record, "eql_sequences", query("eql", text, group_by=("user.name",), timespan=60))
    assert found.alerts == (TargetAlert(("ann",), START, START + SECOND, ("a", "b", "")),)


def test_an_esql_rule_alerts_once_on_an_event_at_every_phase(record: Record) -> None:
    text = (
        'FROM logs-* METADATA _id, _version, _index\n| WHERE user.name == "bob"\n'
        "| KEEP @timestamp, _id, _version, _index"
    )
    found = run(record, "esql_rule", rule("esql", text))
    alert = TargetAlert(None, START + SECOND, START + SECOND, ("b",))
    assert found == tuple(Run(f"{phase} ms", (alert,)) for phase in (1000, 61000, 61001))


def test_an_eql_rule_alerts_on_a_sequence_once_at_every_phase(record: Record) -> None:
    text = 'sequence by user.name with maxspan=1m [any where event.action == "x"] with runs=2'
    found = run(record, "eql_rule", rule("eql", text, group_by=("user.name",), timespan=60))
    alert = TargetAlert(("ann",), START, START + SECOND, ("a", "b"))
    assert found == tuple(Run(f"{phase} ms", (alert,)) for phase in (0, 1000, 60000, 60001, 61000, 61001))


@pytest.mark.parametrize(
    ("name", "language", "text", "message"),
    [
        ("esql_refused", "esql", "FROM x METADATA _id | WHERE user.name == 3", r"second argument of .* must be"),
        ("eql_refused", "eql", "any where a == 1", r"refuses the query: .*Unknown column \[a\]"),
    ],
)
def test_what_the_server_refuses_is_an_error_of_the_query(
    record: Record, name: str, language: str, text: str, message: str
) -> None:
    with pytest.raises(QueryError, match=message):
        run(record, name, query(language, text))


@pytest.mark.parametrize(
    ("name", "language", "text"),
    [
        ("esql_partial", "esql", "FROM x METADATA _id | WHERE true"),
        ("eql_shard_failures", "eql", 'any where user.name : "b*"'),
    ],
)
def test_an_answer_to_a_part_of_the_events_is_none(record: Record, name: str, language: str, text: str) -> None:
    with pytest.raises(LiveError, match="only a part of the events"):
        run(record, name, query(language, text))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('language = "lucene"\ntype = "query"', "Lucene language are not run live"),
        ('language = "kuery"\ntype = "new_terms"', "rules of type new_terms are not run live"),
    ],
)
def test_rules_that_are_not_run_live_are_refused_by_name(record: Record, line: str, message: str) -> None:
    text = (
        RULE.format(language="eql", query="a: b", more="").replace('type = "eql"', "").replace('language = "eql"', line)
    )
    if "new_terms" in line:
        text += (
            '[rule.new_terms]\nfield = "new_terms_fields"\nvalue = ["a"]\n'
            '[[rule.new_terms.history_window_start]]\nfield = "history_window_start"\nvalue = "now-7d"\n'
        )
    with pytest.raises(QueryError, match=message):
        run_nothing(record, query("elastic-toml", text))


def run_nothing(record: Record, asked: Query) -> None:
    """Run a query for which nothing may be asked of the server."""
    product = open_live(f"elasticsearch={record().url}")
    try:
        product.run(asked, EVENTS)
    finally:
        product.close()


def test_an_event_that_says_its_index_is_refused(record: Record) -> None:
    product = open_live(f"elasticsearch={record().url}")
    with pytest.raises(QueryError, match="has an _index"):
        product.run(query("kql", "a: b"), [{"_id": "a", "_index": "x"}])
    product.close()
