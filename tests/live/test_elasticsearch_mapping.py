"""The types that the fields of a replay get."""

from __future__ import annotations

from typing import Any

from converter.live.elasticsearch.mapping import IGNORE_ABOVE, mapping_for, substituted
from converter.products.field_facts import load_facts
from converter.readers.log_source import LogSource

CLOUDTRAIL = load_facts("elastic", LogSource("aws", None, "cloudtrail"))


def types(*events: dict[str, Any], **more: Any) -> dict[str, str]:
    mapping = mapping_for(events, more.pop("facts", None), **more)
    found = {name: one["type"] for name, one in mapping["properties"].items()}
    assert found.pop("@timestamp") == "date", "it has a type in every index of a data stream"
    return found


def test_values_tell_the_type_where_nothing_else_does() -> None:
    events = [
        {"whole": 1, "number": 1, "text": "1", "flag": True, "mixed": 1, "many": [1, "a"], "object": {"a": [{"b": 2}]}},
        {"whole": [2, 3], "number": 1.5, "text": None, "flag": [False], "mixed": True, "none": None},
    ]
    assert types(*events) == {
        "whole": "long",
        "number": "double",
        "text": "keyword",
        "flag": "boolean",
        "mixed": "keyword",
        "many": "keyword",
        "object.a.b": "long",
    }


def test_names_of_ecs_go_before_values_and_facts_before_both() -> None:
    event = {"source": {"port": "443", "ip": "::1"}, "cloud.account.id": 111122223333}
    assert types(event) == {"source.port": "long", "source.ip": "ip", "cloud.account.id": "long"}
    found = types(event, facts=CLOUDTRAIL)
    assert found["cloud.account.id"] == "keyword"
    assert found["aws.cloudtrail.read_only"] == "boolean", "a field that no event has"


def test_the_keys_of_a_flattened_object_have_no_type() -> None:
    event = {"aws": {"cloudtrail": {"flattened": {"request_parameters": {"a": {"b": "c"}}}}}}
    found = mapping_for([event], CLOUDTRAIL)["properties"]
    assert found["aws.cloudtrail.flattened.request_parameters"] == {"type": "flattened", "ignore_above": 8_191}
    assert not [name for name in found if name.startswith("aws.cloudtrail.flattened.request_parameters.")]


def test_the_limits_of_keywords() -> None:
    found = mapping_for([], CLOUDTRAIL)["properties"]
    assert found["user.name"] == {
        "type": "keyword",
        "ignore_above": IGNORE_ABOVE,
        "fields": {"text": {"type": "match_only_text"}},
    }
    assert found["aws.cloudtrail.request_parameters"]["ignore_above"] == 8_191


def test_fields_that_a_query_names_get_a_type_unless_they_are_objects() -> None:
    event = {"user": {"name": "x"}, "text": "y"}
    named = ["user", "user.id", "process.pid", "text.below", "made.up"]
    assert types(event, named=named) == {
        "user.name": "keyword",
        "text": "keyword",
        "user.id": "keyword",
        "process.pid": "long",
        "made.up": "keyword",
    }


def test_our_own_fields_have_types() -> None:
    event = {"sigma_convert.position": 0, "sigma_convert.time": "2026-01-01"}
    assert types(event) == {"sigma_convert.position": "long", "sigma_convert.time": "date"}


def test_a_type_that_the_server_lacks_is_replaced_wherever_it_is() -> None:
    mapping = mapping_for([{"process": {"command_line": "x"}}], None)
    found = substituted(mapping, frozenset({"wildcard", "match_only_text"}))["properties"]["process.command_line"]
    assert found == {"type": "keyword", "fields": {"text": {"type": "text"}}}
