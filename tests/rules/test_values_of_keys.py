"""Every key of a rule with values of every type and tag of YAML: an error with a place, or queries in every format.

No value may crash the program, and none may become text that is not what the rule says.
"""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from converter.conversion import convert_rules
from converter.errors import InternalError
from converter.harness.target_spec import own_variants
from converter.report.check import Report, RuleResult, TargetResult, check_json
from converter.report.check_text import check_text
from converter.report.layout import as_text
from converter.rules.load import parse_rules
from converter.targets.core.registry import list_targets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from converter.errors import SourceError

BASE = {
    "title": "T",
    "id": "11111111-1111-4111-8111-111111111111",
    "name": "base",
    "status": "test",
    "level": "low",
    "date": "2026-01-01",
    "modified": "2026-01-02",
    "tags": "[attack.t1078]",
    "references": "[https://example.org]",
    "author": "A",
    "description": "D",
    "falsepositives": "[none known]",
    "fields": "[a]",
    "logsource": "{product: windows, category: process_creation}",
    "detection": "{s: {CommandLine: a}, condition: s}",
}
METADATA = (*BASE, "related", "scope", "license", "taxonomy", "sigma-version", "filter", "correlation", "generate", "x")
COUNT = {"type": "event_count", "rules": "[base]", "group-by": "[User]", "timespan": "5m", "condition": "{gte: 3}"}
FILTER = {"rules": "[base]", "s": "{User: c}", "condition": "not s"}
FIELDS = ("CommandLine", "CommandLine|contains|all", "a|re", "a|cidr", "a|exists", "a|gte", "a|base64offset|contains",
          "a|fieldref", "a|expand", "a|minute", "a|windash|contains", "|contains")  # fmt: skip
PLAIN = ("", "~", "true", "0", "-1", "1.5", ".nan", ".inf", "1e400", "0x1F", "1_000", "08", "12:30:45", "2026-01-01",
         "2026-13-45", "2026-01-01T25:00:00Z", "9" * 30, "9" * 5000, "''", "'  '", "=", "<<", "*x")  # fmt: skip
STRINGS = ('"a\\0b"', '"\\ud800"', '"\\ud83d\\ude00"', '"\\x1b[31m"', '"\\u202e"', '"\\uffff"', '"\\x85"', '"a\\nb"',
           "|\n      two\n      lines", "'*/ | delete'", '"{{ 7*7 }}"', "'''x'''", f"'{'x' * 5000}'")  # fmt: skip
LISTS = ("[]", "{}", "[[]]", "[[a]]", "[a, [b]]", "[{a: b}]", "{a: b}", "[~]", "[1, ~, x]", "[.nan]", "[2026-01-01]",
         "[x: y]", f"{'[' * 20}a{']' * 20}", f"{'[' * 70}{']' * 70}", "&a [*a]", "{<<: {a: b}}", "{? [a] : b}",
         "{1: 2}", "{~: 1}", "{a: 1, a: 2}")  # fmt: skip
TAGGED = ("!!timestamp est", '!!timestamp ""', "!!timestamp [a]", "!!timestamp 2026-99-99", "!!binary aGVsbG8=",
          "!!binary x!", "!!set {a, b}", "!!set [a]", "!!omap [a: 1]", "!!omap x", "!!pairs [a: 1]", "!custom x",
          "!!python/name:os.system", "!!python/object/apply:os.system [id]", "!!python/tuple [a]", "!!float .nan",
          "!!float x", "!!int x", '!!int ""', "!!bool x", "!!null x", "!!str 5", "!!str [a]", "!!seq x", "!!map x",
          "!!value =", "!!merge x")  # fmt: skip
VALUES = (*PLAIN, *STRINGS, *LISTS, *TAGGED)

TARGETS = list_targets()
LANGUAGES = {
    "eql",
    "esql",
    "kql",
    "elastic-toml",
    "elastic-toml:rule_type=eql",
    "splunk:savedsearches",
    "splunk:contentctl",
}
VARIANTS = [name for name in own_variants(TARGETS) if str(name) in LANGUAGES]


def rule(values: dict[str, str], **sections: dict[str, str]) -> str:
    lines = [f"{key}: {value}" for key, value in values.items()]
    for section, inner in sections.items():
        lines += [f"{section}:", *(f"  {key}: {value}" for key, value in inner.items())]
    return "\n".join(lines) + "\n"


