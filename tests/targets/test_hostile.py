"""Rules from strangers: no value, field name, title or regular expression may change the structure of a query.

A hostile text is put into each place of a rule. The emitted query is executed: if the text has stayed in its quotes,
the event that holds it is found and another one is not. A target may refuse a text, by name.
"""

from __future__ import annotations

import re
import tomllib
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from converter.conversion import convert_rules
from converter.errors import RefusedError
from converter.products.core import get_product
from converter.readers.log_source import LogSource
from converter.rules.load import parse_rules
from converter.targets.core.registry import get_target
from converter.targets.elastic_toml.engine.rule import parse as parse_rule_file
from converter.targets.esql.engine.parse import parse as parse_query
from converter.targets.esql.engine.syntax import From
from converter.targets.splunk.saved_search.conf import parse as parse_conf

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from converter.targets.core.target import Query

TARGETS = ("splunk", "esql", "eql", "kql", "elastic-toml")
HOSTILE = [
    'x" OR 1=1 | delete',
    'x") | delete (("',
    "x' OR true",
    "`macro`",
    "$token$",
    "a\\",
    'a\\"',
    "\\\\",
    "[search index=_audit]",
    "| outputlookup x.csv",
    "*",
    "?",
    "a*b?c",
    "\\*",
    "''' \n[rule]\nx = 1",
    '""" \n[metadata]',
    "a\nb",
    "a\r\nb",
    "\t",
    "{{ now }}",
    "a and b or not c",
    "not",
    "NOT",
    "//",
    "/* x */",
    "<xml>&amp;",
    "%placeholder%",
    "null",
    "5",
    "05",
    "10.0.0.0/8",
    "10.0.0.1",
    "true",
    "é ß İ",
    "\u2028",
    "🙂",
    "a:b",
    "(a)",
    "{a}",
    ":",
    '"',
    "'",
    "#",
    "@&<>~",
    "^a$",
    " leading and trailing ",
]
TEXT = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=20)


def escaped(text: str) -> str:
    """Return text as a Sigma value without wildcards."""
    return re.sub(r"(\\+(?=[*?\\]|$)|[*?])", lambda match: "".join(f"\\{char}" for char in match[0]), text)


def convert(
    target: str,
    detection: dict[str, object],
    title: str = "Hostile",
    form: str = "default",
    pipelines: Sequence[str] = (),
) -> Query:
    rule = {
        "title": title,
        "id": "7a2b6a4e-4f0e-4d8e-9d8c-0c3f5f2c9a11",
        "logsource": {"category": "test"},
        "detection": {"selection": detection, "condition": "selection"},
    }
    rules = parse_rules(yaml.safe_dump(rule, allow_unicode=True))
    (query,) = convert_rules(
        rules, get_target(target), pipelines=pipelines, without_pipeline=not pipelines, format=form
    )
    return query


def found(target: str, query: Query, events: list[dict[str, object]]) -> set[str]:
    product = get_target(target).product
    look = get_product(product).view(LogSource(category="test"))
    seen = [
        look({"@timestamp": "2026-01-01T00:00:00Z", "_id": str(number), **event}) for number, event in enumerate(events)
    ]
    runs = get_target(target).replay(query, seen)
    return {name for run in runs for alert in run.alerts for name in alert.events}


def check_value(target: str, text: str) -> None:
    try:
        query = convert(target, {"field": escaped(text)})
    except RefusedError:
        return
    assert found(target, query, [{"field": text}, {"field": f"{text}x"}, {"field": f"x{text}"}, {"other": text}]) == {
        "0"
    }


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("text", HOSTILE, ids=repr)
def test_a_value_stays_a_value(target: str, text: str) -> None:
    check_value(target, text)


@pytest.mark.parametrize("target", TARGETS)
@settings(max_examples=150)
@given(text=TEXT)
@example(text='\\"')
def test_any_value_stays_a_value(target: str, text: str) -> None:
    check_value(target, text)
    check_part(target, text)


def check_part(target: str, text: str) -> None:
    try:
        query = convert(target, {"field|contains": escaped(text)})
    except RefusedError:
        return
    assert found(target, query, [{"field": f"<{text}>"}, {"field": "\u3042"}]) == {"0"}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("text", [*HOSTILE, "a or b", "AND x", "x not"], ids=repr)
