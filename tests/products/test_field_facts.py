"""Facts of log sources that have none, and facts that are wrong."""

from __future__ import annotations

import pytest

from converter.errors import ConfigurationError
from converter.products.core import get_product
from converter.products.field_facts import Facts, load_facts, parse_facts
from converter.readers.log_source import LogSource


def test_unknown_log_source_has_no_facts() -> None:
    facts = load_facts("elastic", LogSource("windows", "process_creation"))
    assert facts == Facts()
    assert not facts
    assert not facts.known
    assert facts.field("event.action") is None


@pytest.mark.parametrize("logsource", [LogSource("../aws", None, "cloudtrail"), LogSource("aws", None, "../../x")])
def test_log_source_of_a_stranger_is_no_path(logsource: LogSource) -> None:
    assert get_product("splunk").mapping_file(logsource) is None


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("fields:\n  a: {typ: keyword}\n", "unknown key 'typ'", 2),
        ("fields:\n  a: {type: keywrd}\n", "fields.a.type must be keyword, text, wildcard, ip,", 2),
        ("fields:\n  a: {single: maybe}\n", "fields.a.single must be true or false", 2),
        ("fields:\n  a: {drops: null_values}\n", "fields.a.drops must be a list", 2),
        (
            "fields:\n  a:\n    assumptions: [{broken_when: {a: b}}]\n",
            "'says' is missing in an item of fields.a.assumptions",
            3,
        ),
        (
            "fields:\n  a:\n    assumptions: [{says: x, broken_when: 1}]\n",
            "broken_when must be a mapping or a list of mappings",
            3,
        ),
        ("fields:\n  a:\n    assumptions: {says: x}\n", "assumptions must be a list", 3),
        ("fields: [a]\n", "fields must be a mapping", 1),
        ("prefixes:\n  a: {}\n", "ends in a dot", 2),
        ("prefixes:\n  a.: {raw: b}\n", "ends in a dot", 2),
        ("filds: {}\n", "unknown key 'filds'", 1),
        ("defaults: {assumptions: []}\n", "unknown key 'assumptions'", 1),
        ("fields: {a: [\n", "not valid YAML", 2),
    ],
)
def test_bad_facts_are_shown_with_their_place(text: str, message: str, line: int) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_facts(text.encode(), "facts.yml")
    assert message in caught.value.message
    assert caught.value.place is not None
    assert (caught.value.place.name, caught.value.place.line) == ("facts.yml", line)
