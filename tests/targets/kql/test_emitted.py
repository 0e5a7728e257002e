"""What KQL is emitted for strings and names of fields, and what is refused; every text is run."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from converter.errors import RefusedError
from converter.rules.load import parse_rules
from tests.support.targets import VARIANTS, alerting_events, converted

KQL = next(variant for variant in VARIANTS if variant.name == "kql")
TOML = next(variant for variant in VARIANTS if variant.name == "elastic-toml")

# A field and its modifiers, the value, the KQL, a value that matches, one that does not.
EMITTED = [
    ("f|contains", "cannot be", r"f: *can\u006eot be*", "it cannot be so", "it can not"),
    ("f|contains", "CANNOT BE", r"f: *CAN\u004eOT BE*", "IT CANNOT BE SO", "IT CAN"),
    ("f|contains", "do not go", r"f: *do \u006eot go*", "do not go", "do go"),
    ("f|endswith", "a cannot", r"f: *a can\u006eot", "a cannot", "a cannot b"),
    ("f|contains", "a and b", r"f: *a \u0061nd b*", "a and b", "a b"),
    ("f|endswith", "a or", r"f: *a \u006fr", "x a or", "x a or b"),
    ("f|contains", "and b", "f: *and b*", "x and b", "x b"),
    ("f|contains", "band b", "f: *band b*", "x band b", "x b"),
    ("f|contains", "nothing", "f: *nothing*", "for nothing", "no thing"),
    ("f|startswith", "note", "f: note*", "notes", "no"),
    ("f", "do not go", 'f: "do not go"', "do not go", "do go"),
    ("f", "not", 'f: "not"', "not", "no"),
    ("f|contains", "user add", "f: *user add*", "net user add x", "net user x add"),
    ("f|contains", "o'clock now", "f: *o'clock now*", "o'clock now", "o clock"),
    ("New Value", "x", '"New Value": "x"', "x", "y"),
    ("New Value|contains", "a b", '"New Value": *a b*', "xa bx", "x"),
    ("Some-Odd.Field Name", "x", '"Some-Odd.Field Name": "x"', "x", "y"),
    ('a "quoted" name', "x", r'"a \"quoted\" name": "x"', "x", "y"),
    (r"a\b", "x", r'"a\\b": "x"', "x", "y"),
    ("a:b", "x", '"a:b": "x"', "x", "y"),
    ("a(b)", "x", '"a(b)": "x"', "x", "y"),
    ("a*", "x", '"a*": "x"', "x", "y"),
    ("not", "x", '"not": "x"', "x", "y"),
    ("notes.author", "x", '"notes.author": "x"', "x", "y"),
    ("true", "x", '"true": "x"', "x", "y"),
    ("größe", "x", '"größe": "x"', "x", "y"),
    ("process.command_line|contains", "useradd", "process.command_line: *useradd*", "a useradd", "user add"),
    ("process.command_line", "net user add", 'process.command_line: "net user add"', "net user add", "net user"),
    ("process.command_line|contains", "a\u00a0b", r"process.command_line: *a\u00a0b*", "xa\u00a0b", "a"),
]
# What KQL says of it, and rule files refuse: see targets/elastic_toml/NOTES.md.
ONLY_KQL = {"cannot be", "CANNOT BE", "do not go", "a cannot", "a and b", "a or", "a\u00a0b", "o'clock now"}

REFUSED = [
    ("process.command_line|contains", "user add", "blank"),
    ("process.parent.command_line|startswith", "a b", "blank"),
    ("http.request.body.content|endswith", "a\tb", "blank"),
    ("registry.data.strings|contains", "a\u3000b", "blank"),
    ("f|endswith", "a ", "blank at an end"),
    ("source.ip|startswith", "10.", "wildcard"),
    ("source.ip", "localhost", "string on ip"),
    ("source.ip", "10.0.0.0/8", "string on ip"),
    ("destination.port", "https", "string on long"),
    ("destination.port|contains", "44", "wildcard"),
    ("process.io.max_bytes_per_process_exceeded", "yes", "string on boolean"),
    ("@timestamp", "yesterday", "string"),
]


def rules(field: str, value: str) -> Any:
    detection = {"selection": {field: value}, "condition": "selection"}
    return parse_rules(yaml.safe_dump({"title": "T", "logsource": {"category": "test"}, "detection": detection}))


@pytest.mark.parametrize(("field", "value", "text", "match", "other"), EMITTED)
def test_a_string_as_kql(field: str, value: str, text: str, match: str, other: str) -> None:
    name = field.partition("|")[0]
    for variant in (KQL, TOML):
        query = converted(rules(field, value), variant)
        if variant == TOML and value in ONLY_KQL and "|" in field:
            assert isinstance(query, RefusedError)
            assert query.construct == "pattern beyond detection-rules"
            continue
        assert not isinstance(query, RefusedError), query
        assert (query.text if query.inner is None else query.inner) == text
        assert alerting_events(query, variant, [{name: match}, {name: other}, {"g": match}]) == {"0"}


@pytest.mark.parametrize(("field", "value", "construct"), REFUSED)
def test_what_kql_cannot_say_is_refused(field: str, value: str, construct: str) -> None:
    refusal = converted(rules(field, value), KQL)
    assert isinstance(refusal, RefusedError)
    assert refusal.construct == construct
    assert refusal.place is not None
    assert refusal.place.source_line.strip().startswith("selection:") or field in refusal.place.source_line