def other(**sections: dict[str, str]) -> str:
    """Return the base rule, and after it one that refers to it."""
    values = {"title": "Other", "id": "22222222-2222-4222-8222-222222222222"}
    if "filter" in sections:
        values["logsource"] = BASE["logsource"]
    return f"{rule(BASE)}---\n{rule(values, **sections)}"


def check(text: str) -> None:
    """Load and convert a rule, and make every report of it."""
    errors: list[SourceError] = []
    warnings: list[SourceError] = []
    rules = parse_rules(text, "rule.yml", errors.append, warnings.append)
    results = []
    for name in VARIANTS if rules.plans else ():
        failures: list[SourceError] = []
        queries = convert_rules(
            rules, TARGETS[name.name], format=name.format, options=dict(name.options), on_error=failures.append
        )
        assert queries or failures
        assert all(error.place is not None for error in failures)
        bugs = [error.trace for error in failures if isinstance(error, InternalError)]
        assert not bugs
        results.append(TargetResult(str(name), *(queries[:1] or (None, failures[0]))))
        for query in queries:
            assert query.text.encode()
            if name.name == "elastic-toml":
                tomllib.loads(query.text)
            elif name.format == "contentctl":
                yaml.safe_load(query.text)
    for error in (*errors, *warnings):
        assert not isinstance(error, InternalError), error.trace
        assert error.place is not None
        assert error.render()
    report = Report([*errors, *warnings], [RuleResult("base", None, results)])
    assert json.dumps(check_json(report, ok=False))
    assert as_text(check_text(report)).encode()


@pytest.mark.parametrize("key", METADATA)
def test_a_key_of_a_rule(key: str) -> None:
    for value in VALUES:
        check(rule({**BASE, key: value}))


@pytest.mark.parametrize("key", ["product", "category", "service", "definition", "x"])
def test_a_key_of_a_log_source(key: str) -> None:
    plain = {name: value for name, value in BASE.items() if name != "logsource"}
    for value in VALUES:
        check(rule(plain, logsource={"product": "windows", key: value}))


@pytest.mark.parametrize("key", ["s", "condition", "timeframe"])
def test_a_key_of_a_detection(key: str) -> None:
    plain = {name: value for name, value in BASE.items() if name != "detection"}
    for value in VALUES:
        check(rule(plain, detection={"s": "{a: b}", "condition": "s", key: value}))


@pytest.mark.parametrize("field", FIELDS)
def test_a_value_of_a_field(field: str) -> None:
    plain = {name: value for name, value in BASE.items() if name != "detection"}
    for value in VALUES:
        check(rule(plain, detection={"s": f"\n    '{field}': {value}", "condition": "s"}))
        check(rule(plain, detection={"s": f"\n    '{field}':\n    - a\n    - {value}", "condition": "s"}))


@pytest.mark.parametrize("key", [*COUNT, "aliases", "generate", "x"])
def test_a_key_of_a_correlation(key: str) -> None:
    for value in VALUES:
        check(other(correlation={**COUNT, key: value}))


@pytest.mark.parametrize("key", [*FILTER, "x"])
def test_a_key_of_a_filter(key: str) -> None:
    for value in VALUES:
        check(other(filter={**FILTER, key: value}))


@pytest.mark.parametrize("key", ["tags", "references", "falsepositives", "fields", "scope", "related"])
def test_an_item_of_a_list(key: str) -> None:
    for value in VALUES:
        check(rule({**BASE, key: f"\n    - {value}"}))


def json_values() -> st.SearchStrategy[Any]:
    text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    plain = st.none() | st.booleans() | st.integers() | st.floats() | st.dates() | st.datetimes() | st.binary() | text
    return st.recursive(
        plain, lambda inner: st.lists(inner) | st.dictionaries(plain, inner) | st.sets(plain), max_leaves=6
    )


def written() -> Iterator[str]:
    yield from BASE
    yield from ("related", "scope", "license", "taxonomy")


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from([*written()]), json_values(), min_size=1, max_size=4))
def test_any_values_of_any_keys(values: dict[str, Any]) -> None:
    data = {**yaml.safe_load(rule(BASE)), **values}
    check(yaml.safe_dump(data, allow_unicode=True))