def test_a_part_of_a_value_stays_one(target: str, text: str) -> None:
    check_part(target, text)


@pytest.mark.parametrize("target", ["splunk", "esql", "eql"])
@pytest.mark.parametrize("text", HOSTILE, ids=repr)
def test_a_regular_expression_stays_one(target: str, text: str) -> None:
    pattern = "".join(char if char.isalnum() or not char.isascii() else f"\\x{ord(char):02x}" for char in text)
    for written in (pattern, re.escape(text)):
        try:
            query = convert(target, {"field|re": f"^{written}$"})
        except RefusedError:
            continue
        assert found(target, query, [{"field": text}, {"field": f"{text}x"}]) == {"0"}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", [text for text in HOSTILE if "|" not in text and text.strip() == text], ids=repr)
def test_a_field_name_stays_one(target: str, name: str) -> None:
    try:
        query = convert(target, {name: "value"})
    except RefusedError as error:
        assert error.construct  # noqa: PT017  refusing is fine, if it has a name
        return
    assert found(target, query, [{name: "value"}, {name: "other"}, {"field": "value"}]) == {"0"}


@pytest.mark.parametrize("name", ["logs-*", "a,-b", "*:logs-*", "<logs-{now/d}>", "a.b,c:d+e"])
def test_an_index_of_a_pipeline_is_one(tmp_path: Path, name: str) -> None:
    assert from_index(tmp_path, name) == tuple(name.split(","))


@pytest.mark.parametrize("name", HOSTILE, ids=repr)
def test_an_index_of_a_pipeline_stays_one(tmp_path: Path, name: str) -> None:
    with suppress(RefusedError):
        assert from_index(tmp_path, name) == (name,)


@pytest.mark.parametrize(
    "name",
    ["a METADATA b", "Metadata", "a:metadata", "metadata:a", "a,", "a/", "a/,b", "a//b", "a/*b", "a:b:c", "a::b"],
)
def test_an_index_that_would_not_stay_one_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(RefusedError, match="that FROM does not take"):
        from_index(tmp_path, name)


def from_index(folder: Path, name: str) -> tuple[str, ...]:
    change = {"id": "index", "type": "set_state", "key": "index", "val": name}
    pipeline = folder / "index.yml"
    pipeline.write_text(yaml.safe_dump({"name": "index", "priority": 1, "transformations": [change]}), encoding="utf-8")
    query = convert("esql", {"a": 1}, pipelines=[str(pipeline)])
    source = parse_query(query.text).source
    assert isinstance(source, From)
    return source.indices


@pytest.mark.parametrize("target", ["splunk", "esql", "eql"])
@pytest.mark.parametrize("name", [text for text in HOSTILE if text.strip() == text and "*" not in text], ids=repr)
def test_a_field_that_is_referred_to_stays_one(target: str, name: str) -> None:
    try:
        query = convert(target, {"field|fieldref": escaped(name)})
    except RefusedError:
        return
    assert found(target, query, [{"field": "a", name: "a"}, {"field": "a", name: "b"}]) == {"0"}


@pytest.mark.parametrize("text", HOSTILE, ids=repr)
def test_a_title_stays_in_its_stanza(text: str) -> None:
    query = convert("splunk", {"field": "value"}, title=f"{text}]\n[other]\nsearch = | delete\\", form="savedsearches")
    (stanza,) = parse_conf(query.text)
    assert stanza.search == 'field="value"'
    assert "[" not in stanza.name


@pytest.mark.parametrize("text", HOSTILE, ids=repr)
def test_a_title_stays_in_its_key(text: str) -> None:
    query = convert("elastic-toml", {"field": "value"}, title=text)
    loaded = tomllib.loads(query.text)
    assert set(loaded) == {"metadata", "rule"}
    assert loaded["rule"]["type"] == "query"
    assert loaded["rule"]["query"].strip() == 'field: "value"'
    assert parse_rule_file(query.text).name == loaded["rule"]["name"]
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9 ]+[A-Za-z0-9]", text):  # what the format takes is taken as it is
        assert loaded["rule"]["name"] == text
